"""A puzzle to search in without Lean: numbers as goals, with proofs that can be told by hand.

A goal is a positive integer n; `0` is proved by nothing at all and never appears. The tactics:

- `one` closes the goal 1 and fails elsewhere;
- `half` turns an even n into n / 2;
- `less` turns n > 1 into n - 1;
- `more` turns n into n + 1 (so the graph has cycles);
- `parts` turns n > 3 into the two goals n // 2 and n - n // 2;
- `pair` turns an even n into two goals that share a metavariable, of which `any` closes the first and ties the second to n / 2.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from prover.core import Advanced, Attempt, Goal, Outcome, Position, Premise, Rejected


def number_goal(number: int, *, shared: bool = False) -> Goal:
    """The goal of a number."""
    mark = "?" if shared else ""
    return Goal(f"⊢ {number}{mark}", f"{number}{mark}", f"{number}{mark}", shared=shared)


@dataclass(slots=True)
class NumberPuzzle:
    """An `Environment[int]` that counts what it is asked."""

    goals: dict[int, tuple[Goal, ...]] = field(default_factory=dict)
    """Living states."""
    batches: list[int] = field(default_factory=list)
    """Tactics in each request."""
    _ids: itertools.count[int] = field(default_factory=itertools.count)

    def start(self, number: int) -> Position[int]:
        """A position with one goal."""
        state = self._new((number_goal(number),))
        return Position(state, 0, self.goals[state])

    async def run(self, attempts: Sequence[Attempt[int]]) -> list[list[Outcome[int]]]:
        """Run the puzzle's tactics; an unknown one is a parse error."""
        self.batches.append(sum(len(attempt.tactics) for attempt in attempts))
        return [[self._apply(attempt.position, tactic) for tactic in attempt.tactics] for attempt in attempts]

    async def premises(self, position: Position[int], uses: Sequence[str], limit: int) -> list[Premise]:
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
        left = _step(seen, tactic)
        if left is None:
            return Rejected("tactic", f"`{tactic}` does not apply to {seen[0].target}")
        return Advanced(self._new(left), left, 0.001)


def _step(goals: tuple[Goal, ...], tactic: str) -> tuple[Goal, ...] | None:
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
