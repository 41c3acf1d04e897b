"""Held-out theorems: chosen by seed, and every way for a mutant to touch one is caught."""

from __future__ import annotations

from dataclasses import replace

import pytest

from db.records import Harvest, Mutant, MutationKind, MutationStep
from mutation.errors import Leak
from mutation.hygiene import check_hygiene, chosen_holdout, touched

CLEAN = Mutant(
    canonical="0" * 32,
    parent="Nat.add_comm",
    steps=(MutationStep(MutationKind.rewrite, "⊢", "Nat.mul_comm"),),
    statement=" (n m : Nat) : m + n = n + m",
    proof="by\n  rw [← Nat.mul_comm]\n  exact (Nat.add_comm n m).mpr (Nat.succ_le.mp h)",
)


def test_a_mutant_that_touches_nothing_passes() -> None:
    check_hygiene([Harvest("Nat.add_comm", (CLEAN,))], {"Nat.add_assoc", "Nat.add"}, {"1" * 32})


@pytest.mark.parametrize("held", ["Nat.add_comm", "Nat.mul_comm", "Nat.succ_le"])
def test_a_planted_leak_is_caught(held: str) -> None:
    with pytest.raises(Leak, match=f"{CLEAN.name}.*{held}"):
        check_hygiene([Harvest("Nat.add_comm", (CLEAN,))], {held})


def test_a_lemma_of_an_earlier_step_counts() -> None:
    first = MutationStep(MutationKind.apply, "h", "Nat.le_trans")

    assert touched(replace(CLEAN, steps=(first, *CLEAN.steps)), {"Nat.le_trans"}) == "it was made with Nat.le_trans"


def test_the_held_out_statement_itself_is_caught() -> None:
    assert touched(CLEAN, {"Nat.x"}, {"0" * 32}) == "it states a held-out theorem"


def test_the_choice_depends_on_names_and_seed_alone() -> None:
    names = [f"T.t{i}" for i in range(200)]

    chosen = chosen_holdout(names, 0.1, seed=4)

    assert len(chosen) == 20
    assert chosen == chosen_holdout(list(reversed(names)), 0.1, seed=4)
    assert chosen != chosen_holdout(names, 0.1, seed=5)
