"""What a unit gave goes into the store: mutants without duplicates, rejects, counts, in one transaction.

The mutants that a run leaves do not depend on the order in which its units end. Of those with one canonical form the store keeps
one: that of an earlier run, else the best of this run (see `_worth`), whichever came first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, delete, select, update

from db.database import insert_rows
from db.errors import UnknownRecord
from db.figures import Stored
from db.models import HarvestRow, ModuleRow, MutantRow, RejectRow, RunRow, StageRow, TheoremRow, UnitRow
from db.mutants import MUTANTS, Mutants
from db.names import chunks
from db.packing import pack, pack_canonical, pack_steps
from db.records import Harvest, Mutant, Rejects, Unit, UnitStatus

# How the store itself rejects.
STAGE = "store"
DUPLICATE = "duplicate"
IN_LIBRARY = "in the library"


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A mutant that is to be stored: the `place`-th of its unit, from the `harvest`-th theorem."""

    place: int
    harvest: int
    canonical: bytes
    mutant: Mutant


@dataclass(frozen=True, slots=True)
class _Kept:
    """A mutant that is stored, and the key of its harvest."""

    harvest: int
    mutant: Mutant


@dataclass(frozen=True, slots=True)
class _Sifted:
    """Candidates that are to be stored, those that are not and why, and what the former push out of the store."""

    best: Mapping[bytes, _Candidate]
    rejected: Sequence[tuple[_Candidate, str]]
    replaced: Sequence[_Kept]


class Harvests(Mutants):
    """The part of the store that takes what units gave."""

    def finish_unit(self, unit: Unit, harvests: Sequence[Harvest]) -> Stored:
        """Stores all that a unit gave and that it is done, as one transaction; a unit that is done already stores nothing.

        Mutants whose statement the store or the traced library has are left out and booked as rejects of the stage `store`, for
        the reason `duplicate` or `in the library`. When the better one of two duplicates of a run comes second, it takes the
        place of the first.

        Args:
            unit: what is done.
            harvests: one for each theorem.

        Raises:
            UnknownRecord: the store does not hold the unit.
            ValueError: a mutant is in the harvest of a theorem that is not its parent, or its canonical form is none.
            StoreError: the store cannot be written; nothing has been stored.
        """
        best, beaten = _unlike(_candidates(harvests))
        with self.writing() as connection:
            row = _unit(connection, unit.id)
            if row.status == UnitStatus.done:
                return Stored(0, 0)
            sifted = self._sift(connection, row, best, beaten)
            numbers = self._save_harvests(connection, row, harvests)
            self._save_mutants(connection, numbers, sifted)
            booked = [(numbers[i], rejects) for i, harvest in enumerate(harvests) for rejects in harvest.rejects]
            own = [(numbers[one.harvest], _reject(one.mutant, reason)) for one, reason in sifted.rejected]
            self._save_rejects(connection, [*booked, *own])
            self._move_rejects(connection, sifted.replaced)
            stored = Stored(len(sifted.best) - len(sifted.replaced), len(sifted.rejected) + len(sifted.replaced))
            _end(connection, unit, stored)
        return stored

    def _sift(
        self,
        connection: Connection,
        unit: Row[int, str, int, int],
        best: dict[bytes, _Candidate],
        beaten: list[_Candidate],
    ) -> _Sifted:
        """Compares the best candidates of a unit with the library and the store."""
        rejected = [(one, DUPLICATE) for one in beaten]
        rejected += [(best.pop(form), IN_LIBRARY) for form in _theorems_among(connection, unit.library_id, best)]
        homes = _homes(connection, best)
        rejected += [(best.pop(form), DUPLICATE) for form, home in homes.items() if home.run_id != unit.run_id]
        replaced = []
        for form, old in self._stored(connection, {form: home for form, home in homes.items() if form in best}):
            if _worth(old.mutant) <= _worth(best[form].mutant):
                rejected.append((best.pop(form), DUPLICATE))
            else:
                replaced.append(old)
        return _Sifted(best, rejected, replaced)

    def _stored(
        self, connection: Connection, homes: Mapping[bytes, Row[bytes, int, int, int]]
    ) -> Iterator[tuple[bytes, _Kept]]:
        parents = {home.id: home.name_id for home in homes.values()}
        for chunk in chunks(homes):
            rows = connection.execute(MUTANTS.where(MutantRow.canonical.in_(chunk))).all()
            for row, mutant in zip(rows, self.decoded(connection, rows, parents), strict=True):
                yield row.canonical, _Kept(row.harvest_id, mutant)

    def _save_harvests(
        self, connection: Connection, unit: Row[int, str, int, int], harvests: Sequence[Harvest]
    ) -> list[int]:
        """Stores harvests with their counts; their keys, in order."""
        mentioned = {name for harvest in harvests for name in (harvest.theorem, *harvest.counts, *harvest.seconds)}
        names = self.names.ids(connection, mentioned)
        rows = [
            {
                "run_id": unit.run_id,
                "unit_id": unit.id,
                "position": position,
                "name_id": names[harvest.theorem],
                "failure": harvest.failure,
            }
            for position, harvest in enumerate(harvests)
        ]
        insert_rows(connection, HarvestRow, rows)
        query = select(HarvestRow.id).where(HarvestRow.unit_id == unit.id).order_by(HarvestRow.position)
        numbers = list(connection.execute(query).scalars())
        stages = [
            {
                "harvest_id": number,
                "stage_id": names[stage],
                "entered": harvest.counts.get(stage, 0),
                "seconds": harvest.seconds.get(stage, 0.0),
            }
            for number, harvest in zip(numbers, harvests, strict=True)
            for stage in sorted({*harvest.counts, *harvest.seconds})
        ]
        insert_rows(connection, StageRow, stages)
        return numbers

    def _save_mutants(self, connection: Connection, numbers: Sequence[int], sifted: _Sifted) -> None:
        for chunk in chunks([pack_canonical(old.mutant.canonical) for old in sifted.replaced]):
            connection.execute(delete(MutantRow).where(MutantRow.canonical.in_(chunk)))
        candidates = sorted(sifted.best.values(), key=lambda candidate: candidate.place)
        lemmas = {step.lemma for one in candidates for step in one.mutant.steps if step.lemma is not None}
        names = self.names.ids(connection, lemmas)
        marks = {some: pack(sorted(set(some))) for some in {one.mutant.marks for one in candidates}}
        sets = self.mark_sets.ids(connection, marks.values())
        rows = [
            {
                "canonical": one.canonical,
                "harvest_id": numbers[one.harvest],
                "kind": one.mutant.kind.value,
                "depth": one.mutant.depth,
                "marks_id": sets[marks[one.mutant.marks]],
                "size": one.mutant.size,
                "lineage": pack_steps(one.mutant.steps, names),
                "statement": one.mutant.statement,
                "proof": one.mutant.proof,
            }
            for one in candidates
        ]
        insert_rows(connection, MutantRow, rows)

    def _save_rejects(self, connection: Connection, booked: Iterable[tuple[int, Rejects]]) -> None:
        sums: dict[tuple[int, str, str], tuple[int, str]] = {}
        for number, rejects in booked:
            key = (number, rejects.stage, rejects.reason)
            count, example = sums.get(key, (0, ""))
            sums[key] = (count + rejects.count, _least(example, rejects.example))
        names = self.names.ids(connection, {name for _, stage, reason in sums for name in (stage, reason)})
        rows = [
            {
                "harvest_id": number,
                "stage_id": names[stage],
                "reason_id": names[reason],
                "count": count,
                "example": example,
            }
            for (number, stage, reason), (count, example) in sums.items()
        ]
        insert_rows(connection, RejectRow, rows)

    def _move_rejects(self, connection: Connection, replaced: Sequence[_Kept]) -> None:
        """Books mutants that were pushed out of the store at the harvests that they came from."""
        names = self.names.ids(connection, {STAGE, DUPLICATE})
        booked = [(old.harvest, _reject(old.mutant, DUPLICATE)) for old in replaced]
        for chunk in chunks({number for number, _ in booked}):
            here = (
                RejectRow.harvest_id.in_(chunk),
                RejectRow.stage_id == names[STAGE],
                RejectRow.reason_id == names[DUPLICATE],
            )
            rows = connection.execute(select(RejectRow.harvest_id, RejectRow.count, RejectRow.example).where(*here))
            booked += [(number, Rejects(STAGE, DUPLICATE, count, example)) for number, count, example in rows]
            connection.execute(delete(RejectRow).where(*here))
        self._save_rejects(connection, booked)


def _candidates(harvests: Sequence[Harvest]) -> Iterator[_Candidate]:
    place = 0
    for number, harvest in enumerate(harvests):
        for mutant in harvest.mutants:
            if mutant.parent != harvest.theorem:
                raise ValueError(f"a mutant of {mutant.parent} in the harvest of {harvest.theorem}")
            yield _Candidate(place, number, pack_canonical(mutant.canonical), mutant)
            place += 1


def _unlike(candidates: Iterable[_Candidate]) -> tuple[dict[bytes, _Candidate], list[_Candidate]]:
    """The best candidate of each canonical form, and the others."""
    best: dict[bytes, _Candidate] = {}
    beaten = []
    for one in candidates:
        rival = best.setdefault(one.canonical, one)
        if rival is not one:
            winner, loser = (one, rival) if _worth(one.mutant) < _worth(rival.mutant) else (rival, one)
            best[one.canonical] = winner
            beaten.append(loser)
    return best, beaten


def _worth(mutant: Mutant) -> tuple[object, ...]:
    """The less the better: few steps, then a short proof, then anything that no order of work can change."""
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


def _reject(mutant: Mutant, reason: str) -> Rejects:
    return Rejects(STAGE, reason, 1, mutant.statement)


def _least(*examples: str) -> str:
    """The first of the examples in the order of texts, so that it does not matter which came first."""
    return min(filter(None, examples), default="")


def _unit(connection: Connection, number: int) -> Row[int, str, int, int]:
    row = connection.execute(
        select(UnitRow.id, UnitRow.status, UnitRow.run_id, RunRow.library_id)
        .join_from(UnitRow, RunRow, UnitRow.run_id == RunRow.id)
        .where(UnitRow.id == number)
    ).one_or_none()
    if row is None:
        raise UnknownRecord(f"the store holds no unit {number}; start its run again")
    return row


def _end(connection: Connection, unit: Unit, stored: Stored) -> None:
    connection.execute(
        update(UnitRow)
        .where(UnitRow.id == unit.id)
        .values(
            status=UnitStatus.done.value,
            owner=None,
            lease_until=None,
            message="",
            stored=stored.new,
            known=stored.known,
        )
    )


def _theorems_among(connection: Connection, library: int, forms: Collection[bytes]) -> list[bytes]:
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


def _homes(connection: Connection, forms: Collection[bytes]) -> dict[bytes, Row[bytes, int, int, int]]:
    """The harvests of the canonical forms that are stored."""
    query = select(MutantRow.canonical, HarvestRow.id, HarvestRow.run_id, HarvestRow.name_id).join_from(
        MutantRow, HarvestRow, MutantRow.harvest_id == HarvestRow.id
    )
    found = {}
    for chunk in chunks(forms):
        found.update({row.canonical: row for row in connection.execute(query.where(MutantRow.canonical.in_(chunk)))})
    return found
