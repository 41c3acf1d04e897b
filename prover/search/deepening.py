"""Iterative deepening: depth-first search within a bound on the cost of a path, and again with a larger bound (Korf 1985).

The bound is on summed costs, not on numbers of tactics, as in DFID for weighted graphs. What ran under a smaller bound is in the
graph and is not run again.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Generic

from prover.core import S
from prover.search.explorer import Explorer, Trial
from prover.search.graph import NodeId


@dataclass(frozen=True, slots=True)
class Deepening:
    """How iterative deepening goes about it."""

    width: int = 12
    """Most tactics in one request."""
    step: float = 1.0
    """By how much the bound grows at least."""
    name: str = "deepening"

    def begin(self, explorer: Explorer[S], chance: random.Random) -> _Search[S]:
        """Set to work; nothing is drawn."""
        return _Search(explorer, self)


class _Search(Generic[S]):
    def __init__(self, explorer: Explorer[S], settings: Deepening) -> None:
        self._explorer = explorer
        self._graph = explorer.graph
        self._settings = settings
        self._bound = settings.step
        self._stack: list[NodeId] = [self._graph.root]
        self._seen: set[NodeId] = set()

    async def step(self) -> bool:
        while True:
            while self._stack:
                if await self._visit(self._stack.pop()):
                    return True
            left = [self._next_cost(node) for node in self._explorer.leftovers()]
            if not left:
                return False
            self._bound = max(self._bound + self._settings.step, min(left))
            self._stack, self._seen = [self._graph.root], set()

    async def _visit(self, node: NodeId) -> bool:
        """Do what is within the bound at a goal, then go below it; whether something was done."""
        if self._graph.node(node).status != "open":
            return False
        if self._explorer.has_work(node) and self._next_cost(node) <= self._bound:
            self._stack.append(node)
            await self._work(node)
            return True
        if node in self._seen:
            return False
        self._seen.add(node)
        edges = [self._graph.edge(edge) for edge in self._graph.node(node).edges]
        for edge in sorted(edges, key=lambda edge: -edge.proposal.cost):
            if edge.status == "open":
                self._stack.extend(reversed(edge.children))
        return False

    async def _work(self, node: NodeId) -> None:
        question = self._explorer.question(node)
        cost = self._explorer.cost(node)
        waiting = [p for p in self._explorer.waiting(node).values() if cost + p.cost <= self._bound][
            : self._settings.width
        ]
        if question is not None and (not waiting or question.cost < waiting[0].cost):
            await self._explorer.ask([node])
        else:
            await self._explorer.run([Trial(node, proposal) for proposal in waiting])

    def _next_cost(self, node: NodeId) -> float:
        """The path cost of the cheapest thing that waits at a goal."""
        waiting = next(iter(self._explorer.waiting(node).values()), None)
        question = self._explorer.question(node)
        costs = [task.cost for task in (waiting, question) if task is not None]
        return self._explorer.cost(node) + min(costs, default=math.inf)
