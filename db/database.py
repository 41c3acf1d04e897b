"""The connection to a database: transactions, and what their failures mean.

Every writing transaction holds the one write lock of its database from its first statement to its end, on SQLite and on
PostgreSQL alike. So what it reads stays true while it writes, names get one number, and no two writers can block each other for
good. Readers see the database as it was when they began and are never blocked.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeAlias

from sqlalchemy import URL, Connection, Engine, Row, Select, create_engine, event, insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry

from db.faults import store_error
from db.names import Interned

# Rows and queries of any shape.
AnyRow: TypeAlias = "Row[*tuple[Any, ...]]"
AnySelect: TypeAlias = "Select[*tuple[Any, ...]]"

# Any number will do, as long as every version of the program takes the same.
WRITE_LOCK = 0x4C454D4D41


class Database:
    """An open database.

    Attributes:
        url: where it is.
        patience: seconds that a writer waits for others.
    """

    def __init__(self, url: URL, *, patience: float) -> None:
        self.url = url
        self.patience = patience
        self._engine = _engine(url, patience)
        self._writers = self._engine.execution_options(**_writing(url))
        self._one_writer = threading.Lock()
        self.names = Interned("names")
        self.mark_sets = Interned("mark_sets")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes every connection."""
        self._engine.dispose()

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self._engine.dialect.name == "sqlite"

    def use_wal(self) -> None:
        """Lets readers of a SQLite file go on while another process writes; the file remembers it.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._meaning(), self._engine.execution_options(begin="").connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database throughout.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._meaning(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that happens as a whole or not at all, alone among the writers.

        Raises:
            StoreLocked: another process wrote for longer than the patience.
            DiskFull: there is no room.
            StoreError: the database cannot be written for another reason.
        """
        with self._one_writer:
            try:
                with self._meaning(), self._writers.begin() as connection:
                    yield connection
            except BaseException:
                # Numbers that this transaction gave to names are not in the database.
                self.names.forget()
                self.mark_sets.forget()
                raise

    @contextmanager
    def _meaning(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            told = store_error(error, self.url)
            if told is None:
                raise
            raise told from error


def _engine(url: URL, patience: float) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": patience}, paramstyle="named")
        event.listen(engine, "connect", _settle_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(url, isolation_level="REPEATABLE READ", pool_pre_ping=True)

        def begin(connection: Connection) -> None:
            if connection.get_execution_options().get("begin"):
                connection.execute(text(f"SET LOCAL lock_timeout = {round(patience * 1000)}"))
                connection.execute(text(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})"))

        event.listen(engine, "begin", begin)
    return engine


def _writing(url: URL) -> dict[str, str]:
    if url.get_backend_name() == "sqlite":
        return {"begin": "BEGIN IMMEDIATE"}
    # A repeatable read would see the database as it was before the lock was granted.
    return {"begin": "lock", "isolation_level": "READ COMMITTED"}


def insert_rows(connection: Connection, table: type[DeclarativeBase], rows: Sequence[Mapping[str, object]]) -> None:
    """Inserts many rows that have the same columns.

    What lies in them must be what the driver takes: nothing converts it on the way, which halves the time.
    """
    if rows:
        columns = list(rows[0])
        statement = insert(table).compile(dialect=connection.dialect, column_keys=columns)
        connection.exec_driver_sql(str(statement), list(rows))


def _settle_sqlite(connection: Any, entry: ConnectionPoolEntry) -> None:
    # The driver's own idea of when a transaction begins leaves reads outside of them; `_begin_sqlite` says it instead.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    # In WAL mode a power cut may lose the last transactions, whole ones, and damages nothing.
    connection.execute("PRAGMA synchronous = NORMAL")
    # In KiB; the index of canonical forms of a million mutants fits.
    connection.execute("PRAGMA cache_size = -65536")
    # In pages. The index of canonical forms changes all over; the longer its pages gather, the fewer are written twice.
    connection.execute("PRAGMA wal_autocheckpoint = 8192")


def _begin_sqlite(connection: Connection) -> None:
    begin = connection.get_execution_options().get("begin", "BEGIN")
    if begin:
        connection.exec_driver_sql(begin)
