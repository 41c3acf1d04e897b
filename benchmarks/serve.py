"""Tokens a second of the serving engine, against transformers' `generate` called for one request after the other.

    python benchmarks/serve.py [--preset small] [--requests 16 64] [--samples 1] [--tokens 64] [--precision float32] [--json]

The model is made on the spot, with weights as they are drawn, so that nothing ends before its limit of tokens. Both sides get the same
model, prompts, samples and numbers of tokens, in one run, in the engine's own process (HTTP is left out). Prompts have 8 to 128 tokens,
completions `--tokens` / 4 to `--tokens`. Time to the first token is measured from when all requests are put in at the same time.

Without a GPU all seconds are those of the processor, of all threads together, so that what else the machine does counts for nothing;
OMP_NUM_THREADS=1 makes them those of the clock on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from random import Random
from typing import Any

from prover.precision import Precision, usual_precision
from prover.serve.engine import Engine, Limits
from prover.serve.figures import Figures
from prover.serve.requests import Request
from prover.train.presets import PRESETS


class NoWords:
    """A tokenizer for a model without texts."""

    end = None

    def text(self, tokens: Any) -> str:
        """No text."""
        return ""


class FirstTokens(Figures):
    """Keeps the times to the first tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def began(self, prompt_tokens: int, seconds: float) -> None:
        """Notes one."""
        self.seconds.append(seconds)


def made(preset: str, precision: Precision | None) -> Any:
    """A Llama of a preset's size, in the numbers in which it would be served."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    size = PRESETS[preset]
    settings: dict[str, Any] = {
        "vocab_size": size.vocabulary,
        "hidden_size": size.width,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "intermediate_size": size.inner,
        "max_position_embeddings": 2048,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": 0,
    }
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = getattr(torch, precision or usual_precision(device))
    return LlamaForCausalLM(LlamaConfig(**settings)).to(device, dtype).eval()


def asked(number: int, samples: int, tokens: int, vocabulary: int) -> list[Request]:
    """Requests of different lengths."""
    chance = Random(0)
    return [
        Request(
            tuple(chance.randrange(1, vocabulary) for _ in range(chance.randrange(8, 129))),
            samples=samples,
            max_tokens=chance.randrange(tokens // 4, tokens + 1),
            seed=place,
        )
        for place in range(number)
    ]


def clock(model: Any) -> Callable[[], float]:
    """What tells the seconds of a model."""
    return time.perf_counter if model.device.type == "cuda" else time.process_time


def by_generate(model: Any, requests: list[Request]) -> float:
    """Seconds that transformers takes for all of them."""
    import torch

    now = clock(model)
    begun = now()
    for request in requests:
        prompt = torch.tensor([request.tokens], device=model.device)
        output = model.generate(
            input_ids=prompt,
            attention_mask=torch.ones_like(prompt),
            do_sample=True,
            top_k=0,
            num_return_sequences=request.samples,
            max_new_tokens=request.max_tokens,
        )
        assert output.shape[1] == len(request.tokens) + request.max_tokens
    if model.device.type == "cuda":
        torch.cuda.synchronize()
    return now() - begun


def by_engine(model: Any, requests: list[Request], rows: int) -> tuple[float, list[float]]:
    """Seconds that the engine takes for all of them, and those to the first token of each."""
    now, figures, words = clock(model), FirstTokens(), NoWords()
    limits = Limits(rows=rows, queue=len(requests))
    with closing(Engine(model, words, limits, figures, now=now)) as engine:  # type: ignore[arg-type]
        begun = now()
        for future in engine.submit(requests):
            assert future.result()
        return now() - begun, figures.seconds


def main() -> None:
    """Runs both sides and prints what they took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="small")
    parser.add_argument("--requests", type=int, nargs="+", default=[16, 64], help="at the same time")
    parser.add_argument("--samples", type=int, default=1, help="of each request")
    parser.add_argument("--tokens", type=int, default=64, help="of a completion, at most")
    parser.add_argument("--precision", type=Precision, choices=list(Precision), help="default: as lemma serve")
    parser.add_argument("--rows", type=int, default=64, help="completions at work at a time")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    model = made(options.preset, options.precision)
    warm = asked(2, 1, 8, PRESETS[options.preset].vocabulary)
    by_generate(model, warm)
    by_engine(model, warm, 2)
    for number in options.requests:
        requests = asked(number, options.samples, options.tokens, PRESETS[options.preset].vocabulary)
        tokens = sum(request.samples * request.max_tokens for request in requests)
        seconds, firsts = by_engine(model, requests, options.rows)
        slow = by_generate(model, requests)
        found = {
            "device": model.device.type,
            "numbers": str(model.dtype).removeprefix("torch."),
            "requests": number,
            "samples": options.samples,
            "tokens": tokens,
            "engine_tokens_per_second": round(tokens / seconds, 1),
            "generate_tokens_per_second": round(tokens / slow, 1),
            "ratio": round(slow / seconds, 2),
            "first_token_median_seconds": round(statistics.median(firsts), 4),
            "first_token_last_seconds": round(max(firsts), 4),
        }
        print(json.dumps(found) if options.json else "  ".join(f"{key} {value}" for key, value in found.items()))


if __name__ == "__main__":
    main()
