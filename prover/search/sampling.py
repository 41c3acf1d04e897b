"""Whole-proof sampling: proofs are drawn from the root, again and again.

This is what pass@k counts. Unlike plain sampling, what a proof did right is not thrown away: it is cut at its first error, and
its good prefix stays in the graph, where later draws may follow it and go on from it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Generic

from prover.core import S
from prover.search.explorer import Explorer
from prover.search.roll_out import RollOut, roll_out
from prover.search.strategy import sweep


@dataclass(frozen=True, slots=True)
class Sampling:
    """How whole-proof sampling goes about it."""

    roll_out: RollOut = field(default_factory=RollOut)
    parallel: int = 4
    """Proofs that are drawn side by side, sharing requests."""
    name: str = "sampling"

    def begin(self, explorer: Explorer[S], chance: random.Random) -> _Search[S]:
        """Set to work."""
        return _Search(explorer, self, chance)


class _Search(Generic[S]):
    def __init__(self, explorer: Explorer[S], settings: Sampling, chance: random.Random) -> None:
        self._explorer = explorer
        self._settings = settings
        self._chance = chance

    async def step(self) -> bool:
        starts = [self._explorer.graph.root] * self._settings.parallel
        worked, _ = await roll_out(self._explorer, starts, self._settings.roll_out, self._chance)
        return worked or await sweep(self._explorer, self._settings.roll_out.width)
