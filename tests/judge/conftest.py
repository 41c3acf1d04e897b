"""Processes for attacks, of which some end the process that they are judged in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lean_bridge.client import Limits
from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import Toolchain


@pytest.fixture(scope="module")
async def case_pool(toolchain: Toolchain) -> AsyncIterator[LeanPool]:
    """One process at work, so that each case meets what those before it left behind."""
    async with LeanPool(toolchain, size=1, spares=0, limits=Limits(grace=2.0)) as pool:
        yield pool
