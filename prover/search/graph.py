"""The AND-OR graph of a proof search, without any opinion on what to try next.

A *node* (OR) is a goal: one proof of it is enough. An *edge* is a tactic that ran there, and its children (AND) are the goals
it left, all of which must be proved. Goals with equal keys are one node, so the graph is not a tree and may hold cycles.
Goals that share metavariables cannot be proved apart: they stay together as one node, which is never merged with another.

Life of a node: `open` until an edge has only proved children (`proved`), or until it is exhausted (nothing more will be
tried) and each of its edges has a failed child (`failed`). Both are final. A node is proved only by children that were
proved *before* it, so following `Node.proof` downwards always ends, whatever cycles the graph has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, NewType

from prover.core import Advanced, Goal, Position, Proposal, Rejected, S
from prover.errors import GraphError

NodeId = NewType("NodeId", int)
EdgeId = NewType("EdgeId", int)
Status = Literal["open", "proved", "failed"]


@dataclass(frozen=True, slots=True)
class Miss:
    """A tactic that did not help at a node."""

    proposal: Proposal
    kind: str
    """A kind of `Rejected`, or `useless`."""
    message: str


@dataclass(slots=True)
class Node(Generic[S]):
    """A goal, or goals that hang together. Read it freely; only the graph writes."""

    id: NodeId
    position: Position[S]
    depth: int
    """Tactics on the path on which it was found first."""
    parents: list[EdgeId] = field(default_factory=list)
    """Edges that lead here; grows as equal goals are met again."""
    edges: list[EdgeId] = field(default_factory=list)
    """Tactics that ran here, in the order in which they were tried."""
    misses: list[Miss] = field(default_factory=list)
    status: Status = "open"
    exhausted: bool = False
    """Nothing more will be tried here."""
    proof: EdgeId | None = None
    """The edge that proved it; set once."""

    @property
    def goals(self) -> tuple[Goal, ...]:
        """The goals that a tactic sees here, at least one."""
        return self.position.goals


@dataclass(slots=True)
class Edge:
    """A tactic that ran. Read it freely; only the graph writes."""

    id: EdgeId
    source: NodeId
    proposal: Proposal
    children: tuple[NodeId, ...]
    """In the order in which Lean lists the goals."""
    status: Status = "open"


@dataclass(frozen=True, slots=True)
class Growth:
    """What one tactic did to the graph."""

    edge: EdgeId | None
    """None: no progress, the tactic led back to its own goal."""
    opened: tuple[NodeId, ...] = ()
    """Nodes that are new."""
    merged: tuple[NodeId, ...] = ()
    """Children that were known already."""
    proved: tuple[NodeId, ...] = ()
    """Nodes that this proved, nearest first."""


class ProofGraph(Generic[S]):
    """A growing AND-OR graph from one root."""

    def __init__(self, root: Position[S]) -> None:
        self._nodes: list[Node[S]] = []
        self._edges: list[Edge] = []
        self._by_key: dict[str, NodeId] = {}
        self._wanted: set[NodeId] = set()
        """Nodes known to be wanted; forgotten whenever a node is proved or fails."""
        self.root = self._open(root, depth=0)

    def __len__(self) -> int:
        return len(self._nodes)

    @property
    def nodes(self) -> Sequence[Node[S]]:
        """All nodes in the order of their discovery; the id is the index."""
        return self._nodes

    @property
    def edges(self) -> Sequence[Edge]:
        """All edges in the order in which they were added; the id is the index."""
        return self._edges

    def node(self, node: NodeId) -> Node[S]:
        """The node of that id."""
        return self._nodes[node]

    def edge(self, edge: EdgeId) -> Edge:
        """The edge of that id."""
        return self._edges[edge]

    @property
    def proved(self) -> bool:
        """Whether the root is."""
        return self._nodes[self.root].status == "proved"

    def advance(self, source: NodeId, proposal: Proposal, outcome: Advanced[S]) -> Growth:
        """Record a tactic that ran at `source`.

        Raises:
            GraphError: `source` is exhausted, so no tactic should have been run there.
        """
        node = self._nodes[source]
        if node.exhausted:
            raise GraphError(f"node {source} is exhausted, yet `{proposal.tactic}` was run there")
        children: list[NodeId] = []
        opened: list[NodeId] = []
        merged: list[NodeId] = []
        positions = split(outcome)
        if any(self._known(position) == source for position in positions):
            node.misses.append(Miss(proposal, "useless", "leads back to the same goal"))
            return Growth(None)
        for position in positions:
            child = self._known(position)
            if child is None:
                child = self._open(position, depth=node.depth + 1)
                opened.append(child)
            elif child not in opened:
                merged.append(child)
            children.append(child)
        edge = Edge(EdgeId(len(self._edges)), source, proposal, tuple(children))
        self._edges.append(edge)
        node.edges.append(edge.id)
        for child in dict.fromkeys(children):
            self._nodes[child].parents.append(edge.id)
        if any(self._nodes[child].status == "failed" for child in children):
            edge.status = "failed"
        return Growth(edge.id, tuple(opened), tuple(merged), tuple(self._prove_upwards(edge)))

    def reject(self, source: NodeId, proposal: Proposal, outcome: Rejected) -> None:
        """Record a tactic that failed at `source`, for pictures and reports."""
        self._nodes[source].misses.append(Miss(proposal, outcome.kind, outcome.message))

    def exhaust(self, source: NodeId) -> tuple[NodeId, ...]:
        """Declare that nothing more will be tried at `source`; returns the nodes that are failed by it."""
        node = self._nodes[source]
        node.exhausted = True
        return tuple(self._fail_upwards(source))

    def wanted(self, target: NodeId) -> bool:
        """Whether a proof of the open node `target` could still help to prove the root."""
        seen: set[NodeId] = set()
        waiting = [target]
        while waiting:
            current = waiting.pop()
            if current in seen or self._nodes[current].status != "open":
                continue
            if current == self.root or current in self._wanted:
                self._wanted.add(target)
                return True
            seen.add(current)
            # The way on which a node was found first is looked at first: it is short, and mostly still open.
            edges = (self._edges[edge] for edge in reversed(self._nodes[current].parents))
            waiting.extend(edge.source for edge in edges if edge.status == "open")
        return False

    def path(self, target: NodeId) -> tuple[Proposal, ...]:
        """The proposals on the way on which `target` was found first, root first."""
        proposals: list[Proposal] = []
        while self._nodes[target].parents:
            edge = self._edges[self._nodes[target].parents[0]]
            proposals.append(edge.proposal)
            target = edge.source
            if target == self.root:
                break
        return tuple(reversed(proposals))

    def script(self, target: NodeId | None = None) -> str:
        """The proof of a proved node (the root if none is named) as Lean tactics, first line at column 0.

        Several goals left by one tactic are proved under `·` bullets, in order.

        Raises:
            GraphError: the node is not proved.
        """
        return "\n".join(self._script(self.root if target is None else target))

    def _script(self, target: NodeId) -> Iterator[str]:
        proof = self._nodes[target].proof
        while proof is not None:
            edge = self._edges[proof]
            yield from edge.proposal.tactic.split("\n")
            if len(edge.children) != 1:
                for child in edge.children:
                    for number, line in enumerate(self._script(child)):
                        yield ("· " if number == 0 else "  ") + line if line else line
                return
            target = edge.children[0]
            proof = self._nodes[target].proof
        raise GraphError(f"node {target} is not proved")

    def _known(self, position: Position[S]) -> NodeId | None:
        return self._by_key.get(position.goals[0].key) if len(position.goals) == 1 else None

    def _open(self, position: Position[S], depth: int) -> NodeId:
        node = Node(NodeId(len(self._nodes)), position, depth)
        self._nodes.append(node)
        if len(position.goals) == 1:
            self._by_key[position.goals[0].key] = node.id
        return node.id

    def _prove_upwards(self, edge: Edge) -> Iterator[NodeId]:
        # Nearest and oldest first: of several tactics that are proved by the same goal the one that was tried first wins.
        waiting = deque([edge])
        while waiting:
            current = waiting.popleft()
            if current.status == "proved" or any(self._nodes[c].status != "proved" for c in current.children):
                continue
            current.status = "proved"
            source = self._nodes[current.source]
            if source.status == "proved":
                continue
            source.status = "proved"
            self._wanted.clear()
            source.proof = current.id
            yield source.id
            waiting.extend(self._edges[parent] for parent in source.parents)

    def _fail_upwards(self, start: NodeId) -> Iterator[NodeId]:
        waiting = [start]
        while waiting:
            node = self._nodes[waiting.pop()]
            hopeless = node.exhausted and all(self._edges[edge].status == "failed" for edge in node.edges)
            if node.status != "open" or not hopeless:
                continue
            node.status = "failed"
            self._wanted.clear()
            yield node.id
            for parent in node.parents:
                edge = self._edges[parent]
                if edge.status == "open":
                    edge.status = "failed"
                    waiting.append(edge.source)


def split(outcome: Advanced[S]) -> tuple[Position[S], ...]:
    """The positions that a tactic leaves: each goal by itself, or all together when some share metavariables."""
    if any(goal.shared for goal in outcome.goals):
        return (Position(outcome.state, None, outcome.goals),)
    return tuple(Position(outcome.state, index, (goal,)) for index, goal in enumerate(outcome.goals))
