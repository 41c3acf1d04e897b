"""What the report of a prove-or-refute run says of its verdicts, as figures and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from prover.bench.figures import Rate
from prover.bench.judgements import ANSWERS, Contradiction, Judgements, Scores
from prover.bench.problems import Answer
from workbench.pages.text import Row

NUMBERS: Final = frozenset(
    {
        *("this run", "always true", "always false", "proved", "refuted", "no verdict"),
        *("decided correctly", "refuted of the false", "proved of the true", "macro-F1"),
    }
)
"""Heads of columns that hold numbers."""

_SHOWN: Final = {"true": "proved", "false": "refuted"}


def headline(found: Judgements) -> list[tuple[str, str]]:
    """What a reader wants to know first."""
    scores, alone = found.scores, found.baselines
    right = f"{scores.right} of {scores.problems}, {shown_rate(found.decided)}"
    constant = ", ".join(f"{said}: {_decimal(alone[said].macro_f1)}" for said in ANSWERS)
    return [
        *([("CONTRADICTIONS", alarm(found.contradictions))] if found.contradictions else []),
        ("macro-F1", f"{_decimal(scores.macro_f1)} over {scores.problems} problems"),
        ("decided correctly", right),
        ("refuted of the false", _of(scores, "false")),
        ("proved of the true", _of(scores, "true")),
        ("macro-F1 of one constant answer", constant),
    ]


def alarm(contradictions: Sequence[Contradiction]) -> str:
    """What contradictions mean, and which there are; empty where there is none."""
    if not contradictions:
        return ""
    each = ", ".join(f"{c.name} ({_SHOWN[c.verdict]}, in the file {c.answer})" for c in contradictions)
    count = f"{len(contradictions)} verdict{'s' if len(contradictions) > 1 else ''}"
    return f"{count} of the kernel against the answer of the file; the answer is wrong or a checker is broken: {each}"


def judgement_tables(found: Judgements) -> list[tuple[str, Row, Sequence[Row]]]:
    """Title, heads and rows of each table."""
    scores = found.scores
    contradictions = [(c.name, c.answer, _SHOWN[c.verdict]) for c in found.contradictions]
    confusion = [
        (answer, *(str(scores.confusion[answer, said]) for said in (*ANSWERS, ""))) for answer in reversed(ANSWERS)
    ]
    heads = ("problems", "decided correctly", "refuted of the false", "proved of the true", "macro-F1")
    return [
        ("Contradictions", ("problem", "answer of the file", "verdict of the kernel"), contradictions),
        ("Prove or refute", ("figure", "this run", "always true", "always false"), _figures(found)),
        ("Answers and verdicts", ("answer", "proved", "refuted", "no verdict"), confusion),
        ("By kind", ("kind", *heads), _groups(found.by_kind)),
        ("By difficulty", ("difficulty", *heads), _groups(found.by_difficulty)),
    ]


def shown_rate(rate: Rate) -> str:
    """A rate with its interval."""
    return f"{rate.value:.1%} (95 % interval {rate.low:.1%} to {rate.high:.1%})"


def _figures(found: Judgements) -> list[Row]:
    columns = (found.scores, *(found.baselines[said] for said in ANSWERS))
    rows: list[Row] = [
        ("macro-F1 over true and false", *(_decimal(scores.macro_f1) for scores in columns)),
        ("macro-F1 with no verdict as a third class", *(_decimal(scores.three_class_macro_f1) for scores in columns)),
        ("accuracy", *(f"{scores.accuracy:.1%}" for scores in columns)),
        ("attempts with a verdict (parse rate)", f"{found.parse_rate:.1%}", "100.0%", "100.0%"),
    ]
    for answer in ANSWERS:
        own = [scores.of(answer) for scores in columns]
        rows += [
            (f"precision of {answer}", *(_decimal(score.precision) for score in own)),
            (f"recall of {answer}", *(_decimal(score.recall) for score in own)),
            (f"F1 of {answer}", *(_decimal(score.f1) for score in own)),
        ]
    return rows


def _groups(groups: Mapping[str, Scores]) -> list[Row]:
    return [
        (name, str(own.problems), str(own.right), _of(own, "false"), _of(own, "true"), _decimal(own.macro_f1))
        for name, own in groups.items()
    ]


def _of(scores: Scores, answer: Answer) -> str:
    own = scores.of(answer)
    return f"{own.right} of {own.problems}"


def _decimal(value: float | None) -> str:
    """A score from 0 to 1; a dash where it is not defined."""
    return "–" if value is None else f"{value:.3f}"
