"""From the name of a model to a server that runs, and its end."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from prover.errors import BadServing
from prover.precision import Precision, usual_precision
from prover.serve.engine import Engine, Limits
from prover.serve.figures import Figures
from prover.serve.words import Words

if TYPE_CHECKING:
    from prover.serve.app import Service, Serving

POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server listens.

    Attributes:
        host: a name or an address.
        port: 0: one that is free.
        open_to_all: whether others than this machine may be let in without a token.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    open_to_all: bool = False


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs."""

    url: str
    """What comes before `/completions`."""
    service: Service


def load(name: str, precision: Precision | None = None) -> tuple[Any, Words]:
    """A causal model, on the GPU where there is one, and its tokenizer.

    Args:
        name: a folder, or a repository of the Hugging Face hub.
        precision: of its numbers; as `usual_precision` where none is given.

    Raises:
        BadServing: there is no such model, or it is of another kind.
    """
    import torch
    import transformers

    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = getattr(torch, precision or usual_precision(device))
    try:
        config = transformers.AutoConfig.from_pretrained(name)
        if config.is_encoder_decoder:
            raise BadServing(
                f"{name} has an encoder beside its decoder; only causal models are served. `--generator hf:{name}` of "
                "`lemma prove` runs it in its own process."
            )
        tokenizer = transformers.AutoTokenizer.from_pretrained(name)
        model = transformers.AutoModelForCausalLM.from_pretrained(name, dtype=dtype).to(device).eval()
    except (OSError, ValueError, KeyError) as error:
        line = str(error).strip().partition("\n")[0].rstrip(".")[:300]
        cure = "give the folder of a model, or its name on the Hugging Face hub as OWNER/NAME"
        raise BadServing(f"{name}: no model can be loaded: {line}; {cure}.") from error
    return model, Words(tokenizer)


def listening(place: Place, token: str | None) -> socket.socket:
    """A socket that listens.

    Raises:
        BadServing: others than this machine could reach it without a token, or the address cannot be had.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)[0]
        if token is None and not place.open_to_all and not ipaddress.ip_address(str(address[0])).is_loopback:
            raise BadServing(
                f"--host {place.host} lets other machines in, and no token is asked of them; name the variable that has one with "
                "--token-variable, or add --insecure."
            )
        return socket.create_server(address[:2], family=family)
    except (OSError, UnicodeError) as error:
        cure = "choose others with --host and --port (0 for any that is free)"
        raise BadServing(f"{place.host}:{place.port} cannot be listened at: {error}; {cure}.") from error


@contextmanager
def running(
    model: Any,
    words: Words,
    listener: socket.socket,
    serving: Serving,
    limits: Limits,
    *,
    chance: Random,
    now: Callable[[], float] = time.monotonic,
) -> Iterator[Running]:
    """A server in threads of its own; signals stay the caller's. At the end, what is not finished fails.

    Args:
        model: of transformers, causal.
        words: its tokenizer.
        listener: as of `listening`; it is closed at the end.
        serving: how requests are answered.
        limits: how much is done at a time.
        chance: draws ids, and seeds for requests that bring none.
        now: seconds of a clock that does not jump.

    Raises:
        BadServing: the model cannot be batched, or the server does not start.
    """
    import uvicorn

    from prover.serve.app import Service

    figures = Figures()
    with closing(listener), closing(Engine(model, words, limits, figures, now=now)) as engine:
        service = Service(engine, words, figures, serving, chance)
        config = uvicorn.Config(
            service.app(), lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=5
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="http", daemon=True)
        thread.start()
        while not server.started:
            if not thread.is_alive():
                raise BadServing("the server did not start; its messages are above.")
            time.sleep(POLL_SECONDS)
        try:
            yield Running(f"http://{_written(listener)}/v1", service)
        finally:
            # Before the server's end: it waits for answers, and those who wait for the engine get one now.
            engine.close()
            server.should_exit = True
            thread.join()


def drained(service: Service, seconds: float, hurried: threading.Event) -> bool:
    """Takes no new requests, and waits for those that run.

    Args:
        service: what is to end.
        seconds: to wait at most.
        hurried: ends the waiting.

    Returns:
        Whether all were answered.
    """
    service.draining = True
    end = time.monotonic() + seconds
    while service.running and time.monotonic() < end and not hurried.wait(POLL_SECONDS):
        pass
    return not service.running


def _written(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
