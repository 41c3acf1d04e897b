"""What the commands that make long runs in the store have in common."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import typer

from lean_bridge.errors import InputError

if TYPE_CHECKING:
    from db.store import Store

MOST_FAILURES: Final = 20
"""Theorems without a result that are named; the others are counted."""


def owner() -> str:
    """Names this process in the leases of units."""
    return f"{os.uname().nodename}:{os.getpid()}"


def tell_failures(failures: Sequence[tuple[str, str]]) -> None:
    """Says which theorems have no result, and why."""
    for theorem, why in failures[:MOST_FAILURES]:
        typer.echo(f"no result for {theorem}: {why}", err=True)
    if len(failures) > MOST_FAILURES:
        typer.echo(f"and for {len(failures) - MOST_FAILURES} more", err=True)


def chosen_runs(store: Store, command: str, numbers: Sequence[int], place: str, what: str, cure: str) -> list[int]:
    """The numbers of the runs that are asked for, or of the latest one.

    Args:
        store: holds the runs.
        command: which runs they must be.
        numbers: what is asked for.
        place: the store, as the user calls it.
        what: such a run in words, with `run` among them: `run of a benchmark`.
        cure: the command that makes one.

    Raises:
        InputError: there is none, or not that one.
    """
    runs = [run.id for run in store.runs(command)]
    if not runs:
        raise InputError(f"{place} holds no {what}; make one with `{cure}`.")
    for number in numbers:
        if number not in runs:
            numbered = what.replace("run", f"run {number}", 1)
            raise InputError(f"{place} holds no {numbered}; it has {', '.join(map(str, runs))}.")
    return list(numbers) or runs[-1:]
