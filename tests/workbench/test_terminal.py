from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

from workbench.testing import Lemma

HIDE_CURSOR = "\x1b[?25l"
SHOW_CURSOR = "\x1b[?25h"


def run_on_a_terminal(argv: list[str], folder: Path) -> tuple[int, str]:
    """Exit code of a command, and everything that it wrote to a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(argv, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs) as command:
        os.close(theirs)
        written = bytearray()
        while True:
            try:
                written += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
        os.close(ours)
    return command.returncode, written.decode()


def test_a_terminal_shows_the_search_while_it_runs_and_then_the_result(lemma: Lemma, tmp_path: Path) -> None:
    statement = "∀ a b c n : Nat, n > 2 → a ^ n + b ^ n = c ^ n → a * b * c = 0"
    code, screen = run_on_a_terminal([str(lemma.path), "prove", statement, "--seconds", "3"], tmp_path)
    assert code == 1
    assert "starting Lean" in screen
    assert "0 proved, 1 to go" in screen
    assert screen.index("0 proved, 1 to go") < screen.index("out of time (--seconds)")
    assert screen.index("out of time (--seconds)") < screen.index("0 of 1 proved in")
    assert SHOW_CURSOR in screen[screen.rindex(HIDE_CURSOR) :]
