"""What any store must do with conjectures: keep the best of each form, whatever the order, give them back, count them."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from db import testing
from db.errors import UnknownRecord
from db.figures import Stored
from db.records import ChangeKind, Conjecture, Harvest, Rejects, Run, Standing, UnitStatus
from db.store import Store

LIBRARY = testing.LIBRARY
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def start(store: Store, units: Sequence[Sequence[Harvest]], **config: object) -> Run:
    store.save_library(LIBRARY)
    payloads = [[harvest.theorem for harvest in harvests] for harvests in units]
    return store.start_run("conjecture", config, LIBRARY.digest, LIBRARY.toolchain, payloads, NOON)


def fill(store: Store, units: Sequence[Sequence[Harvest]], order: Iterable[int] | None = None, **config: object) -> Run:
    run = start(store, units, **config)
    waiting = store.units(run.id)
    for number in range(len(units)) if order is None else order:
        store.finish_unit(waiting[number], units[number])
    return run


def harvest(theorem: str, *conjectures: Conjecture) -> Harvest:
    return Harvest(theorem, conjectures=conjectures)


def of_standing(standing: Standing, parent: str, form: int) -> Conjecture:
    number = 1000 + tuple(Standing).index(standing)
    made = testing.conjecture(number, parent, form)
    assert made.standing is standing
    return made


def test_every_field_of_a_conjecture_comes_back(store: Store) -> None:
    conjectures = [testing.conjecture(number, "T") for number in range(72)]
    assert {(one.kind, one.standing) for one in conjectures} == set(itertools.product(ChangeKind, Standing))
    given = testing.harvest("T", [], conjectures)
    run = start(store, [[given]])
    assert store.finish_unit(store.units(run.id)[0], [given]) == Stored(72, 0)
    assert list(store.conjectures()) == conjectures
    assert (store.progress(run.id).mutants, store.progress(run.id).duplicates) == (72, 0)
    assert store.report_counts(run.id).stages["find"].entered == 6


def test_a_conjecture_in_the_harvest_of_another_theorem_is_refused(store: Store) -> None:
    run = start(store, [[Harvest("T")]])
    with pytest.raises(ValueError, match="a conjecture of S in the harvest of T"):
        store.finish_unit(store.units(run.id)[0], [harvest("T", testing.conjecture(1, "S"))])
    assert store.units(run.id)[0].status is UnitStatus.waiting
    assert store.conjecture_count() == 0


def test_what_the_library_or_a_mutant_states_is_no_conjecture(store: Store) -> None:
    known, mutant = testing.theorem(1), testing.mutant(5, "T", form=7)
    store.save_library(LIBRARY)
    store.save_module(LIBRARY.digest, testing.module(1), [known])
    mutating = store.start_run("mutate", {}, LIBRARY.digest, LIBRARY.toolchain, [["T"]], NOON)
    store.finish_unit(store.units(mutating.id)[0], [Harvest("T", (mutant,))])
    theorem, true, new = testing.conjecture(1, "T", -2), testing.conjecture(2, "T", 7), testing.conjecture(3, "T")
    assert (theorem.canonical, true.canonical) == (known.canonical, mutant.canonical)
    run = fill(store, [[harvest("T", theorem, true, new)]])
    assert list(store.conjectures()) == [new]
    assert list(store.mutants()) == [mutant]
    assert store.report_counts(run.id).rejects == (
        Rejects("store", "a mutant", 1, true.statement),
        Rejects("store", "in the library", 1, theorem.statement),
    )
    assert store.progress(run.id).duplicates == 2


def test_a_theorem_of_the_library_that_is_a_mutant_too_is_counted_once(store: Store) -> None:
    store.save_library(LIBRARY)
    mutating = store.start_run("mutate", {}, LIBRARY.digest, LIBRARY.toolchain, [["T"]], NOON)
    store.finish_unit(store.units(mutating.id)[0], [Harvest("T", (testing.mutant(5, "T", form=-2),))])
    store.save_module(LIBRARY.digest, testing.module(1), [testing.theorem(1)])
    run = fill(store, [[harvest("T", testing.conjecture(1, "T", -2))]])
    assert [rejects.reason for rejects in store.report_counts(run.id).rejects] == ["in the library"]


BETTER_FIRST = [
    (of_standing(Standing.refuted, "T", 0), of_standing(Standing.proved, "S", 0)),
    (of_standing(Standing.proved, "T", 0), of_standing(Standing.vacuous, "S", 0)),
    (of_standing(Standing.vacuous, "T", 0), of_standing(Standing.open, "S", 0)),
    (testing.conjecture(4, "T", 0), testing.conjecture(8, "S", 0)),  # fewer evaluations
    (replace(testing.conjecture(4, "T", 0), proof="by"), testing.conjecture(4, "S", 0)),  # a shorter proof
    (testing.conjecture(4, "S", 0), testing.conjecture(4, "T", 0)),  # a difference must decide, whichever it is
    (replace(testing.conjecture(4, "S", 0), seconds=9.0), testing.conjecture(4, "T", 0)),  # seconds do not
]


@pytest.mark.parametrize("better_comes_first", [True, False])
@pytest.mark.parametrize(("better", "worse"), BETTER_FIRST)
def test_of_duplicates_in_a_run_the_better_one_stays_in_both_orders(
    better: Conjecture, worse: Conjecture, better_comes_first: bool, store: Store
) -> None:
    units = [[harvest(better.parent, better)], [harvest(worse.parent, worse)]]
    run = fill(store, units, [0, 1] if better_comes_first else [1, 0])
    assert list(store.conjectures()) == [better]
    assert store.report_counts(run.id).rejects == (Rejects("store", "duplicate", 1, worse.statement),)
    assert (store.progress(run.id).mutants, store.progress(run.id).duplicates) == (1, 1)


def test_of_duplicates_in_a_unit_the_better_one_stays(store: Store) -> None:
    worse, better = of_standing(Standing.open, "T", 0), of_standing(Standing.refuted, "S", 0)
    run = fill(store, [[harvest("T", worse, testing.conjecture(9, "T")), harvest("S", better)]])
    assert list(store.conjectures()) == [testing.conjecture(9, "T"), better]
    assert store.report_counts(run.id).rejects == (Rejects("store", "duplicate", 1, worse.statement),)


def test_what_an_earlier_run_stored_stays_but_for_what_it_left_open(store: Store) -> None:
    open_, refuted = of_standing(Standing.open, "T", 0), of_standing(Standing.refuted, "T", 0)
    proved = of_standing(Standing.proved, "T", 0)
    fill(store, [[harvest("T", open_)]], seed=1)
    second = fill(store, [[harvest("T", proved)]], seed=2)
    assert list(store.conjectures()) == [proved]
    third = fill(store, [[harvest("T", refuted)]], seed=3)
    assert list(store.conjectures()) == [proved]
    assert store.report_counts(second.id).rejects == ()
    assert store.report_counts(third.id).rejects == (Rejects("store", "duplicate", 1, refuted.statement),)


@pytest.mark.parametrize("seed", range(3))
def test_a_run_leaves_the_same_whatever_the_order_of_its_units(
    store: Store, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    draw, numbers = random.Random(seed), itertools.count()
    units = [
        [
            harvest(name, *[testing.conjecture(next(numbers), name, draw.randrange(30)) for _ in range(5)])
            for name in (f"T{unit}", f"S{unit}")
        ]
        for unit in range(10)
    ]
    order = list(range(10))
    draw.shuffle(order)
    run = fill(store, units, order)
    with Store.open(tmp_path_factory.mktemp("other") / "lemma.db") as other:
        straight = fill(other, units)
        assert list(other.conjectures()) == list(store.conjectures())
        assert other.report_counts(straight.id).rejects == store.report_counts(run.id).rejects
        assert other.progress(straight.id) == store.progress(run.id)
    assert store.conjecture_count() == store.progress(run.id).mutants
    assert store.progress(run.id).duplicates == 100 - store.conjecture_count()


def test_conjectures_are_chosen_by_run_kind_standing_and_parent(store: Store) -> None:
    numbers = itertools.count()
    runs = [
        fill(
            store,
            [[harvest(name, *[testing.conjecture(next(numbers), name) for _ in range(40)])] for name in "TSR"],
            seed=seed,
        )
        for seed in range(2)
    ]
    everything = list(store.conjectures())
    assert everything == [testing.conjecture(number, "TSR"[number // 40 % 3]) for number in range(240)]

    def chosen(**filters: object) -> list[Conjecture]:
        found = list(store.conjectures(**filters))  # type: ignore[arg-type]
        assert store.conjecture_count(**filters) == len(found)  # type: ignore[arg-type]
        return found

    assert chosen() == everything
    assert chosen(runs=[runs[1].id]) == everything[120:]
    assert chosen(kinds={ChangeKind.off_by_one, ChangeKind.converse}) == [
        one for one in everything if one.kind in {ChangeKind.off_by_one, ChangeKind.converse}
    ]
    assert chosen(standings=[Standing.refuted], parents=["S", "nobody"], runs=[runs[0].id]) == [
        one for one in everything[:120] if one.standing is Standing.refuted and one.parent == "S"
    ]
    assert chosen(parents=[]) == chosen(runs=[]) == chosen(kinds=[]) == chosen(standings=[]) == []


def test_conjectures_come_in_the_order_of_units_even_if_later_ones_ended_first(store: Store) -> None:
    units = [[harvest(f"T{unit}", testing.conjecture(unit, f"T{unit}"))] for unit in range(5)]
    fill(store, units, [3, 1, 4, 0, 2])
    assert [one.parent for one in store.conjectures()] == ["T0", "T1", "T2", "T3", "T4"]


def test_the_counts_of_a_run_are_by_kind_and_standing(store: Store) -> None:
    fill(store, [[harvest("T", *[testing.conjecture(number, "T") for number in range(50)])]], seed=1)
    run = fill(store, [[harvest("S", *[testing.conjecture(number, "S") for number in range(40, 140)])]], seed=2)
    counts = store.conjecture_counts(run.id)
    assert counts == Counter((one.kind, one.standing) for one in store.conjectures(runs=[run.id]))
    assert sum(counts.values()) == 90
    assert list(counts) == sorted(counts)
    with pytest.raises(UnknownRecord, match="no run 99"):
        store.conjecture_counts(99)


@pytest.mark.parametrize(
    ("standing", "way", "evaluations", "difficulty"),
    [
        (Standing.refuted, "values", 10, "easy"),
        (Standing.refuted, "values", 11, "medium"),
        (Standing.refuted, "values", 100, "medium"),
        (Standing.refuted, "values", 101, "hard"),
        (Standing.refuted, "proof", 0, "hard"),
        (Standing.proved, "tactic", 500, "easy"),
        (Standing.proved, "proof", 0, "hard"),
        (Standing.vacuous, "", 0, "hard"),
        (Standing.open, "", 0, "hard"),
    ],
)
def test_difficulty_is_measured_in_evaluations(standing: Standing, way: str, evaluations: int, difficulty: str) -> None:
    made = testing.conjecture(1, "T")
    assert replace(made, standing=standing, way=way, evaluations=evaluations).difficulty == difficulty


def test_a_conjecture_is_declared_under_a_name_of_its_own() -> None:
    made = testing.conjecture(3, "Nat.add_comm")
    assert made.name == f"Nat.add_comm.conjecture_{made.canonical[:12]}"
    assert made.declaration == f"theorem {made.name} (n m : Nat) (h : n ≤ 3) : n + m < m + n := by sorry"
