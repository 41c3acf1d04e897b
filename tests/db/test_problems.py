"""What goes wrong with stores ends in an error that says what, where and what to do, and spoils nothing."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db import testing
from db.errors import (
    DiskFull,
    NotAStore,
    StoreDamaged,
    StoreError,
    StoreLocked,
    StoreNotFound,
    StoreTooNew,
    StoreUnavailable,
)
from db.records import Harvest
from db.store import Store

LIBRARY = testing.LIBRARY
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def start(store: Store, units: int) -> int:
    store.save_library(LIBRARY)
    return store.start_run("mutate", {}, LIBRARY.digest, LIBRARY.toolchain, [["T"]] * units, NOON).id


def big_harvest(number: int) -> list[Harvest]:
    mutants = [testing.mutant(number * 500 + i, f"T{number}") for i in range(500)]
    return [testing.harvest(f"T{number}", mutants)]


def fill_until_it_fails(store: Store, run: int) -> tuple[int, StoreError]:
    """How many units of 500 mutants went in, and the error that ended it."""
    for number, unit in enumerate(store.units(run)):
        try:
            store.finish_unit(unit, big_harvest(number))
        except StoreError as error:
            return number, error
    raise AssertionError("there was room for everything")


def assert_whole(store: Store, run: int, units: int) -> None:
    assert store.progress(run).theorems == units
    assert store.mutant_count() == store.progress(run).mutants == 500 * units
    assert len(list(store.mutants())) == 500 * units


def test_a_missing_store_is_not_made_unless_wanted(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFound, match=r"no store at .*absent\.db; .*lemma trace"):
        Store.open(tmp_path / "absent.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_database_is_filled_when_wanted_alone(place: str, tmp_path: Path) -> None:
    if "://" not in place:
        (tmp_path / "lemma.db").touch()
    with pytest.raises(StoreNotFound):
        Store.open(place, create=False)
    Store.open(place).close()
    Store.open(place, create=False).close()


@pytest.mark.parametrize("content", [b"theorem t : True := trivial\n" * 99, b"x", b"SQLite format 2\0" + bytes(5000)])
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "Main.lean"
    file.write_bytes(content)
    with pytest.raises(NotAStore, match=r"Main\.lean is not a SQLite file"):
        Store.open(file)
    assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "history.db"
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE visits (url TEXT)")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(NotAStore, match=r"another program \(it has a table `visits`\)"):
        Store.open(file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_store_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "lemma.db"
    Store.open(file).close()
    connection = sqlite3.connect(file)
    connection.execute("UPDATE lemmaforge_schema SET version_num = '9001'")
    connection.commit()
    connection.close()
    before = file.read_bytes()
    with pytest.raises(StoreTooNew, match=r"newer LemmaForge \(schema 9001, .*pip install --upgrade"):
        Store.open(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("sqlite://", "lives in memory"),
        ("sqlite:///:memory:", "lives in memory"),
        ("mysql://me@localhost/lemma", "SQLite file or a PostgreSQL database"),
        ("nonsense://x", "names no database"),
        ("postgresql://me:secret@localhost:port/lemma", "names no database"),
        ("{folder}", "is a folder"),
        ("{folder}/no/such/lemma.db", "does not exist; create it first"),
        ("sqlite:///{folder}/no/such/lemma.db", "does not exist; create it first"),
    ],
)
def test_a_place_that_cannot_hold_a_store_is_refused(tmp_path: Path, place: str, reason: str) -> None:
    with pytest.raises(StoreUnavailable, match=reason) as refused:
        Store.open(place.format(folder=tmp_path))
    assert "secret" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreUnavailable, match="127.0.0.1:1/lemma does not answer") as refused:  # noqa: RUF043
        Store.open("postgresql://me:secret@127.0.0.1:1/lemma")
    assert "secret" not in str(refused.value)


def test_a_locked_store_says_so_after_the_patience_and_works_afterwards(place: str) -> None:
    with Store.open(place) as holder, Store.open(place, patience=0.3) as store:
        run = start(store, 1)
        [unit] = store.units(run)
        with holder.writing():
            before = time.monotonic()
            with pytest.raises(StoreLocked, match="another process; wait"):
                store.finish_unit(unit, big_harvest(0))
            assert 0.2 < time.monotonic() - before < 5
            assert store.progress(run).theorems == 0
        store.finish_unit(unit, big_harvest(0))
        assert_whole(store, run, 1)


def test_a_writer_waits_for_a_short_lock(place: str) -> None:
    code = "import sys, time; from db.store import Store\nwith Store.open(sys.argv[1]).writing(): print(flush=True); time.sleep(1)"
    with Store.open(place) as store:
        run = start(store, 1)
        with subprocess.Popen([sys.executable, "-c", code, place], stdout=subprocess.PIPE) as holder:
            assert holder.stdout is not None
            holder.stdout.readline()
            store.finish_unit(store.units(run)[0], big_harvest(0))
        assert_whole(store, run, 1)


def test_a_store_that_may_not_grow_says_that_there_is_no_room(tmp_path: Path) -> None:
    """SQLite's own limit on the pages of a file ends in the same error as a full disk."""
    with Store.open(tmp_path / "lemma.db") as store:
        run = start(store, 100)
        with store.writing() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 500")
        units, error = fill_until_it_fails(store, run)
        assert isinstance(error, DiskFull)
        assert units >= 2
        assert_whole(store, run, units)
    with Store.open(tmp_path / "lemma.db") as store:
        for number, unit in enumerate(store.units(run)[: units + 2]):
            store.finish_unit(unit, big_harvest(number))
        assert_whole(store, run, units + 2)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("NOT TESTED ON A FULL DISK: only root may mount one")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_says_so_and_the_run_goes_on_when_there_is_room_again(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1 << 20))
    with Store.open(small_disk / "lemma.db") as store:
        run = start(store, 100)
        units, error = fill_until_it_fails(store, run)
        assert isinstance(error, DiskFull)
        assert "free some space on its disk" in str(error)
        assert units >= 1
        assert_whole(store, run, units)
        ballast.unlink()
        store.finish_unit(store.units(run)[units], big_harvest(units))
        assert_whole(store, run, units + 1)
    with Store.open(small_disk / "lemma.db") as store:
        assert_whole(store, run, units + 1)


