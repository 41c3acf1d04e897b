"""Best-first search: of all tactics that wait anywhere in the graph, the cheapest are run next.

The queue holds proposals, not nodes, so a cheap tactic of a deep goal goes before a dear one of a shallow goal, and a
generator that speaks in stages is asked for its dear ideas only when the cheap ones did not do. The priority of a proposal is
the cost of the path to its node, plus its own cost, plus a penalty for depth (as in GPT-f, Polu and Sutskever 2020, section
3.3, where the cumulative log-probability orders the queue; the penalty keeps chains of nearly free tactics from running away).
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal

from prover.core import (
    Advanced,
    Attempt,
    Budget,
    Clock,
    Environment,
    Event,
    Generator,
    GoalClosed,
    Listener,
    NodeOpened,
    Outcome,
    Premise,
    Proposal,
    Query,
    Rejected,
    S,
    SearchEnded,
    SearchOutcome,
    SearchResult,
    StopReason,
    TacticTried,
)
from prover.errors import GeneratorError
from prover.search.budget import Account
from prover.search.graph import NodeId, ProofGraph


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


@dataclass(frozen=True, slots=True, order=True)
class _Entry:
    priority: float
    number: int
    node: NodeId = field(compare=False)
    task: Proposal | int = field(compare=False)
    """A tactic to try, or the stage for which the generator is to be asked."""


async def best_first(
    graph: ProofGraph[S],
    environment: Environment[S],
    generator: Generator,
    *,
    budget: Budget,
    clock: Clock,
    listen: Listener = lambda event: None,
    settings: BestFirst = BestFirst(),
) -> SearchResult:
    """Grow `graph` until its root is proved, nothing is left to try, or the budget is spent.

    Args:
        graph: a fresh graph with only its root; it belongs to the caller and is complete even if this is cancelled.
        environment: owner of the states in the graph. Its exceptions pass through.
        generator: proposes tactics.
        budget: a request that is running when `seconds` are over is cancelled.
        clock: seconds.
        listen: is told of each event, in order; must return at once.
        settings: batch size and priorities.

    Raises:
        GeneratorError: the generator answered the wrong number of queries, or a negative cost.
    """
    search = _Search(graph, environment, generator, Account.open(budget, clock), listen, settings)
    reason = await search.run()
    statistics = search.account.statistics()
    listen(SearchEnded(statistics.seconds, reason, statistics))
    outcomes: dict[StopReason, SearchOutcome] = {"proved": "proved", "seconds": "timeout"}
    script = graph.script() if graph.proved else None
    return SearchResult(outcomes.get(reason, "failed"), reason, script, statistics)


class _Search(Generic[S]):
    def __init__(
        self,
        graph: ProofGraph[S],
        environment: Environment[S],
        generator: Generator,
        account: Account,
        listen: Listener,
        settings: BestFirst,
    ) -> None:
        self.account = account
        self._graph = graph
        self._environment = environment
        self._generator = generator
        self._listen = listen
        self._settings = settings
        self._queue: list[_Entry] = []
        self._numbers = 0
        self._costs: dict[NodeId, float] = {}
        self._waiting: dict[NodeId, int] = {}
        """Entries of a node in the queue; at 0 it is exhausted."""
        self._parked: dict[NodeId, list[_Entry]] = {}
        """Entries of nodes that no longer mattered when their turn came."""
        self._proposed: dict[NodeId, set[str]] = {}

    async def run(self) -> StopReason:
        self._open(self._graph.root, 0.0)
        try:
            async with asyncio.timeout(self.account.budget.seconds):
                return await self._loop()
        except TimeoutError:
            return "seconds"

    async def _loop(self) -> StopReason:
        while not self._graph.proved:
            spent = self.account.spent()
            if spent is not None:
                return spent
            batch = self._take()
            if not batch:
                return "exhausted"
            if isinstance(batch[0].task, int):
                await self._ask(batch)
            else:
                await self._try(batch)
            for entry in batch:
                self._done(entry.node)
        return "proved"

    def _open(self, node: NodeId, cost: float) -> None:
        self.account.nodes += 1
        self._costs[node] = cost
        self._proposed[node] = set()
        self._push(node, 0, 0.0)
        data = self._graph.node(node)
        parent = self._graph.edge(data.parents[0]).source if data.parents else None
        text = "\n\n".join(goal.text for goal in data.goals)
        self._tell(NodeOpened(self.account.elapsed, node, parent, text, data.depth))

    def _tell(self, event: Event) -> None:
        self._listen(event)

    def _push(self, node: NodeId, task: Proposal | int, cost: float) -> None:
        if cost < 0:
            raise GeneratorError(f"a cost is negative: {cost} for {task}")
        depth = self._graph.node(node).depth
        priority = self._costs[node] + cost + depth * self._settings.depth_penalty
        self._numbers += 1
        self._waiting[node] = self._waiting.get(node, 0) + 1
        heapq.heappush(self._queue, _Entry(priority, self._numbers, node, task))

    def _done(self, node: NodeId) -> None:
        self._waiting[node] -= 1
        if self._waiting[node] == 0:
            self._graph.exhaust(node)

    def _take(self) -> list[_Entry]:
        """The next entries that can be served by one call: all questions, or all tactics of one effort.

        New goals that are about as urgent as the first tactic are asked about before it runs, so that requests are full.
        """
        questions: list[_Entry] = []
        tactics: list[_Entry] = []
        steps = self.account.budget.steps - self.account.steps
        while self._queue and len(questions) + len(tactics) < steps:
            entry = self._queue[0]
            first = questions[0] if questions else tactics[0] if tactics else entry
            if sum(map(_weight, (*questions, *tactics, entry))) > self._settings.width and first is not entry:
                break
            if entry.priority > first.priority + self._settings.window or not _together(first, entry):
                break
            heapq.heappop(self._queue)
            if not self._graph.wanted(entry.node):
                self._parked.setdefault(entry.node, []).append(entry)
            elif isinstance(entry.task, int):
                questions.append(entry)
            else:
                tactics.append(entry)
        if not questions:
            return tactics
        for entry in tactics:
            heapq.heappush(self._queue, entry)
        return questions

    async def _ask(self, batch: Sequence[_Entry]) -> None:
        started = self.account.clock()
        answers = await self._generator.propose([self._query(entry) for entry in batch])
        self.account.generator_seconds += self.account.clock() - started
        if len(answers) != len(batch):
            raise GeneratorError(f"{len(batch)} queries were answered with {len(answers)} lists of proposals")
        for entry, answer in zip(batch, answers, strict=True):
            proposed = self._proposed[entry.node]
            for proposal in answer.items:
                if proposal.tactic not in proposed:
                    proposed.add(proposal.tactic)
                    self._push(entry.node, proposal, proposal.cost)
            if answer.next_stage is not None:
                stage = entry.task if isinstance(entry.task, int) else 0
                self._push(entry.node, stage + 1, answer.next_stage)

    def _query(self, entry: _Entry) -> Query:
        node = self._graph.node(entry.node)

        async def premises(uses: Sequence[str], limit: int) -> Sequence[Premise]:
            return await self._environment.premises(node.position, uses, limit)

        stage = entry.task if isinstance(entry.task, int) else 0
        return Query(node.goals, stage, node.depth, self._graph.path(entry.node), premises)

    async def _try(self, batch: Sequence[_Entry]) -> None:
        by_node: dict[NodeId, list[Proposal]] = {}
        for entry in batch:
            if isinstance(entry.task, Proposal):
                by_node.setdefault(entry.node, []).append(entry.task)
        attempts = [
            Attempt(self._graph.node(node).position, tuple(p.tactic for p in proposals), proposals[0].effort)
            for node, proposals in by_node.items()
        ]
        started = self.account.clock()
        results = await self._environment.run(attempts)
        self.account.environment_seconds += self.account.clock() - started
        self.account.requests += 1
        self.account.steps += len(batch)
        unused: list[S] = []
        for (node, proposals), outcomes in zip(by_node.items(), results, strict=True):
            for proposal, outcome in zip(proposals, outcomes, strict=True):
                if not self._record(node, proposal, outcome) and isinstance(outcome, Advanced):
                    unused.append(outcome.state)
        if unused:
            await self._environment.release(unused)

    def _record(self, node: NodeId, proposal: Proposal, outcome: Outcome[S]) -> bool:
        """Put an outcome into the graph; says whether its state is needed from now on."""
        if isinstance(outcome, Advanced) and proposal.final and outcome.goals:
            outcome = Rejected("unfinished", "leaves goals open:\n" + "\n\n".join(goal.text for goal in outcome.goals))
        if isinstance(outcome, Rejected):
            self.account.rejected += 1
            self._graph.reject(node, proposal, outcome)
            self._tell_tried(node, proposal, "rejected", outcome.message)
            return False
        growth = self._graph.advance(node, proposal, outcome)
        if growth.edge is None:
            self._tell_tried(node, proposal, "useless", "leads back to the same goal")
            return False
        children = self._graph.edge(growth.edge).children
        self._tell_tried(node, proposal, "advanced" if children else "closed", "", children)
        cost = self._costs[node] + proposal.cost
        for child in growth.opened:
            self._open(child, cost)
        for child in growth.merged:
            self.account.merged += 1
            self._costs[child] = min(self._costs[child], cost)
            self._unpark(child)
        for closed in growth.proved:
            self._tell(GoalClosed(self.account.elapsed, closed))
        return bool(growth.opened)

    def _tell_tried(
        self,
        node: NodeId,
        proposal: Proposal,
        outcome: Literal["closed", "advanced", "rejected", "useless"],
        message: str,
        children: tuple[int, ...] = (),
    ) -> None:
        self._tell(TacticTried(self.account.elapsed, node, proposal.tactic, proposal.rule, outcome, message, children))

    def _unpark(self, start: NodeId) -> None:
        """A goal was met again: what had been put aside below it may matter now."""
        if not self._parked:
            return
        seen: set[NodeId] = set()
        waiting = [start]
        while waiting:
            node = waiting.pop()
            if node in seen:
                continue
            seen.add(node)
            for entry in self._parked.pop(node, ()):
                heapq.heappush(self._queue, entry)
            for edge in self._graph.node(node).edges:
                waiting.extend(self._graph.edge(edge).children)


def _together(first: _Entry, other: _Entry) -> bool:
    """Whether two entries may be looked at together; a generator's later stages are dear and wait until they come first."""
    if isinstance(other.task, int):
        return isinstance(first.task, int) or other.task == 0
    return isinstance(first.task, int) or first.task.effort == other.task.effort


def _weight(entry: _Entry) -> int:
    return 1 if isinstance(entry.task, int) else entry.task.effort
