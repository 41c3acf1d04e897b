"""A process of `dojo.py`, and a theorem that is open in one.

LeanDojo waits for Lean without a number to its questions, so after a time-out it takes the late answer for that to the next question. Here a process that is late is
killed, Lean with it, and so is one that takes too much memory; the one that follows it opens the theorem again, and its states are rebuilt by whoever needs them.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import psutil

from lean_bridge.errors import DojoError, MemoryExceeded, ServerDied, ToolchainError, WallClockExceeded
from lean_bridge.protocol import (
    Advanced,
    Attempt,
    Detail,
    Goal,
    GoalStart,
    Hypothesis,
    ProofState,
    TacticFailed,
    TacticOutcome,
)

_LINE_BYTES: Final = 1 << 30
"""The longest line of a reply: a traced file with all of its goals."""

_LOOK_SECONDS: Final = 0.5
"""How often the memory of a busy process is looked at."""

MEMORY_BYTES: Final = 4 * 2**30
"""What LeanDojo and its Lean may take together before they are killed."""

_OPEN_SECONDS: Final = 600.0
"""Within which a theorem must be open: Lean elaborates all that stands before it."""

_LAST_WORDS: Final = 2000


@dataclass(frozen=True, slots=True)
class TracedFolder:
    """A project that LeanDojo has traced.

    Attributes:
        folder: the repository that LeanDojo was given.
        lean: version and commit of its Lean, as stores name one.
        config: what `dojo.py` is started with.
        environment: the variables that LeanDojo reads.
    """

    folder: Path
    lean: str
    config: Mapping[str, str]
    environment: Mapping[str, str]


def require_leandojo() -> None:
    """Makes sure that LeanDojo is there.

    Raises:
        ToolchainError: it is not installed.
    """
    if importlib.util.find_spec("lean_dojo") is None:
        raise ToolchainError("LeanDojo is not installed; run `pip install 'lemmaforge[leandojo]'`")


class DojoProcess:
    """A running `dojo.py`. It takes one request at a time."""

    def __init__(self, process: asyncio.subprocess.Process, memory_bytes: int) -> None:
        self._process = process
        self._memory_bytes = memory_bytes
        self._errors = bytearray()
        self._reading = asyncio.create_task(self._read_errors())

    @classmethod
    async def start(cls, traced: TracedFolder, memory_bytes: int = MEMORY_BYTES) -> Self:
        """Starts it. It is killed when it and its Lean take more memory than that."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "lean_bridge.dojo",
            json.dumps(dict(traced.config)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **traced.environment},
            start_new_session=True,
            limit=_LINE_BYTES,
        )
        return cls(process, memory_bytes)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    async def ask(
        self,
        method: str,
        params: Mapping[str, object],
        *,
        seconds: float | None,
        each: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> Mapping[str, Any]:
        """Sends a request and waits for its result.

        Args:
            method: one of those of `dojo.py`.
            params: its parameters.
            seconds: after which the process is killed; None: never.
            each: told of what comes before the result.

        Raises:
            DojoError: LeanDojo refuses.
            WallClockExceeded, MemoryExceeded: the process was killed.
            ServerDied: it, or its Lean, is gone.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(json.dumps({"method": method, "params": params}).encode() + b"\n")
            await self._process.stdin.drain()
        try:
            async with asyncio.timeout(seconds):
                while not {"result", "error"} & (reply := await self._reply()).keys():
                    each(reply)
        except TimeoutError:
            await self.kill()
            raise WallClockExceeded(f"LeanDojo was killed: {method} took longer than {seconds:g} s") from None
        except BaseException:
            await self.kill()
            raise
        if reply.get("error") == "crash":
            await self.kill()
            raise ServerDied(f"LeanDojo's Lean is gone: {reply['message']}")
        if "error" in reply:
            raise DojoError(str(reply["error"]), f"LeanDojo: {reply['message']}{await self._last_words()}")
        result: Mapping[str, Any] = reply["result"]
        return result

    async def _reply(self) -> Mapping[str, Any]:
        assert self._process.stdout is not None
        line = asyncio.ensure_future(self._process.stdout.readline())
        try:
            while not (await asyncio.wait([line], timeout=_LOOK_SECONDS))[0]:
                resident = sum(map(_resident, self._family()))
                if resident > self._memory_bytes:
                    raise MemoryExceeded(f"LeanDojo was killed: it and its Lean took {resident / 2**20:.0f} MiB")
        finally:
            line.cancel()
        if not line.result():
            code = await self._process.wait()
            raise ServerDied(f"LeanDojo ended with exit code {code}{await self._last_words()}")
        reply: Mapping[str, Any] = json.loads(line.result())
        return reply

    async def _last_words(self) -> str:
        """What was printed last by LeanDojo and what it started."""
        await asyncio.wait([self._reading], timeout=_LOOK_SECONDS)
        words = self._errors[-_LAST_WORDS:].decode(errors="replace").strip()
        return f"\n{words}" if words else ""

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(1 << 16):
            self._errors += data
            del self._errors[: -2 * _LAST_WORDS]

    def _family(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            return [process, *process.children(recursive=True)]
        return []

    async def kill(self) -> None:
        """Ends it and all that it started, now."""
        # A Lean behind a terminal has a process group of its own.
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        await self._process.wait()
        self._reading.cancel()


def _resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.NoSuchProcess):
        return int(process.memory_info().rss)
    return 0


class DojoSession:
    """A theorem that is open in LeanDojo, with the calls of `LeanServer` that a search makes.

    Numbers of states are void once the process is gone (`ServerDied`); `start` opens the theorem in another one.
    Tactics see all goals of a state, as LeanDojo has it, so goals count as hanging together.
    """

    def __init__(self, traced: TracedFolder, file: str, theorem: str, memory_bytes: int = MEMORY_BYTES) -> None:
        self._traced = traced
        self._memory_bytes = memory_bytes
        self._file = file
        self._theorem = theorem
        self._process: DojoProcess | None = None
        self._copy: Path | None = None
        self._states: dict[int, ProofState] = {}

    async def start(self) -> GoalStart:
        """Opens the theorem, unless it is open.

        Raises:
            DojoError: LeanDojo cannot open it.
            ServerDied: LeanDojo or its Lean ended.
        """
        if self._process is None:
            self._process = await DojoProcess.start(self._traced, self._memory_bytes)
            what = {"project": str(self._traced.folder), "file": self._file, "theorem": self._theorem}
            opened = await self._ask("open", what, _OPEN_SECONDS)
            self._keep(opened)
        return GoalStart(self._states[0], self._theorem, "", ())

    async def run_tactics(
        self, attempts: Sequence[Attempt], *, heartbeats: int, seconds: float, wall: float | None = None
    ) -> list[list[TacticOutcome]]:
        """Tries tactics on states, one after another, as `LeanServer.run_tactics`.

        Raises:
            WallClockExceeded: one took longer than `wall`, or five times `seconds`; the process was killed.
            ServerDied: the process went for another reason.
        """
        limit = wall or 5 * seconds
        return [
            [await self._run(attempt.state, tactic, heartbeats, limit) for tactic in attempt.tactics]
            for attempt in attempts
        ]

    async def _run(self, state: int, tactic: str, heartbeats: int, limit: float) -> TacticOutcome:
        began = asyncio.get_running_loop().time()
        reply = await self._ask("run", {"state": state, "tactic": tactic, "heartbeats": heartbeats}, limit)
        ms = (asyncio.get_running_loop().time() - began) * 1000
        if reply["error"] is not None:
            return TacticFailed(_kind_of(reply["error"]), reply["error"].strip(), ms)
        return Advanced(self._keep(reply), ms)

    def _keep(self, reply: Mapping[str, Any]) -> ProofState:
        state = ProofState(reply["sid"], tuple(_goals(reply)))
        self._states[state.id] = state
        return state

    async def view_states(self, states: Iterable[int], *, detail: Detail = "full") -> tuple[ProofState, ...]:
        """The states, as they were printed in full when they came."""
        del detail
        return tuple(self._states[state] for state in states)

    async def release_states(self, states: Iterable[int] | None) -> int:
        """Forgets these states, or all but the first (None), and returns how many there were."""
        gone = [state for state in (self._states if states is None else states) if state in self._states and state]
        for state in gone:
            del self._states[state]
        if gone and self._process is not None:
            await self._ask("release", {"states": gone}, 60.0)
        return len(gone)

    async def _ask(self, method: str, params: Mapping[str, object], seconds: float) -> Mapping[str, Any]:
        if self._process is None:
            raise ServerDied("LeanDojo is gone")
        try:
            return await self._process.ask(method, params, seconds=seconds, each=self._note_copy)
        except ServerDied:
            await self.close()
            raise

    def _note_copy(self, event: Mapping[str, Any]) -> None:
        self._copy = Path(event["copy"])

    async def close(self) -> None:
        """Ends the process, if there is one, and removes the copy of the file that LeanDojo made."""
        process, self._process = self._process, None
        self._states.clear()
        if process is not None:
            await process.kill()
        if self._copy is not None:
            self._copy.unlink(missing_ok=True)


def _kind_of(error: str) -> Any:
    """The failure kind of the protocol that LeanDojo's text of an error stands for."""
    if "proof contains `sorry`" in error:
        return "sorry"
    if "maximum number of heartbeats" in error:
        return "heartbeats"
    if "maximum recursion depth" in error:
        return "recursion"
    return "parse" if error.startswith("<stdin>:") else "tactic"


def _goals(reply: Mapping[str, Any]) -> list[Goal]:
    parts = reply.get("goals", [])
    return [_goal(part, shared=len(parts) > 1) for part in parts]


def _goal(part: Mapping[str, Any], *, shared: bool) -> Goal:
    return Goal(
        key=hashlib.blake2b(part["text"].encode(), digest_size=16).hexdigest(),
        shared=shared,
        text=part["text"],
        case=part["case"],
        target=part["target"],
        hypotheses=tuple(
            Hypothesis((name,), type_, value, proof=proof) for name, type_, value, proof in part["hypotheses"]
        ),
    )
