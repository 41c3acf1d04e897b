"""Rows in the form of CounterMATH, of our own invention."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from prover.countermath.items import Benchmark, Language, read_benchmark

Row = Mapping[str, object]


def row(number: int, judgement: bool | None, field: str = "algebra", **changes: object) -> Row:
    """A row whose statement names its number; without a label for None."""
    made: dict[str, object] = {
        "statement": f"Statement {number}: every set with {number} elements is finite {{so it is}}.",
        "chinese_statement": f"陈述 {number}：每个有 {number} 个元素的集合都是有限集。",
        "rationale": f"Rationale {number}: count them.",
        "chinese_rationale": f"理由 {number}：数一数。",
        "field": field,
        "txt": "a book of ours",
        "judgement": judgement,
        **changes,
    }
    return {key: value for key, value in made.items() if value is not None}


ROWS: Sequence[Row] = [
    *(row(number, True) for number in range(1, 5)),
    *(row(number, False, "topology") for number in range(5, 8)),
    row(8, None),
]
"""Four that are true, three that are false, one with a hidden label."""


def written(folder: Path, rows: Sequence[Row] = ROWS) -> Path:
    """A file of rows."""
    path = folder / "items.jsonl"
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows), encoding="utf-8")
    return path


def benchmark(folder: Path, rows: Sequence[Row] = ROWS, language: Language = Language.en) -> Benchmark:
    """The same, read."""
    return read_benchmark(written(folder, rows), language)
