"""The rules, by what they are about."""

from __future__ import annotations

from prover.generators.rulebook import (
    closing,
    divisibility,
    induction,
    inequalities,
    logic,
    mathlib,
    ranges,
    reciprocals,
    recurrences,
    residues,
    structures,
)
from prover.generators.rulebook.rule import Rule
from prover.generators.rulebook.view import GoalView

__all__ = ["GoalView", "Rule", "standard"]


def standard() -> tuple[Rule, ...]:
    """Every rule that needs nothing but the goal."""
    return (
        *closing.RULES,
        *logic.RULES,
        *induction.RULES,
        *residues.RULES,
        *divisibility.RULES,
        *inequalities.RULES,
        *ranges.RULES,
        *recurrences.RULES,
        *reciprocals.RULES,
        *structures.RULES,
        *mathlib.RULES,
    )
