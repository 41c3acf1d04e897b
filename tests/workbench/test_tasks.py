"""`lemma tasks` on a small store and the real Lean: from theorems to a file that provers are tested on."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from db.records import Library, Module, Theorem
from db.store import Store
from workbench.testing import Lemma

PARENTS = ("Nat.le_antisymm", "List.length_append", "Nat.sub_lt_sub_left", "Nat.le_of_lt_succ", "List.length_reverse")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that knows some theorems of Init."""
    path = tmp_path / "lemma.db"
    library = Library("Init", "4.28.0-pre 38f3c0c", "d" * 64, ("Init",))
    with Store.open(path) as records:
        records.save_library(library)
        known = [Theorem(name, "Init.Some", " : True", f"{i:032x}") for i, name in enumerate(PARENTS)]
        records.save_module(library.digest, Module("Init.Some", "e" * 64), known)
    return path


OPTIONS = ("--limit", "3", "--workers", "1", "--effort", "0")


@pytest.mark.slow
def test_from_theorems_to_a_benchmark_of_true_and_false_statements(store: Path, lemma: Lemma, tmp_path: Path) -> None:
    made = lemma("tasks", "counterexample", "Init", *OPTIONS, "--seed", "1", "--json")
    assert made.code == 0, made.err
    (run,) = made.json()["runs"]
    assert run["theorems"] == len(PARENTS)
    assert run["refuted"] > 3
    assert run["proved"] > 0
    assert run["conjectures"] == sum(run[standing] for standing in ("refuted", "proved", "vacuous", "open"))

    told = lemma("tasks", "report", "--markdown", "report.md", "--command", "lemma tasks …", "--json").json()
    assert told["all"]["refuted"] == run["refuted"]
    assert sum(kind["conjectures"] for kind in told["kinds"].values()) == run["conjectures"]
    assert told["all"]["refutedShare"] == run["refuted"] / (run["refuted"] + run["open"])
    text = (tmp_path / "report.md").read_text()
    assert f"| refuted | `{run['refuted']}` |" in text
    assert "## By kind" in text
    assert re.search(r"theorem \S+\.refuted : ¬", text)
    assert "By kind" in lemma("tasks", "report").out

    exported = lemma("export", "counterexample", "--out", "out", "--limit", "4")
    assert exported.code == 0, exported.err
    checked = lemma("check", "--batch", "out/checks.jsonl", "--out", "verdicts.jsonl", "--workers", "1")
    assert checked.code == 0, checked.err
    rows = [json.loads(line) for line in (tmp_path / "out" / "conjectures.jsonl").read_text().splitlines()]
    bench = lemma("bench", "run", "out/conjectures.jsonl", "--limit-seconds", "5", "--json")
    assert bench.code == 0, bench.err
    judgements = lemma("bench", "report", "--json").json()["judgements"]
    assert judgements["problems"] == len(rows) == 4
    assert judgements["contradictions"] == []
    assert judgements["decidedCorrectly"] >= 3


@pytest.mark.slow
def test_a_run_that_is_interrupted_is_taken_up_by_the_same_command(store: Path, lemma: Lemma) -> None:
    command = [sys.executable, "-m", "workbench", "tasks", "counterexample", "Init", "--store", str(store), *OPTIONS]
    going = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    with Store.open(store) as records:
        deadline = time.monotonic() + 100
        while not records.runs("conjecture") and time.monotonic() < deadline:
            time.sleep(0.1)
    going.send_signal(signal.SIGINT)
    _, said = going.communicate(timeout=60)
    assert going.returncode == 130, said
    assert "interrupted: 0 of 1 units and 0 conjectures are kept; the same command goes on" in said
    again = lemma("tasks", "counterexample", "Init", *OPTIONS, "--json")
    assert again.code == 0
    assert "run 1 goes on" in again.err
    assert again.json()["runs"][0]["conjectures"] > 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["tasks", "counterexample", "Init", "--kind", "typo"],
            "there is no kind of change 'typo'; --kind takes hypothesis",
        ),
        (["tasks", "counterexample", "Std"], "Std is not in the store: run `lemma trace Std` first"),
        (["tasks", "counterexample", "Init", "--holdout", "none.txt"], "none.txt cannot be read"),
        (
            ["tasks", "report"],
            "lemma.db holds no run of counterexample tasks; make one with `lemma tasks counterexample`",
        ),
        (["tasks", "report", "--command", "x"], "--command is for the head of the Markdown"),
        (["tasks", "report", "--store", "none.db"], "there is no store at none.db"),
    ],
)
def test_bad_input_is_told_with_a_cure(store: Path, lemma: Lemma, arguments: list[str], says: str) -> None:
    run = lemma(*arguments)
    assert run.code == 2
    assert says in run.err
