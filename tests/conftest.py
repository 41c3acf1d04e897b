"""What many tests share: one installation of the embedded Lean and one Lean process, and the order of the files.

A Lean process takes a gigabyte of memory and three seconds to start. Each process of xdist keeps one for its whole run;
whoever needs more takes them for a module at most.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lean_bridge.client import LeanServer
from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import Toolchain, cache_folder, find_toolchain

LONGEST_FIRST = (
    "workbench/test_trace.py",
    "judge/test_attacks.py",
    "lean_bridge/toolchain/test_provision.py",
    "mutation/test_pipeline.py",
    "judge/test_honest.py",
    "judge/test_token_mutations.py",
    "workbench/test_check.py",
    "lean_bridge/test_build.py",
    "lean_bridge/test_faults.py",
    "lean_bridge/test_pool.py",
    "lean_bridge/test_transcripts.py",
    "judge/test_soak.py",
    "workbench/test_bench.py",
    "prover/bench/test_runner.py",
    "lean_bridge/test_exceptions.py",
    "lean_bridge/test_shims.py",
    "workbench/test_refute.py",
    "workbench/test_tasks.py",
    "workbench/test_bad_input.py",
    "prover/counterexample/test_conjectures.py",
    "prover/counterexample/test_finder.py",
    "workbench/test_lean_commands.py",
    "workbench/test_export.py",
    "workbench/test_external_checkers.py",
    "workbench/test_interrupt.py",
    "workbench/test_prove.py",
    "lean_bridge/test_frontend.py",
    "mutation/test_kinds.py",
    "prover/test_checkers.py",
    "prover/test_engine.py",
    "prover/search/test_algorithms.py",
    "prover/train/test_training.py",
    "prover/serve/test_service.py",
    "prover/serve/test_completions.py",
    "test_project.py",
    "test_examples.py",
)
"""Files that take more than ten seconds. Files are handed out whole, so a long one at the end would run alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest files first; the rest stay in their order."""
    folder = Path(__file__).parent
    places = {folder / name: place for place, name in enumerate(LONGEST_FIRST)}
    assert all(path.is_file() for path in places), "a file of LONGEST_FIRST is not there"
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_configure() -> None:
    """Sets what the commands that tests run take over from this process."""
    # A shell starts its background jobs deaf to SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # The cores are taken by the processes of xdist: a second Lean would only have to be started. Tests of two say so.
    os.environ["LEMMAFORGE_WORKERS"] = "1"
    # Servers that tests start are on this machine, whatever proxy leads out of it.
    os.environ["NO_PROXY"] = "127.0.0.1"


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
