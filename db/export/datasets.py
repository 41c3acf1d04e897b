"""Data sets of mutants out of a store: JSON Lines, Parquet, a project of Lean files."""

from __future__ import annotations

from itertools import chain

from db.export import jsonl, lean_files, parquet
from db.export.card import Card
from db.export.order import Order
from db.names import chunks

ROOT = "Mutants"
"""The module that imports all others of a project."""

COLUMNS = (
    "A record is a mutant: a theorem made from one of the library by the steps of its `lineage`, and checked by Lean's kernel. "
    "`theorem NAME` + statement + ` := ` + proof is a declaration that Lean accepts behind its imports. Columns: "
    + ", ".join(f"`{column}`" for column in jsonl.COLUMNS)
    + "."
)


def export_jsonl(order: Order) -> Card:
    """Writes `mutants.jsonl`.

    Raises:
        StoreError: the store cannot be read, or does not hold what was asked for (ExportError), or writing failed.
    """
    card = order.card("Mutants of Lean theorems, JSON Lines", COLUMNS)
    chosen = order.mutants(card)
    lines = chain.from_iterable(
        jsonl.lines(card.mutants.counted(mutants), source.library.imports) for source, mutants in chosen
    )
    with order.draft() as draft:
        order.count(draft.write_lines("mutants.jsonl", lines), chosen.total)
        card.write(draft)
    return card


def export_parquet(order: Order, *, row_group: int = parquet.ROW_GROUP) -> Card:
    """Writes `mutants.parquet`.

    Raises:
        PackageMissing: pyarrow is not installed.
        StoreError: as of `export_jsonl`.
    """
    parquet.pyarrow()
    card = order.card("Mutants of Lean theorems, Parquet", COLUMNS)
    chosen = order.mutants(card)
    with order.draft() as draft:
        with draft.open("mutants.parquet") as sink:
            table = parquet.Table(sink, row_group=row_group)
            written = chain.from_iterable(
                table.append(card.mutants.counted(mutants), source.library.imports) for source, mutants in chosen
            )
            order.count(written, chosen.total)
            table.close()
        card.write(draft)
    return card


def export_lean(order: Order, *, per_file: int = 100) -> Card:
    """Writes a Lean project with `per_file` mutants to a file.

    Raises:
        StoreError: as of `export_jsonl`.
    """
    card = order.card(
        "Mutants of Lean theorems, Lean files",
        f"A file holds up to {per_file} mutants. `lemma lean run OUT/Mutants/*.lean` checks them, `lemma trace OUT` traces "
        "them.",
    )
    chosen = order.mutants(card)
    files = 0
    with order.draft() as draft:
        for source, mutants in chosen:
            for part in chunks(card.mutants.counted(mutants), per_file):
                declarations = [mutant.declaration for mutant in part]
                lean_files.write_part(draft, ROOT, files, source.library.imports, declarations)
                files += 1
                order.told(card.mutants.mutants, chosen.total)
        lean_files.write_project(draft, card, ROOT, files)
        card.write(draft)
    return card
