"""Proving one theorem: a generator, a search, Lean and the judge put together."""

from __future__ import annotations

import textwrap
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lean_bridge.errors import BridgeError, InputError, RequestFailed, ServerDied
from lean_bridge.pool import LeanPool
from lean_bridge.protocol import Allowance
from prover.core import (
    AttemptOutcome,
    Budget,
    Clock,
    Generator,
    Listener,
    Proposals,
    Query,
    SearchResult,
    TheoremSource,
)
from prover.environment import LeanEnvironment, TacticLimits, TacticPlace
from prover.errors import ModelFailed
from prover.generators.rules import RulesGenerator
from prover.judge import ALLOWED_AXIOMS, Proof, Statement, Terms, Verdict, judge
from prover.minimise import minimise
from prover.search.algorithms import DEFAULT
from prover.search.graph import ProofGraph
from prover.search.strategy import Algorithm, search
from prover.workplace import SourceFile, Task, Workplace

if TYPE_CHECKING:
    from prover.counterexample.finder import Refutation

_WRONG_PROOFS = frozenset({"axiom", "sorry", "syntax"})
"""Reasons of the judge that say that the generator cheated; any other says that a script does not do what its steps did."""

Driver = Callable[[Workplace], AbstractAsyncContextManager[TacticPlace]]
"""Says where the tactics of a search run, given where its theorem is judged."""

