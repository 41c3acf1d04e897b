"""What search, generators and environments say to each other.

Everything here is a value or a small protocol; nothing imports Lean, a model or a database. The three parties:

- an `Environment` owns proof states and runs tactics on them, many in one call;
- a `Generator` looks at goals and proposes tactics with costs;
- a search (`prover.search`) decides what is tried next.

A cost is a natural logarithm: `-log p` for a proposal of probability `p`. Rules use the same scale with hand-set numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, Protocol, TypeVar

S = TypeVar("S")
"""A handle on a proof state, opaque to search."""

Clock = Callable[[], float]
"""Seconds from some fixed moment, never going back."""

AttemptOutcome = Literal["proved", "refuted", "failed", "timeout", "error"]
"""`refuted` is how a race of a statement and its negation may end."""
SearchOutcome = Literal["proved", "failed", "timeout"]
StopReason = Literal["proved", "exhausted", "seconds", "steps", "nodes"]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One line above the turnstile, for one name."""

    name: str
    type: str
    value: str | None = None
    """What a `let` variable stands for."""
    proof: bool = False
    """Whether the type is a proposition."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal of a proof state."""

    text: str
    """As Lean prints it, turnstile included."""
    key: str
    """Equal for two goals only if a proof of one, word by word, proves the other."""
    target: str = ""
    hypotheses: tuple[Hypothesis, ...] = ()
    case: str | None = None
    shared: bool = False
    """Whether it has metavariables in common with another goal of its state, so that the two cannot be proved apart."""


@dataclass(frozen=True, slots=True)
class Position(Generic[S]):
    """Where a tactic is to be run: one goal of a state, or all its goals when they hang together."""

    state: S
    goal: int | None
    """Index into the state's goals; None: the tactic sees them all and works on the first."""
    goals: tuple[Goal, ...]
    """The goals that the tactic sees, at least one."""


@dataclass(frozen=True, slots=True)
class Attempt(Generic[S]):
    """Tactics to be tried, each from the same position."""

    position: Position[S]
    tactics: tuple[str, ...]
    effort: int = 1
    """How many times the environment's ordinary limit of work a tactic may take."""


@dataclass(frozen=True, slots=True)
class Advanced(Generic[S]):
    """The tactic ran; no goals left means that the position is proved."""

    state: S
    goals: tuple[Goal, ...]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Rejected:
    """The tactic failed: Lean's answer, and so a value."""

    kind: str
    """`tactic`, `parse`, `heartbeats`, `timeout`, `recursion`, `sorry`, `forbidden`, `cancelled`, or `crash` when it killed its process twice."""
    message: str
    seconds: float = 0.0


AT_A_LIMIT = frozenset({"heartbeats", "timeout"})
"""Kinds of failures that say only that something was stopped."""

Outcome = Advanced[S] | Rejected


@dataclass(frozen=True, slots=True)
class Premise:
    """A lemma of the environment that fits a goal or is about the same things, and the tactic that uses it."""

    use: str
    """`rw`, `apply`, `exact`, `simp` or `grind`."""
    name: str
    tactic: str
    score: float
    """Higher fits more specifically, or has more in common with the goal. Comparable within one use."""
    statement: str = ""
    """Its type as Lean prints it; empty where that is not known."""


class Environment(Protocol[S]):
    """Owner of proof states. A state never changes; it lives until it is released."""

    async def run(self, attempts: Sequence[Attempt[S]]) -> Sequence[Sequence[Outcome[S]]]:
        """Run every tactic of every attempt; one list an attempt, one outcome a tactic, in order."""
        ...

    async def premises(
        self, position: Position[S], uses: Sequence[str], limit: int, statements: bool = False
    ) -> Sequence[Premise]:
        """Lemmas that fit the position's first goal, at most `limit` for each use, best first; `statements`: with theirs."""
        ...

    async def release(self, states: Sequence[S]) -> None:
        """Forget states that no one will ask for again."""
        ...


@dataclass(frozen=True, slots=True)
class Proposal:
    """A tactic worth trying."""

    tactic: str
    cost: float
    """`-log p`, not negative; smaller is tried earlier."""
    rule: str
    """Which rule or model it came from, for statistics and pictures."""
    effort: int = 1
    final: bool = False
    """It either closes the goal or is useless: what it leaves open is thrown away."""
    whole: bool = False
    """It is a proof of several tactics: final, but of one that fails the tactics before its first error are kept."""


