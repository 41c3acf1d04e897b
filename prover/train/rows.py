"""Pairs as tokens, packed into rows, in an order that is a function of the seed and the step.

A row has room for `context` tokens and takes several examples. They do not see each other: `prover.train.batches` numbers
positions from 0 in each and lets attention stay within it, so that a packed row gives each token the probability that it has
alone.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import Random

from prover.train.pairs import Pair, Proof

Encode = Callable[[list[str]], list[list[int]]]
"""Texts to tokens, without any that mark borders."""

OPEN_ROWS = 32
"""Rows that are filled at a time: enough to leave a few per cent of them empty."""

CHUNK = 256
"""Proofs that are tokenised at a time."""


@dataclass(frozen=True, slots=True)
class Borders:
    """Tokens that stand before a prompt, between it and its completion, and at the end."""

    prompt: tuple[int, ...]
    completion: tuple[int, ...]
    end: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A pair as tokens, borders included. The last `learnt` of them are what the model ought to write."""

    tokens: array[int]
    learnt: int


@dataclass(frozen=True, slots=True)
class Unit:
    """Examples that have one probability together, their product, and the number of steps of the proof that they are of."""

    examples: tuple[Example, ...]
    steps: int

    @property
    def size(self) -> int:
        """Tokens, of all examples."""
        return sum(len(example.tokens) for example in self.examples)


Row = tuple[Unit, ...]


@dataclass(slots=True)
class Counts:
    """What became of the pairs.

    Attributes:
        pairs: those that are learnt from or measured with.
        cut: of these, those whose prompt lost its beginning.
        left_out: pairs that are too long, or belong to a proof that does not fit into a row.
        tokens: of all that are kept.
        learnt: of these, those of completions.
    """

    pairs: int = 0
    cut: int = 0
    left_out: int = 0
    tokens: int = 0
    learnt: int = 0


@dataclass(frozen=True, slots=True)
class Packer:
    """Makes rows of proofs.

    Attributes:
        encode: texts to tokens.
        borders: what marks prompt and completion.
        context: tokens in a row.
        whole: a proof of several tactics is one unit, as the loss `dco` needs it, and not one unit for each.
        counts: what became of the pairs so far.
    """

    encode: Encode
    borders: Borders
    context: int
    whole: bool = False
    counts: Counts = field(default_factory=Counts)

    def rows(self, proofs: Sequence[Proof], random: Random) -> list[Row]:
        """Tokenises, cuts and packs, in an order that `random` draws."""
        units = list(self._units(proofs))
        random.shuffle(units)
        return list(packed(units, self.context))

    def _units(self, proofs: Iterable[Proof]) -> Iterator[Unit]:
        source = iter(proofs)
        while chunk := list(islice(source, CHUNK)):
            texts = [text for proof in chunk for pair in proof for text in (pair.prompt, pair.completion)]
            tokens = iter(self.encode(texts))
            for proof in chunk:
                yield from self._kept(proof, [self._example(next(tokens), next(tokens)) for _ in proof])

    def _kept(self, proof: Sequence[Pair], examples: Sequence[tuple[Example, bool] | None]) -> Iterator[Unit]:
        there = [found for found in examples if found is not None]
        groups = [there] if self.whole else [[found] for found in there]
        if self.whole and (len(there) < len(proof) or Unit(tuple(e for e, _ in there), 1).size > self.context):
            groups = []
        self.counts.left_out += len(proof) - sum(map(len, groups))
        for group in groups:
            unit = Unit(tuple(example for example, _ in group), len(proof))
            self.counts.pairs += len(group)
            self.counts.cut += sum(cut for _, cut in group)
            self.counts.tokens += unit.size
            self.counts.learnt += sum(example.learnt for example in unit.examples)
            yield unit

    def _example(self, prompt: list[int], completion: list[int]) -> tuple[Example, bool] | None:
        """The example, and whether its prompt is cut; None if it is too long.

        A prompt loses its beginning, as what is to be proved stands at the end of a state. A completion is not cut, since what
        would be learnt from that is to stop in the middle.
        """
        borders = self.borders
        around = len(borders.prompt) + len(borders.completion) + len(borders.end)
        room = self.context - around - len(completion)
        if room < min(len(prompt), self.context // 4):
            return None
        kept = prompt[len(prompt) - room :] if len(prompt) > room else prompt
        tokens = array("i", [*borders.prompt, *kept, *borders.completion, *completion, *borders.end])
        return Example(tokens, len(completion) + len(borders.end)), len(kept) < len(prompt)


def packed(units: Iterable[Unit], context: int) -> Iterator[Row]:
    """Puts each unit into the first of the open rows that has room; the fullest row makes place for a new one."""
    rows: list[tuple[int, list[Unit]]] = []
    for unit in units:
        size = unit.size
        place = next((i for i, (used, _) in enumerate(rows) if used + size <= context), None)
        if place is not None:
            used, members = rows[place]
            members.append(unit)
            rows[place] = (used + size, members)
            continue
        if len(rows) == OPEN_ROWS:
            fullest = max(range(OPEN_ROWS), key=lambda i: rows[i][0])
            yield tuple(rows.pop(fullest)[1])
        rows.append((size, [unit]))
    for _, members in rows:
        yield tuple(members)


class Order:
    """Which rows an update takes: all of them once, in an order drawn with the seed, then all again in another order.

    What a step takes is a function of its number, so that a training that is taken up needs no record of where it was.
    """

    def __init__(self, rows: int, batch: int, seed: int) -> None:
        self.rows = rows
        self.batch = batch
        self.seed = seed
        self._drawn: dict[int, list[int]] = {}

    def step(self, number: int) -> list[int]:
        """The rows of the update `number`, from 0."""
        first = number * self.batch
        return [self._row(place) for place in range(first, first + self.batch)]

    def _row(self, place: int) -> int:
        epoch, index = divmod(place, self.rows)
        if epoch not in self._drawn:
            drawn = list(range(self.rows))
            Random(f"{self.seed}:{epoch}").shuffle(drawn)
            self._drawn = {epoch: drawn} if len(self._drawn) > 1 else {**self._drawn, epoch: drawn}
        return self._drawn[epoch][index]
