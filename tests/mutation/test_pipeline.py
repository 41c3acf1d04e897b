"""Runs over a store: as a command, killed and taken up, with a Lean that dies over one theorem, with a planted leak."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db.records import Library, Module, Mutant, Theorem
from db.store import Store
from lean_bridge import mutating
from lean_bridge.errors import InputError
from lean_bridge.mutating import MutationLimits
from lean_bridge.toolchain import Toolchain
from mutation.errors import Leak, OtherLean
from mutation.pipeline import Pipeline, Plan, begun
from tests.dying import DyingLean
from workbench.mutating import Wish, planned
from workbench.parents import ParentWish, read_names

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
THEOREMS = (
    "Nat.sub_lt_sub_left", "List.length_append", "List.mem_filter", "Nat.le_antisymm", "Nat.succ_ne_zero", "And.comm",
    "List.length_reverse", "Nat.two_pow_pos", "Nat.pos_of_ne_zero", "Int.add_comm", "List.map_map", "Nat.lt_irrefl",
    "Nat.add_left_cancel", "Nat.mul_comm", "Option.map_map", "List.reverse_reverse", "Nat.le_of_lt_succ", "Nat.dvd_trans",
)  # fmt: skip
LIBRARY = Library("Init", "4.28.0-pre 38f3c0c", "d" * 64, ("Init",))
PLAN = Plan(LIBRARY.digest, ("Init",), THEOREMS, MutationLimits(("rw", "symm", "contrapose"), limit=3))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A store that knows the theorems of the plan."""
    path = tmp_path / "lemma.db"
    with Store.open(path) as store:
        store.save_library(LIBRARY)
        known = [Theorem(name, "Init.Some", " : True", f"{i:032x}") for i, name in enumerate(THEOREMS)]
        store.save_module(LIBRARY.digest, Module("Init.Some", "e" * 64), known)
    return path


@pytest.fixture
def store(place: Path) -> Iterator[Store]:
    with Store.open(place) as store:
        yield store


def mutants(path: Path) -> list[Mutant]:
    with Store.open(path) as store:
        return list(store.mutants())


