"""Reads of a Lake project what can be read without Lake: where its sources are, and which modules it wants built.

`lakefile.toml` says it as data. `lakefile.lean` is a program; the usual declarations in it are recognized, and what is computed is not.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lean_bridge.errors import InputError
from lean_bridge.toolchain.modules import module_name

_OUTPUT: Final = Path(".lake") / "build" / "lib" / "lean"
_TARGET: Final = re.compile(r"^\s*(?:@\[[^\]]*\]\s*)?(lean_lib|lean_exe|package)\s+(«[^»]+»|[\w.]+)", re.MULTILINE)
_SOURCE_FOLDER: Final = re.compile(r'\bsrcDir\s*:=\s*"([^"]*)"')
_ROOTS: Final = re.compile(r"\broots?\s*:=\s*((?:#\[[^\]]*\])|`[\w.«»]+)")
_NAME: Final = re.compile(r"`([\w.«»]+)")
_COMMENT: Final = re.compile(r"--[^\n]*|/-.*?-/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LakeProject:
    """A folder of Lean sources.

    Attributes:
        folder: the project's folder.
        sources: the folders that module names start from.
        roots: the modules that it wants built, with all that they import; None if it does not say.
        targets: the roots of each of its libraries and programs, by name.
    """

    folder: Path
    sources: tuple[Path, ...]
    roots: tuple[str, ...] | None
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def output(self) -> Path:
        """Where its compiled modules belong."""
        return self.folder / _OUTPUT

    def files(self) -> dict[str, Path]:
        """All modules that lie under the source folders, built or not. The first source folder wins."""
        found: dict[str, Path] = {}
        for source in self.sources:
            for file in _lean_files(source):
                found.setdefault(module_name(file, source), file)
        return found


def read_project(folder: Path) -> LakeProject:
    """Reads the project in a folder. A folder without a lakefile is a project with all of its files in it.

    Raises:
        InputError: there is no such folder, or its lakefile.toml is not TOML.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: give the folder of a Lean project")
    if (folder / "lakefile.toml").is_file():
        return _from_toml(folder, folder / "lakefile.toml")
    if (folder / "lakefile.lean").is_file():
        return _from_lean(folder, (folder / "lakefile.lean").read_text(encoding="utf-8", errors="replace"))
    return LakeProject(folder, (folder,), None)


def enclosing_library(file: Path) -> Path | None:
    """The compiled modules of the project that a file lies in, if it was built."""
    return next((parent / _OUTPUT for parent in file.absolute().parents if (parent / _OUTPUT).is_dir()), None)


def _from_toml(folder: Path, file: Path) -> LakeProject:
    try:
        config = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not valid TOML: {error}") from error
    base = folder / str(config.get("srcDir", "."))
    sources = [base]
    targets: dict[str, tuple[str, ...]] = {}
    for kind in ("lean_lib", "lean_exe"):
        for target in config.get(kind, []):
            sources.append(base / str(target.get("srcDir", ".")))
            targets[str(target.get("name", ""))] = tuple(_toml_roots(target))
    return _project(folder, sources, targets)


def _project(folder: Path, sources: list[Path], targets: Mapping[str, tuple[str, ...]]) -> LakeProject:
    roots = tuple(dict.fromkeys(root for named in targets.values() for root in named))
    return LakeProject(folder, _distinct(sources), roots or None, targets)


def _toml_roots(target: Mapping[str, object]) -> list[str]:
    named = target.get("roots", target.get("root", target.get("name", [])))
    return [str(name) for name in named] if isinstance(named, list) else [str(named)]


def _from_lean(folder: Path, text: str) -> LakeProject:
    text = _COMMENT.sub("", text)
    starts = list(_TARGET.finditer(text))
    base = folder
    sources: list[Path] = []
    targets: dict[str, tuple[str, ...]] = {}
    for here, after in zip(starts, [*starts[1:], None], strict=True):
        block = text[here.end() : after.start() if after else len(text)]
        source = _SOURCE_FOLDER.search(block)
        if here[1] == "package":
            base = folder / source[1] if source else folder
            continue
        sources.append(base / source[1] if source else base)
        named = _ROOTS.search(block)
        targets[_plain(here[2])] = tuple(map(_plain, _NAME.findall(named[1]) if named else [here[2]]))
    return _project(folder, [base, *sources], targets)


def _plain(name: str) -> str:
    return name.replace("«", "").replace("»", "")


def _distinct(folders: list[Path]) -> tuple[Path, ...]:
    """Without repetitions, the deeper ones first: a module's name is counted from the nearest source folder."""
    return tuple(sorted(dict.fromkeys(folders), key=lambda folder: -len(folder.parts)))


def _lean_files(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        if entry.name.startswith(".") or entry.name in ("lakefile.lean", "lake-packages", "build"):
            continue
        if entry.is_dir():
            yield from _lean_files(entry)
        elif entry.suffix == ".lean":
            yield entry
