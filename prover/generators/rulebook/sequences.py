"""Sequences that a goal gives by first values and a recurrence, read and computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from prover.generators.expressions import (
    Apply,
    Expression,
    Infix,
    Name,
    Number,
    Quantified,
    subterms,
    value,
)
from prover.generators.polynomials import linear
from prover.generators.printing import substitute
from prover.generators.rulebook.view import GoalView

_COMPUTED = 64
"""Values; enough to see a period of 24 with the order of any recurrence that people write."""
_NUMBER_TYPES = ("Nat", "Int", "Rat")


@dataclass(frozen=True, slots=True)
class Recurrence:
    """`f (n + shift) = body` for every n, or every n at least `least`."""

    function: str
    fact: str
    index: str
    shift: int
    body: Expression
    least: int
    guarded: bool
    values: dict[int, Fraction]
    """What the hypotheses say of single values."""

    @property
    def first(self) -> int:
        """The least index with a given value."""
        return min(self.values)

    @property
    def known(self) -> dict[Expression, Fraction]:
        """The given values by the terms that they are values of."""
        return {Apply(self.function, (Number(place),)): number for place, number in self.values.items()}

    def at(self, place: int) -> Expression:
        """What the recurrence says that `f place` is."""
        return _fold(substitute(self.body, {self.index: Number(place - self.shift)}))

    def order(self) -> int | None:
        """How many values in a row determine the next; None unless so many are given from `first` on."""
        lags = self.lags()
        if lags is None or not self.values:
            return None
        given = all(self.first + place in self.values for place in range(max(lags)))
        return max(lags) if given else None

    def lags(self) -> list[int] | None:
        """How far back each term on the right lies, None if one is not `f (n + constant)`."""
        found: list[int] = []
        for term in subterms(self.body):
            if isinstance(term, Apply) and term.head == self.function:
                form = linear(term.arguments[0])
                if form is None or form.get(self.index) != 1 or set(form) - {self.index, ""}:
                    return None
                found.append(self.shift - int(form.get("", 0)))
        return found if found and min(found) > 0 else None


def _fold(expression: Expression) -> Expression:
    """Compute the indices: `f (7 - 1)` becomes `f 6`."""
    match expression:
        case Apply(head=head, arguments=(argument,)):
            index = value(argument, {})
            folded = _fold(argument) if index is None else Number(int(index))
            return Apply(head, (folded,))
        case Infix(symbol=symbol, left=left, right=right):
            return Infix(symbol, _fold(left), _fold(right))
        case _:
            return expression


def read_recurrences(view: GoalView) -> Iterator[Recurrence]:
    """Every recurrence of the hypotheses together with the values that they give of its sequence."""
    functions = [h.name for h in view.named if h.type in {f"Nat → {kind}" for kind in _NUMBER_TYPES}]
    for function in functions:
        values = {}
        for fact in view.facts:
            match fact.expression:
                case Infix(symbol="=", left=Apply(head=head, arguments=(Number(value=place),)), right=right):
                    number = value(right, {})
                    if head == function and number is not None:
                        values[place] = number
                case _:
                    pass
        for fact in view.facts:
            recurrence = _recurrence(function, fact.name, fact.expression, values)
            if recurrence is not None:
                yield recurrence


def _recurrence(function: str, fact: str, statement: Expression, values: dict[int, Fraction]) -> Recurrence | None:
    match statement:
        case Quantified(symbol="∀", names=(index,), body=body):
            pass
        case _:
            return None
    least, guarded = 0, False
    match body:
        case Infix(symbol="→", left=Infix(symbol="≥", left=Name(name=guard), right=Number(value=least)), right=rest):
            body, guarded = rest, True
            if guard != index:
                return None
        case _:
            pass
    match body:
        case Infix(symbol="=", left=Apply(head=head, arguments=(argument,)), right=right) if head == function:
            form = linear(argument)
        case _:
            return None
    if form is None or form.get(index) != 1 or set(form) - {index, ""}:
        return None
    return Recurrence(function, fact, index, int(form.get("", 0)), right, least, guarded, values)


def compute(recurrence: Recurrence, first: int) -> list[Fraction]:
    """Values from the first known place on, as far as the recurrence gives them."""
    known = dict(recurrence.known)
    found: list[Fraction] = []
    for place in range(first, first + _COMPUTED):
        term = Apply(recurrence.function, (Number(place),))
        if term not in known:
            number = value(recurrence.at(place), known) if place - recurrence.shift >= recurrence.least else None
            if number is None:
                break
            known[term] = number
        found.append(known[term])
    return found


def places_asked_for(view: GoalView, function: str) -> list[int]:
    """Indices at which the target mentions the sequence."""
    terms = (term for term in subterms(view.conclusion) if isinstance(term, Apply) and term.head == function)
    return list(dict.fromkeys(term.arguments[0].value for term in terms if isinstance(term.arguments[0], Number)))


def fact_of_value(view: GoalView, function: str, place: int) -> str:
    """The hypothesis that gives `function place`, which must be among the recurrence's values."""
    return next(fact.name for fact in view.facts if _states(fact.expression, function, place))


def _states(expression: Expression, function: str, place: int) -> bool:
    return (
        isinstance(expression, Infix)
        and expression.symbol == "="
        and expression.left == Apply(function, (Number(place),))
    )


def literal(number: Fraction) -> str:
    """The number in Lean's syntax, to stand beside a relation."""
    text = str(abs(number.numerator)) if number.denominator == 1 else f"{abs(number.numerator)} / {number.denominator}"
    return f"-{text}" if number < 0 and number.denominator == 1 else f"-({text})" if number < 0 else text


def together(parts: Sequence[str]) -> str:
    """An anonymous constructor, or pattern, for the parts of a conjunction; one part needs none."""
    return parts[0] if len(parts) == 1 else f"⟨{', '.join(parts)}⟩"
