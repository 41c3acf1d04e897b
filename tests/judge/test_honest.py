"""Honest proofs in every style: the judge must accept them all."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from prover.judge import ALLOWED_AXIOMS, Proof, Verdict, WholeFile
from tests.judge.cases import Honest, honest

CASES = honest()


@pytest.mark.xdist_group("verdicts")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_an_honest_proof_is_accepted(verdicts: Mapping[str, Verdict], case: Honest) -> None:
    verdict = verdicts[case.id]
    assert verdict.accepted, f"{verdict.reason}: {verdict.message} (at {verdict.place})"
    assert ALLOWED_AXIOMS.issuperset(verdict.axioms)


def test_the_corpus_has_bodies_and_files_in_number() -> None:
    bodies = [case for case in CASES if isinstance(case.submission, Proof)]
    files = [case for case in CASES if isinstance(case.submission, WholeFile)]
    assert len(bodies) >= 90
    assert len(files) >= 60
    assert len({case.id for case in CASES}) == len(CASES)
