"""The counts of a run, all of them made by the database."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import TypeVar

from sqlalchemy import Connection, Select, Subquery, func, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from db.database import Database
from db.figures import RunCounts, StageCount
from db.models import (
    ConjectureRow,
    HarvestRow,
    MarkSetRow,
    ModuleRow,
    MutantRow,
    NameRow,
    RejectRow,
    RunRow,
    StageRow,
    TheoremRow,
    UnitRow,
)
from db.records import ChangeKind, Rejects, Standing, UnitStatus
from db.runs import find_run

K = TypeVar("K", str, int)


class Counts(Database):
    """The part of the store that counts."""

    def report_counts(self, run: int) -> RunCounts:
        """What a report on a run needs; some seconds for a million mutants.

        Raises:
            UnknownRecord: there is no such run.
            StoreError: the store cannot be read.
        """
        theorems = _theorems(run)
        with self.reading() as connection:
            found = find_run(connection, run)
            units = dict.fromkeys(UnitStatus, 0) | _units(connection, run)
            kinds = _counted(connection, _mutants(run, MutantRow.kind))
            return RunCounts(
                run=found,
                units=units,
                theorems=connection.execute(select(func.count()).where(HarvestRow.run_id == run)).scalar_one(),
                mutants=sum(kinds.values()),
                kinds=kinds,
                depths=_counted(connection, _mutants(run, MutantRow.depth)),
                marks=_marks(connection, run),
                modules=_modules(connection, run, theorems),
                histogram=_counted(connection, select(theorems.c.mutants, func.count()).group_by(theorems.c.mutants)),
                rejects=_rejects(connection, run),
                stages=_stages(connection, run),
                failures=_failures(connection, run),
            )

    def conjecture_counts(self, run: int) -> Mapping[tuple[ChangeKind, Standing], int]:
        """How many conjectures of a run the store holds, by kind and standing; sorted, without those of which there is none.

        Raises:
            UnknownRecord: there is no such run.
            StoreError: the store cannot be read.
        """
        query = (
            select(ConjectureRow.kind, ConjectureRow.standing, func.count())
            .join_from(HarvestRow, ConjectureRow, ConjectureRow.harvest_id == HarvestRow.id)
            .where(HarvestRow.run_id == run)
            .group_by(ConjectureRow.kind, ConjectureRow.standing)
        )
        with self.reading() as connection:
            find_run(connection, run)
            rows = sorted(connection.execute(query).all())
        return {(ChangeKind(kind), Standing(standing)): count for kind, standing, count in rows}

    def failures(self, run: int) -> tuple[tuple[str, str], ...]:
        """The theorems of a run that gave no result, and why; sorted."""
        with self.reading() as connection:
            return _failures(connection, run)


def _mutants(run: int, column: InstrumentedAttribute[K]) -> Select[K, int]:
    """Mutants by one of the columns that the index of counts holds."""
    return (
        select(column, func.count())
        .join_from(HarvestRow, MutantRow, MutantRow.harvest_id == HarvestRow.id)
        .where(HarvestRow.run_id == run)
        .group_by(column)
    )


def _theorems(run: int) -> Subquery:
    """The theorems of a run that gave a result, with the number of their mutants."""
    return (
        select(HarvestRow.name_id, func.count(MutantRow.harvest_id).label("mutants"))
        .outerjoin_from(HarvestRow, MutantRow, MutantRow.harvest_id == HarvestRow.id)
        .where(HarvestRow.run_id == run, HarvestRow.failure == "")
        .group_by(HarvestRow.name_id)
        .subquery()
    )


def _counted(connection: Connection, query: Select[K, int]) -> dict[K, int]:
    return dict(sorted(connection.execute(query).all()))


def _units(connection: Connection, run: int) -> dict[UnitStatus, int]:
    query = select(UnitRow.status, func.count()).where(UnitRow.run_id == run).group_by(UnitRow.status)
    return {UnitStatus(status): count for status, count in connection.execute(query)}


def _marks(connection: Connection, run: int) -> dict[str, int]:
    sets = _mutants(run, MutantRow.marks_id).subquery()
    query = select(MarkSetRow.text, sets.c[1]).join_from(sets, MarkSetRow, MarkSetRow.id == sets.c[0])
    sums: Counter[str] = Counter()
    for marks, count in connection.execute(query):
        sums.update(dict.fromkeys(json.loads(marks), count))
    return dict(sorted(sums.items()))


def _modules(connection: Connection, run: int, theorems: Subquery) -> dict[str, int]:
    # A name that two modules declare, as private ones may, counts for the one that was traced first.
    homes = (
        select(TheoremRow.name_id, func.min(ModuleRow.id).label("module_id"))
        .join_from(TheoremRow, ModuleRow, TheoremRow.module_id == ModuleRow.id)
        .join(RunRow, RunRow.library_id == ModuleRow.library_id)
        .where(RunRow.id == run)
        .group_by(TheoremRow.name_id)
        .subquery()
    )
    name = func.coalesce(NameRow.text, "")
    query = (
        select(name, func.sum(theorems.c.mutants))
        .join_from(theorems, homes, homes.c.name_id == theorems.c.name_id, isouter=True)
        .join(ModuleRow, ModuleRow.id == homes.c.module_id, isouter=True)
        .join(NameRow, NameRow.id == ModuleRow.name_id, isouter=True)
        .group_by(name)
    )
    return {module: int(count) for module, count in sorted(connection.execute(query).all()) if count}


def _rejects(connection: Connection, run: int) -> tuple[Rejects, ...]:
    stage, reason = aliased(NameRow), aliased(NameRow)
    query = (
        select(stage.text, reason.text, func.sum(RejectRow.count), func.min(func.nullif(RejectRow.example, "")))
        .join_from(HarvestRow, RejectRow, RejectRow.harvest_id == HarvestRow.id)
        .join(stage, stage.id == RejectRow.stage_id)
        .join(reason, reason.id == RejectRow.reason_id)
        .where(HarvestRow.run_id == run)
        .group_by(stage.text, reason.text)
    )
    found = [Rejects(s, r, int(count), example or "") for s, r, count, example in connection.execute(query)]
    return tuple(sorted(found, key=lambda rejects: (-rejects.count, rejects.stage, rejects.reason)))


def _stages(connection: Connection, run: int) -> dict[str, StageCount]:
    query = (
        select(NameRow.text, func.sum(StageRow.entered), func.sum(StageRow.seconds))
        .join_from(HarvestRow, StageRow, StageRow.harvest_id == HarvestRow.id)
        .join(NameRow, NameRow.id == StageRow.stage_id)
        .where(HarvestRow.run_id == run)
        .group_by(NameRow.text)
    )
    rows = sorted(connection.execute(query).all())
    return {stage: StageCount(int(entered), float(seconds)) for stage, entered, seconds in rows}


def _failures(connection: Connection, run: int) -> tuple[tuple[str, str], ...]:
    query = (
        select(NameRow.text, HarvestRow.failure)
        .join_from(HarvestRow, NameRow, HarvestRow.name_id == NameRow.id)
        .where(HarvestRow.run_id == run, HarvestRow.failure != "")
    )
    return tuple(sorted((name, failure) for name, failure in connection.execute(query)))
