"""Makes a pack of what was built of a project; see `toolchain/packs.py` for what a pack is."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path
from typing import Final

from lean_bridge.errors import InputError
from lean_bridge.toolchain.embedded import EmbeddedToolchain
from lean_bridge.toolchain.library import Library
from lean_bridge.toolchain.modules import compile_order, fingerprints, module_graph
from lean_bridge.toolchain.packs import MANIFEST, MODULES, Pack
from lean_bridge.toolchain.storage import Progress
from lean_bridge.workspace import Package, Scope, read_workspace

_LICENCES: Final = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING")
_PRESET: Final = 2
"""Of xz: 6 takes four times as long for files a tenth smaller."""


def write_pack(
    folder: Path,
    toolchain: EmbeddedToolchain,
    target: Path,
    scope: Scope,
    progress: Progress,
    revision: str | None = None,
) -> Pack:
    """Writes what `build_project` made as one file.

    Args:
        folder: the project.
        toolchain: the Lean that compiled it.
        target: the file to write; it appears when it is whole.
        scope: which modules, as for `build_project`.
        progress: told how far it is.
        revision: the project's source commit, where git cannot tell it.

    Raises:
        InputError: a module is not built, or a package has no licence text to go with it.
    """
    workspace = read_workspace(folder, scope)
    sources = workspace.sources(scope.targets)
    order = compile_order(module_graph(sources.modules))
    alone = toolchain.apart_from({name.partition(".")[0] for name in order})
    marks = fingerprints(sources.modules, order, alone.salt)
    library = Library(workspace.root.output)
    if missing := [name for name in order if not library.holds(name, marks[name])]:
        raise InputError(
            f"{len(missing)} of {len(order)} modules are not built or not up to date, such as {missing[0]}: run `lemma lean build` "
            "first, with the same targets, packages and overlays"
        )
    content = {f"licences/{package.name}.txt": _licence(package) for package in sources.packages}
    places = {place: file for name in order for place, file in library.exported(name, MODULES).items()}
    digests = {place: hashlib.sha256(text).hexdigest() for place, text in content.items()}
    digests |= {place: hashlib.sha256(file.read_bytes()).hexdigest() for place, file in places.items()}
    origin = workspace.origin(sources, revision)
    pack = Pack(
        name=origin.name,
        toolchain=toolchain.key,
        sources=dict(origin.sources),
        overlays=dict(origin.overlays),
        modules=tuple(order),
        files=digests,
    )
    unfinished = target.with_name(f".new-{target.name}")
    try:
        with tarfile.open(unfinished, "w:xz", preset=_PRESET) as archive:
            for place, text in {MANIFEST: pack.to_json(), **content}.items():
                _add(archive, place, text)
            for done, (place, file) in enumerate(places.items()):
                _add(archive, place, file.read_bytes())
                progress(f"packing {pack.name}", done / len(places))
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return pack


def _add(archive: tarfile.TarFile, place: str, content: bytes) -> None:
    member = tarfile.TarInfo(place)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _licence(package: Package) -> bytes:
    for name in _LICENCES:
        file = package.project.folder / name
        if file.is_file():
            return file.read_bytes()
    raise InputError(
        f"{package.project.folder} has no licence text ({', '.join(_LICENCES)}), and a pack must not go without the licences of what is in it"
    )
