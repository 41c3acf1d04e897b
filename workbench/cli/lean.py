"""`lemma lean`: install Lean, look at it, run files and build projects with it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lean_bridge.errors import InputError
from workbench.cli.options import JsonOption, LeanOption, ProjectOption, chosen_toolchain, print_json
from workbench.cli.progress import progress_shown
from workbench.settings import LeanKind, Settings

if TYPE_CHECKING:
    from lean_bridge.build import BuildReport
    from lean_bridge.toolchain import Toolchain
    from lean_bridge.toolchain.embedded import EmbeddedToolchain
    from lean_bridge.workspace import Scope

BUILDER_GB = 2.3
"""Memory to count for one Lean process that builds: it has 2 GiB at most, and there is the node program beside it."""

_NAMED = 5
"""Modules that are named of those which a failure blocks; all are in the JSON."""

TargetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="MODULE",
        help="This module and what it imports; may be given again.",
        show_default="what the lakefile wants",
    ),
]
PackageOption = Annotated[
    list[str] | None,
    typer.Option(
        "--package",
        metavar="NAME=DIR",
        help="Where a package is that lake-manifest.json does not name, or has elsewhere; may be given again.",
    ),
]
OverlayOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--overlay",
        metavar="DIR",
        help="A folder of modules to take in the place of others (docs/mathlib.md); may be given again.",
    ),
]
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
    targets: TargetOption = None,
    packages: PackageOption = None,
    overlays: OverlayOption = None,
    memory: Annotated[
        float | None,
        typer.Option(metavar="GB", min=2.5, help="Build no more modules at a time than fit into this much memory."),
    ] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going/--stop", help="After a failure, go on with what does not need it, or stop.")
    ] = True,
    lean: LeanOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build a Lake project and its packages with the embedded Lean, without Lake: only what changed, in the order of imports.

    Interrupted, it goes on where it stopped when it is called again. Exits with 1 if a module does not build.

    [bold]Examples[/bold]

        lemma lean build examples/tactic_project

        lemma lean build . --jobs 4 --json

        lemma lean build mathlib4 --target Mathlib.Data.Real.Basic
    """
    from lean_bridge.build import build_project

    toolchain = chosen_toolchain(lean, folder)
    with progress_shown() as progress:
        report = build_project(
            folder,
            toolchain,
            workers=_workers(jobs, memory),
            progress=progress,
            write=lambda text: typer.echo(text, nl=False, err=as_json),
            scope=_scope(targets, packages, overlays),
            keep_going=keep_going,
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


@app.command()
def pack(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that holds the lakefile.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write, a .tar.xz.")],
    targets: TargetOption = None,
    packages: PackageOption = None,
    overlays: OverlayOption = None,
    revision: Annotated[
        str | None,
        typer.Option(metavar="COMMIT", help="The project's source commit.", show_default="what git says"),
    ] = None,
) -> None:
    """Write what `lemma lean build` made as one file, for other machines to install.

    It says which Lean compiled it, from which commits, and has the licences of all packages in it.

    [bold]Examples[/bold]

        lemma lean pack mathlib4 --target Mathlib.Data.Real.Basic --output mathlib.tar.xz
    """
    from lean_bridge.packing import write_pack

    scope = _scope(targets, packages, overlays)
    with progress_shown() as progress:
        made = write_pack(folder, _embedded(folder), output, scope, progress, revision)
    typer.echo(f"{output}: {len(made.modules)} modules, {output.stat().st_size / 1e6:.1f} MB")


@app.command(name="install-pack")
def install_pack(
    source: Annotated[str, typer.Argument(metavar="FILE|URL", help="What `lemma lean pack` wrote.")],
) -> None:
    """Verify a pack of compiled modules and install it: then every file can import them.

    [bold]Examples[/bold]

        lemma lean install-pack mathlib.tar.xz
    """
    from lean_bridge.toolchain import cache_folder
    from lean_bridge.toolchain.packs import install_pack as install

    toolchain = _embedded(None)
    with progress_shown() as progress:
        installed = install(source, cache_folder(), toolchain.key, progress)
    typer.echo(f"{installed.pack.name}: {len(installed.pack.modules)} modules, installed in {installed.folder}")


def _embedded(folder: Path | None) -> EmbeddedToolchain:
    from lean_bridge.toolchain.embedded import EmbeddedToolchain

    toolchain = chosen_toolchain(LeanKind.embedded, folder)
    assert isinstance(toolchain, EmbeddedToolchain)
    return toolchain


def _scope(targets: list[str] | None, packages: list[str] | None, overlays: list[Path] | None) -> Scope:
    from lean_bridge.workspace import Scope

    return Scope(tuple(targets or ()), dict(_package(option) for option in packages or ()), tuple(overlays or ()))


def _workers(jobs: int | None, memory: float | None) -> int:
    """How many modules to build at a time."""
    workers = jobs or Settings.from_environment().workers
    return workers if memory is None else max(1, min(workers, int(memory / BUILDER_GB)))


def _package(option: str) -> tuple[str, Path]:
    name, equals, folder = option.partition("=")
    if not (name and equals and folder):
        raise InputError(f"--package {option}: write NAME=DIR")
    return name, Path(folder)


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
                "left": report.left,
                "overlays": [
                    {"module": o.target, "replaces": o.replaces, "why": o.why, "leaves_out": o.leaves_out}
                    for o in report.overlays
                ],
                "place_holders": [str(file) for file in report.place_holders],
            }
        )
        return
    for overlay in report.overlays:
        what = "took the place of" if overlay.replaces else "stood for the private part of"
        typer.echo(f"{overlay.source.file} {what} {overlay.target}; it leaves out: {overlay.leaves_out}")
    for file in report.place_holders:
        typer.echo(f"{file} is a place-holder: Lake makes this file with other tools.")
    for failed in report.failed:
        waiting = [blocked.module for blocked in report.blocked if failed.module in blocked.by]
        named = ", ".join(waiting[:_NAMED]) + (" and others" if len(waiting) > _NAMED else "")
        wanting = f"; {len(waiting)} modules want it: {named}" if waiting else ""
        typer.echo(f"{failed.module} ({failed.file}) does not build{wanting}.")
    if report.left:
        typer.echo(f"{len(report.left)} modules are left; the next build goes on with them.")
    counts = f"{len(report.built)} built, {len(report.up_to_date)} up to date, {len(report.failed)} failed"
    typer.echo(f"{counts} in {report.seconds:.1f} s; the result is in {report.output}")
