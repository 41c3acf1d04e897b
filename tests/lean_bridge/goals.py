"""Short ways to a proof state and to what tactics make of it."""

from __future__ import annotations

from lean_bridge.client import LeanServer
from lean_bridge.protocol import Advanced, Attempt, ProofState, TacticOutcome

ADD_COMM = "∀ a b : Nat, a + b = b + a"


async def opened(server: LeanServer) -> int:
    return (await server.open_environment()).id


async def started(server: LeanServer, statement: str = ADD_COMM) -> ProofState:
    return (await server.start_goal(await opened(server), statement=statement)).state


async def outcomes(server: LeanServer, state: int, *tactics: str, goal: int | None = None) -> list[TacticOutcome]:
    return (await server.run_tactics([Attempt(state, tactics, goal)]))[0]


async def step(server: LeanServer, state: int, tactic: str, goal: int | None = None) -> ProofState:
    [outcome] = await outcomes(server, state, tactic, goal=goal)
    assert isinstance(outcome, Advanced), outcome
    return outcome.state
