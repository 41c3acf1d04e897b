"""The report of a benchmark run as text: Markdown for a repository, tables for a terminal; and what a comparison says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import RenderableType

from db.records import Outcome
from prover.bench.compare import Difference
from prover.bench.figures import Law
from prover.bench.judgements import Judgements
from prover.bench.report import ProblemResult, Report
from workbench.pages import judgement_text, text
from workbench.pages.judgement_text import shown_rate
from workbench.pages.text import Row, Table, fenced, share_rows

NUMBERS: Final = frozenset(
    {"k", "pass@k", "problems", "proofs", "share", "seconds", "tactics", "measured", "residual", "attempts"}
)
"""Heads of columns that hold numbers."""

ENOUGH_PROBLEMS: Final = 20
"""Of a source, for an interval to be shown: over a handful of problems that all went one way the bootstrap has no width at all."""

OWN_PLACE: Final = frozenset({"errata", "without", "answers", "difficulties", "libraries"})
"""Parts of a run's record that are too long for a table of its settings."""

LONGEST_MESSAGE: Final = 200
"""Of a message in a table for people; JSON has it whole."""


def title(report: Report) -> str:
    """What the report is about."""
    state = f" (not finished: {report.missing:,} attempts to go)" if report.missing else ""
    return f"{report.run.config.get('benchmark')}, run {report.run.id}{state}"


def headline(report: Report) -> list[tuple[str, str]]:
    """What is said of a run when it has ended."""
    return key_figures(report)[:3] if report.judgements is None else judgement_text.headline(report.judgements)


def key_figures(report: Report) -> list[tuple[str, str]]:
    """What a reader wants to know first, as names and values."""
    config, totals = report.run.config, report.totals
    wall = f"{report.wall.total_seconds():,.0f} s" if report.wall else "not finished"
    return [
        *(_proving(report) if report.judgements is None else _deciding(report, report.judgements)),
        ("attempts", ", ".join(f"{totals[outcome]:,} {outcome.value}" for outcome in Outcome)),
        ("search", f"{config.get('search')}, seed {config.get('seed')}"),
        ("generator", str(config.get("generator"))),
        ("budget of an attempt", _budget(config.get("budget"))),
        *_costs(report),
        ("wall clock", wall),
        ("problems from", f"{config.get('benchmark')}, SHA-256 {report.run.library[:16]}…"),
        ("toolchain", report.run.toolchain),
        *text.library_rows(config),
        ("started", f"{report.run.started:%Y-%m-%d %H:%M:%S} UTC"),
    ]


def _proving(report: Report) -> list[tuple[str, str]]:
    """Of problems that are to be proved."""
    unstatable = sum(result.unstatable for result in report.results)
    errata = sum(bool(result.erratum) for result in report.results)
    refuted = len(report.refuted)
    return [
        ("problems proved", f"{len(report.proved)} of {len(report.results)}"),
        *((f"pass@{rate.k}", shown_rate(rate)) for rate in report.rates),
        ("problems that Lean cannot state", str(unstatable)),
        *((f"pass@{rate.k} of those it can state", shown_rate(rate)) for rate in report.stated if unstatable),
        ("problems marked as errata", str(errata)),
        *([("problems shown to be false", str(refuted))] if refuted else []),
        *((f"pass@{rate.k} without them", shown_rate(rate)) for rate in report.sound if errata or refuted),
    ]


def _deciding(report: Report, found: Judgements) -> list[tuple[str, str]]:
    """Of problems that are to be proved or refuted."""
    unstatable = sum(result.unstatable for result in report.results)
    errata = sum(bool(result.erratum) for result in report.results)
    return [
        *judgement_text.headline(found),
        *((f"decided correctly, pass@{rate.k}", shown_rate(rate)) for rate in found.rates if len(found.rates) > 1),
        ("problems without a verdict", f"{found.scores.missing} of {found.scores.problems}"),
        ("of them Lean cannot state", str(unstatable)),
        ("problems marked as errata", str(errata)),
        *((f"decided correctly without them, pass@{rate.k}", shown_rate(rate)) for rate in report.sound if errata),
    ]


def _costs(report: Report) -> list[tuple[str, str]]:
    """Of a race the work of the side that was stopped is not counted, and no sum of tactics would be true."""
    if report.judgements is not None:
        return [("seconds of all attempts", f"{report.seconds:,.0f}, both sides at work")]
    return [
        ("seconds of all attempts", f"{report.seconds:,.0f}, of them {report.lean_seconds:,.0f} tactics in Lean"),
        ("tactics of all attempts", f"{report.tactics:,}"),
        *([("tokens of all attempts", f"{report.tokens:,}")] if report.tokens else []),
    ]


