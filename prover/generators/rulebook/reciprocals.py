"""A rule for rational sequences whose reciprocals grow linearly: `f (first + k) = c / (a * k + b)`, proved by induction.

Sequences of this kind come from recurrences that are quotients. Over a field the step is an identity of rational functions,
which `grind` proves once it is told that no denominator is zero; the denominators are computed here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from prover.generators.expressions import Apply, Expression, Infix, Number, subterms, value
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

_CHECKED = 12
"""Values that have to follow the law before Lean is asked."""

_Linear = tuple[Fraction, Fraction]
"""(slope, constant) of a linear form in x."""


@dataclass(frozen=True, slots=True)
class _Law:
    """`f (first + k) = top / (slope * k + constant)` with positive whole numbers below."""

    first: int
    top: int
    slope: int
    constant: int

    def at(self, shift: int, variable: str) -> str:
        """The value `shift` places on, as Lean text."""
        return f"{self.top} / ({self.slope} * {variable} + {self.constant + self.slope * shift})"

    def value(self, place: int) -> Fraction:
        return Fraction(self.top, self.slope * (place - self.first) + self.constant)


@dataclass(frozen=True, slots=True)
class _Quotient:
    """A rational function: coefficients of the numerator, constant first, over a product of linear forms."""

    numerator: tuple[Fraction, ...]
    factors: tuple[_Linear, ...]


def _law(rec: Recurrence, numbers: list[Fraction]) -> _Law | None:
    if len(numbers) < _CHECKED or any(number == 0 for number in numbers):
        return None
    below = [1 / number for number in numbers[:_CHECKED]]
    step = below[1] - below[0]
    if any(after - before != step for before, after in itertools.pairwise(below)):
        return None
    scale = math.lcm(step.denominator, below[0].denominator)
    common = math.gcd(int(step * scale), int(below[0] * scale), scale)
    top, slope, constant = scale // common, int(step * scale) // common, int(below[0] * scale) // common
    return _Law(rec.first, top, slope, constant) if slope > 0 and constant > 0 else None


def _multiply(first: tuple[Fraction, ...], second: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    result = [Fraction(0)] * (len(first) + len(second) - 1)
    for (i, a), (j, b) in itertools.product(enumerate(first), enumerate(second)):
        result[i + j] += a * b
    return tuple(result)


def _expand(factors: tuple[_Linear, ...]) -> tuple[Fraction, ...]:
    result: tuple[Fraction, ...] = (Fraction(1),)
    for slope, constant in factors:
        result = _multiply(result, (constant, slope))
    return result


def _quotient(expression: Expression, rec: Recurrence, law: _Law) -> _Quotient | None:
    """What an expression in values of the sequence is as a function of x, with indices counted from the law's first."""
    match expression:
        case Apply(head=head, arguments=(Number(value=place),)) if head == rec.function:
            below = (Fraction(law.slope), Fraction(law.constant + law.slope * (place - law.first)))
            return _Quotient((Fraction(law.top),), (below,))
        case Infix(symbol=symbol, left=left, right=right):
            first, second = _quotient(left, rec, law), _quotient(right, rec, law)
            return None if first is None or second is None else _combine(symbol, first, second)
        case _:
            number = value(expression, {})
            return None if number is None else _Quotient((number,), ())


def _combine(symbol: str, first: _Quotient, second: _Quotient) -> _Quotient | None:
    match symbol:
        case "+" | "-":
            left = _multiply(first.numerator, _expand(second.factors))
            right = _multiply(second.numerator, _expand(first.factors))
            sign = 1 if symbol == "+" else -1
            pairs = itertools.zip_longest(left, right, fillvalue=Fraction(0))
            return _Quotient(tuple(a + sign * b for a, b in pairs), first.factors + second.factors)
        case "*":
            return _Quotient(_multiply(first.numerator, second.numerator), first.factors + second.factors)
        case "/":
            divisor = _as_linear(second.numerator)
            if divisor is None:
                return None
            numerator = _multiply(first.numerator, _expand(second.factors))
            return _Quotient(numerator, (*first.factors, divisor))
        case _:
            return None


def _as_linear(coefficients: tuple[Fraction, ...]) -> _Linear | None:
    """A numerator of degree at most one that is positive, or negative, for every x ≥ 0."""
    constant, slope, *higher = *coefficients, Fraction(0)
    visible = constant != 0 and slope * constant >= 0 and not any(higher)
    return (slope, constant) if visible else None


def _written(form: _Linear) -> str:
    slope, constant = form
    return f"({literal(slope)} * x + {literal(constant)})" if slope else f"({literal(constant)})"


