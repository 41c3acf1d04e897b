"""`lemma tasks`: make counterexample tasks out of a traced library, and report what a run made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from lean_bridge.errors import InputError
from workbench.cli.files import refuse_place, write
from workbench.cli.options import (
    STORE,
    CommandOption,
    HoldoutOption,
    HoldoutShareOption,
    JsonOption,
    LeanOption,
    MarkdownOption,
    ParentsArgument,
    ProjectOption,
    StoreOption,
    chosen_toolchain,
    print_json,
)
from workbench.cli.progress import count_shown
from workbench.cli.runs import chosen_runs, owner, tell_failures
from workbench.settings import Settings

if TYPE_CHECKING:
    from db.records import Run
    from db.store import Store
    from db.working import UnitReport
    from lean_bridge.conjecturing import ConjectureLimits
    from lean_bridge.toolchain import Toolchain
    from prover.counterexample.conjectures import ConjecturePlan
    from workbench.parents import Parents

KINDS = (
    "hypothesis",
    "converse",
    "quantifier",
    "relation",
    "constant",
    "operation",
    "order",
    "off-by-one",
    "variable",
)
"""As `db.records.ChangeKind`, whose module is not needed for a page of help, in the order in which they take turns."""

app = typer.Typer(
    help="Make tasks for provers: statements that are false, and how that is known.", no_args_is_help=True
)


@app.command()
def counterexample(
    names: ParentsArgument = None,
    store: StoreOption = STORE,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="KIND", help=f"Only this kind of change: {', '.join(KINDS)}; repeatable."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Conjectures of each theorem, at most.")] = 6,
    size: Annotated[int, typer.Option(min=10, help="Larger statements are dropped; nodes of the term.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Decides what is tried first, and every random choice.")] = 0,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Take so many theorems, drawn with the seed.", show_default="all")
    ] = None,
    holdout: HoldoutOption = None,
    holdout_share: HoldoutShareOption = 0.0,
    evaluations: Annotated[
        int, typer.Option(min=1, help="Propositions that the search for a counterexample may evaluate.")
    ] = 2_000,
    effort: Annotated[
        float,
        typer.Option(min=0.0, help="Seconds for the prover to prove or refute what is open then; 0 for none."),
    ] = 2.0,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-w", min=1, help="Lean processes.", show_default="as cores and memory allow"),
    ] = None,
    lean: LeanOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make false statements out of true ones, each with a refutation that Lean's kernel accepts.

    One thing in a theorem is changed: a hypothesis dropped, a relation made stricter, a number off by one, and so on. What comes out
    is refuted, or true after all (with its proof), or vacuous, or stays open; all of it is stored with its lineage. What the store or
    the library states already is dropped and counted. A run that was interrupted is taken up by the same command.
    `lemma export counterexample` makes a data set of it, which `lemma bench run` takes.

    [bold]Examples[/bold]

        lemma trace Init && lemma tasks counterexample Init --sample 500 --seed 1

        lemma tasks counterexample Init.Data.List --kind hypothesis --kind converse

        lemma tasks counterexample Init --holdout-share 0.02 && lemma export counterexample --balance
    """
    from db.store import Store
    from lean_bridge.conjecturing import ConjectureLimits
    from workbench.parents import ParentWish, chosen_parents, read_names

    if wrong := [name for name in kind or () if name not in KINDS]:
        raise InputError(f"there is no kind of change {wrong[0]!r}; --kind takes {', '.join(KINDS)}.")
    kinds = tuple(name for name in KINDS if kind is None or name in kind)
    limits = ConjectureLimits(kinds, seed, limit, size, evaluations)
    wish = ParentWish(
        tuple(names or ["Init"]), sample, read_names(holdout) if holdout else (), holdout_share, limits.seed
    )
    with Store.open(store, create=False) as records:
        found = chosen_parents(records, wish)
        toolchain = chosen_toolchain(lean, project)
        count = workers or Settings.from_environment().workers
        documents = [
            asyncio.run(carry_out(records, toolchain, parents, planned(parents, limits, effort), count, store))
            for parents in found
        ]
    if as_json:
        print_json({"store": store, "runs": documents})


def planned(parents: Parents, limits: ConjectureLimits, effort: float) -> ConjecturePlan:
    """The plan for the theorems of a library."""
    from prover.counterexample.conjectures import ConjecturePlan

    library = parents.library
    return ConjecturePlan(
        library.digest,
        library.imports,
        parents.theorems,
        limits,
        parents.holdout,
        effort,
        note={"modules": list(parents.modules)},
    )


