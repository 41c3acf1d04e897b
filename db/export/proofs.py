"""Proofs that `lemma bench run` found, as a project of Lean files: what they teach a model comes from tracing these.

A statement means what it means behind its own header. Where that only opens namespaces, sets options, declares variables or takes attributes away, it stands in a section with
the declaration, and declarations with the same imports share a file. Any other header (it defines something, or leaves a namespace open) has a file to itself. No namespace is
put around anything: names that the statement or the proof shortens would mean something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from db.export import lean_files
from db.export.card import Card
from db.export.declarations import place_of_proof
from db.export.errors import ExportError
from db.export.mentions import Mentions
from db.export.order import Order, count
from db.export.selection import PROVING, Source, sources_of
from db.records import Outcome, Task

ROOT = "Found"
"""What the modules of the project are below."""

DESCRIPTION = (
    "A record is a theorem with a proof that a run of `lemma bench run` found and the judge accepted: the shortest one of each task, and of those the "
    "earliest. `lemma lean run OUT/Found/*.lean` checks them; `lemma trace OUT` traces them, from where `lemma export sft --pairs tactics --library` takes their tactics."
)

_COMMENT = re.compile(r"/-.*?-/|--[^\n]*", re.DOTALL)
_PASSING = re.compile(r"(?:open|set_option|universe|variable|include|omit)\b|attribute \[(?:-|local )\w+\]")
"""Commands whose effect ends with the section that they are in."""

_THEOREM = re.compile(r"(?:theorem|lemma)\s+([^\s:({\[⦃]*[^\s:({\[⦃.])")
"""A declaration by the bare word, and its name."""


@dataclass(frozen=True, slots=True)
class ProofChoice:
    """Which proofs. Empty tuples choose nothing out.

    Attributes:
        runs: numbers of runs.
        holdout: full names of theorems that no proof may have to do with.
    """

    runs: tuple[int, ...] = ()
    holdout: tuple[str, ...] = ()


def export_proofs(order: Order, choice: ProofChoice, *, per_file: int = 100) -> Card:
    """Writes a Lean project with up to `per_file` proofs to a file.

    Args:
        order: where from and where to; its `selection` and `libraries` do not matter.
        choice: which proofs.
        per_file: proofs to a file.

    Raises:
        StoreError: the store cannot be read, or does not hold what was asked for (ExportError), or writing failed.
    """
    sources = sources_of(order.store, choice.runs, PROVING)
    card = Card("Proofs that were found", DESCRIPTION, order.command, 0, sources, holdout=choice.holdout)
    _introduce(card, order)
    files = proofs = 0
    with order.draft() as draft:
        for part in _parts(_chosen(order, card, choice.holdout), per_file):
            lean_files.write_file(draft, ROOT, files, part.text, part.proofs)
            files += 1
            proofs += part.proofs
            order.told(proofs, None)
        if not proofs:
            why = "every proof was left out" if card.left_out else "no run of `lemma bench run` proved anything"
            raise ExportError(f"Nothing to export: {why}; check --run and --holdout.")
        card.counts = {"proofs": proofs, **card.counts}
        lean_files.write_project(draft, card, ROOT, files, apart=True)
        card.write(draft)
    return card


def _introduce(card: Card, order: Order) -> None:
    """Says what the runs did, and whose proofs these are."""
    accepted = 0
    for run in (run for source in card.sources for run in source.runs):
        outcomes = order.store.outcomes(run.id)
        accepted += outcomes[Outcome.proved]
        count(card.counts, "attempts of the runs", sum(outcomes.values()))
        of = " ".join(f"{key} `{run.config[key]}`," for key in ("generator", "search") if key in run.config)
        card.notes.append(
            f"Run {run.id}: {of} {outcomes[Outcome.proved]:,} of {sum(outcomes.values()):,} attempts accepted."
        )
    count(card.counts, "accepted attempts", accepted)


def _chosen(order: Order, card: Card, holdout: tuple[str, ...]) -> Iterator[tuple[Task, str]]:
    """The shortest proof of each task, if it may be shown and can be put in its place; the card counts the others."""
    held, mentions = frozenset(holdout), Mentions(holdout)
    twins = _twins(card.sources) if held else {}
    tasks = 0
    for task, proof in order.store.shortest_proofs([run.id for source in card.sources for run in source.runs]):
        tasks += 1
        if not held.isdisjoint((task.name, *twins.get(task.digest, ()))):
            count(card.left_out, "proofs of theorems that are held out, or that state the same as one")
        elif any(mentions.first(text) for text in (proof, task.statement, task.header)):
            count(card.left_out, "proofs that mention a theorem that is held out, or whose task does")
        elif place_of_proof(task.statement) is None:
            count(card.left_out, "proofs of statements without a place for a proof (`:=`)")
        else:
            yield task, proof
    # A run that goes on meanwhile may have proved more tasks than were counted.
    further = max(0, card.counts.get("accepted attempts", 0) - tasks)
    count(card.left_out, "further accepted attempts at the same tasks", further)


def _twins(sources: Iterable[Source]) -> Mapping[str, frozenset[str]]:
    """What each task, by digest, was to be proved without: the theorem that it restates, and those that state the same."""
    found: dict[str, frozenset[str]] = {}
    for run in (run for source in sources for run in source.runs):
        without = run.config.get("without")
        for digest, names in (without if isinstance(without, Mapping) else {}).items():
            found[digest] = found.get(digest, frozenset()).union(names)
    return found


def filled(statement: str, proof: str) -> str:
    """A declaration with a proof, in place of its own; the statement has a place for it."""
    place = place_of_proof(statement)
    assert place is not None
    if re.match(r":=|\||where\b", proof):
        return f"{statement[:place].removesuffix(':=').rstrip()}\n  {proof}"
    return f"{statement[:place]} {proof}"


@dataclass(slots=True)
class _Part:
    """A file in the making; of one that several headers share also its imports and the names that it declares."""

    text: str
    imports: str = ""
    proofs: int = 0
    names: set[str] = field(default_factory=set)

    def takes(self, imports: str, name: str, per_file: int) -> bool:
        """Whether there is room for one more."""
        return self.imports == imports and self.proofs < per_file and name not in self.names


def _parts(found: Iterable[tuple[Task, str]], per_file: int) -> Iterator[_Part]:
    """The proofs as files. They come by header, from behind, so that those with the same imports are neighbours."""
    alone: _Part | None = None
    shared: _Part | None = None
    for task, proof in found:
        declaration = filled(task.statement, proof)
        imports, rest = _without_imports(task.header)
        named = _THEOREM.match(task.statement)
        if named is None or not _is_passing(rest):
            open_here = task.header + task.statement
            if alone is not None and alone.text.startswith(open_here):
                # Of the same Lean file as the last one, which stands behind it there: this one is still open.
                alone.text = task.header + declaration + alone.text[len(open_here) :]
                alone.proofs += 1
                continue
            if alone is not None:
                yield alone
            alone = _Part(f"{task.header}{declaration}\n", proofs=1)
            continue
        if shared is None or not shared.takes(imports, named[1], per_file):
            if shared is not None:
                yield shared
            shared = _Part(imports, imports)
        shared.text += f"\nsection\n{rest}\n\n{declaration}\n\nend\n" if rest else f"\n{declaration}\n"
        shared.proofs += 1
        shared.names.add(named[1])
    yield from (part for part in (alone, shared) if part is not None)


def _without_imports(header: str) -> tuple[str, str]:
    """The imports that a header begins with, one a line, and what follows them."""
    lines = header.splitlines()
    end = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("import ")), len(lines))
    imports = "".join(f"{line.strip()}\n" for line in lines[:end] if line.strip())
    return imports, "\n".join(lines[end:]).strip()


def _is_passing(commands: str) -> bool:
    """Whether the end of a section ends the effect of all these commands."""
    lines = _COMMENT.sub("", commands).splitlines()
    return all(_PASSING.match(line) for line in lines if line.strip() and not line[0].isspace())
