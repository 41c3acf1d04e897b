"""Honest proofs in every style: the judge must accept them all."""

from __future__ import annotations

import pytest

from lean_bridge.pool import LeanPool
from prover.judge import ALLOWED_AXIOMS, Judge, Proof, Terms, WholeFile
from tests.judge.cases import Honest, honest

CASES = honest()


@pytest.fixture(scope="module")
def judge(pool: LeanPool) -> Judge:
    return Judge(pool, Terms(seconds=60.0))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_an_honest_proof_is_accepted(judge: Judge, case: Honest) -> None:
    verdict = await judge.check(case.statement, case.submission)
    assert verdict.accepted, f"{verdict.reason}: {verdict.message} (at {verdict.place})"
    assert ALLOWED_AXIOMS.issuperset(verdict.axioms)


def test_the_corpus_has_bodies_and_files_in_number() -> None:
    bodies = [case for case in CASES if isinstance(case.submission, Proof)]
    files = [case for case in CASES if isinstance(case.submission, WholeFile)]
    assert len(bodies) >= 90
    assert len(files) >= 60
    assert len({case.id for case in CASES}) == len(CASES)
