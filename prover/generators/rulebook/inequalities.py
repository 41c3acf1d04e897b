"""Rules for inequalities of degree two and more: squares are not negative, products of what is not negative are not negative."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from prover.generators.expressions import Infix, Name, Number, names_in, subterms
from prover.generators.rulebook.rule import Rule
from prover.generators.rulebook.view import GoalView

_RELATIONS = frozenset({"≤", "<", "≥", ">"})
_MOST_HINTS = 8
_LARGEST_SHIFT = 20


def _is_nonlinear(view: GoalView) -> bool:
    for term in subterms(view.conclusion):
        match term:
            case Infix(symbol="*", left=left, right=right) if names_in(left) and names_in(right):
                return True
            case Infix(symbol="^", left=base, right=Number()) if names_in(base):
                return True
            case _:
                pass
    return False


def _squares(view: GoalView) -> Iterator[str]:
    """Squares of differences that occur nowhere yet: of two variables, of a variable and a numeral, of a variable alone."""
    match view.conclusion:
        case Infix(symbol=symbol) if symbol in _RELATIONS and _is_nonlinear(view):
            pass
        case _:
            return
    for kind, image in (("Int", "Int"), ("Rat", "Rat"), ("Nat", "Int")):
        names = [name for name in view.variables(kind) if name in names_in(view.conclusion)]
        if names:
            hints = itertools.islice(_differences(view, names), _MOST_HINTS)
            facts = view.fresh(*["sq"] * _MOST_HINTS)
            lines = [
                f"have {fact} : 0 ≤ (({first} : {image}) - {second}) ^ 2 := Lean.Grind.OrderedRing.sq_nonneg"
                for fact, (first, second) in zip(facts, hints, strict=False)
            ]
            yield "\n".join([*lines, "grind"])


def _differences(view: GoalView, names: list[str]) -> Iterator[tuple[str, str]]:
    yield from itertools.combinations(names, 2)
    for name in names:
        yield (name, "0")
        yield from ((name, str(number)) for number in view.numerals if 0 < number <= _LARGEST_SHIFT)


def _signs_of_products(view: GoalView) -> Iterator[str]:
    """Products of integers in hypotheses and target, when linear arithmetic knows the signs of their factors."""
    pairs: dict[tuple[str, str], None] = {}
    integers = set(view.variables("Int"))
    for term in itertools.chain.from_iterable(map(subterms, view.statements)):
        match term:
            case Infix(symbol="*", left=Name(name=a), right=Name(name=b)) if {a, b} <= integers:
                pairs[(a, b)] = None
            case _:
                pass
    if pairs:
        facts = view.fresh(*["hprod"] * len(pairs))
        lines = [
            f"have {fact} : 0 ≤ {a} * {b} := Int.mul_nonneg (by omega) (by omega)"
            for fact, (a, b) in zip(facts, pairs, strict=True)
        ]
        yield "\n".join([*lines, "first | omega | grind"])


RULES: tuple[Rule, ...] = (
    Rule("squares", 0.85, _squares, effort=3, final=True),
    Rule("signs of products", 0.95, _signs_of_products, effort=3, final=True),
)
