"""Refutes statements.

To refute `∀ x, H x → C x` is to prove `¬ ∀ x, H x → C x`: to show an x with `H x` and not `C x`. (Showing one with `H x ∧ C x` refutes
nothing.) Lean looks for such values, and where it finds none the prover tries the negation as a theorem like any other. Neither
is believed: only the judge's word on a proof of the negation makes a refutation.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

from lean_bridge.errors import BridgeError, InputError, RequestFailed, ServerDied
from lean_bridge.pool import LeanPool
from lean_bridge.protocol import Counterexample, Witness
from prover.core import Clock, Generator
from prover.engine import Failure, Plan, prove
from prover.judge import Proof, Statement, Verdict, judge
from prover.workplace import Task, Workplace

RefutationOutcome = Literal["refuted", "vacuous", "open", "undecidable", "error"]
"""`vacuous`: its hypotheses contradict each other, so it holds, of nothing; `open`: not refuted within the budget; `undecidable`:
not refuted, and something in it could not be evaluated."""

Way = Literal["values", "proof"]
"""By values of its variables, or by a proof of the negation that names none."""


@dataclass(frozen=True, slots=True)
class RefutationPlan:
    """What a search for a refutation may spend."""

    seconds: float = 10.0
    """Time of work; that for which a process of the pool is waited for does not count."""
    first: float = 0.3
    """Share of the time after which the search for values gives way to the prover."""
    evaluations: int = 10_000
    """Propositions evaluated in the first search; the second has ten times as many."""
    values_alone: bool = False
    """Whether the first search is all, and has all the time."""
    negation: Plan = field(default_factory=Plan)
    """How the prover goes about the negation, but for its time, which is a share of what is left."""


@dataclass(frozen=True, slots=True)
class Refutation:
    """What came of a search for a refutation. Only `verdict` makes it one."""

    task: Task
    outcome: RefutationOutcome
    seconds: float
    claim: Statement | None = None
    """What was proved: the negation, or when `vacuous` the statement with `False` for its conclusion."""
    proof: str | None = None
    verdict: Verdict | None = None
    witnesses: tuple[Witness, ...] = ()
    way: Way | None = None
    stuck_on: str = ""
    """When `undecidable`: what could not be evaluated first."""
    failure: Failure | None = None


async def refute(
    pool: LeanPool,
    task: Task,
    *,
    plan: RefutationPlan | None = None,
    generator: Generator | None = None,
    clock: Clock = time.monotonic,
) -> Refutation:
    """Try to refute a statement.

    Args:
        pool: where Lean processes are leased.
        task: the statement.
        plan: what it may cost.
        generator: proposes tactics for the negation; the rules when None.
        clock: seconds.

    Raises:
        InputError: the statement does not elaborate, or a module is unknown.
        UnknownTheorem: the task's file leaves no theorem of that name open.
    """
    plan = plan or RefutationPlan()
    started = clock()
    account = _Account(plan.seconds, clock)
    result = Refutation(task, "open", 0.0)
    try:
        async with Workplace(pool, task) as workplace:
            header = workplace.statement.header
            first = plan.seconds if plan.values_alone else plan.first * plan.seconds
            with account.counted():
                found, result = await _by_values(workplace, result, first, plan.evaluations)
        if plan.values_alone:
            return replace(result, seconds=clock() - started)
        if found is not None and found.claim and result.verdict is None:
            result = await _by_proof(pool, result, Statement(found.claim, header), plan.negation, account, generator)
        cut_off = found is None or found.outcome == "spent"
        if cut_off and result.verdict is None:
            async with Workplace(pool, task) as workplace:
                _, result = await _by_values(workplace, result, account.left, 10 * plan.evaluations)
    except InputError:
        raise
    except BridgeError as error:
        kind = error.kind if isinstance(error, RequestFailed) else type(error).__name__
        result = replace(result, outcome="error", failure=Failure(kind, str(error)))
    return replace(result, seconds=clock() - started)


class _Account:
    """What is left of the time for work. A side of a race would lose its time to the other where both wait for one process."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._left = seconds
        self._clock = clock

    @property
    def left(self) -> float:
        return max(0.1, self._left)

    def spend(self, seconds: float) -> None:
        self._left -= seconds

    @contextmanager
    def counted(self) -> Iterator[None]:
        started = self._clock()
        yield
        self.spend(self._clock() - started)


async def _by_values(
    workplace: Workplace, result: Refutation, seconds: float, evaluations: int
) -> tuple[Counterexample | None, Refutation]:
    """Let Lean look for values; None for the first if it was stopped or its process died."""
    text = workplace.statement.text
    try:
        found = await workplace.server.find_counterexample(
            workplace.env, text, evaluations=evaluations, seconds=seconds
        )
    except ServerDied:
        return None, result
    except RequestFailed as error:
        if error.kind == "timeout":
            return None, result
        raise workplace.blamed(error) from error
    if found.proof is None:
        return found, replace(result, outcome="undecidable" if found.outcome == "stuck" else "open", stuck_on=found.on)
    claim = Statement(found.claim, workplace.statement.header)
    verdict = await judge(workplace.server, workplace.env, claim, Proof(found.proof))
    if not verdict.accepted:
        return replace(found, outcome="stuck"), replace(result, outcome="open")
    return found, replace(
        result,
        outcome="refuted" if found.outcome == "refuted" else "vacuous",
        claim=claim,
        proof=found.proof,
        verdict=verdict,
        witnesses=found.witnesses,
        way="values",
    )


async def _by_proof(
    pool: LeanPool, result: Refutation, claim: Statement, plan: Plan, account: _Account, generator: Generator | None
) -> Refutation:
    """Let the prover try the negation."""
    timed = replace(plan, budget=replace(plan.budget, seconds=0.6 * account.left))
    attempt = await prove(pool, Task.stated("negation", claim), plan=timed, generator=generator)
    if attempt.search is not None:
        account.spend(attempt.search.statistics.seconds)
    if attempt.outcome != "proved":
        return result
    return replace(
        result, outcome="refuted", claim=claim, proof=attempt.proof, verdict=attempt.verdict, way="proof", stuck_on=""
    )
