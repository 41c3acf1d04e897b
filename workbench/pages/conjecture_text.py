"""The report of a run of counterexample tasks as text: Markdown for a repository, tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import RenderableType

from db.records import Conjecture, Standing
from prover.counterexample.report import ConjectureReport, KindCounts
from workbench.pages import text
from workbench.pages.text import Row, Table, fenced, inline, percent

MOST_ROWS: Final = 20
"""Classes of rejects and types of witnesses that tables for people hold; JSON has all."""

DIFFICULTIES: Final = ("easy", "medium", "hard")


def key_figures(report: ConjectureReport) -> list[tuple[str, str]]:
    """What a reader wants to know first, as names and values."""
    run = report.run.run
    counts = report.all.counts
    wall = f"{(run.finished - run.started).total_seconds():,.0f} s" if run.finished else "not finished"
    return [
        ("refuted", f"{counts[Standing.refuted]:,}"),
        ("true after all", f"{counts[Standing.proved]:,}"),
        ("vacuous", f"{counts[Standing.vacuous]:,}"),
        ("open", f"{counts[Standing.open]:,}"),
        ("refuted, of what is not known to be true", share(report.all.refuted_share)),
        ("median time of a search that refuted", seconds(report.all.seconds)),
        ("theorems that conjectures are made of", f"{report.all.parents:,} of {report.run.theorems:,}"),
        ("theorems without a result", f"{len(report.run.failures):,}"),
        ("core-seconds in Lean's stages", f"{report.run.seconds:,.1f}"),
        ("wall clock", wall),
        ("seed", str(run.config.get("seed", "none"))),
        ("library", f"{report.library.name}, {report.library.digest[:16]}"),
        ("toolchain", run.toolchain),
        *text.library_rows(run.config),
        ("started", f"{run.started:%Y-%m-%d %H:%M:%S} UTC"),
    ]


def share(value: float | None) -> str:
    """A share for people; `none` where there is nothing to share."""
    return "none" if value is None else percent(value)


def seconds(value: float | None) -> str:
    """A time for people."""
    return "" if value is None else f"{value:.3f} s"


def tables(report: ConjectureReport) -> list[Table]:
    """The tables of the report."""
    kinds = [_kind_row(kind.value, counts) for kind, counts in report.kinds.items()]
    standings = [standing.value for standing in Standing]
    heads = ("kind of change", "conjectures", *standings, "refuted of not known true", "median", "theorems")
    return [
        Table("By kind", heads, [*kinds, _kind_row("all", report.all)], frozenset(heads[1:])),
        Table(
            "By difficulty",
            ("standing", *DIFFICULTIES),
            [
                (standing.value, *(f"{report.difficulties.get((standing, name), 0):,}" for name in DIFFICULTIES))
                for standing in Standing
            ],
            frozenset(DIFFICULTIES),
        ),
        Table(
            "How it was found out",
            ("standing", "way", "conjectures"),
            [(standing.value, way, f"{n:,}") for (standing, way), n in sorted(report.ways.items())],
            frozenset({"conjectures"}),
        ),
        Table(
            "Types of witnesses",
            ("type", "refutations"),
            [(name, f"{n:,}") for name, n in list(report.witness_types.items())[:MOST_ROWS]],
            frozenset({"refutations"}),
        ),
        Table(
            "Stages",
            ("stage", "entered", "seconds"),
            [(name, f"{stage.entered:,}", f"{stage.seconds:,.1f}") for name, stage in report.run.stages.items()],
            frozenset({"entered", "seconds"}),
        ),
        Table(
            "What fell out",
            ("stage", "reason", "count", "example"),
            [(r.stage, r.reason, f"{r.count:,}", r.example[:120]) for r in report.run.rejects[:MOST_ROWS]],
            frozenset({"count"}),
        ),
    ]


def _kind_row(name: str, counts: KindCounts) -> Row:
    standings = [f"{counts.counts[standing]:,}" for standing in Standing]
    figures = (share(counts.refuted_share), seconds(counts.seconds), f"{counts.parents:,}")
    return (name, f"{counts.total:,}", *standings, *figures)


def terminal(report: ConjectureReport) -> RenderableType:
    """The report for a terminal; without examples."""
    title = f"Counterexample tasks, run {report.run.run.id}"
    return text.terminal(title, key_figures(report), _filled(tables(report)))


def markdown(report: ConjectureReport, command: str) -> str:
    """The report for a repository, with examples."""
    title = f"Counterexample tasks, run {report.run.run.id}"
    parts = text.markdown_head(title, command, key_figures(report))
    parts.append(
        "Of what is open nobody knows whether it is false. The share of the refuted ones counts all of it as not refuted."
    )
    parts += [text.markdown_table(table) for table in _filled(tables(report))]
    if report.examples:
        parts.append("## Examples")
        parts += [_example(one) for one in report.examples]
    return "\n\n".join(parts) + "\n"


def _filled(found: Iterable[Table]) -> list[Table]:
    return [table for table in found if table.rows]


def _example(one: Conjecture) -> str:
    values = ", ".join(f"{witness.name} = {witness.value}" for witness in one.witnesses)
    said = f"{one.kind.value}, {one.standing.value}: {inline(one.detail)}, from {inline(one.parent)}"
    shown = one.claim.removesuffix(" := by sorry") or f"theorem {one.name}{one.statement}"
    proof = f" :=\n  {one.proof}" if one.proof else ""
    return said + (f"; {inline(values)}" if values else "") + "\n\n" + fenced(shown + proof, "lean")
