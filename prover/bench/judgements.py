"""The figures of prove-or-refute problems: how well a prover tells true statements from false ones, beside the one who always says the same.

A proof predicts that a statement is true and a refutation that it is false; an attempt that gives neither predicts nothing. Behind each prediction is a
proof that the kernel checked, so one that the file's answer contradicts is no ordinary mistake: the answer is wrong, or a checker is broken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

from prover.bench.figures import Rate, Tally, rate
from prover.bench.problems import Answer

Verdict = Answer | Literal[""]
"""Of an attempt, or what it comes to for a problem; empty where there is none."""

ANSWERS: Final[tuple[Answer, Answer]] = ("true", "false")


@dataclass(frozen=True, slots=True)
class Judged:
    """A problem with a known answer, and what was said of it.

    Attributes:
        name, kind, difficulty: as the file has them.
        answer: what is known.
        verdicts: of its attempts, in the order in which they were stored.
    """

    name: str
    answer: Answer
    verdicts: tuple[Verdict, ...]
    kind: str = ""
    difficulty: str = ""

    @property
    def prediction(self) -> Verdict:
        """That of the first attempt with a verdict. Attempts differ in their verdicts only where a checker is broken."""
        return next(filter(None, self.verdicts), "")

    @property
    def contradictions(self) -> tuple[Answer, ...]:
        """The verdicts that the answer contradicts, each once."""
        return tuple(verdict for verdict in ANSWERS if verdict in self.verdicts and verdict != self.answer)


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Of the statements with one answer.

    Attributes:
        problems: with this answer.
        predicted: for how many problems this answer was predicted.
        right: for how many of those it is the answer.
    """

    problems: int
    predicted: int
    right: int

    @property
    def precision(self) -> float | None:
        """`right / predicted`; None where nothing was predicted."""
        return self.right / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        """`right / problems`; None where there are none. A missing verdict lowers it."""
        return self.right / self.problems if self.problems else None

    @property
    def f1(self) -> float | None:
        """`2 right / (predicted + problems)`, the harmonic mean of precision and recall where both are there; None where nothing has or was given this answer."""
        return 2 * self.right / (self.predicted + self.problems) if self.predicted + self.problems else None


