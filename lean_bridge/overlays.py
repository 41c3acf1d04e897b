"""Modules that stand in for those which the embedded Lean cannot compile as they are.

Its library lacks all private parts, so that a module with `import all` of one of Lean's own modules fails. An overlay is a Lean file which cures that. Its
first comment says what it does::

    /-
    Overlay
    Replaces: Batteries.Control.OptionT
    Text: 0f3c…                          (sha256 of the file that it replaces, in hexadecimal)
    Why: its proofs unfold definitions of Init.Control.Option, whose bodies are private.
    Leaves out: nothing.
    -/

An overlay that names the text which it replaces may keep parts of it, by line number, and bring only what is different::

    --= 1-57
    theorem ext … (our own)
    --= 60-

With `Supplies: Lean.Meta.Tactic.Apply` in the place of `Replaces`, it declares, publicly and by public means, what others take from the private part
of that module, and `import all Lean.Meta.Tactic.Apply` is read as an import of both.

A folder of overlays is laid out as a source folder is. Those in the folder that came with LemmaForge are used where the text which they replace is exactly
the one that they were written for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from lean_bridge.errors import InputError
from lean_bridge.toolchain.modules import SourceModule, module_name, read_header, read_module

_FIRST_COMMENT: Final = re.compile(r"\s*/-\s*Overlay\s*\n(?P<body>.*?)-/", re.DOTALL)
_KEPT: Final = re.compile(r"^--= (\d+)(-?)(\d*)$", re.MULTILINE)
_FIELD: Final = re.compile(r"^(Replaces|Supplies|Text|Why|Leaves out):", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Overlay:
    """A replacement, or an addition.

    Attributes:
        source: its text; a replacement has the name of the module that it replaces.
        target: the module that it replaces, or whose private part it stands for.
        replaces: which of the two.
        digest: the sha256 of the text to be replaced; None: whatever it is.
        why: what is wrong with the original.
        leaves_out: what the original has and this does not.
    """

    source: SourceModule
    target: str
    replaces: bool
    digest: str | None
    why: str
    leaves_out: str


def shipped() -> Path:
    """The folder of the overlays that came with this package, one folder a library."""
    return Path(__file__).parent / "overlays"


def read_overlays(folder: Path) -> list[Overlay]:
    """All overlays in a folder.

    Raises:
        InputError: it is no folder, or a file in it does not say in its header what it is.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: give a folder of overlays")
    return [_read_overlay(file, folder) for file in sorted(folder.rglob("*.lean"))]


def _read_overlay(file: Path, folder: Path) -> Overlay:
    source = read_module(module_name(file, folder), file)
    comment = _FIRST_COMMENT.match(source.text.decode())
    said = _fields(comment["body"]) if comment else {}
    target = said.get("Replaces") or said.get("Supplies")
    if target is None or "Why" not in said or "Leaves out" not in said:
        raise InputError(
            f"{file} is no overlay: its first comment must begin with the line `Overlay` and have `Replaces: MODULE` or `Supplies: MODULE`, "
            "`Why:` and `Leaves out:`"
        )
    if "Replaces" in said and source.name != target:
        raise InputError(f"{file}: an overlay that replaces {target} belongs in {target.replace('.', '/')}.lean")
    if _KEPT.search(source.text.decode()) and "Text" not in said:
        raise InputError(f"{file} keeps lines of the text that it replaces: say with `Text: SHA256` which text that is")
    return Overlay(source, target, "Replaces" in said, said.get("Text"), said["Why"], said["Leaves out"])


def _fields(body: str) -> dict[str, str]:
    found = list(_FIELD.finditer(body))
    ends = [*(match.start() for match in found[1:]), len(body)]
    return {match[1]: " ".join(body[match.end() : end].split()) for match, end in zip(found, ends, strict=True)}


def replacement(overlays: Iterable[Overlay], original: SourceModule) -> Overlay | None:
    """The overlay to take in the place of a module, whole: the first that names it and was written for its text, or for any.

    Where there is one for another text only, there is none.
    """
    digest = hashlib.sha256(original.text).hexdigest()
    for overlay in overlays:
        if overlay.replaces and overlay.target == original.name and overlay.digest in (None, digest):
            return replace(overlay, source=_whole(overlay.source, original))
    return None


def _whole(overlay: SourceModule, original: SourceModule) -> SourceModule:
    """The overlay with what it keeps of the original."""
    lines = original.text.decode().splitlines(keepends=True)

    def kept(match: re.Match[str]) -> str:
        first = int(match[1])
        last = int(match[3]) if match[3] else (len(lines) if match[2] else first)
        return "".join(lines[first - 1 : last]).removesuffix("\n")

    text = _KEPT.sub(kept, overlay.text.decode())
    return replace(overlay, text=text.encode(), header=read_header(text))


def with_private_parts(module: SourceModule, supplies: Mapping[str, Sequence[Overlay]]) -> SourceModule:
    """The module with its `import all` lines extended to what stands for the private parts that they ask for.

    Args:
        module: the module; its lines keep their numbers.
        supplies: the overlays by the module whose private part they stand for.
    """
    wanted = [imported.module for imported in module.header.imports if imported.all and imported.module in supplies]
    if not wanted:
        return module
    text = module.text.decode()
    for name in wanted:
        added = " ".join(f"public import {s.source.name} public meta import {s.source.name}" for s in supplies[name])
        line = rf"\bimport\s+all\s+{re.escape(name)}(?![\w.])"
        text = re.sub(line, f"import {name} meta import {name} {added}", text, count=1)
    return replace(module, text=text.encode(), header=read_header(text))
