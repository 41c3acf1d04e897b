"""Lean as an environment of search: states survive their process, and a tactic that kills it harms nothing else."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator

import pytest

from lean_bridge.client import Limits
from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import Toolchain
from prover.core import Advanced, Attempt, Position, Rejected
from prover.environment import LeanEnvironment, TacticLimits
from prover.workplace import Task, Workplace

CONJUNCTION = Task("conjunction", statement="∀ a b : Nat, a + b = b + a ∧ a * b = b * a")
ENDLESS = "exact absurd (by decide +kernel : (List.range 30000000).length = 1) (by decide)"
"""The kernel runs through a long list and does not look at the clock."""


@pytest.fixture
async def workplace(pool: LeanPool) -> AsyncIterator[Workplace]:
    async with Workplace(pool, CONJUNCTION) as workplace:
        yield workplace


async def advance(environment: LeanEnvironment, position: Position[int], tactic: str) -> Advanced[int]:
    ((outcome,),) = await environment.run([Attempt(position, (tactic,))])
    assert isinstance(outcome, Advanced), outcome
    return outcome


def first(outcome: Advanced[int], goal: int = 0) -> Position[int]:
    return Position(outcome.state, goal, (outcome.goals[goal],))


async def test_goals_come_with_structure_and_keys(workplace: Workplace) -> None:
    environment = LeanEnvironment(workplace)
    root = await environment.start()
    assert root.goals[0].target.startswith("∀")
    split = await advance(environment, root, "intro a b; constructor")
    assert [goal.target for goal in split.goals] == ["a + b = b + a", "a * b = b * a"]
    assert [(h.name, h.type, h.proof) for h in split.goals[0].hypotheses] == [("a", "Nat", False), ("b", "Nat", False)]
    assert split.goals[0].key != split.goals[1].key


async def test_goals_that_differ_in_names_only_are_not_the_same_word_for_word(workplace: Workplace) -> None:
    environment = LeanEnvironment(workplace)
    root = await environment.start()
    these = await advance(environment, root, "intro a b; constructor")
    those = await advance(environment, root, "intro c d; constructor")
    again = await advance(environment, root, "intro a b; refine ⟨?_, ?_⟩")
    assert these.goals[0].key != those.goals[0].key
    assert these.goals[0].key == again.goals[0].key


async def test_many_tactics_on_many_goals_answer_in_order(workplace: Workplace) -> None:
    environment = LeanEnvironment(workplace)
    split = await advance(environment, await environment.start(), "intro a b; constructor")
    results = await environment.run(
        [
            Attempt(first(split, 1), ("omega", "exact Nat.mul_comm a b", "exact (")),
            Attempt(first(split, 0), ("omega", "skip"), effort=2),
        ]
    )
    kinds = [[r.kind if isinstance(r, Rejected) else len(r.goals) for r in row] for row in results]
    assert kinds == [["tactic", 0, "parse"], [0, 1]]


async def test_lemmas_that_fit_are_found(workplace: Workplace) -> None:
    environment = LeanEnvironment(workplace)
    split = await advance(environment, await environment.start(), "intro a b; constructor")
    premises = await environment.premises(first(split), ["exact"], 10)
    assert any(premise.name == "Nat.add_comm" for premise in premises)
    closed = await environment.run([Attempt(first(split), tuple(premise.tactic for premise in premises))])
    assert any(isinstance(outcome, Advanced) and not outcome.goals for outcome in closed[0])


async def test_states_are_rebuilt_when_their_process_is_killed(toolchain: Toolchain) -> None:
    async with LeanPool(toolchain, size=1, spares=0) as pool, Workplace(pool, CONJUNCTION) as workplace:
        environment = LeanEnvironment(workplace)
        split = await advance(environment, await environment.start(), "intro a b; constructor")
        os.kill(workplace.server.pid, signal.SIGKILL)
        done = await advance(environment, first(split, 1), "exact Nat.mul_comm a b")
        assert done.goals == ()
        assert await environment.premises(first(split), ["exact"], 3)


@pytest.mark.slow
async def test_a_tactic_that_cannot_be_stopped_is_rejected_and_the_others_get_their_answers(
    toolchain: Toolchain,
) -> None:
    limits = Limits(grace=0.5)
    async with LeanPool(toolchain, size=1, spares=1, limits=limits) as pool, Workplace(pool, CONJUNCTION) as workplace:
        environment = LeanEnvironment(workplace, TacticLimits(seconds=1.0))
        split = await advance(environment, await environment.start(), "intro a b; constructor")
        ((good, bad),) = await environment.run([Attempt(first(split), ("exact Nat.add_comm a b", ENDLESS))])
        assert isinstance(good, Advanced)
        assert isinstance(bad, Rejected)
        assert bad.kind in {"crash", "timeout", "heartbeats", "recursion", "tactic"}
        assert (await advance(environment, first(split, 1), "exact Nat.mul_comm a b")).goals == ()


async def test_a_released_state_is_gone_in_lean_as_well(workplace: Workplace) -> None:
    environment = LeanEnvironment(workplace)
    root = await environment.start()
    before = (await workplace.server.stats()).states
    outcome = await advance(environment, root, "intro a b")
    assert (await workplace.server.stats()).states == before + 1
    await environment.release([outcome.state])
    assert (await workplace.server.stats()).states == before
