"""What a driver's exception means: the one place where it becomes an error of the store."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from db.errors import DiskFull, NotAStore, StoreDamaged, StoreError, StoreLocked, StoreUnavailable

# A full disk shows as a failed write wherever SQLite maps a file; below this much room that is what it was.
ROOM_TO_WORK = 1 << 20


def store_error(error: DBAPIError, url: URL) -> StoreError | None:
    """The error of the store that a driver's exception stands for; None when it is a mistake of this program."""
    if isinstance(error.orig, sqlite3.Error):
        return _sqlite(error.orig, Path(url.database or ""))
    return _server(error, url.render_as_string(hide_password=True))


# By the primary code of SQLite's error.
_SQLITE: Mapping[int, tuple[type[StoreError], str]] = {
    sqlite3.SQLITE_BUSY: (StoreLocked, "is being written by another process; wait for it to end, then try again"),
    sqlite3.SQLITE_FULL: (DiskFull, "has no room to grow; free some space on its disk and run the same command again"),
    sqlite3.SQLITE_IOERR: (StoreDamaged, "cannot be read or written; look for a file size limit or a failing disk"),
    sqlite3.SQLITE_CORRUPT: (
        StoreDamaged,
        "is damaged; restore a copy, or save what is left with `sqlite3`'s `.recover`",
    ),
    sqlite3.SQLITE_NOTADB: (NotAStore, "is not a SQLite file; name another place for the store"),
    sqlite3.SQLITE_CANTOPEN: (StoreUnavailable, "cannot be opened; check that its folder exists and may be written"),
    sqlite3.SQLITE_READONLY: (StoreUnavailable, "may not be written; check its permissions and those of its folder"),
    sqlite3.SQLITE_PERM: (StoreUnavailable, "may not be opened; check its permissions and those of its folder"),
}


def _sqlite(error: sqlite3.Error, path: Path) -> StoreError | None:
    # The low byte is the primary code; an error that the Python module raises by itself has none.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_IOERR and shutil.disk_usage(path.absolute().parent).free < ROOM_TO_WORK:
        code = sqlite3.SQLITE_FULL
    if code not in _SQLITE:
        return None
    kind, cure = _SQLITE[code]
    return kind(f"{path} {cure} ({error})")


def _server(error: DBAPIError, place: str) -> StoreError | None:
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if state in {"55P03", "40P01", "57014"}:
        return StoreLocked(f"{place} is being written by another process; wait for it to end, then try again")
    if state == "53100":
        return DiskFull(f"the server of {place} has no room left: {error.orig}")
    # Without a state the server never answered; 08, 28, 3D, 53 and 57 are connections, passwords, databases,
    # limits and shutdowns.
    if not state or state[:2] in {"08", "28", "3D", "53", "57"}:
        return StoreUnavailable(f"{place} does not answer: {str(error.orig).strip()}")
    if state == "42501":
        return StoreUnavailable(f"{place} may not be written: {error.orig}")
    return None