def test_a_new_store_on_a_full_disk_says_so(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes((4 << 20) - (64 << 10)))
    with pytest.raises(DiskFull):
        Store.open(small_disk / "lemma.db")
    (small_disk / "ballast").unlink()
    Store.open(small_disk / "lemma.db").close()


def test_a_limit_on_the_size_of_files_ends_in_an_error_of_the_store(tmp_path: Path) -> None:
    with Store.open(tmp_path / "lemma.db") as store:
        run = start(store, 100)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, hard))
        try:
            units, error = fill_until_it_fails(store, run)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "look for a file size limit" in str(error)
        assert_whole(store, run, units)
        store.finish_unit(store.units(run)[units], big_harvest(units))
        assert_whole(store, run, units + 1)


def test_a_damaged_store_says_so(tmp_path: Path) -> None:
    file = tmp_path / "lemma.db"
    with Store.open(file) as store:
        run = start(store, 4)
        for number, unit in enumerate(store.units(run)):
            store.finish_unit(unit, big_harvest(number))
    content = bytearray(file.read_bytes())
    content[40_000:-4096] = bytes(os.urandom(len(content) - 44_096))
    file.write_bytes(content)
    with pytest.raises(StoreDamaged, match="is damaged; restore a copy"), Store.open(file) as store:  # noqa: PT012
        list(store.mutants())
        store.report_counts(run)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_store_that_may_not_be_written_says_so(tmp_path: Path) -> None:
    file = tmp_path / "lemma.db"
    with Store.open(file) as store:
        start(store, 1)
    file.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(StoreUnavailable), Store.open(file) as store:
            start(store, 1)
    finally:
        tmp_path.chmod(0o755)
