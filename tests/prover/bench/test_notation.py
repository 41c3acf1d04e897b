from __future__ import annotations

import json
from pathlib import Path

import pytest

from prover.bench.notation import modern, rewritten
from prover.errors import BadBenchmark


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(∑ k in Finset.range n, k) = 5", "(∑ k ∈ Finset.range n, k) = 5"),
        ("∑ k : ℤ in Finset.Icc 1 12, z ^ k", "∑ k ∈ (Finset.Icc 1 12 : Finset ℤ), z ^ k"),
        ("∑ k:ℤ in s, k", "∑ k ∈ (s : Finset ℤ), k"),
        ("∏ k in ({1, 2} : Finset ℕ), ∑ j in s, j * k", "∏ k ∈ ({1, 2} : Finset ℕ), ∑ j ∈ s, j * k"),
        ("∑ y in (f ⁻¹' {7}).toFinset, y", "∑ y ∈ (f ⁻¹' {7}).toFinset, y"),
        ("∑ k ∈ s, k = 0 → ∃ x, x in_range", "∑ k ∈ s, k = 0 → ∃ x, x in_range"),
    ],
)
def test_sums_over_sets_are_written_as_mathlib_reads_them(old: str, new: str) -> None:
    assert modern(old) == new


def test_rows_that_change_keep_what_they_said_and_others_are_left_alone(tmp_path: Path) -> None:
    rows = [
        {"name": "a", "formal_statement": "theorem a : ∑ k in s, k = 0 := by\n"},
        {"name": "b", "formal_statement": "x"},
    ]
    (tmp_path / "old.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    made = rewritten(tmp_path / "old.jsonl")
    assert (made.rows, made.changed) == (2, ("a",))
    first, second = map(json.loads, made.text.splitlines())
    assert first["formal_statement"] == "theorem a : ∑ k ∈ s, k = 0 := by\n"
    assert first["original_formal_statement"] == rows[0]["formal_statement"]
    assert second == rows[1]
    with pytest.raises(BadBenchmark, match=r"nowhere\.jsonl cannot be read"):
        rewritten(tmp_path / "nowhere.jsonl")
