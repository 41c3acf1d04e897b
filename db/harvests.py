"""What a unit gave goes into the store: mutants and conjectures without duplicates, rejects, counts, in one transaction.

What a run leaves does not depend on the order in which its units end; `db.sifting` says how.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from sqlalchemy import Connection, Row, delete, select, update

from db.conjectures import Conjectures, conjecture_row
from db.database import insert_rows
from db.errors import UnknownRecord
from db.figures import Stored
from db.models import ConjectureRow, HarvestRow, MutantRow, RejectRow, RunRow, StageRow, UnitRow
from db.mutants import Mutants
from db.names import chunks
from db.packing import pack, pack_canonical, pack_steps
from db.records import Conjecture, Harvest, Mutant, Rejects, Unit, UnitStatus
from db.sifting import (
    A_MUTANT,
    DUPLICATE,
    IN_LIBRARY,
    Kept,
    Sifted,
    conjecture_shelf,
    mutant_shelf,
    mutants_among,
    offered,
    sift,
    theorems_among,
)

# How the store itself rejects.
STAGE = "store"


class Harvests(Mutants, Conjectures):
    """The part of the store that takes what units gave."""

    def finish_unit(self, unit: Unit, harvests: Sequence[Harvest]) -> Stored:
        """Stores all that a unit gave and that it is done, as one transaction; a unit that is done already stores nothing.

        Mutants and conjectures whose statement the traced library has, or another one of their sort in the store, are left out
        and booked as rejects of the stage `store`, for the reason `in the library` or `duplicate`; conjectures also for the
        reason `a mutant`, if a stored mutant states the same. When the better one of two duplicates of a run comes second, it
        takes the place of the first.

        Args:
            unit: what is done.
            harvests: one for each theorem.

        Raises:
            UnknownRecord: the store does not hold the unit.
            ValueError: a mutant or a conjecture is in the harvest of a theorem that is not its parent, or its canonical form is
                none.
            StoreError: the store cannot be written; nothing has been stored.
        """
        mutant, conjecture = mutant_shelf(self.decoded_mutants), conjecture_shelf(self.decoded_conjectures)
        mutants = offered(harvests, lambda harvest: harvest.mutants, mutant.worth)
        conjectures = offered(harvests, lambda harvest: harvest.conjectures, conjecture.worth)
        with self.writing() as connection:
            row = _unit(connection, unit.id)
            if row.status == UnitStatus.done:
                return Stored(0, 0)
            numbers = self._save_harvests(connection, row, harvests)
            known = {IN_LIBRARY: partial(theorems_among, connection, row.library_id)}
            sifted = sift(connection, row.run_id, mutant, mutants, known)
            self._save_mutants(connection, numbers, sifted)
            known[A_MUTANT] = partial(mutants_among, connection)
            found = sift(connection, row.run_id, conjecture, conjectures, known)
            self._save_conjectures(connection, numbers, found)
            self._book(connection, numbers, harvests, (sifted, found))
            stored = _counted(sifted, found)
            _end(connection, unit, stored)
        return stored

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

    def _save_mutants(self, connection: Connection, numbers: Sequence[int], sifted: Sifted[Mutant]) -> None:
        _remove(connection, MutantRow, sifted.replaced)
        candidates = sifted.best
        lemmas = {step.lemma for one in candidates for step in one.record.steps if step.lemma is not None}
        names = self.names.ids(connection, lemmas)
        marks = {some: pack(sorted(set(some))) for some in {one.record.marks for one in candidates}}
        sets = self.mark_sets.ids(connection, marks.values())
        rows = [
            {
                "canonical": one.canonical,
                "harvest_id": numbers[one.harvest],
                "kind": one.record.kind.value,
                "depth": one.record.depth,
                "marks_id": sets[marks[one.record.marks]],
                "size": one.record.size,
                "lineage": pack_steps(one.record.steps, names),
                "statement": one.record.statement,
                "proof": one.record.proof,
            }
            for one in candidates
        ]
        insert_rows(connection, MutantRow, rows)

    def _save_conjectures(self, connection: Connection, numbers: Sequence[int], sifted: Sifted[Conjecture]) -> None:
        _remove(connection, ConjectureRow, sifted.replaced)
        rows = [conjecture_row(one.record, numbers[one.harvest]) for one in sifted.best]
        insert_rows(connection, ConjectureRow, rows)

    def _book(
        self,
        connection: Connection,
        numbers: Sequence[int],
        harvests: Sequence[Harvest],
        all_sifted: tuple[Sifted[Mutant], Sifted[Conjecture]],
    ) -> None:
        """Stores the rejects of harvests, and those of the store itself."""
        booked = [(numbers[i], rejects) for i, harvest in enumerate(harvests) for rejects in harvest.rejects]
        for sifted in all_sifted:
            booked += [(numbers[one.harvest], _reject(one.record, reason)) for one, reason in sifted.rejected]
        self._save_rejects(connection, booked)
        self._move_rejects(connection, [old for sifted in all_sifted for old in sifted.replaced])

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

    def _move_rejects(self, connection: Connection, replaced: Sequence[Kept[Mutant] | Kept[Conjecture]]) -> None:
        """Books records that were pushed out of the store at the harvests that they came from."""
        names = self.names.ids(connection, {STAGE, DUPLICATE})
        booked = [(old.harvest, _reject(old.record, DUPLICATE)) for old in replaced]
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


def _remove(
    connection: Connection,
    table: type[MutantRow] | type[ConjectureRow],
    replaced: Iterable[Kept[Mutant] | Kept[Conjecture]],
) -> None:
    for chunk in chunks([pack_canonical(old.record.canonical) for old in replaced]):
        connection.execute(delete(table).where(table.canonical.in_(chunk)))


def _counted(*all_sifted: Sifted[Mutant] | Sifted[Conjecture]) -> Stored:
    """What is new, and what was known; one that replaces another adds nothing."""
    replaced = sum(len(sifted.replaced) for sifted in all_sifted)
    return Stored(
        sum(len(sifted.best) for sifted in all_sifted) - replaced,
        sum(len(sifted.rejected) for sifted in all_sifted) + replaced,
    )


def _reject(record: Mutant | Conjecture, reason: str) -> Rejects:
    return Rejects(STAGE, reason, 1, record.statement)


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
