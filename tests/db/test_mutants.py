"""What any store must do with mutants: keep one of each, whatever the order, give them back, count them."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from db import testing
from db.figures import RunCounts, StageCount, Stored
from db.records import Harvest, Mutant, MutationKind, Rejects, Run, UnitStatus
from db.store import Store

LIBRARY = testing.LIBRARY
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def start(store: Store, units: Sequence[Sequence[Harvest]], **config: object) -> Run:
    store.save_library(LIBRARY)
    payloads = [[harvest.theorem for harvest in harvests] for harvests in units]
    return store.start_run("mutate", config, LIBRARY.digest, LIBRARY.toolchain, payloads, NOON)


def fill(store: Store, units: Sequence[Sequence[Harvest]], order: Iterable[int] | None = None, **config: object) -> Run:
    run = start(store, units, **config)
    waiting = store.units(run.id)
    for number in range(len(units)) if order is None else order:
        store.finish_unit(waiting[number], units[number])
    return run


def units_with_duplicates(count: int, forms: int, seed: int) -> list[list[Harvest]]:
    """Each unit has two theorems of up to six mutants, whose canonical forms are few."""
    draw = random.Random(seed)
    numbers = itertools.count()
    return [
        [
            testing.harvest(
                name, [testing.mutant(next(numbers), name, draw.randrange(forms)) for _ in range(draw.randrange(7))]
            )
            for name in (f"T{unit}", f"S{unit}")
        ]
        for unit in range(count)
    ]


def without_run(counts: RunCounts) -> RunCounts:
    return replace(counts, run=replace(counts.run, id=0))


def test_every_field_of_a_mutant_comes_back(store: Store) -> None:
    mutants = [testing.mutant(number, "T") for number in range(60)]
    assert {mutant.kind for mutant in mutants} == set(MutationKind)
    run = start(store, [[testing.harvest("T", mutants)]])
    assert store.finish_unit(store.units(run.id)[0], [testing.harvest("T", mutants)]) == Stored(60, 0)
    assert list(store.mutants()) == mutants


def test_a_unit_that_is_done_stores_nothing_more(store: Store) -> None:
    run = fill(store, [[testing.harvest("T", [testing.mutant(1, "T")])]])
    before = store.report_counts(run.id)
    assert store.finish_unit(store.units(run.id)[0], [testing.harvest("T", [testing.mutant(2, "T")])]) == Stored(0, 0)
    assert store.report_counts(run.id) == before


def test_a_mutant_in_the_harvest_of_another_theorem_is_refused(store: Store) -> None:
    run = start(store, [[Harvest("T")]])
    with pytest.raises(ValueError, match="a mutant of S in the harvest of T"):
        store.finish_unit(store.units(run.id)[0], [Harvest("T", (testing.mutant(1, "S"),))])
    assert store.units(run.id)[0].status is UnitStatus.waiting


def test_of_duplicates_in_a_unit_the_better_one_stays(store: Store) -> None:
    long, short = testing.mutant(3, "T", 0), replace(testing.mutant(3, "S", 0), proof="by rfl")
    run = fill(store, [[Harvest("T", (long, testing.mutant(4, "T"))), Harvest("S", (short,))]])
    assert list(store.mutants()) == [testing.mutant(4, "T"), short]
    assert store.report_counts(run.id).rejects == (Rejects("store", "duplicate", 1, long.statement),)


def test_of_duplicates_in_a_run_the_shallower_one_stays_even_when_it_comes_second(store: Store) -> None:
    deep, flat = testing.mutant(2, "T", 0), testing.mutant(3, "S", 0)
    assert deep.depth > flat.depth
    run = start(store, [[Harvest("T")], [Harvest("S")]])
    first, second = store.units(run.id)
    assert store.finish_unit(first, [Harvest("T", (deep,), (Rejects("store", "duplicate", 2, "zz"),))]) == Stored(1, 0)
    assert store.finish_unit(second, [Harvest("S", (flat,))]) == Stored(0, 1)
    assert list(store.mutants()) == [flat]
    assert store.report_counts(run.id).rejects == (Rejects("store", "duplicate", 3, deep.statement),)
    assert store.report_counts(run.id).histogram == {0: 1, 1: 1}


def test_what_an_earlier_run_stored_stays(store: Store) -> None:
    deep, flat = testing.mutant(2, "T", 0), testing.mutant(3, "T", 0)
    first = fill(store, [[Harvest("T", (deep,))]], seed=1)
    second = fill(store, [[Harvest("T", (flat, testing.mutant(5, "T")))]], seed=2)
    assert list(store.mutants()) == [deep, testing.mutant(5, "T")]
    assert list(store.mutants(runs=[second.id])) == [testing.mutant(5, "T")]
    assert store.report_counts(first.id).rejects == ()
    assert store.report_counts(second.id).rejects == (Rejects("store", "duplicate", 1, flat.statement),)
    assert store.progress(second.id).duplicates == 1


def test_a_theorem_of_the_library_is_no_mutant(store: Store) -> None:
    known = testing.theorem(1)
    store.save_library(LIBRARY)
    store.save_library(replace(LIBRARY, digest="2e" * 32))
    store.save_module(LIBRARY.digest, testing.module(1), [known])
    store.save_module("2e" * 32, testing.module(1), [testing.theorem(2)])
    same, other = testing.mutant(1, "T", -2), testing.mutant(2, "T", -3)
    assert same.canonical == known.canonical
    assert other.canonical == testing.theorem(2).canonical
    run = fill(store, [[Harvest("T", (same, other))]])
    assert list(store.mutants()) == [other]
    assert store.report_counts(run.id).rejects == (Rejects("store", "in the library", 1, same.statement),)


@pytest.mark.parametrize("seed", range(3))
def test_a_run_leaves_the_same_whatever_the_order_of_its_units(store: Store, seed: int) -> None:
    """Rows that were stored in another order differ in their keys alone; so runs are compared in stores of their own."""
    units = units_with_duplicates(12, forms=25, seed=seed)
    order = list(range(12))
    random.Random(seed).shuffle(order)
    run = fill(store, units, order)
    shuffled = list(store.mutants()), without_run(store.report_counts(run.id))
    offered: dict[str, list[Mutant]] = {}
    for harvest in itertools.chain.from_iterable(units):
        for mutant in harvest.mutants:
            offered.setdefault(mutant.canonical, []).append(mutant)
    best = {form: min(some, key=lambda m: (m.depth, len(m.proof), m.proof)) for form, some in offered.items()}
    assert {mutant.canonical: mutant for mutant in shuffled[0]} == best

    straight = [mutant for unit in units for harvest in unit for mutant in harvest.mutants if mutant in best.values()]
    assert shuffled[0] == straight
    duplicates = sum(len(some) - 1 for some in offered.values())
    assert {r.reason: r.count for r in shuffled[1].rejects if r.stage == "store"} == {"duplicate": duplicates}
    assert store.progress(run.id).mutants == len(best)
    assert store.progress(run.id).duplicates == duplicates


def test_two_stores_filled_in_different_orders_are_equal(
    store: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    units = units_with_duplicates(10, forms=20, seed=9)
    run = fill(store, units)
    with Store.open(tmp_path_factory.mktemp("other") / "lemma.db") as other:
        turned = fill(other, units, reversed(range(10)))
        assert list(other.mutants()) == list(store.mutants())
        assert without_run(other.report_counts(turned.id)) == without_run(store.report_counts(run.id))


def test_mutants_are_chosen_by_run_kind_depth_mark_and_parent(store: Store) -> None:
    numbers = itertools.count()
    runs = [
        fill(
            store,
            [[Harvest(name, tuple(testing.mutant(next(numbers), name) for _ in range(40))) for name in "TSR"]],
            seed=seed,
        )
        for seed in range(2)
    ]
    everything = list(store.mutants())
    assert len(everything) == 240
    second = list(store.mutants(runs=[runs[1].id]))
    assert second == everything[120:]

    def chosen(**filters: object) -> list[Mutant]:
        found = list(store.mutants(**filters))  # type: ignore[arg-type]
        assert store.mutant_count(**filters) == len(found)  # type: ignore[arg-type]
        return found

    assert chosen(kinds={MutationKind.split, MutationKind.unfold}) == [
        mutant for mutant in everything if mutant.kind in {MutationKind.split, MutationKind.unfold}
    ]
    assert chosen(depths=[1, 3], parents=["S", "nobody"]) == [
        m for m in everything if m.depth in {1, 3} and m.parent == "S"
    ]
    assert chosen(with_marks=["side-goals"]) == [m for m in everything if "side-goals" in m.marks]
    assert chosen(with_marks=["side-goals", "trivial:omega"]) == [m for m in everything if len(m.marks) == 2]
    assert chosen(without_marks=["trivial:simp", "trivial:omega"]) == [
        m for m in everything if not {"trivial:simp", "trivial:omega"} & set(m.marks)
    ]
    assert chosen(with_marks=["side-goals"], without_marks=["trivial:omega"], runs=[runs[1].id]) == [
        m for m in second if m.marks == ("side-goals",)
    ]
    assert chosen(with_marks=["no such mark"]) == []
    assert chosen(parents=[]) == chosen(runs=[]) == chosen(kinds=[]) == []
    assert chosen() == everything


def test_mutants_are_streamed_from_one_state_of_the_store(store: Store) -> None:
    units = [[Harvest(f"T{number}", (testing.mutant(number, f"T{number}", number),))] for number in range(40)]
    better = replace(testing.mutant(0, "T40", 39), proof="by rfl")
    run = start(store, [*units, [Harvest("T40", (better,))]])
    for unit, harvests in zip(store.units(run.id)[:40], units, strict=True):
        store.finish_unit(unit, harvests)
    before = list(store.mutants())
    stream = store.mutants()
    seen = [next(stream)]
    store.finish_unit(store.units(run.id)[40], [Harvest("T40", (better,))])
    seen.extend(stream)
    assert seen == before
    assert list(store.mutants()) == [*before[:39], better]


def test_a_stream_that_is_left_early_blocks_nothing(store: Store) -> None:
    run = fill(store, [[Harvest("T", (testing.mutant(1, "T"), testing.mutant(2, "T")))]])
    for _ in range(40):
        next(store.mutants())
    store.finish_run(run.id, NOON)


def test_the_counts_of_a_run_are_those_of_its_mutants(store: Store) -> None:
    theorems = [replace(testing.theorem(number, f"Init.M{number % 2}"), name=f"T{number}") for number in range(8)]
    store.save_library(LIBRARY)
    for module in ("Init.M0", "Init.M1"):
        own = [theorem for theorem in theorems if theorem.module == module]
        store.save_module(LIBRARY.digest, replace(testing.module(), name=module), own)
    units = units_with_duplicates(8, forms=1000, seed=4)
    units[3].append(Harvest("S9", failure="crash"))
    units[5].append(Harvest("S8", failure="timeout"))
    other = fill(store, [[Harvest("T1", (testing.mutant(999, "T1"),))]], seed=0)
    run = fill(store, units, seed=1)
    counts = store.report_counts(run.id)
    mutants = list(store.mutants(runs=[run.id]))
    harvests = [harvest for unit in units for harvest in unit]
    home = {theorem.name: theorem.module for theorem in theorems}
    per_theorem = Counter(mutant.parent for mutant in mutants)
    assert counts.run == run
    assert counts.units == dict.fromkeys(UnitStatus, 0) | {UnitStatus.done: 8}
    assert counts.theorems == 18
    assert counts.mutants == len(mutants) > 20
    assert counts.kinds == Counter(mutant.kind for mutant in mutants)
    assert counts.depths == Counter(mutant.depth for mutant in mutants)
    assert counts.marks == Counter(mark for mutant in mutants for mark in mutant.marks)
    assert counts.modules == Counter(home.get(mutant.parent, "") for mutant in mutants)
    assert counts.histogram == Counter(per_theorem[harvest.theorem] for harvest in harvests if not harvest.failure)
    assert counts.failures == (("S8", "timeout"), ("S9", "crash"))
    assert store.failures(run.id) == counts.failures
    assert [rejects for rejects in counts.rejects if rejects.stage != "store"] == [
        Rejects("build", "type error", 48, "(h : 0 = 1) : False"),
        Rejects("print", "another statement", 32, ": True"),
        Rejects("filter", "vacuous", 16),
    ]
    offered = sum(len(harvest.mutants) for harvest in harvests)
    assert counts.stages["find"] == StageCount(offered + 96, 4.0)
    assert counts.stages["prove"] == StageCount(0, 1.0)
    assert counts.candidates == offered + 96
    assert counts.conversion == len(mutants) / (offered + 96)
    assert counts.seconds == 16 * 0.9375
    assert store.report_counts(other.id).mutants == 1


def test_a_run_without_units_counts_nothing(store: Store) -> None:
    counts = store.report_counts(start(store, []).id)
    assert (counts.mutants, counts.theorems, counts.conversion, counts.histogram) == (0, 0, 0.0, {})
