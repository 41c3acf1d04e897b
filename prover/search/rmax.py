"""RMaxTS (DeepSeek-Prover-V1.5, Xin et al. 2024, section 3): a tree search that is rewarded for what is new.

Each goal has one arm for every tactic that ran there, and one more, to expand it: a proof is drawn from there to its end or its
first error. An expansion is worth 1 if it found a goal that was not known, else 0 (the intrinsic reward of RMax): until
something is proved there is nothing else to go by. As news dry up, old rewards are discounted, and the arm with the best
discounted upper bound is taken (DUCB, γ = 0.99 there).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Generic

from prover.core import S
from prover.search.explorer import Explorer
from prover.search.graph import EdgeId, NodeId
from prover.search.roll_out import RollOut, roll_out
from prover.search.selection import Visits, upper_bound
from prover.search.strategy import sweep


@dataclass(frozen=True, slots=True)
class RMax:
    """How RMaxTS goes about it."""

    roll_out: RollOut = field(default_factory=RollOut)
    parallel: int = 4
    """Expansions under way at once. Each counts as one without reward until it is back (virtual loss), so that they spread."""
    discount: float = 0.99
    """γ: what a reward is still worth after one more choice at the same goal."""
    name: str = "rmax"

    def begin(self, explorer: Explorer[S], chance: random.Random) -> _Search[S]:
        """Set to work."""
        return _Search(explorer, self, chance)


_EXPAND = -1
"""The arm of expanding a goal; the others are named by their edges."""


class _Search(Generic[S]):
    def __init__(self, explorer: Explorer[S], settings: RMax, chance: random.Random) -> None:
        self._explorer = explorer
        self._graph = explorer.graph
        self._settings = settings
        self._chance = chance
        self._arms: dict[NodeId, dict[int, Visits]] = {}

    async def step(self) -> bool:
        paths: list[list[tuple[NodeId, int]]] = []
        for _ in range(self._settings.parallel):
            paths.append(self._select())
            for node, arm in paths[-1]:
                self._count(node, arm)
        leaves = [path[-1][0] for path in paths]
        worked, news = await roll_out(self._explorer, leaves, self._settings.roll_out, self._chance)
        for path, new in zip(paths, news, strict=True):
            for node, arm in path:
                self._arms[node][arm].total += new
        return worked or await sweep(self._explorer, self._settings.roll_out.width)

    def _select(self) -> list[tuple[NodeId, int]]:
        """The way from the root to the goal that is expanded, with the arms that were taken."""
        path: list[tuple[NodeId, int]] = []
        seen: set[NodeId] = set()
        node = self._graph.root
        while True:
            seen.add(node)
            arm = self._best(node, seen)
            path.append((node, arm))
            if arm == _EXPAND:
                return path
            node = self._open_children(EdgeId(arm), seen)[0]

    def _best(self, node: NodeId, seen: set[NodeId]) -> int:
        visits = self._arms.get(node, {})
        edges = [
            edge
            for edge in self._graph.node(node).edges
            if self._graph.edge(edge).status == "open" and self._open_children(edge, seen)
        ]
        total = sum(arm.count for arm in visits.values())
        unknown = Visits()
        # Of two arms that were never tried, expanding comes first.
        return max((_EXPAND, *edges), key=lambda arm: upper_bound(visits.get(arm, unknown), total))

    def _open_children(self, edge: EdgeId, seen: set[NodeId]) -> list[NodeId]:
        children = self._graph.edge(edge).children
        return [child for child in children if child not in seen and self._graph.node(child).status == "open"]

    def _count(self, node: NodeId, chosen: int) -> None:
        arms = self._arms.setdefault(node, {})
        for arm in arms.values():
            arm.count *= self._settings.discount
            arm.total *= self._settings.discount
        arms.setdefault(chosen, Visits()).count += 1
