"""A search graph as one SVG picture, laid out here and drawn without any other program.

The layout is a tidy tree from left to right over the edges by which goals were found first: every leaf gets a row of its own,
every inner node stands in the middle of its children, or in a picture of many rows beside the first of them, so that the root
is at the top left where one looks first. The winning tactic of a goal comes first. Goals and tactics alternate in columns. Edges
to goals that were met again are dashed and do not move anything.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    import networkx as nx

_GOAL_WIDTH, _TACTIC_WIDTH = 250, 170
_GAP = 34
"""Between columns, in pixels, as all sizes here."""
_ROW = 46
_BOX_HEIGHT = 34
_MANY_ROWS = 18
"""What fits a screen."""
_MARGIN = 28
_HEADER = 56
_CHARACTER = 6.7
"""Width of a character of the 11 px monospaced font."""

_STYLE = """
:root { color-scheme: light dark; --paper: #fbfaf7; --ink: #22252a; --faint: #8b8f98; --line: #cfcbc2; --box: #ffffff;
  --proved: #2b8a3e; --proved-box: #e6f4e8; --failed: #a3a6ad; --failed-box: #f1f0ed; --open: #c77d0a; --open-box: #fff6e3; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #e4e6ea; --faint: #858b96; --line: #3b4048; --box: #1f2329;
  --proved: #5fd07a; --proved-box: #17301e; --failed: #6d737d; --failed-box: #1d2025; --open: #f0b354; --open-box: #33270f; } }
svg { background: var(--paper); font: 11px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: var(--ink); }
.title { font: 600 17px system-ui, "DejaVu Sans", sans-serif; } .legend { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: var(--faint); }
.link { fill: none; stroke: var(--line); stroke-width: 1.2; } .again { stroke-dasharray: 4 4; opacity: .6; }
.link.won { stroke: var(--proved); stroke-width: 2.6; }
.goal rect { fill: var(--box); stroke: var(--line); stroke-width: 1.2; }
.goal.proved rect { fill: var(--proved-box); stroke: var(--proved); } .goal.failed rect { fill: var(--failed-box); stroke: var(--failed); }
.goal.open rect { fill: var(--open-box); stroke: var(--open); } .goal.won rect { stroke-width: 2.6; }
.goal.failed text { fill: var(--faint); } .misses { font-size: 9.5px; fill: var(--faint); }
.tactic text { fill: var(--ink); } .tactic.failed text, .tactic.open text { fill: var(--faint); }
.tactic.proved text { fill: var(--proved); } .tactic.won text { font-weight: 700; }
"""


@dataclass(frozen=True, slots=True)
class _Place:
    x: float
    y: float
    width: float

    @property
    def right(self) -> float:
        return self.x + self.width


def draw(graph: nx.DiGraph[str], title: str) -> str:
    """The picture of a graph made by `prover.tree.to_networkx`, as SVG text that follows the reader's light or dark theme."""
    places = _layout(graph)
    width = max(place.right for place in places.values()) + _MARGIN
    height = max(place.y for place in places.values()) + _ROW / 2 + _MARGIN
    size = f'width="{width:.0f}" height="{height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" {size}>',
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="{_MARGIN}" y="28">{escape(title)}</text>',
        f'<text class="legend" x="{_MARGIN}" y="47">{escape(_summary(graph))}</text>',
        *_links(graph, places),
        *(_goal(graph, name, places[name]) for name in places if graph.nodes[name]["kind"] == "goal"),
        *(_tactic(graph, name, places[name]) for name in places if graph.nodes[name]["kind"] == "tactic"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _summary(graph: nx.DiGraph[str]) -> str:
    goals = [node for _, node in graph.nodes(data=True) if node["kind"] == "goal"]
    tried = sum(len(goal["misses"]) for goal in goals) + graph.number_of_nodes() - len(goals)
    counts = ", ".join(f"{sum(g['status'] == s for g in goals)} {s}" for s in ("proved", "open", "failed"))
    outcome = "proved" if graph.graph["proved"] else "not proved"
    return f"{outcome} · {len(goals)} goals ({counts}) · {tried} tactics tried"


def _tree_children(graph: nx.DiGraph[str], name: str) -> list[str]:
    """Where a goal or tactic leads in the tree; of a goal's tactics the winning one is first, a tactic's goals keep their order."""
    children = [child for child in graph.successors(name) if graph.edges[name, child]["tree"]]
    if graph.nodes[name]["kind"] == "goal":
        children.sort(key=lambda child: not graph.nodes[child]["winning"])
    return children


def _layout(graph: nx.DiGraph[str]) -> dict[str, _Place]:
    root: str = graph.graph["root"]
    order: list[tuple[str, float]] = []
    waiting = [(root, float(_MARGIN))]
    while waiting:
        name, x = waiting.pop()
        order.append((name, x))
        x += (_GOAL_WIDTH if graph.nodes[name]["kind"] == "goal" else _TACTIC_WIDTH) + _GAP
        waiting.extend((child, x) for child in reversed(_tree_children(graph, name)))
    rows: dict[str, float] = {}
    leaves = 0
    for name, _ in order:
        if not _tree_children(graph, name):
            rows[name] = leaves
            leaves += 1
    for name, _ in reversed(order):
        below = [rows[child] for child in _tree_children(graph, name)]
        if below:
            rows[name] = below[0] if leaves > _MANY_ROWS else (below[0] + below[-1]) / 2
    return {
        name: _Place(
            x,
            _HEADER + _MARGIN / 2 + _ROW * (rows[name] + 0.5),
            _GOAL_WIDTH if graph.nodes[name]["kind"] == "goal" else _TACTIC_WIDTH,
        )
        for name, x in order
    }


def _links(graph: nx.DiGraph[str], places: dict[str, _Place]) -> Iterator[str]:
    def strength(edge: tuple[str, str]) -> bool:
        return bool(graph.nodes[edge[0]]["winning"] and graph.nodes[edge[1]]["winning"])

    for source, target in sorted(graph.edges, key=strength):
        start, end = places[source], places[target]
        tree = graph.edges[source, target]["tree"]
        bend = max(abs(end.x - start.right) / 2, _GAP * 0.6)
        kinds = ["link", *(["won"] if strength((source, target)) else []), *([] if tree else ["again"])]
        yield (
            f'<path class="{" ".join(kinds)}" d="M{start.right:.1f} {start.y:.1f} C{start.right + bend:.1f} {start.y:.1f} '
            f'{end.x - bend:.1f} {end.y:.1f} {end.x:.1f} {end.y:.1f}"/>'
        )


def _goal(graph: nx.DiGraph[str], name: str, place: _Place) -> str:
    node = graph.nodes[name]
    misses = len(node["misses"])
    note = f"{misses} tactic{'s' if misses != 1 else ''} failed" if misses else ""
    tooltip = node["text"] + "".join(f"\n✗ {miss['tactic']}" for miss in node["misses"][:20])
    classes = f"goal {node['status']}{' won' if node['winning'] else ''}"
    shift = 0 if note else 4
    return (
        f'<g class="{classes}" transform="translate({place.x:.1f} {place.y - _BOX_HEIGHT / 2:.1f})">'
        f'<title>{escape(tooltip)}</title><rect width="{place.width}" height="{_BOX_HEIGHT}" rx="6"/>'
        f'<text x="10" y="{15 + shift}">{escape(_shortened(node["target"], place.width - 20))}</text>'
        f'<text class="misses" x="10" y="28">{note}</text></g>'
    )


def _tactic(graph: nx.DiGraph[str], name: str, place: _Place) -> str:
    node = graph.nodes[name]
    mark = " ✓" if not graph.out_degree(name) else ""
    first, _, more = node["tactic"].partition("\n")
    label = _shortened(first + (" …" if more else ""), place.width - 22) + mark
    classes = f"tactic {node['status']}{' won' if node['winning'] else ''}"
    return (
        f'<g class="{classes}"><title>{escape(node["tactic"])}\n({escape(node["rule"])})</title>'
        f'<text x="{place.x + 6:.1f}" y="{place.y - 5:.1f}">{escape(label)}</text>'
        f'<path class="link{" won" if node["winning"] else ""}" '
        f'd="M{place.x:.1f} {place.y:.1f} H{place.right if graph.out_degree(name) else place.x + 40:.1f}"/></g>'
    )


def _shortened(text: str, width: float) -> str:
    room = int(width / _CHARACTER)
    used = 0
    for index, character in enumerate(text):
        used += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used > room:
            return text[: max(index - 1, 1)] + "…"
    return text
