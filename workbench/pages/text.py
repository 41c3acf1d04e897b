"""Tables and pieces of code as text: for a terminal, and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from lean_bridge.toolchain.provenance import from_record

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a report. Cells are plain text, whatever they hold; the renderers see to it that nothing in them counts as markup."""

    title: str
    heads: Row
    rows: Sequence[Row]
    numbers: frozenset[str]
    """Heads of the columns that hold numbers."""


def percent(share: float) -> str:
    """A share from 0 to 1 for people; a small one is not shown as none."""
    return f"{share:.1%}" if share >= 0.0005 or share == 0 else f"{share:.3%}"


def share_rows(counts: Mapping[str, int] | Mapping[int, int], whole: int) -> list[Row]:
    """Rows of name, count, and share of the whole."""
    return [(str(name), f"{n:,}", percent(n / whole if whole else 0.0)) for name, n in counts.items()]


def library_rows(config: Mapping[str, object]) -> list[tuple[str, str]]:
    """The figure that names the libraries beyond Lean's own that were at hand in a run; none where there were none."""
    origins = from_record(config)
    return [("libraries", "; ".join(map(str, origins)))] if origins else []


def overlay_table(config: Mapping[str, object]) -> Table:
    """The modules that overlays stood in for, or added to, in the libraries of a run."""
    left_out = {module: text for origin in from_record(config) for module, text in origin.overlays.items()}
    return Table("Overlays", ("module", "leaves out"), sorted(left_out.items()), frozenset())


def terminal(title: str, figures: Sequence[tuple[str, str]], tables: Iterable[Table]) -> RenderableType:
    """A report for a terminal: names and values, then one table below the other."""
    head = RichTable("", "", box=None, show_header=False, pad_edge=False)
    for name, value in figures:
        head.add_row(Text(name, "bold"), Text(value))
    parts: list[RenderableType] = [Text(title, "bold"), head]
    for table in tables:
        grid = RichTable(box=None, pad_edge=False)
        for name in table.heads:
            grid.add_column(name, justify="right" if name in table.numbers else "left", overflow="fold")
        for row in table.rows:
            grid.add_row(*(Text(_line(cell)) for cell in row))
        parts += [Text(""), Text(table.title, "bold"), grid]
    return Group(*parts)


def markdown_head(title: str, command: str, figures: Sequence[tuple[str, str]]) -> list[str]:
    """The title, the command line that made the run (if one is given) and the figures, as paragraphs of Markdown."""
    parts = [f"# {title}"]
    if command:
        parts.append(fenced(command, "sh"))
    return [*parts, _table(("figure", "value"), figures, frozenset({"figure"}))]


def markdown_table(table: Table) -> str:
    """A table below its title, as Markdown. Cells that are not numbers are shown as code."""
    return f"## {table.title}\n\n{_table(table.heads, table.rows, table.numbers)}"


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


def _table(heads: Row, rows: Sequence[Row], plain: frozenset[str]) -> str:
    bar = [("---:" if head in plain - {"figure"} else "---") for head in heads]
    lines = ["| " + " | ".join(cells) + " |" for cells in (heads, bar)]
    for row in rows:
        cells = [cell if head in plain else inline(cell) for head, cell in zip(heads, row, strict=True)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
