"""Reading conjectures back: filtered, in the order in which mutants come."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import Connection, func, select

from db.database import AnyRow, AnySelect, Database
from db.models import ConjectureRow
from db.packing import pack_canonical, pack_witnesses, unpack_witnesses
from db.reading import counted_in, harvest_keys, records_of
from db.records import ChangeKind, Conjecture, Standing

CONJECTURES = select(
    ConjectureRow.id,
    ConjectureRow.harvest_id,
    ConjectureRow.canonical,
    ConjectureRow.kind,
    ConjectureRow.place,
    ConjectureRow.detail,
    ConjectureRow.statement,
    ConjectureRow.size,
    ConjectureRow.standing,
    ConjectureRow.claim,
    ConjectureRow.proof,
    ConjectureRow.witnesses,
    ConjectureRow.evaluations,
    ConjectureRow.seconds,
    ConjectureRow.way,
    ConjectureRow.note,
)


class Conjectures(Database):
    """The part of the store that gives conjectures back. Every filter left out lets everything pass."""

    def conjectures(
        self,
        *,
        runs: Collection[int] | None = None,
        kinds: Collection[ChangeKind] | None = None,
        standings: Collection[Standing] | None = None,
        parents: Collection[str] | None = None,
    ) -> Iterator[Conjecture]:
        """The conjectures that pass, by run, unit and theorem, those of a theorem in the order of their making.

        That order does not depend on which unit ended first. All of them come from one state of the store.

        Raises:
            StoreError: the store cannot be read.
        """
        query = _filtered(CONJECTURES, kinds, standings)
        with self.reading() as connection:
            keys = harvest_keys(connection, self.names, runs, parents)
            yield from records_of(connection, query, ConjectureRow.harvest_id, keys, self.decoded_conjectures)

    def conjecture_count(
        self,
        *,
        runs: Collection[int] | None = None,
        kinds: Collection[ChangeKind] | None = None,
        standings: Collection[Standing] | None = None,
        parents: Collection[str] | None = None,
    ) -> int:
        """How many conjectures pass the filters of `conjectures`."""
        query = _filtered(select(func.count(ConjectureRow.id)), kinds, standings)
        with self.reading() as connection:
            keys = harvest_keys(connection, self.names, runs, parents)
            return counted_in(connection, query, ConjectureRow.harvest_id, keys)

    def decoded_conjectures(
        self, connection: Connection, rows: Sequence[AnyRow], parents: dict[int, int]
    ) -> list[Conjecture]:
        """The records of rows of `CONJECTURES`.

        Args:
            connection: where names are looked up.
            rows: the rows.
            parents: for each harvest the key of its theorem's name.
        """
        names = self.names.texts(connection, {parents[row.harvest_id] for row in rows})
        return [_conjecture(row, names[parents[row.harvest_id]]) for row in rows]


def conjecture_row(conjecture: Conjecture, harvest: int) -> dict[str, object]:
    """The row of a conjecture that belongs to the harvest of that key."""
    return {
        "canonical": pack_canonical(conjecture.canonical),
        "harvest_id": harvest,
        "kind": conjecture.kind.value,
        "place": conjecture.place,
        "detail": conjecture.detail,
        "statement": conjecture.statement,
        "size": conjecture.size,
        "standing": conjecture.standing.value,
        "claim": conjecture.claim,
        "proof": conjecture.proof,
        "witnesses": pack_witnesses(conjecture.witnesses),
        "evaluations": conjecture.evaluations,
        "seconds": conjecture.seconds,
        "way": conjecture.way,
        "note": conjecture.note,
    }


def _conjecture(row: AnyRow, parent: str) -> Conjecture:
    return Conjecture(
        canonical=row.canonical.hex(),
        parent=parent,
        kind=ChangeKind(row.kind),
        place=row.place,
        detail=row.detail,
        statement=row.statement,
        size=row.size,
        standing=Standing(row.standing),
        claim=row.claim,
        proof=row.proof,
        witnesses=unpack_witnesses(json.loads(row.witnesses)),
        evaluations=row.evaluations,
        seconds=row.seconds,
        way=row.way,
        note=row.note,
    )


def _filtered(
    query: AnySelect, kinds: Collection[ChangeKind] | None, standings: Collection[Standing] | None
) -> AnySelect:
    if kinds is not None:
        query = query.where(ConjectureRow.kind.in_([ChangeKind(kind).value for kind in kinds]))
    if standings is not None:
        query = query.where(ConjectureRow.standing.in_([Standing(standing).value for standing in standings]))
    return query
