"""Monte-Carlo tree search with PUCT, on a graph whose tactics leave several goals.

A simulation walks from the root: at a goal it takes the arm with the best upper bound (PUCT of AlphaGo Zero; priors are the
generator's, as in Holophrasm, Whalen 2016), at a tactic the goal that looks hardest, as all of them must be proved. It ends at a
tactic that waits, which is run. A goal that is closed is worth 1, a failure 0, anything else a fixed estimate for each goal
that it leaves; the value of a tactic is the product over its goals, discounted a little so that short proofs come first.
Many simulations share a request: those under way count as losses, so that they spread (virtual loss).
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Generic

from prover.core import Proposal, S
from prover.search.explorer import Explorer, Trial
from prover.search.graph import EdgeId, Growth, NodeId
from prover.search.selection import Visits, priors, puct
from prover.search.strategy import sweep


@dataclass(frozen=True, slots=True)
class Mcts:
    """How Monte-Carlo tree search goes about it."""

    width: int = 12
    """Simulations in one request."""
    exploration: float = 1.0
    """The constant of PUCT."""
    estimate: float = 0.5
    """What an open goal is worth of which nothing is known: there is no value model."""
    discount: float = 0.95
    """For each tactic between a value and the goal to which it is backed up."""
    name: str = "mcts"

    def begin(self, explorer: Explorer[S], chance: random.Random) -> _Search[S]:
        """Set to work; nothing is drawn."""
        return _Search(explorer, self)


_DEEPEST = 200
"""Tactics on a simulation's way; what lies deeper is not looked for by recursion."""

_ASK = ""
"""The arm of asking the generator; the others are named by their tactics."""

Move = EdgeId | Proposal | None
"""An edge to follow, a tactic to run, or to ask the generator."""


@dataclass(frozen=True, slots=True)
class _Choice:
    node: NodeId
    arm: str
    move: Move


class _Search(Generic[S]):
    def __init__(self, explorer: Explorer[S], settings: Mcts) -> None:
        self._explorer = explorer
        self._graph = explorer.graph
        self._settings = settings
        self._visits: dict[NodeId, dict[str, Visits]] = {}
        self._totals: dict[NodeId, Visits] = {}

    async def step(self) -> bool:
        paths: list[list[_Choice]] = []
        ends: set[tuple[NodeId, str]] = set()
        while len(paths) < min(self._settings.width, self._explorer.steps_left):
            path = self._walk(ends)
            if not path:
                break
            for choice in path:
                self._count(choice, 1, 0.0)
            ends.add((path[-1].node, path[-1].arm))
            paths.append(path)
        if not paths:
            return await sweep(self._explorer, self._settings.width)
        questions = [path[-1].node for path in paths if path[-1].move is None]
        if questions:
            await self._explorer.ask(questions)
            for choice in (choice for path in paths for choice in path):
                self._count(choice, -1, 0.0)
            return True
        last = [path[-1] for path in paths]
        trials = [Trial(choice.node, choice.move) for choice in last if isinstance(choice.move, Proposal)]
        for path, growth in zip(paths, await self._explorer.run(trials), strict=False):
            self._back_up(path, growth)
        return True

    def _walk(self, ends: set[tuple[NodeId, str]]) -> list[_Choice]:
        """A simulation's way down, in the order of the bounds; a cycle or a dead end is backed out of. Empty: nothing was found."""
        seen: set[NodeId] = set()
        path: list[_Choice] = []

        def descend(node: NodeId) -> bool:
            seen.add(node)
            for choice in self._choices(node, ends):
                path.append(choice)
                if not isinstance(choice.move, int):
                    return True
                children = self._graph.edge(choice.move).children
                unproved = [child for child in children if self._graph.node(child).status == "open"]
                for child in sorted(unproved, key=self._value):
                    if child not in seen and len(path) < _DEEPEST and descend(child):
                        return True
                path.pop()
            return False

        descend(self._graph.root)
        return path

    def _choices(self, node: NodeId, ends: set[tuple[NodeId, str]]) -> list[_Choice]:
        """What can be done at a goal, best first. Of the tactics that wait only the cheapest can be best."""
        options: list[tuple[_Choice, float]] = []
        for edge in self._graph.node(node).edges:
            data = self._graph.edge(edge)
            if data.status == "open":
                options.append((_Choice(node, data.proposal.tactic, edge), data.proposal.cost))
        for tactic, proposal in self._explorer.waiting(node).items():
            if (node, tactic) not in ends:
                options.append((_Choice(node, tactic, proposal), proposal.cost))
                break
        question = self._explorer.question(node)
        if question is not None and (node, _ASK) not in ends:
            options.append((_Choice(node, _ASK, None), question.cost))
        visits, unknown = self._visits.get(node, {}), Visits()
        all_visits = self._totals.get(node, unknown).count
        arms = [visits.get(choice.arm, unknown) for choice, _ in options]
        bounds = [
            puct(arm.mean(self._settings.estimate), prior, arm.count, all_visits, self._settings.exploration)
            for arm, prior in zip(arms, priors([cost for _, cost in options]), strict=True)
        ]
        return [options[place][0] for place in sorted(range(len(options)), key=lambda place: -bounds[place])]

    def _value(self, node: NodeId) -> float:
        """What a goal is worth, between 0 and 1."""
        status = self._graph.node(node).status
        if status != "open":
            return 1.0 if status == "proved" else 0.0
        return self._totals.get(node, Visits()).mean(self._settings.estimate)

    def _count(self, choice: _Choice, visits: int, value: float) -> None:
        arm = self._visits.setdefault(choice.node, {}).setdefault(choice.arm, Visits())
        for statistics in (arm, self._totals.setdefault(choice.node, Visits())):
            statistics.count += visits
            statistics.total += value

    def _back_up(self, path: list[_Choice], growth: Growth | None) -> None:
        value = 0.0
        if growth is not None and growth.edge is not None:
            value = math.prod(map(self._value, self._graph.edge(growth.edge).children))
        below: NodeId | None = None
        for choice in reversed(path):
            if isinstance(choice.move, int):
                beside = [child for child in self._graph.edge(choice.move).children if child != below]
                value *= self._settings.discount * math.prod(map(self._value, beside))
            self._count(choice, 0, value)
            below = choice.node
        if growth is None:
            # A failure counts against its goal; the tactic itself will not be seen again.
            del self._visits[path[-1].node][path[-1].arm]
