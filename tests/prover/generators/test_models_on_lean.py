"""What a model proposes, run by real Lean and judged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from lean_bridge.pool import LeanPool
from prover.chat import ChatClient, Patience
from prover.core import Budget, Generator
from prover.engine import Plan, ProofAttempt, Task, prove
from prover.generators.combined import CombinedGenerator
from prover.generators.fixed import FixedGenerator
from prover.generators.language import Sampling
from prover.generators.model import ASKINGS, ModelGenerator
from prover.generators.openai import OpenAIModel
from prover.generators.prompts import FORMATS
from tests.fake_model import Answer, fake_model

TASK = Task("swap", declaration="theorem swap (p q : Prop) (h : p ∧ q) : q ∧ p := by sorry")
DEAD = Answer("gone", 500)


async def at_once(seconds: float) -> None:
    """Waits for nothing."""


@asynccontextmanager
async def asked(name: str, respond: Callable[[Any], Answer]) -> AsyncIterator[ModelGenerator]:
    with fake_model(respond) as server:
        patience = Patience(tries=2)
        async with ChatClient(server.url, "m", chance=Random(0), patience=patience, sleep=at_once) as client:
            yield ModelGenerator(OpenAIModel(client), FORMATS[name], Sampling(samples=1), rule="model")


async def attempted(pool: LeanPool, generator: Generator, task: Task = TASK) -> ProofAttempt:
    return await prove(pool, task, plan=Plan(budget=Budget(seconds=30, steps=50)), generator=generator)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("deepseek-prover-v1.5", "  constructor\n  · exact h.2\n  · exact h.1\n```"),
        (
            "goedel-prover-v2",
            "Plan: …\n```lean4\ntheorem swap (p q : Prop) (h : p ∧ q) : q ∧ p := by\n  exact ⟨h.2, h.1⟩\n```",
        ),
        ("plain-proof", " ⟨h.2, h.1⟩"),
    ],
)
async def test_a_whole_proof_that_lean_accepts_is_a_proof(pool: LeanPool, name: str, text: str) -> None:
    async with asked(name, lambda body: Answer(text)) as model:
        attempt = await attempted(pool, model)
    assert attempt.outcome == "proved", (attempt.failure, attempt.search)
    assert attempt.verdict is not None
    assert attempt.verdict.accepted


async def test_of_a_whole_proof_that_fails_the_beginning_is_kept(pool: LeanPool) -> None:
    text = "  constructor\n  · exact h.2\n  · exact h.2\n"
    async with asked("deepseek-prover-v1.5", lambda body: Answer(text)) as model:
        alone = await attempted(pool, model)
        helped = await attempted(pool, CombinedGenerator([model, FixedGenerator(["exact h.1"], cost=5.0)]))
    assert alone.outcome == "failed"
    assert helped.outcome == "proved"


@pytest.mark.parametrize("text", ["  sorry", "  exact False.elim (by native_decide)", "  rfl", ""])
async def test_what_a_model_says_is_no_proof_before_lean_and_the_judge_say_so(pool: LeanPool, text: str) -> None:
    async with asked("deepseek-prover-v1.5", lambda body: Answer(text)) as model:
        attempt = await attempted(pool, model)
    assert (attempt.outcome, attempt.proof) == ("failed", None)
    assert attempt.search is not None
    assert attempt.search.statistics.malformed == (0 if text else ASKINGS)


async def test_a_dead_model_is_an_error_and_not_a_failed_proof(pool: LeanPool) -> None:
    async with asked("plain", lambda body: DEAD) as model:
        attempt = await attempted(pool, model)
    assert attempt.outcome == "error"
    assert attempt.failure is not None
    assert attempt.failure.kind == "ChatFailed"
    assert "status 500: gone" in attempt.failure.message


async def test_a_model_that_dies_in_the_middle_leaves_the_rest_to_the_other_generators(pool: LeanPool) -> None:
    def respond(body: Any) -> Answer:
        return Answer("constructor") if "q ∧ p" in body["prompt"] else DEAD

    async with asked("plain", respond) as model:
        proved = await attempted(pool, CombinedGenerator([model, FixedGenerator(["exact h.1", "exact h.2"])]))
        unproved = await attempted(pool, CombinedGenerator([model, FixedGenerator(["exact h.1"])]))
    assert proved.outcome == "proved"
    assert proved.search is not None
    assert "gone" in proved.search.fault
    assert unproved.outcome == "error"
    assert unproved.failure is not None
    assert (unproved.failure.kind, "gone" in unproved.failure.message) == ("model", True)