@dataclass(frozen=True, slots=True)
class Scores:
    """How well predictions agree with answers.

    Attributes:
        confusion: how many problems with an answer (the first of a pair) got a prediction (the second).
    """

    confusion: Mapping[tuple[Answer, Verdict], int]

    @property
    def problems(self) -> int:
        """All of them, those without a verdict too."""
        return sum(self.confusion.values())

    @property
    def right(self) -> int:
        """Problems decided correctly."""
        return sum(self.confusion[answer, answer] for answer in ANSWERS)

    @property
    def missing(self) -> int:
        """Problems without a verdict."""
        return sum(self.confusion[answer, ""] for answer in ANSWERS)

    @property
    def accuracy(self) -> float:
        """Share of the problems that are decided correctly; one without a verdict is not."""
        return self.right / self.problems

    def of(self, answer: Answer) -> ClassScore:
        """The score of one answer."""
        return ClassScore(
            problems=sum(self.confusion[answer, verdict] for verdict in (*ANSWERS, "")),
            predicted=sum(self.confusion[other, answer] for other in ANSWERS),
            right=self.confusion[answer, answer],
        )

    @property
    def macro_f1(self) -> float | None:
        """The mean F1 of the two answers; None where all problems have the same answer, since there is nothing to tell apart then.

        A missing verdict lowers the recall of its problem's answer, and is no class of its own.
        """
        if not all(self.of(answer).problems for answer in ANSWERS):
            return None
        return sum(self.of(answer).f1 or 0.0 for answer in ANSWERS) / 2

    @property
    def three_class_macro_f1(self) -> float | None:
        """The macro-F1 that comes out where a missing verdict is scored as a third label, for comparison with rates that were computed so.

        It is a trap. No problem has the third label for its answer, so its F1 is 0, and the mean is taken over three classes as soon as one verdict is missing: a
        prover that decides 999 of 1000 correctly falls from nearly 1 to nearly 2/3, and one that has no verdict on half of them is marked down no further
        for that class. Where none is missing the label does not occur, and it is `macro_f1`. (That is what scikit-learn's `f1_score` with
        `average="macro"` gives by default: the mean over the labels that occur in answers or predictions.)
        """
        two = self.macro_f1
        return two if two is None or not self.missing else two * 2 / 3


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A verdict of the kernel against the answer of the file."""

    name: str
    answer: Answer
    verdict: Answer


@dataclass(frozen=True, slots=True)
class Judgements:
    """The figures of a run.

    Attributes:
        scores: by the prediction for each problem.
        baselines: of the one who always says `true`, and of the one who always says `false`.
        decided: the share of problems decided correctly, with its interval.
        rates: pass@k of deciding correctly, for each k.
        parse_rate: the share of attempts that give a verdict, whether it is right or not.
        by_kind, by_difficulty: scores of groups of problems; the latter is empty where the file does not say.
        contradictions: in the order of the file.
    """

    scores: Scores
    baselines: Mapping[Answer, Scores]
    decided: Rate
    rates: tuple[Rate, ...]
    parse_rate: float
    by_kind: Mapping[str, Scores]
    by_difficulty: Mapping[str, Scores]
    contradictions: tuple[Contradiction, ...]


def judgements(problems: Sequence[Judged], ks: Sequence[int]) -> Judgements:
    """The figures of problems with known answers.

    Raises:
        ValueError: there is no problem, or one without an attempt.
    """
    attempts = [verdict for problem in problems for verdict in problem.verdicts]
    if not problems or not all(problem.verdicts for problem in problems):
        raise ValueError("figures need a problem, and an attempt at each")
    return Judgements(
        scores=_scores(problems),
        baselines={said: scores((problem.answer, said) for problem in problems) for said in ANSWERS},
        decided=rate([Tally(1, int(problem.prediction == problem.answer)) for problem in problems], 1),
        rates=tuple(rate(tallies, k) for k in ks if (tallies := _tallies(problems, k))),
        parse_rate=sum(map(bool, attempts)) / len(attempts),
        by_kind=_grouped((problem.kind, problem) for problem in problems),
        by_difficulty=_grouped((problem.difficulty, problem) for problem in problems if problem.difficulty),
        contradictions=tuple(
            Contradiction(problem.name, problem.answer, verdict)
            for problem in problems
            for verdict in problem.contradictions
        ),
    )


def scores(pairs: Iterable[tuple[Answer, Verdict]]) -> Scores:
    """The scores of predictions, given as pairs of answer and prediction."""
    empty: dict[tuple[Answer, Verdict], int] = {(answer, said): 0 for answer in ANSWERS for said in (*ANSWERS, "")}
    return Scores(empty | Counter(pairs))


def document(found: Judgements) -> dict[str, object]:
    """The figures as JSON can hold them."""
    return {
        **_scores_document(found.scores),
        "parseRate": found.parse_rate,
        "decided": asdict(found.decided),
        "passAtK": [asdict(rate) for rate in found.rates],
        "baselines": {f"always {said}": _scores_document(scores) for said, scores in found.baselines.items()},
        "byKind": {kind: _scores_document(scores) for kind, scores in found.by_kind.items()},
        "byDifficulty": {name: _scores_document(scores) for name, scores in found.by_difficulty.items()},
        "contradictions": [asdict(contradiction) for contradiction in found.contradictions],
    }


def _scores_document(found: Scores) -> dict[str, object]:
    return {
        "problems": found.problems,
        "decidedCorrectly": found.right,
        "withoutVerdict": found.missing,
        "accuracy": found.accuracy,
        "macroF1": found.macro_f1,
        "threeClassMacroF1": found.three_class_macro_f1,
        "confusion": {
            answer: {said or "none": found.confusion[answer, said] for said in (*ANSWERS, "")} for answer in ANSWERS
        },
        "classes": {answer: _class_document(found.of(answer)) for answer in ANSWERS},
    }


def _class_document(found: ClassScore) -> dict[str, object]:
    return {**asdict(found), "precision": found.precision, "recall": found.recall, "f1": found.f1}


def _scores(problems: Iterable[Judged]) -> Scores:
    return scores((problem.answer, problem.prediction) for problem in problems)


def _tallies(problems: Iterable[Judged], k: int) -> list[Tally]:
    """Of the problems with enough attempts."""
    return [Tally(len(p.verdicts), p.verdicts.count(p.answer)) for p in problems if len(p.verdicts) >= k]


def _grouped(named: Iterable[tuple[str, Judged]]) -> dict[str, Scores]:
    groups: dict[str, list[Judged]] = {}
    for name, problem in named:
        groups.setdefault(name, []).append(problem)
    return {name: _scores(groups[name]) for name in sorted(groups)}
