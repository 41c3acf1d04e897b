"""Keys and values of rows of tokens, in buffers with room to spare: a step writes one column into them and copies nothing.

All rows end in the same column, the newest token's; a row of fewer tokens than the longest has unused columns before it (padding on
the left). A row thus costs as much memory as the longest one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

SPARE: Final = 64
"""Columns of room. A step reads all columns, so that copying them once in so many steps costs little beside it; doubling the room, as
is common, would cost more memory and save nothing that can be felt."""


@dataclass(slots=True)
class _Window:
    """What is in use of the buffers of all layers: the first `rows` rows, and columns from `first` up to `end`."""

    rows: int = 0
    first: int = 0
    end: int = 0


class Memory:
    """What the rows of a batch have seen.

    Args:
        most: rows that there will be at a time; there is never room for more.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._window = _Window()
        self._layers: list[_Layer] = []
        self.lengths: list[int] = []
        """Tokens of each row."""

    def join(self, prompts: Sequence[tuple[Sequence[Any], int, int]]) -> None:
        """Adds rows behind those that there are.

        Args:
            prompts: for each the layers of a cache of transformers with one row, how many of its tokens are taken (the first ones), and
                how many rows go on from them.
        """
        joined = [prompt for prompt in prompts if prompt[-1]]
        if not joined:
            return
        if not self._layers:
            # Nothing is in these: they tell what buffers are to be like.
            self._layers = [_Layer(self._window, layer.keys[:0], layer.values[:0]) for layer in joined[0][0]]
        old = self._window.rows
        lengths = [length for _, length, rows in joined for _ in range(rows)]
        self._make_room(old + len(lengths), max(self.lengths + lengths))
        for layers, length, rows in joined:
            for ours, theirs in zip(self._layers, layers, strict=True):
                for buffer, prompt in ((ours.keys, theirs.keys), (ours.values, theirs.values)):
                    new, begin = buffer[old : old + rows, :, : self._window.end], self._window.end - length
                    # Attention multiplies what is hidden by 0, which does not undo numbers that are not finite.
                    new[:, :, :begin] = 0
                    new[:, :, begin:] = prompt[:, :, :length]
            old += rows
        self._set_lengths(self.lengths + lengths)

    def keep(self, places: Sequence[int]) -> list[int]:
        """Drops all rows but those at `places`. The last of them come into the gaps: so the fewest are copied.

        Returns:
            Where each row was that there is now, in their new order.
        """
        staying, last = set(places), [place for place in places if place >= len(places)]
        gaps = [place for place in range(len(places)) if place not in staying]
        order = list(range(len(places)))
        for gap, place in zip(gaps, last, strict=True):
            order[gap] = place
        end = self._window.end
        for layer in self._layers if gaps else ():
            for buffer in (layer.keys, layer.values):
                buffer[gaps, :, :end] = buffer[last, :, :end]
        if not order:
            self._layers, self._window.end = [], 0
        self._set_lengths([self.lengths[place] for place in order])
        return order

    def cache(self) -> Any:
        """For the model, which is to write one column into it; `advance` then counts it."""
        self._make_room(self._window.rows, max(self.lengths))
        return Cache(layers=self._layers)

    def advance(self) -> None:
        """Counts the column that the model has written."""
        self._window.end += 1
        self._set_lengths([length + 1 for length in self.lengths])

    def _set_lengths(self, lengths: list[int]) -> None:
        self.lengths = lengths
        self._window.rows, self._window.first = len(lengths), self._window.end - max(lengths, default=0)

    def _make_room(self, rows: int, longest: int) -> None:
        """For so many rows of up to `longest` tokens and the next column."""
        window, (room, _, columns, _) = self._window, self._layers[0].keys.shape
        if rows <= room and longest <= window.end < columns:
            return
        if not rows <= room <= 4 * rows:
            # Twice as many, so that rows that come one by one are not copied for each.
            room = min(2 * rows, self._most)
        for layer in self._layers:
            layer.keys, layer.values = (_moved(part, window, room, longest) for part in (layer.keys, layer.values))
        window.first, window.end = longest - (window.end - window.first), longest


class _Layer(DynamicLayer):
    """One layer's buffers of keys and values, [rows, heads, columns, size] each."""

    def __init__(self, window: _Window, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.is_initialized = True
        self._window, self.keys, self.values = window, keys, values

    def get_seq_length(self) -> int:
        """Columns that the model sees before it writes one."""
        return self._window.end - self._window.first

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Writes the next column, [rows, heads, 1, size]; returns what is in use, with it."""
        return _written(self.keys, self._window, key_states), _written(self.values, self._window, value_states)


def _written(buffer: Tensor, window: _Window, column: Tensor) -> Tensor:
    used = buffer[: window.rows, :, window.first : window.end + 1]
    used[:, :, -1:] = column
    return used


def _moved(buffer: Tensor, window: _Window, room: int, longest: int) -> Tensor:
    """A buffer with room for other numbers of rows and columns, and what is in use before column `longest`."""
    used = buffer[: window.rows, :, window.first : window.end]
    moved = buffer.new_empty(room, buffer.shape[1], longest + SPARE, buffer.shape[3])
    begin = longest - used.shape[2]
    moved[: window.rows, :, :begin] = 0
    moved[: window.rows, :, begin:longest] = used
    return moved
