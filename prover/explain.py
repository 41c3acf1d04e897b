"""Why a proof that a search found is as it is: what each tactic was tried for, and what else was tried there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prover.core import S
from prover.search.graph import ProofGraph


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a tactic stands in a proof."""

    level: int
    """Bullets around it."""
    goal: str
    """On which it works, as Lean prints it."""
    tactic: str
    rule: str
    """The rule or model that proposed it."""
    cost: float
    """At which it was proposed."""
    failed: int
    """Tactics that were tried at this goal and did not help."""
    others: int
    """Other tactics that worked at this goal, but are not part of the proof."""
    leaves: int
    """Goals that it leaves."""


def explain(graph: ProofGraph[S]) -> tuple[Reason, ...]:
    """A reason for each step of the proof of the root, in the order of the script; empty if it is not proved."""
    return tuple(_reasons(graph)) if graph.proved else ()


def _reasons(graph: ProofGraph[S]) -> Iterator[Reason]:
    waiting = [(graph.root, 0)]
    while waiting:
        place, depth = waiting.pop()
        node = graph.node(place)
        if node.proof is None:
            continue
        edge = graph.edge(node.proof)
        yield Reason(
            level=depth,
            goal="\n\n".join(goal.text for goal in node.goals),
            tactic=edge.proposal.tactic,
            rule=edge.proposal.rule,
            cost=edge.proposal.cost,
            failed=len(node.misses),
            others=len(node.edges) - 1,
            leaves=len(edge.children),
        )
        below = depth + (len(edge.children) > 1)
        waiting += [(child, below) for child in reversed(edge.children)]
