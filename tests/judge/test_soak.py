"""Cases in random order; `python -m tests.judge.soak` does it by the thousand."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from lean_bridge.pool import Recycling
from lean_bridge.toolchain import Toolchain
from prover.judge import Verdict
from tests.judge.cases import attacks, honest
from tests.judge.soak import Expected, cases_without_endless_ones, shuffled, soak

VERDICTS = 30
SEED = 3
MIB_OF_GROWTH = 1.5 * Recycling().growth_bytes / 2**20
"""A process is replaced when it grew by so much; the verdict that takes it over the line comes on top."""


@pytest.mark.slow
async def test_verdicts_in_random_order_are_those_of_each_case_alone(toolchain: Toolchain) -> None:
    order = shuffled(cases_without_endless_ones(), VERDICTS, random.Random(SEED))
    result = await soak(toolchain, order, workers=1)
    assert result.verdicts == VERDICTS
    assert not result.wrong, "\n".join(result.wrong)
    assert not result.orphans
    assert result.last_mib - result.first_mib < MIB_OF_GROWTH


def test_every_case_comes_up_before_one_comes_up_again() -> None:
    cases = cases_without_endless_ones()
    order = shuffled(cases, 2 * len(cases), random.Random(1))
    assert {e.case.id for e in order[: len(cases)]} == {e.case.id for e in cases}
    assert [e.case.id for e in order[: len(cases)]] != [e.case.id for e in order[len(cases) :]]


def test_a_wrong_verdict_is_told_from_a_right_one() -> None:
    attack = next(a for a in attacks() if a.reason == "sorry")
    rejected = Verdict("rejected", "", "", "sorry")
    assert Expected(attack).met_by(rejected)
    assert not Expected(attack).met_by(replace(rejected, reason="parse"))
    assert not Expected(attack).met_by(replace(rejected, outcome="accepted", reason=None))
    assert not Expected(honest()[0]).met_by(rejected)
