"""The figures of CounterMATH, as functions of counts.

A case is a label and an answer; an answer is None where the reply could not be read. Shares are from 0 to 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass
from random import Random
from typing import Final

from prover.countermath.answers import ExampleCount

RESAMPLES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many cases have which label and which answer. At least one case."""

    true_as_true: int = 0
    true_as_false: int = 0
    true_unread: int = 0
    false_as_true: int = 0
    false_as_false: int = 0
    false_unread: int = 0

    def labelled(self, label: bool) -> int:
        """Cases of a label."""
        if label:
            return self.true_as_true + self.true_as_false + self.true_unread
        return self.false_as_true + self.false_as_false + self.false_unread

    def answered(self, answer: bool) -> int:
        """Cases with an answer."""
        return self.true_as_true + self.false_as_true if answer else self.true_as_false + self.false_as_false

    def right(self, label: bool) -> int:
        """Cases of a label whose answer is that label."""
        return self.true_as_true if label else self.false_as_false

    @property
    def cases(self) -> int:
        """All of them."""
        return self.labelled(True) + self.labelled(False)

    @property
    def unread(self) -> int:
        """Cases without an answer."""
        return self.true_unread + self.false_unread


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """How well one class is found. A share without a denominator is 0."""

    support: int
    """Cases of that label."""
    precision: float
    """Of the cases that were answered so, those that are so."""
    recall: float
    """Of the cases that are so, those that were answered so; an answer that cannot be read is a miss."""
    f1: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ExampleShares:
    """Counts of answers whose examples were judged.

    The denominator of Examples %, Strict % and Loose % is `judged`, all answers with a verdict that could be read, those without an
    example included: an answer that gives none is neither strict nor loose.
    """

    judged: int
    with_examples: int
    strict: int
    """Answers with an example of which all are consistent with the reference."""
    loose: int
    """Answers of which at least one example is consistent."""


def confusion(cases: Iterable[tuple[bool, bool | None]]) -> Confusion:
    """Counts cases, each a label and an answer."""
    counts = {(label, answer): 0 for label in (True, False) for answer in (True, False, None)}
    for case in cases:
        counts[case] += 1
    return Confusion(*counts.values())


def constant(counts: Confusion, answer: bool) -> Confusion:
    """What the same cases give when every answer is `answer`."""
    true, false = counts.labelled(True), counts.labelled(False)
    if answer:
        return Confusion(true_as_true=true, false_as_true=false)
    return Confusion(true_as_false=true, false_as_false=false)


def class_figures(counts: Confusion, label: bool) -> ClassFigures:
    """Precision, recall and F1 (their harmonic mean, 2·right / (labelled + answered)) of a class."""
    right, labelled, answered = counts.right(label), counts.labelled(label), counts.answered(label)
    return ClassFigures(
        labelled, _share(right, answered), _share(right, labelled), _share(2 * right, labelled + answered)
    )


def macro_f1(counts: Confusion) -> float:
    """The mean of the F1 of True and of False: two classes, whatever the answers are.

    An answer that cannot be read is a miss of its class. Where no case has one of the labels, as in a small field, there is only
    the F1 of the other.
    """
    present = [label for label in (True, False) if counts.labelled(label)]
    return sum(class_figures(counts, label).f1 for label in present) / len(present)


def paper_macro_f1(counts: Confusion) -> float:
    """The macro-F1 of the paper's repository: scikit-learn's `f1_score(average="macro")` with a class for unread answers.

    scikit-learn averages over the classes that occur among labels or answers. No label is "unread", so the F1 of that class is 0,
    and it is averaged in as soon as one answer cannot be read: a model that is right on all others falls from 100 to 66.7. The
    figure is therefore for comparisons with published ones alone, and only at equal parse rates.
    """
    scores = [class_figures(counts, c).f1 for c in (True, False) if counts.labelled(c) or counts.answered(c)]
    return sum(scores) / (len(scores) + bool(counts.unread))


def accuracy(counts: Confusion) -> float:
    """The share of right answers among all cases; one that cannot be read is wrong."""
    return (counts.true_as_true + counts.false_as_false) / counts.cases


def parse_rate(counts: Confusion) -> float:
    """The share of cases whose answer could be read."""
    return 1 - counts.unread / counts.cases


def interval(
    counts: Confusion, figure: Callable[[Confusion], float], chance: Random, *, resamples: int = RESAMPLES
) -> Interval:
    """The percentile bootstrap interval of a figure, over the cases.

    Cases are drawn with replacement; as a figure depends on counts alone, cells are drawn in proportion to them. The interval says
    how much the figure would vary over other statements of the same kind, and nothing of other replies to these.
    """
    weights = astuple(counts)
    draws = (Counter(chance.choices(range(len(weights)), weights, k=counts.cases)) for _ in range(resamples))
    drawn = (Confusion(*(draw[cell] for cell in range(len(weights)))) for draw in draws)
    values = sorted(map(figure, drawn))
    low, high = (values[min(resamples - 1, int(part * resamples))] for part in (0.025, 0.975))
    return Interval(low, high)


def example_shares(counts: Iterable[ExampleCount]) -> ExampleShares:
    """Counts answers by what a judge found in them."""
    found = list(counts)
    return ExampleShares(
        judged=len(found),
        with_examples=sum(count.examples > 0 for count in found),
        strict=sum(0 < count.examples == count.consistent for count in found),
        loose=sum(count.consistent > 0 for count in found),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
