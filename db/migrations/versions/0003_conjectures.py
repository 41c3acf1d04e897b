"""Conjectures: statements that may be false, and what Lean found out about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Creates the table of conjectures."""
    op.create_table(
        "conjectures",
        sa.Column("id", KEY, nullable=False),
        sa.Column("canonical", sa.LargeBinary(16), nullable=False),
        sa.Column("harvest_id", KEY, nullable=False),
        *[_text(name) for name in ("kind", "place", "detail", "statement")],
        sa.Column("size", sa.Integer(), nullable=False),
        *[_text(name) for name in ("standing", "claim", "proof", "witnesses")],
        sa.Column("evaluations", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        *[_text(name) for name in ("way", "note")],
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("canonical"),
        sa.ForeignKeyConstraint(["harvest_id"], ["harvests.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_conjectures_counts", "conjectures", ["harvest_id", "kind", "standing"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)
