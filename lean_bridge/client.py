"""A Lean server process as Python sees it: typed requests, hard limits, and an honest account of its end."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

from lean_bridge import wire
from lean_bridge.errors import BridgeError, MemoryExceeded, ProtocolError, ServerDied, WallClockExceeded
from lean_bridge.process import ServerProcess
from lean_bridge.protocol import (
    Allowance,
    Attempt,
    Certificate,
    Counterexample,
    Detail,
    Environment,
    Export,
    FileReport,
    GoalStart,
    Hello,
    Premise,
    PremiseUse,
    ProofState,
    ProofVerdict,
    ServerStats,
    TacticOutcome,
)
from lean_bridge.toolchain.base import Toolchain

T = TypeVar("T")

Tap = Callable[[bytes, bytes], None]
"""Is told each request line and the reply to it; the greeting comes with an empty request."""

GREETING = 0
"""The id under which the greeting is awaited; requests count from 1."""

INSPECTION_SECONDS = 0.2
"""How often the clock and the memory of a busy process are looked at."""

LAST_CHANCE_SECONDS = 0.02
"""How long after its hard limit a request is looked at again before the process is killed for it."""

CLOSE_SECONDS = 2.0
"""How long a process may take to end once its input is closed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may take before it is killed from outside."""

    grace: float = 5.0
    """Seconds past the soft limit that a request names, which Lean enforces itself."""
    seconds: float = 120.0
    """Seconds for a request that names no soft limit."""
    start_seconds: float = 120.0
    """Seconds from the start of the process to its greeting."""
    memory_bytes: int = 3 * 2**30
    """Resident memory."""


@dataclass(slots=True)
class _Pending:
    """A request that waits for its reply. Its seconds count from when it became the running one."""

    method: str
    seconds: float
    line: bytes
    reply: asyncio.Future[Mapping[str, object]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class LeanServer:
    """One Lean process. Make it with `start`, use it as an async context manager.

    Requests may be sent while others run (each from a task of its own); they are answered in order. Every method raises
    `RequestFailed` when the server refuses, `WallClockExceeded` or `MemoryExceeded` when this request broke a limit and
    the process was killed for it, another `ServerDied` when the process went for any other reason, and `ProtocolError`
    when the reply cannot be understood. Cancelling the awaiting task cancels the request in Lean.

    Attributes:
        hello: the greeting of the process.
        requests: how many were sent.
        imported_bytes: resident memory that opening environments took, which stays.
        retired: a pool should lend it no more.
    """

    hello: Hello

    def __init__(self, limits: Limits, tap: Tap | None) -> None:
        self._limits = limits
        self._tap = tap
        self._process = ServerProcess(self._receive, self._bury)
        self._ids = itertools.count(GREETING + 1)
        self._pending: dict[int, _Pending] = {}
        self._running_since = 0.0
        self._overdue: int | None = None
        self._inspection: asyncio.TimerHandle | None = None
        self._verdict: BridgeError | None = None
        self._fate: str | None = None
        self._file_envs: list[int] = []
        self.imported_bytes = 0
        self.requests = 0
        self.retired = False

    @classmethod
    async def start(cls, toolchain: Toolchain, *, limits: Limits | None = None, tap: Tap | None = None) -> Self:
        """Starts a process and waits for its greeting.

        Raises:
            ToolchainError: the program cannot be started.
            ServerDied: it ended, or took too long or too much memory, before it greeted.
            ProtocolError: it speaks another protocol.
        """
        server = cls(limits or Limits(), tap)
        await server._process.start(toolchain.server())
        try:
            greeting = _Pending("the greeting", server._limits.start_seconds, b"")
            server.hello = wire.read_hello(await server._expect(GREETING, greeting))
            server._process.measure_again()
        except BaseException:
            server.kill()
            await server.close()
            raise
        return server

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether requests can be sent."""
        return self._fate is None and self._process.alive

    @property
    def running(self) -> int | None:
        """The id of the request that Lean works on."""
        return next(iter(self._pending), None)

    @property
    def output(self) -> str:
        """The last 64 KiB that Lean programs printed in this process."""
        return self._process.printed

    def resident_bytes(self) -> int:
        """Resident memory of the process in bytes; 0 when it is gone."""
        return self._process.resident_bytes()

    async def open_environment(self, imports: Sequence[str] = ("Init",), prelude: str = "") -> Environment:
        """Opens the environment of these imports with `prelude` elaborated on top; the same arguments give the same one."""
        return await self._opened(wire.open_environment(imports, prelude))

    async def open_header(self, header: str) -> Environment:
        """Opens the environment in which a file with this head goes on: its imports and all that stands beneath them."""
        return await self._opened(wire.open_header(header))

    async def _opened(self, call: wire.Call[Environment]) -> Environment:
        before = self.resident_bytes()
        environment = await self.ask(call)
        self.imported_bytes += max(0, self.resident_bytes() - before)
        return environment

    async def release_environments(self, envs: Iterable[int]) -> int:
        """Forgets environments, and returns how many there were."""
        return await self.ask(wire.release_environments(envs))

    async def check_file(
        self,
        text: str,
        *,
        file: str = "input.lean",
        open: bool = False,  # noqa: A002 - the protocol's word
        heartbeats: int | None = None,
        seconds: float | None = None,
    ) -> FileReport:
        """Elaborates a whole file; with `open`, each theorem that is left to prove gets an environment."""
        call = wire.check_file(text, file=file, open_holes=open, heartbeats=heartbeats, seconds=seconds)
        report = await self.ask(call, seconds)
        self._file_envs += [theorem.env for theorem in report.theorems if theorem.env is not None]
        return report

    async def start_goal(self, env: int, *, statement: str | None = None, declaration: str | None = None) -> GoalStart:
        """Reads a statement (`∀ n : Nat, …`) or a declaration (`theorem … := by sorry`) and opens its goal."""
        return await self.ask(wire.start_goal(env, statement=statement, declaration=declaration))

    async def run_tactics(
        self,
        attempts: Sequence[Attempt],
        *,
        heartbeats: int = 200_000,
        seconds: float = 10.0,
        detail: Detail = "text",
        strict: bool = False,
        without: Sequence[str] = (),
        wall: float | None = None,
    ) -> list[list[TacticOutcome]]:
        """Tries tactics on states, all in one request.

        Args:
            attempts: what to try.
            heartbeats: Lean's `maxHeartbeats` for each tactic; 0 for no limit.
            seconds: the soft limit of each tactic; 0 for none.
            detail: how much of the new goals is printed.
            strict: tactics of syntax that the judge does not allow fail.
            without: constants; a tactic whose part of the proof mentions one fails.
            wall: seconds that the whole request should take at most; `seconds` times the number of tactics when None.

        Returns:
            A list for each attempt, with an outcome for each of its tactics.
        """
        call = wire.run_tactics(
            attempts, heartbeats=heartbeats, seconds=seconds, detail=detail, strict=strict, without=without
        )
        if wall is None:
            wall = seconds * sum(len(attempt.tactics) for attempt in attempts)
        return await self.ask(call, wall)

    async def view_states(self, states: Iterable[int], *, detail: Detail = "full") -> tuple[ProofState, ...]:
        """Prints states again, in another detail."""
        return await self.ask(wire.view_states(states, detail=detail))

    async def release_states(self, states: Iterable[int] | None) -> int:
        """Forgets these proof states, or all of them (None), and returns how many there were."""
        return await self.ask(wire.release_states(states))

    async def finish(
        self, state: int, *, axioms: Sequence[str] | None = None, seconds: float | None = None
    ) -> Certificate:
        """Has the kernel check the proof that a state without goals stands for, resting on `axioms` alone.

        `axioms` are `propext`, `Classical.choice` and `Quot.sound` when None.
        """
        return await self.ask(wire.finish(state, axioms=axioms, seconds=seconds), seconds)

    async def check_proof(
        self,
        env: int,
        *,
        statement: str,
        proof: str | None = None,
        file: str | None = None,
        allow: Allowance | None = None,
        heartbeats: int | None = None,
        seconds: float | None = None,
        export: Export = False,
    ) -> ProofVerdict:
        """Checks a submission: the body of a proof (`by omega`, `| 0 => …`) or a file that proves the theorem.

        Args:
            env: where the statement stands.
            statement: a proposition, or a declaration, whose own proof is ignored.
            proof: the body; or
            file: the file.
            allow: axioms and syntax.
            heartbeats: Lean's `maxHeartbeats`; what holds in `env` when None.
            seconds: soft limit.
            export: an accepting verdict brings the declarations along; those of the whole library too with "closure".
        """
        call = wire.check_proof(
            env,
            statement=statement,
            proof=proof,
            file=file,
            allow=allow or Allowance(),
            heartbeats=heartbeats,
            seconds=seconds,
            export=export,
        )
        return await self.ask(call, seconds)

    async def replay_proof(
        self,
        env: int,
        *,
        declarations: str,
        statement: str,
        axioms: Sequence[str] | None = None,
        seconds: float | None = None,
        export: Export = False,
    ) -> ProofVerdict:
        """Has the kernel check declarations that `check_proof` exported, the theorem with this statement last."""
        call = wire.replay_proof(
            env, declarations=declarations, statement=statement, axioms=axioms, seconds=seconds, export=export
        )
        return await self.ask(call, seconds)

    async def find_premises(
        self,
        state: int,
        *,
        goal: int = 0,
        uses: Sequence[PremiseUse] = ("rw", "apply", "exact"),
        limit: int = 50,
        hypotheses: bool = True,
        statements: bool = False,
        heartbeats: int | None = None,
    ) -> list[Premise]:
        """Looks for lemmas that can be used at a goal, at most `limit` for each use."""
        call = wire.find_premises(
            state,
            goal=goal,
            uses=uses,
            limit=limit,
            hypotheses=hypotheses,
            statements=statements,
            heartbeats=heartbeats,
        )
        return await self.ask(call)

    async def find_counterexample(
        self, env: int, statement: str, *, evaluations: int | None = None, seconds: float | None = None
    ) -> Counterexample:
        """Looks for values that refute a statement, a proposition or a declaration; nothing that it finds is checked yet."""
        call = wire.find_counterexample(env, statement=statement, evaluations=evaluations, seconds=seconds)
        return await self.ask(call, seconds)

    async def stats(self) -> ServerStats:
        """Counts what the process holds."""
        return await self.ask(wire.stats())

    async def forget(self) -> None:
        """Releases all proof states, and the environments that `check_file` opened."""
        await self.release_states(None)
        if self._file_envs:
            envs, self._file_envs = self._file_envs, []
            await self.release_environments(envs)

    def cancel(self, request: int) -> None:
        """Asks Lean to stop a request, which then fails with `cancelled`; one that does not stop in time is killed."""
        pending = self._pending.get(request)
        if pending is None:
            return
        elapsed = self._now() - self._running_since if request == self.running else 0.0
        pending.seconds = min(pending.seconds, elapsed + self._limits.grace)
        self._process.write(wire.request_line(next(self._ids), "cancel", {"request": request}))

    def kill(self) -> None:
        """Ends the process at once; requests in flight fail with `ServerDied`."""
        self._seal("was closed")
        self._process.kill()

    async def close(self) -> None:
        """Ends the process: by closing its input, and by force when that takes longer than two seconds."""
        self._seal("was closed")
        await self._process.close(CLOSE_SECONDS)

    async def ended(self) -> None:
        """Waits for the end of the process, however it comes about."""
        await self._process.ended.wait()

    async def ask(self, call: wire.Call[T], soft_seconds: float | None = None) -> T:
        """Sends any request. Past `soft_seconds` and the grace, or `Limits.seconds`, the process is killed."""
        if not self.alive:
            raise ServerDied(f"the Lean process {self._fate or self._process.end}")
        request = next(self._ids)
        line = wire.request_line(request, call.method, call.params)
        seconds = soft_seconds + self._limits.grace if soft_seconds else self._limits.seconds
        reply = self._expect(request, _Pending(call.method, seconds, line))
        self.requests += 1
        self._process.write(line)
        try:
            answer = await reply
        except asyncio.CancelledError:
            self.cancel(request)
            raise
        return wire.read_result(call, answer)

    def _expect(self, request: int, pending: _Pending) -> asyncio.Future[Mapping[str, object]]:
        if not self._pending:
            self._running_since = self._now()
        self._pending[request] = pending
        if self._inspection is None:
            self._inspect_later()
        return pending.reply

    def _receive(self, line: bytes) -> None:
        running = self.running
        try:
            reply = wire.read_reply(line)
            request = GREETING if "hello" in reply else wire.read_id(reply)
            if request not in self._pending:
                raise ProtocolError(f"the server answered request {request}, which does not wait for an answer")
        except ProtocolError as error:
            self._put_down(error)
            return
        pending = self._pending.pop(request)
        if request == running:
            self._running_since = self._now()
        if self._tap is not None:
            self._tap(pending.line, line)
        if not pending.reply.done():
            pending.reply.set_result(reply)

    def _inspect_later(self) -> None:
        self._inspection = asyncio.get_running_loop().call_later(self._until_inspection(), self._inspect)

    def _until_inspection(self) -> float:
        running = self.running
        if running is None:
            return INSPECTION_SECONDS
        if self._overdue == running:
            return LAST_CHANCE_SECONDS
        left = self._pending[running].seconds - (self._now() - self._running_since)
        return min(max(left, 0.0) + 0.001, INSPECTION_SECONDS)

    def _inspect(self) -> None:
        self._inspection = None
        running = self.running
        if running is None:
            return
        resident = self._process.resident_bytes()
        if resident > self._limits.memory_bytes:
            self._put_down(MemoryExceeded(self._over_memory(resident)))
        # Overdue twice: while Python itself was busy the answer may have come and not been read.
        elif self._is_overdue(running) and self._overdue == running:
            self._put_down(WallClockExceeded(self._over_time(self._pending[running])))
        self._overdue = running if self._is_overdue(running) else None
        self._inspect_later()

    def _is_overdue(self, running: int) -> bool:
        return self._now() - self._running_since > self._pending[running].seconds

    def _over_memory(self, resident: int) -> str:
        limit = self._limits.memory_bytes
        return f"it was killed: {resident / 2**20:.0f} MiB resident, the limit is {limit / 2**20:.0f} MiB"

    def _over_time(self, pending: _Pending) -> str:
        return f"it was killed: {pending.method} was not answered within its hard limit of {pending.seconds:g} s"

    def _put_down(self, verdict: BridgeError) -> None:
        if self._verdict is None:
            self._verdict = verdict
            self._seal(f"is gone: {verdict}")
            self._process.kill()

    def _seal(self, fate: str) -> None:
        """Says what became of the process; the first word holds."""
        if self._fate is None:
            self._fate = fate

    def _bury(self) -> None:
        if self._inspection is not None:
            self._inspection.cancel()
        if self._fate is None and self._process.starved:
            self._verdict = MemoryExceeded("Lean ran out of memory; give it less to do at a time")
        self._seal(self._process.end)
        running = self.running
        for request, pending in self._pending.items():
            if pending.reply.done():
                continue
            if self._verdict is not None and request == running:
                pending.reply.set_exception(self._verdict)
            else:
                died = ServerDied(f"{pending.method} has no answer: the Lean process {self._fate}")
                pending.reply.set_exception(died)
        self._pending.clear()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
