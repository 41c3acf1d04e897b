"""The layout of LeanDojo Benchmark 4, as its own script writes it and as ReProver's loaders read it.

::

    corpus.jsonl                         a file of the library a line, imports before importers:
                                         {path, imports: [path], premises: [{full_name, code, start, end, kind}]}
    metadata.json                        {creation_time, from_repo: {url, commit}, leandojo_version, …}
    licenses/                            the license files of the project
    random/{train,val,test}.json         lists of theorems: {url, commit, file_path, full_name, start, end,
    novel_premises/{train,val,test}.json   traced_tactics: [{tactic, annotated_tactic, state_before, state_after}]}

Places are `[line, column]`, both counted from 1; texts have no comments; the kind of a premise is the name of its syntax in LeanDojo's code; an annotated tactic is its text with `<a>…</a>` around each premise, and a list
of `{full_name, def_path, def_pos, def_end_pos}`. Source: LeanDojo 4.20.0, `scripts/generate-benchmark-lean4.ipynb`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from db.export.declarations import is_declared, place_of_keyword, uncommented
from db.export.folder import Sink
from db.export.sft import NO_GOALS, distinct
from db.records import Module, Position, Premise, PremiseUse, Span, TacticStep, Theorem

FORMAT_VERSION = "4.20.0"
"""The release of LeanDojo whose layout this is."""

_OWN_PACKAGES = {
    "Init": "lean4/src/lean",
    "Std": "lean4/src/lean",
    "Lean": "lean4/src/lean",
    "Lake": "lean4/src/lean/lake",
}


class Paths:
    """Where modules lie, as LeanDojo writes it: those of the library by their paths, others below `.lake/packages`."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self._own = {module.name: module.path or _source(module.name) for module in modules}

    def __contains__(self, module: str) -> bool:
        return module in self._own

    def __getitem__(self, module: str) -> str:
        """The path of any module."""
        if module in self._own:
            return self._own[module]
        package = module.partition(".")[0]
        return f".lake/packages/{_OWN_PACKAGES.get(package, package.lower())}/{_source(module)}"


def _source(module: str) -> str:
    return f"{module.replace('.', '/')}.lean"


@dataclass(frozen=True, slots=True)
class Origin:
    """What the records of a benchmark say about where they come from: an address, and a version of what is there."""

    url: str
    commit: str


@dataclass(slots=True)
class Dropped:
    """Tactics that are left out, as LeanDojo's script leaves them out."""

    without_goal: int = 0
    focused: int = 0
    """Those whose text has a `·`."""


def theorem_record(
    theorem: Theorem, steps: Sequence[TacticStep], paths: Paths, origin: Origin, dropped: Dropped
) -> dict[str, Any]:
    """A theorem with its tactics as the files of a split have it. `theorem.span` must be known."""
    assert theorem.span is not None
    tactics = []
    for step in distinct(steps):
        if step.before == NO_GOALS:
            dropped.without_goal += 1
        elif "·" in step.tactic:
            dropped.focused += 1
        else:
            tactics.append(
                {
                    "tactic": uncommented(step.tactic).text,
                    "annotated_tactic": annotated(step, paths),
                    "state_before": step.before,
                    "state_after": step.after,
                }
            )
    return {
        "url": origin.url,
        "commit": origin.commit,
        "file_path": paths[theorem.module],
        "full_name": theorem.name,
        "start": place(_keyword(theorem, theorem.span)),
        "end": place(theorem.span.end),
        "traced_tactics": tactics,
    }


def _keyword(theorem: Theorem, span: Span) -> Position:
    """Where the word `theorem` stands: LeanDojo counts doc comment, attributes and modifiers not as a part of a theorem."""
    before = (theorem.code or "")[: place_of_keyword(theorem.code or "")]
    lines = before.split("\n")
    column = len(lines[-1]) + (span.start.column if len(lines) == 1 else 0)
    return Position(span.start.line + len(lines) - 1, column)


def annotated(step: TacticStep, paths: Paths) -> list[Any]:
    """A tactic with `<a>…</a>` around its premises, and what these are.

    As in LeanDojo, a premise counts only if it is known where it is defined, and one that overlaps the one before does not.
    """
    tactic = uncommented(step.tactic)
    text: list[str] = []
    provenances: list[dict[str, Any]] = []
    done = 0
    for use in sorted(step.premises, key=lambda use: (use.start, use.end)):
        start, end = tactic.place(use.start), tactic.place(use.end)
        if use.defined is None or start < done:
            continue
        text += [tactic.text[done:start], "<a>", tactic.text[start:end], "</a>"]
        provenances.append(_provenance(use, use.defined, paths))
        done = end
    return ["".join([*text, tactic.text[done:]]), provenances]


def _provenance(use: PremiseUse, defined: Span, paths: Paths) -> dict[str, Any]:
    return {
        "full_name": use.name,
        "def_path": paths[use.module],
        "def_pos": place(defined.start),
        "def_end_pos": place(defined.end),
    }


