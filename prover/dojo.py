"""Searches whose tactics run in LeanDojo's sessions.

A session runs tactics and nothing else. Lemmas are looked up by our own server, in which the tactics that led to a state are run once more when a look-up at it is asked for; what the
search finds is judged there, as always. A session knows nothing of constants that a proof must do without, nor of syntax that the judge refuses: such a proof is found, and then refused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from lean_bridge import protocol
from lean_bridge.dojo_process import DojoSession, TracedFolder
from lean_bridge.errors import ServerDied
from prover.engine import Driver
from prover.environment import TacticPlace
from prover.workplace import Workplace


def dojo_driver(traced: TracedFolder, file: str) -> Driver:
    """Has the theorems of a file of a traced project proved in sessions of LeanDojo.

    Args:
        traced: the project.
        file: the file's path in it.
    """

    @asynccontextmanager
    async def drive(workplace: Workplace) -> AsyncIterator[TacticPlace]:
        place = _DojoPlace(workplace, DojoSession(traced, file, workplace.name))
        try:
            yield place
        finally:
            await place.close()

    return drive


class _DojoPlace:
    """A workplace with a session in the place of its server."""

    def __init__(self, workplace: Workplace, session: DojoSession) -> None:
        self._workplace = workplace
        self._session = session
        self.server = _DojoServer(workplace, session)

    @property
    def unproved(self) -> frozenset[str]:
        return self._workplace.unproved

    @property
    def without(self) -> frozenset[str]:
        return self._workplace.without

    async def start(self) -> protocol.GoalStart:
        return await self._session.start()

    async def renew(self) -> None:
        await self.close()
        self.server = _DojoServer(self._workplace, self._session)

    async def close(self) -> None:
        await self._session.close()


class _DojoServer:
    """A session that looks lemmas up as well."""

    def __init__(self, workplace: Workplace, session: DojoSession) -> None:
        self._workplace = workplace
        self._session = session
        self._steps: dict[int, tuple[int, str]] = {}
        """How each state of the session came about: from which one, by which tactic."""
        self._mirrored: dict[int, int] = {}
        """The same states in our own server."""

    async def run_tactics(
        self,
        attempts: Sequence[protocol.Attempt],
        *,
        heartbeats: int,
        seconds: float,
        detail: protocol.Detail,
        strict: bool = False,
        without: Sequence[str] = (),
    ) -> list[list[protocol.TacticOutcome]]:
        del detail, strict, without
        outcomes = await self._session.run_tactics(attempts, heartbeats=heartbeats, seconds=seconds)
        for attempt, row in zip(attempts, outcomes, strict=True):
            for tactic, outcome in zip(attempt.tactics, row, strict=True):
                if isinstance(outcome, protocol.Advanced):
                    self._steps[outcome.state.id] = (attempt.state, tactic)
        return outcomes

    async def view_states(
        self, states: Iterable[int], *, detail: protocol.Detail = "full"
    ) -> tuple[protocol.ProofState, ...]:
        return await self._session.view_states(states, detail=detail)

    async def release_states(self, states: Iterable[int] | None) -> int:
        return await self._session.release_states(states)

    async def find_premises(
        self, state: int, *, goal: int = 0, uses: Sequence[protocol.PremiseUse], limit: int, statements: bool = False
    ) -> list[protocol.Premise]:
        try:
            mirrored = await self._mirror(state)
            if mirrored is None:
                return []
            return await self._workplace.server.find_premises(
                mirrored, goal=goal, uses=uses, limit=limit, statements=statements
            )
        except ServerDied:
            self._mirrored.clear()
            await self._workplace.renew()
            return []

    async def _mirror(self, state: int) -> int | None:
        """The state in our own server, which comes to it as the session did; None where it does not."""
        path: list[int] = []
        while state not in self._mirrored and state in self._steps:
            path.append(state)
            state = self._steps[state][0]
        if state not in self._mirrored:
            self._mirrored[state] = (await self._workplace.start()).state.id
        at = self._mirrored[state]
        for step in reversed(path):
            ((outcome,),) = await self._workplace.server.run_tactics([protocol.Attempt(at, (self._steps[step][1],))])
            if isinstance(outcome, protocol.TacticFailed):
                return None
            at = self._mirrored[step] = outcome.state.id
        return at
