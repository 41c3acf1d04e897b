"""`lemma doctor`: each thing that could be wrong with the installation, and its cure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.options import JsonOption, ProjectOption, print_json

if TYPE_CHECKING:
    from lean_bridge.doctor import Check


def doctor(
    project: ProjectOption = None,
    quick: Annotated[bool, typer.Option("--quick", help="Do not start Lean to prove a theorem.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look for what could be wrong, and say how to cure it.

    Exits with 1 if something that is needed is missing.

    [bold]Examples[/bold]

        lemma doctor

        lemma doctor --quick --json
    """
    from lean_bridge.doctor import check_installation
    from lean_bridge.toolchain import cache_folder

    checks: list[Check] = []
    looked = check_installation(cache=cache_folder(), project=project, prove=not quick)
    for check in chain(looked, external_checkers(project)):
        checks.append(check)
        if not as_json:
            print_check(check)
    healthy = all(check.ok or not check.required for check in checks)
    if as_json:
        fields = ("name", "ok", "required", "detail", "cure")
        print_json({"ok": healthy, "checks": [{f: getattr(check, f) for f in fields} for check in checks]})
    elif healthy:
        typer.echo("All is well.")
    raise typer.Exit(0 if healthy else 1)


def external_checkers(project: Path | None) -> Iterator[Check]:
    """Which programs `lemma check --replay` asks beside a native Lean."""
    from lean_bridge.doctor import Check
    from lean_bridge.toolchain import native
    from prover.checkers import find_checkers

    lake = native.find_lake()
    found = find_checkers(lake, project or Path.cwd(), own=project is None) if lake is not None else ()
    name = "external checkers"
    if found:
        yield Check(name, ok=True, detail=", ".join(checker.name for checker in found), required=False)
        return
    detail = "none on PATH" if lake is not None else "not used without a native Lean"
    cure = "only needed for opinions of other checkers on proofs: install nanoda or lean4checker beside a native Lean"
    yield Check(name, ok=False, detail=detail, cure=cure, required=False)


def print_check(check: Check) -> None:
    """Prints one finding and, where something is wrong, its cure."""
    mark = "ok     " if check.ok else ("WRONG  " if check.required else "absent ")
    color = typer.colors.GREEN if check.ok else (typer.colors.RED if check.required else typer.colors.YELLOW)
    typer.echo(f"{typer.style(mark, fg=color)} {check.name}: {check.detail}")
    if check.cure:
        typer.echo(f"        cure: {check.cure}")
