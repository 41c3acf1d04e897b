"""Puzzles to search in without Lean: numbers as goals, with proofs that can be told by hand.

In `NumberPuzzle` a goal is a positive integer n; `0` is proved by nothing at all and never appears. The tactics:

- `one` closes the goal 1 and fails elsewhere;
- `half` turns an even n into n / 2;
- `less` turns n > 1 into n - 1;
- `more` turns n into n + 1 (so the graph has cycles);
- `parts` turns n > 3 into the two goals n // 2 and n - n // 2;
- `pair` turns an even n into two goals that share a metavariable, of which `any` closes the first and ties the second to n / 2.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from prover.core import Advanced, Attempt, Goal, Outcome, Position, Premise, Rejected


def number_goal(number: int, *, shared: bool = False) -> Goal:
    """The goal of a number."""
    mark = "?" if shared else ""
    return Goal(f"⊢ {number}{mark}", f"{number}{mark}", f"{number}{mark}", shared=shared)


class Puzzle(ABC):
    """An `Environment[int]` whose tactics are a function, and which counts what it is asked."""

    def __init__(self) -> None:
        self.goals: dict[int, tuple[Goal, ...]] = {}
        """Living states."""
        self.batches: list[int] = []
        """Tactics in each request."""
        self._ids = itertools.count()

    @abstractmethod
    def step(self, goals: tuple[Goal, ...], tactic: str) -> tuple[Goal, ...] | None:
        """What a tactic makes of the goals that it sees; None: it fails."""

    def start(self, number: int) -> Position[int]:
        """A position with one goal."""
        state = self._new((number_goal(number),))
        return Position(state, 0, self.goals[state])

    async def run(self, attempts: Sequence[Attempt[int]]) -> list[list[Outcome[int]]]:
        """Run the puzzle's tactics; an unknown one is a parse error."""
        self.batches.append(sum(len(attempt.tactics) for attempt in attempts))
        return [[self._apply(attempt.position, tactic) for tactic in attempt.tactics] for attempt in attempts]

    async def premises(
        self, position: Position[int], uses: Sequence[str], limit: int, statements: bool = False
    ) -> list[Premise]:
        """`half` is the only lemma of this theory."""
        return [Premise("apply", "half", "half", 1.0)][:limit] if "apply" in uses else []

    async def release(self, states: Sequence[int]) -> None:
        """Forget states; one that is not there is an error."""
        for state in states:
            del self.goals[state]

    def _new(self, goals: tuple[Goal, ...]) -> int:
        state = next(self._ids)
        self.goals[state] = goals
        return state

    def _apply(self, position: Position[int], tactic: str) -> Outcome[int]:
        goals = self.goals[position.state]
        seen = goals if position.goal is None else (goals[position.goal],)
        left = self.step(seen, tactic)
        if left is None:
            return Rejected("tactic", f"`{tactic}` does not apply to {seen[0].target}")
        return Advanced(self._new(left), left, 0.001)


class NumberPuzzle(Puzzle):
    """The puzzle of the module's description."""

    def step(self, goals: tuple[Goal, ...], tactic: str) -> tuple[Goal, ...] | None:
        """Run one of the puzzle's tactics; an unknown one fails."""
        first, rest = goals[0], goals[1:]
        number = int(first.target.rstrip("?"))
        if first.shared:
            return (number_goal(number // 2),) if tactic == "any" and rest else None
        results: dict[str, tuple[int, ...] | None] = {
            "one": () if number == 1 else None,
            "half": (number // 2,) if number % 2 == 0 else None,
            "less": (number - 1,) if number > 1 else None,
            "more": (number + 1,),
            "parts": (number // 2, number - number // 2) if number > 3 else None,
        }
        if tactic == "pair" and number % 2 == 0:
            return (number_goal(number, shared=True), number_goal(0, shared=True), *rest)
        new = results.get(tactic)
        return None if new is None else (*map(number_goal, new), *rest)


class TablePuzzle(Puzzle):
    """Goals and tactics as a table: what each tactic leaves of each goal that it works on."""

    def __init__(self, table: Mapping[tuple[int, str], Sequence[int]]) -> None:
        """Args: table: (goal, tactic) to the goals that are left."""
        super().__init__()
        self._table = table

    def step(self, goals: tuple[Goal, ...], tactic: str) -> tuple[Goal, ...] | None:
        """Look the first goal up."""
        left = self._table.get((int(goals[0].target), tactic))
        return None if left is None else (*map(number_goal, left), *goals[1:])

    def provable(self) -> frozenset[int]:
        """The goals that have a proof: the least fixed point, which no search has a part in."""
        proved: set[int] = set()
        while True:
            more = {goal for (goal, _), left in self._table.items() if proved.issuperset(left)} - proved
            if not more:
                return frozenset(proved)
            proved |= more
