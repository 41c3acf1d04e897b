"""The report of a CounterMATH run as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import RenderableType

from prover.countermath.metrics import Interval, constant, macro_f1
from prover.countermath.report import Figures, Report
from workbench.pages import text
from workbench.pages.text import Row, Table, percent

NUMBERS: Final = frozenset(
    {"parsed", "accuracy", "macro-F1", "paper's macro-F1", "statements", "precision", "recall", "F1", "true", "false"}
    | {"always True", "answers", "of", "share"}
)
"""Heads of columns that hold numbers."""

SHOWN_ERRORS: Final = 10


def terminal(report: Report) -> RenderableType:
    """The report for a terminal."""
    return text.terminal(title(report), key_figures(report), [table for table in tables(report) if table.rows])


def title(report: Report) -> str:
    """What the report is about."""
    state = f" (not finished: {report.missing:,} without a reply)" if report.missing else ""
    return f"CounterMATH: {report.header.settings.get('model')} on {report.header.benchmark}{state}"


def key_figures(report: Report) -> list[tuple[str, str]]:
    """What was measured, on what, as names and values."""
    header, settings = report.header, report.header.settings
    chosen = {"limit": "the first", "sample": "a sample of"}
    part = next((f"{words} " for key, words in chosen.items() if settings.get(key) is not None), "")
    twice = f", {header.duplicates:,} of them stated before" if header.duplicates else ""
    judge = [("judge", f"{settings['judge_model']}, prompt {_prompt(report, 'judge_')}")] if _has_judge(report) else []
    truncated = sum(one.truncated for one in report.answered)
    return [
        ("statements", f"{part}{header.items:,}{twice}, language {settings.get('language')}"),
        ("from", f"{header.benchmark}, SHA-256 {str(settings.get('items_sha256'))[:16]}…"),
        ("model", f"{settings.get('model')} at {settings.get('base_url')}"),
        ("prompt", _prompt(report, "")),
        (
            "drawing",
            f"temperature {settings.get('temperature')}, {settings.get('max_tokens')} tokens, seed {settings.get('seed')}",
        ),
        *judge,
        ("answered", f"{len(report.answered):,} of {header.items:,}"),
        ("scored", f"{report.scored:,}" + (f"; {header.hidden:,} labels are hidden" if header.hidden else "")),
        ("errors", f"{len(report.errors):,}: not scored, asked again by the same command" if report.errors else "0"),
        ("cut off by the limit of tokens", f"{truncated:,}"),
        ("tokens", f"{report.tokens:,}"),
    ]


def tables(report: Report) -> list[Table]:
    """All tables; some may be empty."""
    shown = {**{f"rule {name}": figures for name, figures in report.rules.items()}, **report.baselines}
    return [
        Table("Judgement", ("", "parsed", "accuracy", "macro-F1", "paper's macro-F1"), _overall(report), NUMBERS),
        Table(
            "By class",
            ("", "class", "statements", "precision", "recall", "F1"),
            [row for name, figures in shown.items() for row in _classes(name, figures)],
            NUMBERS,
        ),
        Table(
            "By field, by our rule, beside the macro-F1 of always True",
            ("field", "statements", "true", "false", "parsed", "accuracy", "macro-F1", "always True"),
            [_field(name, figures) for name, figures in report.by_field.items()],
            NUMBERS,
        ),
        Table("Examples, as the judge counts them", ("", "answers", "of", "share"), _examples(report), NUMBERS),
        Table(
            "Errors",
            ("item", "message"),
            [(f"{n}", words) for n, words in [*report.errors.items()][:SHOWN_ERRORS]],
            NUMBERS,
        ),
    ]


def _has_judge(report: Report) -> bool:
    return "judge_model" in report.header.settings


def _prompt(report: Report, whose: str) -> str:
    settings = report.header.settings
    return f"{settings.get(f'{whose}prompt')}, SHA-256 {str(settings.get(f'{whose}prompt_sha256'))[:16]}…"


def _overall(report: Report) -> list[Row]:
    rows: list[Row] = []
    for name, figures in report.rules.items():
        spread = report.intervals[name]
        rows.append(_row(f"rule {name}", figures, _between(spread["accuracy"]), _between(spread["macro_f1"])))
    return [*rows, *(_row(name, figures) for name, figures in report.baselines.items())]


def _row(name: str, figures: Figures, accuracy: str = "", macro: str = "") -> Row:
    return (
        name,
        percent(figures.parse_rate),
        percent(figures.accuracy) + accuracy,
        percent(figures.macro_f1) + macro,
        percent(figures.paper_macro_f1),
    )


def _between(found: Interval) -> str:
    return f" ({100 * found.low:.1f} to {100 * found.high:.1f})"


def _classes(name: str, figures: Figures) -> list[Row]:
    return [
        (name if label == "True" else "", label, f"{one.support:,}", *map(percent, (one.precision, one.recall, one.f1)))
        for label, one in (("True", figures.true), ("False", figures.false))
    ]


def _field(name: str, figures: Figures) -> Row:
    true, false = figures.true.support, figures.false.support
    shares = (figures.parse_rate, figures.accuracy, figures.macro_f1, macro_f1(constant(figures.counts, True)))
    return (name, f"{true + false:,}", f"{true:,}", f"{false:,}", *map(percent, shares))


def _examples(report: Report) -> Sequence[Row]:
    if not report.judged:
        return []
    found, unread = report.examples, report.judged - report.examples.judged
    shares = [
        ("Examples %: answers with an example", found.with_examples, found.judged),
        ("Strict %: with examples, all consistent", found.strict, found.judged),
        ("Loose %: at least one consistent", found.loose, found.judged),
        ("strict, of the answers with an example", found.strict, found.with_examples),
        ("loose, of the answers with an example", found.loose, found.with_examples),
        ("verdicts of the judge that cannot be read", unread, report.judged),
        ("verdicts cut off by the limit of tokens", report.truncated_verdicts, report.judged),
    ]
    return [(name, f"{part:,}", f"{whole:,}", percent(part / whole) if whole else "") for name, part, whole in shares]