async def carry_out(
    store: Store, toolchain: Toolchain, parents: Parents, plan: ConjecturePlan, workers: int, place: str
) -> dict[str, object]:
    """Begins or takes up the run of a plan, shows how it goes, and says what came of it."""
    from lean_bridge.pool import LeanPool
    from mutation.hygiene import held_forms, touched_by_conjecture
    from mutation.pipeline import refuse_other_lean
    from prover.counterexample.conjectures import ConjectureRun, begun
    from workbench.parents import at_hand, toolchain_for

    library = parents.library
    toolchain = toolchain_for(library, toolchain)
    plan = replace(plan, note={**plan.note, **at_hand(library, toolchain)})
    workers = max(1, min(workers, len(plan.units())))
    began = time.monotonic()
    held = frozenset(plan.holdout)
    forms = held_forms(store, library.digest, held)
    async with LeanPool(toolchain, size=workers, spares=0) as pool:
        async with pool.lease() as server:
            refuse_other_lean(library.toolchain, server.hello.toolchain)
        found, resumed = begun(store, plan, library.toolchain, datetime.now(UTC))
        goes_on = " goes on" if resumed else ""
        typer.echo(f"run {found.id}{goes_on}: {len(plan.theorems)} theorems of {library.name}", err=True)
        with run_shown(store, found) as told:
            going = ConjectureRun(
                pool,
                store,
                found,
                plan,
                clock=lambda: datetime.now(UTC),
                refused=lambda conjecture: touched_by_conjecture(conjecture, held, forms),
                report=told,
            )
            try:
                await going.go(workers, owner())
            except asyncio.CancelledError:
                kept = store.progress(found.id)
                said = f"interrupted: {kept.ended} of {kept.total} units and {kept.mutants} conjectures are kept"
                typer.echo(f"{said}; the same command goes on.", err=True)
                raise
    return outcome(store, found, time.monotonic() - began, workers, place)


def outcome(store: Store, run: Run, seconds: float, workers: int, place: str) -> dict[str, object]:
    """Says what a run made, for people and for machines."""
    from db.records import Standing

    progress = store.progress(run.id)
    failures = store.failures(run.id)
    tell_failures(failures)
    counts = dict.fromkeys(Standing, 0)
    for (_, standing), count in store.conjecture_counts(run.id).items():
        counts[standing] += count
    said = ", ".join(f"{count} {standing.value}" for standing, count in counts.items())
    typer.echo(
        f"run {run.id}: {progress.mutants} conjectures of {progress.theorems} theorems: {said}; {progress.duplicates} known already, "
        f"{len(failures)} theorems without a result; {seconds:.0f} s with {workers} processes, kept in {place}",
        err=True,
    )
    typer.echo(f"`lemma tasks report {run.id}` has the rest", err=True)
    return {
        "run": run.id,
        "theorems": progress.theorems,
        "conjectures": progress.mutants,
        **{standing.value: count for standing, count in counts.items()},
        "duplicates": progress.duplicates,
        "failures": [{"theorem": theorem, "why": why} for theorem, why in failures],
        "seconds": round(seconds, 3),
        "workers": workers,
    }


@contextmanager
def run_shown(store: Store, run: Run) -> Iterator[Callable[[UnitReport], None]]:
    """Shows on standard error how far a run is; what is yielded is to be told of each unit."""
    progress = store.progress(run.id)
    done, made = progress.ended, progress.mutants
    with count_shown("conjecturing", "units", done, progress.total) as show:

        def told(report: UnitReport) -> None:
            nonlocal done, made
            done += 1
            made += report.stored.new
            show(done, f"{made} conjectures")

        yield told


@app.command()
def report(
    run: Annotated[
        int | None, typer.Argument(metavar="RUN", min=1, help="The number of a run.", show_default="the latest one")
    ] = None,
    store: StoreOption = STORE,
    markdown: MarkdownOption = None,
    command: CommandOption = "",
    examples: Annotated[int, typer.Option(min=0, help="Conjectures to show of each kind.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Report a run of `lemma tasks counterexample`: what was refuted, kind by kind, what is true, what is open, and how long it took.

    [bold]Examples[/bold]

        lemma tasks report

        lemma tasks report 3 --markdown report.md --json
    """
    from db.store import Store
    from prover.counterexample.conjectures import COMMAND
    from prover.counterexample.report import document, make_report
    from workbench.pages.conjecture_text import markdown as text_of
    from workbench.pages.conjecture_text import terminal

    if command and markdown is None:
        raise InputError("--command is for the head of the Markdown; give --markdown OUT, or leave it out.")
    if markdown is not None:
        refuse_place(markdown)
    with Store.open(store, create=False) as records:
        asked = [] if run is None else [run]
        (number,) = chosen_runs(
            records, COMMAND, asked, store, "run of counterexample tasks", "lemma tasks counterexample"
        )
        found = make_report(records, number, examples=examples)
    if markdown is not None:
        write(markdown, text_of(found, command))
    if as_json:
        print_json(document(found))
    else:
        Console(highlight=False, markup=False, emoji=False).print(terminal(found))
