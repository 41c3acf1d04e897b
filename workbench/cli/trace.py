"""`lemma trace`: read a library or a project into the store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lean_bridge.errors import InputError
from workbench.cli.options import (
    STORE,
    DriverOption,
    JsonOption,
    LeanOption,
    ProjectOption,
    StoreOption,
    chosen_toolchain,
    embedded_toolchain,
    print_json,
)
from workbench.cli.progress import progress_shown
from workbench.settings import DriverKind, LeanKind, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.store import Store
    from lean_bridge.toolchain import Toolchain
    from workbench.tracing import TraceReport

FAILURES_SHOWN = 20
"""How many failed modules are listed on a terminal."""

PROJECT_FILES = ("lakefile.toml", "lakefile.lean", "lean-toolchain")
"""A folder that holds one of these is a project."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What to trace: modules by name, projects by folder."""

    modules: tuple[str, ...]
    projects: tuple[Path, ...]


def trace(
    targets: Annotated[
        list[str],
        typer.Argument(metavar="MODULE|DIR...", help="Modules, each with all below it, or folders of Lean projects."),
    ],
    store: StoreOption = STORE,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-w", min=1, help="Modules at a time.", show_default="as cores and memory allow"),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            metavar="MODULE",
            help="Of the projects, only this module and those below it; may be given again.",
            show_default="what the lakefile wants",
        ),
    ] = None,
    driver: DriverOption = DriverKind.server,
    lean: LeanOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read theorems into the store: those of a library, or of a Lean project with its tactic proofs.

    Of a library, known by the name of its modules, come names, statements and the constants in them. Of a project, known by
    its folder, come the sources too: declarations with their places, and each tactic proof step by step, as goals before,
    tactic, goals after and the premises in it. The embedded Lean builds what is not built yet; with a native one, run `lake
    build` before.

    What is stored and has not changed since is left alone, so a run that was stopped goes on where it was. Exits with 1 if
    Lean found errors in a module, and with 3 if Lean failed over one; the other modules are stored all the same.

    [bold]Examples[/bold]

        lemma trace Init.Data.List Std

        lemma trace examples/algebra_project --store algebra.db

        lemma trace Mathlib.Order --project mathlib4

        lemma trace mathlib4 --target Mathlib.Order.Lattice --target Mathlib.Algebra.Order

        lemma trace examples/algebra_project --driver leandojo
    """
    chosen = sorted_targets(targets)
    if driver is DriverKind.leandojo and chosen.modules:
        raise InputError(f"{chosen.modules[0]}: LeanDojo traces projects; name the folder of one.")
    if only and (driver is DriverKind.leandojo or not chosen.projects):
        raise InputError("--target is for the folders of projects that our own server traces.")
    number = workers or Settings.from_environment().workers
    reports: list[TraceReport] = []
    from db.store import Store

    with Store.open(store) as records:
        if chosen.modules:
            reports += asyncio.run(trace_modules(chosen.modules, chosen_toolchain(lean, project), records, number))
        for folder in chosen.projects:
            if driver is DriverKind.leandojo:
                reports.append(trace_with_leandojo(folder, lean, records))
            else:
                reports.append(trace_project(folder, lean, records, number, tuple(only or ())))
    print_reports(reports, store, as_json)
    raise typer.Exit(exit_code(reports))


def sorted_targets(targets: Sequence[str]) -> Targets:
    """Tells folders from modules.

    Raises:
        InputError: one is neither the name of a module nor a folder.
    """
    modules: list[str] = []
    projects: list[Path] = []
    for target in targets:
        path = Path(target)
        looks_like_a_path = "/" in target or target in (".", "..")
        if path.is_dir() and (looks_like_a_path or any((path / name).exists() for name in PROJECT_FILES)):
            projects.append(path)
        elif looks_like_a_path or not all(part.strip() for part in target.split(".")) or target.endswith(".lean"):
            raise InputError(
                f"{target} is neither a folder nor a module: name modules as `Init.Data.List`, and projects by their folder."
            )
        else:
            modules.append(target)
    return Targets(tuple(modules), tuple(projects))


async def trace_modules(names: Sequence[str], toolchain: Toolchain, store: Store, workers: int) -> list[TraceReport]:
    """Traces modules that come compiled.

    Raises:
        RequestFailed: there is no such module.
    """
    from lean_bridge.pool import LeanPool
    from workbench.tracing import library_plans, trace

    with progress_shown() as progress:
        progress("starting Lean", None)
        async with LeanPool(toolchain, workers, 0) as pool:
            async with pool.lease() as server:
                plans = await library_plans(server, names)
            return [await trace(plan, pool, store, workers=workers, progress=progress) for plan in plans]


def trace_project(
    folder: Path, lean: LeanKind | None, store: Store, workers: int, only: tuple[str, ...]
) -> TraceReport:
    """Builds a project where that is up to us, and traces it, or some of its modules.

    Raises:
        InputError: it is no project, or has no such modules.
    """
    from workbench.projects import built_project
    from workbench.projects import trace_project as traced

    toolchain = chosen_toolchain(lean, folder)
    with progress_shown() as progress:
        built = built_project(folder, toolchain, workers=workers, progress=progress, targets=only)
        return asyncio.run(traced(built, store, workers=workers, progress=progress))


def trace_with_leandojo(folder: Path, lean: LeanKind | None, store: Store) -> TraceReport:
    """Has LeanDojo trace a project.

    Raises:
        InputError: it is no project, or one that LeanDojo cannot follow.
    """
    from workbench.dojo import trace_with_leandojo as traced

    embedded = embedded_toolchain(lean, folder)
    with progress_shown() as progress:
        return asyncio.run(traced(folder, embedded, store, progress))


def exit_code(reports: Sequence[TraceReport]) -> int:
    """0 if every module is in the store; 3 if Lean failed over one; 1 if it only found errors."""
    failures = [failure for report in reports for failure in report.failed]
    if any(failure.crashed for failure in failures):
        return 3
    return 1 if failures else 0


def print_reports(reports: Sequence[TraceReport], store: str, as_json: bool) -> None:
    """Prints what was traced and what was not."""
    if as_json:
        print_json({"store": store, "libraries": [document(report) for report in reports]})
        return
    for report in reports:
        for failure in report.failed[:FAILURES_SHOWN]:
            typer.echo(f"{failure.module} is not traced: {failure.message.rstrip()}")
        if len(report.failed) > FAILURES_SHOWN:
            typer.echo(f"and {len(report.failed) - FAILURES_SHOWN} modules more are not traced")
        if report.unprinted:
            typer.echo(
                f"{len(report.unprinted)} theorems left out, as Lean cannot print them: {report.unprinted[0]}, …"
            )
        modules = f"{len(report.traced)} modules traced, {len(report.unchanged)} unchanged, {len(report.failed)} failed"
        found = f"{report.theorems} theorems, {report.steps} tactic steps"
        typer.echo(f"{report.library.name}: {modules}; {found} in {report.seconds:.1f} s; kept in {store}")


def document(report: TraceReport) -> dict[str, object]:
    """A report for machines."""
    return {
        "name": report.library.name,
        "digest": report.library.digest,
        "toolchain": report.library.toolchain,
        "traced": report.traced,
        "unchanged": report.unchanged,
        "failed": [{"module": f.module, "message": f.message, "crashed": f.crashed} for f in report.failed],
        "theorems": report.theorems,
        "steps": report.steps,
        "unprinted": report.unprinted,
        "seconds": round(report.seconds, 3),
    }
