"""Best-first search: of all tactics that wait anywhere in the graph, the cheapest are run next.

The queue holds proposals, not nodes, so a cheap tactic of a deep goal goes before a dear one of a shallow goal, and a
generator that speaks in stages is asked for its dear ideas only when the cheap ones did not do. The priority of a proposal is
the cost of the path to its node plus its own cost (the cumulative log-probability of GPT-f, Polu and Sutskever 2020, section
3.3), divided by a power of the length of that path (BFS-Prover, Xin et al. 2025, section 3.1, where the power is called α;
0 leaves the sum as it is, 1 takes the mean), plus a penalty for depth, which keeps chains of nearly free tactics from running
away when the costs are not probabilities.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from typing import Generic

from prover.core import Proposal, S
from prover.search.explorer import Explorer, Question, Trial
from prover.search.graph import NodeId


@dataclass(frozen=True, slots=True)
class BestFirst:
    """How best-first search goes about it."""

    width: int = 16
    """Most tactics in one request, a tactic of effort n counting for n. Wider wastes work when the first of them closes the goal,
    narrower pays for more round trips."""
    window: float = 1.0
    """A request holds only proposals that are at most so much dearer than its first."""
    depth_penalty: float = 0.2
    """Added to the priority for each tactic on the path."""
    normalisation: float = 0.0
    """The power of the path's length by which its cost is divided."""
    name: str = "best-first"

    def begin(self, explorer: Explorer[S], chance: random.Random) -> _Search[S]:
        """Set to work; nothing is drawn."""
        return _Search(explorer, self)


LENGTH_NORMALISED = BestFirst(depth_penalty=0.0, normalisation=0.5, name="length-normalised")
"""For a model's log-probabilities, which add up to more on a long path than on a short one, whatever the two are worth."""


@dataclass(frozen=True, slots=True, order=True)
class _Entry:
    priority: float
    number: int
    node: NodeId = field(compare=False)
    task: Proposal | Question = field(compare=False)


class _Search(Generic[S]):
    def __init__(self, explorer: Explorer[S], settings: BestFirst) -> None:
        self._explorer = explorer
        self._settings = settings
        self._queue: list[_Entry] = []
        self._numbers = 0
        self._parked: dict[NodeId, list[_Entry]] = {}
        """Entries of nodes that no longer mattered when their turn came."""
        explorer.follow(self._hear)

    async def step(self) -> bool:
        batch = self._take()
        if not batch:
            return False
        trials = [Trial(entry.node, entry.task) for entry in batch if isinstance(entry.task, Proposal)]
        if trials:
            await self._explorer.run(trials)
        else:
            await self._explorer.ask([entry.node for entry in batch])
        return True

    def _hear(self, node: NodeId, task: Proposal | Question | None) -> None:
        if task is None:
            self._unpark(node)
            return
        depth = self._explorer.graph.node(node).depth
        path = (self._explorer.cost(node) + task.cost) / (depth + 1) ** self._settings.normalisation
        self._numbers += 1
        entry = _Entry(path + depth * self._settings.depth_penalty, self._numbers, node, task)
        heapq.heappush(self._queue, entry)

    def _take(self) -> list[_Entry]:
        """The next entries that can be served by one call: all questions, or all tactics of one effort.

        New goals that are about as urgent as the first tactic are asked about before it runs, so that requests are full.
        """
        questions: list[_Entry] = []
        tactics: list[_Entry] = []
        while self._queue and len(questions) + len(tactics) < self._explorer.steps_left:
            entry = self._queue[0]
            first = questions[0] if questions else tactics[0] if tactics else entry
            if sum(map(_weight, (*questions, *tactics, entry))) > self._settings.width and first is not entry:
                break
            if entry.priority > first.priority + self._settings.window or not _together(first, entry):
                break
            heapq.heappop(self._queue)
            if not self._waits(entry):
                continue
            if not self._explorer.graph.wanted(entry.node):
                self._parked.setdefault(entry.node, []).append(entry)
            elif isinstance(entry.task, Question):
                questions.append(entry)
            else:
                tactics.append(entry)
        if not questions:
            return tactics
        for entry in tactics:
            heapq.heappush(self._queue, entry)
        return questions

    def _waits(self, entry: _Entry) -> bool:
        """Whether no one else who works on the graph was faster."""
        if isinstance(entry.task, Question):
            return self._explorer.question(entry.node) == entry.task
        return entry.task.tactic in self._explorer.waiting(entry.node)

    def _unpark(self, start: NodeId) -> None:
        """A goal was met again: what had been put aside below it may matter now."""
        if not self._parked:
            return
        seen: set[NodeId] = set()
        waiting = [start]
        graph = self._explorer.graph
        while waiting:
            node = waiting.pop()
            if node in seen:
                continue
            seen.add(node)
            for entry in self._parked.pop(node, ()):
                heapq.heappush(self._queue, entry)
            for edge in graph.node(node).edges:
                waiting.extend(graph.edge(edge).children)


def _together(first: _Entry, other: _Entry) -> bool:
    """Whether two entries may be looked at together; a generator's later stages are dear and wait until they come first."""
    if isinstance(other.task, Question):
        return isinstance(first.task, Question) or other.task.stage == 0
    return isinstance(first.task, Question) or first.task.effort == other.task.effort


def _weight(entry: _Entry) -> int:
    return 1 if isinstance(entry.task, Question) else entry.task.effort
