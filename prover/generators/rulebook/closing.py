"""Rules that close a goal at one blow, or fail.

The costs order them by what they cost Lean: on the embedded Lean `rfl` and `assumption` fail in about a millisecond, `omega` and
`decide` in ten, `simp_all` and `grind` in a hundred and more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prover.generators.expressions import COMPARISONS, Apply, Infix, Name, subterms
from prover.generators.rulebook.rule import Rule
from prover.generators.rulebook.view import GoalView

_ARITHMETIC = ("Nat", "Int", "Fin ", "BitVec")
_OMEGA_RELATIONS = COMPARISONS | {"∧", "∨", "→", "↔"}


def _always(*tactics: str) -> Callable[[GoalView], Iterable[str]]:
    return lambda view: tactics


def _when(condition: Callable[[GoalView], bool], *tactics: str) -> Callable[[GoalView], Iterable[str]]:
    return lambda view: tactics if condition(view) else ()


def _has_hypotheses(view: GoalView) -> bool:
    return any(hypothesis.proof for hypothesis in view.goal.hypotheses)


def _is_relation(view: GoalView) -> bool:
    return any(symbol in view.target for symbol in (" = ", " ↔ ", " ≤ ", "True"))


def _is_arithmetic(view: GoalView) -> bool:
    typed = any(h.type.startswith(_ARITHMETIC) for h in view.goal.hypotheses)
    related = any(isinstance(t, Infix) and t.symbol in _OMEGA_RELATIONS for s in view.statements for t in subterms(s))
    return related and (typed or bool(view.numerals))


def _is_closed(view: GoalView) -> bool:
    """No variable of the context occurs: the target may be decided by computation."""
    return not any(h.name in view.target_words for h in view.goal.hypotheses)


def _has_cast(view: GoalView) -> bool:
    return "↑" in view.goal.text


def _casts(view: GoalView) -> Iterable[str]:
    if _has_cast(view):
        for fact in view.facts:
            yield f"exact_mod_cast {fact.name}"
        yield "(push_cast; omega)"
        yield "(norm_cast at *; omega)"


def _through_rationals(view: GoalView) -> Iterable[str]:
    """An equation of naturals or integers of which only the images in a field are known."""
    target = view.conclusion
    if not isinstance(target, Infix) or target.symbol != "=" or not ("↑" in view.goal.text and "/" in view.goal.text):
        return
    for kind in ("Nat", "Int"):
        if any(isinstance(t, Name) and t.name in view.variables(kind) for t in subterms(target)):
            left, _, right = view.target.partition(" = ")
            (name,) = view.fresh("h")
            yield (
                f"have {name} : (({left} : {kind}) : Rat) = (({right} : {kind}) : Rat) := by grind\n"
                f"exact_mod_cast {name}"
            )


def _negation_in_facts(view: GoalView) -> bool:
    return view.target == "False" or any(
        isinstance(f.expression, Apply) and f.expression.head == "¬" for f in view.facts
    )


RULES: tuple[Rule, ...] = (
    Rule("rfl", 0.05, _when(_is_relation, "rfl"), final=True),
    Rule("assumption", 0.06, _when(_has_hypotheses, "assumption"), final=True),
    Rule("contradiction", 0.08, _when(_negation_in_facts, "contradiction"), final=True),
    Rule("trivial", 0.09, _when(lambda view: not view.facts, "trivial"), final=True),
    Rule("omega", 0.15, _when(_is_arithmetic, "omega"), final=True),
    Rule("decide", 0.2, _when(_is_closed, "decide"), final=True),
    Rule("simp", 0.3, _always("simp"), final=False),
    Rule("simp with hypotheses", 0.5, _when(_has_hypotheses, "simp_all"), final=False),
    Rule("grind", 0.6, _always("grind"), final=True),
    Rule("ac_rfl", 0.7, _when(_is_relation, "ac_rfl"), final=True),
    Rule("casts", 0.9, _casts, final=True),
    Rule("through the rationals", 0.9, _through_rationals, final=True),
    Rule("decide by the kernel", 1.2, _when(_is_closed, "decide +kernel"), effort=3, final=True),
    Rule("grind harder", 2.5, _always("grind (splits := 20) (gen := 12) (ematch := 12)"), effort=5, final=True),
)
"""In the order of their cost."""
