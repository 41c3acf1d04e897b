"""What generators and language models say to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from prover.chat import Message

Prompt = str | tuple[Message, ...]
"""A text to be continued, or a talk to be answered."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How completions are made."""

    samples: int = 16
    """For each prompt."""
    temperature: float = 1.0
    """0: the likeliest, by beam search with a beam for each sample where the model is at hand."""
    top_p: float = 1.0
    """Tokens are drawn from the likeliest ones that have this probability together."""
    max_tokens: int = 512
    """After so many a completion is cut off."""
    stop: tuple[str, ...] = ()
    """A completion ends before the first of these."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One completion."""

    text: str
    log_probability: float | None = None
    """Natural logarithm, summed over the tokens, at temperature 1; None where the model does not tell."""
    tokens: int = 0
    """That it has, the end mark included."""
    finish: Literal["stop", "length"] = "stop"
    """`length`: it was cut off."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model made of one prompt."""

    generations: tuple[Generation, ...]
    """As many as were asked for."""
    prompt_tokens: int = 0


class LanguageModel(Protocol):
    """A model, wherever it runs."""

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seed: int) -> Sequence[Answer]:
        """Completes prompts.

        Args:
            prompts: at least one.
            sampling: how.
            seed: of what is drawn.

        Returns:
            One answer a prompt, in order.

        Raises:
            ModelFailed: there is no answer.
        """
        ...