class PremiseLookup(Protocol):
    """Finds premises for the goal at hand."""

    async def __call__(self, uses: Sequence[str], limit: int, statements: bool = False) -> Sequence[Premise]:
        """As `Environment.premises`."""
        ...


@dataclass(frozen=True, slots=True)
class TheoremSource:
    """The theorem that a search is about, as its author wrote it."""

    text: str
    """A declaration, whose own proof is ignored, or a proposition."""
    header: str = ""
    """What stands before it in its file."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a generator is asked about."""

    goals: tuple[Goal, ...]
    """The goals that a tactic would see; the first is the one to work on."""
    stage: int
    """0 the first time this position is asked for, then one more each time."""
    depth: int
    """Tactics between the root and here."""
    path: tuple[Proposal, ...]
    """The proposals that led here, root first."""
    premises: PremiseLookup
    theorem: TheoremSource | None = None
    """What is at the root, where that is known."""
    seed: int = 0
    """Of what a generator draws; that of the attempt."""


@dataclass(frozen=True, slots=True)
class Proposals:
    """What a generator answers to one query."""

    items: tuple[Proposal, ...]
    next_stage: float | None = None
    """Cost at which the generator wants to be asked again for this position, with dearer ideas; None: it has said all."""
    tokens: int = 0
    """That a model read and wrote for this answer."""
    malformed: int = 0
    """Completions of a model for this answer in which there was no tactic."""
    fault: str = ""
    """What kept a part of the generator from answering, if something did."""


class Generator(Protocol):
    """Proposes tactics for goals. Batching towards a model happens inside."""

    async def propose(self, queries: Sequence[Query]) -> Sequence[Proposals]:
        """One answer a query, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Budget:
    """What a search may spend; whichever runs out first ends it."""

    seconds: float = 60.0
    """Wall time."""
    steps: int = 20_000
    """Tactics run."""
    nodes: int = 5_000
    """Different goals opened."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a search did and where its time went; the three parts of `seconds` do not overlap."""

    nodes: int = 0
    merged: int = 0
    """Goals met again, and so not opened twice."""
    steps: int = 0
    rejected: int = 0
    requests: int = 0
    """Calls of the environment."""
    seconds: float = 0.0
    environment_seconds: float = 0.0
    generator_seconds: float = 0.0
    """The premise look-ups that the generator asked for are counted here."""
    tokens: int = 0
    """That models read and wrote."""
    malformed: int = 0
    """Completions of models in which there was no tactic."""

    @property
    def search_seconds(self) -> float:
        """What the search's own bookkeeping took."""
        return self.seconds - self.environment_seconds - self.generator_seconds


@dataclass(frozen=True, slots=True)
class SearchResult:
    """How a search ended. `script` is what the environment accepted step by step; only the judge makes it a proof."""

    outcome: SearchOutcome
    reason: StopReason
    script: str | None
    """Tactic text without `by`, first line at column 0."""
    statistics: Statistics = field(default_factory=Statistics)
    fault: str = ""
    """The last of what kept parts of the generator from answering; empty if all of them always answered."""


@dataclass(frozen=True, slots=True)
class NodeOpened:
    """A goal was met for the first time."""

    seconds: float
    """Since the search began, here and below."""
    node: int
    parent: int | None
    goal: str
    depth: int


@dataclass(frozen=True, slots=True)
class TacticTried:
    """A tactic was run at a node."""

    seconds: float
    node: int
    tactic: str
    rule: str
    outcome: Literal["closed", "advanced", "rejected", "useless"]
    """`useless`: it ran, but left goals open that are no progress (a cycle, or an attempt to finish that did not)."""
    message: str
    children: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class GoalClosed:
    """A node is proved."""

    seconds: float
    node: int


@dataclass(frozen=True, slots=True)
class SearchEnded:
    """The last event of every search."""

    seconds: float
    reason: StopReason
    statistics: Statistics


Event = NodeOpened | TacticTried | GoalClosed | SearchEnded
Listener = Callable[[Event], None]
