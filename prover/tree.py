"""Search graphs as pictures and data: networkx, JSON, DOT, SVG, and one self-contained HTML page.

All of them are made from the same networkx graph, whose nodes are goals (`kind="goal"`) and tactics (`kind="tactic"`); an edge
leads from a goal to each tactic that ran there, and from a tactic to the goals it left, in order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from prover.core import S
from prover.search.graph import NodeId, ProofGraph
from prover.tree_svg import draw

if TYPE_CHECKING:
    import networkx as nx

TREE_SUFFIXES = (".html", ".svg", ".json", ".dot")
"""The formats that `write_tree` knows."""


def to_networkx(graph: ProofGraph[S]) -> nx.DiGraph[str]:
    """The search graph as a directed graph.

    Graph attributes: `root`, `proved`, `script` (None unless proved).
    Goals, named `g0`, `g1`, …, have `text`, `target` (one line), `status` (`open`, `proved`, `failed`), `depth`, `winning` and
    `misses`, a list of `{tactic, rule, kind, message}`. Tactics, named `t0`, `t1`, …, have `tactic`, `rule`, `cost`, `status`
    and `winning`. A `tree` edge leads to where its goal was found first; the others lead to goals that were met again.
    """
    import networkx as nx

    winning = _winning(graph)
    result: nx.DiGraph[str] = nx.DiGraph(
        root=f"g{graph.root}", proved=graph.proved, script=graph.script() if graph.proved else None
    )
    for node in graph.nodes:
        result.add_node(
            f"g{node.id}",
            kind="goal",
            text="\n\n".join(goal.text for goal in node.goals),
            target=" ∥ ".join("⊢ " + " ".join(goal.target.split()) for goal in node.goals),
            status=node.status,
            depth=node.depth,
            winning=node.id in winning,
            misses=[
                {"tactic": m.proposal.tactic, "rule": m.proposal.rule, "kind": m.kind, "message": m.message}
                for m in node.misses
            ],
        )
    found: set[NodeId] = {graph.root}
    for edge in graph.edges:
        won = edge.source in winning and graph.node(edge.source).proof == edge.id
        proposal = edge.proposal
        attributes = {"tactic": proposal.tactic, "rule": proposal.rule, "cost": round(proposal.cost, 3)}
        result.add_node(f"t{edge.id}", kind="tactic", status=edge.status, winning=won, **attributes)
        result.add_edge(f"g{edge.source}", f"t{edge.id}", tree=True)
        for child in edge.children:
            result.add_edge(f"t{edge.id}", f"g{child}", tree=child not in found)
            found.add(child)
    return result


def write_tree(graph: ProofGraph[S], path: Path, *, title: str = "Proof search") -> None:
    """Write the search graph in the format that the suffix of `path` names.

    Raises:
        ValueError: the suffix is not one of `TREE_SUFFIXES`.
        OSError: the file cannot be written.
    """
    writers: Mapping[str, Callable[[nx.DiGraph[str], str], str]] = {
        ".html": _html,
        ".svg": draw,
        ".json": _json,
        ".dot": _dot,
    }
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise ValueError(f"{path}: a tree can be written as {', '.join(TREE_SUFFIXES)}, not as `{path.suffix}`")
    path.write_text(writer(to_networkx(graph), title), encoding="utf-8")


def _winning(graph: ProofGraph[S]) -> set[NodeId]:
    """The goals that the proof of the root passes through; empty when there is none."""
    found: set[NodeId] = set()
    waiting = [graph.root] if graph.proved else []
    while waiting:
        node = waiting.pop()
        proof = graph.node(node).proof
        if node not in found and proof is not None:
            found.add(node)
            waiting.extend(graph.edge(proof).children)
    return found


def _data(graph: nx.DiGraph[str], title: str) -> dict[str, object]:
    return {
        "title": title,
        **graph.graph,
        "nodes": [
            {
                "id": name,
                **graph.nodes[name],
                "children": [
                    {"id": child, "tree": graph.edges[name, child]["tree"]} for child in graph.successors(name)
                ],
            }
            for name in graph.nodes
        ],
    }


def _json(graph: nx.DiGraph[str], title: str) -> str:
    return json.dumps(_data(graph, title), ensure_ascii=False, indent=1) + "\n"


def _html(graph: nx.DiGraph[str], title: str) -> str:
    page = files("prover").joinpath("tree_page.html").read_text(encoding="utf-8")
    # A `<` could end the script element in which the data stands.
    data = json.dumps(_data(graph, title), ensure_ascii=False).replace("<", "\\u003c")
    parts = {"title": escape(title), "data": data}
    return re.sub(r"\{\{(title|data)\}\}", lambda place: parts[place.group(1)], page)


def _dot(graph: nx.DiGraph[str], title: str) -> str:
    colours = {"proved": "#2f9e44", "failed": "#adb5bd", "open": "#e8a33d"}
    lines = [f"digraph {_quoted(title)} {{", '  rankdir=LR; node [fontname="monospace", fontsize=10];']
    for name, node in graph.nodes(data=True):
        goal = node["kind"] == "goal"
        label, shape = (node["text"], "box") if goal else (node["tactic"], "plaintext")
        width = 2.5 if node["winning"] else 1
        colour = colours[node["status"]]
        lines.append(f'  {name} [label={_quoted(label)}, shape={shape}, color="{colour}", penwidth={width}];')
    for source, target, edge in graph.edges(data=True):
        won = graph.nodes[source]["winning"] and graph.nodes[target]["winning"]
        style = "solid" if edge["tree"] else "dashed"
        lines.append(f"  {source} -> {target} [style={style}, penwidth={2.5 if won else 1}];")
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\l")
    return f'"{escaped}"'
