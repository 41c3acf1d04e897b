"""Processes that die or write at the same time: nothing is stored twice, nothing by halves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from db import testing
from db.records import Conjecture, Harvest, Mutant, Run, UnitStatus
from db.store import Store

LIBRARY = testing.LIBRARY
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNITS = 30

WORKER = Path(__file__).with_name("worker.py")


def start(store: Store) -> Run:
    store.save_library(LIBRARY)
    payloads = [[str(number)] for number in range(UNITS)]
    return store.start_run("mutate", {}, LIBRARY.digest, LIBRARY.toolchain, payloads, NOON)


def work(place: str, *owner: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, str(WORKER), place, *owner], stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )


def ended(process: subprocess.Popen[str]) -> int:
    out, err = process.communicate(timeout=120)
    assert process.returncode in {0, -signal.SIGKILL}, out + err
    return process.returncode


Contents = tuple[list[Mutant], list[Conjecture], Sequence[object], object]


def contents(store: Store, run: Run) -> Contents:
    counts = store.report_counts(run.id)
    return list(store.mutants()), list(store.conjectures()), counts.rejects, counts.histogram


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """What a run leaves that nobody disturbs."""
    place = tmp_path_factory.mktemp("unbroken") / "lemma.db"
    with Store.open(place) as store:
        run = start(store)
        assert ended(work(str(place), "a")) == 0
        return contents(store, run)


def test_a_process_killed_anywhere_in_finishing_a_unit_leaves_no_trace_of_it(place: str, unbroken: Contents) -> None:
    with Store.open(place) as store:
        run = start(store)
        parent = work(place)
        assert parent.stdin is not None
        assert parent.stdout is not None
        for killed in range(1, 100):
            print(killed, file=parent.stdin, flush=True)
            if parent.stdout.readline() != f"{-signal.SIGKILL}\n":
                break
            assert [unit.status for unit in store.units(run.id)][:2] == [UnitStatus.leased, UnitStatus.waiting]
            assert (store.progress(run.id).theorems, store.mutant_count(), store.conjecture_count()) == (0, 0, 0)
            store.release_leases(run.id, str(killed))
        assert ended(parent) == 0
        # It died before each of the statements of one unit, and before the commit.
        assert 15 < killed < 99
        assert store.units(run.id)[0].status is UnitStatus.done
        assert ended(work(place, "last")) == 0
        assert contents(store, run) == unbroken


def test_a_run_killed_at_any_time_ends_like_an_unbroken_one(place: str, unbroken: Contents) -> None:
    with Store.open(place) as store:
        run = start(store)
        for round_ in range(6):
            process = work(place, f"dead {round_}")
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.003 * round_)
            os.kill(process.pid, signal.SIGKILL)
            ended(process)
            assert store.mutant_count() + store.conjecture_count() == store.progress(run.id).mutants
        assert store.progress(run.id).units[UnitStatus.done] < UNITS
        for round_ in range(6):
            store.release_leases(run.id, f"dead {round_}")
        assert ended(work(place, "last")) == 0
        assert contents(store, run) == unbroken


def test_processes_that_write_at_the_same_time_leave_what_one_would(place: str, unbroken: Contents) -> None:
    with Store.open(place) as store:
        run = start(store)
        processes = [work(place, owner) for owner in ("a", "b", "c")]
        outputs = [process.communicate(timeout=120) for process in processes]
        assert [process.returncode for process in processes] == [0, 0, 0], outputs
        positions = sorted(int(line) for out, _ in outputs for line in out.split())
        assert positions == list(range(UNITS))
        assert contents(store, run) == unbroken


def test_a_unit_finished_by_two_processes_is_stored_once(place: str) -> None:
    with Store.open(place) as store, Store.open(place) as other:
        run = start(store)
        slow = store.lease(run.id, "slow", NOON, 60)
        quick = other.lease(run.id, "quick", NOON + timedelta(seconds=61), 60)
        assert slow is not None
        assert quick is not None
        while quick.position != slow.position:
            quick = other.lease(run.id, "quick", NOON + timedelta(seconds=61), 60)
            assert quick is not None
        harvest = Harvest("T", (testing.mutant(1, "T"),))
        assert other.finish_unit(quick, [harvest]).new == 1
        assert store.finish_unit(slow, [harvest]).new == 0
        assert list(store.mutants()) == [testing.mutant(1, "T")]


def test_processes_that_open_a_new_store_at_the_same_time_all_get_it(place: str) -> None:
    code = "import sys; from db.store import Store; print(len(Store.open(sys.argv[1]).runs()))"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, place], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [out for out, _ in outputs] == ["0\n"] * 6, outputs


def test_names_given_by_a_transaction_that_failed_are_not_remembered(place: str) -> None:
    with Store.open(place) as store:
        run = start(store)
        good = testing.mutant(1, "Never.seen")
        # A size that no database can hold fails after the names have got their numbers.
        with pytest.raises(Exception, match=r"too large|out of range"):
            store.finish_unit(store.units(run.id)[0], [Harvest("Never.seen", (replace(good, size=1 << 70),))])
        store.finish_unit(store.units(run.id)[0], [Harvest("Other"), Harvest("Never.seen", (good,))])
        assert list(store.mutants()) == [good]
