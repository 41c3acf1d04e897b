"""Progress of long work on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

NOTE_SECONDS = 10.0
"""How often a line says how far counted work is where there is no terminal."""


@contextmanager
def progress_shown() -> Iterator[Callable[[str, float | None], None]]:
    """A function that shows what is being done and which fraction of it is done (None: unknown)."""
    console = Console(stderr=True)
    if console.is_terminal:
        with _bar(console) as show:
            yield show
    else:
        yield _lines(console)


@contextmanager
def _bar(console: Console) -> Iterator[Callable[[str, float | None], None]]:
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        current: dict[str, TaskID] = {}

        def show(what: str, fraction: float | None) -> None:
            if what not in current:
                for name, task in current.items():
                    bar.update(task, total=1.0, completed=1.0, description=name)
                current[what] = bar.add_task(what, total=None)
            bar.update(current[what], total=None if fraction is None else 1.0, completed=fraction or 0.0)

        yield show


def _lines(console: Console) -> Callable[[str, float | None], None]:
    shown: set[str] = set()

    def show(what: str, fraction: float | None) -> None:
        if what not in shown:
            shown.add(what)
            console.print(what, markup=False, highlight=False, soft_wrap=True)

    return show


@contextmanager
def count_shown(
    doing: str, pieces: str, done: int, total: int, first: str = "starting Lean"
) -> Iterator[Callable[[int, str], None]]:
    """Shows how many pieces of a long run are done, and what else is to be said of it.

    Args:
        doing: what is done, in a word, for the bar.
        pieces: what is counted, for the lines.
        done: how many were done before.
        total: how many there are.
        first: what is said until there is more.

    Yields:
        What is to be told after each piece: how many are done, and the rest in words.
    """
    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
            task = bar.add_task(first, total=total, completed=done)
            yield lambda now, words: bar.update(task, completed=now, description=words)
        return
    last = time.monotonic()

    def note(now: int, words: str) -> None:
        nonlocal last
        if time.monotonic() - last >= NOTE_SECONDS:
            last = time.monotonic()
            console.print(f"{now} of {total} {pieces}: {words}", markup=False, soft_wrap=True)

    yield note
