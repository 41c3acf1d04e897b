"""One server process: its pipes, its lines, its memory and its end. What the lines mean is `client.py`'s business."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import Callable
from typing import cast

import psutil

from lean_bridge.errors import ToolchainError
from lean_bridge.toolchain.base import Command

KEPT_BYTES = 64 * 1024
"""How much of what a process prints is remembered."""

DRAIN_SECONDS = 1.0
"""How long a pipe may stay open after the process ended, or the process after its output did."""


class Tail:
    """The last `KEPT_BYTES` bytes of a stream."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept = bytearray()

    def add(self, data: bytes) -> None:
        """Appends, and forgets what is too old."""
        self._kept += data[-KEPT_BYTES:]
        if len(self._kept) > 2 * KEPT_BYTES:
            del self._kept[:-KEPT_BYTES]

    def text(self) -> str:
        """What is kept, as text."""
        return self._kept[-KEPT_BYTES:].decode(errors="replace")


class ReplySplitter:
    """Takes the reply lines out of a server's standard output; the rest was printed by Lean programs.

    A reply is what stands between the token of the process and the next line feed. The token is a secret, so it marks a
    reply wherever it stands, even after a program's unfinished line.
    """

    def __init__(self, token: str, printed: Tail) -> None:
        self._mark = f"{token} ".encode()
        self._printed = printed
        self._undecided = b""
        self._reply: list[bytes] | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """Takes the next piece of output and returns the replies that it completes, without token and line feed."""
        replies = []
        while data:
            if self._reply is None:
                data = self._after_mark(self._undecided + data)
                continue
            piece, end, data = data.partition(b"\n")
            self._reply.append(piece)
            if end:
                replies.append(b"".join(self._reply))
                self._reply = None
        return replies

    def _after_mark(self, data: bytes) -> bytes:
        before, mark, after = data.partition(self._mark)
        if mark:
            self._undecided = b""
            self._reply = []
            # The line feed with which the server ends whatever a program left unfinished.
            self._printed.add(before.removesuffix(b"\n"))
            return after
        undecided = len(self._mark)
        self._printed.add(data[:-undecided])
        self._undecided = data[-undecided:]
        return b""


class ServerProcess(asyncio.SubprocessProtocol):
    """A running server, in a process group of its own.

    Attributes:
        errors: what it wrote to standard error.
        ended: set when it is gone and all that it wrote is read.
    """

    def __init__(self, on_reply: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        self._on_reply = on_reply
        self._on_end = on_end
        self._token = secrets.token_hex(16)
        self._printed = Tail()
        self._splitter = ReplySplitter(self._token, self._printed)
        self.errors = Tail()
        self.ended = asyncio.Event()
        self._last_call: asyncio.TimerHandle | None = None

    async def start(self, command: Command) -> None:
        """Starts the process and hands it its token.

        Raises:
            ToolchainError: the program cannot be started.
        """
        loop = asyncio.get_running_loop()
        try:
            await loop.subprocess_exec(
                lambda: self,
                *command.argv,
                cwd=command.cwd,
                env={**os.environ, **command.env},  # noqa: TID251 - handed on, not read
                start_new_session=True,
            )
        except OSError as error:
            raise ToolchainError(
                f"cannot start {command.argv[0]}: {error}; `lemma doctor` looks for the cause"
            ) from error
        self.write(b'{"token": "%s"}\n' % self._token.encode())
        self.measure_again()

    @property
    def pid(self) -> int:
        """Process id, and id of its process group."""
        return self._transport.get_pid()

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet, as far as is known."""
        return self._transport.get_returncode() is None and not self.ended.is_set()

    @property
    def printed(self) -> str:
        """The last 64 KiB that Lean programs printed."""
        return self._printed.text()

    @property
    def end(self) -> str:
        """How it ended, and the last words it wrote to standard error."""
        code = self._transport.get_returncode()
        if code is None:
            how = "closed its output"
        elif code < 0:
            how = f"was killed by {signal.Signals(-code).name}"
        else:
            how = f"ended with exit code {code}"
        words = self.errors.text().strip()
        return f"{how}; it said: {words[-2000:]}" if words else how

    @property
    def starved(self) -> bool:
        """Whether Lean itself ended it for want of memory."""
        return "INTERNAL PANIC: out of memory" in self.errors.text()

    def write(self, data: bytes) -> None:
        """Sends bytes; nothing happens when the process is gone."""
        pipe = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))
        if not pipe.is_closing():
            pipe.write(data)

    def measure_again(self) -> None:
        """Looks which processes belong to the server: a native Lean may run below a launcher."""
        try:
            leader = psutil.Process(self.pid)
            self._members = [leader, *leader.children(recursive=True)]
        except psutil.NoSuchProcess:
            self._members = []

    def resident_bytes(self) -> int:
        """Resident memory of the server in bytes; 0 when it is gone."""
        total = 0
        for member in self._members:
            try:
                total += member.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total

    def kill(self) -> None:
        """Kills the whole process group at once."""
        if self._transport.get_returncode() is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    async def close(self, patience: float) -> None:
        """Ends the process: closes its input, waits up to `patience` seconds, then kills it."""
        pipe = self._transport.get_pipe_transport(0)
        if pipe is not None:
            pipe.close()
        try:
            async with asyncio.timeout(patience):
                await self.ended.wait()
        except TimeoutError:
            self.kill()
            await self.ended.wait()
        except asyncio.CancelledError:
            self.kill()
            raise

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """See asyncio."""
        if fd == 1:
            for reply in self._splitter.feed(data):
                self._on_reply(reply)
        else:
            self.errors.add(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """See asyncio. A server that closed its output has nothing more to say."""
        if fd == 1:
            self._end_soon()

    def process_exited(self) -> None:
        """See asyncio. What it wrote last may still be in the pipes, or a child of it may hold them open for ever."""
        self._end_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio. The process ended and its pipes are read to their ends."""
        if self._last_call is not None:
            self._last_call.cancel()
        self._transport.close()
        self.ended.set()
        self._on_end()

    def _end_soon(self) -> None:
        if self._last_call is None:
            self._last_call = asyncio.get_running_loop().call_later(DRAIN_SECONDS, self._put_down)

    def _put_down(self) -> None:
        self.kill()
        self._transport.close()
