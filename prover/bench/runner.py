"""Runs a benchmark: attempts at problems as units of a run in the store, which can be stopped at any moment and taken up again.

What an attempt gives depends on the problem, the plan and the attempt's own seed, and not on the attempts beside it. A proof
counts only with an accepting verdict of the judge, whose words are stored with it. Statements that Lean cannot state, and
errors of Lean or the machine, are classes of their own; the latter are tried again first.

Problems with a known answer are to be proved or refuted: an attempt is a race of both, on two processes.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from db import working
from db.records import Attempt, Library, Outcome, Run, Task, Unit
from lean_bridge.errors import BridgeError, InputError
from prover.bench.problems import BenchmarkProblem
from prover.counterexample.finder import Refutation, RefutationPlan, refute
from prover.counterexample.race import race
from prover.engine import Plan, ProofAttempt, prove
from prover.errors import ProverError
from prover.explain import explain
from prover.judge import ALLOWED_AXIOMS

if TYPE_CHECKING:
    from db.store import Store
    from lean_bridge.pool import LeanPool
    from prover.core import Generator

COMMAND: Final = "bench"

PROVE_OR_REFUTE: Final = "prove-or-refute"
"""The task of a run, in its record; a run that does not say is to prove its problems."""

RETRIES: Final = 2
"""How often an attempt that ended in an error of Lean or the machine is made again."""

REFUTING: Final = RefutationPlan(seconds=20.0, evaluations=1000, values_alone=True)
"""What is spent on finding out whether a problem that the first attempt did not prove is false. The evaluations end it, not the clock, though the first
search of a process that has imported much waits some seconds for the index of lemmas."""


@dataclass(frozen=True, slots=True)
class BenchmarkPlan:
    """What is run. Equal plans are one run.

    Attributes:
        benchmark: the name of the file, or what else the problems are from.
        digest: SHA-256 of its content, in hexadecimal.
        problems: those to be attempted, in order.
        attempts: at each problem.
        plan: how each attempt goes about it; its seed is the run's.
        generator: its name.
        note: more that belongs into the run's record, such as the version of this program.
    """

    benchmark: str
    digest: str
    problems: tuple[BenchmarkProblem, ...]
    attempts: int
    plan: Plan
    generator: str
    note: Mapping[str, object] = field(default_factory=dict)

    def config(self) -> dict[str, object]:
        """What the run is recorded with: all that its results depend on."""
        return {
            **self.note,
            "benchmark": self.benchmark,
            "problems": len(self.problems),
            "errata": {problem.digest: problem.erratum for problem in self.problems if problem.erratum},
            "without": {problem.digest: sorted(problem.without) for problem in self.problems if problem.without},
            "splits": sorted({problem.split for problem in self.problems}),
            "attempts": self.attempts,
            "search": self.plan.algorithm.name,
            "generator": self.generator,
            "seed": self.plan.seed,
            "budget": asdict(self.plan.budget),
            "tactic": asdict(self.plan.limits),
            "minimise": self.plan.minimise,
            "axioms": sorted(ALLOWED_AXIOMS),
            "retries": RETRIES,
            **(self._prove_or_refute() if self.racing else {"refuting": REFUTING.evaluations}),
        }

    @property
    def racing(self) -> bool:
        """Whether the problems are to be proved or refuted."""
        return any(problem.answer for problem in self.problems)

    def _prove_or_refute(self) -> dict[str, object]:
        return {
            "task": PROVE_OR_REFUTE,
            "answers": {problem.digest: problem.answer for problem in self.problems},
            "difficulties": {problem.digest: problem.difficulty for problem in self.problems if problem.difficulty},
            "refuting": RefutationPlan().evaluations,
        }

    def units(self) -> list[tuple[str, str]]:
        """One for each attempt: the problem's digest and the attempt's number. First attempts come first."""
        return [(problem.digest, str(number)) for number in range(self.attempts) for problem in self.problems]


def begun(store: Store, plan: BenchmarkPlan, toolchain: str, now: datetime) -> tuple[Run, bool]:
    """The run of a plan, and whether it was begun before: an unfinished one of the same plan is taken up."""
    if plan.digest not in {library.digest for library in store.libraries()}:
        # The problems of a traced library belong to that library, which knows more of itself than is known here.
        store.save_library(Library(plan.benchmark, toolchain, plan.digest, ()))
    for problem in plan.problems:
        statement = problem.statement
        store.save_task(Task(problem.digest, statement.text, statement.header, problem.name, problem.source))
    return working.begun(store, COMMAND, plan.config(), plan.digest, toolchain, plan.units(), now)


class BenchmarkRun:
    """Carries out a run.

    Args:
        pool: Lean processes.
        store: where everything goes.
        run: an unfinished run.
        plan: its plan.
        generator: proposes tactics, for all attempts.
        clock: the time, in UTC.
        report: is told of each attempt that was stored.
    """

    def __init__(
        self,
        pool: LeanPool,
        store: Store,
        run: Run,
        plan: BenchmarkPlan,
        generator: Generator,
        *,
        clock: Callable[[], datetime],
        report: Callable[[BenchmarkProblem, Attempt], None] = lambda problem, attempt: None,
    ) -> None:
        self._pool = pool
        self._store = store
        self._run = run
        self._plan = plan
        self._generator = generator
        self._clock = clock
        self._report = report
        self._problems = {problem.digest: problem for problem in plan.problems}

    async def go(self, workers: int, owner: str) -> bool:
        """Works until no attempt is left to make; returns whether the run is finished.

        Args:
            workers: processes of the pool that are to be at work. Where problems are proved or refuted each attempt has two of them, so that no side waits
                for a process and the seconds of an attempt are those of its work; of a single one the sides take turns.
            owner: as of `work_through`.

        Raises:
            StoreError: the store cannot be written.
            ToolchainError: Lean cannot be started.
        """
        at_a_time = max(1, workers // 2) if self._plan.racing else workers
        return await working.work_through(self._store, self._run, [self] * at_a_time, owner, self._clock)

    async def do(self, unit: Unit) -> None:
        """Makes the attempt that a unit is, and stores it."""
        digest, number = unit.payload
        problem = self._problems[digest]
        plan = replace(self._plan.plan, seed=attempt_seed(self._plan.plan.seed, digest, int(number)))
        attempt = await self._attempt(problem, plan)
        for _ in range(RETRIES):
            if attempt.outcome is Outcome.error:
                attempt = await self._attempt(problem, plan)
        if not problem.answer and int(number) == 0 and attempt.outcome in {Outcome.failed, Outcome.timeout}:
            attempt = await self._told_from_false(problem, attempt)
        if await asyncio.to_thread(self._store.finish_attempt, unit, attempt):
            self._report(problem, attempt)

    async def stop(self) -> None:
        """The pool belongs to the caller."""

    async def _attempt(self, problem: BenchmarkProblem, plan: Plan) -> Attempt:
        attempted = race if problem.answer else prove
        try:
            made = await attempted(self._pool, problem.task(), plan=plan, generator=self._generator)
        except InputError as error:
            return self._without_result(problem, plan, Outcome.unstatable, error)
        except (BridgeError, ProverError) as error:
            return self._without_result(problem, plan, Outcome.error, error)
        made = _blamed(made)
        attempt = Attempt(
            task=problem.digest,
            outcome=Outcome(made.outcome),
            made=self._clock(),
            proof=made.proof if made.outcome == "proved" else None,
            verdict={"seed": plan.seed, **described(made)},
            seconds=round(made.seconds, 3),
            run=self._run.id,
        )
        if made.outcome == "refuted" and made.refutation is not None:
            return _refuted(attempt, made.refutation)
        return attempt

    async def _told_from_false(self, problem: BenchmarkProblem, attempt: Attempt) -> Attempt:
        """The attempt, as `refuted` if the problem is found to be false; that costs the attempt nothing."""
        try:
            found = await refute(self._pool, problem.task(), plan=REFUTING)
        except (BridgeError, ProverError):
            return attempt
        return _refuted(attempt, found) if found.outcome == "refuted" else attempt

    def _without_result(self, problem: BenchmarkProblem, plan: Plan, outcome: Outcome, error: Exception) -> Attempt:
        verdict = {"seed": plan.seed, "kind": type(error).__name__, "message": str(error)}
        return Attempt(problem.digest, outcome, self._clock(), verdict=verdict, run=self._run.id)


def attempt_seed(seed: int, digest: str, number: int) -> int:
    """The seed of an attempt: other attempts have others, and which problems are beside it makes no difference."""
    return int.from_bytes(hashlib.blake2b(f"{seed} {digest} {number}".encode(), digest_size=6).digest())


def _blamed(made: ProofAttempt) -> ProofAttempt:
    """The outcome of a race: an error where Lean failed on the other side, which might have had the verdict."""
    other = made.refutation
    if made.outcome not in {"failed", "timeout"} or other is None or other.outcome != "error":
        return made
    return replace(made, outcome="error", failure=other.failure)


def _refuted(attempt: Attempt, found: Refutation) -> Attempt:
    """The attempt with a refutation, which is kept so that it can be judged again."""
    assert found.claim is not None, "a refutation has a claim"
    values = ", ".join(f"{witness.name} = {witness.value}" for witness in found.witnesses)
    refutation = {"claim": found.claim.text, "proof": found.proof, "witnesses": list(map(asdict, found.witnesses))}
    verdict = {**attempt.verdict, "refutation": refutation, "message": f"it is false{values and f': {values}'}"}
    return replace(attempt, outcome=Outcome.refuted, verdict=verdict)


def described(made: ProofAttempt) -> dict[str, object]:
    """What is kept of an attempt beside its proof."""
    found: dict[str, object] = {}
    if made.search is not None:
        counts = made.search.statistics
        found |= {
            "reason": made.search.reason,
            "nodes": counts.nodes,
            "tactics": counts.steps,
            "tokens": counts.tokens,
            **({"malformed": counts.malformed} if counts.malformed else {}),
            **({"fault": made.search.fault} if made.search.fault else {}),
            "merged": counts.merged,
            "requests": counts.requests,
            "searchSeconds": round(counts.search_seconds, 3),
            "leanSeconds": round(counts.environment_seconds, 3),
            "generatorSeconds": round(counts.generator_seconds, 3),
        }
    if made.verdict is not None:
        judged = made.verdict
        found |= {
            "judge": judged.outcome,
            "lean": judged.lean,
            "axioms": list(judged.axioms),
            "steps": list(_steps(made)),
        }
        if not judged.accepted:
            found |= {"judgeReason": judged.reason, "message": judged.message}
    if made.failure is not None:
        found |= {"kind": made.failure.kind, "message": made.failure.message}
    return found


def _steps(made: ProofAttempt) -> Iterator[str]:
    """The rules that proposed the steps of the proof."""
    if made.graph is not None:
        yield from (reason.rule for reason in explain(made.graph))


def shown_progress(
    outcomes: Mapping[Outcome, int], total: int, seconds: float, done_before: int, *, racing: bool = False
) -> str:
    """How far a run is, in words: the rate so far, and the time that is left if it goes on like this."""
    done = sum(outcomes.values())
    counted = done - outcomes[Outcome.unstatable] - outcomes[Outcome.error]
    proved, refuted = outcomes[Outcome.proved], outcomes[Outcome.refuted] if racing else 0
    share = f"{(proved + refuted) / counted:.1%}" if counted else "–"
    fresh = done - done_before
    left = f", {(total - done) * seconds / fresh / 60:.0f} min left" if fresh else ""
    if racing:
        return f"{proved} proved and {refuted} refuted of {counted} ({share} with a verdict){left}"
    return f"{proved} of {counted} proved ({share}){left}"


def chosen(
    problems: Sequence[BenchmarkProblem], split: str | None, only: Sequence[str]
) -> tuple[BenchmarkProblem, ...]:
    """The problems of a split whose names contain one of `only`; all where nothing is asked for."""
    return tuple(
        problem for problem in problems if (split is None or problem.split == split) and is_named(problem.name, only)
    )


def is_named(name: str, only: Sequence[str]) -> bool:
    """Whether a name contains one of `only`, or nothing is asked for."""
    return not only or any(part in name for part in only)
