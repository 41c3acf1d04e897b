"""The report of a mutation run as text: Markdown for a repository, tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import RenderableType

from db.records import UnitStatus
from mutation.report import Example, Report, lineage
from workbench.pages import text
from workbench.pages.plots import binned
from workbench.pages.text import Row, Table, fenced, inline, percent, share_rows

MOST_ROWS: Final = 30
"""Modules, failures and classes of rejects that tables for people hold; JSON has all."""


def key_figures(report: Report) -> list[tuple[str, str]]:
    """What a reader wants to know first, as names and values."""
    counts, run = report.counts, report.counts.run
    units = ", ".join(f"{counts.units.get(status, 0):,} {status.value}" for status in UnitStatus)
    wall = f"{report.wall.total_seconds():,.0f} s" if report.wall else "not finished"
    return [
        ("mutants stored", f"{counts.mutants:,}"),
        ("candidates", f"{report.candidates:,}"),
        ("conversion", percent(report.conversion)),
        ("mutants per core-second", f"{report.rate:,.1f}"),
        ("theorems mutated", f"{counts.theorems:,}"),
        ("theorems without a result", f"{len(counts.failures):,}"),
        ("core-seconds", f"{counts.seconds:,.1f}"),
        ("wall clock", wall),
        ("seed", str(run.config.get("seed", "none"))),
        ("held out", f"{len(report.holdout):,} theorems" if report.holdout else "nothing"),
        ("library", f"{report.library.name}, {report.library.digest[:16]}"),
        ("toolchain", run.toolchain),
        *text.library_rows(run.config),
        ("started", f"{run.started:%Y-%m-%d %H:%M:%S} UTC"),
        ("units", units),
    ]


def module_rows(report: Report) -> list[Row]:
    """The modules with most mutants first; what does not fit is summed up."""
    ordered = sorted(report.counts.modules.items(), key=lambda item: (-item[1], item[0]))
    shown = {name or "(never traced)": n for name, n in ordered[:MOST_ROWS]}
    if rest := ordered[MOST_ROWS:]:
        shown[f"{len(rest)} more"] = sum(n for _, n in rest)
    return share_rows(shown, report.counts.mutants)


def stage_rows(report: Report) -> list[Row]:
    """Rows of stage, candidates that entered, share of all, those that fell out, seconds, and share of the time."""
    return [
        (
            line.name,
            "" if line.entered is None else f"{line.entered:,}",
            "" if line.conversion is None else percent(line.conversion),
            f"{line.rejected:,}",
            f"{line.seconds:,.1f}",
            percent(line.share),
        )
        for line in report.stages
    ]


def tables(report: Report) -> list[Table]:
    """All tables but that of the key figures. Empty ones are left out."""
    counts = report.counts
    whole = counts.mutants
    bins = binned(counts.histogram, MOST_ROWS)
    histogram = [(str(low) if low == high else f"{low} to {high}", f"{n:,}") for low, high, n in bins]
    rejects = [(r.stage, r.reason, f"{r.count:,}", r.example) for r in counts.rejects[:MOST_ROWS]]
    found: list[tuple[str, Row, Iterable[Row]]] = [
        ("Stages", ("stage", "entered", "of candidates", "fell out", "seconds", "of the time"), stage_rows(report)),
        ("Rejects by class", ("stage", "reason", "count", "example"), rejects),
        ("Kinds", ("kind of the last step", "mutants", "share"), share_rows(counts.kinds, whole)),
        ("Depths", ("steps", "mutants", "share"), share_rows(counts.depths, whole)),
        ("Marks", ("mark", "mutants", "share"), share_rows(counts.marks, whole)),
        ("Modules", ("module of the parent", "mutants", "share"), module_rows(report)),
        ("Mutants of a theorem", ("mutants", "theorems"), histogram),
        ("Theorems without a result", ("theorem", "why"), counts.failures[:MOST_ROWS]),
        ("Configuration", ("setting", "value"), report.settings),
    ]
    return [Table(title, heads, list(rows), NUMBERS) for title, heads, rows in found if rows]


NUMBERS: Final = frozenset(
    {"entered", "of candidates", "fell out", "seconds", "of the time", "count", "mutants", "share", "theorems", "steps"}
)
"""Heads of columns that hold numbers."""


def terminal(report: Report) -> RenderableType:
    """The report for a terminal, one table below the other; texts of Lean are never taken for markup."""
    return text.terminal(_title(report), key_figures(report), tables(report))


def markdown(report: Report, command: str = "") -> str:
    """The report as Markdown, for `docs/runs/`.

    Args:
        report: what to say.
        command: the command line that made the run; said first, where it is given.
    """
    parts = text.markdown_head(_title(report), command, key_figures(report))
    parts += map(text.markdown_table, tables(report))
    if any(report.examples.values()):
        parts.append("## Examples")
    for kind, examples in report.examples.items():
        parts.append(f"### {kind.value}")
        parts += [_example(example) for example in examples]
    return "\n\n".join(parts) + "\n"


def _title(report: Report) -> str:
    state = "" if report.complete else " (not finished)"
    return f"Mutation of {report.library.name}, run {report.counts.run.id}{state}"


def _example(example: Example) -> str:
    mutant = example.mutant
    source = fenced(f"theorem {mutant.parent}{example.parent}" if example.parent else mutant.parent, "lean")
    made = "\n".join(f"{i}. {inline(lineage(step))}" for i, step in enumerate(mutant.steps, 1))
    marks = f"\n\nMarks: {', '.join(map(inline, mutant.marks))}" if mutant.marks else ""
    return f"From\n\n{source}\n\nby\n\n{made}\n\nto\n\n{fenced(mutant.declaration, 'lean')}{marks}"
