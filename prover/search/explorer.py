"""What every search algorithm works with: the graph, what waits at its nodes, and the only ways to change them.

An algorithm decides, an `Explorer` acts: it asks the generator, runs tactics, puts the outcomes into the graph, keeps the account
and tells the listener. Algorithms that share an explorer share whatever one of them found out, and nothing is run twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Generic, Literal

from prover.core import (
    AT_A_LIMIT,
    Advanced,
    Attempt,
    Environment,
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
    TacticTried,
)
from prover.errors import GeneratorError
from prover.search.budget import Account
from prover.search.graph import Growth, NodeId, ProofGraph
from prover.search.whole import Block, blocks

_MORE_EFFORT = 4
"""How many times the effort a tactic gets that was stopped."""

_MOST_EFFORT = 20
"""With more than this no tactic is tried again."""

_COST_OF_MORE_EFFORT = 1.0
"""How much dearer a tactic is when it is tried again: most that do not end soon do not end well."""


@dataclass(frozen=True, slots=True)
class Question:
    """That the generator can be asked about a node."""

    stage: int
    """0 the first time."""
    cost: float
    """At which the generator wants to be asked."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A tactic that waits at a node, to be run now."""

    node: NodeId
    proposal: Proposal


Follower = Callable[[NodeId, "Proposal | Question | None"], None]
"""Is told what begins to wait at a node; None: nothing new, but the node was met again on another path."""


