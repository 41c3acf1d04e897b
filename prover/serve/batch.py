"""A running batch, from which rows leave and into which rows come between any two steps.

A row that is shorter than the longest is padded before its first token; the attention mask hides the padding. Positions count a row's own
tokens from 0, so that padding changes none.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Final

import torch
from torch import Tensor

from prover.errors import BadServing
from prover.serve.memory import Memory
from prover.serve.shared import Prompt, attending

SHARED: Final = 4
"""A prompt with so many rows is kept once for them; for fewer, a part of its own in each step takes longer than copies are read."""

CLOSE: Final = 0.05
"""Logits that differ by a smaller part of their spread do so by rounding: in bfloat16 by a hundredth, without the prompt by a half."""


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
        self._lengths: list[int] = []
        self._prompts: list[Prompt] = []
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
        self.shares = most >= SHARED and self._can_share()
        """Whether rows with the same prompt share it."""

    def _keeps_keys_and_values(self) -> bool:
        try:
            layers = self.prefill([0])[1].layers
        except (AttributeError, LookupError, TypeError, ValueError):
            # A model with a state of another kind does not find it in this cache.
            return False
        return all(getattr(layer, "keys", None) is not None and layer.keys.shape[-2] == 1 for layer in layers)

    def _can_share(self) -> bool:
        """Tries it: only so is it known what a model hands on to its attention, and what else its attention does."""
        config = self._model.config
        # Those show in longer texts alone.
        windows = [getattr(config.get_text_config(), name, None) for name in ("sliding_window", "attention_chunk_size")]
        # On a GPU steps of so many small parts have not been measured.
        if self._model.device.type != "cpu" or config._attn_implementation != "sdpa" or any(windows):
            return False
        try:
            apart, together = self._tried(shares=False), self._tried(shares=True)
        except (AttributeError, TypeError, ValueError):
            return False
        return bool((together - apart).abs().mean() < CLOSE * apart.std())

    def _tried(self, *, shares: bool) -> Tensor:
        """Logits of a few rows with one prompt, and with it shared or not."""
        self.shares = shares
        self.join([(self.prefill([0, 1, 1, 0])[1], SHARED)])
        try:
            steps = [self.step([0, 1] * (SHARED // 2)) for _ in range(2)]
            return torch.stack(steps).float()
        finally:
            self.keep([])

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
        parts = []
        for cache, rows in prompts:
            length, shared, begin = cache.get_seq_length(), self.shares and rows >= SHARED, len(self._lengths)
            if shared:
                layers = [(layer.keys[0], layer.values[0]) for layer in cache.layers]
                self._prompts.append(Prompt(layers, torch.arange(begin, begin + rows)))
            parts.append((cache.layers, 0 if shared else length, rows))
            self._lengths += [length] * rows
        self._memory.join(parts)

    def keep(self, places: Sequence[int]) -> list[int]:
        """Drops all rows but those at `places`; returns for each that there is now where it was."""
        order = self._memory.keep(places)
        self._lengths = [self._lengths[place] for place in order]
        now = {place: row for row, place in enumerate(order)}
        left = [(prompt, [now[place] for place in prompt.rows.tolist() if place in now]) for prompt in self._prompts]
        self._prompts = [Prompt(prompt.layers, torch.tensor(rows)) for prompt, rows in left if rows]
        return order

    def step(self, tokens: Sequence[int]) -> Tensor:
        """Reads the newest token of each row; returns the logits behind it, [rows, vocabulary]."""
        device = self._model.device
        columns = torch.tensor(self._memory.lengths, device=device)[:, None]
        width = max(self._memory.lengths) + 1
        seen = torch.arange(width, device=device)[None] >= width - 1 - columns
        with attending(self._model.config) if self._prompts else nullcontext():
            found = self._model(
                input_ids=torch.tensor(list(tokens), device=device)[:, None],
                attention_mask=seen.long(),
                position_ids=torch.tensor(self._lengths, device=device)[:, None],
                use_cache=True,
                **{self._place: self._memory.cache()},
                **({"prompts": self._prompts} if self._prompts else {}),
            )
        self._memory.advance()
        self._lengths = [length + 1 for length in self._lengths]
        return found.logits[:, -1]
