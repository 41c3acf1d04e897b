"""The card of a data set: what it holds, where that comes from, and how to make it again. As JSON and to be read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Any

from db.export.folder import Draft, FileFacts
from db.export.selection import Source
from db.export.tally import DIFFICULTIES, ConjectureTally, Tally
from db.records import Library, Run

HELD_OUT_SHOWN = 20
"""Held-out theorems that CARD.md names; card.json has all of them."""


@dataclass(slots=True)
class Card:
    """What is said about a data set.

    Attributes:
        title: its name, in words.
        description: what a record is; Markdown.
        command: the command line that makes it again, with `STORE` and `OUT` for the places.
        seed: of everything that is random in it.
        sources: the libraries whose mutants or conjectures it has, with the runs that made them.
        libraries: the libraries whose traced theorems it has.
        mutants: its mutants, counted.
        conjectures: its conjectures, counted.
        holdout: theorems that were kept out of it, beside those that the runs held out.
        counts: records of other kinds: traced theorems, tactics, …
        left_out: what is not in it, with the reason as the key.
        notes: what a user should know; Markdown.
        files: its files.
    """

    title: str
    description: str
    command: str
    seed: int
    sources: tuple[Source, ...] = ()
    libraries: tuple[Library, ...] = ()
    mutants: Tally = field(default_factory=Tally)
    conjectures: ConjectureTally = field(default_factory=ConjectureTally)
    holdout: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    files: tuple[FileFacts, ...] = ()

    @property
    def rows(self) -> int:
        """Records: conjectures count once, though several files have them."""
        return self.conjectures.conjectures or sum(file.rows for file in self.files)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "title": self.title,
            "description": self.description,
            "command": self.command,
            "generator": f"lemmaforge {version('lemmaforge')}",
            "seed": self.seed,
            "rows": self.rows,
            "counts": self.counts,
            "mutants": {
                "total": self.mutants.mutants,
                "by_kind": self.mutants.by_kind(),
                "by_depth": {str(depth): n for depth, n in self.mutants.by_depth().items()},
                "by_mark": self.mutants.by_mark(),
            },
            "conjectures": {"total": self.conjectures.conjectures, "by_kind": self.conjectures.by_kind()},
            "left_out": self.left_out,
            "libraries": [_library(library) for library in self.all_libraries()],
            "runs": [_run(run) for source in self.sources for run in source.runs],
            "held_out": self._held_out(),
            "mutants_of_held_out": self.mutants.leaks,
            "conjectures_of_held_out": self.conjectures.leaks,
            "notes": self.notes,
            "files": [
                {"name": file.name, "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256}
                for file in self.files
            ],
        }

    def all_libraries(self) -> tuple[Library, ...]:
        """Those of mutants or conjectures and those of theorems, each once."""
        both = [*(source.library for source in self.sources), *self.libraries]
        return tuple({library.digest: library for library in both}.values())

    def write(self, draft: Draft) -> None:
        """Writes `card.json` and `CARD.md` beside the files of the data set, whose facts it takes over."""
        self.files = draft.files
        draft.write_text("card.json", json.dumps(self.document(), ensure_ascii=False, indent=2) + "\n")
        draft.write_text("CARD.md", self.markdown())

    def markdown(self) -> str:
        """To be read."""
        sections = [
            f"# {self.title}\n\n{self.description}\n",
            "## What it holds\n\n" + _table("records", self._counted()),
        ]
        if self.mutants.mutants:
            sections += [
                _table("mutants of kind", self.mutants.by_kind()),
                _table("mutants of depth", self.mutants.by_depth()),
                _table("mutants with mark", self.mutants.by_mark()),
            ]
        if self.conjectures.conjectures:
            sections.append(self._conjectures_table())
        if self.left_out:
            sections.append("Left out:\n\n" + _table("what", self.left_out))
        sections += [self._files_section(), self._origin_section(), self._hygiene_section()]
        sections.append(
            f"## How to make it again\n\n```sh\n{self.command}\n```\n\nWith the same store, by lemmaforge "
            f"{version('lemmaforge')}. Seed: {self.seed}. Equal stores and options give equal bytes.\n"
        )
        if self.notes:
            sections.append("## Notes\n\n" + "".join(f"- {note}\n" for note in self.notes))
        return "\n".join(sections)

    def _counted(self) -> dict[str, int]:
        made = {"mutants": self.mutants.mutants, "conjectures": self.conjectures.conjectures}
        return {**self.counts, **{what: number for what, number in made.items() if number}}

    def _conjectures_table(self) -> str:
        lines = [
            f"| {' | '.join(('conjectures of kind', 'standing', *DIFFICULTIES))} |",
            "|---|---|" + "---:|" * len(DIFFICULTIES),
        ]
        for kind, standings in self.conjectures.by_kind().items():
            for standing, numbers in standings.items():
                cells = (kind, standing, *(f"{numbers.get(difficulty, 0):,}" for difficulty in DIFFICULTIES))
                lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"

    def _files_section(self) -> str:
        rows = [f"| `{file.name}` | {file.rows:,} | {file.bytes:,} | `{file.sha256}` |" for file in self.files]
        return "\n".join(["## Files\n", "| file | records | bytes | SHA-256 |", "|---|---:|---:|---|", *rows, ""])

    def _origin_section(self) -> str:
        lines = ["## Where it comes from\n"]
        for library in self.all_libraries():
            imports = ", ".join(f"`{module}`" for module in library.imports)
            lines.append(f"- library **{library.name}**, Lean {library.toolchain}, imports {imports or 'nothing'}")
            lines.append(f"  (SHA-256 of its content `{library.digest}`)")
        for run in (run for source in self.sources for run in source.runs):
            config = json.dumps(dict(run.config), ensure_ascii=False, sort_keys=True, default=str)
            ended = f"finished {_date(run.finished)}" if run.finished else "not finished when this was exported"
            shown = config if len(config) <= 2000 else f"{config[:2000]}… (all of it is in card.json)"
            lines.append(f"- run {run.id}, `{run.command}`, started {_date(run.started)}, {ended}: `{shown}`")
        return "\n".join(lines) + "\n"

    def _held_out(self) -> list[str]:
        return sorted({*held_out(self.sources), *self.holdout})

    def _hygiene_section(self) -> str:
        held = self._held_out()
        if not self.sources:
            return "## Hygiene\n\nIt holds no mutants or conjectures, and nothing was held out.\n"
        if not held:
            return "## Hygiene\n\nNo theorem was held out of the runs: it is not safe to test on theorems of the library.\n"
        named = ", ".join(f"`{name}`" for name in held[:HELD_OUT_SHOWN])
        more = f" and {len(held) - HELD_OUT_SHOWN} more (see card.json)" if len(held) > HELD_OUT_SHOWN else ""
        if self.holdout:
            return f"## Hygiene\n\nTheorems that are held out: {len(held)} ({named}{more}). No proof here is of one or mentions one by name, nor does its task.\n"
        return (
            f"## Hygiene\n\nTheorems that the runs held out: {len(held)} ({named}{more}). None of them is among the traced "
            f"theorems here. {self._leaks()}\n"
        )

    def _leaks(self) -> str:
        if self.conjectures.conjectures:
            return f"Conjectures that come from one, or whose proof names one: **{self.conjectures.leaks}**."
        return f"Mutants that come from one or use one as a lemma: **{self.mutants.leaks}**."


def held_out(sources: Sequence[Source]) -> list[str]:
    """The theorems that any run of the sources held out, in the order of names."""
    names: set[str] = set()
    for source in sources:
        for run in source.runs:
            listed = run.config.get("holdout")
            if isinstance(listed, Sequence) and not isinstance(listed, str):
                names.update(map(str, listed))
    return sorted(names)


def _library(library: Library) -> dict[str, Any]:
    return {
        "name": library.name,
        "toolchain": library.toolchain,
        "digest": library.digest,
        "imports": list(library.imports),
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "command": run.command,
        "library": run.library,
        "toolchain": run.toolchain,
        "config": json.loads(json.dumps(dict(run.config), default=str)),
        "started": _date(run.started),
        "finished": _date(run.finished) if run.finished else None,
    }


def _date(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _table(head: str, rows: Mapping[Any, int]) -> str:
    lines = [f"| {head} | number |", "|---|---:|", *(f"| {name} | {n:,} |" for name, n in rows.items())]
    return "\n".join(lines) + "\n"
