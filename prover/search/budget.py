"""What a search has spent, and whether it may go on."""

from __future__ import annotations

from dataclasses import dataclass

from prover.core import Budget, Clock, Statistics, StopReason


@dataclass(slots=True)
class Account:
    """Counts against a budget. The clock is read only where it is asked."""

    budget: Budget
    clock: Clock
    started: float
    nodes: int = 0
    merged: int = 0
    steps: int = 0
    rejected: int = 0
    requests: int = 0
    tokens: int = 0
    malformed: int = 0
    fault: str = ""
    environment_seconds: float = 0.0
    generator_seconds: float = 0.0

    @classmethod
    def open(cls, budget: Budget, clock: Clock) -> Account:
        """An empty account whose time runs from now."""
        return cls(budget, clock, clock())

    @property
    def elapsed(self) -> float:
        """Seconds since the account was opened."""
        return self.clock() - self.started

    def spent(self) -> StopReason | None:
        """Which part of the budget is used up, if one is."""
        if self.elapsed >= self.budget.seconds:
            return "seconds"
        if self.steps >= self.budget.steps:
            return "steps"
        if self.nodes >= self.budget.nodes:
            return "nodes"
        return None

    def statistics(self) -> Statistics:
        """The figures so far."""
        return Statistics(
            nodes=self.nodes,
            merged=self.merged,
            steps=self.steps,
            rejected=self.rejected,
            requests=self.requests,
            tokens=self.tokens,
            malformed=self.malformed,
            seconds=self.elapsed,
            environment_seconds=self.environment_seconds,
            generator_seconds=self.generator_seconds,
        )
