"""What many tests share: one installation of the embedded Lean, one server and one pool for the whole run."""

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
async def running_server(toolchain: Toolchain) -> AsyncIterator[LeanServer]:
    async with await LeanServer.start(toolchain) as server:
        yield server


@pytest.fixture
async def server(running_server: LeanServer) -> AsyncIterator[LeanServer]:
    """A server that other tests use as well: a test that kills one starts its own."""
    yield running_server
    assert running_server.alive
    await running_server.release_states(None)


@pytest.fixture(scope="session")
async def pool(toolchain: Toolchain) -> AsyncIterator[LeanPool]:
    """Two processes, for tests that lease them and leave them alive."""
    async with LeanPool(toolchain, size=2, spares=0) as pool:
        yield pool
