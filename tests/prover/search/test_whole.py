"""Whole proofs cut into tactics."""

from __future__ import annotations

import pytest

from prover.search.whole import Block, blocks, script

PROOF = """\
intro n h
induction n with
| zero => simp
| succ n ih =>
  rw [ih]
  omega
constructor
· cases h
  · rfl
  · exact foo (by
      omega
    )
· have : 1 = 1 := by
    rfl
  simp
all_goals omega"""


def test_a_part_begins_where_a_line_at_column_0_begins_a_tactic() -> None:
    parts = blocks(PROOF)
    assert [part.text.partition("\n")[0] for part in parts] == [
        "intro n h",
        "induction n with",
        "constructor",
        "",
        "",
        "all_goals omega",
    ]
    assert parts[1].text.count("\n") == 4


def test_what_stands_under_a_bullet_is_cut_as_well() -> None:
    first, second = blocks(PROOF)[3:5]
    assert first.inner == (
        Block("cases h"),
        Block("", (Block("rfl"),)),
        Block("", (Block("exact foo (by\n  omega\n)"),)),
    )
    assert second.inner == (Block("have : 1 = 1 := by\n  rfl"), Block("simp"))


@pytest.mark.parametrize("proof", [PROOF, "rfl", "· rfl\n· · simp\n    omega\n  · rfl"])
def test_the_parts_put_together_are_the_proof(proof: str) -> None:
    assert script(blocks(proof)) == proof


def test_blank_lines_and_comments_belong_to_the_tactic_before() -> None:
    assert [part.text for part in blocks("simp\n\n-- why\nomega\n")] == ["simp\n\n-- why", "omega"]
