"""Reads an export of lean4export's format 3.1 with the strictness of nanoda's parser, without checking a type.

Run as a program it behaves as `nanoda_bin CONFIG.json` does for what can be seen without a kernel.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

LEVELS: Final = {"succ", "max", "imax", "param"}
EXPRESSIONS: Final = {"bvar", "sort", "const", "app", "lam", "forallE", "letE", "proj", "natVal", "strVal"}
DECLARATIONS: Final = {"axiom", "def", "thm", "opaque", "quot"}


class Reader:
    """The tables that have been read, and how many constants were declared."""

    def __init__(self, permitted: frozenset[str]) -> None:
        self.permitted = permitted
        self.names: list[str] = [""]
        self.levels: list[Any] = ["zero"]
        self.exprs: list[Any] = []
        self.constants: dict[str, str] = {}

    def read(self, text: str) -> int:
        """Reads an export, and says how many constants it declares."""
        first, *rest = map(json.loads, text.splitlines())
        assert first["meta"]["format"]["version"].startswith("3.1")
        for entry in rest:
            self._entry(entry)
        return len(self.constants)

    def _entry(self, entry: Mapping[str, Any]) -> None:
        if "in" in entry:
            part = entry.get("str") or entry["num"]
            prefix, end = self.names[part["pre"]], str(part.get("str", part.get("i")))
            self._add(self.names, entry["in"], f"{prefix}.{end}" if prefix else end)
        elif "il" in entry:
            [key] = entry.keys() & LEVELS
            below = entry[key] if isinstance(entry[key], list) else [entry[key]]
            assert all(i < len(self.names if key == "param" else self.levels) for i in below)
            self._add(self.levels, entry["il"], (key, entry[key]))
        elif "ie" in entry:
            [key] = entry.keys() & EXPRESSIONS
            self._known(entry[key])
            self._add(self.exprs, entry["ie"], (key, json.dumps(entry[key], sort_keys=True)))
        else:
            for name, kind in self._declared(entry):
                assert name not in self.constants, f"{name} is declared twice"
                self.constants[name] = kind

    def _add(self, table: list[Any], number: int, value: object) -> None:
        assert number == len(table), f"{number} does not follow {len(table) - 1}"
        assert value not in table, f"{value} stands there twice"
        table.append(value)

    def _known(self, entry: object) -> None:
        if not isinstance(entry, dict):
            return
        for key in ("type", "body", "value", "fn", "arg", "struct", "rhs"):
            assert entry.get(key, -1) < len(self.exprs), f"{key} comes later"
        if "us" in entry:
            assert all(i < len(self.levels) for i in entry["us"])

    def _declared(self, entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        [(kind, value)] = entry.items()
        block = value["types"] + value["ctors"] + value["recs"] if kind == "inductive" else [value]
        assert kind == "inductive" or kind in DECLARATIONS
        own = {self.names[v["name"]] for v in block}
        for v in block:
            for rule in v.get("rules", ()):
                self._known(rule)
            self._known(v)
            for i in v["levelParams"]:
                assert ("param", i) in self.levels, "a universe parameter is no level"
            for mentioned in self._constants(v):
                assert mentioned in own or mentioned in self.constants, f"{mentioned} is declared later"
            name = self.names[v["name"]]
            if kind == "axiom" and name not in self.permitted:
                raise ValueError(f'export file declares unpermitted axiom "{name}"')
            yield name, kind

    def _constants(self, declaration: Mapping[str, Any]) -> set[str]:
        found: set[str] = set()
        waiting = [declaration[key] for key in ("type", "value") if key in declaration]
        seen: set[int] = set()
        while waiting:
            number = waiting.pop()
            if number in seen:
                continue
            seen.add(number)
            key, text = self.exprs[number]
            entry = json.loads(text)
            if key == "const":
                found.add(self.names[entry["name"]])
            elif key in {"app", "lam", "forallE", "letE", "proj"}:
                waiting += [entry[k] for k in ("type", "body", "value", "fn", "arg", "struct") if k in entry]
        return found


def main(config: Path) -> None:
    """Reads what a configuration of nanoda names."""
    if str(config) == "--help":
        sys.stdout.write("nanoda_bin 0.4.10-stub\n")
        return
    settings = json.loads(config.read_text())
    assert settings["unpermitted_axiom_hard_error"]
    assert settings["nat_extension"]
    assert settings["string_extension"]
    try:
        count = Reader(frozenset(settings["permitted_axioms"])).read(Path(settings["export_file_path"]).read_text())
    except ValueError as error:
        sys.exit(f'"{error}"')
    except AssertionError as error:
        sys.stderr.write(f"thread 'main' panicked: {error}\n")
        sys.exit(101)
    sys.stdout.write(f"Checked {count} declarations with no errors\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
