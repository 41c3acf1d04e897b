"""The report of a benchmark run, made of what the store holds: rates with their intervals, and every problem by name.

Three rates are told apart: of all problems; of those that the toolchain can state; and of those that are, besides, neither marked as
errata nor shown to be false. An attempt that ended in an error of Lean or the machine, after its retries, counts as one without a proof.

Problems that are to be proved or refuted have their own figures (`judgements`), and success means there that the known answer was shown: all rates
of such a run are of that, and its third rate leaves out errata alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from db.records import Attempt, Outcome, Run, Task
from prover.bench import judgements as judging
from prover.bench.figures import Law, Rate, Tally, fitted_law, rate
from prover.bench.judgements import ANSWERS, Judged, Judgements, Verdict

if TYPE_CHECKING:
    from db.store import Store

_LAW_POINTS = 4
"""With fewer attempts a problem no law of growth is fitted."""

_VERDICTS: Final[Mapping[Outcome, Verdict]] = {Outcome.proved: "true", Outcome.refuted: "false"}


@dataclass(frozen=True, slots=True)
class ProblemResult:
    """What came of a problem.

    Attributes:
        name, digest, source: as of `BenchmarkProblem`.
        erratum: why its rate does not count as it stands; empty for most.
        outcomes: how often its attempts ended in each way.
        proof: the shortest that was found.
        seconds: until the first proof, within its attempt; of a problem with an answer, until the first proof or refutation.
        tactics: tried until the first proof.
        tokens: that models read and wrote until then.
        message: why there is no proof, of the first attempt that says so; of a refuted problem, by what.
        refutation: the shortest that was found, as a proof of the negation.
        judged: the known answer and the verdicts; None for a problem that is only to be proved.
    """

    name: str
    digest: str
    source: str
    erratum: str
    outcomes: Mapping[Outcome, int]
    proof: str | None
    seconds: float | None
    tactics: int | None
    tokens: int | None
    message: str
    refutation: str | None = None
    judged: Judged | None = None

    @property
    def attempts(self) -> int:
        """That were made."""
        return sum(self.outcomes.values())

    @property
    def proved(self) -> bool:
        """Whether an attempt found a proof that the judge accepts."""
        return self.outcomes[Outcome.proved] > 0

    @property
    def successes(self) -> int:
        """Attempts that did what was asked: found a proof, or showed the known answer where there is one."""
        return self.outcomes[Outcome.proved] if self.judged is None else self.judged.verdicts.count(self.judged.answer)

    @property
    def succeeded(self) -> bool:
        """Whether it was proved; where an answer is known, whether it was decided correctly."""
        return self.proved if self.judged is None else self.judged.prediction == self.judged.answer

    @property
    def unstatable(self) -> bool:
        """Whether the toolchain cannot state it."""
        return self.outcomes[Outcome.unstatable] > 0

    @property
    def refuted(self) -> bool:
        """Whether it was shown to be false."""
        return self.outcomes[Outcome.refuted] > 0

    @property
    def outcome(self) -> Outcome:
        """The best of what its attempts came to."""
        order = (Outcome.proved, Outcome.unstatable, Outcome.refuted, Outcome.timeout, Outcome.failed, Outcome.error)
        return next(outcome for outcome in order if self.outcomes[outcome])


@dataclass(frozen=True, slots=True)
class Report:
    """What a run gave.

    Attributes:
        run: the run.
        results: of each problem that was attempted, in the order of the file.
        missing: attempts that were not made yet.
        rates: of success in all problems, for each k.
        stated: of those that the toolchain can state.
        sound: of those that are neither marked as errata nor (unless that was asked) refuted, besides.
        by_source: for each source, its problems and their rates.
        law: of the growth of coverage; None with few attempts.
        rules: in how many of the proofs a rule made a step, most first.
        totals: how many attempts ended in each way.
        lean_seconds, seconds: that Lean worked on tactics, and that attempts took, summed up.
        tactics: that were tried, summed up.
        tokens: that models read and wrote, summed up; 0 where none did.
        judgements: the figures of a run that proves or refutes; None for any other.
    """

    run: Run
    results: tuple[ProblemResult, ...]
    missing: int
    rates: tuple[Rate, ...]
    stated: tuple[Rate, ...]
    sound: tuple[Rate, ...]
    by_source: Mapping[str, tuple[int, tuple[Rate, ...]]]
    law: Law | None
    rules: Mapping[str, int]
    totals: Mapping[Outcome, int]
    lean_seconds: float
    seconds: float
    tactics: int
    tokens: int
    judgements: Judgements | None = None

    @property
    def wall(self) -> timedelta | None:
        """From the start to the end of the run, pauses included."""
        return self.run.finished - self.run.started if self.run.finished else None

    @property
    def proved(self) -> tuple[ProblemResult, ...]:
        """Problems with a proof, the quickest first."""
        return tuple(sorted((r for r in self.results if r.proved), key=lambda r: (r.seconds or 0.0, r.name)))

    @property
    def refuted(self) -> tuple[ProblemResult, ...]:
        """Problems that were shown to be false, in the order of the file."""
        return tuple(r for r in self.results if r.refuted)

    @property
    def unsolved(self) -> tuple[ProblemResult, ...]:
        """Problems that can be stated and have neither a proof nor a refutation."""
        return tuple(r for r in self.results if not (r.proved or r.refuted or r.unstatable))

    def within(self, costs: Sequence[float | None]) -> list[tuple[float, float]]:
        """The share of all problems that were solved within each cost, as points of a step function."""
        found = sorted(cost for cost in costs if cost is not None)
        return [(cost, (place + 1) / len(self.results)) for place, cost in enumerate(found)]


def make_report(store: Store, number: int) -> Report:
    """The report of a run, finished or not.

    Raises:
        UnknownRecord: there is no such run.
    """
    run = store.run(number)
    known = _Known.of(run)
    tasks = {task.digest: task for task in store.tasks()}
    order = list(dict.fromkeys(unit.payload[0] for unit in store.units(number)))
    attempts: dict[str, list[Attempt]] = {digest: [] for digest in order}
    for attempt in store.attempts(run=number):
        attempts[attempt.task].append(attempt)
    results = [_result(tasks[d], known, made) for d, made in attempts.items() if made]
    made = [attempt for each in attempts.values() for attempt in each]
    stated = [result for result in results if not result.unstatable]
    sound = [result for result in stated if not (result.erratum or (result.refuted and result.judged is None))]
    judged = [result.judged for result in results if result.judged is not None]
    sources = sorted({result.source for result in results})
    ks = _ks(run)
    return Report(
        run=run,
        results=tuple(results),
        missing=sum(store.progress(number).units.values()) - len(made),
        rates=_rates(results, ks),
        stated=_rates(stated, ks),
        sound=_rates(sound, ks),
        by_source={source: _of_source(results, source, ks) for source in sources},
        law=_law(stated),
        rules=_rules(made),
        totals=store.outcomes(number),
        lean_seconds=sum(_number(attempt, "leanSeconds") for attempt in made),
        seconds=sum(attempt.seconds for attempt in made),
        tactics=int(sum(_number(attempt, "tactics") for attempt in made)),
        tokens=int(sum(_number(attempt, "tokens") for attempt in made)),
        judgements=judging.judgements(judged, ks) if judged else None,
    )


def document(report: Report) -> dict[str, object]:
    """The report as JSON can hold it."""
    run = report.run
    return {
        "run": run.id,
        "toolchain": run.toolchain,
        "started": run.started.isoformat(),
        "finished": run.finished.isoformat() if run.finished else None,
        "config": dict(run.config),
        "missingAttempts": report.missing,
        "outcomes": {outcome.value: count for outcome, count in report.totals.items()},
        "rates": {
            "all": [asdict(rate) for rate in report.rates],
            "stated": [asdict(rate) for rate in report.stated],
            "sound": [asdict(rate) for rate in report.sound],
        },
        "bySource": {
            source: {"problems": count, "rates": [asdict(rate) for rate in rates]}
            for source, (count, rates) in report.by_source.items()
        },
        "law": report.law and {**asdict(report.law), "worst": report.law.worst, "poor": report.law.poor},
        "judgements": report.judgements and judging.document(report.judgements),
        "cost": {"seconds": report.seconds, **_cost(report)},
        "rules": dict(report.rules),
        "problems": [
            {
                "name": result.name,
                "digest": result.digest,
                "source": result.source,
                "erratum": result.erratum,
                "outcomes": {outcome.value: count for outcome, count in result.outcomes.items() if count},
                "proof": result.proof,
                "seconds": result.seconds,
                "tactics": result.tactics,
                "tokens": result.tokens,
                "message": result.message,
                **_judged(result),
            }
            for result in report.results
        ],
    }


def _cost(report: Report) -> dict[str, object]:
    """What was counted besides the time. Of a race nobody counts what the side did that was stopped, so there is no sum."""
    if report.judgements is not None:
        return {}
    return {"leanSeconds": report.lean_seconds, "tactics": report.tactics, "tokens": report.tokens}


def _judged(result: ProblemResult) -> dict[str, object]:
    if result.judged is None:
        return {}
    return {
        "answer": result.judged.answer,
        "verdict": result.judged.prediction or None,
        "difficulty": result.judged.difficulty,
        "refutation": result.refutation,
    }


@dataclass(frozen=True, slots=True)
class _Known:
    """What the run's record says of its problems, by digest; older records say less."""

    errata: Mapping[str, object] = field(default_factory=dict)
    answers: Mapping[str, object] = field(default_factory=dict)
    difficulties: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run) -> _Known:
        parts = (run.config.get(key) for key in ("errata", "answers", "difficulties"))
        return cls(*(part if isinstance(part, Mapping) else {} for part in parts))


