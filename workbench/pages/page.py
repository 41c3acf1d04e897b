"""What every page of a report has: its frame, its style, its tables and its figures.

A page stands alone: no scripts, nothing from elsewhere, light or dark as the reader likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from workbench.pages.plots import clean
from workbench.pages.text import Table

CODE: Final = frozenset({"example", "proof", "statement"})
"""Heads of the columns that hold code."""

TILES: Final = 6
"""How many of the key figures are written large."""

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
.line { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round; } .dashed { stroke-dasharray: 5 4; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--hair); vertical-align: top; } th { color: var(--faint); font-weight: 600; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; } td { overflow-wrap: anywhere; }
td:not(.n) { min-width: 7em; } td.code, pre { font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
summary { cursor: pointer; color: var(--accent); padding: 6px 0; } summary:focus-visible { outline: 2px solid var(--accent); }
article { background: var(--panel); border: 1px solid var(--hair); border-radius: 10px; padding: 12px 16px; margin: 0 0 12px; }
pre { background: var(--paper); border: 1px solid var(--hair); border-radius: 8px; padding: 9px 12px; margin: 2px 0 10px; white-space: pre-wrap; overflow-wrap: anywhere; }
article h4 { font-size: 13px; color: var(--faint); margin: 6px 0 2px; font-weight: 600; } ol { margin: 0 0 8px; padding-left: 22px; }
"""


def framed(title: str, note: str, figures: Sequence[tuple[str, str]], parts: Sequence[str]) -> str:
    """A whole page.

    Args:
        title: of the page.
        note: a sentence in bold below it, such as that the run is not finished; may be empty.
        figures: names and values, the first few of them written large.
        parts: the rest of the page, as HTML.
    """
    tiles = "".join(f"<div><dt>{clean(name)}</dt><dd>{clean(value)}</dd></div>" for name, value in figures[:TILES])
    head = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        # Whatever a text of Lean holds: nothing is fetched and nothing runs.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{clean(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>",
        f"<h1>{clean(title)}</h1>",
        f"<p><strong>{clean(note)}</strong></p>" if note else "",
        f'<dl class="tiles">{tiles}</dl>',
        table(Table("Key figures", ("figure", "value"), figures[TILES:], frozenset())),
    ]
    return "\n".join(filter(None, [*head, *parts, "</main>\n</body>\n</html>\n"]))


def section(shown: Table) -> str:
    """A table below its title."""
    return f"<h2>{clean(shown.title)}</h2>\n{table(shown)}"


def table(shown: Table) -> str:
    """A table that scrolls by itself where it is too wide."""
    kinds = [
        ' class="n"' if head in shown.numbers else (' class="code"' if head in CODE else "") for head in shown.heads
    ]
    head = "".join(f'<th scope="col"{kind}>{clean(name)}</th>' for name, kind in zip(shown.heads, kinds, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{clean(cell)}</td>" for cell, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in shown.rows
    )
    inner = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" role="region" aria-label="{clean(shown.title)}" tabindex="0">{inner}</div>'


def figure(title: str, picture: str, below: str = "") -> str:
    """A picture with its title and what stands below it."""
    return f"<figure><figcaption>{clean(title)}</figcaption>{picture}{below}</figure>\n"


def details(shown: Table) -> str:
    """A table that is to be opened."""
    return f"<details><summary>As a table</summary>{table(shown)}</details>"
