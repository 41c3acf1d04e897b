"""What must hold of every proof graph at every moment; tests call it after each step."""

from __future__ import annotations

from prover.core import S
from prover.errors import GraphError
from prover.search.graph import Edge, Node, NodeId, ProofGraph


def check(graph: ProofGraph[S]) -> None:
    """Compare what the graph keeps incrementally with what it should be.

    Raises:
        GraphError: an invariant is broken; the message says which and where.
    """
    _check_links(graph)
    _check_merging(graph)
    for edge in graph.edges:
        _check_edge(graph, edge)
    for node in graph.nodes:
        _check_node(graph, node)
    _check_proofs_end(graph)
    _check_wanted(graph)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise GraphError(message)


def _check_links(graph: ProofGraph[S]) -> None:
    for index, node in enumerate(graph.nodes):
        _require(node.id == index, f"node {node.id} stands at place {index}")
        _require(bool(node.parents) or node.id == graph.root, f"node {node.id} cannot be reached")
        for edge in node.edges:
            _require(
                graph.edge(edge).source == node.id, f"edge {edge} is listed at node {node.id} but starts elsewhere"
            )
    for index, edge_ in enumerate(graph.edges):
        _require(edge_.id == index, f"edge {edge_.id} stands at place {index}")
        _require(edge_.id in graph.node(edge_.source).edges, f"edge {edge_.id} is missing at its source")
        _require(edge_.source not in edge_.children, f"edge {edge_.id} leads back to its source")
        for child in edge_.children:
            _require(edge_.id in graph.node(child).parents, f"edge {edge_.id} is missing at its child {child}")


def _check_merging(graph: ProofGraph[S]) -> None:
    keys = [node.goals[0].key for node in graph.nodes if len(node.goals) == 1]
    _require(len(keys) == len(set(keys)), "two nodes have the same goal")


def _check_edge(graph: ProofGraph[S], edge: Edge) -> None:
    statuses = {graph.node(child).status for child in edge.children}
    expected = "failed" if "failed" in statuses else "open" if "open" in statuses else "proved"
    _require(edge.status == expected, f"edge {edge.id} is {edge.status}, its children make it {expected}")


def _check_node(graph: ProofGraph[S], node: Node[S]) -> None:
    statuses = [graph.edge(edge).status for edge in node.edges]
    if "proved" in statuses:
        expected = "proved"
    elif node.exhausted and all(status == "failed" for status in statuses):
        expected = "failed"
    else:
        expected = "open"
    _require(node.status == expected, f"node {node.id} is {node.status}, its edges make it {expected}")
    _require(
        (node.proof is not None) == (node.status == "proved"),
        f"node {node.id} is {node.status}, its proof does not fit",
    )


def _check_proofs_end(graph: ProofGraph[S]) -> None:
    finished: set[NodeId] = set()
    for start in graph.nodes:
        stack = [(start.id, False)]
        active: set[NodeId] = set()
        while stack:
            current, leaving = stack.pop()
            if leaving:
                active.discard(current)
                finished.add(current)
                continue
            _require(current not in active, f"node {current} is proved through itself")
            proof = graph.node(current).proof
            if current in finished or proof is None:
                continue
            active.add(current)
            stack.append((current, True))
            stack.extend((child, False) for child in graph.edge(proof).children)


def _check_wanted(graph: ProofGraph[S]) -> None:
    reached: set[NodeId] = set()
    waiting = [graph.root]
    while waiting:
        current = waiting.pop()
        if current in reached or graph.node(current).status != "open":
            continue
        reached.add(current)
        edges = [graph.edge(edge) for edge in graph.node(current).edges]
        waiting.extend(child for edge in edges if edge.status == "open" for child in edge.children)
    for node in graph.nodes:
        expected = node.id in reached
        _require(graph.wanted(node.id) == expected, f"node {node.id}: wanted should be {expected}")
