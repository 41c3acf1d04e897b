"""Tiny models with weights as they are drawn, and a server for them over real HTTP."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from prover.precision import Precision

NEEDED = ("torch", "transformers", "tokenizers", "fastapi", "uvicorn")

CONTEXT = 1024


def pytest_pycollect_makemodule(module_path: Path) -> None:
    """Without the extras `lm` and `serve` no file here can even be imported; the summary says so in one line for each."""
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        cure = "pip install 'lemmaforge[lm,serve]'"
        pytest.skip(f"SERVING IS NOT TESTED: {', '.join(missing)} missing; {cure} ({module_path.name})")


@dataclass(frozen=True)
class Client:
    """Asks a server."""

    http: httpx.Client
    service: Any
    url: str

    def ask(self, path: str = "/completions", **body: Any) -> httpx.Response:
        return self.http.post(path, json=body)

    def choices(self, **body: Any) -> list[Any]:
        answer = self.ask(**body)
        assert answer.status_code == 200, answer.text
        found: list[Any] = answer.json()["choices"]
        return found

    def figure(self, name: str) -> float:
        lines = self.http.get(self.url.removesuffix("/v1") + "/metrics").text.splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(name + " "))


Serve = Callable[..., AbstractContextManager[Client]]


@pytest.fixture(scope="module")
def torch() -> Any:
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(1)
    return torch


@pytest.fixture(scope="module")
def folders(torch: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A Llama with a chat template and a GPT-2 without one."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    pairs = Tokenizer(models.BPE())
    pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pairs.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=270,
        special_tokens=["<eos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pairs.train_from_iterator(["theorem example simp exact"] * 3, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=pairs, eos_token="<eos>")
    ends: dict[str, Any] = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id}
    llama = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=CONTEXT,
            initializer_range=0.3,
            **ends,
        )
    )
    gpt2 = GPT2LMHeadModel(
        GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=2, n_positions=64, **ends)
    )
    found = {}
    for name, model in {"llama": llama, "gpt2": gpt2}.items():
        found[name] = tmp_path_factory.mktemp(name)
        model.save_pretrained(found[name])
        if name == "llama":
            tokenizer.chat_template = (
                "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}[assistant]"
            )
        else:
            tokenizer.chat_template = None
        tokenizer.save_pretrained(found[name])
    return found


@pytest.fixture(scope="module")
def serve(folders: dict[str, Path]) -> Serve:
    """Starts a server: `serve(model, change, limits, token=…, seconds=…, body_bytes=…)`."""
    from prover.serve.app import Serving
    from prover.serve.engine import Limits
    from prover.serve.running import Place, listening, load, running

    @contextmanager
    def started(
        model: str = "llama",
        change: Callable[[Any], None] = lambda model: None,
        limits: Limits | None = None,
        **serving: Any,
    ) -> Iterator[Client]:
        loaded, words = load(str(folders[model]), Precision.float32)
        change(loaded)
        listener = listening(Place(port=0), None)
        with (
            running(loaded, words, listener, Serving(model, **serving), limits or Limits(), chance=Random(0)) as server,
            httpx.Client(base_url=server.url, timeout=60, trust_env=False) as http,
        ):
            yield Client(http, server.service, server.url)

    return started


@pytest.fixture(scope="module")
def llama(serve: Serve) -> Iterator[Client]:
    with serve() as client:
        yield client


@pytest.fixture(scope="module")
def reference(folders: dict[str, Path]) -> tuple[Any, Any]:
    """The Llama and its tokenizer, as transformers has them."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(folders["llama"]).eval(), AutoTokenizer.from_pretrained(
        folders["llama"]
    )
