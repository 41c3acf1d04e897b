"""Rows as tensors, for a decoder or for an encoder with a decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from prover.train.losses import IGNORED
from prover.train.rows import Row


@dataclass(frozen=True, slots=True)
class Batch:
    """What a model is given, and what is to come of it.

    Attributes:
        inputs: arguments of the model, by name.
        labels: [lines, tokens], the token that each place is to give; `IGNORED` where it does not matter.
        groups: [lines, tokens], the unit of each label; -1 where it is ignored.
        steps: [units], the number of steps of the proof to which a unit belongs.
        tokens: those that were put in, without padding.
    """

    inputs: dict[str, Tensor]
    labels: Tensor
    groups: Tensor
    steps: Tensor
    tokens: int

    @property
    def learnt(self) -> int:
        """Labels that count."""
        return int((self.labels != IGNORED).sum())

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        moved = {name: tensor.to(device) for name, tensor in self.inputs.items()}
        return Batch(moved, self.labels.to(device), self.groups.to(device), self.steps.to(device), self.tokens)


def causal_batch(rows: Sequence[Row], padding: int) -> Batch:
    """One line a row, for a decoder.

    Positions begin at 0 in each example, and the mask lets a token see those of its own example that do not come after it. Padding
    sees itself, since a softmax over nothing is not a number.

    Args:
        rows: as they are packed.
        padding: the token that fills lines up.

    Returns:
        `inputs` with `input_ids` and `position_ids`, [lines, tokens], and `attention_mask`, [lines, 1, tokens, tokens], true where a
        token (third) may see another (fourth).
    """
    width = max(sum(unit.size for unit in row) for row in rows)
    shape = (len(rows), width)
    ids, labels = torch.full(shape, padding), torch.full(shape, IGNORED)
    positions, groups, segments = torch.zeros(shape, dtype=torch.long), torch.full(shape, -1), torch.full(shape, -1)
    numbered = 0
    for line, row in enumerate(rows):
        begin = segment = 0
        for unit in row:
            for example in unit.examples:
                end = begin + len(example.tokens)
                ids[line, begin:end] = _tensor(example.tokens)
                positions[line, begin:end] = torch.arange(end - begin)
                segments[line, begin:end] = segment
                # Each token is predicted at the place before it.
                learnt = slice(end - example.learnt - 1, end - 1)
                labels[line, learnt] = _tensor(example.tokens[-example.learnt :])
                groups[line, learnt] = numbered
                begin, segment = end, segment + 1
            numbered += 1
    same = segments[:, None, :, None] == segments[:, None, None, :]
    mask = same & torch.ones(width, width, dtype=torch.bool).tril()
    inputs = {"input_ids": ids, "position_ids": positions, "attention_mask": mask}
    return Batch(inputs, labels, groups, _steps(rows), int((segments >= 0).sum()))


def seq2seq_batch(rows: Sequence[Row], padding: int, begin: int) -> Batch:
    """One line an example, for an encoder with a decoder; examples are not packed, as each has an encoder's run of its own.

    Args:
        rows: as they are packed.
        padding: the token that fills lines up.
        begin: the token before all that the decoder writes.

    Returns:
        `inputs` with `input_ids` and `attention_mask`, [lines, tokens], and `decoder_input_ids`, [lines, labels].
    """
    numbered = [
        (number, example)
        for number, unit in enumerate(unit for row in rows for unit in row)
        for example in unit.examples
    ]
    given = [example.tokens[: -example.learnt] for _, example in numbered]
    shape = len(numbered), max(example.learnt for _, example in numbered)
    ids = torch.full((len(numbered), max(map(len, given))), padding)
    mask = torch.zeros_like(ids)
    labels, groups, begun = torch.full(shape, IGNORED), torch.full(shape, -1), torch.full(shape, padding)
    begun[:, 0] = begin
    for line, (number, example) in enumerate(numbered):
        ids[line, : len(given[line])] = _tensor(given[line])
        mask[line, : len(given[line])] = 1
        labels[line, : example.learnt] = _tensor(example.tokens[-example.learnt :])
        begun[line, 1 : example.learnt] = labels[line, : example.learnt - 1]
        groups[line, : example.learnt] = number
    inputs = {"input_ids": ids, "attention_mask": mask, "decoder_input_ids": begun}
    return Batch(inputs, labels, groups, _steps(rows), sum(len(example.tokens) for _, example in numbered))


def _steps(rows: Sequence[Row]) -> Tensor:
    return torch.tensor([unit.steps for row in rows for unit in row])


def _tensor(tokens: Sequence[int]) -> Tensor:
    return torch.tensor(list(tokens))
