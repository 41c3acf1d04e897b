from __future__ import annotations

import pytest

from db.export.declarations import is_declared, place_of_keyword, proof_of, uncommented


@pytest.mark.parametrize(
    ("code", "proof"),
    [
        ("theorem t : 1 = 1 := rfl", "rfl"),
        ("@[simp] theorem t (n : Nat) : n = n := by\n  rfl\n", "by\n  rfl"),
        ("theorem t (n : Nat := 1) [h : Fact (k := n)] : n = n := h.rfl", "h.rfl"),
        ("theorem t : let x := 1; x = 1 := rfl", "rfl"),
        ("theorem t : (let x := 1; x) = 1 := by let y := 2; rfl", "by let y := 2; rfl"),
        ("/-- is it := or not /- := -/ -/\ntheorem t : 1 = 1 -- := no\n := rfl", "rfl"),
        ('theorem t : ":=" = "\\":=" := by decide', "by decide"),
        ("theorem t : ':' = ':' := rfl", "rfl"),
        ("theorem t' (h' : a' = b') : a' = b' := h'", "h'"),
        ("theorem «:=» : 1 = 1 := rfl", "rfl"),
        ("theorem t (s : Set α) : {x := 1 | x}.y = ⟨1, z := 2⟩ := rfl", "rfl"),
        ("theorem t : ∀ n : Nat, n = n\n  | 0 => rfl\n  | _ => rfl", None),
        ("theorem t : P where\n  left := a\n  right := b", None),
        ("theorem t : 1 = 1", None),
        ("theorem t : 1 = 1 /- unclosed := ", None),
        ("", None),
    ],
)
def test_the_proof_stands_behind_the_declarations_own_definition_sign(code: str, proof: str | None) -> None:
    assert proof_of(code) == proof


@pytest.mark.parametrize(
    ("code", "declared"),
    [
        ("theorem t : 1 = 1 := rfl", True),
        ("@[simp] protected lemma t : 1 = 1 := rfl", True),
        ("mul_assoc", False),
        ("/-- a theorem -/ mul_assoc : ∀ a b c, a = b", False),
        ("theorems : 1 = 1", False),
    ],
)
def test_only_the_keyword_declares_a_theorem(code: str, declared: bool) -> None:
    assert is_declared(code) == declared


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("rw [a] -- why\nexact b", "rw [a]\nexact b"),
        ("by\n  -- first\n  -- second\n  simp", "by\n  simp"),
        ("/-- Twice. -/\ndef f := /- one /- in -/ -/ 2", "\ndef f :=  2"),
        ('theorem t : "a -- b /- c" = s := rfl', 'theorem t : "a -- b /- c" = s := rfl'),
        ("exact h", "exact h"),
    ],
)
def test_comments_are_taken_out_of_a_text_and_only_they(code: str, text: str) -> None:
    assert uncommented(code).text == text


def test_a_place_behind_comments_is_found_in_the_text_without_them() -> None:
    code = "rw [one] -- why\n/- and -/ exact two"
    kept = uncommented(code)
    for word in ("one", "two"):
        place = kept.place(code.index(word))
        assert kept.text[place:].startswith(word)


def test_the_word_theorem_is_found_behind_comments_attributes_and_modifiers() -> None:
    code = "/-- A theorem. -/\n@[simp] private theorem foo : True := trivial"
    place = place_of_keyword(code)
    assert place is not None
    assert code[place:].startswith("theorem foo")
