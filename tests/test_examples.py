"""Everything in examples/ does what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from workbench.testing import Lemma


@pytest.mark.slow
def test_every_theorem_of_the_first_example_is_proved(repository: Path, tmp_path: Path) -> None:
    example = repository / "examples/first.lean"
    copy = tmp_path / "proved.lean"
    run = Lemma(tmp_path)(
        "prove", example, "--workers", "2", "--json", "--write-to", copy, "--tree", tmp_path / "search.html"
    )
    assert run.code == 0, run.out + run.err
    report = run.json()
    assert report["proved"] == report["total"] == example.read_text().count("sorry") == 11
    assert report["copy"] == {"path": str(copy), "fault": None}
    assert "sorry" not in copy.read_text()
    assert len(list(tmp_path.glob("search-*.html"))) == 11


def test_the_small_model_of_the_package_proves_theorems_of_the_first_example(repository: Path, tmp_path: Path) -> None:
    names = ("contrapose", "something_bad", "and_swap", "square_of_sum")
    chosen = [part for name in names for part in ("--theorem", name)]
    run = Lemma(tmp_path)(
        "prove",
        repository / "examples/first.lean",
        "--generator",
        "small",
        *chosen,
        "--workers",
        "1",
        "--seconds",
        "30",
        "--json",
    )
    report = run.json()
    assert report["total"] == len(names)
    # What it draws depends on rounding, and so on the machine.
    assert report["proved"] >= 2, run.out + run.err


def test_metaprograms_run_as_under_lean(repository: Path, tmp_path: Path) -> None:
    run = Lemma(tmp_path)("lean", "run", repository / "examples/metaprogram.lean")
    assert run.code == 0, run.out + run.err
    assert run.out.splitlines()[:4] == ["1", "2", "3", "144"]
    assert '[("be", 2), ("not", 1), ("or", 1), ("to", 2)]' in run.out
    assert "#[2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47]" in run.out


def test_a_theorem_is_proved_from_python(repository: Path) -> None:
    script = repository / "examples/prove_from_python.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("proved in ")


def test_the_judge_tells_an_attempt_from_a_cheat_that_lean_takes(repository: Path, tmp_path: Path) -> None:
    lemma, examples = Lemma(tmp_path), repository / "examples"
    assert lemma("lean", "run", examples / "attempt.lean", examples / "cheat.lean").code == 0
    for attempt, code, word in (("attempt", 0, "accepted"), ("cheat", 1, "rejected (statement)")):
        run = lemma("check", examples / f"{attempt}.lean", "--against", examples / "statement.lean")
        assert run.code == code, run.out + run.err
        assert word in run.out


def test_the_example_of_a_benchmark_has_nine_proofs_one_false_statement_and_one_that_needs_mathlib(
    repository: Path, tmp_path: Path
) -> None:
    lemma = Lemma(tmp_path)
    run = lemma("bench", "run", repository / "examples/problems.jsonl", "--limit-seconds", "6", "--json")
    assert run.code == 0, run.out + run.err
    assert run.json()["proved"] == 9
    report = lemma("bench", "report", "--json").json()
    assert [p["name"] for p in report["problems"] if p["erratum"]] == ["wrong_bound"]
    assert [p["name"] for p in report["problems"] if "unstatable" in p["outcomes"]] == ["real_square"]


def test_the_readme_shows_the_python_example_as_it_is(repository: Path) -> None:
    example = (repository / "examples/prove_from_python.py").read_text()
    assert f"```python\n{example}```" in (repository / "README.md").read_text()
