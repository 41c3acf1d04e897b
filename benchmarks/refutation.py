"""How many false statements are refuted, how fast, and what the search for a counterexample costs where there is none.

    lemma trace Init && lemma tasks counterexample Init --sample 700 --seed 1
    python benchmarks/refutation.py lemma.db [--false 2000] [--true 2000] [--seed 1]

The false statements are those of the latest run of `lemma tasks counterexample` that are not known to be true, drawn with the seed: what is
open counts as false. The true ones are theorems of its library, drawn with the seed. Both are given to `refute.find` of one process that has seen
none of them, and what it finds to the judge. The baseline is what `decide`, `simp`, `omega` and `grind` prove of the negations, each by
itself with the limits of a tactic.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from db.records import Conjecture, Standing, Theorem
from db.store import Store
from lean_bridge.errors import RequestFailed, ServerDied
from lean_bridge.pool import LeanPool
from lean_bridge.protocol import Advanced, Attempt
from lean_bridge.toolchain import find_toolchain
from prover.counterexample.conjectures import COMMAND
from prover.judge import Proof, Statement, judge

EVALUATIONS = 2_000
SECONDS = 2.0
TACTICS = ("decide", "simp", "omega", "grind")


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one statement: how it ended, whether the judge accepts it, and the seconds in Lean."""

    outcome: str
    seconds: float


class Bench:
    """One Lean process at a time with a library in it; it is replaced when it has grown, as everywhere."""

    def __init__(self, pool: LeanPool, imports: Sequence[str]) -> None:
        self._pool = pool
        self._imports = tuple(imports)
        self._header = "".join(f"import {module}\n" for module in imports)

    async def found(self, declaration: str) -> Found:
        """What the finder makes of a statement."""
        async with self._pool.lease() as server:
            env = (await server.open_environment(self._imports)).id
            began = time.perf_counter()
            try:
                found = await server.find_counterexample(env, declaration, evaluations=EVALUATIONS, seconds=SECONDS)
            except (RequestFailed, ServerDied) as error:
                kind = error.kind if isinstance(error, RequestFailed) else "crash"
                return Found(f"no answer: {kind}", time.perf_counter() - began)
            if found.proof is None:
                return Found(found.outcome, found.ms / 1000)
            verdict = await judge(server, env, Statement(found.claim, self._header), Proof(found.proof))
            return Found(found.outcome if verdict.accepted else f"{found.outcome}, not accepted", found.ms / 1000)

    async def closed_by(self, claim: str) -> set[str]:
        """Which of the tactics prove a negation by themselves."""
        async with self._pool.lease() as server:
            env = (await server.open_environment(self._imports)).id
            start = await server.start_goal(env, declaration=claim)
            tried = [Attempt(start.state.id, TACTICS)]
            (outcomes,) = await server.run_tactics(tried, heartbeats=10_000, seconds=2.0, detail="none")
            done = [isinstance(outcome, Advanced) and not outcome.state.goals for outcome in outcomes]
            states = [outcome.state.id for outcome in outcomes if isinstance(outcome, Advanced)]
            await server.release_states([start.state.id, *states])
        return {tactic for tactic, closed in zip(TACTICS, done, strict=True) if closed}


def told(name: str, results: Sequence[Found]) -> None:
    """Prints outcomes and times."""
    counts = Counter(result.outcome for result in results)
    print(f"\n{name}: {len(results):,}")
    for outcome, count in counts.most_common():
        times = sorted(result.seconds for result in results if result.outcome == outcome)
        last = times[min(len(times) - 1, int(0.95 * len(times)))]
        print(
            f"  {outcome:<24} {count:6,} {count / len(results):7.1%}   median {statistics.median(times):7.3f} s"
            f"   mean {statistics.fmean(times):7.3f} s   95 % below {last:7.3f} s"
        )
    times = [result.seconds for result in results]
    print(f"  all: median {statistics.median(times):.3f} s, mean {statistics.fmean(times):.3f} s, {sum(times):,.1f} s")


async def measured(bench: Bench, false: Sequence[Conjecture], true: Sequence[Theorem], baseline: int) -> None:
    """Runs everything, in order."""
    results = [await bench.found(one.declaration) for one in false]
    told("false or open statements", results)
    kinds: dict[str, list[bool]] = {}
    for one, result in zip(false, results, strict=True):
        kinds.setdefault(one.kind.value, []).append(result.outcome == "refuted")
    for kind, refuted in sorted(kinds.items()):
        print(f"  {kind:<12} {sum(refuted):6,} of {len(refuted):6,} {sum(refuted) / len(refuted):7.1%}")
    print(f"  parents: {len({one.parent for one in false}):,}")
    again = [f"theorem {one.name}.again : type_of% @{one.name} := by sorry" for one in true]
    told("true statements", [await bench.found(declaration) for declaration in again])
    known = [one for one in false if one.standing is Standing.refuted][:baseline]
    closed = [await bench.closed_by(one.claim) for one in known]
    print(f"\nbaseline, on {len(known):,} of the refuted:")
    for tactic in TACTICS:
        count = sum(tactic in tactics for tactics in closed)
        print(f"  {tactic:<12} {count:6,} {count / max(1, len(known)):7.1%}")
    print(f"  any of them  {sum(map(bool, closed)):6,} {sum(map(bool, closed)) / max(1, len(known)):7.1%}")


async def main(store: Path, false: int, true: int, seed: int, baseline: int) -> None:
    """Draws, starts Lean, measures."""
    chance = Random(seed)
    with Store.open(store, create=False) as records:
        run = list(records.runs(COMMAND))[-1]
        library = records.library(run.library)
        unknown = list(records.conjectures(runs=[run.id], standings=[Standing.refuted, Standing.open]))
        theorems = [theorem for theorem in records.theorems(library.digest) if theorem.kind != "axiom"]
    conjectures = chance.sample(unknown, min(false, len(unknown)))
    chosen = chance.sample(theorems, min(true, len(theorems)))
    async with LeanPool(find_toolchain("embedded"), size=1, spares=0) as pool:
        async with pool.lease() as server:
            print(f"Lean {server.hello.toolchain}, one process; run {run.id} over {library.name}, seed {seed}")
        await measured(Bench(pool, library.imports), conjectures, chosen, baseline)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--false", type=int, default=2_000)
    parser.add_argument("--true", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--baseline", type=int, default=200)
    options = parser.parse_args()
    asyncio.run(main(options.store, options.false, options.true, options.seed, options.baseline))
