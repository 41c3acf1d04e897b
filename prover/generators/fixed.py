"""A generator that always says the same: a baseline, and the simplest thing that satisfies the protocol."""

from __future__ import annotations

from collections.abc import Sequence

from prover.core import Proposal, Proposals, Query


class FixedGenerator:
    """Proposes the same tactics for every goal, the first one cheapest."""

    def __init__(self, tactics: Sequence[str], *, cost: float = 1.0) -> None:
        """Args: tactics in the order of preference; cost of the first, each further one costs 0.1 more."""
        self._proposals = Proposals(
            tuple(Proposal(tactic, cost + 0.1 * place, "fixed") for place, tactic in enumerate(tactics))
        )

    async def propose(self, queries: Sequence[Query]) -> list[Proposals]:
        """The same proposals for each query."""
        return [self._proposals] * len(queries)
