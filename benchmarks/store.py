"""How fast and how small the store is: mutants written, read and counted, against plain `sqlite3` with the same texts.

python benchmarks/store.py                       a million mutants, a few minutes
python benchmarks/store.py --rows 100000
python benchmarks/store.py --json out.json

The baseline is one table with a unique index, filled by `executemany` of rows that lie ready, a transaction for each unit, with the
same pragmas. Units are written by both in turn, so that other work on the machine hits both. One unit is 16 theorems with 25
mutants each; one mutant in ten repeats an earlier one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from db import testing
from db.records import Harvest
from db.store import Store

THEOREMS = 16
MUTANTS = 25
UNIT = THEOREMS * MUTANTS
REPEATED = 0.1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report."""

    part: str
    what: str
    value: float
    unit: str
    target: str = ""


class Plain:
    """The baseline: one table, and nothing that is asked for but the texts."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -65536"):
            self.connection.execute(f"PRAGMA {pragma}")
        self.connection.execute(
            "CREATE TABLE mutants (canonical TEXT UNIQUE, parent TEXT, kind TEXT, depth INTEGER, steps TEXT, statement TEXT, "
            "proof TEXT, marks TEXT, size INTEGER)"
        )

    def write(self, rows: Sequence[tuple[object, ...]]) -> None:
        """One unit."""
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany("INSERT OR IGNORE INTO mutants VALUES (?,?,?,?,?,?,?,?,?)", rows)
        self.connection.execute("COMMIT")


def units(count: int) -> Iterator[list[Harvest]]:
    """The harvests of so many units, always the same."""
    draw = random.Random(7)
    number = 0
    for unit in range(count):
        harvests = []
        for theorem in range(THEOREMS):
            name = f"List.erase_length_{unit * THEOREMS + theorem}"
            mutants = []
            for _ in range(MUTANTS):
                form = draw.randrange(number) if number and draw.random() < REPEATED else number
                mutants.append(testing.mutant(number, name, form))
                number += 1
            harvests.append(testing.harvest(name, mutants))
        yield harvests


def plain_rows(harvests: Sequence[Harvest]) -> list[tuple[object, ...]]:
    """What the baseline stores of a unit."""
    return [
        (
            mutant.canonical,
            mutant.parent,
            mutant.kind.value,
            mutant.depth,
            json.dumps([[s.kind, s.place, s.lemma, s.reverse, s.detail] for s in mutant.steps], ensure_ascii=False),
            mutant.statement,
            mutant.proof,
            json.dumps(mutant.marks),
            mutant.size,
        )
        for harvest in harvests
        for mutant in harvest.mutants
    ]


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds, and what came out."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def write(store: Store, plain: Plain, count: int) -> tuple[int, list[Figure]]:
    """Units into both; the number of the run, and the rates."""
    store.save_library(testing.LIBRARY)
    for module in range(count):
        theorems = [testing.theorem(module * THEOREMS + i, f"Init.M{module}") for i in range(THEOREMS)]
        if module % 50 == 0:
            store.save_module(testing.LIBRARY.digest, testing.module(module), theorems)
    payloads = [[f"List.erase_length_{unit * THEOREMS + i}" for i in range(THEOREMS)] for unit in range(count)]
    now = datetime.now(UTC)
    run = store.start_run("mutate", {"seed": 7}, testing.LIBRARY.digest, testing.LIBRARY.toolchain, payloads, now).id
    ours = processor = plain_seconds = 0.0
    last: list[float] = []
    for harvests in units(count):
        unit = store.lease(run, "benchmark", now, 3600)
        assert unit is not None
        began = time.process_time()
        seconds, _ = timed(lambda unit=unit, harvests=harvests: store.finish_unit(unit, harvests))  # type: ignore[misc]
        ours += seconds
        processor += time.process_time() - began
        last = [*last[-99:], seconds]
        rows = plain_rows(harvests)
        plain_seconds += timed(lambda rows=rows: plain.write(rows))[0]  # type: ignore[misc]
    offered = count * UNIT
    return run, [
        Figure("write", "mutants a second through finish_unit", offered / ours, "1/s", ">= 20000"),
        Figure("write", "the same, for a second of the processor", offered / processor, "1/s"),
        Figure("write", "mutants a second, over the last 100 units", UNIT * len(last) / sum(last), "1/s"),
        Figure("write", "plain executemany", offered / plain_seconds, "1/s"),
        Figure("write", "time against plain", ours / plain_seconds, "x"),
    ]


def sizes(store: Store, plain: Plain, ours: Path, theirs: Path) -> list[Figure]:
    """Bytes of both files, all tables and indexes counted in."""
    mutants = store.mutant_count()
    [kept] = plain.connection.execute("SELECT count(*) FROM mutants").fetchone()
    assert mutants == kept
    with store.reading() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    plain.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    some = list(itertools.islice(store.mutants(), 10_000))
    texts = sum(len(mutant.statement.encode()) + len(mutant.proof.encode()) for mutant in some)
    return [
        Figure("size", "mutants", mutants, ""),
        Figure("size", "bytes a mutant", ours.stat().st_size / mutants, "B", "<= 1024"),
        Figure("size", "of these, statement and proof", texts / len(some), "B"),
        Figure("size", "plain table", theirs.stat().st_size / kept, "B"),
    ]


def report(store: Store, plain: Plain, run: int) -> list[Figure]:
    """The counts of a run, against one grouping of the plain table."""
    seconds, counts = timed(lambda: store.report_counts(run))
    group = "SELECT kind, depth, marks, count(*) FROM mutants GROUP BY kind, depth, marks"
    plain_seconds, _ = timed(lambda: plain.connection.execute(group).fetchall())
    progress, _ = timed(lambda: store.progress(run))
    return [
        Figure("report", f"report_counts over {counts.mutants:,} mutants", seconds, "s", "<= 10"),
        Figure("report", "one GROUP BY of the plain table", plain_seconds, "s"),
        Figure("report", "progress", progress * 1000, "ms"),
    ]


def read(store: Store, plain: Plain) -> list[Figure]:
    """All mutants as records, against the rows of the plain table as tuples."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, mutants = timed(lambda: sum(1 for _ in store.mutants()))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    query = "SELECT * FROM mutants"
    plain_seconds, rows = timed(lambda: sum(1 for _ in plain.connection.execute(query)))
    return [
        Figure("read", "mutants a second as records", mutants / seconds, "1/s", ">= 100000"),
        Figure("read", "memory it took beyond the most before", grown / 1024, "MiB"),
        Figure("read", "plain rows a second", rows / plain_seconds, "1/s"),
    ]


def measure(rows: int, folder: Path) -> Iterator[Figure]:
    """Everything, in one folder."""
    ours, theirs = folder / "lemma.db", folder / "plain.db"
    plain = Plain(theirs)
    with Store.open(ours) as store:
        run, figures = write(store, plain, rows // UNIT)
        yield from figures
        yield from sizes(store, plain, ours, theirs)
        yield from report(store, plain, run)
        yield from read(store, plain)
    plain.connection.close()


def main() -> None:
    """Reads the command line, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the files lie meanwhile; the default is the system's")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    about = {"cores": os.cpu_count(), "load before": os.getloadavg()[0], "sqlite": sqlite3.sqlite_version}
    figures = []
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for figure in measure(given.rows, Path(folder)):
            print(
                f"{figure.part:<8}{figure.what:<46}{figure.value:>14,.2f} {figure.unit:<4}{figure.target}", flush=True
            )
            figures.append(figure)
    print("measured on:", "; ".join(f"{name} {value}" for name, value in about.items()))
    if given.json:
        given.json.write_text(
            json.dumps({"machine": about, "figures": [asdict(figure) for figure in figures]}, indent=2)
        )


if __name__ == "__main__":
    main()
