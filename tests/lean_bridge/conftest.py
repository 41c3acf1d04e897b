from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lean_bridge.client import Limits
from lean_bridge.pool import LeanPool, Recycling
from lean_bridge.toolchain.base import Backend, Command, Fact, Toolchain
from lean_bridge.toolchain.provenance import Origin

PROLOGUE = """
import json, sys, time
token = json.loads(sys.stdin.readline())["token"]
def say(text): print(token, text, flush=True)
def greet(protocol=1):
    say(json.dumps({"hello": {"protocol": protocol, "server": "0", "lean": "4", "commit": "c", "backend": "embedded", "platform": "p"}}))
"""


@dataclass(frozen=True, slots=True)
class Program:
    """A server program in Python, for faults that Lean cannot be made to show."""

    body: str
    backend: Backend = "embedded"

    def server(self) -> Command:
        return Command((sys.executable, "-c", PROLOGUE + self.body), cwd=Path.cwd())

    def frontend(self) -> Command:
        raise AssertionError("these programs are servers only")

    def origins(self) -> tuple[Origin, ...]:
        return ()

    def facts(self) -> list[Fact]:
        return []


@pytest.fixture(scope="module")
async def mortal(toolchain: Toolchain) -> AsyncIterator[LeanPool]:
    """One process at work and one in reserve, with little patience, for tests that kill them."""
    limits = Limits(grace=1.0, memory_bytes=5 * 2**28)
    recycling = Recycling(growth_bytes=2**28)
    async with LeanPool(toolchain, size=1, spares=1, limits=limits, recycling=recycling) as pool:
        yield pool


@pytest.fixture
def program() -> Callable[[str], Toolchain]:
    return Program
