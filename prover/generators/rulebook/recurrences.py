"""A rule for sequences that repeat: the values are computed here, Lean is given the period with its proof by induction."""

from __future__ import annotations

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
        first = recurrence.first
        numbers = compute(recurrence, first)
        period = _period(numbers, order)
        if period is None or period < order:
            period = period and period * -(-order // period)
        if period is None or len(numbers) < period:
            continue
        yield "\n".join(
            [
                *_prove_period(view, recurrence, first, numbers[:period]),
                *_read_off(view, recurrence, first, numbers[:period]),
            ]
        )


def _prove_period(view: GoalView, rec: Recurrence, first: int, numbers: list[Fraction]) -> Iterator[str]:
    period, f = len(numbers), rec.function
    claim = " ∧ ".join(f"{f} ({period} * k + {first + j}) = {literal(v)}" for j, v in enumerate(numbers))
    (key,) = view.fresh("key")
    yield f"have {key} : ∀ k : Nat, {claim} := by"
    yield "  intro k"
    yield "  induction k with"
    yield "  | zero =>"
    for j, number in enumerate(numbers):
        place = first + j
        if place in rec.values:
            fact = fact_of_value(view, f, place)
            yield f"    have e{place} : {f} {place} = {literal(number)} := {fact}"
        else:
            yield f"    {_step(rec, str(place), number, _base_terms(rec, place), f'e{place}')}"
    names = ", ".join(f"e{first + j}" for j in range(period))
    yield f"    exact ⟨{names}⟩"
    yield "  | succ k ih =>"
    yield f"    obtain ⟨{names}⟩ := ih"
    for j, number in enumerate(numbers):
        place = first + period + j
        yield f"    {_step(rec, f'{period} * k + {place}', number, _step_terms(rec, period, place), f'e{place}')}"
    yield "    exact ⟨" + ", ".join(f"e{first + period + j}" for j in range(period)) + "⟩"


def _base_terms(rec: Recurrence, place: int) -> tuple[Expression, list[int]]:
    body = rec.at(place)
    return body, _used(body, rec, offset=0)


def _step_terms(rec: Recurrence, period: int, place: int) -> tuple[Expression, list[int]]:
    """The right-hand side at `period * k + place`, with indices in that form."""
    body = rec.at(place)
    base = Infix("*", Number(period), Name("k"))

    def moved(expression: Expression) -> Expression:
        match expression:
            case Apply(head=head, arguments=(Number(value=index),)) if head == rec.function:
                return Apply(head, (Infix("+", base, Number(index)),))
            case Apply(head=head, arguments=arguments):
                return Apply(head, tuple(map(moved, arguments)))
            case Infix(symbol=symbol, left=left, right=right):
                return Infix(symbol, moved(left), moved(right))
            case _:
                return expression

    return moved(body), _used(body, rec, offset=0)


def _used(body: Expression, rec: Recurrence, offset: int) -> list[int]:
    places = (
        term.arguments[0].value + offset
        for term in subterms(body)
        if isinstance(term, Apply) and term.head == rec.function and isinstance(term.arguments[0], Number)
    )
    return list(dict.fromkeys(places))


def _step(rec: Recurrence, place: str, number: Fraction, terms: tuple[Expression, list[int]], name: str) -> str:
    body, used = terms
    index = place
    if rec.shift:
        head, _, last = place.rpartition("+ ")
        index = f"{head}+ {int(last) - rec.shift}" if head else str(int(last) - rec.shift)
    instance = f"{rec.fact} ({index}) (by omega)" if rec.guarded else f"{rec.fact} ({index})"
    rewrites = ", ".join(f"e{place}" for place in used)
    number_text = literal(number)
    return (
        f"have {name} : {rec.function} ({place}) = {number_text} := ({instance}).trans "
        f"(by clear {rec.fact}; show {show(body)} = {number_text}; rw [{rewrites}]; first | done | rfl | grind)"
    )


def _read_off(view: GoalView, rec: Recurrence, first: int, numbers: list[Fraction]) -> Iterator[str]:
    period = len(numbers)
    (key,) = view.fresh("key")
    wanted = places_asked_for(view, rec.function)
    for place in wanted:
        turns, j = divmod(place - first, period)
        projection = ".2" * j + ("" if j == period - 1 else ".1")
        yield f"have v{place} : {rec.function} {place} = {literal(numbers[j])} := ({key} {turns}){projection}"
    yield f"rw [{', '.join(f'v{place}' for place in wanted)}]" if wanted else "skip"
    yield "first | done | rfl | decide +kernel | omega | grind"


RULES: tuple[Rule, ...] = (Rule("periodic recurrence", 0.7, _periodic, effort=12, final=True),)
