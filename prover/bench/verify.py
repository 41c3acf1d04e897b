"""Stored proofs and refutations judged again, from the statement and the proof's text alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from db.records import Outcome
from lean_bridge.errors import ProtocolError, RequestFailed, ServerDied
from prover.judge import Judge, Proof, Statement, Verdict

if TYPE_CHECKING:
    from db.store import Store


@dataclass(frozen=True, slots=True)
class StoredProof:
    """A proof of a run."""

    name: str
    """Of the problem."""
    statement: Statement
    proof: str
    without: frozenset[str]
    """Constants that it may not rest on."""
    refutes: Statement | None = None
    """What it refutes, of a refutation; its own statement must be the negation of that."""


def stored_proofs(store: Store, run: int) -> Iterator[StoredProof]:
    """The different proofs that a run found, in the order in which it found them, and then its refutations: proofs of negations."""
    seen: set[tuple[str, str]] = set()
    forbidden = store.run(run).config.get("without")
    without = forbidden if isinstance(forbidden, Mapping) else {}
    for attempt in store.attempts(run=run, outcome=Outcome.proved):
        if attempt.proof is not None and (attempt.task, attempt.proof) not in seen:
            seen.add((attempt.task, attempt.proof))
            task = store.task(attempt.task)
            statement = Statement(task.statement, task.header)
            yield StoredProof(task.name, statement, attempt.proof, frozenset(without.get(attempt.task, ())))
    for attempt in store.attempts(run=run, outcome=Outcome.refuted):
        refutation = attempt.verdict.get("refutation")
        if isinstance(refutation, Mapping) and (attempt.task, str(refutation["proof"])) not in seen:
            seen.add((attempt.task, str(refutation["proof"])))
            task = store.task(attempt.task)
            claim, refuted = (Statement(text, task.header) for text in (str(refutation["claim"]), task.statement))
            yield StoredProof(f"{task.name} (refuted)", claim, str(refutation["proof"]), frozenset(), refuted)


async def verify(
    judge: Judge,
    proofs: list[StoredProof],
    *,
    workers: int,
    report: Callable[[StoredProof, Verdict], None] = lambda proof, verdict: None,
) -> list[Verdict]:
    """Judge proofs, so many at a time; one verdict a proof, in order. `report` is told of each.

    Raises:
        InputError: a statement does not elaborate, as with another toolchain than that of the run.
    """
    free = asyncio.Semaphore(workers)

    async def one(proof: StoredProof) -> Verdict:
        async with free:
            verdict = await judge.check(proof.statement, Proof(proof.proof))
            if verdict.accepted and (used := sorted(proof.without.intersection(verdict.constants))):
                words = f"the proof rests on {', '.join(used)}, which this problem is to be proved without"
                verdict = replace(verdict, outcome="rejected", reason="forbidden", message=words)
            if verdict.accepted and proof.refutes is not None:
                verdict = await _of_the_negation(judge, verdict, proof.statement, proof.refutes)
            report(proof, verdict)
            return verdict

    return list(await asyncio.gather(*map(one, proofs)))


async def _of_the_negation(judge: Judge, verdict: Verdict, claim: Statement, refuted: Statement) -> Verdict:
    """The verdict on a proof, if what it proves is the negation of what it is to refute: the store's word is not enough for that."""
    try:
        negation = await judge.negation(refuted)
    except (ServerDied, RequestFailed, ProtocolError) as error:
        return replace(verdict, outcome="error", reason=type(error).__name__, message=str(error))
    if negation == claim:
        return verdict
    words = f"what is proved, `{claim.text}`, is not the negation of the problem, which is `{negation.text}`"
    return replace(verdict, outcome="rejected", reason="claim", message=words)
