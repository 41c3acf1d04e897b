"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prover.generators.rulebook.view import GoalView


@dataclass(frozen=True, slots=True)
class Rule:
    """A way to go on that is general: it looks at the shape of a goal, never at which problem it is."""

    name: str
    cost: float
    """Of the first tactic that it makes; each further one costs `step` more."""
    make: Callable[[GoalView], Iterable[str]]
    """The tactics for a goal, best first; nothing when the rule does not apply."""
    step: float = 0.1
    effort: int = 1
    final: bool = False
    """Its tactics close the goal or have failed."""