def _in_x(expression: Expression, rec: Recurrence, law: _Law) -> str:
    match expression:
        case Apply(head=head, arguments=(Number(value=place),)) if head == rec.function:
            return f"({law.at(place - law.first, 'x')})"
        case Infix(symbol=symbol, left=left, right=right):
            return f"({_in_x(left, rec, law)} {symbol} {_in_x(right, rec, law)})"
        case Number(value=number):
            return f"({number} : Rat)"
        case _:
            return "_"


def _in_values(expression: Expression, rec: Recurrence) -> str:
    match expression:
        case Apply(head=head, arguments=(Number(value=place),)) if head == rec.function:
            return f"{rec.function} (k + {place})"
        case Infix(symbol=symbol, left=left, right=right):
            return f"({_in_values(left, rec)} {symbol} {_in_values(right, rec)})"
        case Number(value=number):
            return str(number)
        case _:
            return "_"


def _step_identity(rec: Recurrence, law: _Law, order: int, name: str) -> Iterator[str]:
    """The recurrence maintains the law, as an identity for all rational x ≥ 0."""
    body = rec.at(law.first + order)
    shifts = range(order + 1)
    yield f"have {name} : ∀ x : Rat, 0 ≤ x → {_in_x(body, rec, law)} = {law.at(order, 'x')} := by"
    yield f"  clear {rec.fact}"
    yield "  intro x hx"
    for shift in shifts:
        yield f"  have n{shift} : {law.slope} * x + {law.constant + law.slope * shift} ≠ 0 := by grind"
    divisors = [term.right for term in subterms(body) if isinstance(term, Infix) and term.symbol == "/"]
    for number, divisor in enumerate(divisors):
        quotient = _quotient(divisor, rec, law)
        top = None if quotient is None else _as_linear(quotient.numerator)
        if quotient is None or top is None or not quotient.factors:
            continue
        below = " * ".join(map(_written, quotient.factors))
        yield f"  have d{number} : {_in_x(divisor, rec, law)} ≠ 0 := by"
        yield f"    have e : {_in_x(divisor, rec, law)} = {_written(top)} / ({below}) := by grind"
        yield "    rw [e]"
        yield "    grind"
    yield "  grind"


def _induct(view: GoalView, rec: Recurrence, law: _Law, order: int, names: tuple[str, str]) -> Iterator[str]:
    step, key = names
    f, first = rec.function, law.first
    claim = " ∧ ".join(f"{f} (k + {first + i}) = {law.at(i, '(k : Rat)')}" for i in range(order))
    body = rec.at(first + order)
    instance = f"{rec.fact} (k + {first + order - rec.shift})" + (" (by omega)" if rec.guarded else "")
    facts = [fact_of_value(view, f, first + i) for i in range(order)]
    moved = [f"v{i + 1}" for i in range(order)]
    yield f"have {key} : ∀ k : Nat, {claim} := by"
    yield "  intro k"
    yield "  induction k with"
    yield f"  | zero => exact {together([f'{fact}.trans (by decide +kernel)' for fact in facts])}"
    yield "  | succ k ih =>"
    yield f"    have {together([f'v{i}' for i in range(order)])} := ih"
    yield f"    have v{order} : {f} (k + {first + order}) = {law.at(order, '(k : Rat)')} := by"
    yield f"      rw [{instance}]"
    yield f"      show {_in_values(body, rec)} = _"
    rewrites = [f"v{i}" for i in range(order) if Apply(f, (Number(first + i),)) in set(subterms(body))]
    yield f"      rw [{', '.join(rewrites)}]"
    yield f"      exact {step} k (by exact_mod_cast Nat.zero_le k)"
    yield f"    clear {rec.fact} {step}"
    yield f"    refine {together([f'{v}.trans ?_' for v in moved])} <;> (push_cast; grind)"


def _linear_reciprocals(view: GoalView) -> Iterator[str]:
    for rec in read_recurrences(view):
        order = rec.order()
        if order is None or f"{rec.function} : Nat → Rat" not in view.goal.text:
            continue
        law = _law(rec, compute(rec, rec.first))
        if law is None:
            continue
        step, key = view.fresh("step", "key")
        lines = [*_step_identity(rec, law, order, step), *_induct(view, rec, law, order, (step, key))]
        wanted = places_asked_for(view, rec.function)
        projection = "" if order == 1 else ".1"
        for place in wanted:
            exact = f"({key} {place - law.first}){projection}.trans (by decide +kernel)"
            lines.append(f"have u{place} : {rec.function} {place} = {literal(law.value(place))} := {exact}")
        if wanted:
            lines.append(f"rw [{', '.join(f'u{place}' for place in wanted)}]")
        yield "\n".join([*lines, "first | done | rfl | decide +kernel | grind"])


RULES: tuple[Rule, ...] = (Rule("linear reciprocals", 0.75, _linear_reciprocals, effort=48, final=True),)
