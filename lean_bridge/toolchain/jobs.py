"""Runs Lean's own front end on whole files, one after the other in one process.

The process is that of `Toolchain.frontend`. It reads one job a line from its standard input and prints what Lean prints, then a line of its own,
marked with a token that no Lean program can know; see `host.cjs` for the fields.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from lean_bridge.errors import ServerDied, ToolchainError
from lean_bridge.toolchain.base import Command

Write = Callable[[str], None]
"""Takes what Lean prints, in pieces that end anywhere."""


@dataclass(frozen=True, slots=True)
class Job:
    """One file to elaborate."""

    file: str
    name: str
    """How messages call the file."""
    module: str
    olean: str | None = None
    """Where to write the compiled module; None: nowhere. Its `.ir` and other parts are written beside it."""
    json: bool = False
    """Messages as JSON objects, one a line, as of `lean --json`."""
    leanPath: Sequence[str] | None = None  # noqa: N815  (the field's name in the line)
    options: Mapping[str, str] = field(default_factory=dict)
    """Lean's options, as `lean -D` takes them."""
    folder: str | None = None
    """A folder that the file may read, such as the one of its package."""
    seen: Sequence[str] | None = None
    """The modules whose private parts are loaded, where they are there; None: all. The exported parts of others are enough for a `module`."""


class FrontendProcess:
    """A running front end. Not for use by two threads at once, except `kill`."""

    def __init__(self, command: Command, write_error: Write | None = None) -> None:
        """Starts the process.

        Args:
            command: `Toolchain.frontend()`.
            write_error: takes what is printed on its standard error.
        """
        self.heap_bytes = 0
        self._token = secrets.token_hex(16)
        self._mark = f"{self._token} ".encode()
        self._last_words: deque[str] = deque(maxlen=20)
        try:
            self._process = subprocess.Popen(
                command.argv,
                cwd=command.cwd,
                env={**os.environ, **command.env},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            raise ToolchainError(f"cannot start {command.argv[0]}: {error.strerror}; run `lemma doctor`") from error
        self._stderr = threading.Thread(target=self._read_errors, args=(write_error,), daemon=True)
        self._stderr.start()
        self._send({"token": self._token})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.kill()

    def run(self, job: Job, write: Write) -> int:
        """Elaborates one file; returns Lean's exit code, 0 or 1.

        Raises:
            ServerDied: the process ended before the job did.
        """
        self._send(asdict(job))
        newline = ""  # the one before our mark is the host's own
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(self._mark):
                done = json.loads(line[len(self._mark) :])
                self.heap_bytes = done.get("heapBytes", 0)
                return int(done["done"])
            text = line.decode("utf-8", errors="replace")
            write(newline + text.removesuffix("\n"))
            newline = "\n"
        raise self._died(job)

    def _died(self, job: Job) -> ServerDied:
        code = self._process.wait()
        self._stderr.join(timeout=5)
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        last = "\n".join(self._last_words)
        return ServerDied(f"Lean ended {how} while it was working on {job.name}" + (f":\n{last}" if last else ""))

    def _send(self, value: object) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # `run` finds the end of its output, and says more
            self._process.stdin.write(json.dumps(value).encode() + b"\n")
            self._process.stdin.flush()

    def _read_errors(self, write: Write | None) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            text = line.decode("utf-8", errors="replace")
            self._last_words.append(text.rstrip("\n"))
            if write is not None:
                write(text)

    def close(self) -> None:
        """Ends the process after the job that it may still be at."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self.kill()

    def kill(self) -> None:
        """Ends the process now."""
        self._process.kill()
        self._process.wait()
        self._stderr.join(timeout=5)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def absolute(paths: Sequence[Path]) -> tuple[str, ...]:
    """Paths as a job names them: without `..`, which would lead through folders that the embedded Lean does not see."""
    return tuple(str(path.resolve()) for path in paths)


_HEAP_LIMIT: Final = 1_200_000_000
"""Where a process is replaced before its next job: the modules that it read stay in its memory, and 2 GiB is all there is."""


class Frontend:
    """A front end that is started when it is needed, and again when it died or its memory is nearly full."""

    def __init__(self, command: Command, write_error: Write | None = None) -> None:
        """Prepares it; no process is started yet. The arguments are those of `FrontendProcess`."""
        self._command = command
        self._write_error = write_error
        self._process: FrontendProcess | None = None
        self._stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def run(self, job: Job, write: Write) -> int:
        """Elaborates one file; returns Lean's exit code, 0 or 1.

        Raises:
            ServerDied: the process ended before the job did, or `stop` was called.
        """
        if self._process is not None and self._process.heap_bytes > _HEAP_LIMIT:
            self._process.close()
            self._process = None
        if self._process is None:
            self._process = FrontendProcess(self._command, self._write_error)
        if self._stopped:
            self._process.kill()
            raise ServerDied(f"Lean was stopped before it came to {job.name}")
        try:
            return self._process.run(job, write)
        except BaseException:
            self._process.kill()
            self._process = None
            raise

    def stop(self) -> None:
        """Ends it for good. Any thread may call this; a job that runs then ends with ServerDied."""
        self._stopped = True
        process = self._process
        if process is not None:
            process.kill()
