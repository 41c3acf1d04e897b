"""The report of a run as text: Markdown for a repository, tables for a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from db.records import UnitStatus
from mutation.plots import binned
from mutation.report import Example, Report, lineage

MOST_ROWS: Final = 30
"""Modules, failures and classes of rejects that tables for people hold; JSON has all."""

Row = Sequence[str]


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
        ("started", f"{run.started:%Y-%m-%d %H:%M:%S} UTC"),
        ("units", units),
    ]


def percent(share: float) -> str:
    """A share from 0 to 1 for people; a small one is not shown as none."""
    return f"{share:.1%}" if share >= 0.0005 or share == 0 else f"{share:.3%}"


def share_rows(counts: Mapping[str, int] | Mapping[int, int], whole: int) -> list[Row]:
    """Rows of name, count, and share of the whole."""
    return [(str(name), f"{n:,}", percent(n / whole if whole else 0.0)) for name, n in counts.items()]


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


def tables(report: Report) -> list[tuple[str, Row, list[Row]]]:
    """All tables but that of the key figures: title, heads, rows. Empty ones are left out."""
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
    return [(title, heads, list(rows)) for title, heads, rows in found if rows]


NUMBERS: Final = frozenset(
    {"entered", "of candidates", "fell out", "seconds", "of the time", "count", "mutants", "share", "theorems", "steps"}
)
"""Heads of columns that hold numbers."""


def terminal(report: Report) -> RenderableType:
    """The report for a terminal, one table below the other; texts of Lean are never taken for markup."""
    head = Table("", "", box=None, show_header=False, pad_edge=False)
    for name, value in key_figures(report):
        head.add_row(Text(name, "bold"), Text(value))
    parts: list[RenderableType] = [Text(_title(report), "bold"), head]
    for title, heads, rows in tables(report):
        table = Table(box=None, pad_edge=False)
        for name in heads:
            table.add_column(name, justify="right" if name in NUMBERS else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(_line(cell)) for cell in row))
        parts += [Text(""), Text(title, "bold"), table]
    return Group(*parts)


def markdown(report: Report, command: str = "") -> str:
    """The report as Markdown, for `docs/runs/`.

    Args:
        report: what to say.
        command: the command line that made the run; said first, where it is given.
    """
    parts = [f"# {_title(report)}"]
    if command:
        parts.append(fenced(command, "sh"))
    parts.append(_table(("figure", "value"), key_figures(report)))
    for title, heads, rows in tables(report):
        parts += [f"## {title}", _table(heads, rows)]
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


def fenced(text: str, language: str) -> str:
    """A block of code whose fence is longer than any row of backticks in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def inline(text: str) -> str:
    """A piece of code in a line, whatever it holds; bars are escaped for tables."""
    text = _line(text).replace("|", "\\|")
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    mark = "`" * (longest + 1)
    blank = " " if longest else ""
    return f"{mark}{blank}{text}{blank}{mark}" if text else ""


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _table(heads: Row, rows: Sequence[Row]) -> str:
    plain = frozenset({"figure", *NUMBERS})
    bar = [("---:" if head in NUMBERS else "---") for head in heads]
    lines = ["| " + " | ".join(cells) + " |" for cells in (heads, bar)]
    for row in rows:
        cells = [cell if head in plain else inline(cell) for head, cell in zip(heads, row, strict=True)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
