"""The next token of each row of a batch.

Each row is drawn by inverting its distribution function at a number from the row's own generator, so that a row's token is a function
of its logits and its seed, whatever the other rows are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

COLDEST: Final = 1e-5
"""Below this temperature the likeliest token is taken: quotients would leave the range of the numbers."""


@dataclass(frozen=True, slots=True)
class Draw:
    """How one row's token is chosen."""

    temperature: float
    """0: the likeliest."""
    top_p: float
    chance: float
    """In [0, 1); drawn evenly."""


def choose(logits: Tensor, draws: Sequence[Draw]) -> tuple[list[int], list[float]]:
    """Chooses a token for each row.

    Args:
        logits: [rows, vocabulary].
        draws: one a row.

    Returns:
        The tokens, and their log-probabilities under the logits as they are, at temperature 1 and without top-p.
    """
    logits = logits.float()
    tokens = logits.argmax(dim=-1)
    drawn = [place for place, draw in enumerate(draws) if draw.temperature >= COLDEST]
    if drawn:
        tokens[drawn] = _drawn(logits[drawn], [draws[place] for place in drawn])
    told = logits.log_softmax(dim=-1).gather(1, tokens[:, None]).squeeze(1)
    return tokens.tolist(), told.tolist()


def _drawn(logits: Tensor, draws: Sequence[Draw]) -> Tensor:
    """[rows, vocabulary] to [rows]."""
    temperatures, chances = (
        torch.tensor(values, dtype=torch.float64, device=logits.device)[:, None]
        for values in ([draw.temperature for draw in draws], [draw.chance for draw in draws])
    )
    # Sums over a large vocabulary need the double precision; that of the logits would never reach some of the tokens.
    probabilities = (logits.double() / temperatures).softmax(dim=-1)
    narrow = [place for place, draw in enumerate(draws) if draw.top_p < 1]
    if narrow:
        probabilities[narrow] = _nucleus(probabilities[narrow], [draws[place].top_p for place in narrow])
    reached = probabilities.cumsum(dim=-1)
    token = (reached <= chances * reached[:, -1:]).sum(dim=-1)
    # Rounding may put a chance just below 1 behind the last token that can be drawn.
    last = (reached < reached[:, -1:]).sum(dim=-1)
    return token.minimum(last)


def _nucleus(probabilities: Tensor, top_p: list[float]) -> Tensor:
    """Leaves the likeliest tokens that reach `top_p` together; the others get 0. Source: Holtzman et al., arXiv 1904.09751, 3.1."""
    values, order = probabilities.sort(dim=-1, descending=True, stable=True)
    before = values.cumsum(dim=-1) - values
    bound = torch.tensor(top_p, dtype=values.dtype, device=values.device)[:, None]
    kept = values.masked_fill(before >= bound, 0.0)
    return torch.zeros_like(probabilities).scatter(1, order, kept)
