"""Lean modules as source files: their names, what they import, in which order they can be compiled.

The header of a file (Lean's `Lean.Parser.Module.header`)::

    module? prelude? (public? meta? import all? NAME)*

with comments between its parts. `/-!` and `/--` are not comments but the first command, so they end it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lean_bridge.errors import InputError

if TYPE_CHECKING:
    import networkx as nx

_PART: Final = r"(?:«[^»\n]*»|[^\W\d][\w'!?₀-₉]*)"
_TOKEN: Final = re.compile(rf"\s+|--[^\n]*|(?P<open>/-(?![-!]))|(?P<word>{_PART}(?:\.{_PART})*)")
_COMMENT_EDGE: Final = re.compile(r"/-|-/")


@dataclass(frozen=True, slots=True)
class Import:
    """One `import` line."""

    module: str
    line: int
    all: bool = False
    """Whether it is an `import all`, which shows private declarations and the bodies of definitions."""


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the first command of a file."""

    is_module: bool
    """Whether it begins with `module`, so that only what it marks `public` can be seen from outside."""
    imports: tuple[Import, ...]


@dataclass(frozen=True, slots=True)
class SourceModule:
    """A module with its source.

    Attributes:
        name: its name.
        file: where its text comes from, and what messages call it.
        text: what is compiled.
        header: what stands before the first command of the text.
        options: Lean's options to compile it with, in order.
        included: a digest of other files that its text includes.
        folder: what it may read while it is compiled; None: nothing but its own text.
    """

    name: str
    file: Path
    text: bytes
    header: Header
    options: tuple[tuple[str, str], ...] = ()
    included: str = ""
    folder: Path | None = None


def read_module(name: str, file: Path) -> SourceModule:
    """Reads a module from its file.

    Raises:
        InputError: the file cannot be read, or is not text.
    """
    try:
        content = file.read_bytes()
        text = content.decode("utf-8")
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not a Lean file: it is not UTF-8 text (byte {error.start})") from error
    return SourceModule(name, file, content, read_header(text))


def read_header(text: str) -> Header:
    """What a file says before its first command."""
    words = list(_header_words(text))
    is_module = bool(words) and words[0][0] == "module"
    imports = []
    expecting = with_private = False
    for word, line in words:
        if expecting and word == "all":
            with_private = True
        elif expecting:
            imports.append(Import(word.replace("«", "").replace("»", ""), line, with_private))
            expecting = False
        elif word == "import":
            expecting, with_private = True, False
        elif word not in ("module", "prelude", "public", "meta", "all"):
            break
    return Header(is_module, tuple(imports))


def _header_words(text: str) -> Iterator[tuple[str, int]]:
    """Words with their line numbers, up to the first thing that no header holds."""
    at, line = 0, 1
    while match := _TOKEN.match(text, at):
        end = match.end() if match["open"] is None else _comment_end(text, match.end())
        if match["word"]:
            yield match["word"], line
        line += text.count("\n", at, end)
        at = end


def _comment_end(text: str, at: int) -> int:
    depth = 1
    for edge in _COMMENT_EDGE.finditer(text, at):
        depth += 1 if edge[0] == "/-" else -1
        if depth == 0:
            return edge.end()
    return len(text)


def module_name(file: Path, root: Path) -> str:
    """The name of the module whose source is `file`, under the source folder `root`: `A/B.lean` is `A.B`."""
    return ".".join(file.relative_to(root).with_suffix("").parts)


def module_graph(modules: Mapping[str, SourceModule]) -> nx.DiGraph[str]:
    """Edges from each imported module to those that import it, over the given modules alone.

    Raises:
        InputError: modules import each other in a circle; the message shows it with file and line.
    """
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(modules)
    for module in modules.values():
        for imported in module.header.imports:
            if imported.module in modules:
                graph.add_edge(imported.module, module.name, line=imported.line)
    if not nx.is_directed_acyclic_graph(graph):
        circle = [
            f"{modules[importer].file}:{graph.edges[imported, importer]['line']}: {importer} imports {imported}"
            for imported, importer in nx.find_cycle(graph)
        ]
        raise InputError("modules import each other in a circle:\n  " + "\n  ".join(circle))
    return graph


def compile_order(graph: nx.DiGraph[str]) -> list[str]:
    """All modules, each after those that it imports; the same on every run."""
    import networkx as nx

    return list(nx.lexicographical_topological_sort(graph))


def fingerprints(modules: Mapping[str, SourceModule], order: Iterable[str], salt: str) -> dict[str, str]:
    """A hash for each module that changes with its text and options, with any of its imports, however far away, and with `salt`."""
    found: dict[str, str] = {}
    for name in order:
        digest = hashlib.sha256(salt.encode())
        digest.update(modules[name].text)
        for option, value in modules[name].options:
            digest.update(f"\0{option}={value}".encode())
        digest.update(modules[name].included.encode())
        for imported in modules[name].header.imports:
            digest.update(f"\0{imported.module} {found.get(imported.module, '')}".encode())
        found[name] = digest.hexdigest()
    return found
