"""Statements that are nearly true, on real Lean: what each kind of change makes of a theorem, and what is found out about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db.records import ChangeKind, Conjecture, Library, Module, Standing, Theorem
from db.store import Store
from lean_bridge.client import LeanServer
from lean_bridge.conjecturing import ConjectureLimits, FoundConjecture, TheoremConjectures, make_conjectures
from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import Toolchain
from mutation.hygiene import touched_by_conjecture
from prover.counterexample.conjectures import ConjecturePlan, ConjectureRun, begun
from prover.judge import Judge, Proof, Statement
from tests.dying import DyingLean

THEOREMS = """
theorem lt_le (a b : Nat) (h : a < b) : a ≤ b := Nat.le_of_lt h
theorem five (n : Nat) (h : 3 < n) : n + 2 > 5 := by omega
theorem difference (a b : Int) : a - b = -(b - a) := by omega
theorem inhabited (l : List Nat) (h : l ≠ []) : ∃ x, x ∈ l := List.exists_mem_of_ne_nil l h
theorem least : ∃ n : Nat, ∀ m, n ≤ m := ⟨0, fun _ => Nat.zero_le _⟩
theorem both (b : Bool) (h : b = true) : (b && true) = true := by simp [h]
theorem taken (l : List Nat) : (l.take 2).length ≤ 2 := by simp [List.length_take]; omega
theorem branch (p : Nat → Prop) [DecidablePred p] (n : Nat) (h : p n) : (if p n then 1 else 0) = 1 := by simp [h]
theorem universes.{u} {α : Type u} (a b : α) (h : a = b) : b = a := h.symm
theorem small (n : Nat) (hn : n < 3) (h : n ≠ 2) : n < 2 := by omega
"""

Make = Callable[..., Awaitable[TheoremConjectures]]
"""Makes conjectures of a theorem: its name, kinds, and limits by name."""


@pytest.fixture(scope="module")
async def make(toolchain: Toolchain) -> AsyncIterator[Make]:
    async with await LeanServer.start(toolchain) as server:
        env = (await server.open_environment(("Init",), THEOREMS)).id

        async def make(theorem: str, *kinds: str, **limits: int) -> TheoremConjectures:
            chosen = ConjectureLimits(kinds, **({"limit": 100} | limits))
            (found,) = await server.ask(make_conjectures(env, [theorem], chosen, seconds=60.0))
            assert found.failure == ""
            return found

        yield make


def standing(found: FoundConjecture) -> str:
    if found.proof is not None:
        return "proved"
    assert found.found is not None
    return found.found.outcome


@dataclass(frozen=True)
class Change:
    """A theorem, a kind of change, one statement that comes of it and what is found out about that."""

    theorem: str
    kind: str
    place: str
    statement: str
    standing: str
    values: tuple[str, ...] = ()


CHANGES = [
    Change("lt_le", "hypothesis", "h", "(a b : Nat) : a ≤ b", "refuted", ("1", "0")),
    Change("lt_le", "converse", "h", "(a b : Nat) (h : a ≤ b) : a < b", "refuted", ("0", "0")),
    Change("lt_le", "relation", "⊢", "(a b : Nat) (h : a < b) : a = b", "refuted", ("0", "1")),
    Change("lt_le", "relation", "⊢", "(a b : Nat) (h : a < b) : a < b", "proved"),
    Change("lt_le", "relation", "h", "(a b : Nat) (h : a ≤ b) : a ≤ b", "proved"),
    Change("lt_le", "order", "h", "(a b : Nat) (h : b < a) : a ≤ b", "refuted", ("1", "0")),
    Change("five", "off-by-one", "h", "(n : Nat) (h : 2 < n) : n + 2 > 5", "refuted", ("3",)),
    Change("five", "off-by-one", "⊢", "(n : Nat) (h : 3 < n) : n + 2 > 6", "refuted", ("4",)),
    Change("five", "constant", "h", "(n : Nat) (h : 5 < n) : n + 2 > 5", "proved"),
    Change("five", "operation", "⊢", "(n : Nat) (h : 3 < n) : n - 2 > 5", "refuted", ("4",)),
    Change("difference", "variable", "⊢", "(a b : Int) : a - b = -(b - b)", "refuted", ("0", "1")),
    Change("difference", "order", "⊢", "(a b : Int) : a - b = -(a - b)", "refuted", ("0", "1")),
    Change("inhabited", "quantifier", "⊢", "(l : List Nat) (h : l ≠ []) (x : Nat) : x ∈ l", "refuted", ("[0]", "1")),
    Change("inhabited", "hypothesis", "h", "(l : List Nat) : ∃ x, x ∈ l", "refuted", ("[]",)),
    Change("least", "quantifier", "⊢", "(n m : Nat) : n ≤ m", "refuted", ("1", "0")),
    Change("both", "constant", "⊢", "(b : Bool) (h : b = true) : (b && false) = true", "refuted", ("true",)),
    Change("both", "operation", "⊢", "(b : Bool) (h : b = true) : (b ^^ true) = true", "refuted", ("true",)),
    Change("taken", "operation", "⊢", "(l : List Nat) : (List.drop 2 l).length ≤ 2", "refuted", ("[0, 1, 2, 3, 4]",)),
    Change("universes", "hypothesis", "h", ".{u} {α : Type u} (a b : α) : b = a", "refuted", ("Nat", "0", "1")),
    Change("small", "hypothesis", "h", "(n : Nat) (hn : n < 3) : n < 2", "refuted", ("2",)),
]


@pytest.mark.parametrize("case", CHANGES, ids=[f"{c.theorem}-{c.kind}-{i}" for i, c in enumerate(CHANGES)])
async def test_each_kind_of_change_makes_its_statements(make: Make, case: Change) -> None:
    found = await make(case.theorem, case.kind)
    made = {" ".join(one.statement.split()): one for one in found.conjectures}
    assert {one.kind for one in made.values()} == {case.kind}
    one = made[case.statement]
    assert one.place == case.place
    assert standing(one) == case.standing
    values = tuple(witness.value for witness in one.found.witnesses) if one.found else ()
    assert values == case.values


async def test_an_instance_that_depends_on_what_is_changed_is_found_anew(make: Make) -> None:
    found = await make("branch", "order", "off-by-one", "constant")
    assert "(if p n then 0 else 1) = 1" in " ".join(one.statement for one in found.conjectures)


async def test_what_is_no_proposition_any_more_and_what_is_too_large_is_counted_and_dropped(make: Make) -> None:
    found = await make("five", "operation", "relation", size=10)
    assert found.conjectures == ()
    assert {(r.stage, r.reason) for r in found.stages.rejects} == {("print", "too large")}


async def test_kinds_take_turns_and_the_seed_decides_within_a_kind(make: Make) -> None:
    few = await make("five", "relation", "constant", "operation", limit=3)
    assert [one.kind for one in few.conjectures] == ["relation", "constant", "operation"]
    again = await make("five", "relation", "constant", "operation", limit=3)
    assert [one.statement for one in few.conjectures] == [one.statement for one in again.conjectures]
    others = [await make("five", "operation", limit=1, seed=seed) for seed in range(6)]
    assert len({one.conjectures[0].statement for one in others}) > 1


async def test_an_unknown_theorem_is_a_failure_of_its_own(toolchain: Toolchain) -> None:
    async with await LeanServer.start(toolchain) as server:
        env = (await server.open_environment(("Init",))).id
        call = make_conjectures(env, ["no_such", "Nat.le_refl"], ConjectureLimits(("relation",)), seconds=60.0)
        missing, known = await server.ask(call)
    assert "no_such" in missing.failure
    assert known.conjectures


# Runs over a store.

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PARENTS = ("Nat.sub_lt_sub_left", "List.length_append", "List.mem_filter", "Nat.le_antisymm", "Nat.add_left_cancel")
LIBRARY = Library("Init", "4.28.0-pre 38f3c0c", "d" * 64, ("Init",))
KINDS = ("hypothesis", "relation", "order")
PLAN = ConjecturePlan(LIBRARY.digest, ("Init",), PARENTS, ConjectureLimits(KINDS, limit=3), effort=0.0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """One that knows the theorems of the plan."""
    with Store.open(tmp_path / "lemma.db") as store:
        store.save_library(LIBRARY)
        known = [Theorem(name, "Init.Some", " : True", f"{i:032x}") for i, name in enumerate(PARENTS)]
        store.save_module(LIBRARY.digest, Module("Init.Some", "e" * 64), known)
        yield store


def started(
    pool: LeanPool,
    store: Store,
    plan: ConjecturePlan,
    refused: Callable[[Conjecture], str | None] = lambda conjecture: None,
) -> ConjectureRun:
    run, _ = begun(store, plan, LIBRARY.toolchain, NOON)
    return ConjectureRun(pool, store, run, plan, clock=lambda: NOON, refused=refused)


def claim_of(conjecture: Conjecture) -> Statement:
    text = conjecture.declaration if conjecture.standing is Standing.proved else conjecture.claim
    return Statement(text, PLAN.header)


async def test_what_a_run_stores_the_judge_accepts_in_another_process(
    pool: LeanPool, store: Store, toolchain: Toolchain
) -> None:
    assert await started(pool, store, PLAN).go(1, "test")
    made = list(store.conjectures())
    settled = [one for one in made if one.standing is not Standing.open]
    assert {one.standing for one in settled} >= {Standing.refuted, Standing.proved}
    assert {one.parent for one in made} == set(PARENTS)
    assert {one.kind for one in made} <= set(map(ChangeKind, KINDS))
    assert all(one.claim and one.witnesses for one in settled if one.standing is Standing.refuted)
    async with LeanPool(toolchain, size=1, spares=0) as other:
        for one in settled:
            assert (await Judge(other).check(claim_of(one), Proof(one.proof))).accepted, one


async def test_equal_plans_give_equal_conjectures(pool: LeanPool, store: Store, tmp_path: Path) -> None:
    with Store.open(tmp_path / "again.db") as again:
        for place in (store, again):
            place.save_library(LIBRARY)
            # So few evaluations that no limit of time ends a search.
            plan = replace(PLAN, theorems=PARENTS[:3], limits=replace(PLAN.limits, evaluations=60))
            assert await started(pool, place, plan).go(1, "test")
        timeless = [[replace(one, seconds=0.0) for one in place.conjectures()] for place in (store, again)]
    assert timeless[0] == timeless[1]
    assert timeless[0]


async def test_what_is_open_is_raced_for_and_takes_the_place_of_what_an_earlier_run_left_open(
    pool: LeanPool, store: Store
) -> None:
    # One evaluation is too few for the search by values.
    limits = ConjectureLimits(("hypothesis",), evaluations=1)
    plan = replace(PLAN, theorems=("Nat.le_antisymm",), limits=limits)
    await started(pool, store, plan).go(1, "test")
    assert [one.standing for one in store.conjectures()] == [Standing.open, Standing.open]
    await started(pool, store, replace(plan, effort=10.0)).go(1, "test")
    assert [one.standing for one in store.conjectures()] == [Standing.refuted, Standing.refuted]
    assert not store.conjecture_count(runs=[1])


async def test_what_touches_a_held_out_theorem_is_not_kept(pool: LeanPool, store: Store) -> None:
    plan = replace(PLAN, theorems=("Nat.le_antisymm",), limits=ConjectureLimits(KINDS, limit=8))
    await started(pool, store, plan, lambda one: touched_by_conjecture(one, {"Nat.le_antisymm"})).go(1, "test")
    assert not store.conjecture_count()
    (rejects,) = [r for r in store.report_counts(1).rejects if r.stage == "holdout"]
    assert rejects.reason == "it comes from Nat.le_antisymm"


async def test_the_theorem_over_which_lean_dies_is_named_and_the_others_are_worked_on(
    store: Store, toolchain: Toolchain
) -> None:
    dying = DyingLean(toolchain, "refute.conjectures", "List.mem_filter")
    plan = replace(PLAN, theorems=PARENTS[1:4], limits=ConjectureLimits(("relation",), limit=1))
    async with LeanPool(dying, size=1, spares=0) as pool:
        assert await started(pool, store, plan).go(1, "test")
    ((theorem, why),) = store.failures(1)
    assert theorem == "List.mem_filter"
    assert why.startswith("crash")
    assert {one.parent for one in store.conjectures()} == {"List.length_append", "Nat.le_antisymm"}
