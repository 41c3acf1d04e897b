"""The report of a run as one HTML page that stands alone: no scripts, nothing from elsewhere, light or dark as the reader likes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from mutation.plots import bars, clean, funnel, histogram
from mutation.report import Example, Report, lineage
from mutation.report_text import MOST_ROWS, NUMBERS, key_figures, percent, tables

TILES: Final = 6
"""How many of the key figures are written large."""

_PICTURED: Final = frozenset({"Kinds", "Depths", "Marks", "Modules", "Mutants of a theorem"})
"""Tables that a picture shows already: they can be opened below it."""

_STYLE: Final = """
:root { color-scheme: light dark; --paper: #fbfaf7; --panel: #fff; --ink: #22252a; --faint: #636872; --line: #d5d1c8; --hair: #ebe8e1; --accent: #2563b0; --flow: #2563b033; }
@media (prefers-color-scheme: dark) { :root { --paper: #14161a; --panel: #1b1e23; --ink: #e4e6ea; --faint: #9aa1ac; --line: #3b4048; --hair: #2a2e35; --accent: #7db4f5; --flow: #7db4f533; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1180px; padding: 20px 16px 60px; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 36px 0 10px; } h3 { font-size: 15px; margin: 22px 0 8px; }
p, figcaption { color: var(--faint); margin: 0 0 8px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 10px; margin: 18px 0; }
.tiles div { background: var(--panel); border: 1px solid var(--hair); border-radius: 10px; padding: 10px 14px; display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.tiles dt { color: var(--faint); font-size: 13px; } .tiles dd { margin: 0; font-size: 22px; font-weight: 650; font-variant-numeric: tabular-nums; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 14px; align-items: start; }
figure { margin: 0; background: var(--panel); border: 1px solid var(--hair); border-radius: 10px; padding: 14px 16px; min-width: 0; }
figcaption { color: var(--ink); font-weight: 650; }
svg { display: block; width: 100%; max-width: 460px; font: 13px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); }
@media (max-width: 480px) { body { padding: 14px 10px 40px; } figure { padding: 12px 10px; } }
.value, .end { text-anchor: end; } .mid { text-anchor: middle; } .value { font-variant-numeric: tabular-nums; } .tick { fill: var(--faint); font-size: 12px; }
.bar { fill: var(--accent); } .track { fill: var(--hair); } .flow { fill: var(--flow); } .grid { stroke: var(--hair); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--hair); vertical-align: top; } th { color: var(--faint); font-weight: 600; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; } td { overflow-wrap: anywhere; }
td:not(.n) { min-width: 7em; } td.code, pre { font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
summary { cursor: pointer; color: var(--accent); padding: 6px 0; } summary:focus-visible { outline: 2px solid var(--accent); }
article { background: var(--panel); border: 1px solid var(--hair); border-radius: 10px; padding: 12px 16px; margin: 0 0 12px; }
pre { background: var(--paper); border: 1px solid var(--hair); border-radius: 8px; padding: 9px 12px; margin: 2px 0 10px; white-space: pre-wrap; overflow-wrap: anywhere; }
article h4 { font-size: 13px; color: var(--faint); margin: 6px 0 2px; font-weight: 600; } ol { margin: 0 0 8px; padding-left: 22px; }
"""


def page(report: Report) -> str:
    """The page, as text."""
    title = f"Mutation of {report.library.name}, run {report.counts.run.id}"
    figures = key_figures(report)
    tiles = "".join(f"<div><dt>{clean(name)}</dt><dd>{clean(value)}</dd></div>" for name, value in figures[:TILES])
    found = {name: (heads, rows) for name, heads, rows in tables(report)}
    state = "" if report.complete else "<p><strong>The run is not finished.</strong></p>"
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        # Whatever a text of Lean holds: nothing is fetched and nothing runs.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{clean(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>",
        f"<h1>{clean(title)}</h1>",
        state,
        f'<dl class="tiles">{tiles}</dl>',
        table("Key figures", ("figure", "value"), figures[TILES:]),
        "<h2>What became of the candidates</h2>",
        f'<div class="plots">{"".join(_overview(report))}</div>',
        *(section(name, *found[name]) for name in ("Stages", "Rejects by class") if name in found),
        "<h2>What was stored</h2>",
        f'<div class="plots">{"".join(_stored(report, found))}</div>',
        *(section(name, *found[name]) for name in found if name not in _PICTURED | {"Stages", "Rejects by class"}),
        *_examples(report),
        "</main>\n</body>\n</html>\n",
    ]
    return "\n".join(filter(None, parts))


def section(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table below its title."""
    return f"<h2>{clean(title)}</h2>\n{table(title, heads, rows)}"


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that scrolls by itself where it is too wide."""
    kinds = [' class="n"' if head in NUMBERS else (' class="code"' if head == "example" else "") for head in heads]
    head = "".join(f'<th scope="col"{kind}>{clean(name)}</th>' for name, kind in zip(heads, kinds, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{clean(cell)}</td>" for cell, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows
    )
    inner = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" role="region" aria-label="{clean(title)}" tabindex="0">{inner}</div>'


def _overview(report: Report) -> Iterator[str]:
    yield _figure("From candidates to mutants", funnel("funnel", "Candidates that are left", report.funnel))
    times = [(line.name, line.seconds, f"{line.seconds:,.1f} s ({percent(line.share)})") for line in report.stages]
    timed = [row for row in times if row[1]]
    if timed:
        yield _figure("Time by stage", bars("time", "Seconds that Lean worked on each stage", timed))
    if report.counts.rejects:
        rejects = [(f"{r.stage}: {r.reason}", r.count, f"{r.count:,}") for r in report.counts.rejects[:MOST_ROWS]]
        yield _figure("Rejects by class", bars("rejects", "Candidates that fell out, by stage and reason", rejects))


def _stored(report: Report, found: dict[str, tuple[Sequence[str], list[Sequence[str]]]]) -> Iterator[str]:
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
            yield _figure(title, bars(name.lower(), title, rows), _details(name, *found[name]))
    name = "Mutants of a theorem"
    if name in found:
        title = "How many mutants a theorem has"
        picture = histogram("histogram", title, counts.histogram, across="mutants", up="theorems")
        yield _figure(title, picture, _details(name, *found[name]))


def _largest(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_ROWS])


def _figure(title: str, picture: str, below: str = "") -> str:
    return f"<figure><figcaption>{clean(title)}</figcaption>{picture}{below}</figure>\n"


def _details(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return f"<details><summary>As a table</summary>{table(title, heads, rows)}</details>"


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
