"""`lemma bench` from end to end: real Lean, a real store, a process that is killed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest

from workbench.testing import Lemma, timeless

ROWS = [
    {
        "name": f"mathd_{n}",
        "split": "test",
        "formal_statement": f"theorem mathd_{n} (a : Nat) : a + {n} = {n} + a := by\n",
    }
    for n in range(6)
] + [
    {
        "name": "imo_false",
        "split": "test",
        "formal_statement": "theorem imo_false (f : Nat → Nat) : f 1 = f 2 := by sorry",
    },
    {
        "name": "amc_mathlib",
        "split": "valid",
        "header": "import Mathlib\n",
        "formal_statement": "theorem amc_mathlib : True",
    },
]
LEAN = (
    "def f (n : Nat) := n + n\n\ntheorem double (n : Nat) : f n = 2 * n := by sorry\n\ntheorem done : f 1 = 2 := rfl\n"
)


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    path = tmp_path / "problems.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    return path


def test_a_run_is_made_reported_compared_and_verified(lemma: Lemma, problems: Path, tmp_path: Path) -> None:
    options = ("--limit-tactics", "150", "--json")
    made = lemma("bench", "run", problems, "--k", "1,2", "--generator", "single", *options)
    assert made.code == 0, made.err
    assert made.json()["attempts"] == {
        "proved": 12,
        "refuted": 1,
        "failed": 1,
        "timeout": 0,
        "error": 0,
        "unstatable": 2,
    }
    assert (made.json()["proved"], made.json()["problems"]) == (6, 8)
    weak = lemma(
        "bench", "run", problems, "--generator", "single", "--search", "deepening", "--split", "test", *options
    )
    assert weak.code == 0, weak.err
    assert weak.json()["problems"] == 7

    report = lemma(
        "bench", "report", "1", "--html", "r.html", "--markdown", "r.md", "--command", "lemma bench run", "--json"
    )
    assert report.code == 0, report.err
    document = report.json()
    assert [(rate["k"], rate["value"]) for rate in document["rates"]["all"]] == [(1, 0.75), (2, 0.75)]
    assert [rate["value"] for rate in document["rates"]["stated"]] == [pytest.approx(6 / 7)] * 2
    config = document["config"]
    assert config["search"] == "portfolio"
    assert config["budget"] == {"seconds": 60.0, "steps": 150, "nodes": 5000}
    assert config["axioms"] == ["Classical.choice", "Quot.sound", "propext"]
    assert re.fullmatch(r"\S+ [0-9a-f]{12}", config["version"])
    text = (tmp_path / "r.md").read_text()
    assert text.startswith("# problems.jsonl, run 1\n\n```sh\nlemma bench run\n```")
    assert "### mathd_3" in text
    page = (tmp_path / "r.html").read_text()
    assert "mathd_3" in page
    Wellformed().feed(page)

    compared = lemma("bench", "compare", "1", "2", "--json")
    assert compared.code == 0, compared.err
    assert compared.json()["comparison"]["both"] == 6
    assert compared.json()["left_out"] == 1
    assert "McNemar's exact test" in lemma("bench", "compare", "1", "2").out

    with closing(sqlite3.connect(tmp_path / "lemma.db")) as store:
        store.execute("UPDATE proofs SET text = 'by exact sorryAx _' WHERE id = 1")
        store.commit()
    forged = lemma("bench", "verify", "1")
    assert forged.code == 1
    assert len(re.findall(r"^mathd_\d: rejected", forged.out, re.MULTILINE)) == 1
    assert forged.out.endswith("6 of 7 proofs of run 1 are accepted\n")


JUDGED = {
    "commutes": ("(a b : Nat) : a + b = b + a", "true", "symmetry", "easy"),
    "cancels": ("(a b : Nat) : a - b + b = a", "false", "operation", "easy"),
    "mislabelled": ("(a : Nat) : a ≤ a + 1", "false", "operation", "hard"),
}


def test_true_and_false_statements_are_told_apart_and_a_wrong_answer_is_told(lemma: Lemma, tmp_path: Path) -> None:
    rows = [
        {
            "name": n,
            "formal_statement": f"theorem {n} {text} := by sorry",
            "truth": a == "true",
            "kind": kind,
            "difficulty": d,
        }
        for n, (text, a, kind, d) in JUDGED.items()
    ]
    (tmp_path / "judged.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    made = lemma("bench", "run", "judged.jsonl", "--limit-seconds", "5", "--json")
    assert made.code == 0, made.err
    assert made.json()["attempts"] | {"proved": 2, "refuted": 1} == made.json()["attempts"]
    assert made.json()["judgements"]["decidedCorrectly"] == 2
    assert "CONTRADICTIONS: 1 verdict of the kernel against the answer of the file" in made.err
    assert "macro-F1: 0.667 over 3 problems" in made.err

    report = lemma("bench", "report", "--html", "r.html", "--markdown", "r.md", "--json")
    assert report.code == 0, report.err
    document = report.json()
    found = document["judgements"]
    assert found["contradictions"] == [{"name": "mislabelled", "answer": "false", "verdict": "true"}]
    assert found["confusion"] == {
        "true": {"true": 1, "false": 0, "none": 0},
        "false": {"true": 1, "false": 1, "none": 0},
    }
    assert set(found["byKind"]) == {"operation", "symmetry"}
    assert set(found["byDifficulty"]) == {"easy", "hard"}
    assert [rate["value"] for rate in document["rates"]["all"]] == [pytest.approx(2 / 3)]
    assert set(document["cost"]) == {"seconds"}
    assert [(p["answer"], p["verdict"], bool(p["refutation"])) for p in document["problems"]] == [
        ("true", "true", False),
        ("false", "false", True),
        ("false", "true", False),
    ]
    text, page = (tmp_path / "r.md").read_text(), (tmp_path / "r.html").read_text()
    Wellformed().feed(page)
    for shown in (lemma("bench", "report").out, text, page):
        for words in ("CONTRADICTIONS", "Prove or refute", "By kind", "By difficulty", "Refutations found"):
            assert words in shown
        assert "problems proved" not in shown
        assert "By source" not in shown
    verified = lemma("bench", "verify", "1")
    assert (verified.code, verified.out) == (0, "3 of 3 proofs of run 1 are accepted\n")
    assert "decided correctly by both" in lemma("bench", "compare", "1", "1").out


class Wellformed(HTMLParser):
    """Complains about elements that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "rect", "line", "polygon", "polyline"} or tag == "polyline":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"meta", "rect", "line", "polygon"}:
            return
        assert self.open.pop() == tag


