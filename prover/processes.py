"""Programs that are waited for, and no longer than allowed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LONGEST_OUTPUT = 1_000_000
"""Bytes of each stream that are kept; a program that says more is stopped."""


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
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(seconds):
            output, errors = await asyncio.gather(_read(process.stdout), _read(process.stderr))
            await process.wait()
    except TimeoutError:
        return Ended(None, why=f"{argv[0]} took longer than {seconds:g} s")
    except _TooMuch:
        return Ended(None, why=f"{argv[0]} said more than {LONGEST_OUTPUT} bytes")
    finally:
        # Also what it left behind: a checker's children have no business afterwards.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    code = process.returncode
    if code is None or code < 0:
        return Ended(None, output, errors, f"{argv[0]} was ended by signal {-(code or 0)}: {errors.strip()[-500:]}")
    return Ended(code, output, errors)


class _TooMuch(Exception):
    pass


async def _read(stream: asyncio.StreamReader) -> str:
    data = bytearray()
    while chunk := await stream.read(65536):
        data += chunk
        if len(data) > LONGEST_OUTPUT:
            raise _TooMuch
    return data.decode(errors="replace")
