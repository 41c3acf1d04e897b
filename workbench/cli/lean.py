"""`lemma lean`: install Lean, look at it, run files and build projects with it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.options import JsonOption, LeanOption, ProjectOption, chosen_toolchain, print_json
from workbench.cli.progress import progress_shown
from workbench.settings import LeanKind, Settings

if TYPE_CHECKING:
    from lean_bridge.build import BuildReport
    from lean_bridge.toolchain import Toolchain

app = typer.Typer(help="Install Lean, look at it, run files and build projects with it.", no_args_is_help=True)


@app.command()
def setup(lean: LeanOption = None, project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """Install the embedded Lean, or make a native one ready.

    Does nothing if all is in place. The other commands do it by themselves where they need it.

    [bold]Examples[/bold]

        lemma lean setup

        lemma lean setup --lean native --project my_project
    """
    print_facts(chosen_toolchain(lean or LeanKind.embedded, project), as_json)


@app.command()
def info(lean: LeanOption = None, project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """Show versions, places and sizes of the Lean in use.

    [bold]Examples[/bold]

        lemma lean info

        lemma lean info --json
    """
    print_facts(chosen_toolchain(lean, project), as_json)


@app.command()
def run(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Lean files, run one after the other.")],
    lean: LeanOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Elaborate Lean files, as `lean FILE` does.

    Prints what Lean prints, and exits with 1 if it found an error. Tactics, macros and commands defined in a file work,
    and so does `#eval`.

    [bold]Examples[/bold]

        lemma lean run examples/metaprogram.lean

        lemma lean run --json first.lean second.lean
    """
    from lean_bridge.frontend import run_files

    toolchain = chosen_toolchain(lean, project)
    raise typer.Exit(run_files(toolchain, files, json=as_json, write=lambda text: typer.echo(text, nl=False)))


@app.command()
def build(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that holds the lakefile.")],
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Modules to build at a time.", show_default="as memory allows"),
    ] = None,
    lean: LeanOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build a Lake project with the embedded Lean, without Lake: only what changed, in the order of imports.

    Exits with 1 if a module does not build.

    [bold]Examples[/bold]

        lemma lean build examples/tactic_project

        lemma lean build . --jobs 4 --json
    """
    from lean_bridge.build import build_project

    toolchain = chosen_toolchain(lean, folder)
    with progress_shown() as progress:
        report = build_project(
            folder,
            toolchain,
            workers=jobs or Settings.from_environment().workers,
            progress=progress,
            write=lambda text: typer.echo(text, nl=False, err=as_json),
        )
    print_build(report, as_json)
    raise typer.Exit(0 if report.ok else 1)


@app.command()
def shims(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write them; made if it is not there.")],
    as_json: JsonOption = False,
) -> None:
    """Write commands `lean` and `lake` that run the embedded Lean, for programs that start those.

    With the folder first on PATH, such a program finds a Lean as if elan had installed it. docs/shims.md tells how far that goes.

    [bold]Examples[/bold]

        lemma lean shims ~/.lemma/bin

        PATH=~/.lemma/bin:$PATH lake env lean --run Main.lean
    """
    from lean_bridge.shims import write_shims
    from lean_bridge.toolchain import cache_folder
    from lean_bridge.toolchain.embedded import EmbeddedToolchain

    toolchain = chosen_toolchain(LeanKind.embedded)
    assert isinstance(toolchain, EmbeddedToolchain)
    written = write_shims(folder, toolchain, cache_folder())
    if as_json:
        print_json({"folder": str(written.folder), "prefix": str(written.prefix), "version": written.version})
        return
    typer.echo(f"{written.folder / 'lean'} and {written.folder / 'lake'} are {written.version}")
    typer.echo(f"Put them first: export PATH={shlex.quote(str(written.folder))}:$PATH")


def print_facts(toolchain: Toolchain, as_json: bool) -> None:
    """Prints what is known about a Lean."""
    facts = toolchain.facts()
    if as_json:
        print_json({"backend": toolchain.backend, "facts": {fact.name: fact.value for fact in facts}})
        return
    width = max(len(fact.name) for fact in facts)
    for fact in facts:
        typer.echo(f"{fact.name:<{width}}  {fact.value}")


def print_build(report: BuildReport, as_json: bool) -> None:
    """Prints what was built, what failed, and what could not be built because of that."""
    if as_json:
        print_json(
            {
                "ok": report.ok,
                "built": report.built,
                "up_to_date": report.up_to_date,
                "failed": [{"module": f.module, "file": str(f.file), "messages": f.messages} for f in report.failed],
                "blocked": [{"module": b.module, "by": b.by} for b in report.blocked],
                "seconds": round(report.seconds, 3),
                "output": str(report.output),
            }
        )
        return
    for failed in report.failed:
        typer.echo(f"{failed.module} ({failed.file}) does not build.")
    for blocked in report.blocked:
        typer.echo(f"{blocked.module} was not built: it imports {', '.join(blocked.by)}.")
    counts = f"{len(report.built)} built, {len(report.up_to_date)} up to date, {len(report.failed)} failed"
    typer.echo(f"{counts} in {report.seconds:.1f} s; the result is in {report.output}")
