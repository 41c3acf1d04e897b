"""External checkers. None is installed where tests run, so that programs stand in for them which behave as they do."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import Toolchain
from prover.checkers import Checker, Evidence, Opinion, checkers_beside, declared, find_checkers, last_theorem
from prover.judge import ALLOWED_AXIOMS, Judge, Proof, Statement, Submission, Terms, Verdict, WholeFile
from tests.prover import reader

EXPORT = """\
{"meta":{"format":{"version":"3.1.0"}}}
{"in":1,"str":{"pre":0,"str":"A"}}
{"in":2,"str":{"pre":1,"str":"two"}}
{"ie":0,"sort":0}
{"axiom":{"name":1,"levelParams":[],"type":0,"isUnsafe":false}}
{"thm":{"name":2,"levelParams":[],"type":0,"value":0,"all":[2]}}"""
"""Declares `A` and the theorem `A.two`."""

ACCEPTS = 'print("Checked 2 declarations with no errors")'

LAKE = """
if sys.argv[1:] == ["env"]:
    print("LEAN_PATH=/project/library")
    print("FROM_LAKE=yes")
"""
LEAN = """
root, olean, source = sys.argv[2], pathlib.Path(sys.argv[4]), pathlib.Path(sys.argv[5])
assert sys.argv[1::2][:2] == ["-R", "-o"]
assert os.environ["LEAN_PATH"] == root + ":/project/library"
if "broken" in source.read_text():
    print("error: broken"); sys.exit(1)
olean.write_text("compiled " + source.read_text())
"""
LEAN4CHECKER = """
assert os.environ["FROM_LAKE"] == "yes"
[module] = sys.argv[1:]
olean = pathlib.Path(os.environ["LEAN_PATH"].split(":")[0], module + ".olean").read_text()
if "forged" in olean:
    print("uncaught exception: (kernel) declaration type mismatch", file=sys.stderr); sys.exit(1)
"""
COMPARATOR = """
import json, tomllib
config = json.loads(pathlib.Path(sys.argv[1]).read_text())
assert [l["name"] for l in tomllib.loads(pathlib.Path("lakefile.toml").read_text())["lean_lib"]] == ["Challenge", "Solution"]
assert config["theorem_names"] == ["A.two"] and pathlib.Path("lean-toolchain").read_text() == "v4"
challenge, solution = pathlib.Path("Challenge.lean").read_text(), pathlib.Path("Solution.lean").read_text()
sys.exit(0 if "sorry" in challenge and "forged" not in solution else 1)
"""


class Machine:
    """A folder with programs, and a project."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "bin"
        self.project = folder / "project"
        self.programs.mkdir()
        self.project.mkdir()
        (self.project / "lean-toolchain").write_text("v4")
        self.install("lake", LAKE)
        self.install("lean", LEAN)

    def install(self, name: str, body: str) -> None:
        program = self.programs / name
        program.write_text(f"#!{sys.executable}\nimport os, pathlib, sys, time\n{body}")
        program.chmod(0o755)

    def found(self, *, own: bool = False) -> tuple[Checker, ...]:
        return find_checkers(self.programs / "lake", self.project, own=own)

    def ask(
        self, name: str, body: str, *, file: str | None = "theorem", own: bool = False, seconds: float = 20
    ) -> Opinion:
        """The opinion of the only checker."""
        self.install(name, body)
        [checker] = self.found(own=own)
        shown = Evidence("open Nat\n", "theorem A.two := sorry", file, EXPORT, "", ALLOWED_AXIOMS)
        assert checker.takes(shown)
        return asyncio.run(checker.opinion(shown, seconds))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return Machine(tmp_path)


def test_checkers_are_found_beside_lake_and_named_with_their_versions(machine: Machine) -> None:
    assert machine.found() == ()
    machine.install("nanoda_bin", 'print("nanoda_bin 0.4.10-beta")')
    machine.install("leanchecker", "")
    machine.install("comparator", "")
    assert [checker.name for checker in machine.found(own=True)] == ["nanoda 0.4.10-beta", "leanchecker"]
    machine.install("landrun", "")
    machine.install("lean4export", "")
    assert [checker.name for checker in machine.found(own=True)][2:] == ["comparator"]
    assert len(machine.found()) == 2, "comparator cannot import what a project has"


def test_a_lake_that_fails_hides_no_checker(machine: Machine) -> None:
    machine.install("lake", "sys.exit(1)")
    machine.install("nanoda_bin", "sys.exit(3)")
    assert [checker.name for checker in machine.found()] == ["nanoda"]


