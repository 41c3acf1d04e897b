from __future__ import annotations

from collections import Counter
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from db.export.selection import First, Sample


@given(st.integers(0, 200), st.integers(0, 250), st.integers(0, 9))
def test_a_sample_has_the_size_asked_for_and_keeps_the_order(total: int, wanted: int, seed: int) -> None:
    chosen = list(Sample(total, wanted, seed).of(range(total)))
    assert len(chosen) == min(total, wanted)
    assert chosen == sorted(set(chosen))
    assert chosen == list(Sample(total, wanted, seed).of(range(total)))


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(0, 100))
def test_several_streams_are_sampled_as_if_they_were_one(lengths: list[int], wanted: int) -> None:
    total = sum(lengths)
    streams = [range(sum(lengths[:n]), sum(lengths[: n + 1])) for n in range(len(lengths))]
    sample = Sample(total, wanted, 5)
    assert list(chain.from_iterable(map(sample.of, streams))) == list(Sample(total, wanted, 5).of(range(total)))
    first = First(wanted)
    assert list(chain.from_iterable(map(first.of, streams))) == list(range(min(wanted, total)))


def test_every_record_is_equally_likely() -> None:
    counts = Counter(chain.from_iterable(Sample(10, 3, seed).of(range(10)) for seed in range(20_000)))
    # 6,000 each; the standard deviation is 65.
    assert all(abs(counts[record] - 6000) < 330 for record in range(10))
