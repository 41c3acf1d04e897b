"""The figures of prove-or-refute problems, against values worked out by hand and in other ways."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

import pytest

from prover.bench.judgements import Contradiction, Judged, Verdict, document, judgements, scores
from prover.bench.problems import Answer

TEN = [
    *(Judged(f"t{i}", "true", ("true",), "symmetry", "easy") for i in range(4)),
    Judged("t4", "true", ("false",), "operation", "hard"),
    Judged("t5", "true", ("",), "operation", "hard"),
    *(Judged(f"f{i}", "false", ("false",), "operation") for i in range(3)),
    Judged("f3", "false", ("",), "symmetry"),
]
"""Of six true ones four are proved, one is refuted and one stays open; of four false ones three are refuted and one stays open."""


def test_the_scores_are_those_worked_out_by_hand() -> None:
    found = judgements(TEN, (1,)).scores
    assert (found.problems, found.right, found.missing, found.accuracy) == (10, 7, 2, 0.7)
    true, false = found.of("true"), found.of("false")
    assert true.precision == 1.0
    assert true.recall == pytest.approx(4 / 6)
    assert true.f1 == pytest.approx(8 / 10)
    assert (false.precision, false.recall, false.f1) == (0.75, 0.75, 0.75)
    assert found.macro_f1 == pytest.approx(0.775)
    assert found.three_class_macro_f1 == pytest.approx(1.55 / 3)


def test_constant_answers_are_the_baselines() -> None:
    found = judgements(TEN, (1,)).baselines
    assert (found["true"].accuracy, found["false"].accuracy) == (0.6, 0.4)
    assert found["true"].macro_f1 == pytest.approx(0.75 / 2)
    assert found["false"].macro_f1 == pytest.approx(8 / 14 / 2)
    assert found["true"].of("false").precision is None
    assert found["true"].three_class_macro_f1 == found["true"].macro_f1


def by_labels(pairs: Sequence[tuple[str, str]]) -> float:
    """The mean F1 over the labels that occur, from precision and recall, 0 where one of them is not defined."""
    labels = {label for pair in pairs for label in pair}
    total = 0.0
    for label in labels:
        right = sum(answer == said == label for answer, said in pairs)
        said_so, are_so = (sum(pair[side] == label for pair in pairs) for side in (1, 0))
        precision, recall = (right / whole if whole else 0.0 for whole in (said_so, are_so))
        total += 2 * precision * recall / (precision + recall) if right else 0.0
    return total / len(labels)


@pytest.mark.parametrize("seed", range(20))
def test_the_third_class_is_what_the_mean_over_all_labels_makes_of_it(seed: int) -> None:
    chance = Random(seed)
    answers: tuple[Answer, Answer] = ("true", "false")
    said: tuple[Verdict, ...] = ("true", "false", "") if seed % 2 else ("true", "false")
    pairs = [(chance.choice(answers), chance.choice(said)) for _ in range(30)]
    found = scores(pairs)
    assert found.three_class_macro_f1 == pytest.approx(by_labels(pairs))
    if not seed % 2:
        assert found.macro_f1 == pytest.approx(by_labels(pairs))


def test_one_missing_verdict_costs_a_third_only_where_it_is_a_class() -> None:
    right: list[tuple[Answer, Verdict]] = [("true", "true"), ("false", "false")]
    pairs = right * 499 + [right[0], ("false", "")]
    found = scores(pairs)
    assert found.macro_f1 is not None
    assert found.three_class_macro_f1 is not None
    assert found.macro_f1 > 0.999
    assert found.three_class_macro_f1 < 0.667


def test_what_has_no_two_classes_has_no_macro_f1() -> None:
    found = scores([("true", "true")] * 3)
    assert found.accuracy == 1.0
    assert (found.macro_f1, found.three_class_macro_f1) == (None, None)
    with pytest.raises(ValueError, match="need a problem"):
        judgements([], (1,))
    with pytest.raises(ValueError, match="an attempt at each"):
        judgements([Judged("a", "true", ())], (1,))


def test_a_problem_is_predicted_by_its_first_attempt_with_a_verdict() -> None:
    late = Judged("late", "true", ("", "true", "true"))
    never = Judged("never", "false", ("", "", ""))
    found = judgements([late, never], (1, 2, 4))
    assert (late.prediction, never.prediction) == ("true", "")
    assert found.decided.value == 0.5
    # Of `late`: 2 of 3 single attempts, and every pair, hold a right verdict. Nothing is said of four attempts.
    assert [(rate.k, rate.value) for rate in found.rates] == [(1, pytest.approx(1 / 3)), (2, 0.5)]
    assert found.parse_rate == pytest.approx(2 / 6)


def test_problems_are_grouped_by_kind_and_by_difficulty() -> None:
    found = judgements(TEN, (1,))
    assert list(found.by_kind) == ["operation", "symmetry"]
    assert [(s.right, s.problems) for s in found.by_kind.values()] == [(3, 5), (4, 5)]
    assert {name: s.problems for name, s in found.by_difficulty.items()} == {"easy": 4, "hard": 2}


def test_verdicts_against_the_answer_are_contradictions_from_any_attempt() -> None:
    torn = Judged("torn", "false", ("false", "true", "true"))
    found = judgements([*TEN, torn], (1,))
    assert found.contradictions == (Contradiction("t4", "true", "false"), Contradiction("torn", "false", "true"))


def test_the_document_is_json_and_has_every_figure() -> None:
    found = json.loads(json.dumps(document(judgements(TEN, (1,)))))
    assert found["confusion"] == {
        "true": {"true": 4, "false": 1, "none": 1},
        "false": {"true": 0, "false": 3, "none": 1},
    }
    assert found["macroF1"] == pytest.approx(0.775)
    assert found["decidedCorrectly"] == 7
    assert found["decided"]["low"] < 0.7 < found["decided"]["high"]
    assert found["baselines"]["always true"]["accuracy"] == 0.6
    assert found["byKind"]["operation"]["decidedCorrectly"] == 3
    assert found["classes"]["true"] == {
        "problems": 6,
        "predicted": 4,
        "right": 4,
        "precision": 1.0,
        "recall": pytest.approx(4 / 6),
        "f1": pytest.approx(0.8),
    }
    assert found["contradictions"] == [{"name": "t4", "answer": "true", "verdict": "false"}]