def tables(report: Report) -> list[Table]:
    """All tables but that of the key figures. Empty ones are left out."""
    unstatable = [(r.name, _short(r.message)) for r in report.results if r.unstatable]
    settings = [
        (name, _short(_plain(value))) for name, value in sorted(report.run.config.items()) if name not in OWN_PLACE
    ]
    deciding = report.judgements is not None
    found: list[tuple[str, Row, Sequence[Row]]] = [
        *_rates(report),
        ("Growth with attempts", ("k", "measured", "residual"), _law_rows(report.law)),
        ("Proofs found", ("problem", "seconds", "tactics", "proof"), [_proof_row(r) for r in report.proved]),
        _refutations(report),
        (
            "Never decided" if deciding else "Never solved",
            ("problem", "outcome", "erratum", "why"),
            [_unsolved_row(r) for r in report.unsolved],
        ),
        ("Cannot be stated", ("problem", "why"), unstatable),
        (
            "Rules that made a step",
            ("rule", "proofs", "share"),
            share_rows(report.rules, report.totals[Outcome.proved]),
        ),
        ("Configuration", ("setting", "value"), settings),
    ]
    told = [Table(name, heads, list(rows), NUMBERS | judgement_text.NUMBERS) for name, heads, rows in found if rows]
    overlays = text.overlay_table(report.run.config)
    return [*told, overlays] if overlays.rows else told


def _rates(report: Report) -> list[tuple[str, Row, Sequence[Row]]]:
    if report.judgements is not None:
        return judgement_text.judgement_tables(report.judgements)
    sources = [
        (source, str(count), str(rate.k), shown_rate(rate) if count >= ENOUGH_PROBLEMS else f"{rate.value:.1%}")
        for source, (count, rates) in report.by_source.items()
        for rate in rates
    ]
    return [("By source", ("source", "problems", "k", "pass@k"), sources)]


def _refutations(report: Report) -> tuple[str, Row, Sequence[Row]]:
    if report.judgements is None:
        return "Shown to be false", ("problem", "why"), [(r.name, _short(r.message)) for r in report.refuted]
    rows = [(r.name, f"{r.seconds:,.2f}", _short(r.message), _short(r.refutation or "")) for r in report.refuted]
    return "Refutations found", ("problem", "seconds", "why", "proof"), rows


def law_in_words(law: Law | None) -> str:
    """What a fitted law says and what it does not; empty where none was fitted."""
    if law is None:
        return ""
    most = law.residuals[-1][0]
    words = f"log c = {law.a:.3f} · k^{law.b:.3f}, off by {law.worst:.1%} at most"
    fit = "It fits badly and should not be used" if law.poor else f"What it says beyond k = {most} is extrapolated"
    return f"{words}. {fit}."


def terminal(report: Report) -> RenderableType:
    """The report for a terminal."""
    figures = key_figures(report)
    if words := law_in_words(report.law):
        figures.append(("law of growth", words))
    return text.terminal(title(report), figures, tables(report))


def markdown(report: Report, command: str = "") -> str:
    """The report as Markdown, for `docs/runs/`; `command` is the command line that made the run."""
    parts = text.markdown_head(title(report), command, key_figures(report))
    if words := law_in_words(report.law):
        parts.append(f"Law of growth: {words}")
    for table in tables(report):
        if table.title == "Proofs found":
            parts += ["## Proofs found", *_proofs(report.proved)]
        else:
            parts.append(text.markdown_table(table))
    return "\n\n".join(parts) + "\n"


def compared(found: Difference, first: int, second: int) -> RenderableType:
    """A comparison for a terminal."""
    counts = found.comparison
    figures = [
        (f"{found.measure} by both", str(counts.both)),
        (f"by run {second} alone", f"{counts.gained}: {', '.join(found.gained)}".rstrip(": ")),
        (f"by run {first} alone", f"{counts.lost}: {', '.join(found.lost)}".rstrip(": ")),
        ("by neither", str(counts.neither)),
        ("McNemar's exact test", f"p = {counts.p:.3g}"),
        ("in one run only", f"{found.left_out} problems, left out" if found.left_out else "no problem"),
    ]
    settings = Table("Settings that differ", ("setting", f"run {first}", f"run {second}"), found.differs, frozenset())
    return text.terminal(f"Run {second} against run {first}", figures, [settings] if found.differs else [])


def _proofs(results: Iterable[ProblemResult]) -> list[str]:
    return [f"### {r.name}\n\n{_cost(r)}\n\n{fenced(r.proof or '', 'lean')}" for r in results]


def _cost(result: ProblemResult) -> str:
    share = f", proved {result.outcomes[Outcome.proved]} of {result.attempts} times" if result.attempts > 1 else ""
    tokens = f", {result.tokens:,} tokens" if result.tokens else ""
    return f"{result.seconds:,.2f} s, {result.tactics:,} tactics{tokens}{share}"


def _proof_row(result: ProblemResult) -> Row:
    proof = " ⏎ ".join(line.strip() for line in (result.proof or "").splitlines()[1:])
    return result.name, f"{result.seconds:,.2f}", f"{result.tactics:,}", _short(proof)


def _unsolved_row(result: ProblemResult) -> Row:
    return result.name, result.outcome.value, _short(result.erratum), _short(result.message)


def _law_rows(law: Law | None) -> list[Row]:
    if law is None:
        return []
    return [(str(k), f"{law.coverage(k) + residual:.1%}", f"{residual:+.1%}") for k, residual in law.residuals]


def _budget(budget: object) -> str:
    if not isinstance(budget, dict):
        return ""
    return f"{budget.get('seconds'):g} s, {budget.get('steps'):,} tactics, {budget.get('nodes'):,} goals"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + "…"
