"""The AND-OR graph: merging, propagation, cycles, scripts."""

from __future__ import annotations

import pytest

from prover.core import Advanced, Goal, Position, Proposal, Rejected
from prover.errors import GraphError
from prover.search.graph import NodeId, ProofGraph, split
from prover.search.invariants import check


def goal(name: str, *, shared: bool = False) -> Goal:
    return Goal(f"⊢ {name}", name, name, shared=shared)


def by(tactic: str) -> Proposal:
    return Proposal(tactic, 1.0, "test")


def graph_of(name: str) -> ProofGraph[int]:
    return ProofGraph(Position(0, 0, (goal(name),)))


def leaving(*names: str, shared: bool = False) -> Advanced[int]:
    return Advanced(1, tuple(goal(name, shared=shared) for name in names))


def test_a_closing_tactic_proves_its_goal_and_everything_that_waited_for_it() -> None:
    graph = graph_of("a")
    (b,) = graph.advance(graph.root, by("split"), leaving("b")).opened
    growth = graph.advance(b, by("close"), leaving())
    assert growth.proved == (b, graph.root)
    assert graph.proved
    check(graph)


def test_a_tactic_that_leaves_two_goals_needs_both() -> None:
    graph = graph_of("a")
    b, c = graph.advance(graph.root, by("split"), leaving("b", "c")).opened
    assert graph.advance(b, by("close"), leaving()).proved == (b,)
    assert not graph.proved
    assert graph.advance(c, by("close"), leaving()).proved == (c, graph.root)
    check(graph)


def test_equal_goals_are_one_node() -> None:
    graph = graph_of("a")
    (b,) = graph.advance(graph.root, by("one way"), leaving("b")).opened
    growth = graph.advance(graph.root, by("another way"), leaving("b"))
    assert growth.opened == ()
    assert growth.merged == (b,)
    assert len(graph) == 2
    check(graph)


def test_the_same_goal_twice_in_one_state_is_proved_once() -> None:
    graph = graph_of("a")
    growth = graph.advance(graph.root, by("double"), leaving("b", "b"))
    assert len(growth.opened) == 1
    graph.advance(growth.opened[0], by("close"), leaving())
    assert graph.script() == "double\n· close\n· close"
    check(graph)


def test_a_tactic_that_leads_back_to_its_own_goal_is_no_edge() -> None:
    graph = graph_of("a")
    assert graph.advance(graph.root, by("turn"), leaving("a")).edge is None
    assert graph.node(graph.root).misses[0].kind == "useless"
    assert not graph.edges
    check(graph)


def test_goals_in_a_cycle_do_not_prove_each_other() -> None:
    graph = graph_of("a")
    (b,) = graph.advance(graph.root, by("there"), leaving("b")).opened
    graph.advance(b, by("back"), leaving("a"))
    assert not graph.proved
    graph.advance(b, by("close"), leaving())
    assert graph.script() == "there\nclose"
    check(graph)


def test_a_goal_is_failed_when_it_is_exhausted_and_every_tactic_left_a_failed_goal() -> None:
    graph = graph_of("a")
    b, c = graph.advance(graph.root, by("split"), leaving("b", "c")).opened
    graph.exhaust(graph.root)
    assert graph.node(graph.root).status == "open"
    assert graph.exhaust(b) == (b, graph.root)
    assert graph.node(c).status == "open"
    check(graph)


def test_a_goal_with_one_way_left_is_not_failed() -> None:
    graph = graph_of("a")
    (b,) = graph.advance(graph.root, by("left"), leaving("b")).opened
    (c,) = graph.advance(graph.root, by("right"), leaving("c")).opened
    graph.exhaust(graph.root)
    graph.exhaust(b)
    assert graph.node(graph.root).status == "open"
    graph.advance(c, by("close"), leaving())
    assert graph.script() == "right\nclose"
    check(graph)


def test_a_tactic_that_meets_a_failed_goal_again_is_failed_from_the_start() -> None:
    graph = graph_of("a")
    (b,) = graph.advance(graph.root, by("left"), leaving("b")).opened
    graph.exhaust(b)
    growth = graph.advance(graph.root, by("right"), leaving("b", "c"))
    assert growth.edge is not None
    assert graph.edge(growth.edge).status == "failed"
    check(graph)


