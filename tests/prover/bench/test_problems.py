"""Reading the public files of problems."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prover.bench.problems import read_errata, read_problems, source_of
from prover.errors import BadBenchmark

MATHLIB = "import Mathlib\nimport Aesop\n\nset_option maxHeartbeats 400000\n\nopen Nat\n"


def written(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_the_forms_of_the_public_files_give_the_same_problem(tmp_path: Path) -> None:
    theorem = "theorem two (n : ℕ) :\n  n + 0 = n"
    forms: list[dict[str, object]] = [
        {"name": "two", "split": "test", "header": MATHLIB, "formal_statement": f"{theorem} := by\n"},
        {"name": "two", "split": "test", "header": MATHLIB, "formal_statement": f"{theorem} := by sorry"},
        {"name": "two", "split": "test", "formal_statement": f"{MATHLIB}\n/-- Words. -/\n{theorem} := by sorry"},
        {"problem_id": "two", "split": "test", "lean4_code": f"{MATHLIB}\n{theorem} :=\nsorry\n"},
        {"id": 7, "split": "test", "header": MATHLIB, "formal_statement": theorem},
    ]
    for form in forms:
        (problem,) = read_problems(written(tmp_path / "file.jsonl", form))
        assert problem.name == ("7" if "id" in form else "two")
        assert problem.split == "test"
        assert problem.statement.text.startswith(theorem)
        assert problem.statement.text.endswith("sorry")
        task = problem.task()
        assert task.imports == ("Mathlib", "Aesop")
        assert task.prelude.startswith("set_option maxHeartbeats 400000\n\nopen Nat")
        assert task.declaration == problem.statement.text


def test_definitions_before_the_theorem_belong_to_the_header(tmp_path: Path) -> None:
    text = "def f (n : Nat) := n\n\nlemma helper : f 1 = 1 := rfl\n\n@[simp] theorem main : f 2 = 2 := by sorry"
    (problem,) = read_problems(written(tmp_path / "file.jsonl", {"lean_code": text}))
    assert problem.name == "main"
    assert problem.statement.text == "@[simp] theorem main : f 2 = 2 := by sorry"
    assert problem.statement.header == "def f (n : Nat) := n\n\nlemma helper : f 1 = 1 := rfl\n"
    assert problem.task().imports == ("Init",)


def test_errata_are_marked_by_statement_where_they_have_one_and_by_name_where_not(tmp_path: Path) -> None:
    false = {"name": "a", "formal_statement": "theorem a (n : Nat) :\n  n = 1 := by sorry"}
    mended = {"name": "b", "formal_statement": "theorem b (n : Nat) (h : n = 1) : n = 1 := by sorry"}
    void = {"name": "c", "formal_statement": "theorem c : True := by sorry"}
    stated = {"name": "d", "formal_statement": "theorem d : False := by sorry", "known_false": True}
    errata = read_errata(
        written(
            tmp_path / "errata.jsonl",
            {"name": "a", "before": "theorem a (n : Nat) : n = 1", "commit_message": "Fix"},
            {"name": "b", "before": "theorem b (n : Nat) : n = 1"},
            {"name": "c", "reason": "void"},
        )
    )
    problems = read_problems(written(tmp_path / "file.jsonl", false, mended, void, stated), errata)
    assert [problem.erratum for problem in problems] == ["Fix", "", "void", "the file says that it is false"]


def test_a_problem_with_an_answer_has_its_kind_and_nothing_of_what_else_is_known(tmp_path: Path) -> None:
    row = {"name": "imo_1", "formal_statement": "theorem imo_1 : 1 = 2 := by sorry", "truth": False}
    known = {"refutation": "by decide", "negation": "theorem x : ¬ 1 = 2", "witnesses": [{"name": "n", "value": "0"}]}
    full = row | known | {"kind": "operation", "difficulty": "easy"}
    (problem,) = read_problems(written(tmp_path / "file.jsonl", full))
    assert (problem.answer, problem.source, problem.difficulty) == ("false", "operation", "easy")
    assert "decide" not in repr(problem)
    (bare,) = read_problems(written(tmp_path / "file.jsonl", row))
    assert (bare.source, bare.difficulty) == ("other", "")
    assert bare.task() == problem.task()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["{"], "file.jsonl:1: this is not JSON"),
        (["", "[1]"], "file.jsonl:2: this is not a JSON object"),
        ([{"name": "a"}], "there is no statement"),
        ([{"name": "a", "formal_statement": "def a := 1"}], "holds no theorem"),
        ([{"formal_statement": "theorem a : True"}] * 2, "file.jsonl:2: the problem a is there twice"),
        ([""], "holds no problem"),
        (
            [{"formal_statement": "theorem a : True", "truth": "true"}],
            'file.jsonl:1: `truth` is "true"; it should be true',
        ),
        ([{"formal_statement": "theorem a : True", "truth": "maybe"}], 'file.jsonl:1: `truth` is "maybe"'),
        (
            [{"formal_statement": "theorem a : True", "truth": True}, {"formal_statement": "theorem b : True"}],
            "a has a `truth` and b has none; make two files",
        ),
    ],
)
def test_a_bad_file_is_told_by_line_and_fault(tmp_path: Path, rows: list[object], words: str) -> None:
    with pytest.raises(BadBenchmark, match=words):
        read_problems(written(tmp_path / "file.jsonl", *rows))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadBenchmark, match="cannot be read"):
        read_problems(tmp_path / "none.jsonl")
    with pytest.raises(BadBenchmark, match="needs a `name`"):
        read_errata(written(tmp_path / "errata.jsonl", {"before": "x"}))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("mathd_numbertheory_126", "mathd_numbertheory"),
        ("amc12a_2019_p21", "amc"),
        ("aimeII_2001_p3", "aime"),
        ("imosl_2007_algebra_p6", "imo"),
        ("algebra_sqineq_2at2pclt3c", "algebra"),
        ("numbertheory_4x3m7y3neq2003", "numbertheory"),
        ("induction_12dvd4expnp1p20", "induction"),
        ("Nat.add_comm", "other"),
    ],
)
def test_the_source_is_in_the_name(name: str, source: str) -> None:
    assert source_of(name) == source
