"""Runs over problems that are to be proved or refuted, with real Lean and a real store."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db.records import Attempt, Outcome
from db.store import Store
from lean_bridge.pool import LeanPool
from prover.bench.compare import difference
from prover.bench.judgements import Contradiction
from prover.bench.problems import BenchmarkProblem, read_problems
from prover.bench.report import document, make_report
from prover.bench.runner import BenchmarkPlan, BenchmarkRun, begun
from prover.bench.verify import stored_proofs, verify
from prover.core import Budget, Generator
from prover.engine import Plan
from prover.errors import BadBenchmark
from prover.generators.fixed import FixedGenerator
from prover.judge import Judge
from prover.search.best_first import BestFirst
from workbench.testing import timeless

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATEMENTS = {
    "add_comm": ("(n m : Nat) : n + m = m + n", "true", "symmetry"),
    "weaker": ("(n : Nat) (h : 2 < n) : 1 < n", "true", "hypothesis"),
    "operation": ("(n m : Nat) : n + m = m - n", "false", "operation"),
    "factor": ("(a b : Int) (h : a * b = 0) : a = 0", "false", "operation"),
    # Neither `omega` nor any value that can be evaluated decides it.
    "open_one": ("(f : Nat → Nat) (h : ∀ n, f n < f (n + 1)) : ∃ k, ∀ m, k < m → m ≤ f m", "true", "hypothesis"),
}
FINISHERS = FixedGenerator(["omega"])


def written(path: Path, answers: dict[str, str] | None = None) -> list[BenchmarkProblem]:
    rows = [
        {
            "name": name,
            "header": "import Init\n",
            "formal_statement": f"theorem {name} {text} := by sorry",
            "truth": (answers or {}).get(name, answer) == "true",
            "kind": kind,
            "refutation": "fun h => known",
        }
        for name, (text, answer, kind) in STATEMENTS.items()
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return read_problems(path)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "bench.db") as opened:
        yield opened


def planned(problems: Sequence[BenchmarkProblem], attempts: int = 1) -> BenchmarkPlan:
    plan = Plan(BestFirst(), Budget(seconds=1.5, steps=50))
    return BenchmarkPlan("problems.jsonl", "d" * 64, tuple(problems), attempts, plan, "fixed", {"k": [attempts]})


async def carried_out(
    pool: LeanPool, store: Store, plan: BenchmarkPlan, generator: Generator = FINISHERS, most: int | None = None
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


async def test_each_statement_is_proved_or_refuted_or_stays_open_and_all_is_judged_again(
    pool: LeanPool, store: Store, tmp_path: Path
) -> None:
    number, _ = await carried_out(pool, store, planned(written(tmp_path / "problems.jsonl")))
    report = make_report(store, number)
    assert {result.name: result.outcome for result in report.results if result.name != "open_one"} == {
        "add_comm": Outcome.proved,
        "weaker": Outcome.proved,
        "operation": Outcome.refuted,
        "factor": Outcome.refuted,
    }
    assert [result.name for result in report.unsolved] == ["open_one"]
    assert [rate.value for rate in report.rates] == [0.8]
    assert report.run.config["task"] == "prove-or-refute"
    found = report.judgements
    assert found is not None
    # F1 of true: 2 · 2 / (2 + 3); of false: 1.
    assert found.scores.macro_f1 == pytest.approx(0.9)
    assert found.parse_rate == 0.8
    assert {kind: scores.right for kind, scores in found.by_kind.items()} == {
        "hypothesis": 1,
        "operation": 2,
        "symmetry": 1,
    }
    assert not found.contradictions
    assert "known" not in json.dumps(document(report))

    proofs = list(stored_proofs(store, number))
    assert sorted(proof.name for proof in proofs) == ["add_comm", "factor (refuted)", "operation (refuted)", "weaker"]
    assert all(verdict.accepted for verdict in await verify(Judge(pool), proofs, workers=1))
    proved = next(proof for proof in proofs if proof.refutes is None)
    forged = replace(proved, refutes=next(proof.refutes for proof in proofs if proof.refutes is not None))
    (verdict,) = await verify(Judge(pool), [forged], workers=1)
    assert (verdict.outcome, verdict.reason) == ("rejected", "claim")


async def test_a_verdict_that_the_file_contradicts_is_told_and_counts_as_wrong(
    pool: LeanPool, store: Store, tmp_path: Path
) -> None:
    problems = written(tmp_path / "problems.jsonl", {"add_comm": "false", "factor": "true"})
    number, _ = await carried_out(pool, store, planned([p for p in problems if p.name in {"add_comm", "factor"}]))
    found = make_report(store, number).judgements
    assert found is not None
    assert found.contradictions == (
        Contradiction("add_comm", "false", "true"),
        Contradiction("factor", "true", "false"),
    )
    assert found.scores.right == 0


async def test_a_broken_off_run_goes_on_and_gives_the_report_of_an_unbroken_one(pool: LeanPool, tmp_path: Path) -> None:
    problems = [p for p in written(tmp_path / "problems.jsonl") if p.name != "open_one"]
    plan = planned(problems, attempts=2)
    documents = []
    for name, most in (("whole.db", None), ("broken.db", 3)):
        with Store.open(tmp_path / name) as store:
            number, made = await carried_out(pool, store, plan, most=most)
            if most is not None:
                assert len(made) == most
                again, rest = await carried_out(pool, store, plan)
                assert (again, len(rest)) == (number, 8 - most)
            documents.append(timeless(document(make_report(store, number))))
    assert documents[0] == documents[1]


async def test_runs_are_compared_by_what_they_decided_correctly(pool: LeanPool, store: Store, tmp_path: Path) -> None:
    problems = [p for p in written(tmp_path / "problems.jsonl") if p.name in {"weaker", "factor"}]
    plan = planned(problems)
    weak, _ = await carried_out(pool, store, replace(plan, generator="none"), FixedGenerator(["rfl"]))
    strong, _ = await carried_out(pool, store, plan)
    found = difference(make_report(store, weak), make_report(store, strong))
    assert (found.measure, found.gained, found.lost, found.comparison.both) == (
        "decided correctly",
        ("weaker",),
        (),
        1,
    )
    assert [setting for setting, _, _ in found.differs] == ["generator"]
    plain, _ = await carried_out(pool, store, planned([replace(problem, answer="") for problem in problems[:1]]))
    with pytest.raises(
        BadBenchmark, match="weaker is to be proved or refuted with the answer true in run 2, and to be"
    ):
        difference(make_report(store, strong), make_report(store, plain))


async def test_lean_failing_on_the_side_of_the_refutation_is_an_error_and_not_a_failure(
    pool: LeanPool, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lean_bridge.client import LeanServer
    from lean_bridge.errors import ProtocolError

    async def fail(self: LeanServer, *arguments: object, **named: object) -> None:
        raise ProtocolError("nonsense")

    monkeypatch.setattr(LeanServer, "find_counterexample", fail)
    problems = [p for p in written(tmp_path / "problems.jsonl") if p.name in {"weaker", "factor"}]
    number, _ = await carried_out(pool, store, planned(problems))
    found = {result.name: result for result in make_report(store, number).results}
    assert found["weaker"].outcome is Outcome.proved
    assert found["factor"].outcome is Outcome.error
    assert "nonsense" in found["factor"].message
