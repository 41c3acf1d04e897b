"""Lean as the environment of a search.

A state is known to search by a handle, which stands for the tactics that lead to it. The process at the other end may die,
because of a tactic that eats its memory or loops where Lean never looks at the clock; the states that are asked for again
are then rebuilt in a fresh process, and the tactics that were running are tried once more, each by itself. The one
that kills its process again is rejected.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, get_args

from lean_bridge import protocol
from lean_bridge.errors import RequestFailed, ServerDied
from lean_bridge.protocol import PremiseUse
from prover.core import AT_A_LIMIT, Advanced, Attempt, Goal, Hypothesis, Outcome, Position, Premise, Rejected


class TacticServer(Protocol):
    """What runs tactics: `LeanServer`, or a session that has these calls of it. `ServerDied` makes its states void."""

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
        """As `LeanServer.run_tactics`."""
        ...

    async def view_states(
        self, states: Iterable[int], *, detail: protocol.Detail = "full"
    ) -> tuple[protocol.ProofState, ...]:
        """As `LeanServer.view_states`."""
        ...

    async def release_states(self, states: Iterable[int] | None) -> int:
        """As `LeanServer.release_states`."""
        ...

    async def find_premises(
        self, state: int, *, goal: int = 0, uses: Sequence[PremiseUse], limit: int, statements: bool = False
    ) -> list[protocol.Premise]:
        """As `LeanServer.find_premises`."""
        ...


class TacticPlace(Protocol):
    """Where a search runs its tactics: a `Workplace`, or what stands in its place."""

    @property
    def server(self) -> TacticServer:
        """The process; another one after `renew`."""
        ...

    @property
    def unproved(self) -> frozenset[str]:
        """As of `Workplace`."""
        ...

    @property
    def without(self) -> frozenset[str]:
        """As of `Workplace`."""
        ...

    async def start(self) -> protocol.GoalStart:
        """Open the goal, in the present process."""
        ...

    async def renew(self) -> None:
        """Exchange a process that died."""
        ...


@dataclass(frozen=True, slots=True)
class TacticLimits:
    """What one tactic of effort 1 may take; an effort of n takes n times as much."""

    heartbeats: int = 10_000
    """Lean's `maxHeartbeats`; a twentieth of Lean's default, half a second on the embedded Lean. Most tactics that work at all work
    in that; those that are stopped are tried again with more effort."""
    seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class _Step:
    parent: int
    goal: int | None
    tactic: str
    effort: int


class LeanEnvironment:
    """An `Environment[int]` on a workplace."""

    def __init__(self, workplace: TacticPlace, limits: TacticLimits | None = None) -> None:
        self._workplace = workplace
        self._limits = limits or TacticLimits()
        self._handles = itertools.count()
        self._root = next(self._handles)
        self._steps: dict[int, _Step] = {}
        self._live: dict[int, int] = {}
        """Handle to the id of the state in the present process."""

    async def start(self) -> Position[int]:
        """Open the task's goal.

        Raises:
            InputError: the statement does not elaborate.
        """
        state = (await self._workplace.start()).state
        self._live[self._root] = state.id
        (full,) = await self._workplace.server.view_states([state.id], detail="full")
        goals = read_goals(full)
        return Position(self._root, 0 if len(goals) == 1 else None, goals)

    async def run(self, attempts: Sequence[Attempt[int]]) -> list[list[Outcome[int]]]:
        """Run every tactic of every attempt in as few requests as their efforts allow."""
        results: dict[int, list[Outcome[int]]] = {}
        for effort in sorted({attempt.effort for attempt in attempts}):
            group = [(place, attempt) for place, attempt in enumerate(attempts) if attempt.effort == effort]
            outcomes = await self._run_or_divide([attempt for _, attempt in group], effort)
            results.update(zip((place for place, _ in group), outcomes, strict=True))
        return [results[place] for place in range(len(attempts))]

    async def premises(
        self, position: Position[int], uses: Sequence[str], limit: int, statements: bool = False
    ) -> list[Premise]:
        """Lemmas that fit the position's first goal and may be used; none when the look-up ends at a limit or with its process."""
        wanted: list[PremiseUse] = [use for use in get_args(PremiseUse) if use in uses]
        try:
            state = await self._revive(position.state)
            found = await self._workplace.server.find_premises(
                state, goal=position.goal or 0, uses=wanted, limit=limit, statements=statements
            )
        except ServerDied:
            await self._renew()
            return []
        except RequestFailed as error:
            if error.kind in AT_A_LIMIT:
                return []
            raise
        useless = self._workplace.unproved | self._workplace.without
        return [Premise(p.use, p.name, p.tactic, p.score, p.statement or "") for p in found if p.name not in useless]

    async def release(self, states: Sequence[int]) -> None:
        """Forget states; their handles must not be used again."""
        ids = [self._live.pop(handle) for handle in states if handle in self._live]
        for handle in states:
            self._steps.pop(handle, None)
        try:
            await self._workplace.server.release_states(ids)
        except ServerDied:
            await self._renew()

    async def _renew(self) -> None:
        self._live.clear()
        await self._workplace.renew()

    async def _run_or_divide(self, attempts: list[Attempt[int]], effort: int) -> list[list[Outcome[int]]]:
        try:
            return await self._request(attempts, effort)
        except ServerDied:
            await self._renew()
        return [[await self._run_alone(attempt, tactic) for tactic in attempt.tactics] for attempt in attempts]

    async def _run_alone(self, attempt: Attempt[int], tactic: str) -> Outcome[int]:
        try:
            ((outcome,),) = await self._request([Attempt(attempt.position, (tactic,), attempt.effort)], attempt.effort)
        except ServerDied as error:
            await self._renew()
            return Rejected("crash", str(error))
        return outcome

    async def _request(self, attempts: list[Attempt[int]], effort: int) -> list[list[Outcome[int]]]:
        requests = [
            protocol.Attempt(await self._revive(a.position.state), a.tactics, a.position.goal) for a in attempts
        ]
        answers = await self._workplace.server.run_tactics(
            requests,
            heartbeats=self._limits.heartbeats * effort,
            seconds=self._limits.seconds * effort,
            detail="full",
            strict=True,
            without=sorted(self._workplace.without),
        )
        return [
            [self._outcome(attempt, tactic, answer) for tactic, answer in zip(attempt.tactics, row, strict=True)]
            for attempt, row in zip(attempts, answers, strict=True)
        ]

    def _outcome(self, attempt: Attempt[int], tactic: str, answer: protocol.TacticOutcome) -> Outcome[int]:
        if isinstance(answer, protocol.TacticFailed):
            return Rejected(answer.kind, answer.message, answer.ms / 1000)
        handle = next(self._handles)
        self._steps[handle] = _Step(attempt.position.state, attempt.position.goal, tactic, attempt.effort)
        self._live[handle] = answer.state.id
        return Advanced(handle, read_goals(answer.state), answer.ms / 1000)

    async def _revive(self, handle: int) -> int:
        """The id of the handle's state in the present process, rebuilt from its tactics when a process died."""
        missing: list[int] = []
        while handle not in self._live and handle != self._root:
            missing.append(handle)
            handle = self._steps[handle].parent
        if handle not in self._live:
            self._live[handle] = (await self._workplace.start()).state.id
        for successor in reversed(missing):
            step = self._steps[successor]
            request = protocol.Attempt(self._live[handle], (step.tactic,), step.goal)
            # Twice the first time's limits: the same work, but in a process that has not yet loaded what it needs.
            ((answer,),) = await self._workplace.server.run_tactics(
                [request],
                heartbeats=2 * self._limits.heartbeats * step.effort,
                seconds=2 * self._limits.seconds * step.effort,
                detail="none",
            )
            if isinstance(answer, protocol.TacticFailed):
                raise RequestFailed(
                    "internal", f"`{step.tactic}` ran before, but not in a fresh process: {answer.message}"
                )
            self._live[successor] = answer.state.id
            handle = successor
        return self._live[handle]


def read_goals(state: protocol.ProofState) -> tuple[Goal, ...]:
    """The goals of a state that was printed in full detail."""
    return tuple(
        Goal(
            text=goal.text or "",
            key=_word_for_word(goal.key, goal.text or ""),
            target=goal.target or "",
            hypotheses=tuple(
                Hypothesis(name, hypothesis.type, hypothesis.value, hypothesis.proof)
                for hypothesis in goal.hypotheses or ()
                for name in hypothesis.names
            ),
            case=goal.case,
            shared=goal.shared,
        )
        for goal in state.goals
    )


def _word_for_word(key: str, text: str) -> str:
    """Lean's key forgets names, but a script says them: goals are merged only if they also look alike."""
    _, _, lines = text.partition("\n") if text.startswith("case ") else ("", "", text)
    return f"{key}.{hashlib.blake2b(lines.encode(), digest_size=8).hexdigest()}"
