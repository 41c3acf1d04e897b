"""What the engine is asked for and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Request:
    """Completions of one prompt."""

    tokens: tuple[int, ...]
    """The prompt, at least one token."""
    samples: int = 1
    temperature: float = 1.0
    """0: the likeliest token each time."""
    top_p: float = 1.0
    """Above 0: tokens are drawn from the likeliest ones that have this probability together."""
    max_tokens: int = 16
    """Of each completion. Prompt and completion together must fit into the model's context."""
    stop: tuple[str, ...] = ()
    """A completion ends before the first of these."""
    seed: int = 0
    """Sample number k draws with a generator that is a function of this and k alone."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One completion."""

    text: str
    """Without special tokens, and without what stands behind a stop string."""
    tokens: tuple[int, ...]
    """All that were made, the end mark and those of a stop string included."""
    log_probabilities: tuple[float, ...]
    """Natural logarithms, one a token, at temperature 1 and without top-p."""
    finish: Literal["stop", "length"]
    """`length`: it was cut off."""
