"""A benchmark in the layout of `db.export.leandojo` out of a store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from db.export.card import Card
from db.export.errors import ExportError
from db.export.folder import Draft
from db.export.leandojo import (
    Origin,
    Paths,
    Spool,
    TheoremSpool,
    corpus_lines,
    import_order,
    metadata,
    premise_record,
)
from db.export.order import Order, chosen_libraries, count
from db.export.splits import Sizes, Split, novel_premises_split, random_split
from db.records import Library, Module, TacticStep, Theorem

DESCRIPTION = (
    "The layout of LeanDojo Benchmark 4: `corpus.jsonl` has a module a line, imports first; `random/` and `novel_premises/` have "
    "the theorems, with their tactics, in train, val and test. Field names and types are those of the original."
)

NOTES = (
    "As in LeanDojo, tactics that start without a goal and tactics with a `·` are left out, repeated ones of a theorem too.",
    "In `novel_premises`, each theorem of val and test uses a premise, in statement or tactics, that no theorem of train uses.",
    "Val and test of `novel_premises` may share premises: train on train alone. Test can be larger than asked for.",
    "Beyond what LeanDojo lists, the corpus has constructors, fields and what attributes and `deriving` declare.",
    "Modules outside of the library have a line in the corpus, without premises, if a tactic refers to something in them.",
)


UNDATED = "unknown"


def export_leandojo(order: Order, sizes: Sizes, *, url: str | None = None, commit: str | None = None) -> Card:
    """Writes `corpus.jsonl`, `metadata.json`, `licenses/` and the two ways to split.

    Args:
        order: its `libraries` must name one library, unless just one has theorems with a place in a source.
        sizes: of the splits.
        url: where the records say that they come from; the name of the library where it is None.
        commit: of which version; the library's digest where it is None.

    Raises:
        StoreError: the store cannot be read, or does not hold what was asked for (ExportError), or writing failed.
    """
    library = _library(order)
    card = Card("A benchmark in the layout of LeanDojo", DESCRIPTION, order.command, order.selection.seed)
    card.libraries, card.notes = (library,), list(NOTES)
    modules = list(order.store.modules(library.digest))
    where = Origin(url or library.name, commit or library.digest)
    with Spool() as records, Spool() as premises, order.draft() as draft:
        theorems = TheoremSpool(records, Paths(modules), where)
        for theorem, steps in all_theorems(order, library):
            theorems.append(theorem, steps)
        splits = _splits(theorems, sizes, order.selection.seed)
        _write_corpus(order, draft, library, modules, theorems, premises)
        _write_splits(order, draft, splits, theorems)
        _fill_card(card, theorems, splits, sizes, len(premises))
        created = _latest_date(order, library)
        draft.write_text("metadata.json", metadata(library.name, created, where, order.selection.seed))
        _write_licenses(draft, library)
        card.write(draft)
    return card


def all_theorems(order: Order, library: Library) -> Iterator[tuple[Theorem, Sequence[TacticStep]]]:
    """The traced theorems of a library with their tactic steps: first those that have some, then the others."""
    seen: set[str] = set()
    for theorem, steps in order.store.steps(library.digest):
        seen.add(theorem.name)
        yield theorem, steps
    for theorem in order.store.theorems(library.digest):
        if theorem.name not in seen:
            yield theorem, ()


def _library(order: Order) -> Library:
    chosen = chosen_libraries(order)
    if not order.libraries and len(chosen) > 1:
        chosen = tuple(library for library in chosen if library.root is not None)
    if not chosen:
        raise ExportError("The store has no traced library; trace the folder of a project with `lemma trace DIR`.")
    if len(chosen) > 1:
        named = ", ".join(f"{library.name} ({library.digest[:12]})" for library in chosen)
        raise ExportError(f"The store has several libraries; choose one with --library: {named}.")
    return chosen[0]


def _splits(theorems: TheoremSpool, sizes: Sizes, seed: int) -> dict[str, Split]:
    total = len(theorems.records)
    if not total:
        raise ExportError(
            "No theorem of the library has a place in a source file; trace the folder of a project with `lemma trace DIR`, "
            "and choose it with --library."
        )
    val, test = sizes.val.of(total), sizes.test.of(total)
    return {
        "random": random_split(total, val, test, seed),
        "novel_premises": novel_premises_split(theorems.premises, val, test, seed),
    }


def _write_corpus(
    order: Order, draft: Draft, library: Library, modules: list[Module], theorems: TheoremSpool, premises: Spool
) -> None:
    numbers: dict[str, list[int]] = {}
    for premise in order.store.premises(library.digest):
        numbers.setdefault(premise.module, []).append(premises.append(premise_record(premise)))
    ordered = import_order(modules, theorems.outside)
    found = {module: (premises[number] for number in own) for module, own in numbers.items()}
    order.count(draft.write_lines("corpus.jsonl", corpus_lines(ordered, theorems.paths, found)))


def _write_splits(order: Order, draft: Draft, splits: Mapping[str, Split], theorems: TheoremSpool) -> None:
    done = 0
    for strategy, split in splits.items():
        for name, numbers in split.parts().items():
            with draft.open(f"{strategy}/{name}.json") as sink:
                theorems.write(numbers, sink)
            done += len(numbers)
            order.told(done, len(splits) * len(theorems.records))


def _write_licenses(draft: Draft, library: Library) -> None:
    """The terms of the project whose text the records hold, as its folder states them now."""
    if texts := [file.read_text(encoding="utf-8", errors="replace") for file in _license_files(library)]:
        draft.write_text(f"licenses/{library.name}", "\n\n".join(texts))
        told = f"`{library.name}` is the license of {library.name}, from whose source files the records come."
    else:
        told = f"The folder of {library.name} has no license file: ask its authors before you pass the records on."
    draft.write_text("licenses/README.md", told + "\n")


def _license_files(library: Library) -> list[Path]:
    if library.root is None:
        return []
    names = ("LICENSE", "LICENCE", "COPYING", "NOTICE")
    files = Path(library.root).glob("*")
    return sorted(file for file in files if file.is_file() and file.name.upper().startswith(names))


def _fill_card(card: Card, theorems: TheoremSpool, splits: Mapping[str, Split], sizes: Sizes, premises: int) -> None:
    card.counts = {"theorems": len(theorems.records), "tactics": theorems.tactics, "premises in the corpus": premises}
    for strategy, split in splits.items():
        card.counts |= {f"theorems of {strategy}/{name}": len(numbers) for name, numbers in split.parts().items()}
    count(card.left_out, "tactics that start without a goal", theorems.dropped.without_goal)
    count(card.left_out, "tactics with a `·`", theorems.dropped.focused)
    count(card.left_out, "theorems without a place in a source file", theorems.unplaced)
    count(card.left_out, "theorems that are fields of structures", theorems.undeclared)
    card.notes.append(f"Sizes asked for: {sizes}.")


def _latest_date(order: Order, library: Library) -> str:
    """When the last run about the library ended: the clock of the export itself would make equal exports differ."""
    dates = [run.finished for run in order.store.runs() if run.library == library.digest and run.finished]
    return str(max(dates)) if dates else UNDATED
