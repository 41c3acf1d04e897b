"""Reading mutants back: filtered, in a stable order, without holding many in memory."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from db.database import AnyRow, AnySelect, Database
from db.models import MutantRow
from db.packing import lemmas_of, unpack_steps
from db.reading import counted_in, harvest_keys, records_of
from db.records import Mutant, MutationKind

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

    kinds: Collection[MutationKind] | None
    depths: Collection[int] | None
    with_marks: Collection[str]
    without_marks: Collection[str]


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
        choice = _Choice(kinds, depths, with_marks, without_marks)
        with self.reading() as connection:
            query = self._filtered(connection, MUTANTS, choice)
            keys = harvest_keys(connection, self.names, runs, parents)
            yield from records_of(connection, query, MutantRow.harvest_id, keys, self.decoded_mutants)

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
        choice = _Choice(kinds, depths, with_marks, without_marks)
        with self.reading() as connection:
            query = self._filtered(connection, select(func.count(MutantRow.id)), choice)
            if parents is None and runs is None:
                return sum(connection.execute(query).scalars())
            keys = harvest_keys(connection, self.names, runs, parents)
            return counted_in(connection, query, MutantRow.harvest_id, keys)

    def decoded_mutants(self, connection: Connection, rows: Sequence[AnyRow], parents: dict[int, int]) -> list[Mutant]:
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
