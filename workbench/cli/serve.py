"""`lemma serve`: one language model behind an OpenAI-compatible server."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from random import SystemRandom
from types import FrameType
from typing import Annotated

import typer

from lean_bridge.errors import InputError
from prover.precision import Precision
from workbench.cli.options import JsonOption, print_json
from workbench.settings import serving_token, with_variables

PACKAGES = {"torch": "lm", "transformers": "lm", "fastapi": "serve", "uvicorn": "serve"}
"""What is needed, and the extra that has it."""


class EngineName(StrEnum):
    """What makes the completions."""

    own = "own"
    vllm = "vllm"


def serve(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A folder, or OWNER/NAME on the Hugging Face hub.")],
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8000,
    token_variable: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The environment variable with the token that clients must send."),
    ] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Let other machines in without a token.")] = False,
    engine: Annotated[
        EngineName, typer.Option(help="LemmaForge's own, or vLLM where that is installed.")
    ] = EngineName.own,
    precision: Annotated[
        Precision | None,
        typer.Option(
            metavar="float32|bfloat16",
            help="Of the model's numbers. Own engine.",
            show_default="bfloat16 where the device has instructions for it",
        ),
    ] = None,
    max_rows: Annotated[int, typer.Option(min=1, help="Completions at work at a time.")] = 64,
    max_queue: Annotated[int, typer.Option(min=1, help="Prompts that wait, at most. Own engine.")] = 256,
    max_tokens: Annotated[int, typer.Option(min=1, help="Tokens of a completion, at most. Own engine.")] = 2048,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that a request may take. Own engine.")] = 600.0,
    grace: Annotated[
        float, typer.Option(min=0.0, help="Seconds that running requests get at the end. Own engine.")
    ] = 30.0,
    as_json: JsonOption = False,
) -> None:
    """Serve a causal language model to OpenAI's clients, and to `--generator openai:URL#MODEL`.

    Requests share one running batch: each enters and leaves it between two tokens. SIGTERM or Ctrl-C lets running requests finish
    within --grace and refuses new ones. docs/serving.md has the addresses. Needs the extras `lm` and `serve`.

    [bold]Examples[/bold]

        lemma serve models/first/model

        lemma prove open.lean --generator "openai:http://127.0.0.1:8000/v1#models/first/model?format=plain"

        LEMMA_TOKEN=$(openssl rand -hex 16) lemma serve deepseek-ai/DeepSeek-Prover-V1.5-RL --host 0.0.0.0 --token-variable LEMMA_TOKEN
    """
    token = serving_token(token_variable)
    if engine is EngineName.vllm:
        if as_json:
            raise InputError("--json is for the own engine; vLLM says in its own words where it listens.")
        become_vllm(model, host, port, max_rows, token, open_to_all=insecure)
        return
    require_packages()
    from prover.serve.app import Serving
    from prover.serve.engine import Limits
    from prover.serve.running import Place, drained, listening, load, running

    listener = listening(Place(host, port, insecure), token)
    with listener:
        loaded, words = load(model, precision)
        serving = Serving(model, token, timeout)
        with running(
            loaded, words, listener, serving, Limits(max_rows, max_queue, max_tokens), chance=SystemRandom()
        ) as server:
            with end_asked() as (asked, hurried):
                if as_json:
                    print_json({"url": server.url, "model": model, "pid": os.getpid()})
                else:
                    typer.echo(f"{model} is served at {server.url}; Ctrl-C ends it.")
                asked.wait()
                all_answered = drained(server.service, grace, hurried)
            if not all_answered:
                typer.echo("ended with requests unanswered; --grace gives them longer.", err=True)


def require_packages() -> None:
    """Refuses to begin without the packages that serving needs.

    Raises:
        InputError: one is missing.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        extras = ",".join(sorted({PACKAGES[name] for name in missing}))
        raise InputError(f"`lemma serve` needs {', '.join(missing)}; install with: pip install 'lemmaforge[{extras}]'")


def become_vllm(model: str, host: str, port: int, rows: int, token: str | None, *, open_to_all: bool) -> None:
    """Makes this process vLLM's server.

    Raises:
        InputError: vLLM is not installed.
        BadServing: others than this machine could reach it without a token, or the address cannot be had.
    """
    program = shutil.which("vllm")
    if program is None:
        raise InputError("--engine vllm needs vLLM: pip install vllm (it needs a GPU), or leave --engine out.")
    from prover.serve.running import Place, listening

    listening(Place(host, port, open_to_all), token).close()
    # As a variable: the arguments of a process can be read by all users of the machine.
    variables = with_variables({"VLLM_API_KEY": token} if token else {})
    options = ["--host", host, "--port", str(port), "--max-num-seqs", str(rows)]
    os.execve(program, ["vllm", "serve", model, *options], variables)


@contextmanager
def end_asked() -> Iterator[tuple[threading.Event, threading.Event]]:
    """Meanwhile SIGTERM and SIGINT are noted and raise nothing: the first sets one event, the next the other as well."""
    asked, hurried = threading.Event(), threading.Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            hurried.set()
        asked.set()

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked, hurried
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
