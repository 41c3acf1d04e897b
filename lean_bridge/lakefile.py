"""Reads of a Lake project what can be read without Lake: where its sources are, which modules it wants built, and with which options.

`lakefile.toml` says it as data. `lakefile.lean` is a program; the usual declarations in it are recognized, and what is computed is not.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lean_bridge.errors import InputError
from lean_bridge.toolchain.modules import module_name

_OUTPUT: Final = Path(".lake") / "build" / "lib" / "lean"
_MANIFEST: Final = "lake-manifest.json"
_TARGET: Final = re.compile(r"^\s*(?:@\[[^\]]*\]\s*)?(lean_lib|lean_exe|package)\s+(«[^»]+»|[\w.]+)", re.MULTILINE)
_SOURCE_FOLDER: Final = re.compile(r'\bsrcDir\s*:=\s*"([^"]*)"')
_ROOTS: Final = re.compile(r"\broots?\s*:=\s*((?:#\[[^\]]*\])|`[\w.«»]+)")
_NAME: Final = re.compile(r"`([\w.«»]+)")
_OPTIONS: Final = re.compile(r"\bleanOptions\s*:=\s*(?:#\[(?P<these>[^\]]*)\]|(?P<named>[\w.]+))")
_OPTION: Final = re.compile(r'⟨\s*`([\w.«»]+)\s*,\s*(?:\.of\w+\s+)?("[^"]*"|[\w.]+)\s*⟩')
_COMMENT: Final = re.compile(r"--[^\n]*|/-.*?-/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LakeProject:
    """A folder of Lean sources.

    Attributes:
        folder: the project's folder.
        sources: the folders that module names start from.
        roots: the modules that it wants built, with all that they import; None if it does not say.
        targets: the roots of each of its libraries and programs, by name.
        options: Lean's options for the modules below each root; those for all modules are under the empty name.
    """

    folder: Path
    sources: tuple[Path, ...]
    roots: tuple[str, ...] | None
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def options_of(self, module: str) -> dict[str, str]:
        """The options that a module is to be compiled with, as `lean -D` takes them."""
        found: dict[str, str] = {}
        for root in ("", *(name for name in self.options if name and f"{module}.".startswith(f"{name}."))):
            found |= self.options.get(root, {})
        return found

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


def read_manifest(folder: Path) -> dict[str, tuple[str | None, Path]]:
    """Revision and folder of each package that `lake-manifest.json` lists; none where there is no such file.

    Raises:
        InputError: it is not as Lake writes it.
    """
    file = folder / _MANIFEST
    if not file.is_file():
        return {}
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        base = folder / str(manifest.get("packagesDir", ".lake/packages"))
        return {
            str(entry["name"]): (
                entry.get("rev"),
                (folder / entry["dir"] if entry["type"] == "path" else base / str(entry["name"]))
                / str(entry.get("subDir") or ""),
            )
            for entry in manifest["packages"]
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file} is not a manifest as Lake writes it: {error!r}") from error


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
    options = {"": _toml_options(config)}
    for kind in ("lean_lib", "lean_exe"):
        for target in config.get(kind, []):
            sources.append(base / str(target.get("srcDir", ".")))
            roots = targets[str(target.get("name", ""))] = tuple(_toml_roots(target))
            options |= dict.fromkeys(roots, _toml_options(target))
    return _project(folder, sources, targets, options)


def _project(
    folder: Path,
    sources: list[Path],
    targets: Mapping[str, tuple[str, ...]],
    options: Mapping[str, Mapping[str, str]],
) -> LakeProject:
    roots = tuple(dict.fromkeys(root for named in targets.values() for root in named))
    return LakeProject(folder, _distinct(sources), roots or None, targets, options)


def _toml_options(target: Mapping[str, object]) -> dict[str, str]:
    return dict(_flat("", target.get("leanOptions", {})))


def _flat(prefix: str, value: object) -> Iterator[tuple[str, str]]:
    """The entries of a table of options; `a.b = true` is a table in a table."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else name, below)
    else:
        yield prefix, str(value).lower() if isinstance(value, bool) else str(value)


def _toml_roots(target: Mapping[str, object]) -> list[str]:
    named = target.get("roots", target.get("root", target.get("name", [])))
    return [str(name) for name in named] if isinstance(named, list) else [str(named)]


def _from_lean(folder: Path, text: str) -> LakeProject:
    text = _COMMENT.sub("", text)
    starts = list(_TARGET.finditer(text))
    base = folder
    sources: list[Path] = []
    targets: dict[str, tuple[str, ...]] = {}
    options: dict[str, dict[str, str]] = {}
    for here, after in zip(starts, [*starts[1:], None], strict=True):
        block = text[here.end() : after.start() if after else len(text)]
        source = _SOURCE_FOLDER.search(block)
        if here[1] == "package":
            base = folder / source[1] if source else folder
            options[""] = _lean_options(block, text)
            continue
        sources.append(base / source[1] if source else base)
        named = _ROOTS.search(block)
        own = targets[_plain(here[2])] = tuple(map(_plain, _NAME.findall(named[1]) if named else [here[2]]))
        options |= dict.fromkeys(own, _lean_options(block, text))
    return _project(folder, [base, *sources], targets, options)


def _lean_options(block: str, text: str) -> dict[str, str]:
    """The options of one declaration: those that it lists, or that the list lists whose name it gives. What is appended to a list is computed, and left out."""
    found = _OPTIONS.search(block)
    if found is None:
        return {}
    listed = found["these"]
    if listed is None:
        defined = re.search(rf"\b(?:def|abbrev)\s+{re.escape(found['named'])}\b[^#]*:=\s*#\[([^\]]*)\]", text)
        listed = defined[1] if defined else ""
    return {_plain(name): value.strip('"') for name, value in _OPTION.findall(listed)}


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
