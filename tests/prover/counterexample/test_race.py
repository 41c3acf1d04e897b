"""A statement against its negation: the first verdict counts."""

from __future__ import annotations

import pytest

from lean_bridge.errors import InputError
from lean_bridge.pool import LeanPool
from prover.core import Budget
from prover.counterexample.race import race
from prover.engine import Plan, Task

PLAN = Plan(budget=Budget(seconds=30.0))


async def test_a_false_statement_is_refuted_and_not_searched_to_the_end(pool: LeanPool) -> None:
    attempt = await race(pool, Task("it", statement="∀ a b : Nat, a - b + b = a"), plan=PLAN)
    assert attempt.outcome == "refuted"
    assert attempt.seconds < PLAN.budget.seconds
    assert attempt.refutation is not None
    assert attempt.refutation.verdict is not None
    assert attempt.refutation.verdict.accepted
    assert [witness.value for witness in attempt.refutation.witnesses] == ["0", "1"]


async def test_a_true_statement_is_proved(pool: LeanPool) -> None:
    attempt = await race(pool, Task("it", statement="∀ a b : Nat, a ≤ b → a - b + b = b"), plan=PLAN)
    assert attempt.outcome == "proved"
    assert attempt.verdict is not None
    assert attempt.verdict.accepted


async def test_a_vacuous_statement_is_true(pool: LeanPool) -> None:
    attempt = await race(pool, Task("it", statement="∀ n : Nat, n < 3 → 5 < n → n = 17"), plan=PLAN)
    assert attempt.outcome == "proved"


async def test_what_neither_side_can_do_is_told_of_both(pool: LeanPool) -> None:
    goldbach = (
        "∀ n : Nat, 4 ≤ n → n % 2 = 0 → ∃ p q, p + q = n ∧ 2 ≤ p ∧ 2 ≤ q ∧ "
        "(∀ d, d ∣ p → d = 1 ∨ d = p) ∧ ∀ d, d ∣ q → d = 1 ∨ d = q"
    )
    attempt = await race(pool, Task("goldbach", statement=goldbach), plan=Plan(budget=Budget(seconds=2.0)))
    assert attempt.outcome in {"timeout", "failed"}
    assert attempt.refutation is not None
    assert attempt.refutation.outcome in {"open", "undecidable"}


async def test_the_callers_mistake_ends_both_sides(pool: LeanPool) -> None:
    with pytest.raises(InputError):
        await race(pool, Task("it", statement="∀ n : Nat, n +"), plan=PLAN)
    assert (await race(pool, Task("it", statement="1 = 1"), plan=PLAN)).outcome == "proved"
