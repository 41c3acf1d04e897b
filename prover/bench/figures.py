"""The figures of a benchmark: pass@k, its interval, the law of its growth, and the comparison of two runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

POOR_FIT = 0.03
"""A law that misses a measured coverage by more than this does not describe it."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Attempts at one problem."""

    attempts: int
    proved: int


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of problems, from 0 to 1, and its 95 % interval."""

    k: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Law:
    """The law `log c = a k^b` of the coverage c after k attempts, fitted to measured points.

    The form is that of Brown et al. 2024 (Large Language Monkeys, section 3.1), where a and b are negative.
    """

    a: float
    b: float
    residuals: tuple[tuple[int, float], ...]
    """Of each point that was fitted: k, and measured minus fitted coverage."""

    def coverage(self, k: float) -> float:
        """What the law says for k attempts."""
        return math.exp(self.a * k**self.b)

    @property
    def worst(self) -> float:
        """The largest residual, without its sign."""
        return max(abs(residual) for _, residual in self.residuals)

    @property
    def poor(self) -> bool:
        """Whether the law misses a point by more than `POOR_FIT`, or has so few points that it cannot miss any."""
        return self.worst > POOR_FIT or len(self.residuals) < 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs over the same problems, by McNemar's exact test."""

    both: int
    gained: int
    """Proved by the second run alone."""
    lost: int
    """Proved by the first run alone."""
    neither: int
    p: float
    """How likely a difference as large as this is if none of the two is better; two-sided."""


def pass_at_k(attempts: int, proved: int, k: int) -> float:
    """The chance that k attempts, drawn without replacement from those made, hold a proof.

    `1 - C(n - c, k) / C(n, k)`, the unbiased estimator of Chen et al. 2021 (Codex, section 2.1), as a product that does not overflow.

    Raises:
        ValueError: there were fewer than k attempts, or more proofs than attempts.
    """
    if not 0 <= proved <= attempts or not 1 <= k <= attempts:
        raise ValueError(f"pass@{k} of {proved} proofs in {attempts} attempts is not defined")
    if attempts - proved < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / i for i in range(attempts - proved + 1, attempts + 1))


def rate(tallies: Sequence[Tally], k: int, *, resamples: int = 2_000, seed: int = 0) -> Rate:
    """pass@k over problems, with a bootstrap interval over the problems (percentiles 2.5 and 97.5).

    The interval says how much the rate would vary over other problems of the same kind; with one attempt a problem it cannot know
    how much it would vary over other attempts.

    Raises:
        ValueError: a problem has fewer than k attempts, or there is none.
    """
    if not tallies:
        raise ValueError("there is no problem to take a rate of")
    values = [pass_at_k(tally.attempts, tally.proved, k) for tally in tallies]
    chance, count = Random(seed), len(values)
    means = sorted(math.fsum(chance.choices(values, k=count)) / count for _ in range(resamples))
    low, high = (means[min(resamples - 1, int(part * resamples))] for part in (0.025, 0.975))
    return Rate(k, math.fsum(values) / count, low, high)


def fitted_law(points: Sequence[tuple[int, float]]) -> Law | None:
    """The law through coverages after k attempts, by least squares of `log(-log c)` over `log k`.

    Coverages of 0 and 1 have no such logarithm and are left out; None when fewer than two points are left.
    """
    usable = [(k, c) for k, c in points if 0 < c < 1]
    if len({k for k, _ in usable}) < 2:
        return None
    xs = [math.log(k) for k, _ in usable]
    ys = [math.log(-math.log(c)) for _, c in usable]
    x, y = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    slope = math.fsum((u - x) * (v - y) for u, v in zip(xs, ys, strict=True)) / math.fsum((u - x) ** 2 for u in xs)
    a, b = -math.exp(y - slope * x), slope
    return Law(a, b, tuple((k, c - math.exp(a * k**b)) for k, c in usable))


def compared(first: Sequence[bool], second: Sequence[bool]) -> Comparison:
    """Which problems two runs proved, problem by problem; the p-value is that of a binomial test on those that only one proved.

    Raises:
        ValueError: the runs have different numbers of problems.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} problems cannot be compared with {len(second)}")
    pairs = list(zip(first, second, strict=True))
    gained, lost = pairs.count((False, True)), pairs.count((True, False))
    unlike = gained + lost
    tail = sum(math.comb(unlike, i) for i in range(min(gained, lost) + 1)) / 2**unlike
    return Comparison(pairs.count((True, True)), gained, lost, pairs.count((False, False)), min(1.0, 2 * tail))
