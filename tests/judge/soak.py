"""Thousands of verdicts in random order, attacks and honest proofs mixed, must be the verdicts of each by itself.

A process that judges is used again and again, so what one submission leaves behind would show here. From the command line,
for as many as one likes:

    python -m tests.judge.soak --verdicts 2000 --seed 1 --workers 2
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil
import typer

from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import Toolchain, find_toolchain
from prover.judge import Judge, Terms, Verdict
from tests.judge.cases import Attack, Honest, attacks, honest

SECONDS = 20.0
"""For each submission; the slowest honest one takes a third of it on a busy machine."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a case must get, always."""

    case: Attack | Honest

    def met_by(self, verdict: Verdict) -> bool:
        """Whether the verdict is the one that the case by itself gets."""
        if isinstance(self.case, Honest):
            return verdict.accepted
        if self.case.error is not None:
            return verdict.outcome == "error"
        return (verdict.outcome, verdict.reason) == ("rejected", self.case.reason)


@dataclass(frozen=True, slots=True)
class Soak:
    """What came of a run."""

    verdicts: int
    seconds: float
    wrong: tuple[str, ...]
    first_mib: float
    """Resident memory of the Lean processes after a tenth of the verdicts, in MiB, the mean of a process."""
    last_mib: float
    """The same at the end."""
    orphans: tuple[int, ...]
    """Processes that outlived the pool."""


def cases_without_endless_ones() -> list[Expected]:
    """All cases but those that are stopped by the clock, of which two are kept: each costs its whole time limit."""
    ended: list[Attack | Honest] = [a for a in attacks() if a.error is None]
    endless = [a for a in attacks() if a.error is not None][:2]
    return [Expected(case) for case in [*ended, *endless, *honest()]]


def shuffled(cases: Sequence[Expected], count: int, rng: random.Random) -> list[Expected]:
    """`count` cases: all of them in random order, as often as it takes."""
    order: list[Expected] = []
    while len(order) < count:
        order += rng.sample(cases, len(cases))
    return order[:count]


async def soak(
    toolchain: Toolchain, order: Sequence[Expected], workers: int, tell: Callable[[str], None] = lambda text: None
) -> Soak:
    """Judges the cases in this order, `workers` at a time.

    Args:
        toolchain: which Lean.
        order: what to judge.
        workers: Lean processes.
        tell: is told of progress, and of each wrong verdict.
    """
    started = time.monotonic()
    children = {child.pid for child in psutil.Process().children(recursive=True)}
    wrong: list[str] = []
    samples: list[float] = []
    queue = iter(enumerate(order, 1))
    async with LeanPool(toolchain, size=workers, spares=0) as pool:
        judging = Judge(pool, Terms(seconds=SECONDS))

        async def work() -> None:
            for number, expected in queue:
                verdict = await judging.check(expected.case.statement, expected.case.submission)
                if not expected.met_by(verdict):
                    wrong.append(f"{expected.case.id}: {verdict.outcome} {verdict.reason} {verdict.message}")
                    tell(f"WRONG at {number}: {wrong[-1]}")
                if number % max(1, len(order) // 20) == 0:
                    samples.append(await _mean_mib(pool))
                    tell(f"{number} verdicts, {time.monotonic() - started:.0f} s, {samples[-1]:.0f} MiB a process")

        await asyncio.gather(*(work() for _ in range(workers)))
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in children]
    orphans = tuple(child.pid for child in psutil.wait_procs(left, timeout=5)[1])
    middle = max(1, len(samples) // 10)
    first, last = samples[:middle] or [0.0], samples[-middle:] or [0.0]
    seconds = time.monotonic() - started
    return Soak(len(order), seconds, tuple(wrong), sum(first) / len(first), sum(last) / len(last), orphans)


async def _mean_mib(pool: LeanPool) -> float:
    async with pool.lease() as server:
        return server.resident_bytes() / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--verdicts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    order = shuffled(cases_without_endless_ones(), args.verdicts, random.Random(args.seed))
    result = asyncio.run(soak(find_toolchain("embedded"), order, args.workers, typer.echo))
    typer.echo(
        f"{result.verdicts} verdicts in {result.seconds:.0f} s with {args.workers} workers, {len(result.wrong)} wrong; "
        f"memory of a process {result.first_mib:.0f} MiB at first, {result.last_mib:.0f} MiB at the end; "
        f"{len(result.orphans)} orphans"
    )
    sys.exit(1 if result.wrong or result.orphans else 0)


if __name__ == "__main__":
    main()
