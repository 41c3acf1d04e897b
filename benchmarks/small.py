"""How fast the small model writes tactics on a processor, against transformers' `generate` with the same weights, states and samples, in one run.

    python benchmarks/small.py MODEL STATES.jsonl [--states 32] [--samples 16] [--searches 1 4 16]

MODEL is a folder as `lemma train` writes it, STATES pairs as `lemma export sft --pairs tactics` does. For each number of searches so many ask
for a state at a time, each for its next one when it has its answer. Both sides draw at temperature 1, until the end token or 64 tokens, and each
gets the same number of threads; what they write differs, so tokens a second are compared. A tactic counts if it has ended.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prover.generators.hf import HuggingFaceModel
from prover.generators.language import LanguageModel, Sampling
from prover.small.model import SmallModel

TOKENS = 64


@dataclass(frozen=True, slots=True)
class Speed:
    """What searches see of a model."""

    tokens: float
    """A second, of completions."""
    tactics: float
    """A second."""
    first: float
    """Median seconds from a question to its tactics."""


async def speed(model: LanguageModel, states: Sequence[str], samples: int, searches: int) -> Speed:
    """Asks for all states, `searches` at a time."""
    waiting, seconds, tokens, tactics = deque(enumerate(states)), [], 0, 0

    async def searching() -> None:
        nonlocal tokens, tactics
        while waiting:
            number, state = waiting.popleft()
            began = time.perf_counter()
            (answer,) = await model.generate([state], Sampling(samples=samples, max_tokens=TOKENS), number)
            seconds.append(time.perf_counter() - began)
            tokens += sum(generation.tokens for generation in answer.generations)
            tactics += sum(generation.finish == "stop" for generation in answer.generations)

    began = time.perf_counter()
    await asyncio.gather(*(searching() for _ in range(searches)))
    took = time.perf_counter() - began
    return Speed(tokens / took, tactics / took, sorted(seconds)[len(seconds) // 2])


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--states", type=int, default=32)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--searches", type=int, nargs="+", default=[1, 4, 16])
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    lines = arguments.pairs.read_text(encoding="utf-8").splitlines()
    states = [json.loads(line)["prompt"] for line in lines[:: max(1, len(lines) // arguments.states)]][
        : arguments.states
    ]
    small, other = SmallModel.load(arguments.model), HuggingFaceModel.load(str(arguments.model))
    print(f"{len(states)} states, {arguments.samples} samples each, one thread")
    print("searches   model           tokens/s   tactics/s   seconds to the tactics of a state")
    for searches in arguments.searches:
        figures = {}
        for name, model in (("small", small), ("transformers", other)):
            asyncio.run(speed(model, states[:2], arguments.samples, 1))
            figures[name] = found = asyncio.run(speed(model, states, arguments.samples, searches))
            print(f"{searches:<10} {name:<14} {found.tokens:>9,.0f}   {found.tactics:>9,.1f}   {found.first:.3f}")
        print(f"{'':<10} {'ratio':<14} {figures['small'].tokens / figures['transformers'].tokens:>9.2f}")
    small.close()
    other.close()


if __name__ == "__main__":
    main()
