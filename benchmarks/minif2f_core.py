"""How many statements of a JSON Lines file the rules prove by themselves.

    python benchmarks/minif2f_core.py ../shared/data/minif2f_core_valid.jsonl --seconds 30 --workers 2 --report core.json

Each line holds at least `name` and `core_formal_statement`, a declaration that ends in `:= by sorry`; `core_header`, `known_false`
and `auto_solved_by` are read where they are given. Statements that are known to be false are tried as well, and counted apart:
a proof of one would be a fault of the judge. The subset of miniF2F that needs no Mathlib is a subset: its rate is not a miniF2F rate.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import find_toolchain
from prover.core import Budget
from prover.engine import ProofAttempt, Task, prove
from prover.tree import write_tree


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of the file."""

    task: Task
    known_false: bool
    solved_by: str | None
    """Which single tactic closes it, as the file says."""


def read_problems(path: Path, only: Sequence[str]) -> list[Problem]:
    """The problems of a file whose names contain one of `only`, or all of them."""
    problems = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if only and not any(part in row["name"] for part in only):
            continue
        task = Task(row["name"], declaration=row["core_formal_statement"], prelude=row.get("core_header", ""))
        problems.append(Problem(task, bool(row.get("known_false")), row.get("auto_solved_by")))
    return problems


async def run(problems: Sequence[Problem], *, seconds: float, workers: int, trees: Path | None) -> list[ProofAttempt]:
    """Attempts in the order of the problems."""
    attempts: dict[int, ProofAttempt] = {}
    waiting = list(reversed(list(enumerate(problems))))
    toolchain = find_toolchain("embedded")
    async with LeanPool(toolchain, size=workers, spares=0) as pool:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("proving", total=len(problems))

            async def work() -> None:
                while waiting:
                    place, problem = waiting.pop()
                    attempts[place] = attempt = await prove(
                        pool, problem.task, plan=Plan(budget=Budget(seconds=seconds))
                    )
                    if trees is not None and attempt.graph is not None:
                        write_tree(attempt.graph, trees / f"{problem.task.name}.html", title=problem.task.name)
                    progress.advance(bar)

            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(work())
    return [attempts[place] for place in range(len(problems))]


def table(problems: Sequence[Problem], attempts: Sequence[ProofAttempt]) -> Table:
    """One row a problem."""
    result = Table("problem", "outcome", "seconds", "goals", "tactics", "by", box=None)
    colours = {"proved": "green", "failed": "red", "timeout": "yellow", "error": "magenta"}
    for problem, attempt in zip(problems, attempts, strict=True):
        found = attempt.search.statistics if attempt.search else None
        if attempt.failure is not None:
            how = f"{attempt.failure.kind}: {attempt.failure.message.splitlines()[0]}"
        else:
            how = " / ".join(dict.fromkeys(_rules(attempt)))
        result.add_row(
            problem.task.name + (" (false)" if problem.known_false else ""),
            f"[{colours[attempt.outcome]}]{attempt.outcome}[/]",
            f"{attempt.seconds:.1f}",
            str(found.nodes) if found else "",
            str(found.steps) if found else "",
            how,
        )
    return result


def _rules(attempt: ProofAttempt) -> list[str]:
    """The rules on the winning path."""
    graph = attempt.graph
    if graph is None or not graph.proved:
        return []
    rules, waiting = [], [graph.root]
    while waiting:
        proof = graph.node(waiting.pop()).proof
        if proof is not None:
            edge = graph.edge(proof)
            rules.append(edge.proposal.rule)
            waiting.extend(reversed(edge.children))
    return rules


def report(
    problems: Sequence[Problem], attempts: Sequence[ProofAttempt], seconds: float, wall: float
) -> dict[str, object]:
    """The figures as JSON."""
    provable = [a for p, a in zip(problems, attempts, strict=True) if not p.known_false]
    proved = [a for a in provable if a.outcome == "proved"]
    return {
        "limit_seconds": seconds,
        "wall_seconds": round(wall, 1),
        "provable": len(provable),
        "outcomes": {
            kind: sum(a.outcome == kind for a in provable) for kind in ("proved", "failed", "timeout", "error")
        },
        # The limit is the search's; a proof counts as in time if opening the environment and judging fit into it as well.
        "proved_in_time": sum(a.seconds <= seconds for a in proved),
        "false_statements_proved": sum(
            a.outcome == "proved" for p, a in zip(problems, attempts, strict=True) if p.known_false
        ),
        "problems": [
            {
                "name": problem.task.name,
                "known_false": problem.known_false,
                "outcome": attempt.outcome,
                "seconds": round(attempt.seconds, 2),
                "proof": attempt.proof,
                "axioms": attempt.verdict.axioms if attempt.verdict else None,
                "failure": attempt.failure and {"kind": attempt.failure.kind, "message": attempt.failure.message},
                "goals": attempt.search.statistics.nodes if attempt.search else None,
                "tactics": attempt.search.statistics.steps if attempt.search else None,
                "environment_seconds": attempt.search and round(attempt.search.statistics.environment_seconds, 2),
                "generator_seconds": attempt.search and round(attempt.search.statistics.generator_seconds, 2),
            }
            for problem, attempt in zip(problems, attempts, strict=True)
        ],
    }


def main() -> int:
    """Run the benchmark; exit 1 if a false statement was proved."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seconds", type=float, default=30.0, help="limit of each search")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[], help="parts of names")
    parser.add_argument("--report", type=Path, help="write the figures as JSON")
    parser.add_argument("--trees", type=Path, help="folder for a picture of each search")
    options = parser.parse_args()
    if options.trees is not None:
        options.trees.mkdir(parents=True, exist_ok=True)
    problems = read_problems(options.file, options.only)
    started = time.monotonic()
    attempts = asyncio.run(run(problems, seconds=options.seconds, workers=options.workers, trees=options.trees))
    figures = report(problems, attempts, options.seconds, time.monotonic() - started)
    console = Console(width=150)
    console.print(table(problems, attempts))
    outcomes = figures["outcomes"]
    console.print(
        f"\nof {figures['provable']} provable statements: {outcomes}, "
        f"{figures['proved_in_time']} of them with the judge in {options.seconds:g} s; {figures['wall_seconds']} s in all"
    )
    if options.report is not None:
        options.report.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 1 if figures["false_statements_proved"] else 0


if __name__ == "__main__":
    sys.exit(main())