def test_beside_the_embedded_lean_no_checker_is_asked(toolchain: Toolchain) -> None:
    assert checkers_beside(toolchain) == ()


def test_what_an_export_holds_is_read_from_it() -> None:
    block = '{"inductive":{"types":[{}],"ctors":[{},{}],"recs":[{}]}}'
    assert declared(EXPORT) == 2
    assert declared(f"{EXPORT}\n{block}") == 6
    assert last_theorem(EXPORT) == "A.two"


def test_nanoda_accepts_by_saying_that_it_checked_every_declaration(machine: Machine) -> None:
    opinion = machine.ask("nanoda_bin", ACCEPTS)
    assert opinion == Opinion("nanoda", True, "Checked 2 declarations with no errors")


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ('print("declaration type mismatch", file=sys.stderr); sys.exit(101)', False, "declaration type mismatch"),
        ('sys.exit("export file declares unpermitted axiom cheat")', False, "unpermitted axiom cheat"),
        ("", True, "does not say that it checked 2 declarations"),
        ('print("Checked 1 declarations with no errors")', True, "Checked 1 declarations"),
        ('print("Checked 2 declarations with no errors, skipping exported but unpermitted axioms")', True, "skipping"),
        ('sys.exit("failed to open configuration file")', True, "failed to open"),
        ("sys.exit(2)", True, ""),
        (f"{ACCEPTS}; sys.stdout.flush(); os.kill(os.getpid(), 11)", True, "signal 11"),
        (f"{ACCEPTS}; sys.stdout.flush(); time.sleep(60)", True, "took longer than 1 s"),
        ('print("Checked 2 declarations with no errors\\n" * 100_000)', True, "said more than"),
    ],
)
def test_whatever_else_nanoda_does_is_no_acceptance(machine: Machine, body: str, error: bool, words: str) -> None:
    opinion = machine.ask("nanoda_bin", body, seconds=1 if "sleep" in body else 20)
    assert not opinion.accepted
    assert (opinion.error, words in opinion.message) == (error, True), opinion


def test_a_checker_that_cannot_be_started_has_no_opinion(machine: Machine) -> None:
    machine.install("nanoda_bin", ACCEPTS)
    [checker] = machine.found()
    (machine.programs / "nanoda_bin").unlink()
    opinion = asyncio.run(checker.opinion(Evidence("", "", None, EXPORT, "", ALLOWED_AXIOMS), 5))
    assert (opinion.accepted, opinion.error) == (False, True)
    assert "cannot be started" in opinion.message


def test_what_a_checker_leaves_behind_is_ended(machine: Machine, tmp_path: Path) -> None:
    note = tmp_path / "child"
    body = f"""
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path({str(note)!r}).write_text(str(child.pid))
time.sleep(600)
"""
    assert machine.ask("nanoda_bin", body, seconds=2).error
    child = int(note.read_text())
    end = time.monotonic() + 10
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_without_a_closure_nanoda_has_no_opinion_and_says_why(machine: Machine) -> None:
    machine.install("nanoda_bin", ACCEPTS)
    [checker] = machine.found()
    opinion = asyncio.run(checker.opinion(Evidence("", "", None, None, "no proofs here", ALLOWED_AXIOMS), 5))
    assert opinion == Opinion("nanoda", False, "no proofs here", error=True)


def test_lean4checker_looks_at_the_compiled_module(machine: Machine) -> None:
    assert machine.ask("lean4checker", LEAN4CHECKER) == Opinion("lean4checker", True)
    refused = machine.ask("lean4checker", LEAN4CHECKER, file="forged")
    assert (refused.accepted, refused.error) == (False, False)
    assert "type mismatch" in refused.message
    broken = machine.ask("lean4checker", LEAN4CHECKER, file="broken")
    assert (broken.accepted, broken.error) == (False, True)
    assert "does not compile: error: broken" in broken.message
    crashed = machine.ask("lean4checker", "os.abort()")
    assert (crashed.accepted, crashed.error) == (False, True)


def test_comparator_gets_a_project_with_the_statement_and_the_submission(machine: Machine) -> None:
    for name in ("landrun", "lean4export"):
        machine.install(name, "")
    assert machine.ask("comparator", COMPARATOR, own=True) == Opinion("comparator", True)
    refused = machine.ask("comparator", COMPARATOR, own=True, file="forged")
    assert (refused.accepted, refused.error) == (False, False)


def test_a_body_is_no_module_to_compile(machine: Machine) -> None:
    machine.install("lean4checker", "")
    [checker] = machine.found()
    assert not checker.takes(Evidence("", "", None, EXPORT, "", ALLOWED_AXIOMS))


