from __future__ import annotations

import pytest

from prover.core import Goal, Hypothesis, Premise, Query, TheoremSource
from prover.generators.rulebook import GoalView, mathlib
from prover.generators.rules import RulesGenerator


def view(target: str, *hypotheses: tuple[str, str, bool], over_libraries: bool = True) -> GoalView:
    given = tuple(Hypothesis(name, type_, None, proof) for name, type_, proof in hypotheses)
    text = "\n".join([*(f"{h.name} : {h.type}" for h in given), f"⊢ {target}"])
    return GoalView(Goal(text, text, target, given), over_libraries=over_libraries)


def tactics(goal: GoalView) -> list[str]:
    return [tactic for rule in mathlib.RULES for tactic in rule.make(goal)]


def test_rules_for_mathlib_say_nothing_where_a_theorem_stands_on_core_alone() -> None:
    assert tactics(view("0 ≤ x ^ 2", ("x", "ℝ", False), over_libraries=False)) == []


@pytest.mark.parametrize(
    ("target", "hypotheses", "expected"),
    [
        ("0 ≤ x ^ 2", [("x", "ℝ", False)], "positivity"),
        ("x * y = y * x", [("x", "ℝ", False), ("y", "ℝ", False)], "ring"),
        ("x = 2", [("x", "ℝ", False), ("h", "x + y = 3", True), ("k", "x - y = 1", True)], "linear_combination h + k"),
        ("x = 2", [("x", "ℝ", False), ("h", "2 * x = 4", True)], "linarith"),
        ("2 * x * y ≤ x ^ 2 + y ^ 2", [("x", "ℝ", False), ("y", "ℝ", False)], "sq_nonneg (x - y)"),
        (
            "0 < x * y",
            [("x", "ℝ", False), ("y", "ℝ", False), ("hx", "0 < x", True), ("hy", "0 < y", True)],
            "mul_pos hx hy",
        ),
        ("n = 2", [("n", "Nat", False), ("h", "n < 3", True), ("k", "1 < n", True)], "interval_cases n <;> omega"),
        ("x = 3", [("x", "ℝ", False), ("h", "x / 3 = 1", True)], "field_simp at h"),
        ("∑ k ∈ Finset.range 5, k = 10", [], "norm_num [Finset.sum_range_succ, Finset.prod_range_succ, Nat.factorial]"),
        ("False", [("h", "¬∀ x, p x", True)], "push_neg at h"),
    ],
)
def test_a_goal_gets_the_tactics_that_mathlib_has_for_it(
    target: str, hypotheses: list[tuple[str, str, bool]], expected: str
) -> None:
    assert any(expected in tactic for tactic in tactics(view(target, *hypotheses)))


async def none(uses: object, limit: int, statements: bool = False) -> list[Premise]:
    del uses, limit, statements
    return []


@pytest.mark.parametrize(
    ("header", "has"),
    [
        ("import Mathlib\nopen Nat", True),
        ("import Mathlib.Data.Real.Basic", True),
        ("import Std\nimport Init.Data", False),
        ("", False),
    ],
)
async def test_the_imports_of_a_theorem_decide_and_its_numbers_may_be_written_in_mathlibs_letters(
    header: str, has: bool
) -> None:
    goal = Goal("n : ℕ\n⊢ n + 0 = n", "", "n + 0 = n", (Hypothesis("n", "ℕ"),))
    query = Query((goal,), 0, 0, (), none, TheoremSource("theorem t (n : ℕ) : n + 0 = n", header))
    (proposals,) = await RulesGenerator().propose([query])
    proposed = {proposal.tactic for proposal in proposals.items}
    assert ("linarith" in proposed) == has
    assert "omega" in proposed
