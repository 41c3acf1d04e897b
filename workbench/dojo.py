"""Projects traced by LeanDojo, for the store.

What LeanDojo says is kept as it says it, under a library of its own (`algebra@leandojo` beside `algebra`), so that the two can be compared and exported side by side.
LeanDojo knows text: the statement of a theorem is its source, `canonical` a hash of that, and its constants are the identifiers that LeanDojo could tell the meaning of.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from db.records import Library, Module, Position, Premise, PremiseUse, Span, TacticStep, Theorem
from lean_bridge.dojo_project import DojoSource, file_source, folder_source, traced_folder
from lean_bridge.errors import InputError
from lean_bridge.lakefile import read_project
from workbench.tracing import Contents, FailedTrace, TraceReport, digest_of

if TYPE_CHECKING:
    from db.store import Store
    from lean_bridge.toolchain import Progress
    from lean_bridge.toolchain.embedded import EmbeddedToolchain
    from workbench.problems import LeanFile

SUFFIX: Final = "@leandojo"
"""Behind the name of a library that LeanDojo traced."""

_HEAD: Final = re.compile(r"\A(?:theorem|lemma)\s+\S+\s*")
_LAKEFILES: Final = ("lakefile.toml", "lakefile.lean")


async def trace_with_leandojo(
    folder: Path, embedded: EmbeddedToolchain | None, store: Store, progress: Progress
) -> TraceReport:
    """Has LeanDojo trace a project, over the embedded Lean or over the one on PATH, and stores what it says.

    Raises:
        InputError: it is no project that LeanDojo can follow.
        BridgeError: LeanDojo, or its Lean, failed.
    """
    began = time.monotonic()
    records: list[Mapping[str, Any]] = []
    source = folder_source(folder)
    traced = await traced_folder(source, embedded, each=records.append, progress=progress)
    marks = {record["path"]: _mark(traced.folder / record["path"], traced.lean) for record in records}
    name = source.name + SUFFIX
    library = Library(
        name=name,
        toolchain=traced.lean,
        digest=digest_of(name, str(folder), traced.lean, *(f"{path} {mark}" for path, mark in sorted(marks.items()))),
        imports=tuple(module_of(record["path"]) for record in records),
        root=str(folder),
    )
    report = TraceReport(library)
    store.save_library(library)
    known = store.traced_modules(library.digest)
    for record in records:
        module = Module(module_of(record["path"]), marks[record["path"]], record["path"], tuple(record["imports"]))
        report.failed += [FailedTrace(f["name"], f"LeanDojo: {f['message']}", crashed=False) for f in record["failed"]]
        if known.get(module.name) == module.digest:
            report.unchanged.append(module.name)
            continue
        contents = file_contents(module.name, record)
        store.save_module(library.digest, module, contents.theorems, contents.premises, contents.steps)
        report.traced.append(module.name)
        report.theorems += len(contents.theorems)
        report.steps += len(contents.steps)
    report.seconds = time.monotonic() - began
    return report


@dataclass(frozen=True, slots=True)
class DojoFile:
    """A file as LeanDojo can open its theorems."""

    source: DojoSource
    path: str


def dojo_file(file: LeanFile) -> DojoFile:
    """The project that a file belongs to, and the file in it; else a project of the file alone.

    Raises:
        InputError: LeanDojo cannot follow the project.
    """
    path = file.path.resolve()
    for folder in path.parents:
        if any((folder / name).is_file() for name in _LAKEFILES):
            if path in [source.resolve() for source in read_project(folder).files().values()]:
                relative = path.relative_to(folder).as_posix()
                return DojoFile(folder_source(folder, {relative: file.text.encode()}), relative)
            break
    if not re.fullmatch(r"[^\W\d]\w*", path.stem):
        raise InputError(f"{file.path}: LeanDojo needs a file whose name is the name of a module, as in Sums.lean.")
    return DojoFile(file_source(path, file.text), path.name)


def module_of(path: str) -> str:
    """The name of the module with this source."""
    return path.removesuffix(".lean").replace("/", ".")


def _mark(file: Path, lean: str) -> str:
    return hashlib.sha256(f"leandojo {lean} ".encode() + file.read_bytes()).hexdigest()


def file_contents(module: str, record: Mapping[str, Any]) -> Contents:
    """The records of a file, from what `lean_bridge.dojo` tells of it."""
    theorems = [_theorem(module, theorem) for theorem in record["theorems"]]
    premises = [_premise(module, premise) for premise in record["premises"]]
    steps = [
        _step(theorem["name"], index, tactic)
        for theorem in record["theorems"]
        for index, tactic in enumerate(theorem["tactics"])
    ]
    return Contents(tuple(theorems), tuple(premises), tuple(steps))


def _theorem(module: str, record: Mapping[str, Any]) -> Theorem:
    statement = _HEAD.sub("", record["statement"]).removesuffix(":=").strip()
    return Theorem(
        name=record["name"],
        module=module,
        statement=statement,
        canonical=hashlib.blake2b(f"leandojo {statement}".encode(), digest_size=16).hexdigest(),
        kind=record["code"].split(maxsplit=1)[0],
        constants=tuple(sorted(set(record["premises"]) - {record["name"]})),
        span=Span(_position(record["start"]), _position(record["end"])),
        code=record["code"],
    )


def _premise(module: str, record: Mapping[str, Any]) -> Premise:
    span = Span(_position(record["start"]), _position(record["end"]))
    return Premise(record["full_name"], module, record["kind"], record["code"], span)


def _step(theorem: str, index: int, record: Mapping[str, Any]) -> TacticStep:
    return TacticStep(
        theorem=theorem,
        index=index,
        before=record["before"],
        tactic=record["tactic"],
        after=record["after"],
        premises=tuple(_uses(record)),
        span=Span(_position(record["start"]), _position(record["end"])),
    )


def _position(place: Sequence[int]) -> Position:
    """LeanDojo counts columns from 1."""
    return Position(place[0], place[1] - 1)


def _uses(record: Mapping[str, Any]) -> list[PremiseUse]:
    """Where in the text of a tactic its identifiers stand. LeanDojo gives their places in the file, and moves the text and takes comments out of it."""
    text: str = record["tactic"]
    found: list[PremiseUse] = []
    done = 0
    for use in record["uses"]:
        at = _moved(record, use["start"])
        if text[at : at + len(use["text"])] != use["text"] or at < done:
            at = text.find(use["text"], done)
        if at < 0:
            continue
        done = at + len(use["text"])
        defined = use["defined"] and Span(_position(use["defined"][:2]), _position(use["defined"][2:]))
        found.append(PremiseUse(use["name"], at, done, use["module"], defined))
    return found


def _moved(record: Mapping[str, Any], place: Sequence[int]) -> int:
    """How far into the text of a tactic a place of the file is, if there are no comments before it."""
    lines: list[str] = record["source"].split("\n")
    start: Sequence[int] = record["start"]
    line, column, margin = place[0] - start[0], place[1] - 1, start[1] - 1
    if line == 0:
        return column - margin
    removed = [min(margin, len(text) - len(text.lstrip(" "))) for text in lines]
    before = len(lines[0]) + sum(len(text) - gone for text, gone in zip(lines[1:line], removed[1:line], strict=True))
    return before + line + column - removed[line]