OWN = """inductive N where
  | zero
  | succ (n : N)

def N.add : N → N → N
  | m, .zero => m
  | m, .succ n => .succ (N.add m n)

theorem cong {a b : N} (h : a = b) : a.succ = b.succ := h.rec rfl

"""
STATEMENT = Statement("theorem zero_add (n : N) : N.add .zero n = n := sorry", OWN)
BODY = Proof("by\n  induction n with\n  | zero => rfl\n  | succ n ih => exact cong ih")
FILE = WholeFile(
    f"{OWN}theorem zero_add : ∀ n : N, N.add .zero n = n\n  | .zero => rfl\n  | .succ n => cong (zero_add n)\n"
)


READER = f"os.execv({sys.executable!r}, [{sys.executable!r}, {reader.__file__!r}, *sys.argv[1:]])"
"""Reads the export as nanoda does."""


@pytest.fixture(scope="module")
async def second(toolchain: Toolchain) -> AsyncIterator[LeanPool]:
    async with LeanPool(toolchain, 1, 0) as pool:
        yield pool


async def judged(machine: Machine, pools: tuple[LeanPool, LeanPool], case: tuple[Statement, Submission]) -> Verdict:
    pool, second = pools
    return await Judge(pool, Terms(seconds=30), second=second, checkers=machine.found()).check(*case)


@pytest.mark.parametrize("submission", [BODY, FILE])
async def test_a_verdict_names_who_was_asked_and_the_export_is_one_that_nanoda_reads(
    machine: Machine, pool: LeanPool, second: LeanPool, submission: Submission
) -> None:
    machine.install("nanoda_bin", READER)
    machine.install("lean4checker", LEAN4CHECKER)
    verdict = await judged(machine, (pool, second), (STATEMENT, submission))
    assert verdict.accepted, verdict
    names = ["kernel in a process of its own", "nanoda 0.4.10-stub", "lean4checker"]
    assert [opinion.checker for opinion in verdict.opinions] == names[: 3 if submission is FILE else 2]
    assert verdict.opinions[1].message.startswith("Checked ")


async def test_an_export_that_would_need_proofs_that_are_not_there_is_no_acceptance(
    machine: Machine, pool: LeanPool, second: LeanPool
) -> None:
    machine.install("nanoda_bin", READER)
    case = Statement("theorem two (n : Nat) : n + 0 = n + 0 * n := sorry"), Proof("by simp")
    verdict = await judged(machine, (pool, second), case)
    assert (verdict.outcome, verdict.reason) == ("error", "checker")
    assert "without its proof" in verdict.message
    assert [(opinion.accepted, opinion.error) for opinion in verdict.opinions] == [(True, False), (False, True)]


async def test_one_who_refuses_outweighs_those_who_accept_or_say_nothing(
    machine: Machine, pool: LeanPool, second: LeanPool
) -> None:
    machine.install("nanoda_bin", "sys.exit(5)")
    machine.install("lean4checker", 'print("type mismatch"); sys.exit(1)')
    verdict = await judged(machine, (pool, second), (STATEMENT, FILE))
    assert (verdict.outcome, verdict.reason) == ("rejected", "replay")
    assert verdict.message == "lean4checker: type mismatch"
    machine.install("lean4checker", "os.abort()")
    silent = await judged(machine, (pool, second), (STATEMENT, FILE))
    assert (silent.outcome, silent.reason) == ("error", "checker")


async def test_lean4checker_alone_needs_no_export(machine: Machine, pool: LeanPool, second: LeanPool) -> None:
    machine.install("lean4checker", LEAN4CHECKER)
    case = (
        Statement("theorem two (n : Nat) : n + 0 = n := sorry"),
        WholeFile("theorem two (n : Nat) : n + 0 = n := by simp"),
    )
    verdict = await judged(machine, (pool, second), case)
    assert verdict.accepted, verdict
    assert [opinion.checker for opinion in verdict.opinions][1:] == ["lean4checker"]


async def test_a_rejected_submission_is_shown_to_no_checker(machine: Machine, pool: LeanPool, second: LeanPool) -> None:
    machine.install("nanoda_bin", "'--help' in sys.argv or pathlib.Path(__file__).with_name('asked').touch()")
    verdict = await judged(machine, (pool, second), (STATEMENT, Proof("by rfl")))
    assert (verdict.outcome, verdict.opinions) == ("rejected", ())
    assert not (machine.programs / "asked").exists()


def test_checkers_want_a_second_process(machine: Machine, pool: LeanPool) -> None:
    machine.install("nanoda_bin", READER)
    with pytest.raises(ValueError, match="second"):
        Judge(pool, checkers=machine.found())
