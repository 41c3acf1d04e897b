"""How fast and how big the Lean server is: medians, ratios against the stock launcher, and what they were measured on.

python benchmarks/lean_server.py                  everything, about ten minutes
python benchmarks/lean_server.py --only steps     one part: cold, steps, proofs, memory, limits
python benchmarks/lean_server.py --json out.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from stock_launcher import READY, StockLauncher

from lean_bridge.client import LeanServer, Limits
from lean_bridge.errors import WallClockExceeded
from lean_bridge.pool import LeanPool
from lean_bridge.protocol import Advanced, Attempt, TacticFailed
from lean_bridge.toolchain import cache_folder
from lean_bridge.toolchain.embedded import EmbeddedToolchain
from lean_bridge.toolchain.provision import install

STATEMENT = "∀ (p q : Prop) (a b : Nat) (xs : List Nat), p ∧ q → (a = b ∨ b = a) → xs ++ [] = xs → (p ∧ q) ∧ a + 0 = a"
INTRODUCED = "intro p q a b xs h h2 h3"
STEPS = (
    ("intro p", "intro p q", "intro p q a b", "intros"),
    ("constructor", "exact ⟨h, rfl⟩", "exact And.intro h rfl", "apply And.intro"),
)
"""Small tactics: on the statement as it stands, and on it once its variables are introduced."""

PROOFS = (
    ("∀ a b : Nat, a + b = b + a", "by omega"),
    ("∀ a b : Nat, a + b = b + a", "fun a b => Nat.add_comm a b"),
    ("∀ p q : Prop, p ∧ q → q ∧ p", "by intro p q h; exact ⟨h.2, h.1⟩"),
    ("∀ xs : List Nat, xs ++ [] = xs", "by simp"),
    ("∀ n : Nat, n < 2 ^ n", "fun _ => Nat.lt_two_pow_self"),
    ("(10 : Nat) ∣ 100", "by decide"),
    ("∀ x y : Int, x < y → x + 1 ≤ y", "by intro x y h; omega"),
    ("∀ n : Nat, 0 + n = n", "by intro n; induction n with | zero => rfl | succ n ih => rw [← Nat.add_assoc, ih]"),
    ("∀ (xs ys : List Nat), (xs ++ ys).length = xs.length + ys.length", "by intro xs ys; exact List.length_append"),
    ("∀ p q : Prop, (p → q) → ¬q → ¬p", "by grind"),
)
ENDLESS = "iterate 100 (iterate 100 (iterate 100 (iterate 100 (have h := 1; clear h))))"
"""Hours of work that looks at its interrupt switch."""
DEAF = "have : Nat.gcd (2 ^ 4000000 + 1) (3 ^ 2500000) = 5 := by decide +kernel"
"""Keeps the runtime's arithmetic of large numbers busy, which looks at no switch."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report."""

    part: str
    what: str
    value: float
    unit: str
    target: str = ""


async def cold(toolchain: EmbeddedToolchain, stock: StockLauncher, repeats: int) -> list[Figure]:
    """From nothing to a server with `Init` imported, against the stock launcher's `lean --run`."""
    ours = []
    for _ in range(repeats):
        began = time.perf_counter()
        async with await LeanServer.start(toolchain) as server:
            await server.open_environment(["Init"])
            ours.append(time.perf_counter() - began)
    baseline = statistics.median(stock.seconds(READY, "--run", sign="ready 65660") for _ in range(3))
    median = statistics.median(ours)
    return [
        Figure("cold", "start to a ready server, median", median, "s", "3"),
        Figure("cold", "stock launcher's `lean --run`, median of 3", baseline, "s"),
        Figure("cold", "ratio", baseline / median, "x", ">= 5"),
    ]


