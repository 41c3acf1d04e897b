"""A Llama decoder in numpy, in single precision, made for many continuations of few prompts.

The formulas are those of `LlamaForCausalLM` in transformers: RMSNorm (Zhang and Sennrich, arXiv 1910.07467), rotary positions (Su et al.,
arXiv 2104.09864) on the two halves of a head, attention whose heads may share keys and values (Ainslie et al., arXiv 2305.13245), and SwiGLU
(Shazeer, arXiv 2002.05202).

What is linear in the whole batch is one product of matrices for the batch. Attention is computed for each prompt by itself: its rows
share the keys and values of the prompt, and are all of one length, so that nothing is padded and nothing masked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from prover.small.weights import Floats, Shape

Integers = NDArray[np.intp]

TOKENS = 32
"""Of a continuation, for which there is room at first: most tactics are shorter."""

_Attend = Callable[[int, Floats, Floats, Floats], Floats]
"""From the number of a layer, queries [tokens, heads, head], keys and values [tokens, groups, head] to [tokens, heads * head]."""


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """A text that has been read.

    Attributes:
        keys: [layers, groups, tokens, head].
        values: of the same shape.
        logits: [vocabulary], of what comes next.
    """

    keys: Floats
    values: Floats
    logits: Floats

    @property
    def length(self) -> int:
        """In tokens."""
        return int(self.keys.shape[2])


class Continuations:
    """Rows that go on from one prefix, all of one length.

    Attributes:
        prefix: what they go on from.
        rows: how many.
        length: tokens that each has had written behind the prefix.
        keys: [layers, groups, rows, tokens, head], of which the first `rows` and the first `length` count.
        values: of the same shape.
    """

    def __init__(self, prefix: Prefix, rows: int) -> None:
        """Args: rows: at most; at first there are as many."""
        layers, groups, _, head = prefix.keys.shape
        self.prefix = prefix
        self.rows = rows
        self.length = 0
        self.keys = np.empty((layers, groups, rows, TOKENS, head), np.float32)
        self.values = np.empty_like(self.keys)

    def make_room(self) -> None:
        """Doubles the caches where there is no room for another token."""
        if self.length == self.keys.shape[3]:
            self.keys, self.values = (
                np.concatenate([one, np.empty_like(one)], axis=3) for one in (self.keys, self.values)
            )

    def choose(self, parents: Integers) -> None:
        """Replaces the rows by copies of some of them: the new row i is that which was `parents[i]`."""
        self.rows = len(parents)
        moved = np.flatnonzero(parents != np.arange(len(parents)))
        if self.length and len(moved):
            for cache in (self.keys, self.values):
                cache[:, :, moved, : self.length] = cache[:, :, parents[moved], : self.length]


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """The matrices of a layer, [inputs, outputs], with the scales of the norms before them multiplied in."""

    heads: Floats
    """To queries, keys and values side by side; queries divided by the root of the width of a head."""
    out: Floats
    gate_and_up: Floats
    down: Floats


class Decoder:
    """The network.

    Attributes:
        shape: its sizes.
    """

    def __init__(self, shape: Shape, weights: Mapping[str, Floats]) -> None:
        """Args: weights: as `Shape.tensors` names them."""
        self.shape = shape
        self._embedding = weights["model.embed_tokens.weight"]
        output = self._embedding if shape.tied else weights["lm_head.weight"]
        self._output = _matrix(output * weights["model.norm.weight"])
        self._layers = [_layer(shape, weights, f"model.layers.{number}") for number in range(shape.layers)]
        turns = shape.theta ** (-np.arange(0, shape.head, 2) / shape.head)
        angles = np.arange(shape.context)[:, None] * turns
        self._cosines = np.cos(angles).astype(np.float32)[:, None]
        self._sines = np.sin(angles).astype(np.float32)[:, None]

    def read(self, tokens: Sequence[int]) -> Prefix:
        """Reads a text from its beginning.

        Args:
            tokens: from 1 to `shape.context` of them.
        """
        shape, length = self.shape, len(tokens)
        keys = np.empty((shape.layers, shape.groups, length, shape.head), np.float32)
        values = np.empty_like(keys)
        future = np.triu(np.full((length, length), -np.inf, np.float32), 1)

        def attend(layer: int, q: Floats, k: Floats, v: Floats) -> Floats:
            keys[layer], values[layer] = k.swapaxes(0, 1), v.swapaxes(0, 1)
            grouped = q.swapaxes(0, 1).reshape(shape.groups, -1, length, shape.head)
            scores = grouped @ keys[layer][:, None].swapaxes(-1, -2) + future
            seen: Floats = _softmax(scores) @ values[layer][:, None]
            return seen.reshape(shape.heads, length, shape.head).swapaxes(0, 1).reshape(length, -1)

        hidden = self._through(np.asarray(tokens), np.arange(length), attend)
        return Prefix(keys, values, hidden[-1] @ self._output)

    def step(self, batch: Sequence[Continuations], tokens: Integers) -> Floats:
        """Writes a token to every row.

        Args:
            batch: at least one, each with rows, and shorter than the context with its prefix.
            tokens: [rows of all together].

        Returns:
            [rows of all together, vocabulary], the logits of what comes next.
        """
        counts = [one.rows for one in batch]
        parts = [slice(begin, end) for begin, end in pairwise([0, *np.cumsum(counts).tolist()])]
        places = np.repeat([one.prefix.length + one.length for one in batch], counts)

        def attend(layer: int, q: Floats, k: Floats, v: Floats) -> Floats:
            own = zip(batch, parts, strict=True)
            return np.concatenate([self._attend(one, layer, q[part], k[part], v[part]) for one, part in own])

        for one in batch:
            one.make_room()
        hidden = self._through(tokens, places, attend)
        for one in batch:
            one.length += 1
        logits: Floats = hidden @ self._output
        return logits

    def _attend(self, one: Continuations, layer: int, q: Floats, k: Floats, v: Floats) -> Floats:
        shape, rows, known, length = self.shape, one.rows, one.prefix.length, one.length + 1
        one.keys[layer, :, :rows, one.length] = k.swapaxes(0, 1)
        one.values[layer, :, :rows, one.length] = v.swapaxes(0, 1)
        # [groups, rows, heads of a group, head]; for the prefix, which all rows share, the two in the middle are one.
        grouped = q.reshape(rows, shape.groups, -1, shape.head).swapaxes(0, 1)
        together = grouped.reshape(shape.groups, -1, shape.head)
        to_prefix = together @ one.prefix.keys[layer].swapaxes(-1, -2)
        to_own = grouped @ one.keys[layer, :, :rows, :length].swapaxes(-1, -2)
        weights = _softmax(np.concatenate([to_prefix.reshape(*grouped.shape[:-1], known), to_own], axis=-1))
        of_prefix = weights[..., :known].reshape(shape.groups, -1, known) @ one.prefix.values[layer]
        seen: Floats = of_prefix.reshape(grouped.shape) + weights[..., known:] @ one.values[layer, :, :rows, :length]
        return seen.swapaxes(0, 1).reshape(rows, -1)

    def _through(self, tokens: Integers, places: Integers, attend: _Attend) -> Floats:
        """[tokens, width] before the output, of tokens at their places in their texts."""
        shape = self.shape
        cosines, sines = self._cosines[places], self._sines[places]
        x = self._embedding[tokens]
        for number, layer in enumerate(self._layers):
            heads = (_normal(x, shape.epsilon) @ layer.heads).reshape(len(x), -1, shape.head)
            turned = _turned(heads[:, : shape.heads + shape.groups], cosines, sines)
            seen = attend(number, turned[:, : shape.heads], turned[:, shape.heads :], heads[:, -shape.groups :])
            x = x + seen @ layer.out
            both = _normal(x, shape.epsilon) @ layer.gate_and_up
            x += (_silu(both[:, : shape.inner]) * both[:, shape.inner :]) @ layer.down
        return _normal(x, shape.epsilon)


def _layer(shape: Shape, weights: Mapping[str, Floats], name: str) -> _Layer:
    def part(of: str) -> Floats:
        return weights[f"{name}.{of}.weight"]

    before_attention, before_inner = part("input_layernorm"), part("post_attention_layernorm")
    queries = part("self_attn.q_proj") / np.float32(np.sqrt(shape.head))
    heads = np.concatenate([queries, part("self_attn.k_proj"), part("self_attn.v_proj")])
    gate_and_up = np.concatenate([part("mlp.gate_proj"), part("mlp.up_proj")])
    return _Layer(
        _matrix(heads * before_attention),
        _matrix(part("self_attn.o_proj")),
        _matrix(gate_and_up * before_inner),
        _matrix(part("mlp.down_proj")),
    )


def _matrix(weight: Floats) -> Floats:
    """[outputs, inputs] to [inputs, outputs], in the order in which a product runs through it."""
    return np.ascontiguousarray(weight.T)


def _normal(x: Floats, epsilon: float) -> Floats:
    """Divided by the root of its mean square."""
    squares = np.einsum("ij,ij->i", x, x)[:, None] / np.float32(x.shape[1])
    normal: Floats = x / np.sqrt(squares + np.float32(epsilon))
    return normal


def _turned(x: Floats, cosines: Floats, sines: Floats) -> Floats:
    """[tokens, heads, head], each pair of the first and the second half turned by its angle."""
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]
    return np.concatenate([first * cosines - second * sines, second * cosines + first * sines], axis=-1)


def _silu(x: Floats) -> Floats:
    # Where the exponential is too large for its type the quotient is 0, as it ought to be.
    with np.errstate(over="ignore"):
        found: Floats = x / (1 + np.exp(-x))
    return found


def _softmax(scores: Floats) -> Floats:
    """Over the last axis, in place."""
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores
