"""What is asked for, and reading it from the store: the part that all data sets share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from db.export.card import Card, held_out
from db.export.errors import ExportError
from db.export.folder import Draft
from db.export.selection import MUTATING, ChosenMutants, Selection, sources_of
from db.export.tally import Tally
from db.records import Library, TacticStep, Theorem

if TYPE_CHECKING:
    from db.store import Store

Told = Callable[[int, int | None], None]
"""Is called with how many records are written, and how many there will be if that is known."""


def untold(done: int, total: int | None) -> None:
    """Is told about progress and does nothing."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be exported, and where to.

    Attributes:
        store: where from.
        out: the folder to write.
        command: for the card, the command line that makes the data set again.
        selection: which mutants.
        libraries: names, or beginnings of digests, of the libraries whose traced theorems are wanted; all where empty.
        replace: a data set that is there already is replaced.
        told: is told about progress.
    """

    store: Store
    out: Path
    command: str
    selection: Selection = field(default_factory=Selection)
    libraries: tuple[str, ...] = ()
    replace: bool = False
    told: Told = untold

    def draft(self) -> Draft:
        """The folder, to be filled."""
        return Draft(self.out, replace=self.replace)

    def count(self, written: Iterable[int], total: int | None = None) -> None:
        """Uses `written` up, the numbers of records written since the last time, and tells how many it makes."""
        done = 0
        for more in written:
            done += more
            self.told(done, total)

    def card(self, title: str, description: str) -> Card:
        """A card with what is known beforehand.

        Raises:
            UnknownRecord: there is no such run.
            ExportError: a run makes no mutants.
        """
        sources = sources_of(self.store, self.selection.runs, MUTATING)
        tally = Tally(frozenset(held_out(sources)))
        return Card(title, description, self.command, self.selection.seed, sources, mutants=tally)

    def mutants(self, card: Card) -> ChosenMutants:
        """The mutants that are asked for.

        Raises:
            ExportError: there is none.
        """
        chosen = ChosenMutants(self.store, card.sources, self.selection)
        if not chosen.total:
            known = self.store.mutant_count()
            cure = "loosen --run, --kind, --depth and marks" if known else "make some with `lemma mutate run`"
            raise ExportError(f"Nothing to export: of {known} mutants in the store none was asked for; {cure}.")
        return chosen


def chosen_libraries(order: Order) -> tuple[Library, ...]:
    """The libraries whose traced theorems are wanted.

    Raises:
        ExportError: one is not in the store, or several go by the same name.
    """
    known = order.store.libraries()
    if not order.libraries:
        return known
    chosen: dict[str, Library] = {}
    for wanted in order.libraries:
        named = [library for library in known if library.name == wanted]
        found = named or [library for library in known if len(wanted) >= 6 and library.digest.startswith(wanted)]
        if len(found) != 1:
            have = ", ".join(f"{library.name} ({library.digest[:12]})" for library in known) or "none"
            raise ExportError(
                f"{'Several libraries are' if found else 'No library is'} called {wanted!r}; give the name of one, or the "
                f"beginning of its digest. The store has: {have}."
            )
        chosen[found[0].digest] = found[0]
    return tuple(chosen.values())


def theorems_of(order: Order, card: Card) -> Iterator[Theorem]:
    """The traced theorems, without those that a run of the card's sources held out; `card` counts both."""
    held = card.mutants.held_out
    for library in card.libraries:
        for theorem in order.store.theorems(library.digest):
            if theorem.name in held:
                count(card.left_out, "traced theorems that were held out")
            else:
                yield theorem


def proofs_of(order: Order, card: Card) -> Iterator[tuple[Theorem, Sequence[TacticStep]]]:
    """Those of the traced theorems that have tactic steps, with these."""
    held = card.mutants.held_out
    for library in card.libraries:
        for theorem, steps in order.store.steps(library.digest):
            if theorem.name in held:
                count(card.left_out, "proofs in tactics of theorems that were held out")
            else:
                yield theorem, steps


def count(table: dict[str, int], what: str, more: int = 1) -> None:
    """Adds to a number in a table."""
    if more:
        table[what] = table.get(what, 0) + more
