"""The one place that may call a theorem proved.

A search only ever believes that it is done. The judge starts again from the trusted statement, which comes from the user or
the store and never from whoever wrote the proof, hands both to Lean in a request of its own, and looks at what the kernel
accepted and which axioms it rests on.
"""

from __future__ import annotations

from dataclasses import dataclass

from lean_bridge.client import LeanServer
from lean_bridge.protocol import ProofVerdict

ALLOWED_AXIOMS = frozenset({"propext", "Classical.choice", "Quot.sound"})
"""Lean's own three; everything else, `sorryAx` and `Lean.ofReduceBool` first of all, is refused."""

DEFAULT_HEARTBEATS = 200_000
"""Lean's `maxHeartbeats` for a declaration that sets none."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge found."""

    accepted: bool
    axioms: tuple[str, ...] = ()
    """What the proof rests on, sorted."""
    reason: str | None = None
    """Why not: a reason of `proof.check`."""
    message: str = ""
    heartbeats: int = DEFAULT_HEARTBEATS
    """The `maxHeartbeats` under which it was accepted; 0: only without a limit, so a file needs `set_option maxHeartbeats 0 in`."""
    seconds: float = 0.0
    """That Lean took."""


async def judge(
    server: LeanServer,
    env: int,
    *,
    proof: str,
    statement: str | None = None,
    declaration: str | None = None,
    seconds: float = 60.0,
) -> Verdict:
    """Check a proof against a trusted statement.

    Args:
        server: a Lean process; it is trusted, the proof is not.
        env: an environment of that process.
        proof: a term, such as `by omega`.
        statement: the proposition; or
        declaration: its declaration, whose own proof is ignored.
        seconds: limit for each of at most two checks.

    Raises:
        BridgeError: Lean could not be asked. That says nothing about the proof.
    """
    first = await server.check_proof(
        env, proof=proof, statement=statement, declaration=declaration, heartbeats=DEFAULT_HEARTBEATS, seconds=seconds
    )
    if first.reason != "heartbeats":
        return _verdict(first, DEFAULT_HEARTBEATS, first.ms / 1000)
    second = await server.check_proof(
        env, proof=proof, statement=statement, declaration=declaration, heartbeats=0, seconds=seconds
    )
    return _verdict(second, 0, (first.ms + second.ms) / 1000)


def _verdict(answer: ProofVerdict, heartbeats: int, seconds: float) -> Verdict:
    axioms = tuple(sorted(answer.axioms))
    if not answer.accepted:
        message = answer.message or "\n".join(
            message.text for message in answer.messages if message.severity == "error"
        )
        return Verdict(False, axioms, answer.reason or "elaboration", message, heartbeats, seconds)
    forbidden = [axiom for axiom in axioms if axiom not in ALLOWED_AXIOMS]
    if forbidden:
        message = f"rests on {', '.join(forbidden)}; allowed are {', '.join(sorted(ALLOWED_AXIOMS))}"
        return Verdict(False, axioms, "axiom", message, heartbeats, seconds)
    return Verdict(True, axioms, None, "", heartbeats, seconds)
