"""Rules for variables that can only take few values: find the range, then try each value."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from prover.generators.expressions import (
    COMPARISONS,
    Expression,
    Infix,
    Name,
    Number,
    names_in,
    numbers_in,
    subterms,
    value,
)
from prover.generators.polynomials import add, coefficients, degree, linear, one_sign, polynomial, scale, shifted
from prover.generators.polynomials import variables as variables_of
from prover.generators.printing import show
from prover.generators.rulebook.rule import Rule
from prover.generators.rulebook.view import GoalView

_MOST_VALUES = 110
"""One variable, each value closed by `omega`: about 50 ms a value on the embedded Lean."""
_MOST_TUPLES = 4_000
"""All variables at once, decided by the kernel: about 2 ms a tuple."""
_FARTHEST_ROOT = 1_000


@dataclass(frozen=True, slots=True)
class _Range:
    """A variable and the values that it may have; the bounds are guesses that Lean has to confirm."""

    variable: str
    kind: str
    low: int
    high: int

    @property
    def size(self) -> int:
        return self.high - self.low + 1


def _comparisons(view: GoalView) -> Iterator[Infix]:
    """What is known, as comparisons."""
    for statement in view.statements[:-1]:
        if isinstance(statement, Infix) and statement.symbol in COMPARISONS:
            yield statement


def _stated_bounds(view: GoalView, variable: str, kind: str) -> tuple[int | None, int | None]:
    """Bounds that stand in the hypotheses as linear comparisons of this variable alone."""
    low: int | None = 0 if kind == "Nat" else None
    high: int | None = None
    for comparison in _comparisons(view):
        left, right = linear(comparison.left), linear(comparison.right)
        if left is None or right is None or (left.keys() | right.keys()) - {""} != {variable}:
            continue
        slope = left.get(variable, Fraction(0)) - right.get(variable, Fraction(0))
        constant = right.get("", Fraction(0)) - left.get("", Fraction(0))
        if slope == 0:
            continue
        symbol = (
            comparison.symbol
            if slope > 0
            else {"≤": "≥", "<": ">", "≥": "≤", ">": "<"}.get(comparison.symbol, comparison.symbol)
        )
        bound = constant / slope
        if symbol in {"≤", "<", "="}:
            top = math.floor(bound) if symbol != "<" else math.ceil(bound) - 1
            high = top if high is None else min(high, top)
        if symbol in {"≥", ">", "="}:
            bottom = math.ceil(bound) if symbol != ">" else math.floor(bound) + 1
            low = bottom if low is None else max(low, bottom)
    return low, high


def _guesses(view: GoalView, variable: str) -> list[int]:
    """Numerals that may bound a variable: the ones of the facts in which it occurs."""
    found: set[int] = set()
    for statement in view.statements:
        if variable in names_in(statement):
            found |= numbers_in(statement)
    return sorted(number for number in found if 2 < number <= _MOST_VALUES)


def _ranges(view: GoalView) -> list[tuple[str, str]]:
    return [(name, kind) for kind in ("Nat", "Int") for name in view.variables(kind)]


def _to_fin(span: _Range) -> str:
    """Replace the variable by an element of `Fin`, so that `decide` can run through it."""
    size, name = span.size, span.variable
    if span.kind == "Nat" and span.low == 0:
        return f"obtain ⟨{name}, rfl⟩ : ∃ k : Fin {size}, {name} = k.val := ⟨⟨{name}, by omega⟩, rfl⟩"
    if span.kind == "Nat":
        return (
            f"obtain ⟨{name}, rfl⟩ : ∃ k : Fin {size}, {name} = {span.low} + k.val := "
            f"⟨⟨{name} - {span.low}, by omega⟩, by show {name} = {span.low} + ({name} - {span.low}); omega⟩"
        )
    low = f"({span.low})"
    return (
        f"obtain ⟨{name}, rfl⟩ : ∃ k : Fin {size}, {name} = {low} + (k.val : Int) := ⟨⟨({name} - {low}).toNat, by omega⟩, "
        f"by show {name} = {low} + ((({name} - {low}).toNat : Nat) : Int); omega⟩"
    )


def _decide_all(view: GoalView) -> Iterator[str]:
    """Every variable has stated bounds: the kernel runs through all values."""
    names = _ranges(view)
    spans: list[_Range] = []
    for name, kind in names:
        low, high = _stated_bounds(view, name, kind)
        if low is not None and high is not None and low <= high:
            spans.append(_Range(name, kind, low, high))
    if spans and len(spans) == len(names) and math.prod(span.size for span in spans) <= _MOST_TUPLES:
        yield _decide(spans)


def _decide(spans: list[_Range]) -> str:
    return "\n".join([*map(_to_fin, spans), f"revert {' '.join(span.variable for span in spans)}", "decide +kernel"])


def _decide_against(view: GoalView) -> Iterator[str]:
    """The target says that a sum of natural numbers is large: if not, all of them are small."""
    match view.conclusion:
        case Infix(symbol="≤" | "<", left=Number(value=bound), right=term):
            pass
        case Infix(symbol="≥" | ">", left=term, right=Number(value=bound)):
            pass
        case _:
            return
    names = [(name, kind) for name, kind in _ranges(view)]
    if names and bound ** len(names) <= _MOST_TUPLES and names_in(term):
        (hc,) = view.fresh("hc")
        spans = [_Range(name, kind, 0, bound) for name, kind in names]
        yield f"refine Decidable.byContradiction fun {hc} => ?_\n{_decide(spans)}"


def _each_value(view: GoalView) -> Iterator[str]:
    """One variable value by value; with its value known, the rest is often linear."""
    plans: list[_Range] = []
    for name, kind in _ranges(view):
        low, high = _stated_bounds(view, name, kind)
        if high is not None and low is not None:
            plans.append(_Range(name, kind, low, high))
        elif high is None:
            plans += [_Range(name, kind, low or 0, guess) for guess in _guesses(view, name)[-2:]]
    nonlinear = {name for name, _ in _ranges(view) if _is_multiplied(view, name)}
    plans = [plan for plan in plans if 0 < plan.size <= _MOST_VALUES and plan.variable in nonlinear]
    for plan in sorted(plans, key=lambda plan: plan.size)[:4]:
        yield "\n".join([*_product_signs(view), *_bash(view, plan)])


def _is_multiplied(view: GoalView, variable: str) -> bool:
    """Whether the variable stands where `omega` wants a numeral."""
    for statement in view.statements:
        for term in subterms(statement):
            match term:
                case Infix(symbol="*", left=left, right=right):
                    other = names_in(left) if variable in names_in(right) else names_in(right)
                    if other and variable in names_in(term):
                        return True
                case Infix(symbol="^" | "%" | "/" | "∣", left=left, right=right):
                    if variable in names_in(right) or (term.symbol == "^" and variable in names_in(left)):
                        return True
                case Infix(symbol="∣", left=left) if variable in names_in(left):
                    return True
                case _:
                    pass
    return False


def _product_signs(view: GoalView) -> Iterator[str]:
    """Products of two integers that linear arithmetic can see to be non-negative."""
    pairs: dict[tuple[str, str], None] = {}
    for statement in view.statements:
        for term in subterms(statement):
            match term:
                case Infix(symbol="*", left=Name(name=a), right=Name(name=b)) if {a, b} <= set(view.variables("Int")):
                    pairs[(a, b)] = None
                case _:
                    pass
    for number, (a, b) in enumerate(pairs):
        (name,) = view.fresh(f"hprod{number}")
        yield f"have {name} : 0 ≤ {a} * {b} := Int.mul_nonneg (by omega) (by omega)"


def _bash(view: GoalView, plan: _Range) -> Iterator[str]:
    name = plan.variable
    close = "first | omega | (simp at *; omega) | grind"
    low_name, high_name, k = view.fresh("hlow", "hhigh", "k")
    yield f"have {low_name} : {plan.low} ≤ {name} := by omega"
    yield f"have {high_name} : {name} ≤ {plan.high} := by omega"
    if plan.kind == "Int":
        low = f"({plan.low})"
        yield f"obtain ⟨{k}, rfl⟩ : ∃ k : Nat, {name} = {low} + (k : Int) := ⟨({name} - {low}).toNat, by omega⟩"
    elif plan.low:
        yield f"obtain ⟨{k}, rfl⟩ : ∃ k, {name} = k + {plan.low} := ⟨{name} - {plan.low}, by omega⟩"
    else:
        k = name
    yield f"iterate {plan.size}"
    yield f"  rcases {k} with _ | {k}"
    yield f"  · {close}"
    yield "omega"


def _polynomial_equation(view: GoalView) -> Iterator[str]:
    """A polynomial equation in one variable has its roots between bounds beyond which all its coefficients have one sign."""
    for comparison in _comparisons(view):
        left, right = polynomial(comparison.left), polynomial(comparison.right)
        if comparison.symbol != "=" or left is None or right is None:
            continue
        poly = add(left, scale(right, Fraction(-1)))
        if degree(poly) < 2 or len(variables_of(poly)) != 1:
            continue
        (variable,) = variables_of(poly)
        for kind in ("Nat", "Int"):
            if variable in view.variables(kind) and not (kind == "Nat" and _subtracts(comparison)):
                span = _root_range(coefficients(poly, variable), variable, kind)
                if span is not None:
                    yield "\n".join([*_confine(view, span, degree(poly)), _decide([span])])


def _subtracts(expression: Expression) -> bool:
    return any(isinstance(term, Infix) and term.symbol == "-" for term in subterms(expression))


def _root_range(coeffs: list[Fraction], variable: str, kind: str) -> _Range | None:
    high = next((b for b in range(_FARTHEST_ROOT) if one_sign(shifted(coeffs, b + 1, 1))), None)
    low = 0
    if kind == "Int":
        found = next((b for b in range(_FARTHEST_ROOT) if one_sign(shifted(coeffs, -b - 1, -1))), None)
        if found is None:
            return None
        low = -found
    if high is None or high - low + 1 > _MOST_TUPLES:
        return None
    return _Range(variable, kind, low, max(high, low))


def _confine(view: GoalView, span: _Range, deg: int) -> Iterator[str]:
    name = span.variable
    high_name, low_name, hc, k = view.fresh("hhigh", "hlow", "hc", "k")
    if span.kind == "Nat":
        yield f"have {high_name} : {name} ≤ {span.high} := by"
        yield f"  refine Nat.le_of_not_lt fun {hc} => ?_"
        yield f"  obtain ⟨{k}, rfl⟩ := Nat.exists_eq_add_of_lt {hc}"
        yield "  grind"
        return
    for bound, label, replaced, amount in (
        (f"{name} ≤ {span.high}", high_name, f"{span.high + 1} + (k : Int)", f"{name} - {span.high + 1}"),
        (f"{span.low} ≤ {name}", low_name, f"{span.low - 1} - (k : Int)", f"{span.low - 1} - {name}"),
    ):
        yield f"have {label} : {bound} := by"
        yield f"  refine Decidable.byContradiction fun {hc} => ?_"
        yield f"  obtain ⟨{k}, rfl⟩ : ∃ k : Nat, {name} = {replaced} := ⟨({amount}).toNat, by omega⟩"
        yield f"  have p1 : (0 : Int) ≤ {k} := by omega"
        for power in range(2, deg + 1):
            product = " * ".join([f"({k} : Int)"] * power)
            yield f"  have p{power} : 0 ≤ {product} := Int.mul_nonneg p{power - 1} p1"
        yield "  grind"


def _divisors(number: int) -> list[int]:
    small = [d for d in range(1, math.isqrt(number) + 1) if number % d == 0]
    return sorted({*small, *(number // d for d in small)})


_LARGEST_PRODUCT = 10_000


def _factor_of_numeral(view: GoalView) -> Iterator[str]:
    """A product of two naturals is a numeral: each factor is one of its divisors."""
    for fact in view.facts:
        match fact.expression:
            case Infix(symbol="=", left=Infix(symbol="*", left=first, right=second), right=Number(value=number)):
                pass
            case _:
                continue
        if not 0 < number <= _LARGEST_PRODUCT:
            continue
        for factor, witness in ((first, f"{fact.name}.symm"), (second, f"((Nat.mul_comm _ _).trans {fact.name}).symm")):
            if isinstance(factor, Name) and factor.name in view.variables("Nat"):
                yield _try_divisors(view, factor.name, number, witness)


def _try_divisors(view: GoalView, factor: str, number: int, witness: str) -> str:
    divisors = _divisors(number)
    hd, hx = view.fresh("hd", "hx")
    cases = " | ".join(["rfl"] * len(divisors))
    return "\n".join(
        [
            f"have {hd} : ∀ d, d ≤ {number} → d ∣ {number} → d ∈ {divisors} := by decide +kernel",
            f"have {hx} : {factor} ∣ {number} := ⟨_, {witness}⟩",
            f"have {hx} := {hd} _ (Nat.le_of_dvd (by decide) {hx}) {hx}",
            f"simp only [List.mem_cons, List.not_mem_nil, or_false] at {hx}",
            f"rcases {hx} with {cases} <;> first | omega | (simp at *; omega) | grind",
        ]
    )


def _exponents(view: GoalView) -> Iterator[str]:
    """A numeral is a product of powers of numerals: the exponents are at most its logarithms."""
    for fact in view.facts:
        match fact.expression:
            case Infix(symbol="=", left=product, right=closed):
                number = value(closed, {})
            case _:
                continue
        if number is None or number.denominator != 1 or not 0 < number <= 10**12:
            continue
        factors = _power_factors(product)
        if factors is None or any(name not in view.variables("Nat") for _, name in factors):
            continue
        spans = [_Range(name, "Nat", 0, _logarithm(int(number), base)) for base, name in factors]
        if math.prod(span.size for span in spans) <= _MOST_TUPLES:
            lines = itertools.chain.from_iterable(
                _bound_exponent(view, fact.name, place, base, span, show(closed))
                for place, ((base, _), span) in enumerate(zip(factors, spans, strict=True))
            )
            yield "\n".join([*lines, _decide(spans)])


def _power_factors(expression: Expression) -> list[tuple[int, str]] | None:
    """`b ^ x` or `b ^ x * c ^ y` as pairs of base and variable."""
    match expression:
        case Infix(symbol="^", left=Number(value=base), right=Name(name=name)) if base > 1:
            return [(base, name)]
        case Infix(symbol="*", left=Infix(symbol="^") as left, right=Infix(symbol="^") as right):
            first, second = _power_factors(left), _power_factors(right)
            return first + second if first and second else None
        case _:
            return None


def _logarithm(number: int, base: int) -> int:
    exponent = 0
    while base ** (exponent + 1) <= number:
        exponent += 1
    return exponent


def _bound_exponent(view: GoalView, fact: str, place: int, base: int, span: _Range, number: str) -> Iterator[str]:
    name, hc, h1, h2 = view.fresh(f"hexp{place}", "hc", "h1", "h2")
    alone = f"rw [{fact}]; exact Nat.dvd_refl _"
    witness = (f"⟨_, {fact}.symm⟩", f"⟨_, ((Nat.mul_comm _ _).trans {fact}).symm⟩")[place]
    yield f"have {name} : {span.variable} ≤ {span.high} := by"
    yield f"  refine Nat.le_of_not_lt fun {hc} => ?_"
    yield f"  have {h1} := Nat.pow_le_pow_right (by decide : 0 < {base}) {hc}"
    yield f"  have {h2} : {base} ^ {span.variable} ∣ {number} := by first | exact {witness} | ({alone})"
    yield f"  have {h2} := Nat.le_of_dvd (by decide) {h2}"
    yield "  simp at *; omega"


def _divisor_is_unknown(view: GoalView) -> Iterator[str]:
    """Divisibility by a variable, opened."""
    for fact in view.facts:
        match fact.expression:
            case Infix(symbol="∣", left=left) if not isinstance(left, Number):
                c, h = view.fresh("c", f"h{fact.name}")
                yield f"obtain ⟨{c}, {h}⟩ := {fact.name}"
            case _:
                pass


RULES: tuple[Rule, ...] = (
    Rule("decide all values", 0.8, _decide_all, effort=40, final=True),
    Rule("roots of a polynomial", 0.9, _polynomial_equation, effort=40, final=True),
    Rule("divisors of a numeral", 0.9, _factor_of_numeral, effort=40, final=True),
    Rule("logarithms", 0.9, _exponents, effort=40, final=True),
    Rule("decide all small values", 0.9, _decide_against, effort=40, final=True),
    Rule("each value in turn", 0.95, _each_value, step=0.4, effort=48, final=True),
    Rule("open a divisibility", 1.5, _divisor_is_unknown),
)
