"""`lemma refute` as a user runs it."""

from __future__ import annotations

from pathlib import Path

from workbench.testing import Lemma

FILE = """\
def double (n : Nat) : Nat := n + n

theorem double_pos (n : Nat) : 0 < double n := by sorry

theorem double_even (n : Nat) : double n % 2 = 0 := by sorry

theorem nothing (n : Nat) (h : n < 3) (h' : 7 < n) : n = 0 := by sorry
"""


def test_a_false_statement_is_refuted_with_its_values_and_the_proof(lemma: Lemma) -> None:
    done = lemma("refute", "∀ n : Nat, n ^ 2 + n + 41 < 1000")
    assert done.code == 0
    assert "n = 31" in done.out or "n = 41" in done.out
    assert "¬ (∀ n : Nat, n ^ 2 + n + 41 < 1000)" in done.out
    assert "1 of 1 refuted" in done.out


def test_the_printed_proof_is_a_theorem_that_lean_accepts(lemma: Lemma, tmp_path: Path) -> None:
    document = lemma("refute", "∀ (α : Type) (l k : List α), l ++ k = k ++ l", "--json").json()
    (statement,) = document["statements"]
    assert [witness["name"] for witness in statement["witnesses"]] == ["α", "l", "k"]
    (tmp_path / "no.lean").write_text(f"theorem no : {statement['claim']} :=\n  {statement['proof']}\n")
    assert lemma("lean", "run", "no.lean").code == 0


def test_a_file_is_gone_through_theorem_by_theorem(lemma: Lemma, tmp_path: Path) -> None:
    (tmp_path / "claims.lean").write_text(FILE)
    done = lemma("refute", "claims.lean", "--seconds", "8", "--json")
    assert done.code == 1
    outcomes = {statement["name"]: statement["outcome"] for statement in done.json()["statements"]}
    assert outcomes == {"double_pos": "refuted", "double_even": "open", "nothing": "vacuous"}
    assert lemma("refute", "claims.lean", "--theorem", "double_pos").code == 0


def test_bad_input_says_what_to_do(lemma: Lemma, tmp_path: Path) -> None:
    for arguments, cure in (
        (["∀ n : Nat, n +"], "expected"),
        (["nowhere.lean"], "no such file"),
        (["∀ n : Nat, n = n", "--theorem", "x"], "is for a file"),
        (["∀ n : Nat, foo n"], "foo"),
    ):
        done = lemma("refute", *arguments)
        assert done.code == 2, (arguments, done.out, done.err)
        assert cure in done.err
        assert "Traceback" not in done.err


def test_a_race_tells_a_false_statement_from_a_true_one(lemma: Lemma, tmp_path: Path) -> None:
    (tmp_path / "claims.lean").write_text(FILE.partition("theorem nothing")[0])
    done = lemma("prove", "claims.lean", "--race", "--seconds", "20", "--json")
    assert done.code == 1
    theorems = {theorem["name"]: theorem for theorem in done.json()["theorems"]}
    assert {name: theorem["outcome"] for name, theorem in theorems.items()} == {
        "double_pos": "refuted",
        "double_even": "proved",
    }
    assert theorems["double_pos"]["refutation"]["witnesses"] == [{"name": "n", "type": "Nat", "value": "0"}]
    shown = lemma("prove", "∀ n : Nat, n < 10", "--race")
    assert "refuted" in shown.out
    assert "n = 10" in shown.out
