"""The store: one object for all that is remembered.

::

    with Store.open("lemma.db") as store:
        for mutant in store.mutants(kinds={MutationKind.rewrite}):
            print(mutant.declaration)

A `Store` may be shared by threads. Processes open one each; several may write to the same store.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from db.counts import Counts
from db.harvests import Harvests
from db.libraries import Libraries
from db.opening import open_database
from db.runs import Runs
from db.tasks import Tasks


class Store(Libraries, Runs, Harvests, Counts, Tasks):
    """Everything that is remembered, in a SQLite file or a PostgreSQL database.

    Frozen records go in and come out (`db.records`, `db.figures`), never rows that are tied to the database. Each method is one
    transaction: it happens as a whole or, when it raises, not at all.
    """

    @classmethod
    def open(cls, place: str | Path, *, create: bool = True, patience: float = 30.0) -> Self:
        """Opens the store at a place; creates it when there is none, and upgrades an older one.

        Args:
            place: the path of a SQLite file, `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`.
            create: whether a missing store is made.
            patience: seconds to wait while other processes write.

        Raises:
            StoreNotFound: there is none, and none was to be made.
            NotAStore: something else lies there.
            StoreTooNew: a newer version of this program wrote it.
            StoreError: it cannot be opened, is locked, damaged, or its disk is full.
        """
        return open_database(cls, place, create=create, patience=patience)
