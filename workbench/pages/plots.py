"""Small pictures of counts and shares, as SVG text to stand in a page: bars, a histogram, a funnel and curves.

Each has a title and a description for readers that do not see it, takes its colours from the page, and is drawn in units of
about a pixel of a telephone, so that its letters can be read there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

WIDTH: Final = 320
"""Of every picture, in its own units."""

_ROW: Final = 34
_CHARACTERS: Final = 43
"""That fit into a line."""
_BINS: Final = 40


def clean(text: str) -> str:
    """Text that may stand in HTML: escaped, and without the control characters that HTML does not have."""
    return escape("".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text))


def bars(name: str, title: str, rows: Sequence[tuple[str, float, str]]) -> str:
    """Horizontal bars, each below its label.

    Args:
        name: an identifier that no other picture of the page has.
        title: what is shown.
        rows: label, value and the value for people.
    """
    longest = max((value for _, value, _ in rows), default=0) or 1
    parts = []
    for i, (label, value, shown) in enumerate(rows):
        y = i * _ROW
        length = max(WIDTH * value / longest, 1 if value else 0)
        parts.append(
            f'<g><title>{clean(f"{label}: {shown}")}</title><text x="0" y="{y + 14}">{clean(_short(label, shown))}</text>'
            f'<text class="value" x="{WIDTH}" y="{y + 14}">{clean(shown)}</text>'
            f'<rect class="track" x="0" y="{y + 19}" width="{WIDTH}" height="8" rx="3"/>'
            f'<rect class="bar" x="0" y="{y + 19}" width="{length:.1f}" height="8" rx="3"/></g>'
        )
    said = "; ".join(f"{label}: {shown}" for label, _, shown in rows)
    return _svg(name, title, said, max(len(rows), 1) * _ROW, parts)


def funnel(name: str, title: str, steps: Sequence[tuple[str, int]]) -> str:
    """What is left after each step, as centred bars that grow narrower."""
    widest = max((count for _, count in steps), default=0) or 1
    row, height, middle = 58, 24, WIDTH / 2
    parts = []
    for i, (label, count) in enumerate(steps):
        y, half = i * row + 18, max(WIDTH * count / widest / 2, 0.5)
        share = f"{count:,} ({count / widest:.1%})"
        if i + 1 < len(steps):
            below = max(WIDTH * steps[i + 1][1] / widest / 2, 0.5)
            corners = (
                f"{middle - half:.1f},{y + height} {middle + half:.1f},{y + height} "
                f"{middle + below:.1f},{y + row} {middle - below:.1f},{y + row}"
            )
            parts.append(f'<polygon class="flow" points="{corners}"/>')
        parts.append(
            f"<g><title>{clean(f'{label}: {share}')}</title>"
            f'<rect class="bar" x="{middle - half:.1f}" y="{y}" width="{2 * half:.1f}" height="{height}" rx="2"/>'
            f'<text x="0" y="{y - 5}">{clean(_short(label, share))}</text>'
            f'<text class="value" x="{WIDTH}" y="{y - 5}">{share}</text></g>'
        )
    said = "; ".join(f"{label}: {count:,}" for label, count in steps)
    return _svg(name, title, said, len(steps) * row - (row - height - 18) + 4, parts)


def histogram(name: str, title: str, counts: Mapping[int, int], *, across: str, up: str) -> str:
    """How often each number occurs; neighbours share a column where there are many.

    Args:
        name: an identifier that no other picture of the page has.
        title: what is shown.
        counts: how often each number occurs.
        across: what the numbers count.
        up: what the columns count.
    """
    bins = binned(counts)
    highest = max((count for _, _, count in bins), default=0) or 1
    left, top, bottom, plot = 46, 10, 42, 160
    step = (WIDTH - left) / max(len(bins), 1)
    parts = []
    for part in (0.0, 0.5, 1.0):
        y = top + plot * (1 - part)
        parts.append(f'<line class="grid" x1="{left}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick end" x="{left - 5}" y="{y + 4:.1f}">{highest * part:,.0f}</text>')
    labelled = max(1, -(-len(bins) * 30 // (WIDTH - left)))
    for i, (low, high, count) in enumerate(bins):
        x, tall = left + i * step, plot * count / highest
        label = str(low) if low == high else f"{low} to {high}"
        parts.append(
            f"<g><title>{clean(f'{label} {across}: {count:,} {up}')}</title>"
            f'<rect class="bar" x="{x + step * 0.08:.1f}" y="{top + plot - tall:.1f}" width="{step * 0.84:.1f}" height="{tall:.1f}"/></g>'
        )
        if i % labelled == 0:
            parts.append(f'<text class="tick mid" x="{x + step / 2:.1f}" y="{top + plot + 15}">{low}</text>')
    axis = f'<text class="tick mid" x="{(WIDTH + left) / 2}" y="{top + plot + 33}">{clean(across)}</text>'
    said = "; ".join(f"{low if low == high else f'{low} to {high}'}: {count:,}" for low, high, count in bins)
    return _svg(name, title, f"{up} by {across}. {said}", top + plot + bottom, [*parts, axis])


def curve(
    name: str, title: str, lines: Mapping[str, Sequence[tuple[float, float]]], *, across: str, steps: bool
) -> str:
    """Shares, from 0 to 1, over a positive quantity on a logarithmic axis.

    Args:
        name: an identifier that no other picture of the page has.
        title: what is shown.
        lines: for each label its points, from left to right.
        across: what the quantity is.
        steps: whether a share holds until the next point; straight lines otherwise.
    """
    left, top, bottom, plot = 46, 10, 42, 170
    values = [x for points in lines.values() for x, _ in points if x > 0]
    low, high = math.floor(math.log10(min(values, default=1))), math.ceil(math.log10(max(values, default=10)))
    high = max(high, low + 1)

    def place(x: float, share: float) -> tuple[float, float]:
        part = (math.log10(max(x, 10.0**low)) - low) / (high - low)
        return left + (WIDTH - left) * part, top + plot * (1 - share)

    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = place(1.0, share)[1]
        parts.append(f'<line class="grid" x1="{left}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick end" x="{left - 5}" y="{y + 4:.1f}">{share:.0%}</text>')
    for power in range(low, high + 1):
        x, side = place(10.0**power, 0.0)[0], "start" if power == low else "end" if power == high else "mid"
        parts.append(f'<text class="tick {side}" x="{x:.1f}" y="{top + plot + 15}">{10.0**power:g}</text>')
    for number, (label, points) in enumerate(lines.items()):
        corners: list[tuple[float, float]] = []
        for x, share in points:
            if steps and corners:
                corners.append((place(x, 0.0)[0], corners[-1][1]))
            corners.append(place(x, share))
        if steps and corners:
            corners.append((WIDTH, corners[-1][1]))
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
        parts.append(
            f'<polyline class="line{" dashed" if number else ""}" points="{drawn}"><title>{clean(label)}</title></polyline>'
        )
    axis = f'<text class="tick mid" x="{(WIDTH + left) / 2}" y="{top + plot + 33}">{clean(across)}</text>'
    ends = (f"{label}: {points[-1][1]:.1%} at {points[-1][0]:g}" for label, points in lines.items() if points)
    return _svg(name, title, f"{across}. {'; '.join(ends)}", top + plot + bottom, [*parts, axis])


def binned(counts: Mapping[int, int], most: int = _BINS) -> list[tuple[int, int, int]]:
    """Ranges of equal length from 0 to the greatest number, no more than `most`: first, last, and how many there are."""
    if not counts:
        return []
    length = max(counts) // most + 1
    sums = [0] * (max(counts) // length + 1)
    for number, count in counts.items():
        sums[number // length] += count
    return [(i * length, (i + 1) * length - 1, count) for i, count in enumerate(sums)]


def _svg(name: str, title: str, said: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-labelledby="{name}-title {name}-text">'
        f'<title id="{name}-title">{clean(title)}</title><desc id="{name}-text">{clean(said)}</desc>{"".join(parts)}</svg>'
    )


def _short(label: str, beside: str) -> str:
    """A label that fits beside a value; of a long one the ends are kept, since that is where names differ."""
    room = _CHARACTERS - len(beside)
    return label if len(label) <= room else f"{label[: room // 3]}…{label[room // 3 + 1 - room :]}"