def _ks(run: Run) -> tuple[int, ...]:
    given = run.config.get("k")
    return tuple(int(k) for k in given) if isinstance(given, Sequence) else (1,)


def _result(task: Task, known: _Known, attempts: Sequence[Attempt]) -> ProblemResult:
    counted = Counter(attempt.outcome for attempt in attempts)
    proofs = [attempt for attempt in attempts if attempt.outcome is Outcome.proved]
    others = [attempt for attempt in attempts if attempt.outcome is not Outcome.proved]
    # What refutes a problem says more than why another attempt at it found nothing.
    others.sort(key=lambda attempt: attempt.outcome is not Outcome.refuted)
    judged = _judgement(task, known, attempts)
    ended = [attempt for attempt in attempts if attempt.outcome in _VERDICTS] if judged else proofs
    return ProblemResult(
        name=task.name,
        digest=task.digest,
        source=task.source,
        erratum=str(known.errata.get(task.digest, "")),
        outcomes=dict.fromkeys(Outcome, 0) | counted,
        proof=min((attempt.proof for attempt in proofs if attempt.proof), key=len, default=None),
        seconds=ended[0].seconds if ended else None,
        tactics=int(_number(proofs[0], "tactics")) if proofs else None,
        tokens=int(_number(proofs[0], "tokens")) if proofs else None,
        message=next(filter(None, (str(attempt.verdict.get("message", "")) for attempt in others)), ""),
        refutation=min(filter(None, map(_refutation, attempts)), key=len, default=None),
        judged=judged,
    )


