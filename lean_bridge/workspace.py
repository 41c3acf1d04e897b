"""A project together with the packages that it depends on: which modules there are, where their sources lie, and how each is compiled.

Lake writes into `lake-manifest.json` what it depends on, and where Lake put it; see `Lake.Load.Manifest`.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from lean_bridge.errors import InputError
from lean_bridge.lakefile import LakeProject, read_manifest, read_project
from lean_bridge.overlays import Overlay, read_overlays, replacement, shipped, with_private_parts
from lean_bridge.toolchain.modules import SourceModule, read_module
from lean_bridge.toolchain.provenance import Origin, source_commit

_INCLUDED: Final = re.compile(r'\binclude_str\s+((?:"[^"]*"\s*/\s*)*"[^"]*")')
_STRING: Final = re.compile(r'"([^"]*)"')
_PLACE_HOLDER: Final = (
    "// This file is made by Lake with other tools, and was not there when the embedded Lean built this package.\n"
)


@dataclass(frozen=True, slots=True)
class Package:
    """A package of a workspace.

    Attributes:
        name: as the manifest has it; the folder's name for the project itself.
        revision: its source commit, where the manifest has one.
        project: its folder, and what its lakefile says.
    """

    name: str
    revision: str | None
    project: LakeProject


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be built, and of what.

    Attributes:
        targets: the modules to have, with all that they import; none: what the project's lakefile wants built.
        packages: folders of packages by name, which the project's manifest does not name, or has elsewhere.
        overlays: folders of overlays; they go before those that came with LemmaForge.
    """

    targets: tuple[str, ...] = ()
    packages: Mapping[str, Path] = field(default_factory=dict)
    overlays: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Sources:
    """What is to be compiled.

    Attributes:
        modules: by name, with the options of each; overlays in the place of what they replace.
        overlays: those that are used.
        place_holders: files that modules include, which Lake makes with other tools, and which are made up here.
        packages: those that the modules are of.
    """

    modules: Mapping[str, SourceModule]
    overlays: tuple[Overlay, ...]
    place_holders: tuple[Path, ...]
    packages: tuple[Package, ...]


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project with all packages that it depends on; the project itself comes first."""

    packages: tuple[Package, ...]
    overlays: tuple[Overlay, ...]

    def own(self, below: Sequence[str]) -> tuple[str, ...]:
        """The project's own modules that are named, or lie below one that is, built or not.

        Raises:
            InputError: a name stands for none.
        """
        names = list(self.root.files())
        found: dict[str, None] = {}
        for wanted in below:
            these = [name for name in names if name == wanted or name.startswith(f"{wanted}.")]
            if not these:
                raise InputError(f"no module {wanted} in {self.root.folder}, and none below it")
            found |= dict.fromkeys(these)
        return tuple(found)

    def origin(self, sources: Sources, revision: str | None = None) -> Origin:
        """What modules are compiled from.

        Args:
            sources: the modules.
            revision: the project's own source commit, where git cannot tell it.
        """
        own = self.packages[0]
        commits = {
            p.name: (revision if p is own else None) or source_commit(p.project.folder) or p.revision or ""
            for p in sources.packages
        }
        return Origin(own.name, commits, {overlay.target: overlay.leaves_out for overlay in sources.overlays})

    @property
    def root(self) -> LakeProject:
        """The project itself."""
        return self.packages[0].project

    def files(self) -> dict[str, tuple[Path, Package]]:
        """All modules of all packages, built or not; an earlier package wins."""
        found: dict[str, tuple[Path, Package]] = {}
        for package in self.packages:
            for name, file in package.project.files().items():
                found.setdefault(name, (file, package))
        return found

    def sources(self, targets: Sequence[str] = ()) -> Sources:
        """The modules to have, and all that they import of the workspace.

        Args:
            targets: the modules to have; none: those that the project's lakefile wants built.

        Raises:
            InputError: there are none, one is not there, or one cannot be read.
        """
        return _Reading(self).read(targets)


def read_workspace(folder: Path, scope: Scope) -> Workspace:
    """Reads a project and its packages.

    Raises:
        InputError: there is no such folder, or a lakefile, a manifest or an overlay is not as it should be.
    """
    found = [Package(folder.resolve().name, None, read_project(folder))]
    for name, (revision, place) in {
        **read_manifest(folder),
        **{name: (None, place) for name, place in scope.packages.items()},
    }.items():
        if not place.is_dir():
            raise InputError(
                f"package {name} is not in {place}: fetch it (`lake update`, or git), or say where it is with --package {name}=DIR"
            )
        found.append(Package(name, revision, read_project(place)))
    chosen = [overlay for place in scope.overlays for overlay in read_overlays(place)]
    ours = [overlay for place in sorted(shipped().iterdir()) if place.is_dir() for overlay in read_overlays(place)]
    return Workspace(tuple(found), (*chosen, *ours))


class _Reading:
    """Collects the sources of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._files = workspace.files()
        self._found: dict[str, SourceModule] = {}
        self._overlays: dict[str, Overlay] = {}
        self._place_holders: list[Path] = []
        self._supplies: defaultdict[str, list[Overlay]] = defaultdict(list)
        self._additions: dict[str, Overlay] = {}
        for overlay in workspace.overlays:
            if not overlay.replaces and overlay.source.name not in self._additions:
                self._supplies[overlay.target].append(overlay)
                self._additions[overlay.source.name] = overlay

    def read(self, targets: Sequence[str]) -> Sources:
        todo = self._roots(targets)
        while todo:
            name = todo.pop()
            if name in self._found or not (name in self._files or name in self._additions):
                continue
            module = self._found[name] = self._module(name)
            todo += [imported.module for imported in module.header.imports]
        return Sources(
            self._found,
            tuple(self._overlays[name] for name in sorted(self._overlays)),
            tuple(sorted(self._place_holders)),
            tuple({p.name: p for _, p in (self._files[name] for name in self._found if name in self._files)}.values()),
        )

    def _roots(self, targets: Sequence[str]) -> list[str]:
        project = self._workspace.root
        if missing := [name for name in targets if name not in self._files]:
            raise InputError(f"no module {', '.join(missing)} in {project.folder} or the packages that it depends on")
        own = [name for name, (_, package) in self._files.items() if package is self._workspace.packages[0]]
        if not own and not targets:
            raise InputError(f"there are no Lean files in {', '.join(map(str, project.sources))}")
        return list(targets) or [root for root in project.roots or () if root in self._files] or own

    def _module(self, name: str) -> SourceModule:
        if name in self._additions:
            self._overlays[name] = self._additions[name]
            return self._additions[name].source
        file, package = self._files[name]
        module = read_module(name, file)
        overlay = replacement(self._workspace.overlays, module)
        if overlay is not None:
            self._overlays[name] = overlay
            module = overlay.source
        module = with_private_parts(module, self._supplies)
        return replace(
            module,
            options=tuple(sorted(package.project.options_of(name).items())),
            included=self._included(module, package),
            folder=package.project.folder,
        )

    def _included(self, module: SourceModule, package: Package) -> str:
        """A digest of the files that the text of a module includes."""
        digest = hashlib.sha256()
        parts = [_STRING.findall(path) for path in _INCLUDED.findall(module.text.decode())]
        if not parts:
            return ""
        for path in parts:
            file = module.file.parent.joinpath(*path).resolve()
            if not file.exists() and file.is_relative_to((package.project.folder / ".lake").resolve()):
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(_PLACE_HOLDER, encoding="utf-8")
            content = file.read_bytes() if file.is_file() else b""
            if content == _PLACE_HOLDER.encode():
                self._place_holders.append(file)
            digest.update(content)
        return digest.hexdigest()
