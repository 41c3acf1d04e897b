"""A rule for sequences that repeat: the values are computed here, Lean is given the period with its proof by induction."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from prover.generators.expressions import (
    Apply,
    Expression,
    Infix,
    Name,
    Number,
    subterms,
)
from prover.generators.printing import show
from prover.generators.rulebook.rule import Rule
from prover.generators.rulebook.sequences import (
    Recurrence,
    compute,
    fact_of_value,
    literal,
    places_asked_for,
    read_recurrences,
    together,
)
from prover.generators.rulebook.view import GoalView

_LONGEST_PERIOD = 24


def _period(numbers: list[Fraction], order: int) -> int | None:
    for period in range(1, min(_LONGEST_PERIOD, len(numbers) - order) + 1):
        if numbers[:order] == numbers[period : period + order] and len(numbers) >= period + order:
            return period
    return None


def _periodic(view: GoalView) -> Iterator[str]:
    """The sequence repeats: prove it for a whole period at once, then read off the values that the target asks for."""
    for recurrence in read_recurrences(view):
        order = recurrence.order()
        if order is None:
            continue
        numbers = compute(recurrence, recurrence.first)
        period = _period(numbers, order)
        if period is None:
            continue
        # The induction hypothesis has to hold as many values as the recurrence looks back.
        shown = numbers[: period * math.ceil(order / period)]
        yield "\n".join([*_prove_period(view, recurrence, shown), *_read_off(view, recurrence, shown)])


def _prove_period(view: GoalView, rec: Recurrence, numbers: list[Fraction]) -> Iterator[str]:
    first, period, f = rec.first, len(numbers), rec.function
    claim = " ∧ ".join(f"{f} ({period} * k + {first + j}) = {literal(v)}" for j, v in enumerate(numbers))
    (key,) = view.fresh("key")
    yield f"have {key} : ∀ k : Nat, {claim} := by"
    yield "  intro k"
    yield "  induction k with"
    yield "  | zero =>"
    for place, number in enumerate(numbers, first):
        if place in rec.values:
            yield f"    have e{place} : {f} {place} = {literal(number)} := {fact_of_value(view, f, place)}"
        else:
            yield f"    {_step(rec, place, number, None)}"
    names = together([f"e{first + j}" for j in range(period)])
    yield f"    exact {names}"
    yield "  | succ k ih =>"
    yield f"    have {names} := ih"
    for place, number in enumerate(numbers, first + period):
        yield f"    {_step(rec, place, number, period)}"
    yield f"    exact {together([f'e{first + period + j}' for j in range(period)])}"


def _step(rec: Recurrence, place: int, number: Fraction, period: int | None) -> str:
    """The value at `place`, or inside the induction at `period * k + place`, from earlier ones by the recurrence."""

    def index(number: int) -> Expression:
        start = None if period is None else Infix("*", Number(period), Name("k"))
        return Number(number) if start is None else Infix("+", start, Number(number))

    def moved(expression: Expression) -> Expression:
        match expression:
            case Apply(head=head, arguments=(Number(value=inner),)) if head == rec.function:
                return Apply(head, (index(inner),))
            case Apply(head=head, arguments=arguments):
                return Apply(head, tuple(map(moved, arguments)))
            case Infix(symbol=symbol, left=left, right=right):
                return Infix(symbol, moved(left), moved(right))
            case _:
                return expression

    body = rec.at(place)
    terms = (term for term in subterms(body) if isinstance(term, Apply) and term.head == rec.function)
    used = dict.fromkeys(term.arguments[0].value for term in terms if isinstance(term.arguments[0], Number))
    instance = show(Apply(rec.fact, (index(place - rec.shift),))) + (" (by omega)" if rec.guarded else "")
    left, right = show(Apply(rec.function, (index(place),))), literal(number)
    rewrites = ", ".join(f"e{earlier}" for earlier in used)
    return (
        f"have e{place} : {left} = {right} := ({instance}).trans "
        f"(by clear {rec.fact}; show {show(moved(body))} = {right}; rw [{rewrites}]; first | done | rfl | grind)"
    )


def _read_off(view: GoalView, rec: Recurrence, numbers: list[Fraction]) -> Iterator[str]:
    period = len(numbers)
    (key,) = view.fresh("key")
    wanted = places_asked_for(view, rec.function)
    for place in wanted:
        turns, j = divmod(place - rec.first, period)
        # The last part of a conjunction is what is left, and needs no `.1`.
        projection = ".2" * j + ("" if j == period - 1 else ".1")
        yield f"have v{place} : {rec.function} {place} = {literal(numbers[j])} := ({key} {turns}){projection}"
    if wanted:
        yield f"rw [{', '.join(f'v{place}' for place in wanted)}]"
    yield "first | done | rfl | decide +kernel | omega | grind"


RULES: tuple[Rule, ...] = (Rule("periodic recurrence", 0.7, _periodic, effort=48, final=True),)
