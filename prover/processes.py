"""Programs that are waited for, and no longer than allowed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LONGEST_OUTPUT = 1_000_000
"""Bytes of each stream that are kept; a program that says more is stopped."""


CLOSE_SECONDS = 2.0
"""How long a killed program may take to be gone."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    code: int | None
    """Its exit code; None: it could not be started, was stopped, or a signal ended it."""
    output: str = ""
    errors: str = ""
    why: str = ""
    """What happened, where there is no exit code."""

    @property
    def said(self) -> str:
        """Both streams, for people."""
        return "\n".join(filter(None, [self.output.strip(), self.errors.strip()]))


async def ended(argv: Sequence[str], cwd: Path, environment: Mapping[str, str], seconds: float) -> Ended:
    """Runs a program without input, in a process group of its own, which is killed when the time is up."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return Ended(None, why=f"{argv[0]} cannot be started: {error.strerror}")
    too_much = False

    def kill() -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def stop() -> None:
        nonlocal too_much
        too_much = True
        kill()

    try:
        async with asyncio.timeout(seconds):
            output, errors = await _streams(process, stop)
    except TimeoutError:
        return Ended(None, why=f"{argv[0]} took longer than {seconds:g} s")
    finally:
        # Also what it left behind: a checker's children have no business afterwards.
        kill()
        # A process is not seen to end as long as bytes of its streams are unread.
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await _streams(process, kill)
    if too_much:
        return Ended(None, why=f"{argv[0]} said more than {LONGEST_OUTPUT} bytes")
    code = process.returncode
    if code is None or code < 0:
        return Ended(None, output, errors, f"{argv[0]} was ended by signal {-(code or 0)}: {errors.strip()[-500:]}")
    return Ended(code, output, errors)


async def _streams(process: asyncio.subprocess.Process, stop: Callable[[], None]) -> tuple[str, str]:
    """Reads both streams to their end and waits for the process; calls `stop` when it says too much."""
    assert process.stdout is not None
    assert process.stderr is not None
    output, errors = await asyncio.gather(_read(process.stdout, stop), _read(process.stderr, stop))
    await process.wait()
    return output, errors


async def _read(stream: asyncio.StreamReader, stop: Callable[[], None]) -> str:
    data = bytearray()
    while chunk := await stream.read(65536):
        data += chunk[: LONGEST_OUTPUT + 1 - len(data)]
        if len(data) > LONGEST_OUTPUT:
            stop()
    return data.decode(errors="replace")
