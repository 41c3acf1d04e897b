"""A portfolio: several algorithms take turns on one graph, under one clock.

What one of them finds out the others know, and no tactic is run twice, so that the price of the wrong algorithm is only its share of
the turns. Shares are of the tactics that were run, not of time, so that a run can be repeated.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Generic

from prover.core import S
from prover.search.best_first import BestFirst
from prover.search.explorer import Explorer
from prover.search.hyper_tree import HyperTree
from prover.search.rmax import RMax
from prover.search.strategy import Algorithm, Strategy


@dataclass(frozen=True, slots=True)
class Share:
    """An algorithm and how much of the work it gets, in proportion to the others."""

    algorithm: Algorithm
    weight: float


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Which algorithms take turns."""

    shares: tuple[Share, ...] = (Share(BestFirst(), 3.0), Share(HyperTree(), 1.0), Share(RMax(), 1.0))
    name: str = "portfolio"

    def begin(self, explorer: Explorer[S], chance: random.Random) -> _Search[S]:
        """Set to work."""
        return _Search(explorer, self, chance)


@dataclass(slots=True)
class _Member:
    strategy: Strategy
    weight: float
    spent: float = 0.0
    """Tactics and questions, divided by the weight."""


class _Search(Generic[S]):
    def __init__(self, explorer: Explorer[S], settings: Portfolio, chance: random.Random) -> None:
        self._explorer = explorer
        self._members = [
            _Member(share.algorithm.begin(explorer, random.Random(chance.getrandbits(64))), share.weight)
            for share in settings.shares
        ]

    async def step(self) -> bool:
        for member in sorted(self._members, key=lambda member: member.spent):
            steps = self._explorer.account.steps
            worked = await member.strategy.step()
            member.spent += (1 + self._explorer.account.steps - steps) / member.weight
            if worked:
                return True
        return False
