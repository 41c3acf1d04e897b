"""What a file of predictions comes to.

Replies are read anew, by the rules of this version of the program: a rule that was mended needs no new replies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from random import Random

from prover.countermath.answers import RULES, ExampleCount, example_count
from prover.countermath.metrics import (
    ClassFigures,
    Confusion,
    ExampleShares,
    Interval,
    accuracy,
    class_figures,
    confusion,
    constant,
    example_shares,
    interval,
    macro_f1,
    paper_macro_f1,
    parse_rate,
)
from prover.countermath.predictions import Header, Predictions


@dataclass(frozen=True, slots=True)
class Figures:
    """What cases come to. Shares are from 0 to 1."""

    counts: Confusion
    parse_rate: float
    accuracy: float
    macro_f1: float
    paper_macro_f1: float
    true: ClassFigures
    false: ClassFigures

    @classmethod
    def of(cls, counts: Confusion) -> Figures:
        """All figures of counts of at least one case."""
        by_class = class_figures(counts, True), class_figures(counts, False)
        return cls(counts, parse_rate(counts), accuracy(counts), macro_f1(counts), paper_macro_f1(counts), *by_class)


@dataclass(frozen=True, slots=True)
class Answered:
    """An item that has a reply."""

    item: int
    field: str
    label: bool | None
    answers: Mapping[str, bool | None]
    """By rule."""
    truncated: bool
    examples: ExampleCount | None
    """What the judge found; None where it was not asked, or its reply cannot be read."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report of one run.

    Attributes:
        header: of its file.
        answered: every item with a reply, in order.
        errors: by item, why a reply is missing.
        tokens: read and written by model and judge.
        rules: by rule, the figures of all items with a label and a reply; empty if there is none.
        intervals: by rule and by figure (`accuracy`, `macro_f1`), likewise.
        baselines: by name, those of constant answers on the same items.
        by_field: of the first rule.
        judged: verdicts of the judge.
        truncated_verdicts: those of them that the limit of tokens cut off.
        examples: counts of the verdicts that could be read.
    """

    header: Header
    answered: Sequence[Answered]
    errors: Mapping[int, str]
    tokens: int
    rules: Mapping[str, Figures]
    intervals: Mapping[str, Mapping[str, Interval]]
    baselines: Mapping[str, Figures]
    by_field: Mapping[str, Figures]
    judged: int
    truncated_verdicts: int
    examples: ExampleShares

    @property
    def scored(self) -> int:
        """Items with a label and a reply."""
        return sum(one.label is not None for one in self.answered)

    @property
    def missing(self) -> int:
        """Items without a reply of the model."""
        return self.header.items - len(self.answered)


def make_report(found: Predictions, chance: Random) -> Report:
    """The report of what a file holds; `chance` draws the intervals."""
    answered = [_answered(found, number) for number in sorted(found.answers)]
    cases = [one for one in answered if one.label is not None]
    rules = {rule: Figures.of(_counts(cases, rule)) for rule in RULES if cases}
    fields = sorted({one.field for one in cases})
    leading = next(iter(RULES))
    some = next(iter(rules.values()), None)
    return Report(
        header=found.header,
        answered=answered,
        errors=dict(sorted(found.errors.items())),
        tokens=sum(reply.tokens for reply in (*found.answers.values(), *found.verdicts.values())),
        rules=rules,
        intervals={
            rule: {
                "accuracy": interval(figures.counts, accuracy, chance),
                "macro_f1": interval(figures.counts, macro_f1, chance),
            }
            for rule, figures in rules.items()
        },
        baselines={
            f"always {answer}": Figures.of(constant(some.counts, answer))
            for answer in (True, False)
            if some is not None
        },
        by_field={name: Figures.of(_counts([one for one in cases if one.field == name], leading)) for name in fields},
        judged=len(found.verdicts),
        truncated_verdicts=sum(reply.truncated for reply in found.verdicts.values()),
        examples=example_shares(one.examples for one in answered if one.examples is not None),
    )


def document(report: Report) -> dict[str, object]:
    """The report for machines. Answers and labels are true, false or null."""
    plain = asdict(report)
    return {
        **plain.pop("header"),
        "answered": len(report.answered),
        "scored": report.scored,
        "missing": report.missing,
        "truncated": sum(one.truncated for one in report.answered),
        **{name: value for name, value in plain.items() if name != "answered"},
        "predictions": plain["answered"],
    }


def _answered(found: Predictions, number: int) -> Answered:
    reply = found.answers[number]
    answers = {name: rule(reply.text) for name, rule in RULES.items()}
    verdict = found.verdicts.get(number)
    counts = None if verdict is None else example_count(verdict.text)
    return Answered(number, found.fields[number], found.labels[number], answers, reply.truncated, counts)


def _counts(cases: Sequence[Answered], rule: str) -> Confusion:
    return confusion((one.label, one.answers[rule]) for one in cases if one.label is not None)
