"""The statements of CounterMATH, from the file that the user has.

One JSON object a line, with the fields `statement`, `chinese_statement`, `rationale`, `chinese_rationale`, `field`, `txt` (the
book) and `judgement` (a boolean). A row without `judgement` has a hidden label: it is answered, and not scored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from random import Random

from prover.errors import BadBenchmark
from prover.jsonl import objects_in


class Language(StrEnum):
    """Of the statements and the rationales."""

    en = "en"
    zh = "zh"


COLUMNS: Mapping[Language, tuple[str, str]] = {
    Language.en: ("statement", "rationale"),
    Language.zh: ("chinese_statement", "chinese_rationale"),
}
"""Where a language has its statement and its rationale."""


@dataclass(frozen=True, slots=True)
class Item:
    """A statement to be judged."""

    number: int
    """The line of the file on which it stands, from 1."""
    statement: str
    rationale: str
    """The reference, against which examples are judged; empty where the row has none."""
    field: str
    """Of mathematics; `unknown` where the row does not say."""
    label: bool | None
    """Whether the statement is true; None where that is hidden."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What a file holds.

    Attributes:
        name: of the file.
        digest: SHA-256 of its bytes, in hexadecimal.
        items: in the order of the file.
    """

    name: str
    digest: str
    items: tuple[Item, ...]

    @property
    def duplicates(self) -> int:
        """How many items repeat a statement that stands before them. They are kept."""
        return len(self.items) - len({item.statement for item in self.items})

    @property
    def hidden(self) -> int:
        """How many items have no label."""
        return sum(item.label is None for item in self.items)


def read_benchmark(path: Path, language: Language) -> Benchmark:
    """The benchmark in a JSON Lines file.

    Raises:
        BadBenchmark: the file cannot be read, a line is not what it should be, or there is none.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadBenchmark(f"{path} cannot be read: {error}; give the JSON Lines file of CounterMATH.") from error
    rows = objects_in(path, text, BadBenchmark)
    items = tuple(_item(place, number, row, language) for number, place, row in rows)
    if not items:
        raise BadBenchmark(f"{path} holds no statement; give a file with one JSON object a line.")
    return Benchmark(path.name, hashlib.sha256(content).hexdigest(), items)


def chosen(items: Sequence[Item], limit: int | None, sample: int | None, seed: int) -> tuple[Item, ...]:
    """The first `limit` items, or `sample` of them drawn with the seed, or all. In the order of the file."""
    if sample is not None and sample < len(items):
        return tuple(sorted(Random(seed).sample(list(items), sample), key=lambda item: item.number))
    return tuple(items[:limit])


def _item(place: str, number: int, row: Mapping[str, object], language: Language) -> Item:
    statement, rationale = COLUMNS[language]
    if not _text(place, row, statement):
        other = "" if language is Language.en else ", or choose the other language"
        raise BadBenchmark(f"{place}: there is no `{statement}`; give each row one{other}.")
    label = row.get("judgement")
    if label is not None and not isinstance(label, bool):
        cure = "write true or false without quotes, or leave it out where the label is hidden"
        raise BadBenchmark(f"{place}: `judgement` is {json.dumps(label)[:40]}; {cure}.")
    field = _text(place, row, "field") or "unknown"
    return Item(number, _text(place, row, statement), _text(place, row, rationale), field, label)


def _text(place: str, row: Mapping[str, object], key: str) -> str:
    """A field's text without white space around it; empty where the row has none."""
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise BadBenchmark(f"{place}: `{key}` is {json.dumps(value)[:40]}; write a text.")
    return (value or "").strip()
