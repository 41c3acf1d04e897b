"""Rules for goals over Mathlib, in its own tactics: they are tried where a theorem stands on more than Lean's core. Lean refuses a tactic that is not imported at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

from prover.generators.expressions import Infix, Number, names_in, subterms
from prover.generators.rulebook.rule import Rule
from prover.generators.rulebook.view import Fact, GoalView

_ORDER = frozenset({"≤", "<", "≥", ">"})
_RELATIONS = _ORDER | {"=", "≠"}
_FIELDS = ("ℝ", "Rat", "Int", "Nat", "ℂ", "NNReal")
_MOST_HINTS = 10
_MOST_FACTS = 4
_SUMS = "Finset.sum_range_succ, Finset.prod_range_succ, Nat.factorial"


def _over_mathlib(make: Callable[[GoalView], Iterable[str]]) -> Callable[[GoalView], Iterable[str]]:
    return lambda view: make(view) if view.over_libraries else ()


def _relation(view: GoalView) -> str | None:
    match view.conclusion:
        case Infix(symbol=symbol) if symbol in _RELATIONS:
            return symbol
        case _:
            return None


def _when(condition: Callable[[GoalView], bool], *tactics: str) -> Callable[[GoalView], Iterable[str]]:
    return _over_mathlib(lambda view: tactics if condition(view) else ())


def _is_equation(view: GoalView) -> bool:
    return _relation(view) == "="


def _is_order(view: GoalView) -> bool:
    return _relation(view) in _ORDER


def _is_linear_question(view: GoalView) -> bool:
    return _relation(view) in _ORDER | {"="} or view.target == "False"


def _is_about_sign(view: GoalView) -> bool:
    match view.conclusion:
        case Infix(symbol="≤" | "<", left=Number(value=0)) | Infix(symbol="≠" | "≥" | ">", right=Number(value=0)):
            return True
        case _:
            return False


def _has_fraction(view: GoalView) -> bool:
    return "/" in view.goal.text or "⁻¹" in view.goal.text


def _has_negation(view: GoalView) -> bool:
    return "¬" in view.goal.text


def _computes_sums(view: GoalView) -> bool:
    return any(symbol in view.goal.text for symbol in ("∑", "∏", "!", "Finset", "Nat.choose"))


def _equations(view: GoalView) -> list[Fact]:
    return [fact for fact in view.facts if isinstance(fact.expression, Infix) and fact.expression.symbol == "="]


def _combinations(view: GoalView) -> Iterator[str]:
    """An equation as a combination of known ones, with coefficients that are found by trying."""
    if not _is_equation(view):
        return
    known = [fact.name for fact in _equations(view)[:_MOST_FACTS]]
    yield from (f"linear_combination {name}" for name in known)
    for one, other in itertools.combinations(known, 2):
        yield from (f"linear_combination {one} {sign} {other}" for sign in "+-")
    yield from (f"linear_combination {factor} * {name}" for name in known for factor in (2, "(1/2)", "-1"))


def _hints(view: GoalView) -> list[str]:
    """Terms that nonlinear arithmetic multiplies with: squares of variables and their differences, products of what is known to be positive."""
    names = [name for name in view.variables(*_FIELDS) if any(name in names_in(s) for s in view.statements)]
    hints = [f"sq_nonneg ({one} - {other})" for one, other in itertools.combinations(names, 2)]
    hints += [f"sq_nonneg ({one} + {other})" for one, other in itertools.combinations(names, 2)]
    hints += [f"sq_nonneg {name}" for name in names]
    hints += [f"sq_nonneg ({name} - 1)" for name in names]
    positive = [fact.name for fact in view.facts if _is_positive(fact)]
    products = [f"mul_pos {one} {other}" for one, other in itertools.combinations(positive, 2)]
    return [*products, *hints][:_MOST_HINTS]


def _is_positive(fact: Fact) -> bool:
    match fact.expression:
        case Infix(symbol="<", left=Number(value=0)) | Infix(symbol=">", right=Number(value=0)):
            return True
        case _:
            return False


def _nonlinear(view: GoalView) -> Iterator[str]:
    if not _is_linear_question(view):
        return
    yield "nlinarith"
    if hints := _hints(view):
        yield f"nlinarith [{', '.join(hints)}]"


def _cases_in_an_interval(view: GoalView) -> Iterator[str]:
    """A number of which hypotheses give bounds, one value after another."""
    for name in view.variables("Nat", "Int"):
        if any(_bounds(fact, name) for fact in view.facts):
            yield f"interval_cases {name} <;> simp_all"
            yield f"interval_cases {name} <;> omega"


def _bounds(fact: Fact, name: str) -> bool:
    return any(
        isinstance(term, Infix)
        and term.symbol in _ORDER
        and name in names_in(term)
        and (isinstance(term.left, Number) or isinstance(term.right, Number))
        for term in subterms(fact.expression)
    )


def _normal_forms(view: GoalView) -> Iterator[str]:
    yield "ring_nf"
    yield from (f"ring_nf at {fact.name}" for fact in view.facts[:_MOST_FACTS])


def _push_negations(view: GoalView) -> Iterator[str]:
    yield from (f"push_neg at {fact.name}" for fact in view.facts if "¬" in fact.text)


def _clear_denominators(view: GoalView) -> Iterator[str]:
    yield from (f"field_simp at {fact.name}" for fact in view.facts if "/" in fact.text or "⁻¹" in fact.text)


RULES: tuple[Rule, ...] = (
    Rule("positivity", 0.25, _when(_is_about_sign, "positivity"), final=True),
    Rule("norm_num", 0.28, _over_mathlib(lambda view: ("norm_num",))),
    Rule("ring", 0.3, _when(_is_equation, "ring"), final=True),
    Rule("linarith", 0.4, _when(_is_linear_question, "linarith"), effort=2, final=True),
    Rule("sums", 0.45, _when(_computes_sums, f"norm_num [{_SUMS}]", f"simp [{_SUMS}]"), effort=2),
    Rule("field_simp and ring", 0.55, _when(_has_fraction, "(field_simp; ring)"), effort=2, final=True),
    Rule("norm_num with hypotheses", 0.6, _over_mathlib(lambda view: ("norm_num at *",)), effort=2),
    Rule("nonlinear", 0.65, _over_mathlib(_nonlinear), effort=6, final=True),
    Rule("interval_cases", 0.7, _over_mathlib(_cases_in_an_interval), effort=6, final=True),
    Rule("combinations", 0.7, _over_mathlib(_combinations), step=0.05, final=True),
    Rule("aesop", 0.9, _over_mathlib(lambda view: ("aesop",)), effort=4, final=True),
    Rule("push_neg", 0.9, _when(_has_negation, "push_neg")),
    Rule("push_neg in hypotheses", 1.0, _over_mathlib(_push_negations), step=0.05),
    Rule("field_simp", 1.0, _when(_has_fraction, "field_simp")),
    Rule("field_simp in hypotheses", 1.1, _over_mathlib(_clear_denominators)),
    Rule("ring_nf", 1.1, _over_mathlib(_normal_forms)),
    Rule(
        "norm_num and linear arithmetic",
        1.1,
        _when(_is_linear_question, "(norm_num at *; linarith)", "(norm_num at *; nlinarith)"),
        effort=4,
        final=True,
    ),
    Rule("gcongr", 1.2, _when(_is_order, "gcongr")),
    Rule("push_cast", 1.2, _when(lambda view: "↑" in view.goal.text, "push_cast", "norm_cast", "push_cast at *")),
)
"""In the order of their cost."""
