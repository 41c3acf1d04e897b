"""Reading back what harvests hold, in an order that does not depend on which unit ended first."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.orm import InstrumentedAttribute

from db.database import AnyRow, AnySelect
from db.models import HarvestRow, UnitRow
from db.names import Interned, chunks

# Theorems whose records are in memory at a time.
THEOREMS = 32

Record = TypeVar("Record")


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


def harvest_keys(
    connection: Connection, names: Interned, runs: Collection[int] | None, parents: Collection[str] | None
) -> list[tuple[int, int]]:
    """The keys of harvests and of their theorems' names, by run, unit and theorem; None stands for all."""
    query = select(HarvestRow.id, HarvestRow.name_id).join_from(HarvestRow, UnitRow, HarvestRow.unit_id == UnitRow.id)
    if runs is not None:
        query = query.where(HarvestRow.run_id.in_(list(runs)))
    query = query.order_by(HarvestRow.run_id, UnitRow.position, HarvestRow.position)
    found = [(number, name) for number, name in connection.execute(query)]
    if parents is None:
        return found
    wanted = set(names.find(connection, parents).values())
    return [(number, name) for number, name in found if name in wanted]


def records_of(
    connection: Connection,
    query: AnySelect,
    harvest: InstrumentedAttribute[int],
    keys: Collection[tuple[int, int]],
    decoded: Callable[[Connection, Sequence[AnyRow], dict[int, int]], list[Record]],
) -> Iterator[Record]:
    """The records of harvests, those of one in the order of their making.

    Args:
        connection: where they are.
        query: gives rows that begin with their own key and that of their harvest.
        harvest: the column of the latter.
        keys: as of `harvest_keys`.
        decoded: the records of rows, given for each harvest the key of its theorem's name.
    """
    for chunk in chunks(keys, THEOREMS):
        place = {number: i for i, (number, _) in enumerate(chunk)}
        with uncollected():
            rows = connection.execute(query.where(harvest.in_(place))).all()
            ordered = sorted(rows, key=lambda row: (place[row[1]], row[0]))
            records = decoded(connection, ordered, dict(chunk))
        yield from records


def counted_in(
    connection: Connection, query: AnySelect, harvest: InstrumentedAttribute[int], keys: Collection[tuple[int, int]]
) -> int:
    """The sum of what a query counts over harvests; arguments as of `records_of`."""
    numbers = [number for number, _ in keys]
    counted = [query.where(harvest.in_(chunk)) for chunk in chunks(numbers)]
    return sum(count for some in counted for count in connection.execute(some).scalars())
