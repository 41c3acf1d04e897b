"""The report of a benchmark run as one HTML page."""

from __future__ import annotations

from collections.abc import Iterator

from db.records import Outcome
from prover.bench.report import Report
from workbench.pages.bench_text import key_figures, law_in_words, tables, title
from workbench.pages.judgement_text import alarm, shown_rate
from workbench.pages.page import figure, framed, section
from workbench.pages.plots import bars, clean, curve


def page(report: Report) -> str:
    """The page, as text."""
    words = law_in_words(report.law)
    parts = [
        f'<div class="plots">{"".join(_figures(report))}</div>',
        f"<p>Law of growth: {clean(words)}</p>" if words else "",
        *map(section, tables(report)),
    ]
    unfinished = f"The run is not finished: {report.missing:,} attempts to go." if report.missing else ""
    contradictions = alarm(report.judgements.contradictions) if report.judgements is not None else ""
    note = " ".join(filter(None, (contradictions and f"CONTRADICTIONS: {contradictions}.", unfinished)))
    return framed(title(report), note, key_figures(report), parts)


def _figures(report: Report) -> Iterator[str]:
    group, done = ("source", "proved") if report.judgements is None else ("kind", "decided correctly")
    if report.by_source:
        rows = [
            (f"{source} ({count})", rates[0].value, shown_rate(rates[0]).partition(" (")[0])
            for source, (count, rates) in report.by_source.items()
            if rates
        ]
        caption = f"Share of the problems of each {group} that is {done}"
        yield figure(f"Rate by {group}", bars("sources", caption, rows))
    for name, unit, spent in _costs(report):
        caption = f"Share of all problems {done} within a number of {unit}"
        yield figure(name, curve(unit, caption, {done: report.within(spent)}, across=unit, steps=True))
    if report.law is not None:
        measured = [(float(k), report.law.coverage(k) + residual) for k, residual in report.law.residuals]
        fitted = [(k, report.law.coverage(k)) for k, _ in measured]
        lines = {"measured": measured, "fitted": fitted}
        picture = curve(
            "law", "Coverage after k attempts, measured and fitted", lines, across="attempts (k)", steps=False
        )
        yield figure("Coverage (dashed: the fitted law)", picture)
    if report.rules:
        most = list(report.rules.items())[:20]
        whole = report.totals[Outcome.proved] or 1
        rows = [(rule, count, f"{count} ({count / whole:.0%})") for rule, count in most]
        yield figure("Rules that made a step", bars("rules", "Proofs with a step by each rule", rows))


def _costs(report: Report) -> Iterator[tuple[str, str, list[float | None]]]:
    """Titles, units, and what each problem that was solved cost."""
    solved = [result for result in report.results if result.succeeded]
    if not solved:
        return
    if report.judgements is not None:
        yield "Time to the right verdict", "seconds", [result.seconds for result in solved]
        return
    yield "Time to proof", "seconds", [result.seconds for result in solved]
    yield "Tactics to proof", "tactics", [result.tactics for result in solved]
    if report.tokens:
        yield "Tokens to proof", "tokens", [result.tokens for result in solved]
