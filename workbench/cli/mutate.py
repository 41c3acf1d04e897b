"""`lemma mutate`: make new theorems out of a traced library, and report what a run made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lean_bridge.errors import InputError
from lean_bridge.mutating import KINDS
from workbench.cli import mutate_report
from workbench.cli.options import (
    STORE,
    HoldoutOption,
    HoldoutShareOption,
    JsonOption,
    LeanOption,
    ParentsArgument,
    ProjectOption,
    StoreOption,
    chosen_toolchain,
    print_json,
)
from workbench.cli.progress import count_shown
from workbench.cli.runs import owner, tell_failures
from workbench.settings import Settings

if TYPE_CHECKING:
    from db.records import Library, Run
    from db.store import Store
    from db.working import UnitReport
    from lean_bridge.toolchain import Toolchain
    from mutation.pipeline import Plan
    from workbench.mutating import Wish

app = typer.Typer(help="Make new theorems out of traced ones, each checked by Lean's kernel.", no_args_is_help=True)
app.command("report")(mutate_report.report)


@app.command()
def run(
    names: ParentsArgument = None,
    store: StoreOption = STORE,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="KIND", help=f"Only this kind of mutation: {', '.join(KINDS)}; repeatable."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Candidates written out for each theorem, at most.")] = 24,
    depth: Annotated[int, typer.Option(min=1, max=8, help="Steps from a theorem of the library.")] = 1,
    branch: Annotated[int, typer.Option(min=1, help="With --depth: mutants of a theorem that are mutated again.")] = 2,
    size: Annotated[int, typer.Option(min=10, help="Larger statements are dropped; nodes of the term.")] = 300,
    heartbeats: Annotated[
        int,
        typer.Option(
            min=1, help="Lean's limit for making, and for writing, a candidate, in thousands; over Mathlib 500 pays."
        ),
    ] = 150,
    seed: Annotated[int, typer.Option(min=0, help="Decides what is tried first, and every random choice.")] = 0,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Mutate so many theorems, drawn with the seed.", show_default="all")
    ] = None,
    holdout: HoldoutOption = None,
    holdout_share: HoldoutShareOption = 0.0,
    seconds: Annotated[float, typer.Option(min=1.0, help="Limit for each theorem.")] = 120.0,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-w", min=1, help="Lean processes.", show_default="as cores and memory allow"),
    ] = None,
    lean: LeanOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Mutate theorems: rewrite them with the lemmas of the library, specialise, contrapose, and so on.

    Every mutant is checked by Lean's kernel, its text is elaborated again and its tactic proof run, and it is stored with its
    lineage. What the store holds already, and what is true of nothing, is dropped and counted. A run that was interrupted is
    taken up by the same command.

    [bold]Examples[/bold]

        lemma trace Init && lemma mutate run Init --limit 8

        lemma mutate run Init.Data.List --kind rw --kind apply --depth 2 --seed 7

        lemma mutate run Init --holdout-share 0.02

        lemma mutate run Mathlib.Order --project mathlib4 --size 1200 --heartbeats 500
    """
    from db.store import Store
    from workbench.mutating import planned

    wish = wish_of(
        names or ["Init"], kind, limit, depth, branch, size, heartbeats, seed, sample, holdout, holdout_share, seconds
    )
    with Store.open(store, create=False) as records:
        plans = planned(records, wish)
        toolchain = chosen_toolchain(lean, project)
        count = workers or Settings.from_environment().workers
        documents = [carry_out(records, toolchain, library, plan, count, store) for library, plan in plans]
    if as_json:
        print_json({"store": store, "runs": documents})


def wish_of(
    names: list[str],
    kind: list[str] | None,
    limit: int,
    depth: int,
    branch: int,
    size: int,
    heartbeats: int,
    seed: int,
    sample: int | None,
    holdout: Path | None,
    share: float,
    seconds: float,
) -> Wish:
    """Puts the options together.

    Raises:
        InputError: a kind does not exist, or the file of held-out theorems cannot be read.
    """
    from lean_bridge.mutating import MutationLimits
    from workbench.mutating import Wish
    from workbench.parents import ParentWish, read_names

    if wrong := [name for name in kind or () if name not in KINDS]:
        raise InputError(f"there is no kind of mutation {wrong[0]!r}; --kind takes {', '.join(KINDS)}.")
    kinds = tuple(name for name in KINDS if kind is None or name in kind)
    limits = MutationLimits(kinds, seed, limit, depth, branch, size, heartbeats)
    parents = ParentWish(tuple(names), sample, read_names(holdout) if holdout else (), share, seed)
    return Wish(parents, limits, seconds)


def carry_out(
    store: Store, toolchain: Toolchain, library: Library, plan: Plan, workers: int, place: str
) -> dict[str, object]:
    """Begins or takes up the run of a plan, shows how it goes, and says what came of it."""
    from mutation.pipeline import Pipeline, begun
    from workbench.parents import at_hand, toolchain_for

    toolchain = toolchain_for(library, toolchain)
    plan = replace(plan, note={**plan.note, **at_hand(library, toolchain)})
    found, resumed = begun(store, plan, library.toolchain, datetime.now(UTC))
    typer.echo(
        f"run {found.id}{' goes on' if resumed else ''}: {len(plan.theorems)} theorems of {library.name}", err=True
    )
    began = time.monotonic()
    with run_shown(store, found, workers) as told:
        pipeline = Pipeline(toolchain, store, found, plan, clock=lambda: datetime.now(UTC), report=told)
        try:
            asyncio.run(pipeline.go(workers, owner()))
        except KeyboardInterrupt:
            kept = store.progress(found.id)
            typer.echo(
                f"interrupted: {kept.ended} of {kept.total} units and {kept.mutants} mutants are kept; the same command goes on.",
                err=True,
            )
            raise
    return outcome(store, found, time.monotonic() - began, workers, place)


def outcome(store: Store, run: Run, seconds: float, workers: int, place: str) -> dict[str, object]:
    """Says what a run made, for people and for machines."""
    progress = store.progress(run.id)
    failures = store.failures(run.id)
    tell_failures(failures)
    typer.echo(
        f"run {run.id}: {progress.mutants} mutants of {progress.theorems} theorems, {progress.duplicates} known already, "
        f"{len(failures)} theorems without a result; {seconds:.0f} s with {workers} processes, kept in {place}",
        err=True,
    )
    return {
        "run": run.id,
        "theorems": progress.theorems,
        "mutants": progress.mutants,
        "duplicates": progress.duplicates,
        "failures": [{"theorem": theorem, "why": why} for theorem, why in failures],
        "seconds": round(seconds, 3),
        "workers": workers,
    }


class _Tally:
    """What the units of this call gave so far."""

    def __init__(self, done: int, mutants: int, workers: int) -> None:
        self.done = done
        self._before = mutants
        self._new = 0
        self._workers = workers
        self._began = time.monotonic()

    def add(self, report: UnitReport) -> None:
        self.done += 1
        self._new += report.stored.new

    def text(self) -> str:
        rate = self._new / max(time.monotonic() - self._began, 1e-9) / self._workers
        return f"{self._before + self._new} mutants, {rate:.1f} a second and process"


@contextmanager
def run_shown(store: Store, run: Run, workers: int) -> Iterator[Callable[[UnitReport], None]]:
    """Shows on standard error how far a run is; what is yielded is to be told of each unit."""
    progress = store.progress(run.id)
    tally = _Tally(progress.ended, progress.mutants, workers)
    with count_shown("mutating", "units", progress.ended, progress.total) as show:

        def told(report: UnitReport) -> None:
            tally.add(report)
            show(tally.done, tally.text())

        yield told
