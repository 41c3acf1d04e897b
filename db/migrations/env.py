"""What alembic runs: the migrations, in the transaction that `db.opening` has begun."""

from __future__ import annotations

from alembic import context

from db.models import Table
from db.opening import VERSIONS

# The metadata lend the migrations their rule for the names of constraints.
context.configure(
    connection=context.config.attributes["connection"], target_metadata=Table.metadata, version_table=VERSIONS
)
with context.begin_transaction():
    context.run_migrations()