def test_a_lean_file_is_a_benchmark_too(lemma: Lemma, tmp_path: Path) -> None:
    (tmp_path / "open.lean").write_text(LEAN)
    made = lemma("bench", "run", "open.lean", "--json")
    assert made.code == 0, made.err
    assert (made.json()["proved"], made.json()["problems"]) == (1, 1)
    assert lemma("bench", "verify", "1", "--replay").code == 0


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with theorems of two modules of the library."""
    lemma = Lemma(tmp_path_factory.mktemp("traced"))
    assert lemma("trace", "Init.Data.Option.Lemmas", "Init.Data.UInt.Bitwise").code == 0
    return lemma.folder / "lemma.db"


def test_theorems_of_a_library_are_proved_without_themselves(traced: Path, lemma: Lemma, tmp_path: Path) -> None:
    shutil.copy(traced, tmp_path)
    made = lemma(
        "bench", "run", "Init.Data.Option.Lemmas", "--sample", "4", "--limit-tactics", "100", "--seed", "3", "--json"
    )
    assert made.code == 0, made.err
    assert made.json()["problems"] == 4
    assert made.json()["proved"] >= 2
    document = lemma("bench", "report", "1", "--json").json()
    config = document["config"]
    assert len(config["without"]) == 4
    for problem in document["problems"]:
        assert problem["name"] in config["without"][problem["digest"]]
        assert problem["source"] == "Init.Data"
    verified = lemma("bench", "verify", "1")
    assert verified.code == 0, verified.out


def test_a_statement_that_lean_would_read_differently_is_not_stated_as_printed(
    traced: Path, lemma: Lemma, tmp_path: Path
) -> None:
    """`~~~(-1) = 0`, which is about `USize`, is printed without a type, and read as integers."""
    shutil.copy(traced, tmp_path)
    only = ("--only", "USize.not_neg_one", "--only", "UInt8.and_comm")
    made = lemma("bench", "run", "Init.Data.UInt.Bitwise", *only, "--limit-seconds", "1", "--json")
    assert made.code == 0, made.err
    with closing(sqlite3.connect(tmp_path / "lemma.db")) as store:
        stated = dict(store.execute("SELECT name, statement FROM tasks"))
    assert "type_of% @USize.not_neg_one" in stated["USize.not_neg_one"]
    assert "type_of%" not in stated["UInt8.and_comm"]


def test_a_run_that_was_killed_goes_on_and_gives_the_report_of_an_unbroken_one(
    lemma: Lemma, problems: Path, tmp_path: Path
) -> None:
    command = ["bench", "run", str(problems), "--k", "2", "--generator", "single", "--workers", "1"]
    broken = [*command, "--store", "broken.db"]
    process = subprocess.Popen([str(lemma.path), *broken], cwd=tmp_path, stderr=subprocess.PIPE, start_new_session=True)
    try:
        wait_for_attempts(tmp_path / "broken.db", 3)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    kept = attempts(tmp_path / "broken.db")
    assert 3 <= kept < 16
    with closing(sqlite3.connect(tmp_path / "broken.db")) as store:
        # The lease of the process that died would run out in half a minute.
        store.execute("UPDATE units SET lease_until = 0 WHERE status = 'leased'")
        store.commit()
    resumed = lemma(*broken)
    assert resumed.code == 0, resumed.err
    assert "run 1 goes on" in resumed.err
    whole = lemma(*command, "--store", "whole.db")
    assert whole.code == 0, whole.err
    reports = [
        timeless(lemma("bench", "report", "--store", name, "--json").json()) for name in ("broken.db", "whole.db")
    ]
    assert reports[0] == reports[1]
    assert attempts(tmp_path / "broken.db") == 16


def attempts(store: Path) -> int:
    with closing(sqlite3.connect(store)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM attempts").fetchone()
        return int(count)


def wait_for_attempts(store: Path, count: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if store.exists():
            try:
                if attempts(store) >= count:
                    return
            except sqlite3.OperationalError:
                pass
        time.sleep(0.05)
    raise AssertionError("the run makes no attempts")


def test_bad_input_is_told_with_its_cure(lemma: Lemma, problems: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"name": "a"}\n')
    (tmp_path / "maybe.jsonl").write_text('{"formal_statement": "theorem a : True", "truth": "maybe"}\n')
    cases: list[tuple[list[str | Path], str]] = [
        (["run", "none.jsonl"], "no such file"),
        (["run", "bad.jsonl"], "bad.jsonl:1: there is no statement"),
        (["run", "maybe.jsonl"], 'maybe.jsonl:1: `truth` is "maybe"; it should be true or false'),
        (["run", problems, "--k", "0"], "--k 0: give numbers from 1"),
        (["run", problems, "--search", "magic"], "choose one of portfolio"),
        (["run", problems, "--generator", "magic"], "choose one of rules"),
        (["run", problems, "--split", "train"], "its splits are test, valid"),
        (["run", problems, "--errata", "none.jsonl"], "cannot be read"),
        (["report"], "holds no run of a benchmark"),
        (["verify", "7"], "holds no run of a benchmark"),
    ]
    for arguments, words in cases:
        run = lemma("bench", *arguments)
        assert (run.code, run.out) == (2, ""), run.err
        assert words in run.err
