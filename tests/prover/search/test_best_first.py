"""Best-first search on a puzzle whose proofs are known."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from pathlib import Path

import networkx as nx
import pytest

from prover.core import (
    Attempt,
    Budget,
    Event,
    GoalClosed,
    NodeOpened,
    Outcome,
    Proposal,
    Proposals,
    Query,
    Rejected,
    SearchEnded,
    SearchResult,
    TacticTried,
)
from prover.errors import GeneratorError
from prover.generators.fixed import FixedGenerator
from prover.search.best_first import BestFirst
from prover.search.graph import ProofGraph
from prover.search.invariants import check
from prover.search.strategy import search as drive
from prover.testing import NumberPuzzle
from prover.tree import to_networkx

GENEROUS = Budget(seconds=60, steps=2_000, nodes=500)


async def search(
    number: int,
    tactics: Sequence[str],
    *,
    budget: Budget = GENEROUS,
    settings: BestFirst | None = None,
    puzzle: NumberPuzzle | None = None,
    events: list[Event] | None = None,
) -> tuple[ProofGraph[int], SearchResult]:
    puzzle = puzzle or NumberPuzzle()
    graph = ProofGraph(puzzle.start(number))
    ticks = itertools.count()
    result = await drive(
        graph,
        puzzle,
        FixedGenerator(tactics),
        settings or BestFirst(),
        budget=budget,
        clock=lambda: next(ticks) * 0.001,
        listen=(lambda event: None) if events is None else events.append,
    )
    check(graph)
    return graph, result


async def test_a_goal_that_one_tactic_closes_takes_one_request() -> None:
    graph, result = await search(1, ["one"])
    assert (result.outcome, result.script) == ("proved", "one")
    assert result.statistics.requests == 1
    assert len(graph) == 1


async def test_a_chain_of_tactics_is_found_and_written_in_order() -> None:
    _, result = await search(8, ["one", "half"])
    assert result.script == "half\nhalf\nhalf\none"


async def test_both_goals_of_a_split_are_proved_under_bullets() -> None:
    _, result = await search(5, ["one", "half", "parts", "less"], settings=BestFirst(depth_penalty=0))
    assert result.outcome == "proved"
    _, result = await search(6, ["one", "parts", "less"], budget=Budget(steps=10_000))
    assert result.script is not None
    assert "parts" not in result.script or "· " in result.script


async def test_a_cycle_of_goals_ends_in_failure_and_not_in_a_loop() -> None:
    graph, result = await search(6, ["half", "more"], budget=Budget(nodes=12))
    assert result.outcome == "failed"
    assert result.script is None
    assert not graph.proved


async def test_a_search_with_nothing_left_to_try_is_exhausted() -> None:
    graph, result = await search(7, ["one", "half"])
    assert (result.outcome, result.reason) == ("failed", "exhausted")
    assert graph.node(graph.root).status == "failed"


async def test_equal_goals_are_opened_once() -> None:
    graph, result = await search(12, ["half", "less"], budget=Budget(nodes=50))
    assert len({node.goals[0].key for node in graph.nodes}) == len(graph)
    assert result.statistics.merged > 0


async def test_goals_that_share_metavariables_are_proved_together() -> None:
    _, result = await search(2, ["pair", "any", "one"])
    assert result.script == "pair\nany\none"


async def test_the_step_budget_is_kept_to_the_step() -> None:
    _, result = await search(1_000, ["less", "more"], budget=Budget(steps=37))
    assert (result.outcome, result.reason) == ("failed", "steps")
    assert result.statistics.steps == 37


async def test_the_node_budget_ends_the_search() -> None:
    graph, result = await search(1_000, ["less", "more"], budget=Budget(nodes=20))
    assert result.reason == "nodes"
    assert 20 <= len(graph) <= 20 + BestFirst().width


async def test_time_that_runs_out_is_a_timeout_and_not_a_failure() -> None:
    _, result = await search(1_000, ["less", "more"], budget=Budget(seconds=0.05))
    assert (result.outcome, result.reason) == ("timeout", "seconds")


class SlowPuzzle(NumberPuzzle):
    async def run(self, attempts: Sequence[Attempt[int]]) -> list[list[Outcome[int]]]:
        await asyncio.sleep(30)
        return await super().run(attempts)


async def test_a_request_that_is_running_when_time_is_over_is_cancelled() -> None:
    puzzle = SlowPuzzle()
    graph = ProofGraph(puzzle.start(8))
    loop = asyncio.get_running_loop()
    started = loop.time()
    result = await drive(
        graph, puzzle, FixedGenerator(["half"]), BestFirst(), budget=Budget(seconds=0.1), clock=loop.time
    )
    assert result.outcome == "timeout"
    assert loop.time() - started < 2


async def test_a_request_carries_tactics_of_many_goals_up_to_the_width() -> None:
    puzzle = NumberPuzzle()
    await search(
        64, ["half", "less", "more"], puzzle=puzzle, settings=BestFirst(width=6, window=10), budget=Budget(nodes=60)
    )
    assert max(puzzle.batches) == 6
    assert sum(puzzle.batches) / len(puzzle.batches) > 4


async def test_cheap_tactics_anywhere_go_before_dear_ones() -> None:
    events: list[Event] = []
    await search(
        8, ["half", "less"], events=events, settings=BestFirst(width=1, depth_penalty=0), budget=Budget(steps=3)
    )
    tried = [event.tactic for event in events if isinstance(event, TacticTried)]
    assert tried == ["half", "less", "half"]


async def test_states_that_nothing_will_come_of_are_released() -> None:
    puzzle = NumberPuzzle()
    graph, _ = await search(12, ["half", "less"], puzzle=puzzle, budget=Budget(nodes=50))
    assert len(puzzle.goals) <= len(graph)


async def test_events_tell_the_whole_story_in_order() -> None:
    events: list[Event] = []
    graph, result = await search(4, ["one", "half"], events=events)
    opened = [event for event in events if isinstance(event, NodeOpened)]
    assert [event.goal for event in opened] == ["⊢ 4", "⊢ 2", "⊢ 1"]
    assert [event.parent for event in opened] == [None, 0, 1]
    assert [event.node for event in events if isinstance(event, GoalClosed)] == [2, 1, 0]
    assert isinstance(events[-1], SearchEnded)
    assert events[-1].statistics == result.statistics
    assert sum(isinstance(event, TacticTried) for event in events) == result.statistics.steps
    assert [event.seconds for event in events] == sorted(event.seconds for event in events)
    assert len(opened) == len(graph)


class StagedGenerator:
    """`one` at once; `half` only when asked again."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def propose(self, queries: Sequence[Query]) -> list[Proposals]:
        return [await self._answer(query) for query in queries]

    async def _answer(self, query: Query) -> Proposals:
        self.asked.append(query.stage)
        if query.stage == 0:
            return Proposals((Proposal("one", 0.1, "cheap", final=True),), next_stage=1.0)
        found = await query.premises(["apply"], 5)
        return Proposals(tuple(Proposal(premise.tactic, 1.0, "premise") for premise in found))


