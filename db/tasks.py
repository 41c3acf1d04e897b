"""Tasks of proving and the attempts at them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from hashlib import sha256

from sqlalchemy import Connection, func, insert, select, update

from db.database import AnyRow, Database
from db.errors import UnknownRecord
from db.libraries import BATCH
from db.models import AttemptRow, ProofRow, TaskRow, UnitRow
from db.packing import pack
from db.records import Attempt, Outcome, Task, Unit, UnitStatus


class Tasks(Database):
    """The part of the store that holds tasks, attempts and proofs."""

    def save_task(self, task: Task) -> None:
        """Stores a task; one of the same digest stays as it is.

        Raises:
            StoreError: the store cannot be written.
        """
        with self.writing() as connection:
            if connection.execute(select(TaskRow.id).where(TaskRow.digest == task.digest)).first() is None:
                connection.execute(
                    insert(TaskRow).values(
                        digest=task.digest,
                        name=task.name,
                        header=task.header,
                        statement=task.statement,
                        source=task.source,
                    )
                )

    def task(self, digest: str) -> Task:
        """The task of that digest.

        Raises:
            UnknownRecord: there is none.
        """
        with self.reading() as connection:
            row = connection.execute(_TASKS.where(TaskRow.digest == digest)).one_or_none()
        if row is None:
            raise _unknown(digest)
        return Task(*row)

    def tasks(self, source: str | None = None) -> Iterator[Task]:
        """The tasks, or those of a source, in the order of their being stored."""
        query = _TASKS if source is None else _TASKS.where(TaskRow.source == source)
        with self.reading() as connection:
            for row in connection.execute(query.order_by(TaskRow.id), execution_options={"yield_per": BATCH}):
                yield Task(*row)

    def save_attempt(self, attempt: Attempt) -> None:
        """Stores an attempt; the text of its proof is kept once for each task.

        Raises:
            UnknownRecord: the task was not stored before.
            StoreError: the store cannot be written.
        """
        with self.writing() as connection:
            _save(connection, attempt)

    def finish_attempt(self, unit: Unit, attempt: Attempt) -> bool:
        """Stores the attempt that a unit is, and that the unit is done, as one transaction.

        Returns:
            Whether it was stored; false when the unit was done already, by another worker that had it before.

        Raises:
            UnknownRecord: the task was not stored before.
            StoreError: the store cannot be written; nothing has been stored.
        """
        undone = update(UnitRow).where(UnitRow.id == unit.id, UnitRow.status != UnitStatus.done)
        proved = int(attempt.outcome is Outcome.proved)
        with self.writing() as connection:
            ended = undone.values(status=UnitStatus.done, owner=None, lease_until=None, message="", stored=proved)
            if connection.execute(ended).rowcount == 0:
                return False
            _save(connection, attempt)
        return True

    def outcomes(self, run: int) -> dict[Outcome, int]:
        """How often the attempts of a run ended in each way, those that never happened included."""
        query = select(AttemptRow.outcome, func.count()).where(AttemptRow.run_id == run).group_by(AttemptRow.outcome)
        with self.reading() as connection:
            counted = {Outcome(outcome): count for outcome, count in connection.execute(query)}
        return dict.fromkeys(Outcome, 0) | counted

    def shortest_proofs(self, runs: Collection[int]) -> Iterator[tuple[Task, str]]:
        """Each task that an attempt of these runs proved, with the shortest of its accepted proofs, the first of these to be stored; by header, the last one first.

        So tasks with equal headers are neighbours, and a header comes after those that begin with it.
        """
        accepted = select(AttemptRow.proof_id).where(
            AttemptRow.run_id.in_(runs), AttemptRow.outcome == Outcome.proved.value
        )
        place = func.row_number().over(
            partition_by=ProofRow.task_id, order_by=(func.length(ProofRow.text), ProofRow.id)
        )
        ranked = (
            select(ProofRow.task_id, ProofRow.text, place.label("place")).where(ProofRow.id.in_(accepted)).subquery()
        )
        query = (
            _TASKS.add_columns(ranked.c.text)
            .join(ranked, TaskRow.id == ranked.c.task_id)
            .where(ranked.c.place == 1)
            .order_by(TaskRow.header.desc(), TaskRow.id)
        )
        with self.reading() as connection:
            for *task, proof in connection.execute(query, execution_options={"yield_per": BATCH}):
                yield Task(*task), proof

    def attempts(
        self, *, task: str | None = None, run: int | None = None, outcome: Outcome | None = None
    ) -> Iterator[Attempt]:
        """The attempts at a task, of a run, with an outcome, in the order of their being stored."""
        query = _ATTEMPTS
        if task is not None:
            query = query.where(TaskRow.digest == task)
        if run is not None:
            query = query.where(AttemptRow.run_id == run)
        if outcome is not None:
            query = query.where(AttemptRow.outcome == outcome.value)
        with self.reading() as connection:
            for row in connection.execute(query.order_by(AttemptRow.id), execution_options={"yield_per": BATCH}):
                yield _attempt(row)


_TASKS = select(TaskRow.digest, TaskRow.statement, TaskRow.header, TaskRow.name, TaskRow.source)
_ATTEMPTS = (
    select(
        TaskRow.digest,
        AttemptRow.outcome,
        AttemptRow.made,
        ProofRow.text,
        AttemptRow.verdict,
        AttemptRow.seconds,
        AttemptRow.run_id,
    )
    .join_from(AttemptRow, TaskRow, AttemptRow.task_id == TaskRow.id)
    .join(ProofRow, AttemptRow.proof_id == ProofRow.id, isouter=True)
)


def _save(connection: Connection, attempt: Attempt) -> None:
    task = connection.execute(select(TaskRow.id).where(TaskRow.digest == attempt.task)).scalar_one_or_none()
    if task is None:
        raise _unknown(attempt.task)
    connection.execute(
        insert(AttemptRow).values(
            task_id=task,
            run_id=attempt.run,
            proof_id=None if attempt.proof is None else _proof(connection, task, attempt.proof),
            outcome=attempt.outcome.value,
            verdict=pack(attempt.verdict),
            seconds=attempt.seconds,
            made=attempt.made,
        )
    )


def _unknown(digest: str) -> UnknownRecord:
    return UnknownRecord(f"the store holds no task with the digest {digest}; store the task first")


def _proof(connection: Connection, task: int, text: str) -> int:
    digest = sha256(text.encode()).digest()
    known = select(ProofRow.id).where(ProofRow.task_id == task, ProofRow.digest == digest)
    number = connection.execute(known).scalar_one_or_none()
    if number is not None:
        return number
    new = insert(ProofRow).values(task_id=task, digest=digest, text=text).returning(ProofRow.id)
    return connection.execute(new).scalar_one()


def _attempt(row: AnyRow) -> Attempt:
    digest, outcome, made, proof, verdict, seconds, run = row
    return Attempt(digest, Outcome(outcome), made, proof, json.loads(verdict), seconds, run)
