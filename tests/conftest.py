"""What many tests share: one installation of the embedded Lean and one Lean process, and the order of the files.

A Lean process takes a gigabyte of memory and three seconds to start. Each process of xdist keeps one for its whole run;
whoever needs more takes them for a module at most.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lean_bridge.client import LeanServer
from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import Toolchain, cache_folder, find_toolchain


def pytest_configure() -> None:
    """A shell starts its background jobs deaf to SIGINT, and they hand that on to the commands that tests interrupt."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def cache() -> Path:
    """The user's own cache: Lean is installed into it once, under the installer's lock, however many runs there are."""
    return cache_folder()


@pytest.fixture(scope="session")
def toolchain(cache: Path) -> Toolchain:
    assert cache == cache_folder()
    return find_toolchain("embedded")


@pytest.fixture(scope="session")
async def pool(toolchain: Toolchain) -> AsyncIterator[LeanPool]:
    """One process, for tests that lease it and leave it alive."""
    async with LeanPool(toolchain, size=1, spares=0) as pool:
        yield pool


@pytest.fixture
async def server(pool: LeanPool) -> AsyncIterator[LeanServer]:
    """The process of `pool`, which other tests use as well: a test that kills one starts its own."""
    async with pool.lease() as server:
        yield server
        assert server.alive


@pytest.fixture(scope="module")
async def pair(toolchain: Toolchain) -> AsyncIterator[LeanPool]:
    """Two processes, for tests of what is done at the same time; they leave them alive."""
    async with LeanPool(toolchain, size=2, spares=0) as pool:
        yield pool
