"""Rules for remainders and divisibility by numerals, where the term inside is not linear and `omega` stops."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prover.generators.expressions import (
    Apply,
    Expression,
    Infix,
    Name,
    Number,
    names_in,
    subterms,
    value,
)
from prover.generators.polynomials import degree, polynomial
from prover.generators.printing import show
from prover.generators.rulebook.rule import Rule
from prover.generators.rulebook.view import GoalView

_MOST_CASES = 30
_LARGEST_PERIOD = 24


def _lemmas(kind: str) -> str:
    if kind == "Nat":
        return "Nat.dvd_iff_mod_eq_zero, Nat.pow_succ, Nat.mul_mod, Nat.add_mod"
    return "Int.dvd_iff_emod_eq_zero, Int.pow_succ, Int.mul_emod, Int.add_emod, Int.sub_emod"


def _finish(kind: str, residues: str) -> str:
    simp = f"simp [{_lemmas(kind)}, {residues}]"
    return f"first | omega | ({simp}; done) | ({simp} at *; done) | ({simp}; omega)"


def _is_nonlinear_in(view: GoalView, variable: str) -> bool:
    for statement in view.statements:
        for term in subterms(statement):
            match term:
                case Infix(symbol="^", left=base) if variable in names_in(base):
                    return True
                case Infix(symbol="*", left=left, right=right) if variable in names_in(left) | names_in(right):
                    if not isinstance(left, Number) and not isinstance(right, Number):
                        return True
                case _:
                    pass
    return False


def _split_residues(variable: str, modulus: int, name: str) -> str:
    cases = " ∨ ".join(f"{variable} % {modulus} = {residue}" for residue in range(modulus))
    return f"rcases (by omega : {cases}) with {' | '.join([name] * modulus)}"


def _case_on_residues(view: GoalView) -> Iterator[str]:
    """Every variable of a nonlinear term by its remainder."""
    for modulus, kind in itertools.product(view.moduli, ("Nat", "Int")):
        names = [name for name in view.variables(kind) if _is_nonlinear_in(view, name)]
        for count in range(1, len(names) + 1):
            if modulus**count > _MOST_CASES:
                break
            for chosen in itertools.combinations(names, count):
                facts = view.fresh(*(f"h{name}" for name in chosen))
                splits = [_split_residues(name, modulus, fact) for name, fact in zip(chosen, facts, strict=True)]
                residues = ", ".join(facts)
                yield " <;> ".join([*splits, f"simp [{_lemmas(kind)}, {residues}]"])
                yield " <;> ".join([*splits, f"({_finish(kind, residues)})"])


def _use_known_residues(view: GoalView) -> Iterator[str]:
    for kind in ("Nat", "Int"):
        if view.moduli and view.variables(kind):
            yield f"simp [{_lemmas(kind)}, *]"


def _powers(view: GoalView) -> Iterator[tuple[int, Expression]]:
    """Powers of a numeral with an unknown exponent."""
    found: dict[tuple[int, Expression], None] = {}
    for statement in view.statements:
        for term in subterms(statement):
            match term:
                case Infix(symbol="^", left=Number(value=base), right=exponent) if (
                    base > 1 and value(exponent, {}) is None
                ):
                    found[(base, exponent)] = None
                case _:
                    pass
    return iter(found)


def _orbit(base: int, modulus: int) -> tuple[int, list[int]]:
    """Powers of `base` modulo `modulus`: how many come before the period, and the period itself."""
    seen: dict[int, int] = {}
    power, index = 1 % modulus, 0
    while power not in seen:
        seen[power] = index
        power, index = power * base % modulus, index + 1
    return seen[power], list(seen)[seen[power] :]


@dataclass(frozen=True, slots=True)
class _Power:
    """A power of a numeral whose exponent is written as `period * q + before + r` with r < period."""

    lines: tuple[str, ...]
    cases: str
    """Takes r apart."""
    period: int


def _periodic_power(view: GoalView, number: int, base: int, exponent: Expression, modulus: int) -> _Power:
    before, residues = _orbit(base, modulus)
    period = len(residues)
    key, q, r, hr, hn, hk, hpow, hpos = view.fresh(
        *(f"{name}{number}" for name in ("key", "q", "r", "hr", "hn", "hk", "hpow", "hpos"))
    )
    shift = f" + {before}" if before else ""
    e, power = show(exponent, 51), f"{base} ^ {show(exponent, 75)}"
    rest = f"({show(exponent, 66)} - {before})" if before else show(exponent, 71)
    turn = "Nat.mul_succ, Nat.add_right_comm, Nat.pow_add" if before else "Nat.mul_succ, Nat.pow_add"
    lines = (
        f"have {key} : ∀ q : Nat, {base} ^ ({period} * q{shift}) % {modulus} = {residues[0]} := by",
        "  intro q",
        "  induction q with",
        "  | zero => decide",
        f"  | succ q ih => rw [{turn}]; omega",
        f"obtain ⟨{q}, {r}, {hr}, {hn}⟩ : ∃ q r, r < {period} ∧ {e} = {period} * q{shift} + r :=",
        f"  ⟨{rest} / {period}, {rest} % {period}, Nat.mod_lt _ (by decide), by omega⟩",
        f"have {hk} := {key} {q}",
        f"have {hpow} : {power} = {base} ^ ({period} * {q}{shift}) * {base} ^ {r} := by rw [← Nat.pow_add, ← {hn}]",
        f"have {hpos} : 0 < {power} := Nat.pow_pos (by decide)",
    )
    values = " ∨ ".join(f"{r} = {place}" for place in range(period))
    return _Power(lines, f"rcases (by omega : {values}) with {' | '.join(['rfl'] * period)}", period)


def _period_of_powers(view: GoalView) -> Iterator[str]:
    """Powers of numerals repeat modulo m: one linear goal for each place in the period."""
    for modulus in view.moduli:
        powers = [
            _periodic_power(view, number, base, exponent, modulus)
            for number, (base, exponent) in enumerate(_powers(view))
            if len(_orbit(base, modulus)[1]) <= _LARGEST_PERIOD
        ]
        if powers and math.prod(power.period for power in powers) <= _MOST_CASES:
            lines = itertools.chain.from_iterable(power.lines for power in powers)
            cases = " <;> ".join([*(power.cases for power in powers), "omega"])
            yield "\n".join([*_known_values(view, modulus), *lines, cases])


def _known_values(view: GoalView, modulus: int) -> Iterator[str]:
    """For variables that stand for a closed number too big for `omega`: their remainders, and those of their powers."""
    for fact in view.facts:
        match fact.expression:
            case Infix(symbol="=", left=Name(name=variable), right=closed) if variable in view.variables("Nat"):
                number = value(closed, {})
            case _:
                continue
        if number is None or number.denominator != 1 or number < 0:
            continue
        periods = [len(_orbit(base, modulus)[1]) for base, _ in _powers(view)]
        wide = math.lcm(modulus, *periods)
        wide_name, narrow_name, size_name = view.fresh("hw", "hn", "hs")
        yield f"have {wide_name} : {variable} % {wide} = {int(number) % wide} := by rw [{fact.name}]; first | done | decide +kernel"
        yield f"have {size_name} : {min(int(number), 9)} ≤ {variable} := by rw [{fact.name}]; first | done | decide +kernel"
        yield f"clear {fact.name}"
        yield f"have {narrow_name} : {variable} % {modulus} = {int(number) % modulus} := by omega"
        for exponent in _literal_exponents(view, variable):
            (power_name,) = view.fresh(f"hq{exponent}")
            residue = pow(int(number), exponent, modulus)
            yield (
                f"have {power_name} : {variable} ^ {exponent} % {modulus} = {residue} := by "
                f"simp [Nat.pow_mod, {narrow_name}]"
            )


def _literal_exponents(view: GoalView, variable: str) -> Iterable[int]:
    found: set[int] = set()
    for term in subterms(view.conclusion):
        match term:
            case Infix(symbol="^", left=Name(name=name), right=Number(value=exponent)) if name == variable:
                found.add(exponent)
            case _:
                pass
    return sorted(found)


def _gcd_of_linear_forms(view: GoalView) -> Iterator[str]:
    """A common divisor of `a n + b` and `c n + d` divides the combination in which n cancels."""
    for term in subterms(view.conclusion):
        match term:
            case Apply(head=".gcd" | "Nat.gcd", arguments=(first, second)):
                pass
            case _:
                continue
        for left, right, swap in ((first, second, False), (second, first, True)):
            combination = _cancel(left, right)
            if combination is None:
                continue
            times, minus, rest = combination
            (h1, h2) = view.fresh("h", "h'")
            big, small = (h2, h1) if swap else (h1, h2)
            goal = f"(Nat.dvd_add_right (Nat.dvd_mul_left_of_dvd {small} {minus})).mp ?_"
            yield "\n".join(
                [
                    f"have {h1} := Nat.gcd_dvd_left ({show(first)}) ({show(second)})",
                    f"have {h2} := Nat.gcd_dvd_right ({show(first)}) ({show(second)})",
                    f"refine Nat.le_trans (Nat.le_of_dvd (by decide : 0 < {rest}) ({goal})) (by decide)",
                    f"rw [show {minus} * ({show(right)}) + {rest} = {times} * ({show(left)}) by omega]",
                    f"exact Nat.dvd_mul_left_of_dvd {big} {times}",
                ]
            )


def _cancel(left: Expression, right: Expression) -> tuple[int, int, int] | None:
    """(u, v, c) with u * left = v * right + c and c > 0, for linear forms in one variable."""
    p, q = polynomial(left), polynomial(right)
    if p is None or q is None or degree(p) != 1 or degree(q) != 1:
        return None
    tops = [(m, c) for m, c in p.items() if m], [(m, c) for m, c in q.items() if m]
    if len(tops[0]) != 1 or len(tops[1]) != 1 or tops[0][0][0] != tops[1][0][0]:
        return None
    a, c = tops[0][0][1], tops[1][0][1]
    if a.denominator != 1 or c.denominator != 1 or a <= 0 or c <= 0:
        return None
    common = math.gcd(int(a), int(c))
    u, v = int(c) // common, int(a) // common
    rest = u * p.get((), 0) - v * q.get((), 0)
    return (u, v, int(rest)) if rest > 0 else None


RULES: tuple[Rule, ...] = (
    Rule("known residues", 0.8, _use_known_residues, effort=2, final=True),
    Rule("cases by residue", 0.9, _case_on_residues, effort=4, final=True),
    Rule("period of powers", 1.0, _period_of_powers, effort=32, final=True),
    Rule("greatest common divisor of linear forms", 0.9, _gcd_of_linear_forms, effort=2, final=True),
)
