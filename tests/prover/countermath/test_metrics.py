"""Figures against numbers that were worked out by hand."""

from __future__ import annotations

from random import Random

import pytest

from prover.countermath.answers import ExampleCount
from prover.countermath.metrics import (
    Confusion,
    ExampleShares,
    accuracy,
    class_figures,
    confusion,
    constant,
    example_shares,
    interval,
    macro_f1,
    paper_macro_f1,
    parse_rate,
)

# 10 true: 6 right, 3 wrong, 1 unread. 5 false: 2 right, 2 wrong, 1 unread.
MIXED = Confusion(6, 3, 1, 2, 2, 1)


def test_cases_are_counted_by_label_and_answer() -> None:
    cases = [(True, True)] * 6 + [(True, False)] * 3 + [(True, None)] + [(False, True)] * 2 + [(False, False)] * 2
    assert confusion([*cases, (False, None)]) == MIXED
    assert (MIXED.cases, MIXED.unread) == (15, 2)


def test_precision_recall_and_f1_of_each_class() -> None:
    true, false = class_figures(MIXED, True), class_figures(MIXED, False)
    assert (true.support, false.support) == (10, 5)
    assert (true.precision, true.recall) == pytest.approx((6 / 8, 6 / 10))
    assert true.f1 == pytest.approx(2 / 3)  # 2·6 / (10 + 8)
    assert (false.precision, false.recall) == pytest.approx((2 / 5, 2 / 5))
    assert false.f1 == pytest.approx(2 / 5)


def test_unread_answers_are_wrong_and_a_third_class_for_the_paper_alone() -> None:
    assert accuracy(MIXED) == pytest.approx(8 / 15)
    assert parse_rate(MIXED) == pytest.approx(13 / 15)
    assert macro_f1(MIXED) == pytest.approx((2 / 3 + 2 / 5) / 2)
    assert paper_macro_f1(MIXED) == pytest.approx((2 / 3 + 2 / 5 + 0) / 3)


def test_the_constant_answers_on_the_counts_of_the_benchmark() -> None:
    whole = Confusion(1068, 0, 0, 0, 148, 0)
    always, never = constant(whole, True), constant(whole, False)
    assert accuracy(always) == pytest.approx(0.878, abs=0.0005)
    assert macro_f1(always) == paper_macro_f1(always) == pytest.approx(0.468, abs=0.0005)
    assert accuracy(never) == pytest.approx(148 / 1216)
    assert macro_f1(never) == pytest.approx(148 / (1216 + 148))  # half of 2·148 / (148 + 1216)
    assert class_figures(never, True).precision == 0.0


def test_one_unread_answer_takes_a_third_of_the_papers_figure() -> None:
    perfect = Confusion(1068, 0, 0, 0, 148, 0)
    assert paper_macro_f1(perfect) == macro_f1(perfect) == 1.0
    one = Confusion(1067, 0, 1, 0, 148, 0)
    assert paper_macro_f1(one) == pytest.approx(0.6665, abs=0.0001)
    assert macro_f1(one) == pytest.approx(0.9998, abs=0.0001)


def test_a_class_that_is_only_answered_counts_for_the_paper_and_not_for_us() -> None:
    only_true = Confusion(true_as_true=3, true_as_false=1)
    assert macro_f1(only_true) == pytest.approx(6 / 7)
    assert paper_macro_f1(only_true) == pytest.approx(3 / 7)


def test_an_interval_holds_the_figure_and_is_that_of_the_seed() -> None:
    first, again = (interval(MIXED, accuracy, Random(4), resamples=200) for _ in range(2))
    assert first == again
    assert 0.2 < first.low < accuracy(MIXED) < first.high < 0.85


def test_an_interval_is_about_as_wide_as_that_of_a_binomial() -> None:
    # 95 % of a share of 1/2 in 400 draws: 1.96 · sqrt(0.25 / 400) = 0.049 to each side.
    found = interval(Confusion(100, 100, 0, 100, 100, 0), accuracy, Random(0))
    assert found.low == pytest.approx(0.451, abs=0.01)
    assert found.high == pytest.approx(0.549, abs=0.01)


def test_examples_are_strict_if_all_and_loose_if_any_are_consistent() -> None:
    counts = [ExampleCount(*pair) for pair in ((0, 0), (1, 1), (2, 2), (3, 1), (2, 0))]
    assert example_shares(counts) == ExampleShares(judged=5, with_examples=4, strict=2, loose=3)
