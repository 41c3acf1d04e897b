"""`lemma check` from end to end: real Lean, real kills."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from lean_bridge.client import LeanServer
from lean_bridge.errors import BridgeError
from prover.judge import Statement, Terms
from workbench.cli.app import exit_code, explained
from workbench.cli.check import SECONDS, trusted_statement
from workbench.problems import LeanFile
from workbench.testing import Lemma

STATEMENTS = """\
/-! Ünïcode before the theorems. -/
def double (n : Nat) : Nat := n + n
axiom cheat : 1 = 2
namespace A
/-- Its own proof does not count. -/
theorem two (n : Nat) : double n = 2 * n := by sorry
end A
theorem wrong : 1 = 2 := sorry
example : True := trivial
"""
ONE = "theorem t (n : Nat) : n + 0 = n := sorry\nexample : True := trivial\n"
FILE = """\
def double (n : Nat) : Nat := n + n
theorem helper (n : Nat) : double n = n + n := rfl
theorem A.two (n : Nat) : double n = 2 * n := by rw [helper]; omega
"""
SLOW = "by\n  iterate 15 (iterate 15 (have h := 1; clear h))\n  simp"
"""A quarter of a second, and more on a busy machine."""
ENDLESS = "by\n  iterate 100 (iterate 100 (iterate 100 (iterate 100 (have h := 1; clear h))))\n  simp"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "trusted.lean").write_text(STATEMENTS)
    (tmp_path / "one.lean").write_text(ONE)
    return tmp_path


def write_cases(path: Path, proofs: Sequence[str]) -> None:
    rows = [{"id": f"c{k}", "statement": ONE.splitlines()[0], "proof": proof} for k, proof in enumerate(proofs)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def verdicts(path: Path) -> list[dict[str, object]]:
    """The verdicts in a file, every line of which must be whole."""
    text = path.read_text() if path.exists() else ""
    assert text == "" or text.endswith("\n")
    return [json.loads(row) for row in text.splitlines()]


def kept(path: Path) -> int:
    """How many whole verdicts there are, those before their turn too."""
    parts = (path, path.with_name(f".{path.name}.ahead"))
    return len({row for part in parts if part.exists() for row in part.read_bytes().split(b"\n")[:-1]})


@contextmanager
def running(lemma: Lemma, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command while it runs; it is killed in the end, if it still does."""
    argv, pipe = [str(lemma.path), *arguments], subprocess.PIPE
    with subprocess.Popen(argv, cwd=lemma.folder, stdout=pipe, stderr=pipe, text=True) as command:
        try:
            yield command
        finally:
            command.kill()


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)


BATCH = ("check", "--batch", "cases.jsonl", "--out", "out.jsonl", "--heartbeats", "0")
"""One case at a time, which is what the tests' environment asks for."""
TWO_AT_A_TIME = (*BATCH, "--workers", "2")
"""Verdicts can then be there before their turn."""


def test_the_default_of_seconds_is_that_of_the_judge() -> None:
    assert Terms().seconds == SECONDS


def test_a_file_that_proves_the_statement_is_accepted(lemma: Lemma, folder: Path) -> None:
    (folder / "file.lean").write_text(FILE)
    run = lemma("check", "file.lean", "--theorem", "A.two", "--against", "trusted.lean", "--replay")
    assert run.code == 0, run.out + run.err
    statement = Statement(
        text=STATEMENTS[STATEMENTS.index("/-- Its") : STATEMENTS.index("\nend A")],
        header=STATEMENTS[: STATEMENTS.index("/-- Its")],
    )
    assert re.fullmatch(
        r"✓ A\.two accepted\n"
        rf"    statement sha256  {statement.hash}\n"
        r"    axioms            (none|[A-Za-z., ]+)\n"
        r"    Lean              Lean 4\.28\S+, commit [0-9a-f]{40}, embedded\n"
        r"    time              \d+\.\d\d s\n"
        r"    second opinion    [a-z ]+: accepted\n",
        run.out,
    )


