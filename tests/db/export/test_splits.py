from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from db.export.errors import ExportError
from db.export.splits import Share, Split, novel_premises_split, random_split

GRAPHS = st.lists(st.lists(st.integers(0, 30), max_size=6), min_size=3, max_size=80)
"""What each theorem uses, in random premise graphs."""


def parts(split: Split) -> list[int]:
    return sorted([*split.train, *split.val, *split.test])


@given(st.integers(3, 300), st.data())
def test_a_random_split_has_the_sizes_asked_for_and_every_theorem_once(total: int, data: st.DataObject) -> None:
    val = data.draw(st.integers(0, total - 2))
    test = data.draw(st.integers(0, total - val - 1))
    split = random_split(total, val, test, seed=3)
    assert (len(split.val), len(split.test)) == (val, test)
    assert parts(split) == list(range(total))
    assert split == random_split(total, val, test, seed=3)


@given(GRAPHS, st.integers(0, 10), st.integers(0, 10), st.integers(0, 5))
def test_each_theorem_of_val_and_test_uses_a_premise_that_training_never_saw(
    premises: list[list[int]], val: int, test: int, seed: int
) -> None:
    try:
        split = novel_premises_split(premises, val, test, seed)
    except ExportError:
        # Only where every theorem that is left would share its premises with those held back.
        assert val + test >= len(premises) or all(premises)
        return
    seen = {premise for theorem in split.train for premise in premises[theorem]}
    for theorem in (*split.val, *split.test):
        assert set(premises[theorem]) - seen
    assert parts(split) == list(range(len(premises)))
    assert len(split.val) <= val
    assert split == novel_premises_split(premises, val, test, seed)


@given(st.lists(st.sets(st.integers(0, 1000), min_size=1, max_size=3), min_size=30, max_size=80))
def test_rare_premises_are_taken_until_val_and_test_have_enough(premises: list[set[int]]) -> None:
    assume(max(map(len, _users(premises))) < 20)
    split = novel_premises_split([sorted(used) for used in premises], 3, 4, seed=1)
    assert len(split.val) == 3
    assert len(split.test) >= 4
    assert len(split.val) + len(split.test) < 7 + max(map(len, _users(premises)))


def _users(premises: list[set[int]]) -> list[list[int]]:
    """The theorems that use each premise."""
    return [[n for n, used in enumerate(premises) if premise in used] for premise in set().union(*premises)]


def test_all_theorems_with_the_last_premise_come_along() -> None:
    split = novel_premises_split([[1, 9], [2], [2], [2], [9], [9], [9], [9]], 1, 1, seed=0)
    assert parts(split) == list(range(8))
    assert split.train == (4, 5, 6, 7)
    assert len(split.test) == 3


def test_other_seeds_give_other_splits() -> None:
    assert len({random_split(100, 10, 10, seed) for seed in range(10)}) == 10
    premises = [[number] for number in range(100)]
    assert len({novel_premises_split(premises, 10, 10, seed).val for seed in range(10)}) == 10


@pytest.mark.parametrize(("val", "test"), [(5, 5), (11, 0), (0, 10)])
def test_a_split_that_leaves_nothing_to_train_on_is_refused(val: int, test: int) -> None:
    with pytest.raises(ExportError, match="leave none of 10 to train on"):
        random_split(10, val, test, 0)
    with pytest.raises(ExportError, match="leave none of 10 to train on"):
        novel_premises_split([[1]] * 10, val, test, 0)


def test_premises_that_all_theorems_share_leave_nothing_to_train_on() -> None:
    with pytest.raises(ExportError, match="shared too widely"):
        novel_premises_split([[1]] * 10, 2, 2, 0)


@pytest.mark.parametrize(("text", "total", "size"), [("2000", 10, 2000), ("10%", 25, 2), ("0", 5, 0), ("12.5%", 16, 2)])
def test_a_share_is_a_number_or_a_percentage(text: str, total: int, size: int) -> None:
    share = Share.parse(text)
    assert share.of(total) == size
    assert Share.parse(str(share)) == share


@pytest.mark.parametrize("text", ["", "ten", "-1", "101%", "nan%", "1.5", "%"])
def test_anything_else_is_no_share(text: str) -> None:
    with pytest.raises(ExportError, match="no size of a split"):
        Share.parse(text)
