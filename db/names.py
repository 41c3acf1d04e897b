"""Texts that are kept once and spoken of by number."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Literal, TypeVar

from sqlalchemy import Connection, Insert, column, select, table
from sqlalchemy.dialects import postgresql, sqlite

# How many values one `IN (…)` holds.
CHUNK = 1000

T = TypeVar("T")


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The values in lists of a limited length."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


class Interned:
    """The numbers of the texts in a table of `id` and `text`, as far as this process has met them.

    Rows are never changed or deleted, so what is known stays true.
    """

    def __init__(self, name: Literal["names", "mark_sets"]) -> None:
        self._table = table(name, column("id"), column("text"))
        self._ids: dict[str, int] = {}
        self._texts: dict[int, str] = {}

    def forget(self) -> None:
        """Forgets numbers, because a transaction that may have given some was rolled back."""
        self._ids.clear()

    def all(self, connection: Connection) -> dict[str, int]:
        """Every text that has a number."""
        columns = self._table.c
        return dict(connection.execute(select(columns.text, columns.id)).all())

    def find(self, connection: Connection, texts: Collection[str]) -> dict[str, int]:
        """The numbers of those texts that have one."""
        columns = self._table.c
        found = {}
        for chunk in chunks(sorted(set(texts))):
            rows = connection.execute(select(columns.text, columns.id).where(columns.text.in_(chunk)))
            found.update(dict(rows.all()))
        return found

    def ids(self, connection: Connection, texts: Collection[str]) -> Mapping[str, int]:
        """The number of each text, given now to those that have none; for a writing transaction."""
        missing = sorted({text for text in texts if text not in self._ids})
        if missing:
            connection.execute(self._insert(connection.dialect.name), [{"text": text} for text in missing])
            self._ids.update(self.find(connection, missing))
        return self._ids

    def texts(self, connection: Connection, ids: Collection[int]) -> Mapping[int, str]:
        """The text of each number."""
        columns = self._table.c
        missing = sorted({number for number in ids if number not in self._texts})
        for chunk in chunks(missing):
            rows = connection.execute(select(columns.id, columns.text).where(columns.id.in_(chunk)))
            self._texts.update(dict(rows.all()))
        return self._texts

    def _insert(self, dialect: str) -> Insert:
        if dialect == "sqlite":
            return sqlite.insert(self._table).on_conflict_do_nothing()
        return postgresql.insert(self._table).on_conflict_do_nothing()
