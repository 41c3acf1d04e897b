"""Runs of a benchmark with real Lean and a real store."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db.records import Attempt, Library, Outcome, UnitStatus
from db.store import Store
from lean_bridge.errors import ServerDied
from lean_bridge.pool import LeanPool
from prover.bench.compare import difference
from prover.bench.problems import BenchmarkProblem, read_problems
from prover.bench.report import document, make_report
from prover.bench.runner import RETRIES, BenchmarkPlan, BenchmarkRun, attempt_seed, begun, chosen
from prover.bench.verify import stored_proofs, verify
from prover.core import Budget, Generator, Proposals, Query
from prover.engine import Plan
from prover.errors import BadBenchmark, GeneratorError
from prover.generators.fixed import FixedGenerator
from prover.judge import Judge, Statement
from prover.search.best_first import BestFirst
from prover.search.sampling import Sampling
from workbench.testing import timeless

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROWS = [
    {"name": "mathd_algebra_1", "formal_statement": "theorem mathd_algebra_1 : 2 + 2 = 4 := by sorry", "split": "test"},
    {
        "name": "imo_1",
        "formal_statement": "theorem imo_1 (n : Nat) (h : n = 2) : n + n = 4 := by sorry",
        "split": "test",
    },
    {
        "name": "imo_false",
        "formal_statement": "theorem imo_false (n : Nat) : n = n + 1 := by sorry",
        "known_false": True,
    },
    {
        "name": "amc_mathlib",
        "header": "import Mathlib\n",
        "formal_statement": "theorem amc_mathlib : (1 : ℝ) = 1 := by sorry",
    },
    {"name": "amc_undefined", "formal_statement": "theorem amc_undefined : Prime 2 := by sorry"},
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "bench.db") as opened:
        yield opened


@pytest.fixture
def problems(tmp_path: Path) -> list[BenchmarkProblem]:
    path = tmp_path / "problems.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    return read_problems(path)


def planned(problems: Sequence[BenchmarkProblem], attempts: int = 1, seed: int = 0) -> BenchmarkPlan:
    plan = Plan(BestFirst(), Budget(seconds=30, steps=200), seed)
    return BenchmarkPlan("problems.jsonl", "d" * 64, tuple(problems), attempts, plan, "fixed", {"k": [1, attempts]})


async def carried_out(
    pool: LeanPool, store: Store, plan: BenchmarkPlan, generator: Generator, most: int | None = None
) -> tuple[int, list[Attempt]]:
    """Runs a plan, or only so many attempts of it, after which the run is broken off as by a crash."""

    class Enough(Exception):
        pass

    run, _ = begun(store, plan, "4.28.0-pre", NOON)
    made: list[Attempt] = []

    def note(problem: BenchmarkProblem, attempt: Attempt) -> None:
        made.append(attempt)
        if len(made) == most:
            raise Enough

    going = BenchmarkRun(pool, store, run, plan, generator, clock=lambda: datetime.now(UTC), report=note)
    with contextlib.suppress(Enough):
        await going.go(1, "test")
    return run.id, made


FINISHERS = FixedGenerator(["rfl", "omega"])


async def test_every_problem_ends_in_its_class(pool: LeanPool, store: Store, problems: list[BenchmarkProblem]) -> None:
    number, _ = await carried_out(pool, store, planned(problems), FINISHERS)
    report = make_report(store, number)
    assert {result.name: result.outcome for result in report.results} == {
        "mathd_algebra_1": Outcome.proved,
        "imo_1": Outcome.proved,
        "imo_false": Outcome.refuted,
        "amc_mathlib": Outcome.unstatable,
        "amc_undefined": Outcome.unstatable,
    }
    messages = {result.name: result.message for result in report.results}
    assert "Mathlib" in messages["amc_mathlib"]
    assert "Prime" in messages["amc_undefined"]
    assert [rate.value for rate in report.rates] == [pytest.approx(2 / 5)] * 2
    assert [rate.value for rate in report.stated] == [pytest.approx(2 / 3)] * 2
    assert [rate.value for rate in report.sound] == [1.0] * 2
    assert report.by_source["imo"][0] == 2
    assert report.run.finished is not None
    assert not report.unsolved
    assert [result.name for result in report.results if result.refuted] == ["imo_false"]
    assert report.rules == {"fixed": 2}


async def test_a_problem_that_is_true_and_not_proved_stays_open(
    pool: LeanPool, store: Store, problems: list[BenchmarkProblem]
) -> None:
    (hard,) = [problem for problem in problems if problem.name == "imo_1"]
    number, (attempt,) = await carried_out(pool, store, planned([hard]), FixedGenerator(["rfl"]))
    assert attempt.outcome is Outcome.failed
    assert [result.name for result in make_report(store, number).unsolved] == ["imo_1"]


async def test_tokens_of_a_model_are_counted_as_a_cost(
    pool: LeanPool, store: Store, problems: list[BenchmarkProblem]
) -> None:
    class Model(FixedGenerator):
        async def propose(self, queries: Sequence[Query]) -> list[Proposals]:
            return [replace(answer, tokens=100) for answer in await super().propose(queries)]

    number, _ = await carried_out(pool, store, planned(problems[:2]), Model(["rfl", "omega"]))
    report = make_report(store, number)
    assert report.tokens == 200
    assert [result.tokens for result in report.results] == [100, 100]
    assert "tokens" in str(document(report)["cost"])


async def test_what_is_stored_is_enough_to_judge_every_proof_again(
    pool: LeanPool, store: Store, problems: list[BenchmarkProblem]
) -> None:
    number, _ = await carried_out(pool, store, planned(problems), FINISHERS)
    proofs = list(stored_proofs(store, number))
    assert [proof.name for proof in proofs] == ["mathd_algebra_1", "imo_1", "imo_false (refuted)"]
    verdicts = await verify(Judge(pool), proofs, workers=1)
    assert all(verdict.accepted for verdict in verdicts)
    swapped = [replace(proofs[1], proof=proofs[0].proof)]
    (verdict,) = await verify(Judge(pool), swapped, workers=1)
    assert verdict.outcome == "rejected"
    (verdict,) = await verify(Judge(pool), [replace(proofs[0], without=frozenset({"Eq"}))], workers=1)
    assert (verdict.outcome, verdict.reason) == ("rejected", "forbidden")


async def test_a_broken_off_run_goes_on_and_gives_the_report_of_an_unbroken_one(
    pool: LeanPool, tmp_path: Path, problems: list[BenchmarkProblem]
) -> None:
    plan = planned(problems, attempts=3)
    documents = []
    for name, most in (("whole.db", None), ("broken.db", 4)):
        with Store.open(tmp_path / name) as store:
            number, made = await carried_out(pool, store, plan, FINISHERS, most)
            if most is not None:
                assert len(made) == most
                assert make_report(store, number).missing == 15 - most
                again, rest = await carried_out(pool, store, plan, FINISHERS)
                assert again == number
                assert len(rest) == 15 - most
            documents.append(timeless(document(make_report(store, number))))
    assert documents[0] == documents[1]


async def test_another_seed_is_another_run(pool: LeanPool, store: Store, problems: list[BenchmarkProblem]) -> None:
    first, _ = begun(store, planned(problems), "4.28.0-pre", NOON)
    same, resumed = begun(store, planned(problems), "4.28.0-pre", NOON)
    other, fresh = begun(store, planned(problems, seed=1), "4.28.0-pre", NOON)
    assert (first.id, True) == (same.id, resumed)
    assert other.id != first.id
    assert not fresh


class Faulty:
    """Fails in one way at some problems."""

    def __init__(self, error: Exception, where: str) -> None:
        self.error = error
        self.where = where
        self.asked = 0

    async def propose(self, queries: Sequence[Query]) -> list[Proposals]:
        if any(self.where in goal.text for query in queries for goal in query.goals):
            self.asked += 1
            raise self.error
        return await FINISHERS.propose(queries)


@pytest.mark.parametrize("error", [ServerDied("gone"), GeneratorError("nonsense")], ids=["lean", "generator"])
async def test_a_fault_costs_its_problem_an_error_after_retries_and_the_others_nothing(
    pool: LeanPool, store: Store, problems: list[BenchmarkProblem], error: Exception
) -> None:
    faulty = Faulty(error, "n + n")
    number, _ = await carried_out(pool, store, planned(problems), faulty)
    assert faulty.asked == 1 + RETRIES
    report = make_report(store, number)
    found = {result.name: result.outcome for result in report.results}
    assert found["imo_1"] == Outcome.error
    assert found["mathd_algebra_1"] == Outcome.proved
    assert store.progress(number).units[UnitStatus.done] == 5
    assert next(r.message for r in report.results if r.name == "imo_1") == str(error)


async def test_a_tactic_that_kills_lean_costs_its_problem_no_more_than_the_tactic(
    pool: LeanPool, store: Store, problems: list[BenchmarkProblem]
) -> None:
    # `decide +kernel` over so many numbers fills the memory of the process.
    deadly = {"name": "deadly", "formal_statement": "theorem deadly : ∀ n : Fin 100000, n.val < 100000 := by sorry"}
    one = BenchmarkProblem("deadly", Statement(str(deadly["formal_statement"])))
    plan = planned([one, problems[0]])
    plan = replace(plan, plan=replace(plan.plan, budget=Budget(seconds=8)))
    generator = FixedGenerator(["decide +kernel", "rfl"])
    number, _ = await carried_out(pool, store, plan, generator)
    found = {result.name: result.outcome for result in make_report(store, number).results}
    assert found["deadly"] != Outcome.proved
    assert found["mathd_algebra_1"] == Outcome.proved


def test_a_traced_library_stays_as_it_is_when_its_theorems_are_problems(
    store: Store, problems: list[BenchmarkProblem]
) -> None:
    plan = planned(problems)
    traced = Library("Init", "4.28.0-pre", plan.digest, ("Init",))
    store.save_library(traced)
    begun(store, plan, "4.28.0-pre", NOON)
    assert list(store.libraries()) == [traced]


async def test_attempts_draw_with_seeds_of_their_own(
    pool: LeanPool, store: Store, problems: list[BenchmarkProblem]
) -> None:
    plan = Plan(Sampling(), Budget(seconds=30, steps=50))
    bench = BenchmarkPlan("problems.jsonl", "d" * 64, tuple(problems[:2]), 2, plan, "fixed", {"k": [1, 2]})
    _, made = await carried_out(pool, store, bench, FINISHERS)
    seeds = {(attempt.task, attempt.verdict["seed"]) for attempt in made}
    assert len(seeds) == 4
    assert {attempt_seed(0, p.digest, i) for p in problems[:2] for i in range(2)} == {seed for _, seed in seeds}


async def test_runs_are_compared_problem_by_problem(
    pool: LeanPool, store: Store, problems: list[BenchmarkProblem]
) -> None:
    weak, _ = await carried_out(pool, store, planned(problems, seed=1), FixedGenerator(["rfl"]))
    strong, _ = await carried_out(pool, store, planned(problems[1:], seed=2), FINISHERS)
    found = difference(make_report(store, weak), make_report(store, strong))
    assert found.gained == ("imo_1",)
    assert found.lost == ()
    assert found.left_out == 1
    assert ("seed", "1", "2") in found.differs
    other = BenchmarkPlan("other.jsonl", "e" * 64, (problems[0],), 1, planned(problems).plan, "fixed")
    apart, _ = await carried_out(pool, store, other, FINISHERS)
    with pytest.raises(BadBenchmark, match="no problem in common"):
        difference(make_report(store, strong), make_report(store, apart))


def test_problems_are_chosen_by_split_and_name(problems: list[BenchmarkProblem]) -> None:
    assert [p.name for p in chosen(problems, "test", [])] == ["mathd_algebra_1", "imo_1"]
    assert [p.name for p in chosen(problems, None, ["imo", "undefined"])] == ["imo_1", "imo_false", "amc_undefined"]


def test_a_statement_keeps_its_digest_wherever_it_stands() -> None:
    first = BenchmarkProblem("a", Statement("theorem a : True := by sorry", "open Nat\n"))
    assert first.digest == BenchmarkProblem("b", first.statement, "valid").digest
    assert first.digest != BenchmarkProblem("a", Statement(first.statement.text)).digest
