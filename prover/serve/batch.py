"""A running batch, from which rows leave and into which rows come between any two steps.

A row that is shorter than the longest is padded before its first token; the attention mask hides the padding. Positions count a row's own
tokens from 0, so that padding changes none.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from prover.errors import BadServing
from prover.serve.memory import Memory


class Batch:
    """Rows of one causal model of transformers, each with the keys and values of the tokens that it has seen.

    Args:
        model: it stays the caller's, and must not be used elsewhere meanwhile.
        most: rows that there will be at a time.

    Raises:
        BadServing: the model keeps something else than keys and values of all tokens, or takes no positions.
    """

    def __init__(self, model: Any, most: int) -> None:
        self._model = model
        self._memory = Memory(most)
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
        return len(self._memory.lengths)

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
        self._memory.join(prompts)

    def keep(self, places: Sequence[int]) -> list[int]:
        """Drops all rows but those at `places`; returns for each that there is now where it was."""
        return self._memory.keep(places)

    def step(self, tokens: Sequence[int]) -> Tensor:
        """Reads the newest token of each row; returns the logits behind it, [rows, vocabulary]."""
        device = self._model.device
        positions = torch.tensor(self._memory.lengths, device=device)[:, None]
        width = max(self._memory.lengths) + 1
        seen = torch.arange(width, device=device)[None] >= width - 1 - positions
        found = self._model(
            input_ids=torch.tensor(list(tokens), device=device)[:, None],
            attention_mask=seen.long(),
            position_ids=positions,
            use_cache=True,
            **{self._place: self._memory.cache()},
        )
        self._memory.advance()
        return found.logits[:, -1]
