from __future__ import annotations

import hashlib
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from db.export.errors import OutputExists, WriteFailed
from db.export.folder import Draft


def fill(draft: Draft, lines: list[str]) -> None:
    list(draft.write_lines("data.jsonl", lines))
    draft.write_text("card.json", "{}")


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "data"
    with Draft(out) as draft:
        fill(draft, ["α", "b"])
        assert not out.exists()
    content = (out / "data.jsonl").read_bytes()
    assert content == "α\nb\n".encode()
    [facts] = draft.files
    assert (facts.name, facts.rows, facts.bytes) == ("data.jsonl", 2, len(content))
    assert facts.sha256 == hashlib.sha256(content).hexdigest()
    assert [path.name for path in out.parent.iterdir()] == ["data"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError])
def test_nothing_is_left_of_a_folder_that_was_not_completed(error: type[BaseException], tmp_path: Path) -> None:
    def begun() -> None:
        with Draft(tmp_path / "deep" / "er" / "data") as draft:
            fill(draft, ["a"])
            raise error

    with pytest.raises(error):
        begun()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "data"
    with Draft(out) as draft:
        fill(draft, ["old"])
    with pytest.raises(OutputExists, match="--force"), Draft(out):
        pytest.fail("not reached")
    assert (out / "data.jsonl").read_text() == "old\n"


def test_an_earlier_data_set_is_replaced_as_a_whole(tmp_path: Path) -> None:
    out = tmp_path / "data"
    with Draft(out) as draft:
        fill(draft, ["old"])
        draft.write_text("more/old.txt", "")
    with Draft(out, replace=True) as draft:
        fill(draft, ["new"])
        assert (out / "data.jsonl").read_text() == "old\n"
    assert sorted(path.name for path in out.iterdir()) == ["card.json", "data.jsonl"]
    assert (out / "data.jsonl").read_text() == "new\n"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_an_earlier_data_set_survives_a_failing_replacement(tmp_path: Path) -> None:
    out = tmp_path / "data"
    with Draft(out) as draft:
        fill(draft, ["old"])

    def replaced() -> None:
        with Draft(out, replace=True) as draft:
            fill(draft, ["new"])
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        replaced()
    assert (out / "data.jsonl").read_text() == "old\n"


def test_a_folder_that_is_no_data_set_is_never_replaced(tmp_path: Path) -> None:
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputExists, match="no data set"), Draft(out, replace=True):
        pytest.fail("not reached")
    file = tmp_path / "file"
    file.write_text("text")
    with pytest.raises(OutputExists, match="no data set"), Draft(file, replace=True):
        pytest.fail("not reached")
    assert (out / "thesis.tex").read_text() == "years of work"


def test_two_exports_do_not_write_the_same_folder(tmp_path: Path) -> None:
    with Draft(tmp_path / "data") as draft:
        with pytest.raises(OutputExists, match="Another export"), Draft(tmp_path / "data"):
            pytest.fail("not reached")
        fill(draft, ["a"])
    assert (tmp_path / "data" / "data.jsonl").read_text() == "a\n"


def test_what_a_killed_export_left_is_cleared_away_by_the_next(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from db.export.folder import Draft\n"
        "with Draft(Path('data')) as draft:\n"
        "    list(draft.write_lines('half.jsonl', ['a'] * 5000))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "data").exists()
    with Draft(tmp_path / "data") as draft:
        fill(draft, ["a"])
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["card.json", "data.jsonl"]
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_write_that_the_system_refuses_leaves_nothing_and_tells_the_cure(tmp_path: Path) -> None:
    # A full disk cannot be had without a disk; a limit on the size of files fails the same calls.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with (
            pytest.raises(WriteFailed, match=r"cannot be written: File too large; .*ulimit"),
            Draft(tmp_path / "data") as draft,
        ):
            fill(draft, ["a" * 1000] * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteFailed, match="cannot be written"), Draft(tmp_path / "file" / "data"):
        pytest.fail("not reached")
