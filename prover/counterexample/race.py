"""A statement and its negation side by side, until one of them is shown.

DeepSeek-Prover (arXiv 2405.14333) sorts false statements out of its data that way.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from lean_bridge.pool import LeanPool
from prover.core import Clock, Generator, Listener
from prover.counterexample.finder import RefutationPlan, refute
from prover.engine import Plan, ProofAttempt, prove
from prover.workplace import Task


async def race(
    pool: LeanPool,
    task: Task,
    *,
    plan: Plan | None = None,
    generator: Generator | None = None,
    listen: Listener = lambda event: None,
    clock: Clock = time.monotonic,
) -> ProofAttempt:
    """Try to prove and to refute a theorem at once, within one time; the first verdict ends both.

    Arguments and errors are those of `prove`; `listen` hears of the search for a proof. The plan is that of both sides: its algorithm,
    budget and seed are those of the search for a proof of the negation too. Each side holds one process at a time and gives it back before it asks for another, so
    races never wait for each other in a circle; the time for which a side waits for a process is not taken from it. A pool of one process therefore works on one
    side after the other, and comes to the same verdicts later.

    Returns:
        An attempt that is `refuted` if that was first. The refutation that was looked for is in it in any case, unless the
        proof was first.
    """
    plan = plan or Plan()
    started = clock()
    other = RefutationPlan(seconds=plan.budget.seconds, negation=plan)
    refuting = asyncio.create_task(refute(pool, task, plan=other, generator=generator, clock=clock))
    proving = asyncio.create_task(prove(pool, task, plan=plan, generator=generator, listen=listen, clock=clock))
    waiting: set[asyncio.Task[object]] = {refuting, proving}
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if (refuting in done and refuting.result().outcome == "refuted") or (
                proving in done and proving.result().outcome == "proved"
            ):
                break
    finally:
        for loser in (refuting, proving):
            loser.cancel()
        await asyncio.gather(refuting, proving, return_exceptions=True)
    refutation = None if refuting.cancelled() else refuting.result()
    if refutation is not None and refutation.outcome == "refuted":
        return ProofAttempt(task, "refuted", clock() - started, refutation=refutation)
    return replace(proving.result(), refutation=refutation)
