"""How fast theorems are started and tactics run: our server, LeanDojo's `Dojo` as it is, and `Dojo` with our reader, over the same Lean, in one run.

    python benchmarks/drivers.py [--theorems 5] [--rounds 3]

The theorems are those of examples/first.lean. Each is opened, and the same tactics are run on its first state, `--rounds` times over; a search sends its tactics to our server together,
and to LeanDojo one after another, as it takes them. `Dojo` runs with the Lean files of lean_project/LeanDojo, as its own do not compile on this Lean.
Tracing is timed over examples/algebra_project, with all that a command needs: `lemma trace`, once for each driver, from nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lean_bridge.client import LeanServer
from lean_bridge.dojo_process import DojoSession, TracedFolder
from lean_bridge.dojo_project import file_source, traced_folder
from lean_bridge.protocol import Attempt
from lean_bridge.toolchain import find_toolchain
from lean_bridge.toolchain.embedded import EmbeddedToolchain

ROOT = Path(__file__).parents[1]
FILE = ROOT / "examples" / "first.lean"
PROJECT = ROOT / "examples" / "algebra_project"
TACTICS = (
    "intros",
    "constructor",
    "simp",
    "simp_all",
    "omega",
    "rfl",
    "assumption",
    "exact h",
    "cases h",
    "obtain ⟨a, b⟩ := h",
    "induction n",
    "rw [h]",
    "apply And.intro",
    "contradiction",
    "exfalso",
    "have extra : 1 + 1 = 2 := rfl",
)


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds that a driver took, for all theorems and for all tactics."""

    starting: float
    running: float
    once: float = 0.0
    """Seconds until the process was there, where one process does for all theorems."""

    def report(self, name: str, theorems: int, tactics: int, ours: Speed) -> str:
        """One line of the table: how much slower than ours with and without the start of our process, and for tactics."""
        started, ran = theorems / (self.once + self.starting), tactics / self.running
        slower = [
            (self.once + self.starting) / (ours.once + ours.starting),
            self.starting / ours.starting,
            self.running / ours.running,
        ]
        return f"{name:<22} {started:10.2f} {ran:10.1f}" + "".join(f"{ratio:10.1f}" for ratio in slower)


async def our_server(names: Sequence[str], rounds: int) -> Speed:
    """One process for all theorems of the file, as `lemma prove` has it."""
    began = time.perf_counter()
    async with await LeanServer.start(find_toolchain("embedded")) as server:
        await server.open_environment()
        once = time.perf_counter() - began
        began = time.perf_counter()
        report = await server.check_file(FILE.read_text(), file=str(FILE), open=True)
        states = []
        for theorem in report.theorems:
            if theorem.name in names and theorem.env is not None:
                opened = await server.start_goal(theorem.env, declaration=theorem.declaration)
                states.append(opened.state.id)
        starting = time.perf_counter() - began
        began = time.perf_counter()
        for state in states * rounds:
            await server.run_tactics([Attempt(state, TACTICS)], heartbeats=200_000, seconds=60.0, detail="full")
        return Speed(starting, time.perf_counter() - began, once)


async def our_sessions(traced: TracedFolder, names: Sequence[str], rounds: int) -> Speed:
    """`DojoSession`, a process for each theorem."""
    starting = running = 0.0
    for name in names:
        session = DojoSession(traced, FILE.name, name)
        began = time.perf_counter()
        state = (await session.start()).state.id
        starting += time.perf_counter() - began
        began = time.perf_counter()
        for _ in range(rounds):
            await session.run_tactics([Attempt(state, TACTICS)], heartbeats=200_000, seconds=60.0)
        running += time.perf_counter() - began
        await session.close()
    return Speed(starting, running)


def plain_dojo(traced: TracedFolder, names: Sequence[str], rounds: int) -> Speed:
    """LeanDojo's own class, in a process with LeanDojo's settings."""
    task = {
        "config": dict(traced.config),
        "folder": str(traced.folder),
        "file": FILE.name,
        "names": list(names),
        "rounds": rounds,
    }
    done = subprocess.run(
        [sys.executable, __file__, "--plain", json.dumps(task)],
        env={**os.environ, **traced.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    starting, running = json.loads(done.stdout.splitlines()[-1])
    return Speed(starting, running)


def run_plain(task: dict[str, object]) -> None:
    """What the process of `plain_dojo` does."""
    from lean_bridge import dojo

    dojo.set_values(task["config"])
    repository = dojo.LeanGitRepo.from_path(task["folder"])
    starting = running = 0.0
    for name in task["names"]:
        theorem = dojo.Theorem(repository, Path(task["file"]), name)
        began = time.perf_counter()
        with dojo.Dojo(theorem, timeout=120, build_deps=False) as (session, state):
            starting += time.perf_counter() - began
            began = time.perf_counter()
            for _ in range(task["rounds"]):
                for tactic in TACTICS:
                    session.run_tac(state, tactic)
            running += time.perf_counter() - began
    print(json.dumps([starting, running]))


def tracing(folder: Path, driver: str) -> float:
    """Seconds of `lemma trace` over the project, in a store of its own; LeanDojo has not seen the project yet."""
    project = folder / f"algebra_{driver}"
    for file in [*sorted(PROJECT.rglob("*.lean")), PROJECT / "lakefile.toml"]:
        target = project / file.relative_to(PROJECT)
        target.parent.mkdir(parents=True, exist_ok=True)
        # A comment of this run, so that nobody has traced this text before.
        comment = f"-- {folder.name}\n" if file.suffix == ".lean" else ""
        target.write_text(comment + file.read_text())
    command = [
        sys.executable,
        "-m",
        "workbench",
        "trace",
        str(project),
        "--driver",
        driver,
        "--store",
        str(folder / f"{driver}.db"),
    ]
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return time.perf_counter() - began


async def compare(theorems: int, rounds: int) -> None:
    """Measures and prints."""
    text = FILE.read_text()
    embedded = find_toolchain("embedded")
    assert isinstance(embedded, EmbeddedToolchain)
    traced = await traced_folder(file_source(FILE, text), embedded)
    names = [line.split()[1] for line in text.splitlines() if line.startswith("theorem ")][:theorems]
    ours = await our_server(names, rounds)
    rows = {
        "our server": ours,
        "Dojo": plain_dojo(traced, names, rounds),
        "Dojo with our reader": await our_sessions(traced, names, rounds),
    }
    tactics = len(names) * rounds * len(TACTICS)
    print(f"{len(names)} theorems, {tactics} tactics\n")
    print(f"{'':<22} {'theorems/s':>10} {'tactics/s':>10}   times slower, to start a theorem,")
    print(f"{'':<22} {'':>10} {'':>10}   a running server's, and for a tactic")
    for name, speed in rows.items():
        print(speed.report(name, len(names), tactics, ours))
    with tempfile.TemporaryDirectory() as folder:
        own, other = (tracing(Path(folder), driver) for driver in ("server", "leandojo"))
    files = len(list(PROJECT.rglob("*.lean")))
    print(f"\ntracing a file: ours {own / files:.2f} s, LeanDojo {other / files:.2f} s ({other / own:.1f} times)")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--theorems", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plain", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.plain:
        run_plain(json.loads(arguments.plain))
    else:
        asyncio.run(compare(arguments.theorems, arguments.rounds))


if __name__ == "__main__":
    main()
