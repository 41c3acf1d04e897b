"""Polynomials over the rationals in the variables of a goal, as far as rules need them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from prover.generators.expressions import Apply, Expression, Infix, Name, Number

Monomial = tuple[tuple[str, int], ...]
"""Variables with their exponents, sorted by name; `()` is the constant."""
Polynomial = Mapping[Monomial, Fraction]
"""No coefficient is zero."""

_LARGEST_DEGREE = 8


def polynomial(expression: Expression) -> Polynomial | None:
    """The polynomial that an expression is, with `-` read as in the integers; None if it is none or its degree is above 8."""
    match expression:
        case Number(value=number):
            return _clean({(): Fraction(number)})
        case Name(name=name):
            return {((name, 1),): Fraction(1)}
        case Apply(head="-", arguments=(inner,)):
            negated = polynomial(inner)
            return None if negated is None else scale(negated, Fraction(-1))
        case Infix(symbol="+" | "-" | "*" as symbol, left=left, right=right):
            first, second = polynomial(left), polynomial(right)
            if first is None or second is None:
                return None
            if symbol == "*":
                return _bounded(multiply(first, second))
            return add(first, second if symbol == "+" else scale(second, Fraction(-1)))
        case Infix(symbol="^", left=left, right=Number(value=exponent)) if exponent <= _LARGEST_DEGREE:
            base = polynomial(left)
            result: Polynomial | None = {(): Fraction(1)}
            for _ in range(exponent):
                result = None if result is None or base is None else _bounded(multiply(result, base))
            return result
        case _:
            return None


def linear(expression: Expression) -> dict[str, Fraction] | None:
    """Coefficients of a linear form by variable, the constant under `""`; None if it is not linear."""
    poly = polynomial(expression)
    if poly is None or degree(poly) > 1:
        return None
    return {monomial[0][0] if monomial else "": coefficient for monomial, coefficient in poly.items()}


def add(first: Polynomial, second: Polynomial) -> Polynomial:
    """The sum."""
    return _clean({m: first.get(m, Fraction(0)) + second.get(m, Fraction(0)) for m in {**first, **second}})


def scale(poly: Polynomial, factor: Fraction) -> Polynomial:
    """The multiple by a number."""
    return _clean({monomial: factor * coefficient for monomial, coefficient in poly.items()})


def multiply(first: Polynomial, second: Polynomial) -> Polynomial:
    """The product."""
    result: dict[Monomial, Fraction] = {}
    for left, a in first.items():
        for right, b in second.items():
            exponents = dict(left)
            for name, exponent in right:
                exponents[name] = exponents.get(name, 0) + exponent
            monomial = tuple(sorted(exponents.items()))
            result[monomial] = result.get(monomial, Fraction(0)) + a * b
    return _clean(result)


def variables(poly: Polynomial) -> frozenset[str]:
    """The variables that occur."""
    return frozenset(name for monomial in poly for name, _ in monomial)


def degree(poly: Polynomial) -> int:
    """The total degree; 0 for constants."""
    return max((sum(exponent for _, exponent in monomial) for monomial in poly), default=0)


def coefficients(poly: Polynomial, variable: str) -> list[Fraction]:
    """Of a polynomial in `variable` alone: its coefficients, constant first."""
    result = [Fraction(0)] * (degree(poly) + 1)
    for monomial, coefficient in poly.items():
        result[dict(monomial).get(variable, 0)] = coefficient
    return result


def shifted(coeffs: list[Fraction], start: int, direction: int) -> list[Fraction]:
    """Coefficients of `p(start + direction * k)` in k, constant first; `direction` is 1 or -1."""
    result = [Fraction(0)] * len(coeffs)
    for power, coefficient in enumerate(coeffs):
        for j in range(power + 1):
            result[j] += coefficient * math.comb(power, j) * Fraction(start) ** (power - j) * direction**j
    return result


def one_sign(coeffs: list[Fraction]) -> bool:
    """Whether the polynomial is visibly non-zero for every k ≥ 0: a constant, and no coefficient of another sign."""
    if not coeffs or coeffs[0] == 0:
        return False
    return all(coefficient * coeffs[0] >= 0 for coefficient in coeffs)


def written(poly: Polynomial) -> str:
    """Lean's text for a polynomial with integer coefficients."""

    def term(monomial: Monomial, coefficient: Fraction) -> str:
        powers = [name if exponent == 1 else f"{name} ^ {exponent}" for name, exponent in monomial]
        number = [] if powers and abs(coefficient) == 1 else [str(abs(coefficient))]
        return " * ".join([*number, *powers])

    text = ""
    for monomial, coefficient in poly.items():
        sign = "-" if coefficient < 0 else "+"
        text += f" {sign} {term(monomial, coefficient)}" if text or sign == "-" else term(monomial, coefficient)
    return text.strip() or "0"


def _bounded(poly: Polynomial) -> Polynomial | None:
    return poly if degree(poly) <= _LARGEST_DEGREE else None


def _clean(poly: Mapping[Monomial, Fraction]) -> Polynomial:
    return {monomial: coefficient for monomial, coefficient in poly.items() if coefficient != 0}
