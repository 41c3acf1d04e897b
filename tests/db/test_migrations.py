"""Stores of older versions are upgraded, and the migrations make the tables that the models describe."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from db import testing
from db.database import Database
from db.models import Table
from db.opening import REVISIONS, locate, prepare
from db.records import Attempt, Outcome, Run, Task
from db.store import Store

LIBRARY = testing.LIBRARY
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
# The SQL of a store that the first revision wrote, made once by `write_first_content` and never changed.
FIRST = Path(__file__).with_name("golden") / "store-0001.sql"


def write_first_content(store: Store) -> Run:
    """Fills a store with some of everything that the first revision could hold."""
    store.save_library(LIBRARY)
    theorems = [testing.theorem(number, testing.module().name) for number in range(4)]
    premises = [testing.premise(0, testing.module().name)]
    store.save_module(LIBRARY.digest, testing.module(), theorems, premises, testing.steps(theorems[1]))
    names = [theorem.name for theorem in theorems]
    run = store.start_run("mutate", {"seed": 1}, LIBRARY.digest, LIBRARY.toolchain, [names[:2], names[2:]], NOON)
    unit = store.lease(run.id, "a", NOON, 60)
    assert unit is not None
    store.finish_unit(
        unit,
        [
            testing.harvest(name, [testing.mutant(number * 12 + i, name) for i in range(12)])
            for number, name in enumerate(names[:2])
        ],
    )
    return run


def assert_first_content(store: Store) -> None:
    [run] = store.runs()
    theorems = [testing.theorem(number, testing.module().name) for number in range(4)]
    assert store.libraries() == (LIBRARY,)
    assert list(store.modules(LIBRARY.digest)) == [testing.module()]
    assert list(store.theorems(LIBRARY.digest)) == theorems
    assert list(store.steps(LIBRARY.digest)) == [(theorems[1], testing.steps(theorems[1]))]
    assert list(store.premises(LIBRARY.digest)) == [testing.premise(0, testing.module().name)]
    assert list(store.mutants()) == [testing.mutant(i, theorems[i // 12].name) for i in range(24)]
    counts = store.report_counts(run.id)
    assert counts.histogram == {12: 2}
    assert {rejects.reason for rejects in counts.rejects} == {"type error", "another statement", "vacuous"}


def revision(database: Database) -> str:
    with database.reading() as connection:
        return str(connection.execute(text("SELECT version_num FROM lemmaforge_schema")).scalar_one())


def differences(database: Database) -> list[object]:
    with database.reading() as connection:
        options = {"version_table": "lemmaforge_schema", "compare_type": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Table.metadata))


@pytest.fixture
def old(place: str) -> Iterator[Store]:
    """An open store of the first revision, with content."""
    with Store(locate(place), patience=10) as store:
        prepare(store, create=True, revision=REVISIONS[0])
        write_first_content(store)
        assert revision(store) == "0001"
        yield store


def test_the_migrations_make_the_tables_of_the_models(store: Store) -> None:
    assert revision(store) == REVISIONS[-1]
    assert differences(store) == []


def test_the_revisions_are_those_that_are_shipped(repository: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(repository / "db" / "migrations"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    assert [script.revision for script in scripts.walk_revisions()] == list(reversed(REVISIONS))


def test_an_old_store_is_upgraded_when_it_is_opened(old: Store, place: str) -> None:
    assert differences(old)
    with Store.open(place, create=False) as store:
        assert revision(store) == REVISIONS[-1]
        assert differences(store) == []
        assert_first_content(store)
        task = Task("ab" * 32, "theorem t : True := sorry")
        attempt = Attempt(task.digest, Outcome.proved, NOON, "trivial")
        store.save_task(task)
        store.save_attempt(attempt)
        assert list(store.attempts()) == [attempt]


def test_a_store_without_conjectures_is_upgraded_and_takes_some(place: str) -> None:
    task = Task("ab" * 32, "theorem t : True := sorry")
    attempt = Attempt(task.digest, Outcome.proved, NOON, "trivial")
    with Store(locate(place), patience=10) as old:
        prepare(old, create=True, revision="0002")
        run = write_first_content(old)
        old.save_task(task)
        old.save_attempt(attempt)
        assert revision(old) == "0002"
        assert differences(old)
    with Store.open(place, create=False) as store:
        assert differences(store) == []
        assert_first_content(store)
        assert list(store.attempts()) == [attempt]
        unit = store.lease(run.id, "b", NOON, 60)
        assert unit is not None
        conjecture = testing.conjecture(1000, unit.payload[0])
        store.finish_unit(unit, [testing.harvest(unit.payload[0], [], [conjecture])])
        assert list(store.conjectures()) == [conjecture]


def test_a_file_of_the_first_revision_still_opens(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "lemma.db")
    connection.executescript(FIRST.read_text())
    connection.close()
    with Store.open(tmp_path / "lemma.db", create=False) as store:
        assert_first_content(store)
        [run] = store.runs()
        unit = store.lease(run.id, "b", NOON, 60)
        assert unit is not None
        store.finish_unit(unit, [testing.harvest(unit.payload[0], [testing.mutant(99, unit.payload[0])])])
        assert store.mutant_count() == 25


def test_an_upgrade_that_fails_leaves_the_old_store(place: str, old: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from db import opening

    def fail(*_: object) -> None:
        raise RuntimeError("power cut")

    migrate = opening._migrate

    def half(*arguments: object) -> None:
        migrate(*arguments)  # type: ignore[arg-type]
        fail()

    monkeypatch.setattr(opening, "_migrate", half)
    with pytest.raises(RuntimeError, match="power cut"):
        Store.open(place)
    assert revision(old) == "0001"
    assert_first_content(old)
