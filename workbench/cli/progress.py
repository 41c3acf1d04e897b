"""Progress of long work on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


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
