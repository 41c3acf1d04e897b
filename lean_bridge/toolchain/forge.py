"""Compiles LemmaForge's own Lean modules for the embedded Lean.

They lie in a folder of their own, named by a hash of their sources: a change to them compiles what it touches, and leaves the 380 MB of Lean alone.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lean_bridge.errors import ServerDied, SetupError
from lean_bridge.toolchain import modules
from lean_bridge.toolchain.embedded import EmbeddedToolchain
from lean_bridge.toolchain.jobs import Frontend, absolute
from lean_bridge.toolchain.library import Library
from lean_bridge.toolchain.modules import SourceModule
from lean_bridge.toolchain.storage import Progress, damage, staged

_ROOT: Final = "LemmaForge"
_KEPT: Final = 4
"""Folders of older sources that stay: other checkouts and releases may be using them."""


@dataclass(frozen=True, slots=True)
class ForgeSources:
    """LemmaForge's Lean modules, in an order in which they can be compiled."""

    modules: dict[str, SourceModule]
    order: tuple[str, ...]
    fingerprints: dict[str, str]

    @property
    def key(self) -> str:
        """Names the folder of the compiled modules."""
        return hashlib.sha256("".join(self.fingerprints[name] for name in self.order).encode()).hexdigest()[:16]


def read_sources(folder: Path, salt: str) -> ForgeSources:
    """Reads `LemmaForge.lean` and `LemmaForge/**`.

    Args:
        folder: `lean_project`.
        salt: the key of the Lean that they are compiled for.

    Raises:
        SetupError: they are not there.
    """
    files = sorted((folder / _ROOT).rglob("*.lean"))
    if (folder / f"{_ROOT}.lean").exists():
        files.insert(0, folder / f"{_ROOT}.lean")
    if not files:
        raise SetupError(
            f"LemmaForge's Lean sources are not in {folder}: the installation is damaged; install LemmaForge again"
        )
    found = [modules.read_module(modules.module_name(file, folder), file) for file in files]
    by_name = {module.name: module for module in found}
    order = modules.compile_order(modules.module_graph(by_name))
    return ForgeSources(by_name, tuple(order), modules.fingerprints(by_name, order, salt))


def compile_forge(toolchain: EmbeddedToolchain, sources: ForgeSources, progress: Progress) -> None:
    """Makes `toolchain.forge`. Only under the lock of the cache.

    Raises:
        SetupError: one of the modules does not compile.
    """
    older = [Library(folder) for folder in _others(toolchain.forge)]
    with staged(toolchain.forge) as folder:
        library = Library(folder)
        for name in sources.order:
            reusable = next((other for other in older if other.holds(name, sources.fingerprints[name])), None)
            if reusable is not None:
                library.adopt(reusable, name)
        missing = [name for name in sources.order if not library.holds(name, sources.fingerprints[name])]
        if missing:
            _compile(toolchain, sources, library, missing, progress)
    for folder in _others(toolchain.forge)[_KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)


def _compile(
    toolchain: EmbeddedToolchain, sources: ForgeSources, library: Library, names: list[str], progress: Progress
) -> None:
    with Frontend(toolchain.frontend()) as process:
        for done, name in enumerate(names):
            progress(f"compiling LemmaForge's Lean modules ({name})", done / len(names))
            said: list[str] = []
            module = sources.modules[name]
            try:
                accepted = library.compile(
                    module,
                    sources.fingerprints[name],
                    process,
                    name=str(module.file),
                    path=absolute([library.root]),
                    json=False,
                    write=said.append,
                )
            except ServerDied as death:
                raise SetupError(f"{death}\nrun `lemma doctor`: it needs node, and 2 GB of free memory") from death
            if not accepted:
                raise SetupError(
                    f"LemmaForge's Lean module {name} does not compile on the embedded Lean:\n{''.join(said)}"
                )


def _others(forge: Path) -> list[Path]:
    """The whole folders beside this one, the newest first."""
    if not forge.parent.exists():
        return []
    found = [
        folder
        for folder in forge.parent.iterdir()
        if folder != forge and not folder.name.startswith(".") and damage(folder) is None
    ]
    return sorted(found, key=lambda folder: folder.stat().st_mtime, reverse=True)
