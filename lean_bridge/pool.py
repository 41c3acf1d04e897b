"""Several Lean processes, lent one at a time, with warm spares for those that die."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from lean_bridge.client import LeanServer, Limits, Tap
from lean_bridge.errors import BridgeError, MemoryExceeded, ServerDied, ToolchainError, WallClockExceeded
from lean_bridge.toolchain.base import Toolchain

T = TypeVar("T")

Opening = tuple[tuple[str, ...], str]
"""Imports and prelude of an environment."""

START_ATTEMPTS = 3
"""Failures to start in a row after which the pool gives up."""


@dataclass(frozen=True, slots=True)
class Recycling:
    """When a process is replaced by a fresh one, between two leases."""

    requests: int = 20_000
    growth_bytes: int = 2**29
    """Resident memory beyond what it took when it was warm and what it imported since, which is kept for the next lease."""
    most_bytes: int = 1650 * 2**20
    """Resident memory of an embedded Lean in all: it is warm at 0.85 GiB, has Mathlib at 1.2, and fails at 2 at the latest."""


class LeanPool:
    """`size` processes that work and `spares` that wait, warm, to take the place of one that dies.

    Use it as an async context manager: it returns at once and the processes start in the background, the working ones
    first. Leases are given in the order in which they were asked for. Ids of environments and states belong to one
    process, so none may be carried from one lease to another.
    """

    def __init__(
        self,
        toolchain: Toolchain,
        size: int = 2,
        spares: int = 1,
        *,
        limits: Limits | None = None,
        environments: Sequence[Opening] = ((("Init",), ""),),
        recycling: Recycling | None = None,
        tap: Tap | None = None,
    ) -> None:
        """Prepares a pool; nothing is started yet.

        Args:
            toolchain: what the processes are.
            size: how many may be leased at a time.
            spares: how many more are kept ready.
            limits: those of each process.
            environments: what every process opens before it is lent.
            recycling: when a process is replaced.
            tap: is told every request and its reply.
        """
        self._toolchain = toolchain
        self._size = size
        self._spares = spares
        self._limits = limits or Limits()
        self._environments = tuple(environments)
        self._recycling = recycling or Recycling()
        self._tap = tap
        self._idle: deque[LeanServer] = deque()
        self._leased: set[LeanServer] = set()
        self._warm_bytes: dict[LeanServer, int] = {}
        self._waiting: deque[asyncio.Future[LeanServer]] = deque()
        self._lives: set[asyncio.Task[None]] = set()
        self._chores: set[asyncio.Task[None]] = set()
        self._starting = 0
        self._failed_starts = 0
        self._broken: BaseException | None = None

    async def __aenter__(self) -> Self:
        self._replenish()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def idle(self) -> int:
        """How many processes are warm and not lent."""
        return len(self._idle)

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[LeanServer]:
        """Lends a process. Its proof states and the environments of its files are released afterwards.

        Raises:
            ToolchainError: Lean cannot be started, or failed to start three times in a row.
            RequestFailed: an environment that every process shall open cannot be opened.
            ServerDied: the pool was closed.
        """
        server = await self._take()
        try:
            yield server
        finally:
            self._give_back(server)

    async def run(self, task: Callable[[LeanServer], Awaitable[T]]) -> T:
        """Runs `task` on a leased process, and once more on another when the process dies under it.

        A process that was killed for the limits of the task is no reason to try again.

        Raises:
            ServerDied: the process of the second try died as well, or the first broke a limit.
            ToolchainError: see `lease`.
        """
        try:
            return await self._run_once(task)
        except (WallClockExceeded, MemoryExceeded):
            raise
        except ServerDied:
            return await self._run_once(task)

    async def close(self) -> None:
        """Ends all processes, those that are starting or lent too."""
        self._break(ServerDied("the pool was closed"))
        tasks = [*self._chores, *self._lives]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run_once(self, task: Callable[[LeanServer], Awaitable[T]]) -> T:
        async with self.lease() as server:
            return await task(server)

    async def _take(self) -> LeanServer:
        turn: asyncio.Future[LeanServer] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._serve_waiting()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._give_back(turn.result())
            raise

    def _give_back(self, server: LeanServer) -> None:
        # One that is quiet is ready again in a moment; one that still works must not keep others waiting.
        if server.running is not None or not server.alive:
            self._leased.discard(server)
        chore = asyncio.get_running_loop().create_task(self._tidy(server))
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)
        self._serve_waiting()

    async def _tidy(self, server: LeanServer) -> None:
        try:
            fit = server.alive and await self._emptied(server)
        finally:
            self._leased.discard(server)
        if fit:
            self._idle.appendleft(server)
        else:
            await server.close()
        self._serve_waiting()

    async def _emptied(self, server: LeanServer) -> bool:
        """Releases what a lease left behind; false when the process should be replaced."""
        if server.retired:
            return False
        try:
            await server.forget()
        except BridgeError:
            return False
        resident, limits = server.resident_bytes(), self._recycling
        growth = resident - self._warm_bytes.get(server, 0) - server.imported_bytes
        cramped = self._toolchain.backend == "embedded" and resident >= limits.most_bytes
        return server.requests < limits.requests and growth < limits.growth_bytes and not cramped

    def _serve_waiting(self) -> None:
        while self._waiting:
            if self._waiting[0].done():
                self._waiting.popleft()
            elif self._idle and not self._idle[0].alive:
                self._idle.popleft()
            elif self._idle and len(self._leased) < self._size:
                self._leased.add(self._idle[0])
                self._waiting.popleft().set_result(self._idle.popleft())
            elif self._broken is not None and not self._idle:
                self._waiting.popleft().set_exception(self._broken)
            else:
                break

    def _replenish(self) -> None:
        """Starts what is missing: the working processes together, then the spares one by one."""
        while self._broken is None and len(self._lives) < self._size + self._spares:
            if self._starting and len(self._lives) >= self._size:
                break
            self._starting += 1
            life = asyncio.get_running_loop().create_task(self._live())
            self._lives.add(life)
            life.add_done_callback(self._mourn)

    async def _live(self) -> None:
        """The life of one process, from its start to its end, however that comes about."""
        try:
            server = await self._warm_server()
        except ServerDied as error:
            self._failed_starts += 1
            if self._failed_starts >= START_ATTEMPTS:
                raise ToolchainError(f"Lean failed to start {START_ATTEMPTS} times in a row: {error}") from error
            return
        finally:
            self._starting -= 1
        self._failed_starts = 0
        self._warm_bytes[server] = server.resident_bytes() - server.imported_bytes
        try:
            async with server:
                self._idle.append(server)
                self._serve_waiting()
                self._replenish()
                await server.ended()
        finally:
            del self._warm_bytes[server]

    def _mourn(self, life: asyncio.Task[None]) -> None:
        self._lives.discard(life)
        error = None if life.cancelled() else life.exception()
        if error is not None:
            self._break(error)
        self._replenish()

    async def _warm_server(self) -> LeanServer:
        server = await LeanServer.start(self._toolchain, limits=self._limits, tap=self._tap)
        try:
            for imports, prelude in self._environments:
                await server.open_environment(imports, prelude)
        except BaseException:
            await server.close()
            raise
        return server

    def _break(self, reason: BaseException) -> None:
        """From now on nothing is started; who waits for a process that will not come is told why."""
        self._broken = self._broken or reason
        self._serve_waiting()
