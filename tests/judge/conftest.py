"""The verdicts on the case files, asked for once and two at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from lean_bridge.client import Limits
from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import Toolchain
from prover.judge import Judge, Terms, Verdict
from tests.judge.cases import Attack, Honest

WORKERS = 2


def case_of(item: pytest.Item) -> Attack | Honest | None:
    """The case that a test is about."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return next((case for case in parameters.values() if isinstance(case, Attack | Honest)), None)


@pytest.fixture(scope="session")
async def case_pool(toolchain: Toolchain) -> AsyncIterator[LeanPool]:
    """Processes at work and one in reserve, as some attacks end a process."""
    async with LeanPool(toolchain, size=WORKERS, spares=1, limits=Limits(grace=2.0)) as pool:
        yield pool


@pytest.fixture(scope="session")
async def verdicts(request: pytest.FixtureRequest, case_pool: LeanPool) -> Mapping[str, Verdict]:
    """The verdict on each case that a test of this run asks about, by the case's id.

    Who asks is in the xdist group `verdicts`, so that each case is judged once and not in every process.
    """
    asking = [item for item in request.session.items if "verdicts" in getattr(item, "fixturenames", ())]
    wanted = {case.id: case for item in asking if (case := case_of(item))}
    # An endless attack costs its whole time limit; others may take a while on a busy machine.
    brief, patient = Judge(case_pool, Terms(seconds=10.0)), Judge(case_pool, Terms(seconds=60.0))
    found: dict[str, Verdict] = {}
    queue = iter(wanted.values())

    async def work() -> None:
        for case in queue:
            judge = brief if isinstance(case, Attack) and case.error is not None else patient
            found[case.id] = await judge.check(case.statement, case.submission)

    await asyncio.gather(*(work() for _ in range(WORKERS)))
    return found
