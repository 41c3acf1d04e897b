"""What can go wrong with the store.

::

    StoreError
    ├── StoreNotFound      there is no store at that place, and none was to be made
    ├── NotAStore          the file is no SQLite file, or the database belongs to another program
    ├── StoreTooNew        a newer version of this program wrote it
    ├── StoreUnavailable   it cannot be opened: folder, permissions, driver, a server that does not answer
    ├── StoreLocked        another process has been writing for longer than we are willing to wait
    ├── DiskFull           there is no room for what was to be written
    ├── StoreDamaged       the file is corrupt, or its disk does not read or write
    └── UnknownRecord      it holds no run, library or task of that number or digest

A transaction that ends in one of these has changed nothing. Every message says what is wrong, where, and what to do about it.
"""

from __future__ import annotations


class StoreError(Exception):
    """Base of everything that the store raises."""


class StoreNotFound(StoreError):
    """Raised when a store is opened that does not exist and must not be created."""


class NotAStore(StoreError):
    """Raised when a file or database is opened that is not one of ours; it is left as it was."""


class StoreTooNew(StoreError):
    """Raised when the schema of a store is one that this version does not know; it is left as it was."""


class StoreUnavailable(StoreError):
    """Raised when a store cannot be opened, or not be written to."""


class StoreLocked(StoreError):
    """Raised when another process keeps the store locked for too long. The same call may succeed later."""


class DiskFull(StoreError):
    """Raised when there is no room left for what is to be written."""


class StoreDamaged(StoreError):
    """Raised when the file of a store is corrupt, or its disk fails."""


class UnknownRecord(StoreError):
    """Raised when a run, a library or a task is asked for that the store does not hold."""
