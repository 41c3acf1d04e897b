"""Libraries and what was traced in them, runs with their units, mutants."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Creates the first tables."""
    for interned in ("names", "mark_sets"):
        _create(interned, _text("text"), sa.UniqueConstraint("text"))
    _libraries()
    _traces()
    _runs()
    _harvests()
    _mutants()


def _libraries() -> None:
    _create(
        "libraries",
        *[_text(name) for name in ("digest", "name", "toolchain", "imports")],
        _text("root", nullable=True),
        sa.UniqueConstraint("digest"),
    )
    _create(
        "modules",
        *_reference("library_id", "libraries", "CASCADE"),
        *_reference("name_id", "names"),
        _text("digest"),
        _text("path", nullable=True),
        _text("imports"),
        sa.UniqueConstraint("library_id", "name_id"),
    )


def _traces() -> None:
    _create(
        "theorems",
        *_reference("module_id", "modules", "CASCADE"),
        _number("position"),
        *_reference("name_id", "names"),
        sa.Column("canonical", sa.LargeBinary(16), nullable=False),
        _text("kind"),
        _text("constants"),
        _text("span", nullable=True),
        _text("statement"),
        _text("code", nullable=True),
        sa.UniqueConstraint("module_id", "position"),
    )
    _index("theorems", "name_id")
    _index("theorems", "canonical")
    _create(
        "premises",
        *_reference("module_id", "modules", "CASCADE"),
        _number("position"),
        *_reference("name_id", "names"),
        *[_text(name) for name in ("kind", "span", "code")],
        sa.UniqueConstraint("module_id", "position"),
    )
    _index("premises", "name_id")
    _create(
        "steps",
        *_reference("theorem_id", "theorems", "CASCADE"),
        _number("position"),
        *[_text(name) for name in ("before", "tactic", "after", "premises")],
        _text("span", nullable=True),
        sa.UniqueConstraint("theorem_id", "position"),
    )


def _runs() -> None:
    _create(
        "runs",
        _text("command"),
        _text("config"),
        *_reference("library_id", "libraries"),
        _text("toolchain"),
        sa.Column("started", sa.DateTime(), nullable=False),
        sa.Column("finished", sa.DateTime(), nullable=True),
    )
    _create(
        "units",
        *_reference("run_id", "runs", "CASCADE"),
        _number("position"),
        _text("payload"),
        _text("status"),
        _text("owner", nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=True),
        _text("message"),
        _number("stored"),
        _number("known"),
        sa.UniqueConstraint("run_id", "position"),
    )
    _index("units", "run_id", "status", "position")


def _harvests() -> None:
    _create(
        "harvests",
        *_reference("run_id", "runs", "CASCADE"),
        *_reference("unit_id", "units", "CASCADE"),
        _number("position"),
        *_reference("name_id", "names"),
        _text("failure"),
        sa.UniqueConstraint("unit_id", "position"),
    )
    _index("harvests", "run_id")
    _index("harvests", "name_id")
    op.create_table(
        "stages",
        *_reference("harvest_id", "harvests", "CASCADE"),
        *_reference("stage_id", "names"),
        _number("entered"),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("harvest_id", "stage_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rejects",
        *_reference("harvest_id", "harvests", "CASCADE"),
        *_reference("stage_id", "names"),
        *_reference("reason_id", "names"),
        _number("count"),
        _text("example"),
        sa.PrimaryKeyConstraint("harvest_id", "stage_id", "reason_id"),
        sqlite_with_rowid=False,
    )


def _mutants() -> None:
    _create(
        "mutants",
        sa.Column("canonical", sa.LargeBinary(16), nullable=False),
        *_reference("harvest_id", "harvests", "CASCADE"),
        _text("kind"),
        sa.Column("depth", sa.SmallInteger(), nullable=False),
        *_reference("marks_id", "mark_sets"),
        _number("size"),
        *[_text(name) for name in ("lineage", "statement", "proof")],
        sa.UniqueConstraint("canonical"),
    )
    op.create_index("ix_mutants_counts", "mutants", ["harvest_id", "kind", "depth", "marks_id"])


def _create(table: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(table, sa.Column("id", KEY, nullable=False), *parts, sa.PrimaryKeyConstraint("id"))


def _index(table: str, *columns: str) -> None:
    op.create_index(None, table, list(columns))


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _reference(name: str, table: str, ondelete: str | None = None) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column(name, KEY, nullable=False),
        sa.ForeignKeyConstraint([name], [f"{table}.id"], ondelete=ondelete),
    ]
