"""Attention of rows that go on from the same prompt: its keys and values are kept once, and read once for all of them in a step.

A row sees its prompt and its own tokens. Each part is attended to by itself, and the two results are weighed by the sums of their
exponentials, so that together they are what attention to both at once would give.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

NAME: Final = "lemmaforge_shared"
"""Under which transformers looks it up."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What several rows have seen before their own tokens."""

    layers: Sequence[tuple[Tensor, Tensor]]
    """Keys and values of each layer, [heads, tokens, size]."""
    rows: Tensor
    """Their places in the batch."""


@contextmanager
def attending(config: Any) -> Iterator[None]:
    """Within, a model of this configuration takes an argument `prompts`, a sequence of `Prompt`, if it hands arguments on to attention."""
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    before = config._attn_implementation
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = before


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    prompts: Sequence[Prompt],
    scaling: float | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """The attention of one layer to one new token of each row; called by the model.

    Args:
        module: the layer.
        query: [rows, heads, 1, size].
        key: of the rows' own tokens, [rows, heads or a divisor, columns, size].
        value: the same.
        attention_mask: true where a column is seen, [rows, 1, 1, columns]; None: everywhere.
        prompts: no row is in two of them.
        scaling: of the products.
        others: what else the model hands on.

    Returns:
        What is seen, [rows, 1, heads, size].

    Raises:
        ValueError: the layer's attention does something that this one does not.
    """
    if any(others.get(name) is not None for name in ("softcap", "s_aux", "position_bias")):
        raise ValueError(f"{type(module).__name__} changes its products before they are weighed")
    rows, heads, _, size = query.shape
    # Queries of all heads that have the same keys are one matrix.
    asked = (query * (size**-0.5 if scaling is None else scaling)).view(rows, key.shape[1], -1, size)
    seen, total = _seen(asked, key, value, attention_mask)
    for prompt in prompts:
        keys, values = prompt.layers[module.layer_idx]
        theirs = asked[prompt.rows].transpose(0, 1)
        before, total_before = _seen(theirs.flatten(1, 2), keys, values)
        share = (total_before.view(*theirs.shape[:3], 1).transpose(0, 1) - total[prompt.rows]).sigmoid()
        seen[prompt.rows] = seen[prompt.rows].lerp(
            before.view(*theirs.shape[:3], -1).transpose(0, 1), share.to(seen.dtype)
        )
    return seen.reshape(rows, 1, heads, -1), None


def _seen(asked: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """What attention sees, [..., queries, size], and the logarithm of the sum of its exponentials, [..., queries, 1]."""
    products = (asked @ keys.mT).float()
    if mask is not None:
        products = products.masked_fill(~mask, -torch.inf)
    total = products.logsumexp(-1, keepdim=True)
    return (products - total).exp().to(values.dtype) @ values, total
