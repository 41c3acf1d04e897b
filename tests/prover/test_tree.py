"""Pictures and data of a search."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from lean_bridge.toolchain.node import find_node
from prover.core import Budget
from prover.generators.fixed import FixedGenerator
from prover.search.best_first import BestFirst
from prover.search.graph import ProofGraph
from prover.search.strategy import search
from prover.testing import NumberPuzzle
from prover.tree import TREE_SUFFIXES, to_networkx, write_tree

SVG = "{http://www.w3.org/2000/svg}"


async def searched(number: int, tactics: list[str], nodes: int = 300) -> ProofGraph[int]:
    puzzle = NumberPuzzle()
    graph = ProofGraph(puzzle.start(number))
    await search(
        graph, puzzle, FixedGenerator(tactics), BestFirst(), budget=Budget(nodes=nodes, steps=5_000), clock=lambda: 0.0
    )
    return graph


async def test_the_networkx_graph_marks_the_winning_path_and_keeps_failures() -> None:
    graph = to_networkx(await searched(6, ["one", "parts", "less"]))
    assert graph.graph["proved"] is True
    assert graph.nodes["g0"]["winning"] is True
    won = {name for name, node in graph.nodes(data=True) if node["kind"] == "tactic" and node["winning"]}
    assert won
    assert all(graph.nodes[source]["winning"] for name in won for source in graph.predecessors(name))
    assert any(miss["tactic"] == "one" for miss in graph.nodes["g0"]["misses"])


async def test_every_goal_is_found_by_exactly_one_tree_edge() -> None:
    graph = to_networkx(await searched(30, ["half", "less", "more"], nodes=40))
    for name, node in graph.nodes(data=True):
        incoming = [graph.edges[edge]["tree"] for edge in graph.in_edges(name)]
        assert incoming.count(True) == (0 if name == graph.graph["root"] else 1), node


async def test_json_holds_goals_tactics_and_messages(tmp_path: Path) -> None:
    path = tmp_path / "tree.json"
    write_tree(await searched(2, ["one", "half"]), path, title="two")
    data = json.loads(path.read_text(encoding="utf-8"))
    assert (data["title"], data["root"], data["script"]) == ("two", "g0", "half\none")
    root = next(node for node in data["nodes"] if node["id"] == "g0")
    assert root["misses"][0]["message"] == "`one` does not apply to 2"


async def test_svg_draws_every_goal_once_inside_the_picture_and_none_over_another(tmp_path: Path) -> None:
    graph = await searched(40, ["half", "less", "parts"], nodes=200)
    path = tmp_path / "tree.svg"
    write_tree(graph, path)
    picture = ET.fromstring(path.read_text(encoding="utf-8"))
    width, height = float(picture.attrib["width"]), float(picture.attrib["height"])
    places = set()
    for group in picture.iter(f"{SVG}g"):
        if group.attrib["class"].startswith("goal"):
            place = re.fullmatch(r"translate\(([\d.]+) ([\d.]+)\)", group.attrib["transform"])
            assert place is not None
            x, y = map(float, place.groups())
            assert 0 <= x <= width
            assert 0 <= y <= height
            places.add((x, y))
    assert len(places) == len(graph)
    columns: dict[float, list[float]] = {}
    for x, y in places:
        columns.setdefault(x, []).append(y)
    for ys in columns.values():
        ys.sort()
        assert all(below - above >= 34 for above, below in itertools.pairwise(ys))


async def test_svg_escapes_what_goals_and_tactics_say(tmp_path: Path) -> None:
    puzzle = NumberPuzzle()
    graph = ProofGraph(puzzle.start(3))
    await search(graph, puzzle, FixedGenerator(['a < "b" & c']), BestFirst(), budget=Budget(), clock=lambda: 0.0)
    for suffix in TREE_SUFFIXES:
        write_tree(graph, tmp_path / f"tree{suffix}", title="x < y & <script>")
    picture = ET.fromstring((tmp_path / "tree.svg").read_text(encoding="utf-8"))
    assert any('a < "b" & c' in (title.text or "") for title in picture.iter(f"{SVG}title"))
    page = (tmp_path / "tree.html").read_text(encoding="utf-8")
    assert "<title>x &lt; y &amp; &lt;script&gt;</title>" in page
    assert page.count("<script>") == 1


async def test_the_page_is_one_file_that_asks_the_network_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "tree.html"
    write_tree(await searched(6, ["one", "parts", "less"]), path, title="six </script> seven")
    page = path.read_text(encoding="utf-8")
    urls = set(re.findall(r"(?:https?:)?//[\w.-]+", page)) - {"http://www.w3.org"}
    assert not urls
    assert "src=" not in page
    assert "<link" not in page
    data = page.partition('<script type="application/json" id="data">')[2].partition("</script>")[0]
    assert json.loads(data)["title"] == "six </script> seven"


async def test_dot_is_accepted_by_networkx_names_and_quotes(tmp_path: Path) -> None:
    path = tmp_path / "tree.dot"
    write_tree(await searched(2, ["one", "half"]), path, title='a "title"')
    text = path.read_text(encoding="utf-8")
    assert text.startswith('digraph "a \\"title\\"" {')
    assert text.count("->") == 3
    assert text.rstrip().endswith("}")


def test_another_suffix_is_refused_with_the_ones_that_are_known(tmp_path: Path) -> None:
    graph = ProofGraph(NumberPuzzle().start(1))
    with pytest.raises(ValueError, match=r"\.html, \.svg, \.json, \.dot"):
        write_tree(graph, tmp_path / "tree.pdf")
    assert not list(tmp_path.iterdir())


async def test_the_script_of_the_page_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "tree.html"
    write_tree(await searched(6, ["one", "parts", "less"]), path)
    script = path.read_text(encoding="utf-8").rpartition("<script>")[2].partition("</script>")[0]
    (tmp_path / "page.js").write_text(script, encoding="utf-8")
    check = await asyncio.create_subprocess_exec(str(find_node().executable), "--check", str(tmp_path / "page.js"))
    assert await check.wait() == 0
