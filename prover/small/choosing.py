"""How completions of one prompt grow by a token a step: drawn, or as the beams of a search for the likeliest."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from prover.generators.language import Sampling
from prover.small.decoder import Integers
from prover.small.weights import Floats


@dataclass(frozen=True, slots=True)
class Completion:
    """What was written.

    Attributes:
        tokens: with the end token, if it has one.
        log_probability: natural logarithm, at temperature 1.
        ended: it was not cut off.
    """

    tokens: tuple[int, ...]
    log_probability: float
    ended: bool


class Chooser(Protocol):
    """Chooses the next token of every row."""

    rows: int
    """Of what is told first: the prompt's own logits, as many times."""

    def choose(self, logits: Floats) -> tuple[Integers, Integers]:
        """Takes a step.

        Args:
            logits: [rows, vocabulary]; is not kept.

        Returns:
            The rows that go on, by the number of the row that each goes on from, and the token that is written to each; none: all is done.
        """
        ...

    def completions(self) -> list[Completion]:
        """What has come out; `Sampling.samples` of them when all is done."""
        ...


class Drawing:
    """Independent draws, from a generator that nothing else draws from.

    Each step takes a number for every sample, also for those that have ended, so that a sample does not depend on the ends of others.
    """

    def __init__(
        self, sampling: Sampling, limit: int, end: int, stopped: Callable[[Integers], bool] | None, seed: int
    ) -> None:
        """Args: limit: tokens, at least 1; end: the end token; stopped: whether the tokens of a row have a text in them that ends it."""
        self.rows = sampling.samples
        self._sampling = sampling
        self._end = end
        self._stopped = stopped
        self._random = np.random.default_rng(seed)
        self._tokens = np.zeros((sampling.samples, limit), np.intp)
        self._lengths = np.zeros(sampling.samples, np.intp)
        self._told = np.zeros(sampling.samples)
        self._ended = np.zeros(sampling.samples, np.bool_)
        self._live = np.arange(sampling.samples)
        """The sample of each row."""
        self._length = 0

    def choose(self, logits: Floats) -> tuple[Integers, Integers]:
        """As `Chooser.choose`."""
        live, told = self._live, log_softmax(logits)
        chances = self._random.random(self._sampling.samples)[live]
        tokens = drawn(told, self._sampling.temperature, self._sampling.top_p, chances)
        self._tokens[live, self._length] = tokens
        self._told[live] += told[np.arange(len(live)), tokens]
        self._length += 1
        self._lengths[live] = self._length
        ended = tokens == self._end
        if self._stopped:
            ended |= [self._stopped(written) for written in self._tokens[live, : self._length]]
        self._ended[live] = ended
        parents = _closed_up(ended) if self._length < self._tokens.shape[1] else np.empty(0, np.intp)
        self._live = live[parents]
        return parents, tokens[parents]

    def completions(self) -> list[Completion]:
        """As `Chooser.completions`."""
        return [
            Completion(tuple(tokens[:length].tolist()), float(told), bool(ended))
            for tokens, length, told, ended in zip(self._tokens, self._lengths, self._told, self._ended, strict=True)
        ]


class BeamSearch:
    """The likeliest completions: a beam for each that is asked for, no penalty for length, likeliest first.

    It ends when no beam can become likelier than what is finished, or at the limit, where beams are cut off.
    """

    def __init__(self, sampling: Sampling, limit: int, end: int) -> None:
        """Args: limit: tokens, at least 1; end: the end token."""
        self.rows = 1
        self._beams = sampling.samples
        self._limit = limit
        self._end = end
        self._tokens = np.empty((1, 0), np.intp)
        self._told = np.zeros(1)
        self._finished: list[Completion] = []

    def choose(self, logits: Floats) -> tuple[Integers, Integers]:
        """As `Chooser.choose`."""
        totals = (self._told[:, None] + log_softmax(logits)).ravel()
        # A row ends in one way only, so that of twice as many at least as many as there are beams go on.
        count = min(2 * self._beams, totals.size)
        best = np.argpartition(-totals, count - 1)[:count]
        best = best[np.argsort(-totals[best], kind="stable")]
        parents, tokens = np.divmod(best, logits.shape[1])
        written = np.concatenate([self._tokens[parents], tokens[:, None]], axis=1)
        ends = tokens == self._end
        self._finish(written[ends], totals[best[ends]], ended=True)
        going = np.flatnonzero(~ends)[: self._beams]
        self._tokens, self._told = written[going], totals[best[going]]
        if written.shape[1] == self._limit:
            self._finish(self._tokens, self._told, ended=False)
            going = going[:0]
        elif len(self._finished) == self._beams and self._finished[-1].log_probability >= self._told[0]:
            going = going[:0]
        return parents[going], tokens[going]

    def completions(self) -> list[Completion]:
        """As `Chooser.completions`."""
        return self._finished

    def _finish(self, rows: Integers, told: NDArray[np.float64], *, ended: bool) -> None:
        more = [Completion(tuple(row.tolist()), float(value), ended) for row, value in zip(rows, told, strict=True)]
        self._finished = heapq.nlargest(self._beams, self._finished + more, key=lambda one: one.log_probability)


def log_softmax(logits: Floats) -> Floats:
    """[rows, vocabulary], normalised over the vocabulary."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    told: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return told


def drawn(told: Floats, temperature: float, top_p: float, chances: NDArray[np.float64]) -> Integers:
    """A token for each row.

    Args:
        told: [rows, vocabulary], log-probabilities.
        temperature: above 0.
        top_p: tokens are drawn from the likeliest ones that have this probability together, and those that are as likely as the last of them.
        chances: [rows], from 0 up to 1: a row and its chance make the token.
    """
    likely = np.exp((told - told.max(axis=1, keepdims=True)) / np.float32(temperature))
    if top_p < 1:
        ascending = np.sort(likely, axis=1)
        below = np.cumsum(ascending, axis=1, dtype=np.float64)
        first = (below <= (1 - top_p) * below[:, -1:]).sum(axis=1, keepdims=True)
        least = np.take_along_axis(ascending, np.minimum(first, likely.shape[1] - 1), axis=1)
        likely = np.where(likely >= least, likely, np.float32(0))
    up_to = np.cumsum(likely, axis=1, dtype=np.float64)
    found: Integers = (up_to > chances[:, None] * up_to[:, -1:]).argmax(axis=1)
    return found


def _closed_up(ended: NDArray[np.bool_]) -> Integers:
    """The rows that have not ended, the last of them in the places of those that have: few move."""
    staying = np.flatnonzero(~ended)
    parents = np.arange(len(staying))
    parents[ended[: len(staying)]] = staying[staying >= len(staying)]
    return parents
