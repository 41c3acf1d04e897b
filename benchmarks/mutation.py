"""How many mutants a core makes in a second, from proposal to store, and where the time goes.

A sample of `Init`'s theorems, drawn with a fixed seed, is mutated by one worker with a store of its own. Time is processor time of this
process and of Lean, the making of the lemma index apart. The baseline, in the same run: Lean elaborates the resulting declarations
as one file, which is what any pipeline that goes through text pays for its survivors alone.

    python benchmarks/mutation.py [--theorems 600] [--limit 24] [--depth 1] [--json OUT]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))  # or this file would be found for the package `mutation`

from db.store import Store
from lean_bridge import mutating
from lean_bridge.client import LeanServer
from lean_bridge.mutating import MutationLimits
from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import Toolchain, find_toolchain
from mutation.pipeline import Pipeline, Plan, UnitReport, begun, chosen_theorems
from workbench.tracing import library_plans, trace

SEED = 2026


def processor_seconds(pids: list[int]) -> float:
    """Processor time of processes, those that are still there."""
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids if psutil.pid_exists(pid))


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run measured."""

    mutants: int
    theorems: int
    seconds: float
    """Processor time of Lean and of this process."""
    index_seconds: float
    """Processor time that the lemma index took before."""
    plain_seconds: float
    """Processor time of Lean for the same declarations as a file."""
    stages: dict[str, tuple[int, float]]
    """Times entered and Lean's wall clock."""

    @property
    def rate(self) -> float:
        """Mutants a core-second."""
        return self.mutants / self.seconds


async def traced(store: Store, toolchain: Toolchain) -> str:
    """Traces `Init` into the store; returns the library's digest."""
    async with LeanPool(toolchain, 2, 0) as pool:
        async with pool.lease() as server:
            (plan,) = await library_plans(server, ["Init"])
        await trace(plan, pool, store, workers=2)
    return plan.library.digest


async def indexing(toolchain: Toolchain) -> float:
    """Processor seconds from the start of Lean to its lemma index."""
    async with await LeanServer.start(toolchain) as server:
        environment = await server.open_environment(("Init",))
        await server.ask(mutating.open_index(environment.id, mutating.KINDS))
        return processor_seconds([server.pid])


async def plain_elaboration(toolchain: Toolchain, store: Store) -> float:
    """Processor seconds for Lean to elaborate the declarations of all mutants as a file."""
    text = "\n\n".join(mutant.declaration for mutant in store.mutants())
    async with await LeanServer.start(toolchain) as server:
        await server.check_file("theorem warm : 1 + 1 = 2 := by rfl")
        before = processor_seconds([server.pid])
        report = await server.check_file(text, seconds=600)
        if errors := [m.text for m in report.messages if m.severity == "error"]:
            raise SystemExit(f"a stored mutant does not elaborate: {errors[0]}")
        return processor_seconds([server.pid]) - before


async def measured(toolchain: Toolchain, theorems: int, limits: MutationLimits, place: Path) -> Figures:
    """Runs the pipeline over the sample, and what it is compared with."""
    own = psutil.Process()
    end = 0.0

    def look(_: UnitReport) -> None:
        nonlocal end
        end = processor_seconds([own.pid, *(child.pid for child in own.children())])

    with Store.open(place) as store:
        library = await traced(store, toolchain)
        names = chosen_theorems(store, library, ["Init"], sample=theorems, seed=SEED)
        plan = Plan(library, ("Init",), names, limits)
        run, _ = begun(store, plan, store.library(library).toolchain, datetime.now(UTC))
        index_seconds = await indexing(toolchain)
        start = processor_seconds([own.pid])
        await Pipeline(toolchain, store, run, plan, clock=lambda: datetime.now(UTC), report=look).go(1, "benchmark")
        counts = store.report_counts(run.id)
        plain = await plain_elaboration(toolchain, store)
    stages = {name: (stage.entered, stage.seconds) for name, stage in counts.stages.items()}
    return Figures(counts.mutants, len(names), end - start - index_seconds, index_seconds, plain, stages)


def main() -> None:
    """Reads the options, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--theorems", type=int, default=600)
    parser.add_argument("--limit", type=int, default=24)
    parser.add_argument("--depth", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    began = time.monotonic()
    limits = MutationLimits(mutating.KINDS, SEED, options.limit, options.depth)
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(
            measured(find_toolchain("embedded"), options.theorems, limits, Path(folder) / "benchmark.db")
        )
    print(f"{figures.mutants} mutants of {figures.theorems} theorems, limit {options.limit}, depth {options.depth}")
    print(f"{figures.rate:.1f} stored mutants a core-second; the lemma index took {figures.index_seconds:.1f} s before")
    ratio = figures.seconds / figures.plain_seconds
    print(
        f"{figures.seconds:.1f} s of processor time; to elaborate the same declarations as a file takes "
        f"{figures.plain_seconds:.1f} s ({figures.mutants / figures.plain_seconds:.1f} a core-second): {ratio:.2f} times that"
    )
    whole = sum(seconds for _, seconds in figures.stages.values())
    for name, (entered, seconds) in sorted(figures.stages.items(), key=lambda item: -item[1][1]):
        print(
            f"  {name:<8} {entered:>7} times  {1000 * seconds / entered:6.2f} ms each  {seconds / whole:5.1%} of Lean's time"
        )
    print(f"whole run: {time.monotonic() - began:.0f} s")
    if options.json:
        document = {name: getattr(figures, name) for name in figures.__slots__} | {"rate": figures.rate}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
