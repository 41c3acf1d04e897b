"""`lemma doctor`: each thing that could be wrong with the installation, and its cure."""

from __future__ import annotations

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
    for check in check_installation(cache=cache_folder(), project=project, prove=not quick):
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


def print_check(check: Check) -> None:
    """Prints one finding and, where something is wrong, its cure."""
    mark = "ok     " if check.ok else ("WRONG  " if check.required else "absent ")
    color = typer.colors.GREEN if check.ok else (typer.colors.RED if check.required else typer.colors.YELLOW)
    typer.echo(f"{typer.style(mark, fg=color)} {check.name}: {check.detail}")
    if check.cure:
        typer.echo(f"        cure: {check.cure}")
