"""Whatever is done to a proof graph, in whatever order, it stays consistent and its proofs are proofs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from prover.core import Advanced, Goal, Position, Proposal
from prover.search.graph import NodeId, ProofGraph
from prover.search.invariants import check

NAMES = "abcdef"

steps = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.one_of(st.none(), st.lists(st.sampled_from(NAMES), max_size=3)),
        st.booleans(),
    ),
    max_size=30,
)
"""(which node, the goals a tactic leaves there or None to exhaust it, whether they hang together)."""


def apply(graph: ProofGraph[int], number: int, names: list[str] | None, shared: bool) -> None:
    node = NodeId(number % len(graph))
    if names is None:
        graph.exhaust(node)
    elif not graph.node(node).exhausted:
        goals = tuple(Goal(name, name, name, shared=shared) for name in names)
        graph.advance(node, Proposal(f"to {''.join(names)}", 1.0, "test"), Advanced(number, goals))


@settings(max_examples=300, deadline=None)
@given(steps)
def test_every_invariant_holds_after_every_step(actions: list[tuple[int, list[str] | None, bool]]) -> None:
    graph = ProofGraph(Position(0, 0, (Goal("root", "root", "root"),)))
    for number, names, shared in actions:
        apply(graph, number, names, shared)
        check(graph)


@settings(max_examples=300, deadline=None)
@given(steps)
def test_what_is_proved_is_what_a_least_fixed_point_says(actions: list[tuple[int, list[str] | None, bool]]) -> None:
    graph = ProofGraph(Position(0, 0, (Goal("root", "root", "root"),)))
    for number, names, shared in actions:
        apply(graph, number, names, shared)
    proved: set[NodeId] = set()
    growing = True
    while growing:
        new = {edge.source for edge in graph.edges if proved.issuperset(edge.children)} - proved
        proved |= new
        growing = bool(new)
    assert {node.id for node in graph.nodes if node.status == "proved"} == proved


@settings(max_examples=200, deadline=None)
@given(steps)
def test_final_states_are_final(actions: list[tuple[int, list[str] | None, bool]]) -> None:
    graph = ProofGraph(Position(0, 0, (Goal("root", "root", "root"),)))
    seen: dict[NodeId, str] = {}
    for number, names, shared in actions:
        apply(graph, number, names, shared)
        for node in graph.nodes:
            assert seen.get(node.id, node.status) == node.status
            if node.status != "open":
                seen[node.id] = node.status
