"""Why a proof is as it is."""

from __future__ import annotations

from prover.core import Budget
from prover.explain import explain
from prover.generators.fixed import FixedGenerator
from prover.search.best_first import BestFirst
from prover.search.graph import ProofGraph
from prover.search.strategy import search
from prover.testing import NumberPuzzle


async def grown(number: int, tactics: list[str], steps: int = 2_000) -> ProofGraph[int]:
    puzzle = NumberPuzzle()
    graph = ProofGraph(puzzle.start(number))
    await search(graph, puzzle, FixedGenerator(tactics), BestFirst(), budget=Budget(steps=steps), clock=lambda: 0.0)
    return graph


async def test_each_step_has_its_goal_its_rule_and_what_failed_before() -> None:
    reasons = explain(await grown(4, ["one", "half"]))
    assert [(reason.goal, reason.tactic, reason.failed, reason.leaves) for reason in reasons] == [
        ("⊢ 4", "half", 1, 1),
        ("⊢ 2", "half", 1, 1),
        ("⊢ 1", "one", 1, 0),
    ]
    assert {reason.rule for reason in reasons} == {"fixed"}


async def test_steps_stand_in_the_order_of_the_script() -> None:
    graph = await grown(9, ["parts", "one", "less"])
    lines = [line.replace("· ", "").strip() for line in graph.script().splitlines()]
    reasons = explain(graph)
    assert [reason.tactic for reason in reasons] == lines
    levels = [(len(line) - len(line.lstrip("· "))) // 2 for line in graph.script().splitlines()]
    assert [reason.level for reason in reasons] == levels


async def test_what_is_not_proved_is_not_explained() -> None:
    assert explain(await grown(7, ["half"])) == ()