def place(position: Position) -> list[int]:
    """A position as LeanDojo counts: line and column from 1."""
    return [position.line, position.column + 1]


def premises_of(theorem: Theorem, steps: Sequence[TacticStep]) -> set[str]:
    """The names that statement and proof of a theorem refer to, itself apart."""
    return {*theorem.constants, *(use.name for step in steps for use in step.premises)} - {theorem.name}


def premise_record(premise: Premise) -> dict[str, Any]:
    """A premise as a line of the corpus has it."""
    return {
        "full_name": premise.name,
        "code": uncommented(premise.code).text.strip(),
        "start": place(premise.span.start),
        "end": place(premise.span.end),
        "kind": "lemma" if premise.kind == "lemma" else "commanddeclaration",
    }


def import_order(modules: Sequence[Module], outside: Iterable[str]) -> list[Module]:
    """The library's modules and those outside of it that its tactics refer to: imports first, else by name.

    That is the reverse of a topological order of the graph from importer to imported.
    """
    import networkx as nx

    graph = nx.DiGraph()
    known = {**{name: Module(name, "") for name in outside}, **{module.name: module for module in modules}}
    graph.add_nodes_from(known)
    graph.add_edges_from((name, module.name) for module in modules for name in module.imports if name in known)
    return [known[name] for name in nx.lexicographical_topological_sort(graph)]


def corpus_lines(ordered: Sequence[Module], paths: Paths, premises: Mapping[str, Iterable[bytes]]) -> Iterator[str]:
    """One line a module: where it lies, what it imports of the other lines, and its premises, which are JSON already."""
    listed = {module.name for module in ordered}
    for module in ordered:
        imports = json.dumps([paths[name] for name in sorted(module.imports) if name in listed], ensure_ascii=False)
        own = ", ".join(record.decode() for record in premises.get(module.name, ()))
        yield f'{{"path": {json.dumps(paths[module.name], ensure_ascii=False)}, "imports": {imports}, "premises": [{own}]}}'


def metadata(name: str, created: str, origin: Origin, seed: int) -> str:
    """The text of metadata.json."""
    document = {
        "dataset_name": name,
        "creation_time": created,
        "from_repo": {"url": origin.url, "commit": origin.commit},
        "leandojo_version": FORMAT_VERSION,
        "generator": "LemmaForge",
        "seed": seed,
    }
    return json.dumps(document, ensure_ascii=False)


class Spool:
    """Records on disk in a temporary file without a name, to be read in another order than they came in."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  -- closed by __exit__
        self._starts = [0]
        self._read = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._starts) - 1

    def append(self, record: object) -> int:
        """Keeps a record as JSON, and returns its number."""
        if self._read:
            self._file.seek(self._starts[-1])
            self._read = False
        self._starts.append(self._starts[-1] + self._file.write(json.dumps(record, ensure_ascii=False).encode()))
        return len(self._starts) - 2

    def __getitem__(self, number: int) -> bytes:
        """The JSON of a record."""
        start, end = self._starts[number : number + 2]
        self._read = True
        self._file.seek(start)
        return self._file.read(end - start)


@dataclass(slots=True)
class TheoremSpool:
    """Theorems as records on disk, and of each the premises that it uses, as numbers in memory."""

    records: Spool
    paths: Paths
    origin: Origin
    premises: list[tuple[int, ...]] = field(default_factory=list)
    dropped: Dropped = field(default_factory=Dropped)
    tactics: int = 0
    outside: set[str] = field(default_factory=set)
    """Modules beyond the library in which a premise is defined."""
    unplaced: int = 0
    """Theorems without a place in a source file, which are left out."""
    undeclared: int = 0
    """Theorems that no `theorem` or `lemma` declares, such as fields of structures: LeanDojo has only those."""
    _numbers: dict[str, int] = field(default_factory=dict)

    def append(self, theorem: Theorem, steps: Sequence[TacticStep]) -> None:
        """Adds a theorem."""
        if theorem.span is None:
            self.unplaced += 1
            return
        if theorem.code is not None and not is_declared(theorem.code):
            self.undeclared += 1
            return
        record = theorem_record(theorem, steps, self.paths, self.origin, self.dropped)
        self.tactics += len(record["traced_tactics"])
        self.records.append(record)
        numbers = self._numbers
        names = sorted(premises_of(theorem, steps))
        self.premises.append(tuple([numbers.setdefault(name, len(numbers)) for name in names]))
        uses = (use for step in steps for use in step.premises if use.defined is not None)
        self.outside.update(use.module for use in uses if use.module not in self.paths)

    def write(self, numbers: Iterable[int], sink: Sink) -> None:
        """Writes the theorems with these numbers as one JSON list."""
        before = b"["
        for number in numbers:
            sink.write(before + self.records[number])
            sink.rows += 1
            before = b", "
        sink.write(b"]" if sink.rows else b"[]")
