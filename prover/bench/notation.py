"""Old notation of Mathlib in benchmark files, written as Mathlib reads it today.

`∑ x in s, f x` was Mathlib's notation for sums over finite sets until 2024, and stands in most copies of miniF2F; Mathlib reads `∑ x ∈ s, f x`, and of `∑ x : T in s` the type belongs to the set. The meaning is the same, the text
is not, so a file is made of a file, and each row keeps what it said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from prover.errors import BadBenchmark
from prover.jsonl import objects_in

_FIELDS: Final = ("formal_statement", "lean4_code", "lean_code")
_BINDER: Final = re.compile(r"(?P<sign>[∑∏])\s*(?P<name>[^\W\d][\w'₀-₉]*)\s*(?::\s*(?P<type>[^,∑∏()]+?))?\s+in\s")
_OPENING: Final = "([{⟨"
_CLOSING: Final = ")]}⟩"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A file in today's notation. `changed`: names of the problems whose text is another."""

    text: str
    rows: int
    changed: tuple[str, ...]


def modern(statement: str) -> str:
    """A statement with its sums and products over finite sets in today's notation."""
    found = _BINDER.search(statement)
    if found is None:
        return statement
    start = found.end()
    end = _end_of_set(statement, start)
    members = statement[start:end]
    if found["type"]:
        members = f"({members} : Finset {_argument(found['type'])})"
    head = f"{statement[: found.start()]}{found['sign']} {found['name']} ∈ {members}"
    return head + modern(statement[end:])


def _argument(type_: str) -> str:
    return f"({type_})" if " " in type_ else type_


def _end_of_set(text: str, start: int) -> int:
    """Where the comma is that ends the set: outside of brackets."""
    depth = 0
    for place in range(start, len(text)):
        if text[place] in _OPENING:
            depth += 1
        elif text[place] in _CLOSING:
            depth -= 1
        elif text[place] == "," and depth == 0:
            return place
    return len(text)


def rewritten(path: Path) -> Rewritten:
    """A benchmark file with its statements in today's notation; what a changed row said is kept as `original_…`.

    Raises:
        BadBenchmark: the file cannot be read, or a line is no JSON object.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadBenchmark(f"{path} cannot be read: {error}; give a file of JSON Lines.") from error
    lines: list[str] = []
    changed: list[str] = []
    for _, place, row in objects_in(path, text, BadBenchmark):
        new = _row(row)
        if new != row:
            changed.append(str(row.get("name") or row.get("problem_id") or place))
        lines.append(json.dumps(new, ensure_ascii=False))
    return Rewritten("".join(line + "\n" for line in lines), len(lines), tuple(changed))


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    new = dict(row)
    for field in _FIELDS:
        value = row.get(field)
        if isinstance(value, str) and modern(value) != value:
            new[field] = modern(value)
            new[f"original_{field}"] = value
    return new
