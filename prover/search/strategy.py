"""What an algorithm is, and the loop that drives any of them."""

from __future__ import annotations

import asyncio
import random
from typing import Protocol

from prover.core import (
    Budget,
    Clock,
    Environment,
    Generator,
    Listener,
    S,
    SearchEnded,
    SearchOutcome,
    SearchResult,
    StopReason,
)
from prover.search.budget import Account
from prover.search.explorer import Explorer, Trial
from prover.search.graph import ProofGraph


class Strategy(Protocol):
    """An algorithm at work on one graph."""

    async def step(self) -> bool:
        """Do a little: put at least one question or run at least one tactic.

        Returns:
            Whether something was done; False: nothing is left that could help.
        """
        ...


class Algorithm(Protocol):
    """An algorithm with its settings, a value."""

    @property
    def name(self) -> str:
        """As it is called on the command line and in reports."""
        ...

    def begin(self, explorer: Explorer[S], chance: random.Random) -> Strategy:
        """Set to work on a graph, in which others may be at work as well; `chance` is for all that is drawn."""
        ...


async def search(
    graph: ProofGraph[S],
    environment: Environment[S],
    generator: Generator,
    algorithm: Algorithm,
    *,
    budget: Budget,
    clock: Clock,
    listen: Listener = lambda event: None,
    seed: int = 0,
) -> SearchResult:
    """Grow `graph` until its root is proved, nothing is left to try, or the budget is spent.

    Args:
        graph: a fresh graph with only its root; it belongs to the caller and is complete even if this is cancelled.
        environment: owner of the states in the graph. Its exceptions pass through.
        generator: proposes tactics.
        algorithm: decides what is tried next.
        budget: a request that is running when `seconds` are over is cancelled.
        clock: seconds.
        listen: is told of each event, in order; must return at once.
        seed: of what the algorithm draws.

    Raises:
        GeneratorError: the generator answered the wrong number of queries, or a negative cost.
        ModelFailed: the generator asked a language model, and got no answer.
    """
    account = Account.open(budget, clock)
    explorer = Explorer(graph, environment, generator, account, listen)
    reason = await _drive(explorer, algorithm.begin(explorer, random.Random(seed)))
    statistics = account.statistics()
    listen(SearchEnded(statistics.seconds, reason, statistics))
    outcomes: dict[StopReason, SearchOutcome] = {"proved": "proved", "seconds": "timeout"}
    script = graph.script() if graph.proved else None
    return SearchResult(outcomes.get(reason, "failed"), reason, script, statistics, account.fault)


async def _drive(explorer: Explorer[S], strategy: Strategy) -> StopReason:
    try:
        async with asyncio.timeout(explorer.account.budget.seconds):
            while not explorer.graph.proved:
                spent = explorer.account.spent()
                if spent is not None:
                    return spent
                if not await strategy.step():
                    return "exhausted"
            return "proved"
    except TimeoutError:
        return "seconds"


async def sweep(explorer: Explorer[S], width: int) -> bool:
    """Do what waits longest at a node that still matters: what an algorithm falls back on when its own choice finds nothing.

    With this no algorithm gives up while something is left, whatever cycles the graph has.
    """
    for node in explorer.leftovers():
        waiting = list(explorer.waiting(node).values())[:width]
        if waiting:
            await explorer.run([Trial(node, proposal) for proposal in waiting])
        else:
            await explorer.ask([node])
        return True
    return False
