"""A Lean process with the lemma index of `Init` in it, for the tests that mutate."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from lean_bridge.client import LeanServer
from lean_bridge.mutating import KINDS, MutationLimits, TheoremHarvest, mutate, open_index
from lean_bridge.toolchain import Toolchain

Mutate = Callable[..., Awaitable[TheoremHarvest]]
"""Mutates a theorem: its name, kinds, and limits by name."""


@pytest.fixture(scope="module")
async def indexed(toolchain: Toolchain) -> AsyncIterator[tuple[LeanServer, int]]:
    async with await LeanServer.start(toolchain) as server:
        environment = await server.open_environment(("Init",))
        index = await server.ask(open_index(environment.id, KINDS))
        assert index.lemmas > 15_000
        yield server, index.number


@pytest.fixture(scope="module")
def mutated(indexed: tuple[LeanServer, int]) -> Mutate:
    server, index = indexed

    async def mutated(theorem: str, *kinds: str, **limits: int) -> TheoremHarvest:
        chosen = MutationLimits(kinds, **({"limit": 400} | limits))
        (harvest,) = await server.ask(mutate(index, [theorem], chosen, seconds=60.0))
        assert harvest.failure == ""
        return harvest

    return mutated
