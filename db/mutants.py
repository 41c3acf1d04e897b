"""Reading mutants back: filtered, in a stable order, without holding many in memory."""

from __future__ import annotations

import gc
import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from db.database import AnyRow, AnySelect, Database
from db.models import HarvestRow, MutantRow, UnitRow
from db.names import chunks
from db.packing import lemmas_of, unpack_steps
from db.records import Mutant, MutationKind

# Theorems whose mutants are in memory at a time.
THEOREMS = 32

MUTANTS = select(
    MutantRow.id,
    MutantRow.harvest_id,
    MutantRow.canonical,
    MutantRow.lineage,
    MutantRow.statement,
    MutantRow.proof,
    MutantRow.marks_id,
    MutantRow.size,
)


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which mutants are asked for; None stands for all."""

    runs: Collection[int] | None
    kinds: Collection[MutationKind] | None
    depths: Collection[int] | None
    parents: Collection[str] | None
    with_marks: Collection[str]
    without_marks: Collection[str]


@contextmanager
def uncollected() -> Iterator[None]:
    """Keeps the cyclic garbage collector away: records hold no cycles, and looking through them takes as long as making them."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Mutants(Database):
    """The part of the store that gives mutants back.

    Every filter left out lets everything pass. A mutant passes `with_marks` when it has all of them, and `without_marks` when
    it has none of them.
    """

    def mutants(
        self,
        *,
        runs: Collection[int] | None = None,
        kinds: Collection[MutationKind] | None = None,
        depths: Collection[int] | None = None,
        without_marks: Collection[str] = (),
        with_marks: Collection[str] = (),
        parents: Collection[str] | None = None,
    ) -> Iterator[Mutant]:
        """The mutants that pass, by run, unit and theorem, those of a theorem in the order of their making.

        That order does not depend on which unit ended first: equal runs give equal sequences. All of them come from one state
        of the store.

        Raises:
            StoreError: the store cannot be read.
        """
        choice = _Choice(runs, kinds, depths, parents, with_marks, without_marks)
        with self.reading() as connection:
            query = self._filtered(connection, MUTANTS, choice)
            for chunk in chunks(self._harvests(connection, choice), THEOREMS):
                place = {number: i for i, (number, _) in enumerate(chunk)}
                with uncollected():
                    rows = connection.execute(query.where(MutantRow.harvest_id.in_(place))).all()
                    ordered = sorted(rows, key=lambda row: (place[row[1]], row[0]))
                    records = self.decoded(connection, ordered, dict(chunk))
                yield from records

    def mutant_count(
        self,
        *,
        runs: Collection[int] | None = None,
        kinds: Collection[MutationKind] | None = None,
        depths: Collection[int] | None = None,
        without_marks: Collection[str] = (),
        with_marks: Collection[str] = (),
        parents: Collection[str] | None = None,
    ) -> int:
        """How many mutants pass the filters of `mutants`."""
        choice = _Choice(runs, kinds, depths, parents, with_marks, without_marks)
        with self.reading() as connection:
            query = self._filtered(connection, select(func.count(MutantRow.id)), choice)
            if parents is None and runs is None:
                return sum(connection.execute(query).scalars())
            numbers = [number for number, _ in self._harvests(connection, choice)]
            counted = [query.where(MutantRow.harvest_id.in_(chunk)) for chunk in chunks(numbers)]
            return sum(count for some in counted for count in connection.execute(some).scalars())

    def decoded(self, connection: Connection, rows: Sequence[AnyRow], parents: dict[int, int]) -> list[Mutant]:
        """The records of rows of `MUTANTS`.

        Args:
            connection: where names are looked up.
            rows: the rows.
            parents: for each harvest the key of its theorem's name.
        """
        if not rows:
            return []
        _, harvests, canonicals, packed, statements, proofs, mark_sets, sizes = zip(*rows, strict=True)
        # One long text is read faster than many short ones.
        lineages = json.loads(f"[{','.join(packed)}]")
        names = self.names.texts(connection, lemmas_of(lineages) | set(parents.values()))
        texts = self.mark_sets.texts(connection, set(mark_sets))
        marks = {number: tuple(json.loads(texts[number])) for number in set(mark_sets)}
        parent_of = {harvest: names[name] for harvest, name in parents.items()}
        columns = (
            map(bytes.hex, canonicals),
            map(parent_of.__getitem__, harvests),
            [unpack_steps(lineage, names) for lineage in lineages],
            statements,
            proofs,
            map(marks.__getitem__, mark_sets),
            sizes,
        )
        return list(map(Mutant, *columns))

    def _filtered(self, connection: Connection, query: AnySelect, choice: _Choice) -> AnySelect:
        if choice.kinds is not None:
            query = query.where(MutantRow.kind.in_([MutationKind(kind).value for kind in choice.kinds]))
        if choice.depths is not None:
            query = query.where(MutantRow.depth.in_(list(choice.depths)))
        if choice.with_marks or choice.without_marks:
            wanted, unwanted = set(choice.with_marks), set(choice.without_marks)
            sets = {number: set(json.loads(text)) for text, number in self.mark_sets.all(connection).items()}
            fitting = [number for number, marks in sets.items() if wanted <= marks and not unwanted & marks]
            query = query.where(MutantRow.marks_id.in_(fitting))
        return query

    def _harvests(self, connection: Connection, choice: _Choice) -> list[tuple[int, int]]:
        """The keys of harvests and of their theorems' names, in the order in which mutants are given."""
        query = select(HarvestRow.id, HarvestRow.name_id).join_from(
            HarvestRow, UnitRow, HarvestRow.unit_id == UnitRow.id
        )
        if choice.runs is not None:
            query = query.where(HarvestRow.run_id.in_(list(choice.runs)))
        query = query.order_by(HarvestRow.run_id, UnitRow.position, HarvestRow.position)
        found = [(number, name) for number, name in connection.execute(query)]
        if choice.parents is None:
            return found
        names = set(self.names.find(connection, choice.parents).values())
        return [(number, name) for number, name in found if name in names]
