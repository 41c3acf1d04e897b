"""What search calls a proof is one: scripts that were found goal by goal, in trees, are replayed as a whole and judged."""

from __future__ import annotations

import itertools
import random

import pytest

from lean_bridge.pool import LeanPool
from prover.core import Budget
from prover.engine import Plan, Task, prove
from prover.generators.rulebook import Rule, logic
from prover.generators.rules import RulesGenerator
from prover.search.algorithms import ALGORITHMS

ATOMS = ("p", "q", "r")
GOALS = 6
CLOSING = Rule("assumption", 0.1, lambda view: ("assumption", "contradiction"), final=True)


def formula(rng: random.Random, depth: int) -> str:
    """A random formula over the atoms."""
    if depth == 0 or rng.random() < 0.1:
        return rng.choice(ATOMS)
    symbol = rng.choice(["∧", "∨", "→", "→", "↔", "¬"])
    if symbol == "¬":
        return f"(¬{formula(rng, depth - 1)})"
    return f"({formula(rng, depth - 1)} {symbol} {formula(rng, depth - 1)})"


def holds(text: str) -> bool:
    """Whether a formula is true under all valuations."""
    python = text.replace("∧", "and").replace("∨", "or").replace("¬", "not ").replace("↔", "==").replace("→", "<=")
    return all(
        eval(python, dict(zip(ATOMS, values, strict=True))) for values in itertools.product([False, True], repeat=3)
    )


@pytest.mark.parametrize("name", list(ALGORITHMS))
async def test_every_script_that_is_found_is_accepted_as_a_whole(pool: LeanPool, name: str) -> None:
    rng = random.Random(7)
    generator = RulesGenerator([CLOSING, *logic.RULES], (), ())
    plan = Plan(ALGORITHMS[name], Budget(seconds=60, steps=150, nodes=100), seed=5)
    found = 0
    for _ in range(GOALS):
        text = formula(rng, 3)
        attempt = await prove(pool, Task(text, statement=f"∀ p q r : Prop, {text}"), plan=plan, generator=generator)
        assert attempt.outcome in {"proved", "failed", "timeout"}, (text, attempt.failure)
        assert attempt.search is not None
        assert (attempt.search.script is not None) == (attempt.outcome == "proved"), (text, attempt.verdict)
        if attempt.outcome == "proved":
            assert holds(text)
            assert attempt.verdict is not None
            assert attempt.verdict.accepted
            found += "\n" in (attempt.search.script or "")
    assert found >= 1
