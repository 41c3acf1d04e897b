"""`lemma lean` and `lemma doctor` with the embedded Lean."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from workbench.testing import Lemma

WRONG = """\
theorem t : 1 = 2 := by omega
#eval "after"
"""


def test_info_says_what_is_installed_and_where(lemma: Lemma, cache: Path) -> None:
    shown = lemma("lean", "info", "--lean", "embedded")
    assert shown.code == 0
    assert "4.28" in shown.out
    assert str(cache) in shown.out
    report = lemma("lean", "info", "--json", "--lean", "embedded").json()
    assert report["backend"] == "embedded"
    assert all(f"{name} " in shown.out and value in shown.out for name, value in report["facts"].items())


def test_setup_does_nothing_where_all_is_in_place(lemma: Lemma) -> None:
    assert lemma("lean", "info").code == 0
    again = lemma("lean", "setup")
    assert again.code == 0
    assert again.err == ""


def test_doctor_finds_a_healthy_installation_healthy(lemma: Lemma) -> None:
    run = lemma("doctor")
    assert run.code == 0, run.out
    assert run.out.endswith("All is well.\n")
    assert "WRONG" not in run.out


def test_doctor_names_the_cure_of_what_is_wrong(lemma: Lemma, tmp_path: Path) -> None:
    report = lemma("doctor", "--quick", "--json", "--project", tmp_path / "missing").json()
    assert all(check["ok"] or check["cure"] for check in report["checks"])
    assert any(not check["ok"] for check in report["checks"])


def test_run_prints_what_lean_prints_and_exits_as_lean_does(lemma: Lemma, tmp_path: Path) -> None:
    (tmp_path / "wrong.lean").write_text(WRONG)
    (tmp_path / "right.lean").write_text('#eval IO.println "∀ is well"\n')
    both = lemma("lean", "run", "wrong.lean", "right.lean")
    assert both.code == 1
    assert "wrong.lean:1:" in both.out
    assert "error: " in both.out
    assert both.out.endswith('"after"\n∀ is well\n')
    (tmp_path / "empty.lean").touch()  # a program that does nothing
    right = lemma("lean", "run", "right.lean", "empty.lean")
    assert (right.code, right.out) == (0, "∀ is well\n")


def test_run_prints_one_json_object_a_message(lemma: Lemma, tmp_path: Path) -> None:
    (tmp_path / "wrong.lean").write_text(WRONG)
    run = lemma("lean", "run", "--json", "wrong.lean")
    messages = [json.loads(line) for line in run.out.splitlines()]
    assert [message["severity"] for message in messages] == ["error", "information"]
    assert run.code == 1


def test_build_builds_only_what_changed(lemma: Lemma, repository: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(repository / "examples/tactic_project", project, ignore=shutil.ignore_patterns(".lake"))
    first = lemma("lean", "build", project, "--json")
    assert first.code == 0, first.err
    assert len(first.json()["built"]) == 7
    assert "odd_square" in first.err
    assert lemma("lean", "build", project, "--json").json()["built"] == []

    square = project / "Parity/Square.lean"
    square.write_text(square.read_text() + "\ntheorem wrong {n : Nat} (h : Even n) : Odd (n * n) := by parity\n")
    broken = lemma("lean", "build", project, "--json")
    assert broken.code == 1
    report = broken.json()
    assert len(report["up_to_date"]) == 4
    assert [failed["module"] for failed in report["failed"]] == ["Parity.Square"]
    assert "leads to the goal" in str(report["failed"])
    assert {blocked["module"] for blocked in report["blocked"]} == {"Parity.Report", "Parity"}


def test_packs_that_cannot_be_made_or_installed_are_bad_input(lemma: Lemma, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "Some.lean").write_text("def some := 1\n")
    (tmp_path / "text.tar.xz").write_text("no archive")
    for arguments, says in (
        (("install-pack", "nowhere.tar.xz"), "there is no file nowhere.tar.xz"),
        (("install-pack", "text.tar.xz"), "text.tar.xz is not a pack"),
        (("pack", "project", "--output", "some.tar.xz"), "1 of 1 modules are not built"),
        (("build", "project", "--package", "elsewhere"), "write NAME=DIR"),
    ):
        refused = lemma("lean", *arguments)
        assert refused.code == 2
        assert says in refused.err
