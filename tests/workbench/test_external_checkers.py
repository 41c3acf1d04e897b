"""`lemma check --replay` and `lemma doctor` beside a native Lean with checkers.

Lake, Lean and the checkers are programs of the test; what Lake builds as LemmaForge's server is the one of the embedded Lean.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path

import pytest

from lean_bridge.toolchain import Toolchain
from tests.prover import reader
from tests.prover.test_checkers import BODY, FILE, LEAN4CHECKER, STATEMENT, Machine
from workbench.testing import Lemma, Run

LEAN = """
if "--version" in sys.argv:
    print("Lean (version 4.29.1, x86_64-unknown-linux-gnu, commit abc, Release)"); sys.exit()
if "--print-prefix" in sys.argv:
    print(pathlib.Path(__file__).parent); sys.exit()
pathlib.Path(sys.argv[4]).write_text(pathlib.Path(sys.argv[5]).read_text())
"""
LAKE = """
if sys.argv[1:] == ["env"]:
    print("FROM_LAKE=yes")
elif sys.argv[1] == "env":
    os.execv(sys.argv[2], sys.argv[2:])
else:
    program = pathlib.Path(".lake/build/bin/lemmaforge-server")
    program.parent.mkdir(parents=True)
    program.write_text(pathlib.Path(__file__).with_name("server").read_text())
    program.chmod(0o755)
"""


@pytest.fixture
def native(tmp_path: Path, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch) -> Machine:
    folder = tmp_path / "machine"
    folder.mkdir()
    machine = Machine(folder)
    server = toolchain.server()
    variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in server.env.items())
    command = f"cd {shlex.quote(str(server.cwd))} && exec env {variables} {shlex.join(server.argv)}"
    (machine.programs / "server").write_text(f"#!/bin/sh\n{command}\n")
    machine.install("lake", LAKE)
    machine.install("lean", LEAN)
    machine.install(
        "nanoda_bin", f"os.execv({sys.executable!r}, [{sys.executable!r}, {reader.__file__!r}, *sys.argv[1:]])"
    )
    monkeypatch.setenv("PATH", f"{machine.programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LEMMAFORGE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "trusted.lean").write_text(STATEMENT.header + STATEMENT.text)
    (tmp_path / "file.lean").write_text(FILE.text)
    (tmp_path / "body.txt").write_text(BODY.text)
    return machine


def check(lemma: Lemma, native: Machine, *arguments: str) -> Run:
    return lemma("check", *arguments, "--replay", "--lean", "native", "--project", native.project)


def test_the_checkers_that_were_asked_are_named(lemma: Lemma, native: Machine) -> None:
    native.install("lean4checker", LEAN4CHECKER)
    run = check(lemma, native, "file.lean", "--theorem", "zero_add", "--against", "trusted.lean")
    assert run.code == 0, run.out + run.err
    lines = [line.split("second opinion")[1].strip() for line in run.out.splitlines() if "second opinion" in line]
    assert lines == [
        "kernel in a process of its own: accepted",
        "nanoda 0.4.10-stub: accepted",
        "lean4checker: accepted",
    ]


def test_a_checker_that_refuses_or_crashes_decides_the_exit_code(lemma: Lemma, native: Machine) -> None:
    native.install("nanoda_bin", 'sys.exit("unpermitted axiom")')
    refused = check(lemma, native, "body.txt", "--body", "--theorem", "zero_add", "--against", "trusted.lean", "--json")
    assert refused.code == 1
    assert (refused.json()["outcome"], refused.json()["reason"]) == ("rejected", "replay")
    assert refused.json()["opinions"][1] == {
        "checker": "nanoda",
        "accepted": False,
        "message": "unpermitted axiom",
        "error": False,
    }
    native.install("nanoda_bin", "os.abort()")
    crashed = check(lemma, native, "body.txt", "--body", "--theorem", "zero_add", "--against", "trusted.lean")
    assert crashed.code == 3
    assert "nanoda: no verdict" in crashed.out


def test_a_batch_asks_them_too(lemma: Lemma, native: Machine, tmp_path: Path) -> None:
    case = {"id": "a", "header": STATEMENT.header, "statement": STATEMENT.text, "proof": BODY.text}
    (tmp_path / "cases.jsonl").write_text(json.dumps(case))
    run = check(lemma, native, "--batch", "cases.jsonl", "--out", "out.jsonl")
    assert run.code == 0, run.out + run.err
    [verdict] = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert [opinion["checker"] for opinion in verdict["opinions"]][1:] == ["nanoda 0.4.10-stub"]


def test_doctor_lists_the_checkers_that_it_finds(lemma: Lemma, native: Machine) -> None:
    native.install("lean4checker", "")
    found = {check["name"]: check for check in lemma("doctor", "--quick", "--json").json()["checks"]}
    assert found["external checkers"]["detail"] == "nanoda 0.4.10-stub, lean4checker"
    for program in native.programs.iterdir():
        if program.name not in {"lake", "lean"}:
            program.unlink()
    none = {check["name"]: check for check in lemma("doctor", "--quick", "--json").json()["checks"]}
    assert (none["external checkers"]["ok"], none["external checkers"]["required"]) == (False, False)
    assert "install nanoda" in none["external checkers"]["cure"]
