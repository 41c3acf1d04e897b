"""Working through the units of a run with several workers, so that it can be stopped at any moment and taken up again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from db.records import Harvest, Run, Unit, UnitStatus

if TYPE_CHECKING:
    from db.figures import Stored
    from db.store import Store

LEASE_SECONDS: Final = 30.0
"""How long a unit belongs to a worker that says nothing: so long a run that takes up another one may wait for its last units."""

RENEWAL_SECONDS: Final = 8.0
"""How often a worker says that it still works."""

WAITING_SECONDS: Final = 1.0
"""How often a worker without a unit looks whether one of another worker's has become free."""

Clock = Callable[[], datetime]
"""The time, in UTC."""

UNIT_THEOREMS: Final = 8
"""Theorems in a unit of a run over a library: some seconds of work, which is what a kill can cost."""


@dataclass(frozen=True, slots=True)
class UnitReport:
    """A unit of a run over a library that was stored."""

    unit: Unit
    stored: Stored
    harvests: tuple[Harvest, ...]


def units_of(theorems: Sequence[str]) -> list[tuple[str, ...]]:
    """Theorems in pieces of work."""
    return [tuple(theorems[i : i + UNIT_THEOREMS]) for i in range(0, len(theorems), UNIT_THEOREMS)]


async def isolated(
    theorems: Sequence[str], work: Callable[[Sequence[str]], Awaitable[list[Harvest]]], deadly: type[Exception]
) -> list[Harvest]:
    """The harvests of theorems: of all together or, if Lean dies over them, one by one, so that the one that kills it is known by name.

    Args:
        theorems: full names.
        work: what is to be done with some of them.
        deadly: what is raised when Lean dies.
    """
    try:
        return await work(theorems)
    except deadly:
        pass
    harvests = []
    for theorem in theorems:
        try:
            harvests += await work((theorem,))
        except deadly as death:
            harvests.append(Harvest(theorem, failure=f"crash: {death}"))
    return harvests


class Worker(Protocol):
    """One of those that work on a run, with whatever it keeps from unit to unit."""

    async def do(self, unit: Unit) -> None:
        """Do a unit and store that it is done, in one transaction with what came of it."""
        ...

    async def stop(self) -> None:
        """Let go of everything; called once, also after an error."""
        ...


def begun(
    store: Store,
    command: str,
    config: Mapping[str, object],
    library: str,
    toolchain: str,
    units: Sequence[Sequence[str]],
    now: datetime,
) -> tuple[Run, bool]:
    """The run of a configuration, and whether it was begun before: an unfinished one is taken up. Arguments as of `Store.start_run`."""
    found = store.unfinished_run(command, config, library)
    if found is not None:
        return found, True
    return store.start_run(command, config, library, toolchain, units, now), False


async def work_through(store: Store, run: Run, workers: Sequence[Worker], owner: str, clock: Clock) -> bool:
    """Have the workers do units until none is left to take; returns whether the run is finished.

    Args:
        store: holds the run.
        run: an unfinished run.
        workers: at work at the same time.
        owner: names this process in the leases of units; a number is added for each worker.
        clock: the time, in UTC.

    Raises:
        StoreError: the store cannot be written.
    """
    names = [f"{owner}/{number}" for number in range(len(workers))]
    pairs = zip(workers, names, strict=True)
    tasks = [asyncio.create_task(_work(store, run, worker, name, clock)) for worker, name in pairs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for name in names:
            store.release_leases(run.id, name)
    progress = store.progress(run.id)
    finished = progress.ended == progress.total
    if finished:
        store.finish_run(run.id, clock())
    return finished


async def _work(store: Store, run: Run, worker: Worker, owner: str, clock: Clock) -> None:
    try:
        while (unit := await _next_unit(store, run, owner, clock)) is not None:
            async with _kept(store, unit, owner, clock):
                await worker.do(unit)
    finally:
        await worker.stop()


async def _next_unit(store: Store, run: Run, owner: str, clock: Clock) -> Unit | None:
    """A unit to work on; None when all are done. Units of a process that died become free when their leases run out."""
    while (unit := store.lease(run.id, owner, clock(), LEASE_SECONDS)) is None:
        if not store.progress(run.id).units[UnitStatus.leased]:
            return None
        await asyncio.sleep(WAITING_SECONDS)
    return unit


@asynccontextmanager
async def _kept(store: Store, unit: Unit, owner: str, clock: Clock) -> AsyncIterator[None]:
    """Renews the lease of a unit for as long as the block runs."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            await asyncio.to_thread(store.renew, unit.id, owner, clock(), LEASE_SECONDS)

    renewal = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewal.cancel()