__all__ = ["Driver", "Failure", "Plan", "ProofAttempt", "SourceFile", "Task", "prove"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a proof is looked for."""

    algorithm: Algorithm = DEFAULT
    budget: Budget = field(default_factory=Budget)
    """For the search alone."""
    seed: int = 0
    """Of what the algorithm draws."""
    limits: TacticLimits = field(default_factory=TacticLimits)
    """Of each tactic."""
    minimise: bool = False
    """Whether a proof is made shorter before it is given out."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with Lean, a language model or the machine; never the theorem's fault."""

    kind: str
    """`rejected` (Lean took every step and then not the whole), `model` (a part of the generator did not answer), an error kind of
    the protocol, or an exception's name."""
    message: str


@dataclass(frozen=True, slots=True)
class ProofAttempt:
    """What came of one task."""

    task: Task
    outcome: AttemptOutcome
    """`proved` only with an accepting verdict; `failed`: not found, or found by cheating or with what the task goes without
    (see `verdict`); `timeout`; `error`:
    see `failure`."""
    seconds: float
    """Wall time, with opening the environment and judging."""
    proof: str | None = None
    """The whole term, `by` and the tactics under it indented by two columns."""
    verdict: Verdict | None = None
    search: SearchResult | None = None
    graph: ProofGraph[int] | None = None
    """What was searched, for `prover.tree`."""
    failure: Failure | None = None
    refutation: Refutation | None = None
    """What came of the other side of a race."""

    def indented(self, columns: int) -> str:
        """The proof with every line but the first moved to the right, to stand in a source text."""
        return (self.proof or "").replace("\n", "\n" + " " * columns)


async def prove(
    pool: LeanPool,
    task: Task,
    *,
    plan: Plan | None = None,
    generator: Generator | None = None,
    driver: Driver | None = None,
    listen: Listener = lambda event: None,
    clock: Clock = time.monotonic,
) -> ProofAttempt:
    """Try to prove a theorem.

    Args:
        pool: where a Lean process is leased for as long as this takes.
        task: what is to be proved.
        plan: the algorithm and what it may spend.
        generator: proposes tactics; the rules when None.
        driver: where tactics run, if not in the process that judges.
        listen: is told of each event of the search, in order; must return at once.
        clock: seconds.

    Raises:
        InputError: the statement does not elaborate, or a module is unknown.
        UnknownTheorem: the task's file leaves no theorem of that name open.
    """
    plan = plan or Plan()
    started = clock()
    attempt = ProofAttempt(task, "error", 0.0)
    try:
        async with Workplace(pool, task) as workplace, (driver or _in_place)(workplace) as place:
            environment = LeanEnvironment(place, plan.limits)
            graph = ProofGraph(await environment.start())
            attempt = replace(attempt, graph=graph)
            result = await search(
                graph,
                environment,
                _Informed(generator or RulesGenerator(), workplace.statement, plan.seed),
                plan.algorithm,
                budget=plan.budget,
                clock=clock,
                listen=listen,
                seed=plan.seed,
            )
            attempt = replace(attempt, outcome=result.outcome, search=result)
            if result.script is not None:
                attempt = await _judged(attempt, workplace, result.script)
            if plan.minimise and attempt.outcome == "proved" and result.script is not None:
                attempt = await _judged(attempt, workplace, await _minimised(workplace, result.script))
            if result.fault and attempt.outcome in {"failed", "timeout"}:
                attempt = replace(attempt, outcome="error", failure=Failure("model", result.fault))
    except InputError:
        raise
    except (BridgeError, ModelFailed) as error:
        kind = error.kind if isinstance(error, RequestFailed) else type(error).__name__
        attempt = replace(attempt, outcome="error", failure=Failure(kind, str(error)))
    return replace(attempt, seconds=clock() - started)


@asynccontextmanager
async def _in_place(workplace: Workplace) -> AsyncIterator[TacticPlace]:
    yield workplace


class _Informed:
    """A generator that is told of each query what an attempt knows and a search does not."""

    def __init__(self, generator: Generator, statement: Statement, seed: int) -> None:
        self._generator = generator
        self._theorem = TheoremSource(statement.text, statement.header)
        self._seed = seed

    async def propose(self, queries: Sequence[Query]) -> Sequence[Proposals]:
        told = [replace(query, theorem=self._theorem, seed=self._seed) for query in queries]
        return await self._generator.propose(told)


async def _minimised(workplace: Workplace, script: str) -> str:
    async def accepts(shorter: str) -> bool:
        try:
            return _counts(workplace, await _ask_judge(workplace, _term(shorter)))
        except ServerDied:
            await workplace.renew()
            return False

    async def suggestions(asking: str) -> list[str]:
        try:
            return await _suggestions(workplace, _term(asking))
        except ServerDied:
            await workplace.renew()
            return []

    return await minimise(script, accepts, suggestions)


async def _suggestions(workplace: Workplace, proof: str) -> list[str]:
    """What Lean suggests in the place of tactics that ask for it, as `simp?` does."""
    tracing = ("Lean.Parser.Tactic.simpTrace", "Lean.Parser.Tactic.simpAllTrace")
    verdict = await workplace.server.check_proof(
        workplace.env,
        statement=workplace.statement.text,
        proof=proof,
        allow=Allowance(tuple(sorted(ALLOWED_AXIOMS)), tracing),
    )
    texts = [message.text for message in verdict.messages if message.text.startswith("Try this:")]
    return [" ".join(text.removeprefix("Try this:").replace("[apply]", "", 1).split()) for text in texts]


def _term(script: str) -> str:
    return "by\n" + textwrap.indent(script, "  ")


async def _judged(attempt: ProofAttempt, workplace: Workplace, script: str) -> ProofAttempt:
    proof = _term(script)
    try:
        verdict = await _ask_judge(workplace, proof)
    except ServerDied:
        await workplace.renew()
        verdict = await _ask_judge(workplace, proof)
    attempt = replace(attempt, proof=proof, verdict=verdict)
    if verdict.accepted:
        return replace(attempt, outcome="proved" if _counts(workplace, verdict) else "failed")
    if verdict.outcome == "error":
        return replace(attempt, outcome="error", failure=Failure(verdict.reason or "error", verdict.message))
    if verdict.reason in _WRONG_PROOFS:
        return replace(attempt, outcome="failed")
    failure = Failure("rejected", f"the judge refused the proof that was found ({verdict.reason}): {verdict.message}")
    return replace(attempt, outcome="error", failure=failure)


def _counts(workplace: Workplace, verdict: Verdict) -> bool:
    """Whether a proof of that verdict is one: the judge knows nothing of what the task goes without."""
    return verdict.accepted and not workplace.without.intersection(verdict.constants)


async def _ask_judge(workplace: Workplace, proof: str) -> Verdict:
    """A script that works tactic by tactic may need more heartbeats as a whole than a declaration has."""
    server, env, statement = workplace.server, workplace.env, workplace.statement
    verdict = await judge(server, env, statement, Proof(proof))
    if verdict.reason != "heartbeats":
        return verdict
    return await judge(server, env, statement, Proof(proof), Terms(heartbeats=0))
