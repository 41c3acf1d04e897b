"""Reading what Lean prints, and printing it again."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prover.generators.expressions import (
    Apply,
    Expression,
    Infix,
    Name,
    Number,
    Opaque,
    Quantified,
    conjuncts,
    names_in,
    read,
    value,
)
from prover.generators.polynomials import coefficients, linear, one_sign, polynomial, shifted
from prover.generators.printing import show, substitute


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a + b * c ^ 2", "a + (b * (c ^ 2))"),
        ("a - b - c", "(a - b) - c"),
        ("2 ^ 3 ^ n", "2 ^ (3 ^ n)"),
        ("a = b ∧ c < d ∨ e ≠ f", "((a = b) ∧ (c < d)) ∨ (e ≠ f)"),
        ("p → q → r", "p → (q → r)"),
        ("¬7 ∣ a + b", "¬(7 ∣ (a + b))"),
        ("-x ^ 2", "-(x ^ 2)"),
        ("f n + 1", "(f n) + 1"),
        ("x % 3 = 0", "(x % 3) = 0"),
        ("(5 : Rat) / 8 * ↑b", "(5 / 8) * ↑b"),
    ],
)
def test_operators_bind_as_in_lean(text: str, same: str) -> None:
    assert read(text) == read(same)
    assert not isinstance(read(text), Opaque)


def test_quantifiers_give_names_types_and_guards() -> None:
    assert read("∀ (n : Nat), n ≥ 5 → x n = 0") == Quantified(
        "∀",
        ("n",),
        "Nat",
        Infix("→", Infix("≥", Name("n"), Number(5)), Infix("=", Apply("x", (Name("n"),)), Number(0))),
    )
    assert read("∀ n ≥ 5, x n = 0") == Quantified(
        "∀", ("n",), None, Infix("→", Infix("≥", Name("n"), Number(5)), Infix("=", Apply("x", (Name("n"),)), Number(0)))
    )
    assert read("∃ x ∈ xs, p x") == Quantified(
        "∃", ("x",), None, Infix("∧", Infix("∈", Name("x"), Name("xs")), Apply("p", (Name("x"),)))
    )
    assert read("∃ a b, a < b") == Quantified("∃", ("a", "b"), None, Infix("<", Name("a"), Name("b")))


def test_a_function_behind_a_dot_takes_what_stands_before_it() -> None:
    assert read("(n + 7).gcd 3") == Apply(".gcd", (Infix("+", Name("n"), Number(7)), Number(3)))
    assert show(read("(n + 7).gcd (2 * n) ≤ 13")) == "(n + 7).gcd (2 * n) ≤ 13"


@pytest.mark.parametrize("text", ["fun x => x + 1", "[1, 2, 3].length", "{ x // x > 0 }", "", "((a)", "a b )"])
def test_what_is_not_understood_is_kept_as_it_stands(text: str) -> None:
    assert read(text) == Opaque(text)


def test_names_are_variables_and_functions() -> None:
    assert names_in(read("f (n + 1) = ↑k * 3")) == {"f", "n", "k"}


def test_conjunctions_come_apart() -> None:
    assert len(list(conjuncts(read("a < b ∧ b < c ∧ c < d")))) == 3


def test_values_of_closed_terms_and_of_known_applications() -> None:
    known: dict[Expression, Fraction] = {Apply("t", (Number(1),)): Fraction(20), Apply("t", (Number(2),)): Fraction(21)}
    assert value(read("(5 * t (3 - 1) + 1) / (25 * t (3 - 2))"), known) == Fraction(53, 250)
    assert value(read("t 3"), known) is None
    assert value(read("1 / 0"), {}) is None
    assert value(read("2 ^ 2008 % 20"), {}) == pow(2, 2008, 20)
    assert value(read("2 ^ 2 ^ 2008"), {}) is None


def test_polynomials_and_linear_forms() -> None:
    poly = polynomial(read("(n - 1) * n * (n + 1)"))
    assert poly is not None
    assert coefficients(poly, "n") == [0, -1, 0, 1]
    assert linear(read("2 * (x + 3) - y")) == {"x": Fraction(2), "": Fraction(6), "y": Fraction(-1)}
    assert linear(read("x * y")) is None
    assert polynomial(read("x ^ n")) is None


@given(
    st.lists(st.integers(-9, 9), min_size=1, max_size=5),
    st.integers(-9, 9),
    st.sampled_from([1, -1]),
    st.integers(0, 9),
)
def test_a_shifted_polynomial_has_the_values_of_the_shifted_place(
    numbers: list[int], start: int, direction: int, k: int
) -> None:
    coeffs = [Fraction(number) for number in numbers]

    def at(cs: list[Fraction], x: int) -> Fraction:
        return sum((c * Fraction(x) ** power for power, c in enumerate(cs)), Fraction(0))

    moved = shifted(coeffs, start, direction)
    assert at(moved, k) == at(coeffs, start + direction * k)
    if one_sign(moved):
        assert at(moved, k) != 0


atoms = st.one_of(st.integers(0, 99).map(Number), st.sampled_from("abnx").map(Name))
expressions: st.SearchStrategy[Expression] = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds(Infix, st.sampled_from(["+", "-", "*", "/", "%", "^"]), inner, inner),
        st.builds(lambda argument: Apply("f", (argument,)), inner),
        st.builds(lambda argument: Apply("-", (argument,)), inner),
    ),
    max_leaves=12,
)


@given(expressions)
def test_what_is_printed_reads_back_as_the_same(expression: Expression) -> None:
    assert read(show(expression)) == expression


def test_substitution_replaces_every_occurrence() -> None:
    assert show(substitute(read("n * (f n + m)"), {"n": read("k + 1")})) == "(k + 1) * (f (k + 1) + m)"
