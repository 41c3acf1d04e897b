"""The tables of the store.

Names of theorems, lemmas, modules, stages and reasons are kept once, in `names`; sets of marks once, in `mark_sets`. A run has
units, a unit has one harvest for each theorem that it worked on, and a mutant or a conjecture belongs to the harvest that it came
from: that tells its parent, its unit and its run in one number.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# SQLite numbers rows by itself only when the column is an INTEGER.
Key = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time, in UTC. SQLite keeps no time zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses a time without a zone: nobody could say when that was."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"the time {value} has no time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Gives the zone back."""
        return None if value is None else value.replace(tzinfo=UTC)


class Table(DeclarativeBase):
    """Base of the tables; constraints are named, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class NameRow(Table):
    """A name or another short text that many rows mention."""

    __tablename__ = "names"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    text: Mapped[str] = mapped_column(Text, unique=True)


class MarkSetRow(Table):
    """A set of marks: its members in order, as JSON."""

    __tablename__ = "mark_sets"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    text: Mapped[str] = mapped_column(Text, unique=True)


class LibraryRow(Table):
    """A library in one version."""

    __tablename__ = "libraries"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    digest: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    toolchain: Mapped[str] = mapped_column(Text)
    imports: Mapped[str] = mapped_column(Text)
    root: Mapped[str | None] = mapped_column(Text)


class ModuleRow(Table):
    """A module, as it was traced last."""

    __tablename__ = "modules"
    __table_args__ = (UniqueConstraint("library_id", "name_id"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    library_id: Mapped[int] = mapped_column(ForeignKey("libraries.id", ondelete="CASCADE"))
    name_id: Mapped[int] = mapped_column(ForeignKey("names.id"))
    digest: Mapped[str] = mapped_column(Text)
    path: Mapped[str | None] = mapped_column(Text)
    imports: Mapped[str] = mapped_column(Text)


class TheoremRow(Table):
    """A theorem; `constants` holds keys of `names`, as JSON."""

    __tablename__ = "theorems"
    __table_args__ = (UniqueConstraint("module_id", "position"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    module_id: Mapped[int] = mapped_column(ForeignKey("modules.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    name_id: Mapped[int] = mapped_column(ForeignKey("names.id"), index=True)
    canonical: Mapped[bytes] = mapped_column(LargeBinary(16), index=True)
    kind: Mapped[str] = mapped_column(Text)
    constants: Mapped[str] = mapped_column(Text)
    span: Mapped[str | None] = mapped_column(Text)
    statement: Mapped[str] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(Text)


class PremiseRow(Table):
    """What a proof can refer to."""

    __tablename__ = "premises"
    __table_args__ = (UniqueConstraint("module_id", "position"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    module_id: Mapped[int] = mapped_column(ForeignKey("modules.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    name_id: Mapped[int] = mapped_column(ForeignKey("names.id"), index=True)
    kind: Mapped[str] = mapped_column(Text)
    span: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)


class StepRow(Table):
    """A tactic of a traced proof; `premises` is packed by `db.packing`."""

    __tablename__ = "steps"
    __table_args__ = (UniqueConstraint("theorem_id", "position"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    theorem_id: Mapped[int] = mapped_column(ForeignKey("theorems.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    before: Mapped[str] = mapped_column(Text)
    tactic: Mapped[str] = mapped_column(Text)
    after: Mapped[str] = mapped_column(Text)
    premises: Mapped[str] = mapped_column(Text)
    span: Mapped[str | None] = mapped_column(Text)


class RunRow(Table):
    """A run; `config` is JSON with sorted keys, so that equal configurations are equal texts."""

    __tablename__ = "runs"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    command: Mapped[str] = mapped_column(Text)
    config: Mapped[str] = mapped_column(Text)
    library_id: Mapped[int] = mapped_column(ForeignKey("libraries.id"))
    toolchain: Mapped[str] = mapped_column(Text)
    started: Mapped[datetime] = mapped_column(UtcDateTime)
    finished: Mapped[datetime | None] = mapped_column(UtcDateTime)


class UnitRow(Table):
    """A unit of a run. `stored` and `known` are what finishing it gave; `lease_until` is in seconds since 1970."""

    __tablename__ = "units"
    __table_args__ = (UniqueConstraint("run_id", "position"), Index(None, "run_id", "status", "position"))
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    payload: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    owner: Mapped[str | None] = mapped_column(Text)
    lease_until: Mapped[float | None] = mapped_column(Float)
    message: Mapped[str] = mapped_column(Text)
    stored: Mapped[int] = mapped_column(Integer)
    known: Mapped[int] = mapped_column(Integer)


class HarvestRow(Table):
    """What a unit gave for one theorem; `failure` is empty when there is a result."""

    __tablename__ = "harvests"
    __table_args__ = (UniqueConstraint("unit_id", "position"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    name_id: Mapped[int] = mapped_column(ForeignKey("names.id"), index=True)
    failure: Mapped[str] = mapped_column(Text)


class StageRow(Table):
    """How many candidates of a harvest entered a stage, and how long that took."""

    __tablename__ = "stages"
    __table_args__ = ({"sqlite_with_rowid": False},)
    harvest_id: Mapped[int] = mapped_column(ForeignKey("harvests.id", ondelete="CASCADE"), primary_key=True)
    stage_id: Mapped[int] = mapped_column(ForeignKey("names.id"), primary_key=True)
    entered: Mapped[int] = mapped_column(Integer)
    seconds: Mapped[float] = mapped_column(Float)


class RejectRow(Table):
    """How many candidates of a harvest fell out at a stage for one reason."""

    __tablename__ = "rejects"
    __table_args__ = ({"sqlite_with_rowid": False},)
    harvest_id: Mapped[int] = mapped_column(ForeignKey("harvests.id", ondelete="CASCADE"), primary_key=True)
    stage_id: Mapped[int] = mapped_column(ForeignKey("names.id"), primary_key=True)
    reason_id: Mapped[int] = mapped_column(ForeignKey("names.id"), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    example: Mapped[str] = mapped_column(Text)


class MutantRow(Table):
    """A mutant; `kind` and `depth` repeat what `lineage` says, for the counts. The long index answers those alone."""

    __tablename__ = "mutants"
    __table_args__ = (Index("ix_mutants_counts", "harvest_id", "kind", "depth", "marks_id"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    canonical: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    harvest_id: Mapped[int] = mapped_column(ForeignKey("harvests.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    depth: Mapped[int] = mapped_column(SmallInteger)
    marks_id: Mapped[int] = mapped_column(ForeignKey("mark_sets.id"))
    size: Mapped[int] = mapped_column(Integer)
    lineage: Mapped[str] = mapped_column(Text)
    statement: Mapped[str] = mapped_column(Text)
    proof: Mapped[str] = mapped_column(Text)


class ConjectureRow(Table):
    """A conjecture; `witnesses` is packed by `db.packing`. The long index answers the counts alone."""

    __tablename__ = "conjectures"
    __table_args__ = (Index("ix_conjectures_counts", "harvest_id", "kind", "standing"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    canonical: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    harvest_id: Mapped[int] = mapped_column(ForeignKey("harvests.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    place: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    statement: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(Integer)
    standing: Mapped[str] = mapped_column(Text)
    claim: Mapped[str] = mapped_column(Text)
    proof: Mapped[str] = mapped_column(Text)
    witnesses: Mapped[str] = mapped_column(Text)
    evaluations: Mapped[int] = mapped_column(Integer)
    seconds: Mapped[float] = mapped_column(Float)
    way: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)


class TaskRow(Table):
    """A statement to be proved or refuted."""

    __tablename__ = "tasks"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    digest: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    header: Mapped[str] = mapped_column(Text)
    statement: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)


class ProofRow(Table):
    """The text of a proof, once for each task however often it is found; `digest` is its SHA-256."""

    __tablename__ = "proofs"
    __table_args__ = (UniqueConstraint("task_id", "digest"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    text: Mapped[str] = mapped_column(Text)


class AttemptRow(Table):
    """An attempt at a task; `verdict` is JSON."""

    __tablename__ = "attempts"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"), index=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    proof_id: Mapped[int | None] = mapped_column(ForeignKey("proofs.id"))
    outcome: Mapped[str] = mapped_column(Text)
    verdict: Mapped[str] = mapped_column(Text)
    seconds: Mapped[float] = mapped_column(Float)
    made: Mapped[datetime] = mapped_column(UtcDateTime)