def test_the_only_theorem_of_a_file_needs_no_name(lemma: Lemma, folder: Path) -> None:
    (folder / "file.lean").write_text("theorem t (n : Nat) : n + 0 = n := by simp\n")
    run = lemma("check", "file.lean", "--against", "one.lean")
    assert (run.code, run.out.splitlines()[0]) == (0, "✓ t accepted"), run.out + run.err


def test_a_rejection_names_class_place_and_leans_words(lemma: Lemma, folder: Path) -> None:
    (folder / "file.lean").write_text(FILE.replace("omega", "exact nothing n"))
    run = lemma("check", "file.lean", "--theorem", "A.two", "--against", "trusted.lean")
    assert run.code == 1, run.out + run.err
    first, second, *_ = run.out.splitlines()
    assert first == "✗ A.two rejected (elaboration)"
    assert second.startswith("file.lean:3:68: ")
    assert "nothing" in second


def test_a_program_in_a_submission_is_refused_before_it_runs(lemma: Lemma, folder: Path) -> None:
    (folder / "file.lean").write_text('#eval IO.FS.writeFile "mark" ""\n' + FILE)
    run = lemma("check", "file.lean", "--theorem", "A.two", "--against", "trusted.lean")
    assert run.code == 1, run.out + run.err
    assert run.out.startswith("✗ A.two rejected (syntax)\nfile.lean:1:0: ")
    assert "#eval" in run.out
    assert not (folder / "mark").exists()


def test_a_body_is_judged_and_reported_as_json(lemma: Lemma, folder: Path) -> None:
    (folder / "body.txt").write_text("by\n  unfold double\n  omega\n")
    arguments = ("--body", "--theorem", "A.two", "--against", "trusted.lean", "--json", "--seconds", "20")
    run = lemma("check", "body.txt", *arguments)
    assert run.code == 0, run.out + run.err
    report = run.json()
    assert [report[key] for key in ("theorem", "file", "against")] == ["A.two", "body.txt", "trusted.lean"]
    assert [report[key] for key in ("outcome", "reason", "line", "opinions")] == ["accepted", None, None, []]
    assert report["terms"]["seconds"] == 20
    assert "double" in report["constants"]

    (folder / "body.txt").write_text("by\n  unfold double\n  rfl\n")
    run = lemma("check", "body.txt", *arguments)
    assert run.code == 1, run.out + run.err
    report = run.json()
    assert [report[key] for key in ("outcome", "reason", "line", "column")] == ["rejected", "elaboration", 3, 2]
    assert report["message"]


def test_syntax_and_axioms_count_only_if_they_are_allowed(lemma: Lemma, folder: Path) -> None:
    (folder / "body.txt").write_text("by first | native_decide | exact cheat")  # what is wrong is not decided
    arguments = ("check", "body.txt", "--body", "--theorem", "wrong", "--against", "trusted.lean")
    syntax_refused = lemma(*arguments, "--axiom", "cheat", "--json").json()
    assert (syntax_refused["outcome"], syntax_refused["reason"]) == ("rejected", "syntax")

    kind = "Lean.Parser.Tactic.nativeDecide"
    axiom_refused = lemma(*arguments, "--allow-syntax", kind)
    assert axiom_refused.code == 1
    assert axiom_refused.out.startswith("✗ wrong rejected (axiom)\nbody.txt: ")
    assert "    axioms            cheat\n" in axiom_refused.out

    allowed = lemma(*arguments, "--allow-syntax", kind, "--axiom", "cheat", "--json")
    assert (allowed.code, allowed.json()["outcome"], allowed.json()["axioms"]) == (0, "accepted", ["cheat"])
    assert allowed.json()["terms"]["syntax"] == [kind]


