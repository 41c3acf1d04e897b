"""What any store must do with libraries and what is traced in them, and with tasks and attempts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from db import testing
from db.errors import UnknownRecord
from db.records import Attempt, Outcome, Task
from db.store import Store

LIBRARY = testing.LIBRARY
NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def test_a_library_comes_back_and_is_stored_once(store: Store) -> None:
    store.save_library(LIBRARY)
    project = replace(LIBRARY, name="rings", digest="2e" * 32, root="/home/me/rings", imports=("Rings", "Std"))
    store.save_library(project)
    store.save_library(LIBRARY)
    assert store.libraries() == (LIBRARY, project)
    assert store.library(project.digest) == project


def test_a_library_that_moved_is_found_where_it_is_now(store: Store) -> None:
    store.save_library(replace(LIBRARY, root="/old"))
    store.save_library(replace(LIBRARY, root="/new"))
    assert store.libraries() == (replace(LIBRARY, root="/new"),)


def test_what_is_of_no_known_library_is_refused(store: Store) -> None:
    with pytest.raises(UnknownRecord, match="no library with the digest abc; trace it first"):
        store.library("abc")
    with pytest.raises(UnknownRecord):
        store.save_module("abc", testing.module(), [])
    with pytest.raises(UnknownRecord):
        store.start_run("mutate", {}, "abc", "4", [["x"]], NOON)
    assert list(store.theorems("abc")) == []


def test_everything_traced_in_a_module_comes_back(store: Store) -> None:
    store.save_library(LIBRARY)
    module = testing.module()
    theorems = [testing.theorem(number, module.name) for number in range(5)]
    premises = [testing.premise(number, module.name) for number in range(3)]
    steps = {theorem: testing.steps(theorem) for theorem in (theorems[3], theorems[1])}
    store.save_module(LIBRARY.digest, module, theorems, premises, [step for some in steps.values() for step in some])
    assert list(store.theorems(LIBRARY.digest)) == theorems
    assert store.theorem_names(LIBRARY.digest) == [theorem.name for theorem in theorems]
    assert list(store.premises(LIBRARY.digest)) == premises
    assert list(store.modules(LIBRARY.digest)) == [module]
    assert list(store.steps(LIBRARY.digest)) == [(theorems[n], steps[theorems[n]]) for n in (1, 3)]


def test_modules_come_in_the_order_of_their_names_whenever_they_were_traced(store: Store) -> None:
    store.save_library(LIBRARY)
    for name in ("b", "B", "a.z", "a"):
        store.save_module(LIBRARY.digest, replace(testing.module(), name=name), [testing.theorem(ord(name[-1]), name)])
    assert [module.name for module in store.modules(LIBRARY.digest)] == ["B", "a", "a.z", "b"]
    assert [theorem.module for theorem in store.theorems(LIBRARY.digest)] == ["B", "a", "a.z", "b"]
    assert [theorem.module for theorem in store.theorems(LIBRARY.digest, modules=["a.z", "B", "none"])] == ["B", "a.z"]
    assert store.theorem_names(LIBRARY.digest, ["a"]) == ["List.erase_length_97"]


def test_a_module_traced_again_replaces_the_old_trace_of_it_alone(store: Store) -> None:
    store.save_library(LIBRARY)
    first, second = testing.module(1), testing.module(2)
    for module, numbers in ((first, range(4)), (second, range(4, 8))):
        theorems = [testing.theorem(number, module.name) for number in numbers]
        store.save_module(
            LIBRARY.digest, module, theorems, [testing.premise(1, module.name)], testing.steps(theorems[0])
        )
    changed = replace(first, digest="ff" * 32)
    store.save_module(LIBRARY.digest, changed, [testing.theorem(9, first.name)])
    assert store.traced_modules(LIBRARY.digest) == {first.name: "ff" * 32, second.name: second.digest}
    assert [theorem.name for theorem in store.theorems(LIBRARY.digest)] == [
        f"List.erase_length_{number}" for number in (9, 4, 5, 6, 7)
    ]
    assert [premise.module for premise in store.premises(LIBRARY.digest)] == [second.name]
    assert [theorem.name for theorem, _ in store.steps(LIBRARY.digest)] == ["List.erase_length_4"]


def test_a_trace_that_contradicts_itself_leaves_the_old_one(store: Store) -> None:
    store.save_library(LIBRARY)
    theorem = testing.theorem(1, testing.module().name)
    store.save_module(LIBRARY.digest, testing.module(), [theorem])
    with pytest.raises(ValueError, match=r"a step of List\.erase_length_2"):
        store.save_module(LIBRARY.digest, testing.module(), [], steps=testing.steps(testing.theorem(2)))
    with pytest.raises(ValueError, match="32 hexadecimal digits"):
        store.save_module(LIBRARY.digest, testing.module(), [replace(theorem, canonical="abcd")])
    assert list(store.theorems(LIBRARY.digest)) == [theorem]


def test_two_versions_of_a_library_keep_apart(store: Store) -> None:
    newer = replace(LIBRARY, digest="2e" * 32)
    for library, numbers in ((LIBRARY, range(2)), (newer, range(1, 4))):
        store.save_library(library)
        store.save_module(
            library.digest, testing.module(), [testing.theorem(n, testing.module().name) for n in numbers]
        )
    assert len(store.theorem_names(LIBRARY.digest)) == 2
    assert len(store.theorem_names(newer.digest)) == 3


def test_theorems_are_streamed_while_others_are_written(store: Store) -> None:
    store.save_library(LIBRARY)
    theorems = [testing.theorem(number, testing.module().name) for number in range(2500)]
    store.save_module(LIBRARY.digest, testing.module(), theorems)
    stream = store.theorems(LIBRARY.digest)
    seen = [next(stream)]
    store.save_module(LIBRARY.digest, testing.module(), [])
    seen.extend(stream)
    assert seen == theorems
    assert list(store.theorems(LIBRARY.digest)) == []


def test_tasks_and_attempts_come_back(store: Store) -> None:
    tasks = [
        Task(f"{n:064x}", f"theorem t{n} : {n} = {n} := sorry", "import Init\n", f"t{n}", "mini") for n in range(3)
    ]
    for task in [*tasks, replace(tasks[0], name="other")]:
        store.save_task(task)
    assert list(store.tasks()) == tasks
    assert list(store.tasks("nowhere")) == []
    assert store.task(tasks[1].digest) == tasks[1]
    with pytest.raises(UnknownRecord, match="no task with the digest abc"):
        store.task("abc")

    store.save_library(LIBRARY)
    run = store.start_run("prove", {"seed": 1}, LIBRARY.digest, LIBRARY.toolchain, [], NOON)
    proved = Attempt(tasks[0].digest, Outcome.proved, NOON, "by rfl", {"axioms": ["propext"], "ms": 1.5}, 0.25, run.id)
    again = replace(proved, made=NOON + timedelta(hours=1), run=None)
    dead = Attempt(tasks[1].digest, Outcome.error, NOON, verdict={"kind": "crash"})
    for attempt in (proved, dead, again):
        store.save_attempt(attempt)
    assert list(store.attempts()) == [proved, dead, again]
    assert list(store.attempts(task=tasks[0].digest)) == [proved, again]
    assert list(store.attempts(run=run.id)) == [proved]
    assert list(store.attempts(outcome=Outcome.error)) == [dead]
    with pytest.raises(UnknownRecord):
        store.save_attempt(replace(dead, task="abc"))


def test_of_each_task_the_shortest_proof_of_the_runs_comes_and_of_these_the_first(store: Store) -> None:
    store.save_library(LIBRARY)
    runs = [store.start_run("bench", {}, LIBRARY.digest, "4", [], NOON).id for _ in range(2)]
    tasks = [Task(str(number), "theorem t : True := by sorry", "import Init\n" * number) for number in range(4)]
    found = [
        (0, 0, Outcome.proved, "by simp"),
        (0, 0, Outcome.proved, "by decide"),
        (0, 0, Outcome.proved, "by rfl;"),
        (0, 1, Outcome.proved, "rfl"),
        (1, 0, Outcome.proved, "by trivial"),
        (1, 0, Outcome.proved, "by trivial"),
        (2, 0, Outcome.refuted, None),
        (3, 1, Outcome.proved, "by omega"),
    ]
    for task in tasks:
        store.save_task(task)
    for task_number, run, outcome, proof in found:
        store.save_attempt(Attempt(str(task_number), outcome, NOON, proof, run=runs[run]))
    assert list(store.shortest_proofs(runs[:1])) == [(tasks[1], "by trivial"), (tasks[0], "by simp")]
    assert list(store.shortest_proofs(runs)) == [(tasks[3], "by omega"), (tasks[1], "by trivial"), (tasks[0], "rfl")]
    assert list(store.shortest_proofs([])) == []