async def steps(toolchain: EmbeddedToolchain, repeats: int) -> list[Figure]:
    """Small tactic steps, 32 to a request, goals printed; states released after each request."""
    async with await LeanServer.start(toolchain) as server:
        env = await server.open_environment(["Init"])
        start = (await server.start_goal(env.id, statement=STATEMENT)).state.id
        opened = (await server.run_tactics([Attempt(start, (INTRODUCED,))]))[0][0]
        assert isinstance(opened, Advanced)
        attempts = [Attempt(start, STEPS[0] * 4), Attempt(opened.state.id, STEPS[1] * 4)]
        rates, shares, python = [], [], []
        for _ in range(repeats + 5):
            began, cpu, inside, count = time.perf_counter(), time.process_time(), 0.0, 0
            for _ in range(20):
                outcomes = [o for row in await server.run_tactics(attempts) for o in row]
                assert all(isinstance(o, Advanced) for o in outcomes), outcomes
                inside += sum(o.ms for o in outcomes) / 1000
                count += len(outcomes)
                await server.release_states(o.state.id for o in outcomes if isinstance(o, Advanced))
            wall = time.perf_counter() - began
            rates.append(count / wall)
            shares.append(1 - inside / wall)
            python.append((time.process_time() - cpu) / wall)
        rates, shares, python = rates[5:], shares[5:], python[5:]  # the first rounds warm the code up
    return [
        Figure("steps", "tactic steps a second, one process, median", statistics.median(rates), "1/s", ">= 300"),
        Figure(
            "steps",
            "share of the wall time outside of the steps (protocol, pipes, Python)",
            100 * statistics.median(shares),
            "%",
            "< 10",
        ),
        Figure("steps", "of which Python's processor time", 100 * statistics.median(python), "%"),
    ]


async def proofs(toolchain: EmbeddedToolchain, stock: StockLauncher, repeats: int) -> list[Figure]:
    """Whole proofs of small core statements: statement and proof elaborated, kernel, axioms; against one `lean` process a proof."""
    async with await LeanServer.start(toolchain) as server:
        env = await server.open_environment(["Init"])
        rates = []
        for _ in range(repeats + 2):
            began = time.perf_counter()
            for _ in range(5):
                for statement, proof in PROOFS:
                    verdict = await server.check_proof(env.id, statement=statement, proof=proof)
                    assert verdict.accepted, (statement, verdict)
            rates.append(5 * len(PROOFS) / (time.perf_counter() - began))
    rate = statistics.median(rates[2:])
    alone = statistics.median(
        stock.seconds(f"theorem t : {s} := {p}\n", sign="hasErrors = false") for s, p in PROOFS[:3]
    )
    return [
        Figure("proofs", "whole proofs checked a second, one process, median", rate, "1/s", ">= 25"),
        Figure("proofs", "one stock `lean` process a proof, median of 3", alone, "s"),
        Figure("proofs", "ratio", alone * rate, "x", ">= 100"),
    ]


