"""Stores as tracing and mutating leave them, filled with made-up records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from pathlib import Path

from db.records import Conjecture, Harvest, Library, Module, Mutant, Run, TacticStep, Theorem
from db.store import Store
from tests.db.export.samples import library, mutant, premise, project_modules, step, theorem, use

BEGUN = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROJECT = library("proj", root="/home/somebody/proj", imports=("Proj",))
PER_THEOREM = 25


def add_run(
    store: Store,
    lib: Library,
    mutants: Iterable[Mutant],
    *,
    holdout: tuple[str, ...] = (),
    per_unit: int = 100,
    command: str = "mutate",
) -> Run:
    """A finished run with these mutants, `PER_THEOREM` to a parent."""
    return _add(store, lib, list(_units(mutants, per_unit)), holdout, command)


def add_conjectures(
    store: Store, lib: Library, conjectures: Iterable[Conjecture], *, holdout: tuple[str, ...] = ()
) -> Run:
    """A finished run with these conjectures, neighbours with one parent in one harvest."""
    harvests = [
        Harvest(parent, conjectures=tuple(some)) for parent, some in groupby(conjectures, lambda one: one.parent)
    ]
    return _add(store, lib, [harvests], holdout, "conjecture")


def _add(store: Store, lib: Library, units: list[list[Harvest]], holdout: tuple[str, ...], command: str) -> Run:
    store.save_library(lib)
    config = {"seed": 11, "holdout": list(holdout)}
    run = store.start_run(
        command, config, lib.digest, lib.toolchain, [[h.theorem for h in unit] for unit in units], BEGUN
    )
    for harvests in units:
        unit = store.lease(run.id, "tests", BEGUN, 60.0)
        assert unit is not None
        store.finish_unit(unit, harvests)
    store.finish_run(run.id, BEGUN + timedelta(hours=1))
    return store.run(run.id)


def _units(mutants: Iterable[Mutant], per_unit: int) -> Iterator[list[Harvest]]:
    harvests = _harvests(iter(mutants))
    while unit := list(islice(harvests, per_unit)):
        yield unit


def _harvests(mutants: Iterator[Mutant]) -> Iterator[Harvest]:
    while some := tuple(islice(mutants, PER_THEOREM)):
        yield Harvest(some[0].parent, some)


def numbered(start: int, count: int) -> Iterator[Mutant]:
    """Mutants that differ from those of other numbers."""
    return (mutant(number, parent=f"Nat.parent_{number // PER_THEOREM}") for number in range(start, start + count))


def add_project(store: Store, theorems: int = 40, lib: Library = PROJECT) -> None:
    """A traced project: each theorem has premises of its own and shared ones, every fifth no tactics, one no source text, one is a field."""
    store.save_library(lib)
    for at, module in enumerate(project_modules()):
        own = range(at, theorems, 3)
        records = [_theorem(number, module) for number in own]
        steps = [s for number in own if number % 5 for s in _steps(number, module)]
        store.save_module(lib.digest, module, records, [premise(f"p{number}", module.name) for number in own], steps)


def _theorem(number: int, module: Module) -> Theorem:
    code = {7: None, 8: "field_8"}.get(number, "")
    return theorem(
        f"thm_{number}", module=module.name, line=10 * number + 1, constants=("Nat", f"c{number // 4}"), code=code
    )


def _steps(number: int, module: Module) -> Iterator[TacticStep]:
    name = f"thm_{number}"
    tactic = f"rw [p{number // 2}, Nat.add_comm]"
    uses = [use(f"p{number // 2}", tactic), use("Nat.add_comm", tactic, "Init.Core")]
    yield step(name, 0, f"n : Nat\n⊢ n = {number}", tactic, "n : Nat\n⊢ n = n", uses)
    yield step(name, 1, "n : Nat\n⊢ n = n", "· rfl", "no goals")
    yield step(name, 2, "n : Nat\n⊢ n = n", "rfl", "no goals")
    yield step(name, 3, "no goals", "done", "no goals")


def make_store(path: Path, mutants: int = 300) -> Path:
    """A store with a traced project and two runs, over `Init` and over the project; one theorem is held out."""
    with Store.open(path) as store:
        add_project(store)
        add_run(store, library(), numbered(0, mutants))
        add_run(store, PROJECT, numbered(mutants, 100), holdout=("thm_3",))
    return path
