"""The installed command `lemma` as tests run it: in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Run:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The document that was printed with `--json`."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Lemma:
    """The command that is installed beside this Python. `lemma("prove", path)` runs it."""

    folder: Path
    """Where it runs."""
    seconds: float = 300.0
    """How long it may take."""

    @property
    def path(self) -> Path:
        """The command itself."""
        return Path(sys.executable).with_name("lemma")

    def __call__(self, *arguments: str | Path) -> Run:
        """Runs the command to its end.

        Raises:
            AssertionError: it ended with a traceback.
            subprocess.TimeoutExpired: it took too long.
        """
        argv = [str(self.path), *map(str, arguments)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=self.seconds, cwd=self.folder, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return Run(done.returncode, done.stdout, done.stderr)


def timeless(found: Any) -> Any:
    """A benchmark's report, as JSON, without what depends on the clock."""
    if isinstance(found, dict):
        clocked = {"seconds", "leanSeconds", "started", "finished"}
        return {key: timeless(value) for key, value in found.items() if key not in clocked}
    return [timeless(value) for value in found] if isinstance(found, list) else found
