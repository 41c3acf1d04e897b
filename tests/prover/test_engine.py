"""Whole attempts with real Lean: what is proved, what is not, and what is kept apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lean_bridge.errors import InputError
from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import Toolchain
from prover.core import Budget, Event, GoalClosed, SearchEnded
from prover.engine import Plan, SourceFile, Task, prove
from prover.errors import UnknownTheorem
from prover.generators.fixed import FixedGenerator
from prover.search.invariants import check

SHORT = Plan(budget=Budget(seconds=30))

FILE = """
def double : Nat → Nat
  | 0 => 0
  | n + 1 => double n + 2

theorem double_eq (n : Nat) : double n = 2 * n := by sorry

theorem closed : 1 + 1 = 2 := rfl

namespace Deep
variable (p q : Prop)
theorem swap (h : p ∧ q) : q ∧ p := by
  sorry
end Deep
"""


@pytest.mark.parametrize(
    "statement",
    [
        "∀ a b : Nat, a + b = b + a",
        "∀ p q : Prop, p ∧ q → q ∧ p",
        "∀ p q r : Prop, (p → q) → (q → r) → p → r",
        "∃ n : Nat, n * n = 49",
        "∀ n : Nat, n % 2 = 0 ∨ n % 2 = 1",
        "∀ (α : Type) (xs ys : List α), (xs ++ ys).length = ys.length + xs.length",
        "∀ n : Nat, 3 ∣ n ^ 3 + 2 * n",
        "∀ a b : Nat, a ∣ b → a ∣ b * b",
        "∀ x y : Int, x + y = 10 → x - y = 2 → x = 6 ∧ y = 4",
    ],
)
async def test_the_rules_prove_it(pool: LeanPool, statement: str) -> None:
    attempt = await prove(pool, Task("it", statement=statement), plan=SHORT)
    assert attempt.outcome == "proved", (attempt.failure, attempt.search)
    assert attempt.verdict is not None
    assert attempt.verdict.accepted
    assert attempt.proof is not None
    assert attempt.proof.startswith("by\n  ")
    assert attempt.graph is not None
    check(attempt.graph)


async def test_theorems_of_a_file_are_proved_in_their_place(pool: LeanPool) -> None:
    source = SourceFile(FILE, "two.lean")
    for name in ("double_eq", "Deep.swap"):
        attempt = await prove(pool, Task(name, file=source), plan=SHORT)
        assert attempt.outcome == "proved", (name, attempt.failure, attempt.search)


async def test_a_theorem_that_is_still_open_proves_no_other(pool: LeanPool) -> None:
    text = "theorem hard (f : Nat → Nat) : f 3 = 3 := by sorry\ntheorem same (f : Nat → Nat) : f 3 = 3 := by sorry\n"
    attempt = await prove(pool, Task("same", file=SourceFile(text)), plan=Plan(budget=Budget(steps=80)))
    assert attempt.outcome == "failed"
    assert attempt.proof is None
    assert attempt.graph is not None
    assert not any("hard" in miss.proposal.tactic for node in attempt.graph.nodes for miss in node.misses)


async def test_a_declaration_is_proved_under_its_prelude(pool: LeanPool) -> None:
    task = Task(
        "square", prelude="def sq (n : Nat) := n * n", declaration="theorem square (n : Nat) : sq n = n * n := by sorry"
    )
    assert (await prove(pool, task, plan=SHORT)).outcome == "proved"


async def test_a_proof_can_be_moved_to_the_right(pool: LeanPool) -> None:
    attempt = await prove(pool, Task("it", statement="∀ p q : Prop, p ∧ q → q ∧ p"), plan=SHORT)
    assert attempt.proof is not None
    assert attempt.indented(4).splitlines()[1:] == ["    " + line for line in attempt.proof.splitlines()[1:]]


async def test_a_false_statement_is_never_proved(pool: LeanPool) -> None:
    attempt = await prove(pool, Task("false", statement="∀ n : Nat, n * n ≠ 9"), plan=Plan(budget=Budget(steps=60)))
    assert attempt.outcome == "failed"
    assert attempt.proof is None
    assert attempt.verdict is None


async def test_time_that_runs_out_is_a_timeout(pool: LeanPool) -> None:
    attempt = await prove(pool, Task("hard", statement="∀ n : Nat, n * n ≠ 9"), plan=Plan(budget=Budget(seconds=0.05)))
    assert (attempt.outcome, attempt.failure) == ("timeout", None)


async def test_a_generator_with_nothing_left_to_say_is_a_failure(pool: LeanPool) -> None:
    attempt = await prove(pool, Task("it", statement="1 = 2"), generator=FixedGenerator(["rfl", "omega"]))
    assert attempt.outcome == "failed"
    assert attempt.search is not None
    assert attempt.search.reason == "exhausted"


async def test_a_proof_that_cheats_is_found_out_by_the_judge(pool: LeanPool) -> None:
    task = Task("cheat", prelude="axiom cheat : 1 = 2", statement="2 = 3")
    attempt = await prove(pool, task, generator=FixedGenerator(["exact absurd cheat (by decide)"]))
    assert attempt.search is not None
    assert attempt.search.outcome == "proved"
    assert attempt.outcome == "failed"
    assert attempt.verdict is not None
    assert attempt.verdict.reason == "axiom"


async def test_a_lean_that_is_gone_is_an_error_and_not_a_failure(toolchain: Toolchain) -> None:
    async with LeanPool(toolchain, size=1, spares=0) as pool:
        await pool.close()
        attempt = await prove(pool, Task("it", statement="1 = 1"))
    assert attempt.outcome == "error"
    assert attempt.failure is not None
    assert attempt.failure.kind == "ServerDied"


@pytest.mark.parametrize(
    "task",
    [
        Task("open", statement="∀ n : Nat, n ="),
        Task("unknown name", statement="frob 3 = 4"),
        Task("no proposition", statement="3 + 4"),
        Task("prelude", statement="1 = 1", prelude="def x : Nat := true"),
        Task("module", statement="1 = 1", imports=("No.Such.Module",)),
    ],
    ids=lambda task: task.name,
)
async def test_a_statement_that_does_not_elaborate_is_the_callers_mistake(pool: LeanPool, task: Task) -> None:
    with pytest.raises(InputError, match=task.name):
        await prove(pool, task)


async def test_a_theorem_that_is_not_open_is_named_with_those_that_are(pool: LeanPool) -> None:
    with pytest.raises(
        UnknownTheorem, match=r"two.lean leaves no theorem `closed` open; open theorems: double_eq, Deep.swap"
    ):
        await prove(pool, Task("closed", file=SourceFile(FILE, "two.lean")))


def test_a_task_is_stated_in_one_way() -> None:
    with pytest.raises(ValueError, match="give one of"):
        Task("both", statement="1 = 1", declaration="theorem x : 1 = 1 := by sorry")
    with pytest.raises(ValueError, match="not 0"):
        Task("neither")


async def test_events_of_an_attempt_end_with_the_statistics(pool: LeanPool) -> None:
    events: list[Event] = []
    attempt = await prove(pool, Task("it", statement="∀ p q : Prop, p ∧ q → q ∧ p"), listen=events.append)
    assert attempt.search is not None
    assert isinstance(events[-1], SearchEnded)
    assert events[-1].statistics == attempt.search.statistics
    assert any(isinstance(event, GoalClosed) and event.node == 0 for event in events)


async def test_a_proof_may_be_asked_to_do_without_a_theorem(pool: LeanPool) -> None:
    theorem = "theorem Nat.add_comm.restated (n m : Nat) : n + m = m + n := by sorry"
    allowed = await prove(pool, Task("free", declaration=theorem), generator=FixedGenerator(["exact Nat.add_comm n m"]))
    assert allowed.outcome == "proved"
    task = Task("bound", declaration=theorem, without=frozenset({"Nat.add_comm"}))
    attempt = await prove(pool, task, generator=FixedGenerator(["exact Nat.add_comm n m"]))
    assert attempt.outcome == "failed"
    assert attempt.graph is not None
    assert [miss.kind for miss in attempt.graph.node(attempt.graph.root).misses] == ["forbidden"]
    other = await prove(pool, task, generator=FixedGenerator(["simp [Nat.add_comm]", "omega"]))
    assert other.outcome == "proved"
    assert other.verdict is not None
    assert "Nat.add_comm" not in other.verdict.constants


async def test_a_theorem_is_not_smuggled_in_through_an_auxiliary_one(pool: LeanPool) -> None:
    theorem = "theorem Nat.add_comm.restated (n m : Nat) : n + m = m + n := by sorry"
    task = Task("bound", declaration=theorem, without=frozenset({"Nat.add_comm"}))
    hidden = "exact id (by as_aux_lemma => exact Nat.add_comm n m)"
    attempt = await prove(pool, task, generator=FixedGenerator([hidden, "omega"]))
    assert attempt.outcome == "proved"
    assert attempt.graph is not None
    assert [miss.kind for miss in attempt.graph.node(attempt.graph.root).misses] == ["forbidden"]
    assert (
        await prove(pool, replace(task, without=frozenset()), generator=FixedGenerator([hidden]))
    ).outcome == "proved"


async def test_premises_that_a_task_goes_without_are_not_proposed(pool: LeanPool) -> None:
    declaration = "theorem Nat.le_antisymm.restated {n m : Nat} (h₁ : n ≤ m) (h₂ : m ≤ n) : n = m := by sorry"
    task = Task("it", declaration=declaration, without=frozenset({"Nat.le_antisymm"}))
    attempt = await prove(pool, task, plan=Plan(budget=Budget(steps=60)))
    assert attempt.graph is not None
    tried = [m.proposal.tactic for node in attempt.graph.nodes for m in node.misses]
    tried += [edge.proposal.tactic for edge in attempt.graph.edges]
    assert not any("Nat.le_antisymm" in tactic and "Nat.le_antisymm_iff" not in tactic for tactic in tried)
