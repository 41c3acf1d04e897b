"""What any store must do with runs and the units that workers lease."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from db import testing
from db.errors import UnknownRecord
from db.figures import Progress, Stored
from db.records import Harvest, Run, Unit, UnitStatus
from db.store import Store

LIBRARY = testing.LIBRARY
NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def start(store: Store, units: int, **config: object) -> Run:
    store.save_library(LIBRARY)
    payloads = [[f"T{number}", f"S{number}"] for number in range(units)]
    return store.start_run("mutate", config, LIBRARY.digest, LIBRARY.toolchain, payloads, NOON)


def test_a_run_comes_back_with_its_units(store: Store) -> None:
    config = {"seed": 7, "kinds": ["rw", "apply"], "holdout": None, "depth": 2, "share": 0.5}
    run = start(store, 2, **config)
    assert run == Run(run.id, "mutate", config, LIBRARY.digest, LIBRARY.toolchain, NOON)
    assert store.run(run.id) == run
    assert store.units(run.id) == tuple(
        Unit(unit.id, run.id, position, (f"T{position}", f"S{position}"))
        for position, unit in enumerate(store.units(run.id))
    )
    with pytest.raises(UnknownRecord, match="no run 99"):
        store.run(99)


def test_times_are_kept_in_utc_and_must_say_their_zone(store: Store) -> None:
    store.save_library(LIBRARY)
    there = NOON.astimezone(timezone(timedelta(hours=-7)))
    assert store.start_run("trace", {}, LIBRARY.digest, "4", [], there).started == NOON
    with pytest.raises(Exception, match="has no time zone"):
        store.start_run("trace", {}, LIBRARY.digest, "4", [], NOON.replace(tzinfo=None))
    assert len(store.runs()) == 1


def test_runs_are_listed_by_command(store: Store) -> None:
    first = start(store, 1)
    other = store.start_run("trace", {}, LIBRARY.digest, "4", [], NOON)
    second = start(store, 1)
    assert store.runs() == (first, other, second)
    assert store.runs("mutate") == (first, second)


def test_the_run_to_go_on_with_has_the_same_command_configuration_and_library(store: Store) -> None:
    run = start(store, 1, seed=1, kinds=["rw"])
    assert store.unfinished_run("mutate", {"kinds": ["rw"], "seed": 1}, LIBRARY.digest) == run
    assert store.unfinished_run("mutate", {"kinds": ["rw"], "seed": 2}, LIBRARY.digest) is None
    assert store.unfinished_run("trace", run.config, LIBRARY.digest) is None
    assert store.unfinished_run("mutate", run.config, "2e" * 32) is None
    store.finish_run(run.id, NOON + SECOND)
    store.finish_run(run.id, NOON + 2 * SECOND)
    assert store.run(run.id).finished == NOON + SECOND
    assert store.unfinished_run("mutate", run.config, LIBRARY.digest) is None


def test_units_are_handed_out_once_and_in_order(store: Store) -> None:
    run = start(store, 3)
    taken = [store.lease(run.id, owner, NOON, 60) for owner in "abab"]
    assert [unit and (unit.position, unit.status) for unit in taken] == [
        (0, UnitStatus.leased),
        (1, UnitStatus.leased),
        (2, UnitStatus.leased),
        None,
    ]


def test_a_lease_that_ran_out_goes_to_another_after_those_that_wait(store: Store) -> None:
    run = start(store, 2)
    first = store.lease(run.id, "dead", NOON, 60)
    assert first is not None
    second = store.lease(run.id, "alive", NOON + 61 * SECOND, 60)
    assert second is not None
    assert second.position == 1
    assert store.lease(run.id, "alive", NOON + 61 * SECOND, 60) == first
    assert not store.renew(first.id, "dead", NOON + 62 * SECOND, 60)


def test_a_renewed_lease_lasts(store: Store) -> None:
    run = start(store, 1)
    unit = store.lease(run.id, "a", NOON, 60)
    assert unit is not None
    assert store.renew(unit.id, "a", NOON + 50 * SECOND, 60)
    assert not store.renew(unit.id, "b", NOON + 50 * SECOND, 60)
    assert store.lease(run.id, "b", NOON + 100 * SECOND, 60) is None
    assert store.lease(run.id, "b", NOON + 110 * SECOND, 60) == unit


def test_released_leases_are_free_at_once_and_those_of_others_stay(store: Store) -> None:
    run = start(store, 3)
    mine = store.lease(run.id, "a", NOON, 60)
    store.lease(run.id, "b", NOON, 60)
    store.release_leases(run.id, "a")
    assert store.lease(run.id, "c", NOON, 60) == mine
    assert [unit.status for unit in store.units(run.id)] == [UnitStatus.leased, UnitStatus.leased, UnitStatus.waiting]


def test_two_workers_with_a_store_each_never_get_the_same_unit(place: str) -> None:
    with Store.open(place) as store, Store.open(place) as other:
        run = start(store, 60)

        def work(of: Store, owner: str) -> list[int]:
            taken = []
            while unit := of.lease(run.id, owner, NOON, 60):
                taken.append(unit.position)
            return taken

        with ThreadPoolExecutor() as workers:
            done = workers.map(work, (store, store, other, other), "abcd")
            assert Counter(position for some in done for position in some) == Counter(range(60))


def test_a_unit_given_up_says_why_and_one_that_is_done_stays_done(store: Store) -> None:
    run = start(store, 2)
    for _ in range(2):
        store.lease(run.id, "a", NOON, 60)
    bad, good = store.units(run.id)
    store.fail_unit(bad, "Lean died three times")
    store.finish_unit(good, [])
    store.fail_unit(good, "too late")
    assert [(unit.status, unit.message) for unit in store.units(run.id)] == [
        (UnitStatus.failed, "Lean died three times"),
        (UnitStatus.done, ""),
    ]
    assert store.lease(run.id, "a", NOON + 100 * SECOND, 60) is None


def test_progress_tells_units_theorems_and_mutants(store: Store) -> None:
    run = start(store, 4)
    units = store.units(run.id)
    mutants = [testing.mutant(number, "T0") for number in range(5)]
    assert store.finish_unit(units[0], [testing.harvest("T0", mutants), Harvest("S0", failure="crash")]) == Stored(5, 0)
    again = [replace(mutant, parent="T1") for mutant in mutants[:2]]
    assert store.finish_unit(units[1], [testing.harvest("T1", again)]) == Stored(0, 2)
    store.fail_unit(units[2], "no")
    expected = {UnitStatus.waiting: 1, UnitStatus.leased: 0, UnitStatus.done: 2, UnitStatus.failed: 1}
    assert store.progress(run.id) == Progress(expected, theorems=3, failures=1, mutants=5, duplicates=2)
    assert store.progress(run.id).total == 4
    assert store.progress(run.id).ended == 3


def test_a_unit_of_no_run_is_refused(store: Store) -> None:
    with pytest.raises(UnknownRecord, match="no unit 5"):
        store.finish_unit(Unit(5, 1, 0, ()), [])
