"""Proves many problems at a time, and writes proofs into a copy of their file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from lean_bridge.client import LeanServer
from lean_bridge.errors import InputError
from lean_bridge.pool import LeanPool
from prover.core import Event, Generator
from prover.counterexample.race import race
from prover.engine import Driver, Plan, ProofAttempt, prove
from workbench.problems import LeanFile, Problem, describe

R = TypeVar("R")


class Watcher(Protocol):
    """Follows the work, for a display."""

    def started(self, problem: Problem) -> None:
        """The search for this problem's proof begins."""
        ...

    def happened(self, problem: Problem, event: Event) -> None:
        """Something happened in the search."""
        ...

    def ended(self, problem: Problem, attempt: ProofAttempt) -> None:
        """This problem is done with."""
        ...


async def prove_all(
    pool: LeanPool,
    problems: Sequence[Problem],
    *,
    workers: int,
    plan: Plan,
    generator: Generator,
    watcher: Watcher,
    racing: bool = False,
    driver: Driver | None = None,
) -> list[ProofAttempt]:
    """Tries to prove each problem as `plan` says, at most `workers` at a time; when `racing`, also to refute it.

    With a `driver` the tactics of the searches run where it says; it is not for races.

    Returns:
        One attempt a problem, in the order of the problems.

    Raises:
        InputError: a statement does not elaborate.
    """

    async def attempt(problem: Problem) -> ProofAttempt:
        watcher.started(problem)

        def listen(event: Event) -> None:
            watcher.happened(problem, event)

        if racing:
            result = await race(pool, problem.task, plan=plan, generator=generator, listen=listen)
        else:
            result = await prove(pool, problem.task, plan=plan, generator=generator, driver=driver, listen=listen)
        watcher.ended(problem, result)
        return result

    return await side_by_side(problems, workers, attempt)


async def side_by_side(
    problems: Sequence[Problem], workers: int, attempt: Callable[[Problem], Awaitable[R]]
) -> list[R]:
    """Makes an attempt at each problem, at most `workers` at a time, and returns what they gave, in the order of the problems.

    Raises:
        InputError: an attempt raised it; the others are given up.
    """
    free = asyncio.Semaphore(workers)

    async def one(problem: Problem) -> R:
        async with free:
            return await attempt(problem)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(problem)) for problem in problems]
    except ExceptionGroup as group:
        # Not `except*`: what is raised in one comes out in a group again, in some releases of Python.
        raise next((e for e in group.exceptions if isinstance(e, InputError)), group) from None
    return [task.result() for task in tasks]


def with_proofs(file: LeanFile, problems: Sequence[Problem], attempts: Sequence[ProofAttempt]) -> str:
    """The text of the file with each proof that was found in the place of its `sorry`."""
    data = file.text.encode()
    found = [
        (problem.place, attempt)
        for problem, attempt in zip(problems, attempts, strict=True)
        if problem.place is not None and attempt.outcome == "proved"
    ]
    for place, attempt in sorted(found, key=lambda pair: pair[0].start, reverse=True):
        line = data[: place.start].decode().rpartition("\n")[2]
        margin = line[: len(line) - len(line.lstrip())]
        data = data[: place.start] + attempt.indented(len(margin)).encode() + data[place.stop :]
    return data.decode()


async def check_copy(server: LeanServer, path: Path, text: str, proved: Sequence[str]) -> str | None:
    """Has Lean check a file with proofs in it, from its first line to its last.

    Returns:
        What is wrong with it: an error, or one of the theorems `proved` that still rests on `sorry`; None if all is well.
    """
    report = await server.check_file(text, file=str(path))
    for message in report.messages:
        if message.severity == "error":
            return describe(path, message)
    open_still = {theorem.name for theorem in report.theorems if theorem.sorry or "sorryAx" in theorem.axioms}
    resting = [name for name in proved if name in open_still]
    return f"{path}: {', '.join(resting)} rests on a theorem that is not proved yet" if resting else None


def write_whole(path: Path, text: str) -> None:
    """Writes a file so that it is there as a whole or not at all.

    Raises:
        InputError: the place cannot be written to.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}; choose another place.") from error
    finally:
        draft.unlink(missing_ok=True)
