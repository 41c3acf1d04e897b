"""Training data out of a store: text for continual pre-training, pairs for supervised fine-tuning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice
from typing import TypeVar

from db.export import cpt, sft
from db.export.card import Card
from db.export.declarations import is_declared, proof_of
from db.export.errors import ExportError
from db.export.folder import Draft
from db.export.order import Order, chosen_libraries, count, proofs_of, theorems_of
from db.export.sft import Pair, PromptFormat
from db.records import Mutant, Theorem

Record = TypeVar("Record")


class Content(StrEnum):
    """What a training set is made from."""

    theorems = "theorems"
    mutants = "mutants"
    all = "all"


class Pairs(StrEnum):
    """Which pairs a training set has."""

    tactics = "tactics"
    proofs = "proofs"
    all = "all"


@dataclass(slots=True)
class Material:
    """The records of a training set. They are counted on the card as they are read."""

    order: Order
    card: Card
    content: Content

    def __post_init__(self) -> None:
        if self.content is not Content.mutants:
            self.card.libraries = chosen_libraries(self.order)

    def theorems(self, *, with_proof: bool = False) -> Iterator[Theorem]:
        """Traced theorems whose declaration is known; of those, if that is asked for, the ones with a proof behind `:=`."""
        for theorem in theorems_of(self.order, self.card):
            if not theorem.code:
                count(self.card.left_out, "traced theorems without source text")
            elif not is_declared(theorem.code):
                count(self.card.left_out, "traced theorems that are fields of structures")
            elif with_proof and proof_of(theorem.code) is None:
                count(self.card.left_out, "traced theorems defined by cases")
            else:
                yield theorem

    def mutants(self) -> Iterator[Mutant]:
        """Mutants; none where the store has none and traced theorems are wanted too."""
        if self.content is Content.theorems or (self.content is Content.all and not self.order.store.mutant_count()):
            return
        for _, mutants in self.order.mutants(self.card):
            yield from self.card.mutants.counted(mutants)


def export_cpt(order: Order, content: Content, *, plain: bool = False, shard: int = 100_000) -> Card:
    """Writes `cpt-00000.jsonl` and so on, or `.txt` where `plain`, with `shard` declarations to a file.

    Raises:
        StoreError: the store cannot be read, or does not hold what was asked for (ExportError), or writing failed.
    """
    card = order.card(
        "Lean declarations for continual pre-training",
        "Whole declarations, " + ("with a blank line behind each." if plain else "each an object with the key `text`."),
    )
    material = Material(order, card, content)
    theorems = _counted(material.theorems(), card, "traced theorems")
    texts = chain(cpt.theorem_texts(theorems), cpt.mutant_texts(material.mutants()))
    lines = cpt.text_lines(texts) if plain else cpt.json_lines(texts)
    with order.draft() as draft:
        order.count(_shards(draft, lines, "txt" if plain else "jsonl", shard))
        _refuse_empty(draft)
        card.write(draft)
    return card


def export_sft(order: Order, content: Content, pairs: Pairs, layout: PromptFormat) -> Card:
    """Writes `tactics.jsonl`, from a state to a tactic, and `proofs.jsonl`, from a statement to a proof; no empty file.

    Raises:
        StoreError: as of `export_cpt`.
    """
    if layout is PromptFormat.reprover and pairs is not Pairs.tactics:
        if pairs is Pairs.proofs:
            raise ExportError("ReProver's prompts are for tactics alone; choose another --format, or --pairs tactics.")
        pairs = Pairs.tactics
    card = order.card(
        "Pairs of prompt and completion from Lean proofs",
        f"Prompt format `{layout}`. `tactics.jsonl` leads from a proof state to the next tactic, `proofs.jsonl` from a "
        "statement to its proof.",
    )
    material = Material(order, card, content)
    with order.draft() as draft:
        if pairs is not Pairs.proofs:
            found = _counted(sft.tactic_pairs(proofs_of(order, card)), card, "tactics")
            order.count(_write_pairs(draft, "tactics.jsonl", found, layout))
        if pairs is not Pairs.tactics:
            proved = _counted(sft.theorem_pairs(material.theorems(with_proof=True)), card, "traced theorems")
            found = chain(proved, sft.mutant_pairs(material.mutants()))
            order.count(_write_pairs(draft, "proofs.jsonl", found, layout))
        _refuse_empty(draft)
        card.write(draft)
    return card


def _shards(draft: Draft, lines: Iterator[str], ending: str, shard: int) -> Iterator[int]:
    for number, first in enumerate(lines):
        yield from draft.write_lines(f"cpt-{number:05}.{ending}", chain([first], islice(lines, shard - 1)))


def _write_pairs(draft: Draft, name: str, pairs: Iterable[Pair], layout: PromptFormat) -> Iterator[int]:
    lines = sft.lines(pairs, layout)
    first = next(lines, None)
    if first is not None:
        yield from draft.write_lines(name, chain([first], lines))


def _counted(records: Iterable[Record], card: Card, what: str) -> Iterator[Record]:
    number = 0
    for record in records:
        number += 1
        yield record
    count(card.counts, what, number)


def _refuse_empty(draft: Draft) -> None:
    if not draft.files:
        raise ExportError(
            "Nothing to export: the store has no mutants and no traced theorems of this kind; trace a project with "
            "`lemma trace DIR`, make mutants with `lemma mutate run`, or ask for other pairs or another --content."
        )
