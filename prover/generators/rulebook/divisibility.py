"""The rule for divisibility of polynomials: the quotient is found here, by linear algebra, and checked by Lean."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction

from prover.generators.expressions import Expression, Infix
from prover.generators.polynomials import (
    Monomial,
    Polynomial,
    add,
    degree,
    multiply,
    polynomial,
    scale,
    variables,
    written,
)
from prover.generators.rulebook.rule import Rule
from prover.generators.rulebook.view import GoalView

_HIGHEST_DEGREE = 6
_MOST_VARIABLES = 4
_MOST_UNKNOWNS = 60


def _quotient(view: GoalView) -> Iterator[str]:
    """`p ∣ q` from equations `l = r`: the k with `q = p * k + m₁ * (l₁ - r₁) + …` for some polynomials m."""
    match view.conclusion:
        case Infix(symbol="∣", left=left, right=right):
            divisor, target = polynomial(left), polynomial(right)
        case _:
            return
    integers = view.variables("Int")
    if (
        divisor is None
        or target is None
        or degree(divisor) == 0
        or not variables(divisor) | variables(target) <= set(integers)
    ):
        return
    zeros = [zero for zero in map(_difference, view.statements[:-1]) if zero and variables(zero) <= set(integers)]
    names = sorted(frozenset().union(*map(variables, [divisor, target, *zeros])))
    highest = max(map(degree, [target, *zeros]))
    if len(names) > _MOST_VARIABLES or highest > _HIGHEST_DEGREE:
        return
    quotient = _solved(target, divisor, zeros, names, highest)
    if quotient is not None and all(coefficient.denominator == 1 for coefficient in quotient.values()):
        yield f"exact ⟨{written(quotient)}, by grind⟩"


def _difference(statement: Expression) -> Polynomial | None:
    match statement:
        case Infix(symbol="=", left=left, right=right):
            first, second = polynomial(left), polynomial(right)
            return None if first is None or second is None else add(first, scale(second, Fraction(-1)))
        case _:
            return None


def _monomials(names: Sequence[str], highest: int) -> Iterator[Monomial]:
    for total in range(highest + 1):
        for chosen in itertools.combinations_with_replacement(names, total):
            yield tuple(sorted((name, chosen.count(name)) for name in set(chosen)))


def _solved(
    target: Polynomial, divisor: Polynomial, zeros: Sequence[Polynomial], names: Sequence[str], highest: int
) -> Polynomial | None:
    """The quotient; None if there is none whose degree, and those of the multipliers, fit under the highest one."""
    if not target:
        return {}
    factors = [divisor, *zeros]
    unknowns = [
        (place, monomial)
        for place, factor in enumerate(factors)
        for monomial in _monomials(names, highest - degree(factor))
    ]
    if len(unknowns) > _MOST_UNKNOWNS:
        return None
    columns = [multiply(factors[place], {monomial: Fraction(1)}) for place, monomial in unknowns]
    rows = list({monomial: None for poly in [target, *columns] for monomial in poly})
    matrix = [[column.get(row, Fraction(0)) for column in columns] + [target.get(row, Fraction(0))] for row in rows]
    solution = _eliminated(matrix)
    if solution is None:
        return None
    return {monomial: x for (place, monomial), x in zip(unknowns, solution, strict=True) if place == 0 and x}


def _eliminated(matrix: list[list[Fraction]]) -> list[Fraction] | None:
    """A solution of the linear equations whose last column is the right side, free unknowns being 0; None if there is none."""
    width = len(matrix[0]) - 1
    pivots: list[int] = []
    for column in range(width):
        row = len(pivots)
        found = next((r for r in range(row, len(matrix)) if matrix[r][column]), None)
        if found is None:
            continue
        matrix[row], matrix[found] = matrix[found], matrix[row]
        lead = matrix[row][column]
        matrix[row] = [entry / lead for entry in matrix[row]]
        for other in range(len(matrix)):
            factor = matrix[other][column]
            if other != row and factor:
                matrix[other] = [a - factor * b for a, b in zip(matrix[other], matrix[row], strict=True)]
        pivots.append(column)
    if any(row[-1] for row in matrix[len(pivots) :]):
        return None
    solution = [Fraction(0)] * width
    for row, column in enumerate(pivots):
        solution[column] = matrix[row][-1]
    return solution


RULES: tuple[Rule, ...] = (Rule("quotient of polynomials", 0.7, _quotient, effort=16, final=True),)