async def memory(toolchain: EmbeddedToolchain, requests: int) -> list[Figure]:
    """Resident memory over many requests of different kinds, states released."""
    async with await LeanServer.start(toolchain) as server:
        env = await server.open_environment(["Init"])
        seen = []
        for k in range(requests // 5):
            start = await server.start_goal(env.id, statement=STATEMENT)
            outcomes = (await server.run_tactics([Attempt(start.state.id, (INTRODUCED, "intros", "simp", "omega"))]))[0]
            states = [start.state.id, *(o.state.id for o in outcomes if isinstance(o, Advanced))]
            statement, proof = PROOFS[k % len(PROOFS)]
            await server.check_proof(env.id, statement=statement, proof=proof)
            await server.check_file("theorem t (a b : Nat) : a + b = b + a := by omega\n#eval 1 + 1\n")
            await server.release_states(states)
            if k % max(1, requests // 50) == 0:
                seen.append(server.resident_bytes())
        seen.append(server.resident_bytes())
        left = (await server.stats()).states
    half = seen[len(seen) // 2]
    return [
        Figure("memory", f"resident after {requests} requests with release", seen[-1] / 2**20, "MiB", "< 1536"),
        Figure("memory", "largest seen", max(seen) / 2**20, "MiB", "< 1536"),
        Figure("memory", "growth over the second half", (seen[-1] - half) / 2**20, "MiB"),
        Figure("memory", "proof states left", left, ""),
    ]


async def limits(toolchain: EmbeddedToolchain, repeats: int) -> list[Figure]:
    """A tactic that never ends: how long past its limit it is stopped, and how soon the next request is answered."""
    late, after = [], []
    async with await LeanServer.start(toolchain) as server:
        env = await server.open_environment(["Init"])
        start = (await server.start_goal(env.id, statement="True")).state.id
        for _ in range(repeats):
            began = time.perf_counter()
            [[outcome]] = await server.run_tactics([Attempt(start, (ENDLESS,))], heartbeats=0, seconds=1.0)
            assert isinstance(outcome, TacticFailed)
            assert outcome.kind == "timeout", outcome
            late.append(time.perf_counter() - began - 1.0)
            began = time.perf_counter()
            await server.run_tactics([Attempt(start, ("trivial",))])
            after.append(time.perf_counter() - began)
    killed_late, killed_after = [], []
    async with LeanPool(toolchain, size=1, spares=1, limits=Limits(grace=0.2)) as pool:
        for _ in range(3):
            while pool.idle < 2:  # noqa: ASYNC110 (a benchmark may poll)
                await asyncio.sleep(0.2)
            async with pool.lease() as server:
                env = await server.open_environment(["Init"])
                start = (await server.start_goal(env.id, statement="True")).state.id
                began = time.perf_counter()
                try:
                    await server.run_tactics([Attempt(start, (DEAF,))], heartbeats=0, seconds=1.0)
                    raise SystemExit("the tactic that does not listen was interrupted: find a deafer one")
                except WallClockExceeded:
                    killed_late.append(time.perf_counter() - began - 1.0)
            began = time.perf_counter()
            async with pool.lease() as server:
                env = await server.open_environment(["Init"])
                await server.check_proof(env.id, statement="True", proof="trivial")
            killed_after.append(time.perf_counter() - began)
    return [
        Figure("limits", "endless tactic stopped this long past its limit, worst", max(late), "s", "<= 0.5"),
        Figure("limits", "next request answered after, worst", max(after), "s", "<= 1"),
        Figure(
            "limits", "deaf tactic: process killed this long past its limit, worst", max(killed_late), "s", "<= 0.5"
        ),
        Figure("limits", "next request answered by a warm spare after, worst", max(killed_after), "s", "<= 1"),
    ]


def machine(toolchain: EmbeddedToolchain) -> dict[str, str]:
    """What the figures were measured on."""
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    facts = {fact.name: fact.value for fact in toolchain.facts()}
    return {
        "processor": f"{processor}, {os.cpu_count()} cores", "load before": f"{os.getloadavg()[0]:.2f}",
        "Python": platform.python_version(), "node": toolchain.node.version, "Lean": facts["Lean"],
    }  # fmt: skip


async def measure(parts: list[str], repeats: int, requests: int) -> tuple[dict[str, str], list[Figure]]:
    """Runs the parts one after another."""
    toolchain = install(cache_folder(), lambda what, _: print(what, file=sys.stderr))
    about = machine(toolchain)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        stock = StockLauncher.fetch(toolchain, Path(folder)) if {"cold", "proofs"} & set(parts) else None
        every: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
            "cold": lambda: cold(toolchain, _given(stock), repeats),
            "steps": lambda: steps(toolchain, repeats),
            "proofs": lambda: proofs(toolchain, _given(stock), repeats),
            "memory": lambda: memory(toolchain, requests),
            "limits": lambda: limits(toolchain, repeats),
        }
        for part in parts:
            found = await every[part]()
            figures += found
            for figure in found:
                print(
                    f"{figure.part:7} {figure.what:72} {figure.value:9.2f} {figure.unit:4} {figure.target}", flush=True
                )
    return about, figures


def _given(stock: StockLauncher | None) -> StockLauncher:
    assert stock is not None
    return stock


def main() -> None:
    """Reads the command line, measures, prints."""
    parts = ["cold", "steps", "proofs", "memory", "limits"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    about, figures = asyncio.run(measure(given.only, given.repeats, given.requests))
    print("\nmeasured on:", "; ".join(f"{name} {value}" for name, value in about.items()))
    if given.json:
        given.json.write_text(
            json.dumps({"machine": about, "figures": [asdict(f) for f in figures]}, indent=2, ensure_ascii=False)
        )


if __name__ == "__main__":
    main()
