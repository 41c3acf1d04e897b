"""Reading tactics and proofs out of all that models write."""

from __future__ import annotations

import pytest

from prover.generators.completions import (
    proof_of_bare_reply,
    proof_of_continuation,
    proof_of_reply,
    tactic,
    tactic_of_reply,
)

SIGNATURE = "theorem swap (a b : Nat) : a + b = b + a"
FILE = f"import Mathlib\n\n{SIGNATURE} := by\n  have h := Nat.add_comm a b\n  exact h\n"
SCRIPT = "have h := Nat.add_comm a b\nexact h"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("omega", "omega"),
        ("  simp [foo]\n", "simp [foo]"),
        ("rw [<a>Nat.add_comm</a>]", "rw [Nat.add_comm]"),
        (
            "induction n with\n| zero => rfl\n| succ n ih => simp",
            "induction n with\n| zero => rfl\n| succ n ih => simp",
        ),
        ("", None),
        (" \n\t", None),
        ("-- only words", None),
        ("```lean\nsimp", None),
    ],
)
def test_a_completion_is_a_tactic_or_nothing(text: str, found: str | None) -> None:
    assert tactic(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("omega", "omega"),
        ("Try this:\n```lean4\nomega\n```\nIt closes the goal.", "omega"),
        ("First\n```lean\nsimp\n```\nno, rather\n```\n  rw [h]\n  rfl\n```", "rw [h]\nrfl"),
        ("<think>```lean\nsimp\n```</think>omega", "omega"),
        ("```lean\n\n```", None),
        ("```lean\nomega", None),
    ],
)
def test_a_reply_has_its_tactic_in_the_last_block_of_code(text: str, found: str | None) -> None:
    assert tactic_of_reply(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("  have h := Nat.add_comm a b\n  exact h\n", SCRIPT),
        ("  have h := Nat.add_comm a b\n  exact h\n```\n\nThis proves it.", SCRIPT),
        ("  have h := Nat.add_comm a b\n  exact h\n\ntheorem other : True := trivial", SCRIPT),
        ("  have h := Nat.add_comm a b\n  exact h\nend Foo", SCRIPT),
        ("have h := Nat.add_comm a b\nexact h", SCRIPT),
        (f"  sorry\n\n{FILE}", SCRIPT),
        ("  constructor\n  · simp\n  · omega", "constructor\n· simp\n· omega"),
        ("  -- add\n  omega", "-- add\nomega"),
        ("", None),
        ("```", None),
        ("  -- nothing but a comment\n", None),
        ("\nend Foo", None),
    ],
)
def test_a_continuation_ends_with_its_theorem(text: str, found: str | None) -> None:
    assert proof_of_continuation(f"{SIGNATURE} := by\n", text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (" by omega", "omega"),
        (" by\n  have h := Nat.add_comm a b\n  exact h", SCRIPT),
        (" Nat.add_comm a b", "exact Nat.add_comm a b"),
        ("\n  have h := Nat.add_comm a b\n  h", "exact have h := Nat.add_comm a b\n    h"),
        (" by", None),
        ("", None),
    ],
)
def test_what_stands_behind_the_sign_of_definition_may_be_a_term(text: str, found: str | None) -> None:
    assert proof_of_continuation(f"{SIGNATURE} :=", text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"A plan.\n```lean4\n{FILE}```", SCRIPT),
        (f"```lean4\n{FILE}```\nor, in short,\n```lean4\nomega\n```", SCRIPT),
        (f"<think>```lean4\n{SIGNATURE} := by simp\n```</think>\n```lean4\n{FILE}\n```", SCRIPT),
        (f"```lean4\n{FILE}```\n```lean4\ntheorem helper : True := trivial\n```", SCRIPT),
        (f"```lean4\nlemma help : True := by\n  trivial\n\n{FILE}\nend\n```", SCRIPT),
        ("```lean4\ntheorem renamed (a b : Nat) : a + b = b + a := by\n  omega\n```", "omega"),
        (f"```lean4\n@[simp] {SIGNATURE} := by omega\n```", "omega"),
        (f"```lean4\n/-- doc -/ {SIGNATURE} := by omega\n```", "omega"),
        (FILE, SCRIPT),
        (f"```lean4\n{SIGNATURE} := by\n```", None),
        (f"```lean4\n{SIGNATURE}\n```", None),
        (f"```lean4\n{SIGNATURE}\n  | 0 => rfl\n```", None),
        (f"```lean4\n{FILE}", None),
        ("```lean4\nomega\n```", None),
        ("```python\nprint(1)\n```", None),
        ("I cannot prove this theorem.", None),
        ("", None),
    ],
)
def test_a_reply_has_its_proof_in_the_last_block_with_the_theorem(text: str, found: str | None) -> None:
    assert proof_of_reply(SIGNATURE, text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"```lean4\n{FILE}```", SCRIPT),
        ("by\n  have h := Nat.add_comm a b\n  exact h", SCRIPT),
        ("Nat.add_comm a b", "exact Nat.add_comm a b"),
        ("Here:\n```lean\nby omega\n```", "omega"),
        ("Here:\n```lean\nomega\n```", None),
        ("```lean\nby omega", None),
        ("", None),
    ],
)
def test_a_reply_of_a_model_trained_here_is_the_proof_alone(text: str, found: str | None) -> None:
    assert proof_of_bare_reply(SIGNATURE, text) == found


@pytest.mark.parametrize(
    ("proof", "script"),
    [
        (
            "by induction a with\n  | zero => simp\n  | succ a ih => omega",
            "induction a with\n  | zero => simp\n  | succ a ih => omega",
        ),
        ("by\n    simp\n    omega", "simp\nomega"),
        ("by simp\n   omega", "simp\nomega"),
    ],
)
def test_tactics_keep_their_columns_to_each_other(proof: str, script: str) -> None:
    assert proof_of_reply("theorem t : p", f"theorem t : p :=\n{proof}") == script
