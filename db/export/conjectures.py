"""Conjectures as a data set: statements that are false, with a counterexample, and statements that are true, with a proof.

====================================  ==============================================================================
`name`                                its own full name
`header`                              what its file begins with: the imports
`formal_statement`                    the declaration, with `by sorry` for its proof
`truth`                               false for a refuted one, true for a proved one; others have `standing` instead
`kind`, `parent`, `place`, `detail`   what was changed, in which theorem, where, and how
`difficulty`                          `easy`, `medium` or `hard`: see `db.records.Conjecture.difficulty`
`canonical`                           32 hexadecimal digits, equal for statements that are the same up to names of variables
`negation`, `refutation`              of a refuted one: the declaration of its negation, and the proof to put for `by sorry`
`witnesses`                           of a refuted one: the values that refute it, each with `name`, `type`, `value`
`proof`                               of a proved one
`split`                               `train`, `val` or `test`, where splits are asked for
====================================  ==============================================================================

`checks.jsonl` has what is proved of each and the proof, in the form that `lemma check --batch` takes.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from db.export import lean_files
from db.export.card import Card, held_out
from db.export.conjecture_choice import SETTLED, ChosenConjectures, ConjectureChoice
from db.export.folder import Draft
from db.export.order import Order, count
from db.export.selection import CONJECTURING, sources_of
from db.export.tally import ConjectureTally
from db.names import chunks
from db.records import Conjecture, Standing

ROOT = "Conjectures"
"""The module that imports all others of the project."""

DESCRIPTION = (
    "A record of `conjectures.jsonl` is a statement made from a theorem by one change that may have made it false. `truth` says "
    "whether it is true; a false one comes with a proof of its negation, a true one with a proof, both checked by Lean's kernel: "
    "put it for `by sorry`. `lemma check --batch OUT/checks.jsonl` judges these proofs again; `Conjectures/` has them as Lean files: `lemma lean run OUT/Conjectures/*.lean` checks them."
)

BALANCE = (
    "Balanced: every kind with every standing has the same number, as far as there are enough of it; within a class easy, medium "
    "and hard ones were taken in turn, at random."
)

DIFFICULTY = (
    "A refuted conjecture is easy when at most 10 evaluations of propositions gave its values, medium up to 100, else hard; hard "
    "too when it took a proof without values. A proved one is easy when a single tactic did it, else hard."
)


def export_conjectures(order: Order, choice: ConjectureChoice, *, per_file: int = 100) -> Card:
    """Writes `conjectures.jsonl`, and a Lean project with the proofs of up to `per_file` conjectures to a file.

    Args:
        order: where from and where to; its `selection` and `libraries` do not matter.
        choice: which conjectures.
        per_file: conjectures to a Lean file.

    Raises:
        StoreError: the store cannot be read, or does not hold what was asked for (ExportError), or writing failed.
    """
    sources = sources_of(order.store, choice.runs, CONJECTURING)
    tally = ConjectureTally(frozenset(held_out(sources)))
    card = Card(
        "Conjectures from Lean theorems, true and false",
        DESCRIPTION,
        order.command,
        choice.seed,
        sources,
        conjectures=tally,
        notes=_notes(choice),
    )
    chosen = ChosenConjectures(order.store, sources, choice)
    with order.draft() as draft:
        if files := _write(order, draft, card, chosen, per_file):
            lean_files.write_project(draft, card, ROOT, files)
        card.write(draft)
    return card


def row(conjecture: Conjecture, imports: Sequence[str], split: str | None) -> dict[str, object]:
    """The record of a conjecture, as JSON can hold it."""
    known = conjecture.standing in SETTLED
    found: dict[str, object] = {
        "name": conjecture.name,
        "header": lean_files.header(imports),
        "formal_statement": conjecture.declaration,
        **({"truth": conjecture.standing is Standing.proved} if known else {"standing": conjecture.standing.value}),
        "kind": conjecture.kind.value,
        "parent": conjecture.parent,
        "place": conjecture.place,
        "detail": conjecture.detail,
        "difficulty": conjecture.difficulty,
        "canonical": conjecture.canonical,
    }
    if conjecture.standing is Standing.refuted:
        values = [{"name": one.name, "type": one.type, "value": one.value} for one in conjecture.witnesses]
        found |= {"negation": conjecture.claim, "refutation": conjecture.proof, "witnesses": values}
    elif conjecture.standing is Standing.proved:
        found["proof"] = conjecture.proof
    if split is not None:
        found["split"] = split
    return found


def check(conjecture: Conjecture, imports: Sequence[str]) -> dict[str, str]:
    """What is proved of a conjecture that is settled, and the proof, as a case for the judge."""
    refuted = conjecture.standing is Standing.refuted
    return {
        "id": conjecture.name,
        "header": lean_files.header(imports),
        "statement": conjecture.claim if refuted else conjecture.declaration,
        "proof": conjecture.proof,
    }


def lean_text(conjecture: Conjecture) -> str:
    """What is proved about a conjecture that is refuted or proved, as a declaration with a comment before it."""
    comment = [
        f"{conjecture.kind} ({conjecture.difficulty}) of {conjecture.parent} at {conjecture.place}: {conjecture.detail}"
    ]
    proved = conjecture.declaration
    if conjecture.standing is Standing.refuted:
        values = ", ".join(f"{one.name} : {one.type} := {one.value}" for one in conjecture.witnesses)
        comment += [f"refuted by {values or 'a proof without values'}", conjecture.declaration]
        proved = conjecture.claim
    # A block comment would end at a `-/` within a statement.
    lines = [f"-- {line}" for text in comment for line in text.splitlines()]
    return "\n".join([*lines, proved.removesuffix("by sorry") + conjecture.proof])


def _write(order: Order, draft: Draft, card: Card, chosen: ChosenConjectures, per_file: int) -> int:
    """Writes the records and the Lean files; how many of the latter there are."""
    files = 0
    with draft.open("conjectures.jsonl") as sink, draft.open("checks.jsonl") as checks:
        for source, conjectures in chosen:
            imports = source.library.imports
            for part in chunks(_counted(conjectures, card, chosen), per_file):
                rows = (row(one, imports, chosen.splits.get(one.parent)) for one in part)
                for _ in sink.write_lines(json.dumps(record, ensure_ascii=False) for record in rows):
                    order.told(sink.rows, chosen.total)
                if settled := [one for one in part if one.standing in SETTLED]:
                    lines = (json.dumps(check(one, imports), ensure_ascii=False) for one in settled)
                    deque(checks.write_lines(lines), maxlen=0)
                    lean_files.write_part(draft, ROOT, files, imports, list(map(lean_text, settled)))
                    files += 1
    if not files:
        draft.remove("checks.jsonl")
    return files


def _counted(conjectures: Iterable[Conjecture], card: Card, chosen: ChosenConjectures) -> Iterator[Conjecture]:
    for one in conjectures:
        card.conjectures.count(one)
        if chosen.splits:
            count(card.counts, f"conjectures of {chosen.splits[one.parent]}")
        yield one


def _notes(choice: ConjectureChoice) -> list[str]:
    notes = [DIFFICULTY]
    if choice.balance:
        notes.append(BALANCE)
    if choice.splits is not None:
        notes.append(
            f"Sizes asked for, in theorems: {choice.splits}. Conjectures of one theorem, and of theorems that state the same, are "
            "in one split."
        )
    return notes
