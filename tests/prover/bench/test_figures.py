"""The figures of benchmarks, against values that were worked out in other ways."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from random import Random

import pytest

from prover.bench.figures import Tally, compared, fitted_law, pass_at_k, rate


@pytest.mark.parametrize(("attempts", "proved"), [(1, 0), (1, 1), (4, 1), (6, 2), (7, 7), (8, 5), (9, 0)])
def test_pass_at_k_is_the_share_of_all_choices_that_hold_a_proof(attempts: int, proved: int) -> None:
    outcomes = [True] * proved + [False] * (attempts - proved)
    for k in range(1, attempts + 1):
        choices = list(itertools.combinations(outcomes, k))
        share = Fraction(sum(any(choice) for choice in choices), len(choices))
        assert pass_at_k(attempts, proved, k) == pytest.approx(float(share), abs=1e-12)


def test_pass_at_k_of_many_attempts_does_not_overflow() -> None:
    exact = 1 - Fraction(math.comb(8_192 - 3, 1_024), math.comb(8_192, 1_024))
    assert pass_at_k(8_192, 3, 1_024) == pytest.approx(float(exact), rel=1e-9)


@pytest.mark.parametrize(("attempts", "proved", "k"), [(3, 0, 4), (3, 4, 1), (3, -1, 1), (3, 1, 0), (0, 0, 1)])
def test_what_is_not_defined_is_refused(attempts: int, proved: int, k: int) -> None:
    with pytest.raises(ValueError, match="not defined"):
        pass_at_k(attempts, proved, k)


def test_pass_at_k_is_unbiased() -> None:
    # Of attempts that succeed with chance p, the mean estimate is the chance 1 - (1 - p)^k that k of them hold a proof.
    chance, p, n, k = Random(3), 0.2, 10, 4
    estimates = [pass_at_k(n, sum(chance.random() < p for _ in range(n)), k) for _ in range(20_000)]
    assert sum(estimates) / len(estimates) == pytest.approx(1 - (1 - p) ** k, abs=0.005)


def test_the_interval_of_single_attempts_is_that_of_a_share() -> None:
    tallies = [Tally(1, int(number < 300)) for number in range(500)]
    found = rate(tallies, 1)
    # The normal approximation of a binomial share, which at 500 problems is good to a tenth of a percent.
    half = 1.959964 * math.sqrt(0.6 * 0.4 / 500)
    assert found.value == pytest.approx(0.6)
    assert (found.low, found.high) == pytest.approx((0.6 - half, 0.6 + half), abs=0.006)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    chance, truth, hits = Random(11), 0.7, 0
    for trial in range(300):
        tallies = [Tally(1, int(chance.random() < truth)) for _ in range(120)]
        found = rate(tallies, 1, resamples=300, seed=trial)
        hits += found.low <= truth <= found.high
    assert 0.90 <= hits / 300 <= 0.99


def test_a_rate_where_all_agree_has_no_width() -> None:
    found = rate([Tally(4, 4)] * 20, 2)
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="no problem"):
        rate([], 1)


def test_a_law_is_found_again_from_its_own_points() -> None:
    points = [(k, math.exp(-0.9 * k**-0.35)) for k in (1, 2, 4, 8, 16, 32, 64)]
    law = fitted_law(points)
    assert law is not None
    assert (law.a, law.b) == pytest.approx((-0.9, -0.35), abs=1e-9)
    assert not law.poor
    assert law.coverage(128) == pytest.approx(math.exp(-0.9 * 128**-0.35))


def test_the_least_squares_are_those_of_the_normal_equations() -> None:
    points = [(1, 0.31), (4, 0.44), (16, 0.52), (64, 0.66)]
    law = fitted_law(points)
    assert law is not None
    xs, ys = [math.log(k) for k, _ in points], [math.log(-math.log(c)) for _, c in points]
    n, sx, sy = len(xs), sum(xs), sum(ys)
    sxx, sxy = sum(x * x for x in xs), sum(x * y for x, y in zip(xs, ys, strict=True))
    determinant = n * sxx - sx * sx
    assert law.b == pytest.approx((n * sxy - sx * sy) / determinant)
    assert math.log(-law.a) == pytest.approx((sy * sxx - sx * sxy) / determinant)
    assert [k for k, _ in law.residuals] == [1, 4, 16, 64]
    assert law.worst == pytest.approx(max(abs(c - law.coverage(k)) for k, c in points))


def test_a_law_that_does_not_fit_says_so() -> None:
    law = fitted_law([(1, 0.1), (2, 0.1), (4, 0.1), (8, 0.9)])
    assert law is not None
    assert law.poor
    few = fitted_law([(1, 0.2), (8, 0.4)])
    assert few is not None
    assert few.poor
    assert fitted_law([(1, 0.5)]) is None
    assert fitted_law([(1, 0.0), (2, 0.0), (4, 1.0), (8, 0.4)]) is None


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    # Two-sided binomial tests with p = 1/2, from a table.
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (8, 2, 0.109375), (9, 1, 0.021484375), (3, 3, 1.0)],
)
def test_mcnemars_test_has_the_values_of_the_table(gained: int, lost: int, p: float) -> None:
    first = [False] * gained + [True] * lost + [True] * 4 + [False] * 7
    second = [True] * gained + [False] * lost + [True] * 4 + [False] * 7
    found = compared(first, second)
    assert (found.gained, found.lost, found.both, found.neither) == (gained, lost, 4, 7)
    assert found.p == pytest.approx(p)
    assert compared(second, first).p == found.p


def test_runs_over_different_problems_are_not_compared() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        compared([True], [True, False])