async def test_a_generator_is_asked_for_dear_ideas_only_where_cheap_ones_failed() -> None:
    puzzle, generator = NumberPuzzle(), StagedGenerator()
    graph = ProofGraph(puzzle.start(4))
    result = await drive(graph, puzzle, generator, BestFirst(), budget=GENEROUS, clock=lambda: 0.0)
    assert result.script == "half\nhalf\none"
    assert generator.asked == [0, 1, 0, 1, 0]


class LimitedPuzzle(NumberPuzzle):
    """`half` is stopped at its limit of heartbeats below an effort of 16."""

    def __init__(self) -> None:
        super().__init__()
        self.efforts: list[int] = []

    async def run(self, attempts: Sequence[Attempt[int]]) -> list[list[Outcome[int]]]:
        outcomes = await super().run(attempts)
        for attempt, row in zip(attempts, outcomes, strict=True):
            for place, tactic in enumerate(attempt.tactics):
                if tactic == "half":
                    self.efforts.append(attempt.effort)
                    if attempt.effort < 16:
                        row[place] = Rejected("heartbeats", "stopped")
        return outcomes


async def test_a_tactic_that_was_stopped_is_tried_again_with_more_effort() -> None:
    puzzle = LimitedPuzzle()
    graph, result = await search(2, ["half", "one"], puzzle=puzzle)
    check(graph)
    assert result.script == "half\none"
    assert puzzle.efforts[:3] == [1, 4, 16]


async def test_a_tactic_that_is_stopped_again_and_again_is_given_up() -> None:
    class Endless(LimitedPuzzle):
        async def run(self, attempts: Sequence[Attempt[int]]) -> list[list[Outcome[int]]]:
            rows = await super().run(attempts)
            return [[Rejected("timeout", "stopped") for _ in row] for row in rows]

    puzzle = Endless()
    graph, result = await search(2, ["half"], puzzle=puzzle)
    assert result.reason == "exhausted"
    assert len(graph.node(graph.root).misses) == len(puzzle.efforts) <= 4


async def test_the_time_of_a_request_that_is_cut_off_is_the_environments() -> None:
    class Hanging(NumberPuzzle):
        async def run(self, attempts: Sequence[Attempt[int]]) -> list[list[Outcome[int]]]:
            await asyncio.sleep(60)
            return await super().run(attempts)

    puzzle = Hanging()
    graph = ProofGraph(puzzle.start(2))
    result = await drive(
        graph, puzzle, FixedGenerator(["half"]), BestFirst(), budget=Budget(seconds=0.3), clock=time.monotonic
    )
    assert result.reason == "seconds"
    assert result.statistics.environment_seconds > 0.25
    assert result.statistics.search_seconds < 0.05


async def test_a_final_tactic_that_leaves_goals_open_counts_as_failed() -> None:
    class Final(FixedGenerator):
        async def propose(self, queries: Sequence[Query]) -> list[Proposals]:
            return [Proposals((Proposal("half", 1.0, "final", final=True),))] * len(queries)

    puzzle = NumberPuzzle()
    graph = ProofGraph(puzzle.start(4))
    result = await drive(graph, puzzle, Final([]), BestFirst(), budget=GENEROUS, clock=lambda: 0.0)
    assert result.outcome == "failed"
    assert len(graph) == 1
    assert graph.node(graph.root).misses[0].kind == "unfinished"


async def test_a_negative_cost_is_the_generators_mistake() -> None:
    with pytest.raises(GeneratorError, match="negative"):
        await drive(
            ProofGraph(NumberPuzzle().start(1)),
            NumberPuzzle(),
            FixedGenerator(["one"], cost=-1.0),
            BestFirst(),
            budget=GENEROUS,
            clock=lambda: 0.0,
        )


@pytest.mark.parametrize("number", [6, 11])
async def test_searches_grow_the_same_trees_as_ever(number: int, repository: Path) -> None:
    graph, _ = await search(number, ["one", "half", "parts", "less"], settings=BestFirst(width=4))
    golden = repository / "tests" / "golden" / f"best_first_{number}.json"
    grown = nx.node_link_data(to_networkx(graph), edges="links")
    assert json.loads(json.dumps(grown)) == json.loads(golden.read_text(encoding="utf-8"))
