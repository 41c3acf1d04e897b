"""The keys and values of a running batch, from which rows leave and into which rows come between any two steps.

All rows end in the same column, the newest token's; a row of fewer tokens than the longest has unused columns before it (padding on
the left), which the attention mask hides. A row that joins is padded to the width of the batch, or the batch to that of the row; when
rows leave, columns that nobody uses any more are cut off. Positions count a row's own tokens from 0, so that padding changes none.
A row thus costs as much memory as the longest one.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from prover.errors import BadServing


class Batch:
    """Rows of one causal model of transformers, each with the keys and values of the tokens that it has seen.

    Args:
        model: it stays the caller's, and must not be used elsewhere meanwhile.

    Raises:
        BadServing: the model keeps something else than keys and values of all tokens, or takes no positions.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._lengths: list[int] = []
        self._cache: Any = None
        known = inspect.signature(model.forward).parameters
        # Logits of a whole prompt would take more memory than all else.
        self._last_only = {"logits_to_keep": 1} if "logits_to_keep" in known else {}
        # transformers 5.24 has given it a new name.
        self._place = "cache" if "cache" in known else "past_key_values"
        if "position_ids" not in known:
            raise BadServing(f"{type(model).__name__} takes no positions, so that its rows cannot be batched here.")
        if not self._keeps_keys_and_values():
            raise BadServing(
                f"{type(model).__name__} keeps more than keys and values of its tokens, which this engine does not know; "
                "use --engine vllm."
            )

    def _keeps_keys_and_values(self) -> bool:
        try:
            layers = self.prefill([0])[1].layers
        except (AttributeError, LookupError, TypeError, ValueError):
            # A model with a state of another kind does not find it in this cache.
            return False
        return all(getattr(layer, "keys", None) is not None and layer.keys.shape[-2] == 1 for layer in layers)

    def __len__(self) -> int:
        return len(self._lengths)

    def prefill(self, tokens: Sequence[int]) -> tuple[Tensor, Any]:
        """Reads a prompt, by itself, so that nothing in it depends on other rows.

        Returns:
            The logits behind its last token, [1, vocabulary], and its keys and values, for `join`.
        """
        from transformers import DynamicCache

        cache = DynamicCache()
        found = self._model(
            input_ids=torch.tensor([list(tokens)], device=self._model.device),
            position_ids=torch.arange(len(tokens), device=self._model.device)[None],
            use_cache=True,
            **{self._place: cache},
            **self._last_only,
        )
        return found.logits[:, -1], cache

    def join(self, prompts: Sequence[tuple[Any, int]]) -> None:
        """Adds rows behind those that there are.

        Args:
            prompts: for each what `prefill` gave, and how many rows go on from it.
        """
        joined = [(cache, rows) for cache, rows in prompts if rows]
        if not joined:
            return
        lengths = [cache.get_seq_length() for cache, rows in joined for _ in range(rows)]
        for cache, rows in joined:
            cache.batch_repeat_interleave(rows)
        parts = [cache for cache, _ in joined]
        if self._lengths:
            parts.insert(0, self._cache)
        self._lengths += lengths
        width = max(part.get_seq_length() for part in parts)
        self._cache = parts[0]
        for number, layer in enumerate(self._cache.layers):
            layer.keys = torch.cat([_padded(part.layers[number].keys, width) for part in parts])
            layer.values = torch.cat([_padded(part.layers[number].values, width) for part in parts])

    def keep(self, places: Sequence[int]) -> None:
        """Drops all rows but those at `places`, which stay in that order."""
        self._lengths = [self._lengths[place] for place in places]
        if not places:
            self._cache = None
            return
        self._cache.batch_select_indices(torch.tensor(list(places), device=self._model.device))
        unused = self._cache.get_seq_length() - max(self._lengths)
        if unused:
            for layer in self._cache.layers:
                # A copy: a view would hold the memory of what is cut off.
                layer.keys = layer.keys[:, :, unused:].contiguous()
                layer.values = layer.values[:, :, unused:].contiguous()

    def step(self, tokens: Sequence[int]) -> Tensor:
        """Reads the newest token of each row; returns the logits behind it, [rows, vocabulary]."""
        device = self._model.device
        positions = torch.tensor(self._lengths, device=device)[:, None]
        width = self._cache.get_seq_length() + 1
        seen = torch.arange(width, device=device)[None] >= width - 1 - positions
        found = self._model(
            input_ids=torch.tensor(list(tokens), device=device)[:, None],
            attention_mask=seen.long(),
            position_ids=positions,
            use_cache=True,
            **{self._place: self._cache},
        )
        self._lengths = [length + 1 for length in self._lengths]
        return found.logits[:, -1]


def _padded(values: Tensor, width: int) -> Tensor:
    """[rows, heads, columns, size] with columns of zeros before it, as many as there are missing."""
    missing = width - values.shape[2]
    return torch.nn.functional.pad(values, (0, 0, missing, 0)) if missing else values
