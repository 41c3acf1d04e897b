"""`lemma prove` from end to end: real Lean, real searches."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

from workbench.testing import Lemma

FILE = """\
/-! Ünïcode before the proofs: ∀ ε > 0. -/

namespace Outer

theorem easy (a b : Nat) : a + b = b + a := by sorry

/-- Not true, so it cannot be proved. -/
theorem wrong (n : Nat) : n = n + 1 := sorry

theorem done : 1 = 1 := rfl

section
  variable (xs ys : List α)
  theorem indented : (xs ++ ys).length = xs.length + ys.length := by sorry -- ∎
end

end Outer
"""


def test_a_statement_is_proved_its_proof_shown_and_the_search_drawn(lemma: Lemma, tmp_path: Path) -> None:
    drawing = tmp_path / "search.svg"
    run = lemma("prove", "∀ p q : Prop, p ∧ q → q ∧ p", "--tree", drawing)
    assert run.code == 0, run.out + run.err
    assert re.search(r"✓ statement proved in \d+\.\d\d s\n    by", run.out)
    assert re.search(r"^1 of 1 proved in \d+\.\d s$", run.out, re.MULTILINE)
    assert f"search drawn in {drawing}" in run.out
    picture = ET.fromstring(drawing.read_text())
    assert picture.tag.endswith("svg")
    assert "∧" in "".join(picture.itertext())


def test_a_statement_over_an_imported_module_is_proved(lemma: Lemma) -> None:
    run = lemma("prove", "--import", "Std", "(∅ : Std.HashMap Nat Nat).size = 0", "--json")
    assert run.code == 0, run.out + run.err
    assert run.json()["proved"] == 1


def test_a_file_is_proved_where_it_can_be_and_the_copy_passes_lean(lemma: Lemma, tmp_path: Path) -> None:
    path = tmp_path / "some.lean"
    path.write_text(FILE)
    run = lemma("prove", "some.lean", "--seconds", "8", "--json", "--write", "--tree", "search.json")
    assert run.code == 1, run.out + run.err
    report = run.json()
    assert (report["proved"], report["total"]) == (2, 3)
    assert report["lean"]["backend"] == "embedded"
    outcomes = {theorem["name"]: theorem["outcome"] for theorem in report["theorems"]}
    assert outcomes.pop("Outer.wrong") in {"failed", "timeout"}
    assert outcomes == {"Outer.easy": "proved", "Outer.indented": "proved"}
    for theorem in report["theorems"]:
        assert (theorem["proof"] is None) == (theorem["outcome"] != "proved")
        assert (theorem["reason"] is None) == (theorem["outcome"] == "proved")
        assert (
            theorem["line"] == FILE[: FILE.index(f"theorem {theorem['name'].removeprefix('Outer.')}")].count("\n") + 1
        )
        assert json.loads((tmp_path / theorem["tree"]).read_text())
        assert "sorryAx" not in (theorem["axioms"] or ())

    copy = (tmp_path / "some.proved.lean").read_text()
    assert report["copy"] == {"path": "some.proved.lean", "fault": None}
    assert path.read_text() == FILE
    assert copy.count("sorry") == 1
    assert " -- ∎\n" in copy
    checked = lemma("lean", "run", "some.proved.lean")
    assert checked.code == 0, checked.out
    [left] = [line for line in checked.out.splitlines() if "sorry" in line]
    line = copy[: copy.index("theorem wrong")].count("\n") + 1
    assert left == f"some.proved.lean:{line}:8: warning: declaration uses `sorry`"


def test_one_theorem_is_tried_with_a_budget_of_its_own(lemma: Lemma, tmp_path: Path) -> None:
    (tmp_path / "some.lean").write_text(FILE)
    run = lemma("prove", "some.lean", "--theorem", "Outer.wrong", "--steps", "1")
    assert run.code == 1, run.err
    assert "out of steps (--steps): 1 goals opened, 1 tactics tried" in run.out
    assert run.out.endswith("s\n")
    assert "0 of 1 proved" in run.out