def _judgement(task: Task, known: _Known, attempts: Sequence[Attempt]) -> Judged | None:
    for answer in ANSWERS:
        if known.answers.get(task.digest) == answer:
            verdicts = tuple(_VERDICTS.get(attempt.outcome, "") for attempt in attempts)
            return Judged(task.name, answer, verdicts, task.source, str(known.difficulties.get(task.digest, "")))
    return None


def _refutation(attempt: Attempt) -> str:
    found = attempt.verdict.get("refutation")
    return str(found.get("proof") or "") if isinstance(found, Mapping) else ""


def _number(attempt: Attempt, key: str) -> float:
    value = attempt.verdict.get(key, 0.0)
    return float(value) if isinstance(value, int | float) else 0.0


def _tallies(results: Iterable[ProblemResult], k: int) -> list[Tally]:
    """Of the problems with enough attempts."""
    return [Tally(r.attempts, r.successes) for r in results if r.attempts >= k]


def _rates(results: Sequence[ProblemResult], ks: Sequence[int]) -> tuple[Rate, ...]:
    return tuple(rate(tallies, k) for k in ks if (tallies := _tallies(results, k)))


def _of_source(results: Sequence[ProblemResult], source: str, ks: Sequence[int]) -> tuple[int, tuple[Rate, ...]]:
    own = [result for result in results if result.source == source]
    return len(own), _rates(own, ks)


def _law(results: Sequence[ProblemResult]) -> Law | None:
    most = min((result.attempts for result in results), default=0)
    if most < _LAW_POINTS:
        return None
    powers = [2**i for i in range(most.bit_length()) if 2**i <= most]
    return fitted_law([(k, rate(_tallies(results, k), k, resamples=1).value) for k in powers])


def _rules(attempts: Iterable[Attempt]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for attempt in attempts:
        steps = attempt.verdict.get("steps")
        if attempt.outcome is Outcome.proved and isinstance(steps, list):
            counts.update({str(step) for step in steps})
    return dict(counts.most_common())
