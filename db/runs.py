"""Runs and their units: long work in pieces that are done as a whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, case, func, insert, or_, select, update

from db.database import AnyRow, Database, insert_rows
from db.errors import UnknownRecord
from db.figures import Progress
from db.libraries import library_number
from db.models import HarvestRow, LibraryRow, RunRow, UnitRow
from db.packing import pack
from db.records import Run, Unit, UnitStatus


class Runs(Database):
    """The part of the store that holds runs and hands out their units.

    A worker leases a unit, renews the lease while it works, and finishes the unit. When it dies, the lease runs out and another
    worker gets the unit.
    """

    def start_run(
        self,
        command: str,
        config: Mapping[str, object],
        library: str,
        toolchain: str,
        units: Sequence[Sequence[str]],
        now: datetime,
    ) -> Run:
        """Stores a new run with its units, the payloads of which are given in order.

        Args:
            command: what is run.
            config: everything that the results depend on, as JSON can hold it.
            library: a digest.
            toolchain: as of `Library`.
            units: for each unit its payload.
            now: when it starts.

        Raises:
            UnknownRecord: the library was not stored before.
            StoreError: the store cannot be written.
        """
        with self.writing() as connection:
            run = insert(RunRow).values(
                command=command,
                config=pack(config),
                library_id=library_number(connection, library),
                toolchain=toolchain,
                started=now,
            )
            number = connection.execute(run.returning(RunRow.id)).scalar_one()
            rows = [_unit_row(number, position, payload) for position, payload in enumerate(units)]
            insert_rows(connection, UnitRow, rows)
        return self.run(number)

    def unfinished_run(self, command: str, config: Mapping[str, object], library: str) -> Run | None:
        """The run to go on with: the latest of that command, configuration and library that has not finished."""
        query = (
            _RUNS.where(RunRow.command == command, RunRow.config == pack(config), RunRow.finished.is_(None))
            .where(LibraryRow.digest == library)
            .order_by(RunRow.id.desc())
            .limit(1)
        )
        with self.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _run(row)

    def run(self, number: int) -> Run:
        """The run of that number.

        Raises:
            UnknownRecord: there is none.
        """
        with self.reading() as connection:
            return find_run(connection, number)

    def runs(self, command: str | None = None) -> tuple[Run, ...]:
        """Every run, or those of a command, the first one first."""
        query = _RUNS if command is None else _RUNS.where(RunRow.command == command)
        with self.reading() as connection:
            return tuple([_run(row) for row in connection.execute(query.order_by(RunRow.id))])

    def finish_run(self, number: int, now: datetime) -> None:
        """Says that a run is over. The first time counts."""
        with self.writing() as connection:
            connection.execute(
                update(RunRow).where(RunRow.id == number, RunRow.finished.is_(None)).values(finished=now)
            )

    def lease(self, run: int, owner: str, now: datetime, seconds: float) -> Unit | None:
        """Takes a unit of a run: the first that waits, else the first whose lease ran out. None when there is none now.

        Args:
            run: its number.
            owner: who asks; a process gives a name that no other has.
            now: what the clock says.
            seconds: how long nobody else gets the unit.

        Raises:
            StoreError: the store cannot be written.
        """
        free = or_(
            UnitRow.status == UnitStatus.waiting,
            (UnitRow.status == UnitStatus.leased) & (UnitRow.lease_until <= now.timestamp()),
        )
        late = case((UnitRow.status == UnitStatus.waiting, 0), else_=1)
        query = select(UnitRow).where(UnitRow.run_id == run, free).order_by(late, UnitRow.position).limit(1)
        with self.writing() as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            taken = {"status": UnitStatus.leased, "owner": owner, "lease_until": now.timestamp() + seconds}
            connection.execute(update(UnitRow).where(UnitRow.id == row.id).values(**taken))
        return _unit(row, UnitStatus.leased)

    def renew(self, unit: int, owner: str, now: datetime, seconds: float) -> bool:
        """Makes a lease last `seconds` from now; false when the unit, a number, is no longer the owner's."""
        mine = update(UnitRow).where(UnitRow.id == unit, UnitRow.owner == owner, UnitRow.status == UnitStatus.leased)
        with self.writing() as connection:
            return connection.execute(mine.values(lease_until=now.timestamp() + seconds)).rowcount == 1

    def release_leases(self, run: int, owner: str) -> None:
        """Gives back what an owner has leased, as a worker does that stops in good order."""
        mine = update(UnitRow).where(UnitRow.run_id == run, UnitRow.owner == owner, UnitRow.status == UnitStatus.leased)
        with self.writing() as connection:
            connection.execute(mine.values(status=UnitStatus.waiting, owner=None, lease_until=None))

    def fail_unit(self, unit: Unit, message: str) -> None:
        """Gives a unit up, for a reason; one that is done stays done."""
        query = update(UnitRow).where(UnitRow.id == unit.id, UnitRow.status != UnitStatus.done)
        with self.writing() as connection:
            connection.execute(query.values(status=UnitStatus.failed, message=message, owner=None, lease_until=None))

    def units(self, run: int) -> tuple[Unit, ...]:
        """The units of a run, in order."""
        query = select(UnitRow).where(UnitRow.run_id == run).order_by(UnitRow.position)
        with self.reading() as connection:
            return tuple([_unit(row, UnitStatus(row.status)) for row in connection.execute(query)])

    def progress(self, run: int) -> Progress:
        """How far a run is; a matter of milliseconds."""
        sums = (
            select(UnitRow.status, func.count(), func.sum(UnitRow.stored), func.sum(UnitRow.known))
            .where(UnitRow.run_id == run)
            .group_by(UnitRow.status)
        )
        harvests = select(func.count(), func.count(case((HarvestRow.failure != "", 1)))).where(HarvestRow.run_id == run)
        with self.reading() as connection:
            rows = connection.execute(sums).all()
            theorems, failures = connection.execute(harvests).one()
        return Progress(
            units=dict.fromkeys(UnitStatus, 0) | {UnitStatus(status): n for status, n, _, _ in rows},
            theorems=theorems,
            failures=failures,
            mutants=sum(stored for _, _, stored, _ in rows),
            duplicates=sum(known for _, _, _, known in rows),
        )


_RUNS = select(
    RunRow.id, RunRow.command, RunRow.config, LibraryRow.digest, RunRow.toolchain, RunRow.started, RunRow.finished
).join_from(RunRow, LibraryRow, RunRow.library_id == LibraryRow.id)


def find_run(connection: Connection, number: int) -> Run:
    """The run of that number.

    Raises:
        UnknownRecord: there is none.
    """
    row = connection.execute(_RUNS.where(RunRow.id == number)).one_or_none()
    if row is None:
        raise UnknownRecord(f"the store holds no run {number}; `lemma mutate report` without a number lists them")
    return _run(row)


def _run(row: AnyRow) -> Run:
    return Run(row.id, row.command, json.loads(row.config), row.digest, row.toolchain, row.started, row.finished)


def _unit_row(run: int, position: int, payload: Sequence[str]) -> dict[str, object]:
    return {
        "run_id": run,
        "position": position,
        "payload": pack(list(payload)),
        "status": UnitStatus.waiting.value,
        "message": "",
        "stored": 0,
        "known": 0,
    }


def _unit(row: AnyRow, status: UnitStatus) -> Unit:
    return Unit(row.id, row.run_id, row.position, tuple(json.loads(row.payload)), status, row.message)
