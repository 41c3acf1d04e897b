"""HyperTree proof search (Lample et al. 2022): a simulation follows all goals of a tactic at once, not one path.

From the root the best tactic is taken at each goal, and all goals that it leaves are followed, down to goals at which more is to
be tried: a whole unfinished proof, whose leaves are expanded together. The value of a leaf is backed up through it, a
tactic being worth the product of its goals (section 3.2 and 3.3 there). The choice is PUCT with the generator's priors.
The paper takes the value of a leaf from a critic; without one it is a fixed estimate, as in its first iteration.
Besides the tactics that ran, a goal has the arm to try more of what waits there, so that nothing is given up for good.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Generic

from prover.core import S
from prover.search.explorer import Explorer, Trial
from prover.search.graph import EdgeId, NodeId
from prover.search.selection import Visits, priors, puct
from prover.search.strategy import sweep


@dataclass(frozen=True, slots=True)
class HyperTree:
    """How HyperTree proof search goes about it."""

    breadth: int = 8
    """Tactics that an expansion runs at a leaf."""
    trees: int = 2
    """Unfinished proofs that are followed at once; more share a request, but know less of each other."""
    exploration: float = 1.0
    """The constant of PUCT."""
    estimate: float = 0.5
    """What an open goal is worth of which nothing is known."""
    discount: float = 0.95
    """For each tactic between a value and the goal to which it is backed up."""
    name: str = "hypertree"

    def begin(self, explorer: Explorer[S], chance: random.Random) -> _Search[S]:
        """Set to work; nothing is drawn."""
        return _Search(explorer, self)


@dataclass(frozen=True, slots=True)
class _Proof:
    """An unfinished proof: the tactic at each goal in the order of the way down, and the goals to expand."""

    taken: dict[NodeId, EdgeId] = field(default_factory=dict)
    leaves: list[NodeId] = field(default_factory=list)


_DEEPEST = 200
"""Tactics above a leaf; what lies deeper is not looked for by recursion."""

_MORE = -1
"""The arm of trying more at a goal; the others are named by their edges."""


class _Search(Generic[S]):
    def __init__(self, explorer: Explorer[S], settings: HyperTree) -> None:
        self._explorer = explorer
        self._graph = explorer.graph
        self._settings = settings
        self._visits: dict[NodeId, dict[int, Visits]] = {}

    async def step(self) -> bool:
        proofs: list[_Proof] = []
        for _ in range(self._settings.trees):
            proof = _Proof()
            if self._follow(self._graph.root, proof, set()):
                self._count(proof, 1)
                proofs.append(proof)
        leaves = list(dict.fromkeys(leaf for proof in proofs for leaf in proof.leaves))
        if not leaves:
            return await sweep(self._explorer, self._settings.breadth)
        await self._expand(leaves)
        for proof in proofs:
            self._back_up(proof)
        return True

    async def _expand(self, leaves: list[NodeId]) -> None:
        questions = [leaf for leaf in leaves if self._asks(leaf)]
        if questions:
            await self._explorer.ask(questions)
        trials: list[Trial] = []
        for leaf in leaves:
            waiting = self._explorer.waiting(leaf).values()
            trials += [
                Trial(leaf, proposal) for proposal, _ in zip(waiting, range(self._settings.breadth), strict=False)
            ]
        await self._explorer.run(trials)

    def _asks(self, node: NodeId) -> bool:
        """Whether the generator's next word comes before anything that waits."""
        question = self._explorer.question(node)
        waiting = next(iter(self._explorer.waiting(node).values()), None)
        return question is not None and (waiting is None or question.cost < waiting.cost)

    def _follow(self, node: NodeId, proof: _Proof, above: set[NodeId]) -> bool:
        """Extend the proof by what it does at `node`; False, and nothing is added, if that ends in cycles alone."""
        if node in proof.taken or node in proof.leaves:
            return True
        above.add(node)
        try:
            for arm in self._arms(node):
                if arm == _MORE:
                    proof.leaves.append(node)
                    return True
                leaves, taken = len(proof.leaves), len(proof.taken)
                proof.taken[node] = EdgeId(arm)
                goals = [c for c in self._graph.edge(EdgeId(arm)).children if self._graph.node(c).status == "open"]
                deeper = len(above) < _DEEPEST
                if deeper and all(goal not in above and self._follow(goal, proof, above) for goal in goals):
                    return True
                del proof.leaves[leaves:]
                for later in list(proof.taken)[taken:]:
                    del proof.taken[later]
            return False
        finally:
            above.discard(node)

    def _arms(self, node: NodeId) -> list[int]:
        """What can be done at a goal, best first."""
        options: list[tuple[int, float]] = []
        for edge in self._graph.node(node).edges:
            data = self._graph.edge(edge)
            if data.status == "open":
                options.append((edge, data.proposal.cost))
        if self._explorer.has_work(node):
            waiting = next(iter(self._explorer.waiting(node).values()), None)
            question = self._explorer.question(node)
            options.append((_MORE, min(task.cost for task in (waiting, question) if task is not None)))
        if len(options) == 1:
            return [options[0][0]]
        visits = self._visits.get(node, {})
        unknown = Visits()
        arms = [visits.get(arm, unknown) for arm, _ in options]
        total = sum(arm.count for arm in arms)
        chances = priors([cost for _, cost in options])
        bounds = [
            puct(arm.mean(self._settings.estimate), chance, arm.count, total, self._settings.exploration)
            for arm, chance in zip(arms, chances, strict=True)
        ]
        order = sorted(range(len(options)), key=lambda place: -bounds[place])
        return [options[place][0] for place in order]

    def _count(self, proof: _Proof, visits: int) -> None:
        for node, arm in self._choices(proof):
            self._visits.setdefault(node, {}).setdefault(arm, Visits()).count += visits

    def _choices(self, proof: _Proof) -> list[tuple[NodeId, int]]:
        return [*proof.taken.items(), *((leaf, _MORE) for leaf in proof.leaves)]

    def _back_up(self, proof: _Proof) -> None:
        values: dict[NodeId, float] = {}
        for leaf in proof.leaves:
            values[leaf] = self._value(leaf)
            # What an expansion found lies below its new tactics; the arm itself is worth as much as those.
            self._visits[leaf][_MORE].total += values[leaf]
        # The goals below come after those above.
        for node, edge in reversed(proof.taken.items()):
            below = [values.get(child, self._value(child)) for child in self._graph.edge(edge).children]
            values[node] = self._settings.discount * math.prod(below)
            self._visits[node][edge].total += values[node]

    def _value(self, node: NodeId) -> float:
        data = self._graph.node(node)
        if data.status != "open":
            return 1.0 if data.status == "proved" else 0.0
        arms = self._visits.get(node)
        if not arms:
            return self._settings.estimate
        hopeful = [arms[edge].mean(self._settings.estimate) for edge in data.edges if edge in arms]
        fresh = any(self._graph.edge(edge).status == "open" and edge not in arms for edge in data.edges)
        return max([*hopeful, self._settings.estimate if fresh else 0.0])
