"""Which of the mutants or conjectures of a unit the store keeps: one for each canonical form, whatever the order of the units.

That of an earlier run stays, but for a conjecture that was open and is not any more. Of those of one run the best stays, and takes the place of what
was stored before it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from sqlalchemy import Connection, Row, select

from db.conjectures import CONJECTURES
from db.database import AnyRow, AnySelect
from db.models import ConjectureRow, HarvestRow, ModuleRow, MutantRow, TheoremRow
from db.mutants import MUTANTS
from db.names import chunks
from db.packing import pack_canonical
from db.records import Conjecture, Harvest, Mutant, Standing

# Why the store itself rejects.
DUPLICATE = "duplicate"
IN_LIBRARY = "in the library"
A_MUTANT = "a mutant"

# The less, the better is what is known.
_RANKS = {Standing.refuted: 0, Standing.proved: 1, Standing.vacuous: 2, Standing.open: 3}

Record = TypeVar("Record", Mutant, Conjecture)

Known: TypeAlias = Callable[[Collection[bytes]], list[bytes]]
"""Those of some canonical forms that something else has."""


@dataclass(frozen=True, slots=True)
class Candidate(Generic[Record]):
    """A record that is to be stored: the `place`-th of its unit, from the `harvest`-th theorem."""

    place: int
    harvest: int
    canonical: bytes
    record: Record


@dataclass(frozen=True, slots=True)
class Kept(Generic[Record]):
    """A record that is stored, and the key of its harvest."""

    harvest: int
    record: Record


@dataclass(frozen=True, slots=True)
class Offered(Generic[Record]):
    """The best candidate of each canonical form, and the others."""

    best: Mapping[bytes, Candidate[Record]]
    beaten: Sequence[Candidate[Record]]


@dataclass(frozen=True, slots=True)
class Sifted(Generic[Record]):
    """Candidates that are to be stored, those that are not and why, and what the former push out of the store."""

    best: Sequence[Candidate[Record]]
    rejected: Sequence[tuple[Candidate[Record], str]]
    replaced: Sequence[Kept[Record]]


@dataclass(frozen=True, slots=True)
class Shelf(Generic[Record]):
    """Where records of one type are, and which are better.

    Attributes:
        table: where.
        query: its rows, each with its `canonical` and `harvest_id`.
        decoded: the records of rows, given for each harvest the key of its theorem's name.
        worth: the less the better; of equals the one that is stored stays.
        settles: whether the second record takes the place of the first, which an earlier run stored; None if nothing ever does.
    """

    table: type[MutantRow] | type[ConjectureRow]
    query: AnySelect
    decoded: Callable[[Connection, Sequence[AnyRow], dict[int, int]], list[Record]]
    worth: Callable[[Record], tuple[object, ...]]
    settles: Callable[[Record, Record], bool] | None = None


def mutant_shelf(decoded: Callable[[Connection, Sequence[AnyRow], dict[int, int]], list[Mutant]]) -> Shelf[Mutant]:
    """That of mutants."""
    return Shelf(MutantRow, MUTANTS, decoded, _mutant_worth)


def conjecture_shelf(
    decoded: Callable[[Connection, Sequence[AnyRow], dict[int, int]], list[Conjecture]],
) -> Shelf[Conjecture]:
    """That of conjectures."""
    return Shelf(ConjectureRow, CONJECTURES, decoded, _conjecture_worth, _settles)


def offered(
    harvests: Sequence[Harvest],
    made: Callable[[Harvest], Sequence[Record]],
    worth: Callable[[Record], tuple[object, ...]],
) -> Offered[Record]:
    """What harvests offer, compared with each other.

    Args:
        harvests: those of a unit.
        made: the records of one.
        worth: as of `Shelf`.

    Raises:
        ValueError: a record is in the harvest of a theorem that is not its parent, or its canonical form is none.
    """
    best: dict[bytes, Candidate[Record]] = {}
    beaten = []
    for one in _candidates(harvests, made):
        rival = best.setdefault(one.canonical, one)
        if rival is not one:
            winner, loser = (one, rival) if worth(one.record) < worth(rival.record) else (rival, one)
            best[one.canonical] = winner
            beaten.append(loser)
    return Offered(best, beaten)


def sift(
    connection: Connection, run: int, shelf: Shelf[Record], those: Offered[Record], known: Mapping[str, Known]
) -> Sifted[Record]:
    """Compares what a unit offers with what there is.

    Args:
        connection: of a writing transaction.
        run: the key of the unit's run.
        shelf: where the records belong.
        those: what is offered.
        known: what else makes a record superfluous, by the reason to be booked; the first that does counts.
    """
    best = dict(those.best)
    rejected = [(one, DUPLICATE) for one in those.beaten]
    for reason, look_up in known.items():
        rejected += [(best.pop(form), reason) for form in look_up(best)]
    homes = _homes(connection, shelf, best)
    if shelf.settles is None:
        rejected += [(best.pop(form), DUPLICATE) for form, home in homes.items() if home.run_id != run]
    replaced = []
    for form, old in _stored(connection, shelf, {form: home for form, home in homes.items() if form in best}):
        new = best[form].record
        if homes[form].run_id == run:
            better = shelf.worth(new) < shelf.worth(old.record)
        else:
            better = shelf.settles is not None and shelf.settles(old.record, new)
        if better:
            replaced.append(old)
        else:
            rejected.append((best.pop(form), DUPLICATE))
    return Sifted(sorted(best.values(), key=lambda candidate: candidate.place), rejected, replaced)


def theorems_among(connection: Connection, library: int, forms: Collection[bytes]) -> list[bytes]:
    """The canonical forms that theorems of a library have."""
    query = (
        select(TheoremRow.canonical)
        .join_from(TheoremRow, ModuleRow, TheoremRow.module_id == ModuleRow.id)
        .where(ModuleRow.library_id == library)
        .distinct()
    )
    return [
        form
        for chunk in chunks(forms)
        for form in connection.execute(query.where(TheoremRow.canonical.in_(chunk))).scalars()
    ]


def mutants_among(connection: Connection, forms: Collection[bytes]) -> list[bytes]:
    """The canonical forms that stored mutants have."""
    query = select(MutantRow.canonical)
    return [
        form
        for chunk in chunks(forms)
        for form in connection.execute(query.where(MutantRow.canonical.in_(chunk))).scalars()
    ]


def _candidates(
    harvests: Sequence[Harvest], made: Callable[[Harvest], Sequence[Record]]
) -> Iterator[Candidate[Record]]:
    place = 0
    for number, harvest in enumerate(harvests):
        for record in made(harvest):
            if record.parent != harvest.theorem:
                what = type(record).__name__.lower()
                raise ValueError(f"a {what} of {record.parent} in the harvest of {harvest.theorem}")
            yield Candidate(place, number, pack_canonical(record.canonical), record)
            place += 1


def _mutant_worth(mutant: Mutant) -> tuple[object, ...]:
    """Few steps, then a short proof, then anything that no order of work can change."""
    steps = tuple((step.kind, step.place, step.lemma or "", step.reverse, step.detail) for step in mutant.steps)
    return (
        mutant.depth,
        len(mutant.proof),
        mutant.proof,
        mutant.statement,
        mutant.parent,
        steps,
        mutant.marks,
        mutant.size,
    )


def _conjecture_worth(conjecture: Conjecture) -> tuple[object, ...]:
    """What is known, little work, a short proof, then anything that no order of work can change: no times."""
    return (
        _RANKS[conjecture.standing],
        conjecture.evaluations,
        len(conjecture.proof),
        conjecture.proof,
        conjecture.statement,
        conjecture.parent,
        conjecture.kind,
        conjecture.place,
        conjecture.detail,
        conjecture.claim,
        tuple((witness.name, witness.type, witness.value) for witness in conjecture.witnesses),
        conjecture.way,
        conjecture.note,
        conjecture.size,
    )


def _settles(old: Conjecture, new: Conjecture) -> bool:
    return old.standing is Standing.open and new.standing is not Standing.open


def _homes(
    connection: Connection, shelf: Shelf[Record], forms: Collection[bytes]
) -> dict[bytes, Row[bytes, int, int, int]]:
    """The harvests of the canonical forms that are stored."""
    table = shelf.table
    query = select(table.canonical, HarvestRow.id, HarvestRow.run_id, HarvestRow.name_id).join_from(
        table, HarvestRow, table.harvest_id == HarvestRow.id
    )
    found = {}
    for chunk in chunks(forms):
        found.update({row.canonical: row for row in connection.execute(query.where(table.canonical.in_(chunk)))})
    return found


def _stored(
    connection: Connection, shelf: Shelf[Record], homes: Mapping[bytes, Row[bytes, int, int, int]]
) -> Iterator[tuple[bytes, Kept[Record]]]:
    parents = {home.id: home.name_id for home in homes.values()}
    for chunk in chunks(homes):
        rows = connection.execute(shelf.query.where(shelf.table.canonical.in_(chunk))).all()
        for row, record in zip(rows, shelf.decoded(connection, rows, parents), strict=True):
            yield row.canonical, Kept(row.harvest_id, record)
