"""What the search itself costs, beside Lean and the generator: memory, time, and what merging equal goals saves.

    python benchmarks/search.py [--goals 10000]

The environment is a puzzle (`prover.testing`) whose answers are as large as Lean's: goals of some 400 characters, messages of some
250. So everything that is measured here is the search's own.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import time
from collections.abc import Sequence
from dataclasses import replace

import psutil

from prover.core import Advanced, Attempt, Budget, Goal, Outcome, Proposal, Proposals, Query, Rejected
from prover.search.algorithms import ALGORITHMS
from prover.search.graph import ProofGraph
from prover.search.strategy import Algorithm, search
from prover.testing import NumberPuzzle, number_goal

FAILING = 45
"""Tactics that fail at each goal, as most do."""


WORLD = 1_000_003
"""Different goals that there are; a few thousand of them are a graph about as deep as those of real proofs."""


class LargePuzzle(NumberPuzzle):
    """Numbers as goals, with texts as long as those of Lean. Without `merging` no two goals are equal.

    Beside the tactics of `NumberPuzzle` it has `a`, `b` and `c`, which lead to other numbers and prove nothing.
    """

    def __init__(self, *, merging: bool) -> None:
        super().__init__()
        self.merging = merging
        self._number = 0

    def step(self, goals: tuple[Goal, ...], tactic: str) -> tuple[Goal, ...] | None:
        """What a tactic makes of the goals that it sees; None: it fails."""
        number = int(goals[0].target)
        left = {"a": [3 * number + 1], "b": [3 * number + 2, number // 2], "c": [3 * number]}.get(tactic)
        return super().step(goals, tactic) if left is None else tuple(number_goal(n % WORLD) for n in left)

    async def run(self, attempts: Sequence[Attempt[int]]) -> list[list[Outcome[int]]]:
        """Run the puzzle's tactics, and say of the others at length that they fail."""
        answers = await super().run(attempts)
        return [[self._large(outcome) for outcome in row] for row in answers]

    def _large(self, outcome: Outcome[int]) -> Outcome[int]:
        if isinstance(outcome, Rejected):
            self._number += 1
            return replace(outcome, message=f"{outcome.message}\n" + f"h{self._number} : some hypothesis\n" * 8)
        goals = []
        for goal in outcome.goals:
            self._number += 1
            key = goal.key if self.merging else f"{goal.key}.{self._number}"
            goals.append(replace(goal, text=f"x{self._number} : Nat\n" * 30 + goal.text, key=key))
        return Advanced(outcome.state, tuple(goals), outcome.seconds)


class ManyTactics:
    """Proposes what the puzzle knows, among much that fails."""

    def __init__(self, tactics: Sequence[str]) -> None:
        good = [Proposal(tactic, 1.0 + 0.1 * place, "puzzle") for place, tactic in enumerate(tactics)]
        bad = [(f"apply Some.Lemma.of_number_{i}", 1.0 + 0.02 * i) for i in range(FAILING)]
        self._answer = Proposals((*good, *(Proposal(tactic, cost, "premise", final=True) for tactic, cost in bad)))

    async def propose(self, queries: Sequence[Query]) -> list[Proposals]:
        """Texts of their own for each goal, as those with names of hypotheses are."""
        return [
            Proposals(tuple(replace(p, tactic=p.tactic) for p in self._answer.items), self._answer.next_stage)
            for _ in queries
        ]


def measured(algorithm: Algorithm, goals: int) -> str:
    """A search that finds no proof, up to so many goals."""
    gc.collect()
    process = psutil.Process()
    before = process.memory_info().rss
    puzzle = LargePuzzle(merging=True)
    budget = Budget(seconds=3_600, steps=10**9, nodes=goals)
    graph = ProofGraph(puzzle.start(7))
    generator = ManyTactics(["a", "b", "c"])
    result = asyncio.run(search(graph, puzzle, generator, algorithm, budget=budget, clock=time.perf_counter))
    used = (process.memory_info().rss - before) / 2**20
    counts = result.statistics
    own = counts.search_seconds / counts.steps * 1e6
    return (
        f"{counts.nodes:,} goals, {counts.steps:,} tactics: {used:,.0f} MiB; {own:,.0f} µs of the search's own a tactic"
    )


def merged(number: int) -> str:
    """The tactics that a proof takes with and without merging of equal goals."""
    steps = []
    for merging in (True, False):
        puzzle = LargePuzzle(merging=merging)
        budget = Budget(seconds=3_600, steps=200_000, nodes=20_000)
        graph = ProofGraph(puzzle.start(number))
        generator = ManyTactics(["one", "less", "parts", "more"])
        algorithm = ALGORITHMS["best-first"]
        result = asyncio.run(search(graph, puzzle, generator, algorithm, budget=budget, clock=time.perf_counter))
        steps.append(f"{result.statistics.steps:,} ({result.outcome})")
    return f"{number}: {steps[0]} tactics with merging, {steps[1]} without"


def main() -> None:
    """Print the figures of each algorithm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--goals", type=int, default=10_000)
    parser.add_argument("--only", help="this algorithm alone")
    arguments = parser.parse_args()
    for name, algorithm in ALGORITHMS.items():
        if arguments.only in (None, name):
            print(f"{name:18} {measured(algorithm, arguments.goals)}", flush=True)
    for number in (8, 12):
        print(merged(number), flush=True)


if __name__ == "__main__":
    main()
