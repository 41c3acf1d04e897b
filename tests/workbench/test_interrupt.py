from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
import pytest

from workbench.testing import Lemma

HARD = """\
theorem fermat (a b c n : Nat) : n > 2 → a ^ n + b ^ n = c ^ n → a * b * c = 0 := by sorry
theorem mersenne (n : Nat) : ∃ p, n < p ∧ ∀ d, d ∣ 2 ^ p - 1 → d = 1 ∨ d = 2 ^ p - 1 := by sorry
"""


@contextmanager
def running(argv: list[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A command that is killed in the end if it still runs."""
    with subprocess.Popen(argv, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as command:
        try:
            yield command
        finally:
            command.kill()


def descendants(process: psutil.Process, least: int, seconds: float) -> list[psutil.Process]:
    """The processes under `process`, once there are `least` of them."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = process.children(recursive=True)
        if len(found) >= least:
            return list(found)
        time.sleep(0.05)
    raise AssertionError(f"no {least} processes after {seconds} s")


def read_up_to(stream: IO[str] | None, words: str) -> None:
    """Reads what a command prints up to a line that begins so."""
    assert stream is not None
    assert any(line.startswith(words) for line in stream), f"it never said {words}"


def wait_for_file(path: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"no {path} after {seconds} s"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("last_words", "stop"),
    [("starting Lean", signal.SIGINT), ("reading hard.lean", signal.SIGINT), ("reading hard.lean", signal.SIGTERM)],
    ids=["while Lean starts", "while it searches", "by a termination signal"],
)
def test_an_interrupted_proof_search_leaves_no_process_behind(
    last_words: str, stop: signal.Signals, lemma: Lemma, tmp_path: Path
) -> None:
    (tmp_path / "hard.lean").write_text(HARD)
    argv = [str(lemma.path), "prove", "hard.lean", "--seconds", "300", "--workers", "2"]
    with running(argv, tmp_path) as command:
        read_up_to(command.stderr, last_words)
        children = descendants(psutil.Process(command.pid), least=2, seconds=60)
        time.sleep(1)  # Lean reads the file in less
        command.send_signal(stop)
        out, err = command.communicate(timeout=15)
    assert command.returncode == (130 if stop == signal.SIGINT else -stop), err
    assert "Traceback" not in err
    assert "proved" not in out
    assert not psutil.wait_procs(children, timeout=5)[1]


def test_an_interrupted_program_leaves_no_process_behind(lemma: Lemma, tmp_path: Path) -> None:
    (tmp_path / "loop.lean").write_text(
        '#eval IO.FS.writeFile "begun" ""\n#eval show IO Unit from do repeat IO.sleep 10\n'
    )
    argv = [str(lemma.path), "lean", "run", "loop.lean"]
    with running(argv, tmp_path) as command:
        wait_for_file(tmp_path / "begun", seconds=60)
        children = descendants(psutil.Process(command.pid), least=1, seconds=60)
        command.send_signal(signal.SIGINT)
        _, err = command.communicate(timeout=15)
    assert command.returncode == 130, err
    assert "Traceback" not in err
    assert not psutil.wait_procs(children, timeout=5)[1]