def test_running_a_tactic_at_an_exhausted_goal_is_a_mistake() -> None:
    graph = graph_of("a")
    graph.exhaust(graph.root)
    with pytest.raises(GraphError, match="exhausted"):
        graph.advance(graph.root, by("late"), leaving())


def test_goals_beside_a_failed_or_proved_one_are_not_wanted() -> None:
    graph = graph_of("a")
    b, c = graph.advance(graph.root, by("split"), leaving("b", "c")).opened
    (d,) = graph.advance(c, by("on"), leaving("d")).opened
    assert graph.wanted(d)
    graph.exhaust(b)
    assert not graph.wanted(d)
    graph.advance(graph.root, by("direct"), leaving("d"))
    assert graph.wanted(d)


def test_goals_that_share_metavariables_stay_together_and_are_never_merged() -> None:
    outcome = leaving("p ?x", "q ?x", shared=True)
    assert split(outcome) == (Position(1, None, outcome.goals),)
    graph = graph_of("a")
    graph.advance(graph.root, by("exists"), outcome)
    growth = graph.advance(graph.root, by("exists again"), outcome)
    assert len(growth.opened) == 1
    check(graph)


def test_the_script_of_goals_that_hang_together_is_written_without_bullets_until_they_part() -> None:
    graph = graph_of("a")
    (pair,) = graph.advance(graph.root, by("exists"), leaving("p ?x", "q ?x", "r ?x", shared=True)).opened
    q, r = graph.advance(pair, by("exact h"), leaving("q 1", "r 1")).opened
    graph.advance(q, by("close q"), leaving())
    graph.advance(r, by("close r"), leaving())
    assert graph.script() == "exists\nexact h\n· close q\n· close r"


def test_a_script_indents_tactics_of_several_lines_under_their_bullet() -> None:
    graph = graph_of("a")
    b, c = graph.advance(graph.root, by("constructor"), leaving("b", "c")).opened
    zero, succ = graph.advance(
        b, by("induction n with\n| zero => ?_\n| succ n ih => ?_"), leaving("zero", "succ")
    ).opened
    for node in (zero, succ, c):
        graph.advance(node, by(f"close {graph.node(node).goals[0].key}"), leaving())
    assert graph.script() == (
        "constructor\n"
        "· induction n with\n"
        "  | zero => ?_\n"
        "  | succ n ih => ?_\n"
        "  · close zero\n"
        "  · close succ\n"
        "· close c"
    )


def test_a_goal_that_is_not_proved_has_no_script() -> None:
    with pytest.raises(GraphError, match="not proved"):
        graph_of("a").script()


def test_rejections_are_kept_with_their_messages() -> None:
    graph = graph_of("a")
    graph.reject(graph.root, by("omega"), Rejected("tactic", "omega failed"))
    (miss,) = graph.node(graph.root).misses
    assert (miss.proposal.tactic, miss.message) == ("omega", "omega failed")


def test_the_path_to_a_node_is_the_one_on_which_it_was_found() -> None:
    graph = graph_of("a")
    (b,) = graph.advance(graph.root, by("one"), leaving("b")).opened
    (c,) = graph.advance(b, by("two"), leaving("c")).opened
    assert [proposal.tactic for proposal in graph.path(c)] == ["one", "two"]
    assert graph.path(graph.root) == ()


def test_the_checker_notices_a_status_that_its_edges_do_not_justify() -> None:
    graph = graph_of("a")
    (b,) = graph.advance(graph.root, by("on"), leaving("b")).opened
    graph.node(b).status = "failed"
    with pytest.raises(GraphError, match="edge 0 is open"):
        check(graph)


def test_the_checker_notices_a_circular_proof() -> None:
    graph = graph_of("a")
    growth = graph.advance(graph.root, by("there"), leaving("b"))
    back = graph.advance(NodeId(1), by("back"), leaving("a"))
    assert growth.edge is not None
    assert back.edge is not None
    for node, edge in ((graph.root, growth.edge), (NodeId(1), back.edge)):
        graph.node(node).status = "proved"
        graph.node(node).proof = edge
        graph.edge(edge).status = "proved"
    with pytest.raises(GraphError, match="through itself"):
        check(graph)