def lemma(store: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "workbench", "mutate", "run", "Init", "--store", str(store), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


OPTIONS = ("--limit", "2", "--kind", "rw", "--kind", "symm", "--workers", "1", "--json")


@pytest.mark.slow
def test_a_run_that_is_killed_is_taken_up_and_gives_what_an_unbroken_one_gives(place: Path, tmp_path: Path) -> None:
    unbroken = tmp_path / "unbroken.db"
    with sqlite3.connect(place) as source, sqlite3.connect(unbroken) as copy:
        source.backup(copy)
    whole = lemma(unbroken, *OPTIONS)
    out, _ = whole.communicate(timeout=300)
    assert whole.returncode == 0
    assert json.loads(out)["runs"][0]["theorems"] == len(THEOREMS)

    broken = lemma(place, *OPTIONS)
    deadline = time.monotonic() + 200
    while not mutants(place) and time.monotonic() < deadline:
        time.sleep(0.2)
    os.killpg(broken.pid, signal.SIGKILL)
    broken.communicate()
    some = mutants(place)
    with closing(sqlite3.connect(place)) as connection:
        # The lease of the process that died would run out in half a minute.
        connection.execute("UPDATE units SET lease_until = 0 WHERE status = 'leased'")
        connection.commit()
    again = lemma(place, *OPTIONS)
    out, said = again.communicate(timeout=300)

    assert again.returncode == 0, said
    assert "goes on" in said
    assert 0 < len(some) < len(mutants(unbroken))
    assert mutants(place) == mutants(unbroken)
    assert json.loads(out)["runs"][0]["run"] == 1


def started(store: Store, toolchain: Toolchain, plan: Plan) -> Pipeline:
    run, _ = begun(store, plan, LIBRARY.toolchain, NOON)
    return Pipeline(toolchain, store, run, plan, clock=lambda: NOON)


@pytest.mark.slow
async def test_the_theorem_over_which_lean_dies_is_named_and_the_others_are_mutated(
    store: Store, toolchain: Toolchain
) -> None:
    plan = replace(PLAN, theorems=THEOREMS[:4])

    finished = await started(store, DyingLean(toolchain, "mutate.run", "List.mem_filter"), plan).go(1, "test")

    assert finished
    ((theorem, why),) = store.failures(1)
    assert theorem == "List.mem_filter"
    assert why.startswith("crash")
    assert {mutant.parent for mutant in store.mutants()} == {
        "Nat.sub_lt_sub_left",
        "List.length_append",
        "Nat.le_antisymm",
    }


async def test_a_library_is_not_mutated_by_another_lean_than_it_was_traced_with(
    store: Store, toolchain: Toolchain
) -> None:
    run, _ = begun(store, PLAN, "4.27.0 0123456", NOON)

    with pytest.raises(OtherLean, match=r"traced with Lean 4\.27\.0 0123456, and this is Lean 4\.28"):
        await Pipeline(toolchain, store, run, PLAN, clock=lambda: NOON).go(1, "test")

    assert store.mutant_count() == 0


async def test_nothing_of_a_unit_with_a_leak_is_stored(
    store: Store, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The index leaves held-out lemmas out by itself; here it is not told of them.
    indexed = mutating.open_index
    monkeypatch.setattr(mutating, "open_index", lambda env, kinds, holdout: indexed(env, kinds))
    plan = replace(PLAN, theorems=THEOREMS[:2], holdout=("Nat.sub_pos_iff_lt", "Append.append_eq_hAppend"))
    plan = replace(plan, limits=MutationLimits(("rw",), limit=20))

    with pytest.raises(Leak, match="is held out"):
        await started(store, toolchain, plan).go(1, "test")

    assert store.mutant_count() == 0


def test_plans_leave_held_out_theorems_out(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "held.txt"
    file.write_text("# of the test set\nAnd.comm\n\nNat.mul_comm # and why\n", encoding="utf-8")
    wish = Wish(ParentWish(("Init.Some",), holdout=read_names(file)), MutationLimits(("rw",)))

    ((_, plan),) = planned(store, wish)

    assert plan.holdout == ("And.comm", "Nat.mul_comm")
    assert set(plan.theorems) == {*THEOREMS} - {"And.comm", "Nat.mul_comm"}
    assert plan.config()["holdout"] == ["And.comm", "Nat.mul_comm"]


def test_a_sample_and_a_share_depend_on_the_seed(store: Store) -> None:
    def theorems(seed: int) -> Sequence[str]:
        wish = Wish(ParentWish(("Init",), sample=6, share=0.2, seed=seed), MutationLimits(("rw",), seed=seed))
        ((_, plan),) = planned(store, wish)
        assert not {*plan.theorems} & {*plan.holdout}
        assert len(plan.holdout) == 4
        return plan.theorems

    assert theorems(1) == theorems(1)
    assert theorems(1) != theorems(2)


@pytest.mark.parametrize(
    ("names", "holdout", "message"),
    [
        (("Std.Data",), (), "Std.Data is not in the store: run `lemma trace Std.Data`"),
        (("Init.Other",), (), "no theorems of Init.Other are in the store"),
        (("Init",), ("No.such",), "No.such, which is to be held out, is no theorem of Init"),
    ],
)
def test_what_cannot_be_mutated_is_said(
    store: Store, names: tuple[str, ...], holdout: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        planned(store, Wish(ParentWish(names, holdout=holdout), MutationLimits(("rw",))))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--kind", "reverse"), "there is no kind of mutation 'reverse'"),
        (("--holdout", "/no/such/file"), "/no/such/file cannot be read"),
    ],
)
def test_bad_options_end_with_2_and_no_traceback(place: Path, arguments: tuple[str, ...], message: str) -> None:
    done = lemma(place, *arguments)
    _, said = done.communicate(timeout=60)

    assert done.returncode == 2
    assert message in said
    assert "Traceback" not in said


def test_a_store_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    done = lemma(tmp_path / "none.db")
    _, said = done.communicate(timeout=60)

    assert done.returncode == 2
    assert "none.db" in said
    assert "Traceback" not in said