class Explorer(Generic[S]):
    """A search's graph, and what waits in it to be tried.

    Attributes:
        graph: complete at every moment, even if what runs here is cancelled.
        account: what was spent.
    """

    def __init__(
        self,
        graph: ProofGraph[S],
        environment: Environment[S],
        generator: Generator,
        account: Account,
        listen: Listener,
    ) -> None:
        self.graph = graph
        self.account = account
        self._environment = environment
        self._generator = generator
        self._listen = listen
        self._followers: list[Follower] = []
        self._costs: dict[NodeId, float] = {}
        self._waiting: dict[NodeId, dict[str, Proposal]] = {}
        self._questions: dict[NodeId, Question] = {}
        self._proposed: dict[NodeId, set[str]] = {}
        self._open(graph.root, 0.0)

    def follow(self, follower: Follower) -> None:
        """Have `follower` told of what waits now and of what will."""
        self._followers.append(follower)
        for node, question in self._questions.items():
            follower(node, question)
        for node, proposals in self._waiting.items():
            for proposal in proposals.values():
                follower(node, proposal)

    def cost(self, node: NodeId) -> float:
        """The summed cost of the cheapest known path to the node."""
        return self._costs[node]

    def waiting(self, node: NodeId) -> Mapping[str, Proposal]:
        """The tactics that wait at the node, by their text, cheapest first."""
        return self._waiting.get(node, {})

    def question(self, node: NodeId) -> Question | None:
        """What the generator can be asked about the node."""
        return self._questions.get(node)

    def has_work(self, node: NodeId) -> bool:
        """Whether something waits at the node that could be of use there."""
        return self.graph.node(node).status == "open" and (node in self._waiting or node in self._questions)

    def leftovers(self) -> Iterator[NodeId]:
        """The nodes with work that could still help to prove the root. Nothing may be run while they are gone through."""
        return (node for node in chain(self._waiting, self._questions) if self.graph.wanted(node))

    @property
    def steps_left(self) -> int:
        """Tactics that may still be run."""
        return self.account.budget.steps - self.account.steps

    @property
    def over(self) -> bool:
        """Whether the root is proved or the budget is spent."""
        return self.graph.proved or self.account.spent() is not None

    async def ask(self, nodes: Sequence[NodeId]) -> None:
        """Put the nodes' questions to the generator, in one call. Each node has one.

        Raises:
            GeneratorError: the generator answered the wrong number of queries, or with a negative cost.
        """
        questions = [self._questions.pop(node) for node in nodes]
        started = self.account.clock()
        queries = [self._query(node, question.stage) for node, question in zip(nodes, questions, strict=True)]
        try:
            answers = await self._generator.propose(queries)
        finally:
            self.account.generator_seconds += self.account.clock() - started
        self.account.tokens += sum(answer.tokens for answer in answers)
        self.account.malformed += sum(answer.malformed for answer in answers)
        self.account.fault = next((answer.fault for answer in answers if answer.fault), self.account.fault)
        if len(answers) != len(nodes):
            raise GeneratorError(f"{len(nodes)} queries were answered with {len(answers)} lists of proposals")
        for node, question, answer in zip(nodes, questions, answers, strict=True):
            self._add(node, answer.items)
            if answer.next_stage is not None:
                self._raise_question(node, Question(question.stage + 1, answer.next_stage))
        self._exhaust(nodes)

    async def run(self, trials: Sequence[Trial]) -> list[Growth | None]:
        """Run tactics that wait, in one request of the environment.

        A tactic that was stopped at its limits waits again afterwards, with more effort and at a higher cost. Of a whole proof that fails, the tactics before its first error are kept.

        Returns:
            What each did to the graph, in order; None: it failed, or led nowhere. Of a whole proof that failed there is no edge,
            but the goals that its beginning opened. Shorter than `trials` only if the budget does not allow for them all.
        """
        trials = trials[: self.steps_left]
        if not trials:
            return []
        for trial in trials:
            del self._waiting[trial.node][trial.proposal.tactic]
            if not self._waiting[trial.node]:
                del self._waiting[trial.node]
        growths = await self._run(trials)
        for place, trial in enumerate(trials):
            if growths[place] is None and trial.proposal.whole:
                known = len(self.graph)
                await self._run_blocks(trial.node, blocks(trial.proposal.tactic), trial.proposal)
                opened = tuple(node.id for node in self.graph.nodes[known:])
                growths[place] = Growth(None, opened) if opened else None
        self._exhaust([trial.node for trial in trials])
        return growths

    async def _run(self, trials: Sequence[Trial]) -> list[Growth | None]:
        groups: dict[tuple[NodeId, int], list[int]] = {}
        for place, trial in enumerate(trials):
            groups.setdefault((trial.node, trial.proposal.effort), []).append(place)
        attempts = [
            Attempt(self.graph.node(node).position, tuple(trials[place].proposal.tactic for place in places), effort)
            for (node, effort), places in groups.items()
        ]
        started = self.account.clock()
        try:
            results = await self._environment.run(attempts)
        finally:
            self.account.environment_seconds += self.account.clock() - started
        self.account.requests += 1
        self.account.steps += len(trials)
        growths: list[Growth | None] = [None] * len(trials)
        unused: list[S] = []
        for places, outcomes in zip(groups.values(), results, strict=True):
            for place, outcome in zip(places, outcomes, strict=True):
                growth = growths[place] = self._record(trials[place], outcome)
                if isinstance(outcome, Advanced) and (growth is None or not growth.opened):
                    unused.append(outcome.state)
        if unused:
            await self._environment.release(unused)
        return growths

    async def _run_blocks(self, node: NodeId, parts: Sequence[Block], proof: Proposal) -> None:
        """Run a failed proof tactic by tactic, as Lean would, until the first error or the end of the budget."""
        goals = [node]
        for part in parts:
            goals = [goal for goal in goals if self.graph.node(goal).status == "open"]
            if not goals or self.over:
                return
            if part.inner:
                await self._run_blocks(goals.pop(0), part.inner, proof)
                continue
            proposal = replace(proof, tactic=part.text, cost=proof.cost / len(parts), whole=False, final=False)
            if proposal.tactic in self._proposed[goals[0]]:
                growth = self._known_step(goals[0], proposal.tactic)
            else:
                self._proposed[goals[0]].add(proposal.tactic)
                (growth,) = await self._run([Trial(goals[0], proposal)])
            if growth is None or growth.edge is None:
                return
            goals[:1] = self.graph.edge(growth.edge).children

    def _known_step(self, node: NodeId, tactic: str) -> Growth | None:
        edges = self.graph.node(node).edges
        return next((Growth(edge) for edge in edges if self.graph.edge(edge).proposal.tactic == tactic), None)

    def _open(self, node: NodeId, cost: float) -> None:
        self.account.nodes += 1
        self._costs[node] = cost
        self._proposed[node] = set()
        self._raise_question(node, Question(0, 0.0))
        data = self.graph.node(node)
        parent = self.graph.edge(data.parents[0]).source if data.parents else None
        text = "\n\n".join(goal.text for goal in data.goals)
        self._listen(NodeOpened(self.account.elapsed, node, parent, text, data.depth))

    def _add(self, node: NodeId, proposals: Sequence[Proposal]) -> None:
        proposed = self._proposed[node]
        new: list[Proposal] = []
        for proposal in proposals:
            if proposal.cost < 0:
                raise GeneratorError(f"a cost is negative: {proposal.cost} for {proposal}")
            if proposal.tactic not in proposed:
                proposed.add(proposal.tactic)
                new.append(proposal)
        if new:
            self._wait(node, new)

    def _wait(self, node: NodeId, new: Sequence[Proposal]) -> None:
        old = self._waiting.get(node, {})
        ordered = sorted([*old.values(), *new], key=lambda proposal: proposal.cost)
        self._waiting[node] = {proposal.tactic: proposal for proposal in ordered}
        for proposal in new:
            self._tell_followers(node, proposal)

    def _raise_question(self, node: NodeId, question: Question) -> None:
        if question.cost < 0:
            raise GeneratorError(f"a cost is negative: {question.cost} for stage {question.stage}")
        self._questions[node] = question
        self._tell_followers(node, question)

    def _tell_followers(self, node: NodeId, task: Proposal | Question | None) -> None:
        for follower in self._followers:
            follower(node, task)

    def _exhaust(self, nodes: Sequence[NodeId]) -> None:
        for node in dict.fromkeys(nodes):
            if node not in self._waiting and node not in self._questions:
                self.graph.exhaust(node)

    def _query(self, node: NodeId, stage: int) -> Query:
        data = self.graph.node(node)

        async def premises(uses: Sequence[str], limit: int, statements: bool = False) -> Sequence[Premise]:
            return await self._environment.premises(data.position, uses, limit, statements)

        return Query(data.goals, stage, data.depth, self.graph.path(node), premises)

    def _record(self, trial: Trial, outcome: Outcome[S]) -> Growth | None:
        node, proposal = trial.node, trial.proposal
        unfinished = isinstance(outcome, Advanced) and outcome.goals and (proposal.final or proposal.whole)
        if isinstance(outcome, Advanced) and unfinished:
            outcome = Rejected("unfinished", "leaves goals open:\n" + "\n\n".join(goal.text for goal in outcome.goals))
        if isinstance(outcome, Rejected):
            self.account.rejected += 1
            self.graph.reject(node, proposal, outcome)
            self._tell_tried(trial, "rejected", outcome.message)
            effort = proposal.effort * _MORE_EFFORT
            if outcome.kind in AT_A_LIMIT and effort <= _MOST_EFFORT and not proposal.whole:
                self._wait(node, [replace(proposal, effort=effort, cost=proposal.cost + _COST_OF_MORE_EFFORT)])
            return None
        growth = self.graph.advance(node, proposal, outcome)
        if growth.edge is None:
            self._tell_tried(trial, "useless", "leads back to the same goal")
            return None
        children = self.graph.edge(growth.edge).children
        self._tell_tried(trial, "advanced" if children else "closed", "", children)
        cost = self._costs[node] + proposal.cost
        for child in growth.opened:
            self._open(child, cost)
        for child in growth.merged:
            self.account.merged += 1
            self._costs[child] = min(self._costs[child], cost)
            self._tell_followers(child, None)
        for closed in growth.proved:
            self._listen(GoalClosed(self.account.elapsed, closed))
        return growth

    def _tell_tried(
        self,
        trial: Trial,
        outcome: Literal["closed", "advanced", "rejected", "useless"],
        message: str,
        children: tuple[int, ...] = (),
    ) -> None:
        tactic, rule = trial.proposal.tactic, trial.proposal.rule
        self._listen(TacticTried(self.account.elapsed, trial.node, tactic, rule, outcome, message, children))
