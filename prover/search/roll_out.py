"""Roll-outs: proof attempts from a goal to its end, drawn from the generator, of which all that worked is kept."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from prover.core import Proposal, S
from prover.search.explorer import Explorer, Trial
from prover.search.graph import EdgeId, NodeId
from prover.search.selection import drawn_order


@dataclass(frozen=True, slots=True)
class RollOut:
    """How a proof is drawn."""

    width: int = 4
    """Tactics that are drawn for a goal and run in one request; the first of them that works is gone on with."""
    length: int = 12
    """Most tactics of an attempt."""
    temperature: float = 1.0
    """Below 1 nearer to the generator's favourites, above 1 further from them."""


@dataclass(slots=True)
class _Attempt:
    goals: list[NodeId]
    """Still to be proved, the next one last."""
    news: bool = False
    """Whether it found a goal that was new."""


async def roll_out(
    explorer: Explorer[S], starts: Sequence[NodeId], settings: RollOut, chance: random.Random
) -> tuple[bool, list[bool]]:
    """Draw proofs of the goals `starts` side by side, sharing requests, until each is proved or nothing works at its first open goal.

    Tactics that ran before are drawn as well, and then followed without running them again. A generator that proposes
    whole proofs has them run as such, and cut at their first error.

    Returns:
        Whether anything was asked or run; and of each attempt whether it found a goal that was new.
    """
    attempts = [_Attempt([start]) for start in starts]
    worked = False
    running = attempts
    for _ in range(settings.length):
        for attempt in running:
            while attempt.goals and explorer.graph.node(attempt.goals[-1]).status != "open":
                attempt.goals.pop()
        running = [attempt for attempt in running if attempt.goals]
        if not running or explorer.over:
            break
        goals = dict.fromkeys(attempt.goals[-1] for attempt in running)
        questions = [g for g in goals if explorer.question(g) is not None and not explorer.waiting(g)]
        if questions:
            await explorer.ask(questions)
        ran, running = await _advance(explorer, running, settings, chance)
        worked = worked or ran or bool(questions)
    return worked, [attempt.news for attempt in attempts]


async def _advance(
    explorer: Explorer[S], attempts: Sequence[_Attempt], settings: RollOut, chance: random.Random
) -> tuple[bool, list[_Attempt]]:
    """Take each attempt one tactic further; whether any was run, and the attempts that can go on."""
    edges: list[EdgeId | None] = []
    trials: dict[Trial, int] = {}
    for place, attempt in enumerate(attempts):
        order = _drawn(explorer, attempt.goals[-1], settings, chance)
        if order and not isinstance(order[0], Proposal):
            edges.append(order[0])
        else:
            edges.append(None)
            drawn = (Trial(attempt.goals[-1], option) for option in order if isinstance(option, Proposal))
            fresh = [trial for trial in drawn if trial not in trials]
            trials.update(dict.fromkeys(fresh[: settings.width], place))
    growths = await explorer.run(list(trials)) if trials else []
    for place, growth in zip(trials.values(), growths, strict=False):
        if growth is not None:
            attempts[place].news = attempts[place].news or bool(growth.opened)
            edges[place] = growth.edge if edges[place] is None else edges[place]
    going: list[_Attempt] = []
    for attempt, edge in zip(attempts, edges, strict=True):
        proof = explorer.graph.node(attempt.goals[-1]).proof
        taken = edge if proof is None else proof
        if taken is not None:
            attempt.goals[-1:] = reversed(explorer.graph.edge(taken).children)
            going.append(attempt)
    return bool(trials), going


def _drawn(explorer: Explorer[S], goal: NodeId, settings: RollOut, chance: random.Random) -> list[EdgeId | Proposal]:
    """What can be done at a goal, in the order of a draw: edges to follow, and tactics that wait."""
    graph = explorer.graph
    edges = [edge for edge in graph.node(goal).edges if graph.edge(edge).status == "open"]
    waiting = list(explorer.waiting(goal).values())
    costs = [graph.edge(edge).proposal.cost for edge in edges] + [proposal.cost for proposal in waiting]
    options: list[EdgeId | Proposal] = [*edges, *waiting]
    return [options[place] for place in drawn_order(costs, settings.temperature, chance)]
