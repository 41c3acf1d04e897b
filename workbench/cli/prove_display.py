"""What `lemma prove` shows: a live table while it works, a line and the proof for each theorem, and the JSON report."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from workbench.cli.refute import counterexample, refutation_report

if TYPE_CHECKING:
    from lean_bridge.protocol import Hello
    from prover.core import Event
    from prover.engine import Plan, ProofAttempt
    from prover.search.graph import ProofGraph
    from workbench.problems import Problem

NOTE_SECONDS = 5.0
"""How often a line says what is going on where there is no terminal."""

MARKS = {
    "proved": ("✓", "green"),
    "refuted": ("✗", "red"),
    "failed": ("✗", "red"),
    "timeout": ("✗", "yellow"),
    "error": ("!", "magenta"),
}


@dataclass(slots=True)
class Running:
    """Counts of a search that is under way."""

    since: float
    nodes: int = 0
    steps: int = 0
    tactic: str = ""


class ProveDisplay:
    """Follows the work on the problems: prints each result as it comes, and on a terminal what is being tried now."""

    def __init__(
        self, total: int, *, results: bool, explain: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Makes a display.

        Args:
            total: number of problems.
            results: whether results are printed on standard output.
            explain: whether proofs are explained there.
            clock: seconds.
        """
        self._total = total
        self._clock = clock
        self._explain = explain
        self._start = clock()
        self._running: dict[str, Running] = {}
        self._next_note = self._start + NOTE_SECONDS
        self._done = 0
        self._proved = 0
        self._out = Console(highlight=False, markup=False, quiet=not results)
        # The table is drawn where it cannot get into a file: results that go to the same terminal are printed above it.
        self._screen = self._out if results and sys.stdout.isatty() else Console(stderr=True, highlight=False)
        self._live = Live(
            console=self._screen,
            get_renderable=self._table,
            refresh_per_second=5,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        """Starts the live table on a terminal."""
        if self._screen.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Removes the live table."""
        self._live.stop()

    def started(self, problem: Problem) -> None:
        """A search begins."""
        self._running[problem.name] = Running(self._clock())

    def happened(self, problem: Problem, event: Event) -> None:
        """Counts what a search does."""
        from prover.core import NodeOpened, TacticTried

        running = self._running[problem.name]
        match event:
            case NodeOpened():
                running.nodes += 1
            case TacticTried(tactic=tactic):
                running.steps += 1
                running.tactic = tactic
            case _:
                pass
        if not self._screen.is_terminal and self._clock() >= self._next_note:
            self._next_note = self._clock() + NOTE_SECONDS
            self._screen.print(self._note(), soft_wrap=True)

    def ended(self, problem: Problem, attempt: ProofAttempt) -> None:
        """Prints a result."""
        self._running.pop(problem.name)
        self._done += 1
        self._proved += attempt.outcome == "proved"
        mark, color = MARKS[attempt.outcome]
        line = Text.assemble((mark, color), " ", (problem.name, "bold"), " ", (attempt.outcome, color))
        line.append(f" in {attempt.seconds:.2f} s")
        self._out.print(line, soft_wrap=True)
        if attempt.outcome == "refuted" and attempt.refutation is not None:
            self._out.print(counterexample(attempt.refutation), soft_wrap=True)
            return
        detail = attempt.proof if attempt.outcome == "proved" else why_not(attempt)
        self._out.print(Text(indented(detail or "")), soft_wrap=True)
        if attempt.outcome == "proved" and attempt.search is not None and attempt.search.fault:
            self._out.print(Text(indented(f"found without a model that did not answer: {attempt.search.fault}")))
        if self._explain and attempt.graph is not None:
            self._out.print(Text(indented(explanation(attempt.graph))), soft_wrap=True)

    def summary(self) -> str:
        """How many are proved, and how long it took."""
        return f"{self._proved} of {self._total} proved in {self._clock() - self._start:.1f} s"

    def _note(self) -> Text:
        searches = [f"{name} (goals: {r.nodes}, tactics: {r.steps})" for name, r in self._running.items()]
        return Text(f"{self._done} of {self._total} done; now {', '.join(searches)}")

    def _table(self) -> RenderableType:
        table = Table(box=None, pad_edge=False, show_header=bool(self._running))
        for title, justify in (("theorem", "left"), ("goals", "right"), ("tactics", "right"), ("seconds", "right")):
            table.add_column(title, justify="right" if justify == "right" else "left", no_wrap=True)
        table.add_column("now", no_wrap=True, overflow="ellipsis")
        for name, running in list(self._running.items()):
            seconds = f"{self._clock() - running.since:.0f}"
            table.add_row(Text(name), str(running.nodes), str(running.steps), seconds, Text(running.tactic))
        left = self._total - self._done
        return Group(table, Text(f"{self._proved} proved, {left} to go, {self._clock() - self._start:.0f} s"))


def indented(text: str) -> str:
    """`text`, each line moved to the right."""
    return "\n".join("    " + line for line in text.splitlines())


def explanation(graph: ProofGraph[int]) -> str:
    """Why each tactic of the proof that was found was tried, in words; empty where there is no proof."""
    from prover.explain import explain

    paragraphs: list[str] = []
    for number, reason in enumerate(explain(graph), 1):
        first, *more = reason.tactic.splitlines()
        others = f"{reason.failed} failed there" + (f", {reason.others} others worked" if reason.others else "")
        lines = [
            f"{number}. {first}{' …' if more else ''}",
            f"   by the rule “{reason.rule}” at cost {reason.cost:.2f} ({others}), at",
            *(f"   {line}" for line in reason.goal.splitlines()),
        ]
        paragraphs.append("\n".join(lines))
    return "\n".join(paragraphs)


def why_not(attempt: ProofAttempt) -> str:
    """Why there is no proof, in words."""
    if attempt.outcome == "refuted":
        return "it is false"
    if attempt.failure is not None:
        return f"{attempt.failure.kind}: {attempt.failure.message}"
    if attempt.search is None:
        return attempt.outcome
    reasons = {
        "exhausted": "there is nothing more to try",
        "seconds": "out of time (--seconds)",
        "steps": "out of steps (--steps)",
        "nodes": "out of nodes (--nodes)",
    }
    counts = attempt.search.statistics
    reason = reasons.get(attempt.search.reason, attempt.search.reason)
    return f"{reason}: {counts.nodes} goals opened, {counts.steps} tactics tried"


def report(
    plan: Plan,
    generator: str,
    problems: Sequence[Problem],
    attempts: Sequence[ProofAttempt],
    trees: Sequence[Path | None],
    hello: Hello,
) -> dict[str, object]:
    """The JSON report of a run, apart from what concerns the run as a whole."""
    return {
        "search": plan.algorithm.name,
        "generator": generator,
        "seed": plan.seed,
        "budget": asdict(plan.budget),
        "lean": {"version": hello.lean, "commit": hello.commit, "backend": hello.backend},
        "proved": sum(attempt.outcome == "proved" for attempt in attempts),
        "total": len(problems),
        "theorems": [theorem_report(*row) for row in zip(problems, attempts, trees, strict=True)],
    }


def theorem_report(problem: Problem, attempt: ProofAttempt, tree: Path | None) -> dict[str, object]:
    """What became of one problem. The explanation is of the proof as it was found, before anything was left out."""
    from prover.explain import explain

    proved = attempt.outcome == "proved"
    counts = attempt.search.statistics if attempt.search else None
    steps = explain(attempt.graph) if proved and attempt.graph is not None else ()
    return {
        "name": problem.name,
        "line": problem.line,
        "outcome": attempt.outcome,
        "proof": attempt.proof if proved else None,
        "explanation": [asdict(reason) for reason in steps],
        "axioms": attempt.verdict.axioms if proved and attempt.verdict else None,
        "reason": None if proved else why_not(attempt),
        "seconds": round(attempt.seconds, 3),
        "nodes": counts.nodes if counts else 0,
        "steps": counts.steps if counts else 0,
        "tokens": counts.tokens if counts else 0,
        "malformed": counts.malformed if counts else 0,
        "fault": (attempt.search.fault or None) if attempt.search else None,
        "tree": str(tree) if tree else None,
        "refutation": refutation_report(attempt.refutation) if attempt.refutation else None,
    }
