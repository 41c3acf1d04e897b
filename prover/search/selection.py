"""How an arm is chosen from what is known of it: rules that several algorithms share."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Visits:
    """What came of an arm so far."""

    count: float = 0.0
    total: float = 0.0
    """Sum of the values that were backed up; a choice whose value is not in yet counts as 0, the virtual loss."""

    def mean(self, unknown: float) -> float:
        """The mean value, or `unknown` for an arm without visits."""
        return self.total / self.count if self.count else unknown


def puct(mean: float, prior: float, visits: float, all_visits: float, exploration: float) -> float:
    """PUCT (AlphaGo Zero, Silver et al. 2017, methods): mean + c · prior · √N / (1 + n)."""
    return mean + exploration * prior * math.sqrt(1 + all_visits) / (1 + visits)


def upper_bound(arm: Visits, all_visits: float) -> float:
    """UCB1 with the constant √2, on discounted sums (Garivier and Moulines 2008; DeepSeek-Prover-V1.5, section 3.3).

    An arm that was never tried comes first.
    """
    if arm.count == 0:
        return math.inf
    return arm.total / arm.count + math.sqrt(2 * math.log(max(all_visits, 1.0)) / arm.count)


def priors(costs: Sequence[float], temperature: float = 1.0) -> list[float]:
    """Probabilities in proportion to exp(-cost / temperature)."""
    if not costs:
        return []
    least = min(costs)
    weights = [math.exp((least - cost) / temperature) for cost in costs]
    whole = sum(weights)
    return [weight / whole for weight in weights]


def drawn_order(costs: Sequence[float], temperature: float, chance: random.Random) -> list[int]:
    """Indices in the order of draws without replacement, each in proportion to exp(-cost / temperature).

    By the Gumbel trick (Kool et al. 2019): sorting by perturbed logarithms is drawing.
    """
    keys = [-cost / temperature - math.log(-math.log(chance.random() or 1e-300)) for cost in costs]
    return sorted(range(len(costs)), key=lambda index: -keys[index])
