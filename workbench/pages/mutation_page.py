"""The report of a mutation run as one HTML page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mutation.report import Example, Report, lineage
from workbench.pages.mutation_text import MOST_ROWS, key_figures, tables
from workbench.pages.page import details, figure, framed, section
from workbench.pages.plots import bars, clean, funnel, histogram
from workbench.pages.text import Table, percent

_PICTURED: Final = frozenset({"Kinds", "Depths", "Marks", "Modules", "Mutants of a theorem"})
"""Tables that a picture shows already: they can be opened below it."""


def page(report: Report) -> str:
    """The page, as text."""
    title = f"Mutation of {report.library.name}, run {report.counts.run.id}"
    found = {table.title: table for table in tables(report)}
    parts = [
        "<h2>What became of the candidates</h2>",
        f'<div class="plots">{"".join(_overview(report))}</div>',
        *(section(found[name]) for name in ("Stages", "Rejects by class") if name in found),
        "<h2>What was stored</h2>",
        f'<div class="plots">{"".join(_stored(report, found))}</div>',
        *(section(found[name]) for name in found if name not in _PICTURED | {"Stages", "Rejects by class"}),
        *_examples(report),
    ]
    return framed(title, "" if report.complete else "The run is not finished.", key_figures(report), parts)


def _overview(report: Report) -> Iterator[str]:
    yield figure("From candidates to mutants", funnel("funnel", "Candidates that are left", report.funnel))
    times = [(line.name, line.seconds, f"{line.seconds:,.1f} s ({percent(line.share)})") for line in report.stages]
    timed = [row for row in times if row[1]]
    if timed:
        yield figure("Time by stage", bars("time", "Seconds that Lean worked on each stage", timed))
    if report.counts.rejects:
        rejects = [(f"{r.stage}: {r.reason}", r.count, f"{r.count:,}") for r in report.counts.rejects[:MOST_ROWS]]
        yield figure("Rejects by class", bars("rejects", "Candidates that fell out, by stage and reason", rejects))


def _stored(report: Report, found: Mapping[str, Table]) -> Iterator[str]:
    counts = report.counts
    for name, title, values in (
        ("Kinds", "Mutants by the kind of their last step", counts.kinds),
        ("Depths", "Mutants by the number of steps from a theorem", {f"{d}": n for d, n in counts.depths.items()}),
        ("Marks", "Mutants by mark", counts.marks),
        ("Modules", "Mutants by the module of their parent", _largest(counts.modules)),
    ):
        if name in found:
            rows = [
                (label or "(never traced)", n, f"{n:,} ({percent(n / (counts.mutants or 1))})")
                for label, n in values.items()
            ]
            yield figure(title, bars(name.lower(), title, rows), details(found[name]))
    name = "Mutants of a theorem"
    if name in found:
        title = "How many mutants a theorem has"
        picture = histogram("histogram", title, counts.histogram, across="mutants", up="theorems")
        yield figure(title, picture, details(found[name]))


def _largest(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_ROWS])


def _examples(report: Report) -> Iterator[str]:
    if any(report.examples.values()):
        yield "<h2>Examples</h2>"
    for kind, examples in report.examples.items():
        yield f"<h3>{clean(kind.value)}</h3>"
        yield from map(_example, examples)


def _example(example: Example) -> str:
    mutant = example.mutant
    steps = "".join(f"<li>{clean(lineage(step))}</li>" for step in mutant.steps)
    marks = f"<p>Marks: {clean(', '.join(mutant.marks))}</p>" if mutant.marks else ""
    source = f"theorem {mutant.parent}{example.parent}" if example.parent else mutant.parent
    return (
        f"<article><h4>Mutant</h4><pre>theorem {clean(mutant.name + mutant.statement)}</pre>"
        f"<h4>Parent</h4><pre>{clean(source)}</pre><h4>Lineage</h4><ol>{steps}</ol>"
        f"<h4>Proof</h4><pre>{clean(mutant.proof)}</pre>{marks}</article>"
    )