def test_a_time_limit_is_no_verdict(lemma: Lemma, folder: Path) -> None:
    (folder / "body.txt").write_text(ENDLESS)
    run = lemma("check", "body.txt", "--body", "--against", "one.lean", "--seconds", "1", "--heartbeats", "0")
    assert run.code == 3, run.out + run.err
    assert run.out.startswith("! t no verdict (timeout)\n")
    assert not re.search("accepted|rejected", run.out)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["check"], "Give FILE and --against STATEMENT, or --batch CASES and --out OUT"),
        (["check", "body.txt"], "Give FILE and --against STATEMENT"),
        (["check", "--against", "one.lean"], "Give FILE and --against STATEMENT"),
        (["check", "missing.lean", "--against", "one.lean"], "missing.lean: no such file; check the name"),
        (["check", "body.txt", "--against", "missing.lean"], "missing.lean: no such file; check the name"),
        (["check", "empty", "--against", "one.lean"], "empty is empty; write the theorem with its proof into it"),
        (["check", "binary", "--against", "one.lean"], "binary is not UTF-8 text (byte 0)"),
        (
            ["check", "body.txt", "--against", "one.lean", "--out", "o"],
            "--out, --workers and --restart are for a batch",
        ),
        (["check", "body.txt", "--against", "one.lean", "--restart"], "--out, --workers and --restart are for a batch"),
        (["check", "body.txt", "--batch", "b", "--out", "o"], "--batch takes statements and submissions from its file"),
        (["check", "--body", "--batch", "b", "--out", "o"], "--batch takes statements and submissions from its file"),
        (["check", "--batch", "b"], "--batch needs a file for the verdicts; give --out OUT"),
        (["check", "--batch", "b", "--out", "o"], "b cannot be read: No such file or directory"),
        (["check", "--batch", "body.txt", "--out", "o"], "body.txt:1: not JSON ("),
        (["check", "--batch", "empty", "--out", "o"], "empty is empty; write one case a line into it"),
        (["check", "--batch", "cases", "--out", "cases"], "cases is the input itself; choose another file"),
        (["check", "--batch", "cases", "--out", "nowhere/o"], "there is no folder nowhere; make it first"),
        (["check", "--batch", "cases", "--out", "/dev/full"], "/dev/full is no ordinary file; name one"),
        (["check", "--batch", "cases", "--out", "o", "--workers", "0"], "--workers"),
        (["check", "body.txt", "--against", "one.lean", "--seconds", "soon"], "--seconds"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_refused_before_lean_starts(
    arguments: list[str], complaint: str, lemma: Lemma, folder: Path
) -> None:
    (folder / "body.txt").write_text("by simp")
    (folder / "empty").write_bytes(b"")
    (folder / "binary").write_bytes(b"\xff\xfe")
    write_cases(folder / "cases", ["by simp"])
    before = sorted(folder.iterdir())
    run = lemma(*arguments)
    assert (run.code, run.out) == (2, "")
    assert complaint in run.err
    assert "starting Lean" not in run.err
    assert sorted(folder.iterdir()) == before


def test_the_command_passes_on_why_a_trusted_file_is_refused(lemma: Lemma, folder: Path) -> None:
    (folder / "body.txt").write_text("by simp")
    (folder / "trusted.lean").write_text("import No.Such\n")
    run = lemma("check", "body.txt", "--body", "--against", "trusted.lean", "--theorem", "t")
    assert (run.code, run.out) == (2, "")
    assert "Check the name of the import." in run.err


@pytest.mark.parametrize(
    ("trusted", "theorem", "complaint"),
    [
        (STATEMENTS, None, "trusted.lean has A.two, wrong; say which one with --theorem."),
        ("def a := 1\n", None, "trusted.lean has no theorem; state one that ends in `:= sorry`."),
        (STATEMENTS, "two", "no theorem `two`; it has: A.two, wrong"),
        ("theorem t : 1 = 1 := b\n", None, "trusted.lean:1:21: error: "),
        ("theorem t : 1 = 1 := b\n", "t", "trusted.lean: the statement's file has errors of its own\n1:21: "),
        ("import No.Such\n", None, "Check the name of the import."),
        ("import No.Such\n", "t", "Check the name of the import."),
    ],
    ids=["two", "none", "unknown", "errors", "errors, by name", "import", "import, by name"],
)
async def test_a_trusted_file_that_states_no_such_theorem_is_refused(
    trusted: str, theorem: str | None, complaint: str, server: LeanServer
) -> None:
    with pytest.raises(BridgeError) as refused:
        await trusted_statement(server, LeanFile(Path("trusted.lean"), trusted), theorem)
    assert exit_code(refused.value) == 2
    assert complaint in explained(refused.value)


def test_a_batch_is_judged_in_order_and_counted(lemma: Lemma, folder: Path) -> None:
    proofs = [SLOW, "by simp", "by exact foo", "by sorry", "by omega", SLOW, "by simp", "by ("]
    write_cases(folder / "cases.jsonl", proofs)
    run = lemma(*TWO_AT_A_TIME)
    assert run.code == 1, run.out + run.err
    found = verdicts(folder / "out.jsonl")
    assert [row["id"] for row in found] == [f"c{k}" for k in range(8)]
    assert [row["reason"] for row in found] == [None, None, "elaboration", "sorry", None, None, None, "parse"]
    assert (found[2]["line"], found[2]["column"]) == (1, 9)
    rows = [line.split() for line in run.out.splitlines()]
    assert rows[0] == ["outcome", "reason", "cases"]
    assert rows[1:5] == [["accepted", "5"], *(["rejected", why, "1"] for why in ("elaboration", "parse", "sorry"))]
    assert run.out.splitlines()[5].startswith("8 verdicts in out.jsonl; ")
    assert "0 of 8 done: 0 accepted, 0 rejected, 0 without a verdict" in run.err

    before = (folder / "out.jsonl").read_bytes()
    began = time.monotonic()
    again = lemma(*TWO_AT_A_TIME, "--json")
    assert time.monotonic() - began < 3  # Lean is not started
    assert again.code == 1
    report = again.json()
    counts = [report[key] for key in ("cases", "accepted", "rejected", "error", "stored_before")]
    assert counts == [8, 5, 3, 0, 8]
    assert report["reasons"][1] == {"outcome": "rejected", "reason": "elaboration", "cases": 1}
    assert (folder / "out.jsonl").read_bytes() == before


def test_bad_statements_and_time_limits_do_not_stop_a_batch(lemma: Lemma, folder: Path) -> None:
    cases = folder / "cases.jsonl"
    write_cases(cases, [ENDLESS, "by simp", "by ("])
    run = lemma(*BATCH, "--seconds", "1", "--json")
    assert run.code == 3, run.out + run.err
    assert [row["reason"] for row in verdicts(folder / "out.jsonl")] == ["timeout", None, "parse"]

    bad = {"id": "bad", "header": "def a : Nat := b", "statement": "theorem t : 1 = 1 := sorry", "proof": "rfl"}
    cases.write_text(f"{cases.read_text()}{json.dumps(bad)}\n")
    run = lemma(*BATCH, "--seconds", "1", "--json")
    assert run.code == 2, run.out + run.err
    assert run.json()["stored_before"] == 3
    last = verdicts(folder / "out.jsonl")[-1]
    assert (last["outcome"], last["reason"]) == ("error", "bad_statement")
    assert str(last["lean"]).startswith("Lean 4.28")
    assert "`b`" in str(last["message"])
    assert "1 of the statements do not elaborate; mend them" in run.err


def test_a_batch_that_was_killed_goes_on_from_there(lemma: Lemma, folder: Path) -> None:
    out, proofs = folder / "out.jsonl", [SLOW, "by simp"] * 12
    write_cases(folder / "cases.jsonl", proofs)
    with running(lemma, *TWO_AT_A_TIME) as command:
        wait_for(lambda: kept(out) >= 4)
        servers = psutil.Process(command.pid).children(recursive=True)
        command.send_signal(signal.SIGKILL)
        command.communicate(timeout=15)
    assert not psutil.wait_procs(servers, timeout=15)[1]
    whole = out.read_bytes()
    whole = whole[: whole.rfind(b"\n") + 1]
    stored = kept(out)
    assert 4 <= stored < 24
    out.write_bytes(whole + b'{"id": "c%d", "outc' % whole.count(b"\n"))  # a line in the middle of which it was killed
    run = lemma(*TWO_AT_A_TIME, "--json")
    assert run.code == 0, run.out + run.err
    assert (run.json()["stored_before"], out.read_bytes()[: len(whole)]) == (stored, whole)
    assert [row["id"] for row in verdicts(out)] == [f"c{k}" for k in range(24)]
    assert {row["outcome"] for row in verdicts(out)} == {"accepted"}
    assert not (folder / ".out.jsonl.ahead").exists()


def test_an_interrupted_batch_ends_with_130_and_goes_on_from_there(lemma: Lemma, folder: Path) -> None:
    out = folder / "out.jsonl"
    write_cases(folder / "cases.jsonl", [SLOW] * 10)
    with running(lemma, *BATCH) as command:
        wait_for(lambda: kept(out) >= 2)
        servers = psutil.Process(command.pid).children(recursive=True)
        command.send_signal(signal.SIGINT)
        _, err = command.communicate(timeout=15)
    assert command.returncode == 130, err
    assert "Traceback" not in err
    assert not psutil.wait_procs(servers, timeout=5)[1]
    stored = kept(out)
    assert f"interrupted: {stored} of 10 verdicts are kept; the same command" in err
    assert {row["outcome"] for row in verdicts(out)} <= {"accepted"}
    run = lemma(*BATCH, "--json")
    assert (run.code, run.json()["stored_before"], run.json()["accepted"]) == (0, stored, 10), run.err


def test_a_full_disk_is_said_and_loses_nothing(lemma: Lemma, folder: Path) -> None:
    out = folder / "out.jsonl"
    write_cases(folder / "cases.jsonl", ["by simp"] * 8)
    with running(lemma, *BATCH) as command:
        psutil.Process(command.pid).rlimit(psutil.RLIMIT_FSIZE, (2000, 2000))
        _, err = command.communicate(timeout=120)
    assert command.returncode == 2, err
    assert "Traceback" not in err
    assert "cannot be written: File too large. The verdicts that it holds stay" in err
    stored = kept(out)
    assert 1 <= len(verdicts(out)) <= stored < 8
    run = lemma(*BATCH, "--json")
    assert (run.code, run.json()["stored_before"], run.json()["accepted"]) == (0, stored, 8), run.err


def test_changed_input_and_terms_are_refused_and_restart_begins_anew(lemma: Lemma, folder: Path) -> None:
    out = folder / "out.jsonl"
    write_cases(folder / "cases.jsonl", ["by simp", "by omega"])
    assert lemma(*BATCH).code == 0
    before = out.read_bytes()
    other_terms = lemma(*BATCH, "--seconds", "7")
    assert (other_terms.code, other_terms.out) == (2, "")
    assert "out.jsonl:1: the line has the terms" in other_terms.err
    write_cases(folder / "cases.jsonl", ["by simp", "by grind"])
    other_input = lemma(*BATCH)
    assert (other_input.code, other_input.out) == (2, "")
    assert "out.jsonl:2: the line has the submission_sha256" in other_input.err
    assert "Remove out.jsonl or choose another file; --restart begins it anew." in other_input.err
    assert out.read_bytes() == before
    restarted = lemma(*BATCH, "--restart", "--json")
    assert (restarted.code, restarted.json()["stored_before"]) == (0, 0), restarted.err
    assert len(verdicts(out)) == 2
    assert out.read_bytes() != before


def test_two_runs_on_one_file_are_refused(lemma: Lemma, folder: Path) -> None:
    write_cases(folder / "cases.jsonl", [SLOW] * 10)
    with running(lemma, *BATCH):
        wait_for((folder / "out.jsonl").exists)
        second = lemma(*BATCH)
    assert (second.code, second.out) == (2, "")
    assert "another run writes out.jsonl; wait for its end, or choose another file." in second.err


def test_a_terminal_shows_how_far_a_batch_is(lemma: Lemma, folder: Path) -> None:
    write_cases(folder / "cases.jsonl", [SLOW, SLOW, "by ("])
    ours, theirs = pty.openpty()
    with subprocess.Popen([str(lemma.path), *BATCH], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs) as command:
        os.close(theirs)
        written = bytearray()
        with suppress(OSError):  # the other end is closed
            while True:
                written += os.read(ours, 65536)
        os.close(ours)
    screen = written.decode()
    assert command.returncode == 1
    assert "0/3" in screen
    assert "0 accepted, 0 rejected, 0 without a verdict" in screen
    assert screen.rindex("judging") < screen.index("3 verdicts in out.jsonl")
