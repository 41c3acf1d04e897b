"""The embedded Lean: `lean.wasm` under node, see `host.cjs`."""

from __future__ import annotations

import json
import os
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lean_bridge.toolchain.base import Command, Fact
from lean_bridge.toolchain.jobs import absolute
from lean_bridge.toolchain.library import Library
from lean_bridge.toolchain.node import Node
from lean_bridge.toolchain.packs import InstalledPack
from lean_bridge.toolchain.provenance import Origin, read_origin
from lean_bridge.toolchain.storage import size_of

_HOST = Path(__file__).parent / "host.cjs"
_SERVER_IMPORTS = ("LemmaForge",)


@dataclass(frozen=True, slots=True)
class EmbeddedToolchain:
    """An installed embedded Lean.

    Attributes:
        node: what runs it.
        home: `lean.js`, `lean.wasm` and `lib/lean`, prepared.
        forge: the compiled modules of LemmaForge itself.
        libraries: more folders of compiled modules, which files find: those of a project.
        packs: libraries that were installed.
    """

    node: Node
    home: Path
    forge: Path
    libraries: tuple[Path, ...] = ()
    packs: tuple[InstalledPack, ...] = ()

    @property
    def backend(self) -> Literal["embedded"]:
        """Always `embedded`."""
        return "embedded"

    @property
    def key(self) -> str:
        """What compiled modules depend on: they fit this Lean and no other."""
        return self.home.name

    @property
    def salt(self) -> str:
        """What the fingerprints of compiled modules begin with: the Lean, and the packs that they may import."""
        return " ".join((self.key, *(pack.folder.name for pack in self.packs)))

    def apart_from(self, roots: Container[str]) -> EmbeddedToolchain:
        """Without the packs that have modules of the same libraries, such as `Mathlib`: modules of two builds of one library do not go together."""
        apart = (p for p in self.packs if not any(module.partition(".")[0] in roots for module in p.pack.modules))
        return replace(self, packs=tuple(apart))

    def over(self, library: Path) -> EmbeddedToolchain:
        """With what was built of a project, and without the packs that have modules of the same libraries."""
        return replace(self, libraries=(library,)).apart_from({folder.name for folder in library.iterdir()})

    def server(self) -> Command:
        """The process that speaks docs/protocol.md."""
        return self._command("server", self.home, _SERVER_IMPORTS)

    def frontend(self) -> Command:
        """The process that `FrontendProcess` talks to. It can read and write below the working folder, and where its jobs say."""
        return self._command("frontend", Path.cwd(), ())

    def program(
        self,
        arguments: Sequence[str],
        *,
        memory: int | None = None,
        writable: Sequence[Path] = (),
        after: Sequence[str] = (),
    ) -> Command:
        """The process that is `lean ARGUMENT...`, on the standard streams that it is given. It finds modules in the folders of `LEAN_PATH` first.

        Args:
            arguments: as Lean's own command line takes them.
            memory: how much it may take, in MB; 2048 is all there is.
            writable: folders to write in, besides the working folder and that of temporary files.
            after: a command to run when Lean ended with 0; its exit code is that of the process then.
        """
        config = {
            "home": str(self.home),
            "leanPath": self._path(),
            "mode": "program",
            "seen": _seen((*self.libraries, *_lean_path())),
            "memory": memory,
            "writable": [str(folder) for folder in writable],
            "after": list(after),
        }
        return Command((str(self.node.executable), str(_HOST), json.dumps(config), *arguments), Path.cwd())

    def _command(self, mode: str, cwd: Path, imports: Sequence[str]) -> Command:
        config = {
            "home": str(self.home),
            "leanPath": self._path(),
            "mode": mode,
            "imports": list(imports),
            "seen": _seen(self.libraries),
        }
        return Command((str(self.node.executable), str(_HOST), json.dumps(config)), cwd)

    def _path(self) -> Sequence[str]:
        return absolute((*self.libraries, *(pack.library for pack in self.packs), self.forge))

    def version(self) -> str:
        """Lean's version, such as `4.28.0-pre`."""
        return _text(self._stamp()[7:40])

    def commit(self) -> str:
        """The commit that Lean was built from, as 40 hexadecimal digits."""
        return _text(self._stamp()[40:80])

    def _stamp(self) -> bytes:
        with (self.home / "lib" / "lean" / "Init" / "Core.olean").open("rb") as file:
            return file.read(80)

    def origins(self) -> tuple[Origin, ...]:
        """What the libraries beyond Lean's own were compiled from: those of projects, then packs."""
        projects = (read_origin(folder) for folder in self.libraries)
        return (*(origin for origin in projects if origin is not None), *(pack.origin for pack in self.packs))

    def facts(self) -> list[Fact]:
        """Versions, paths and sizes."""
        return [
            Fact("backend", "embedded (WebAssembly)"),
            Fact("Lean", f"{self.version()}, commit {self.commit()}"),
            Fact("node", f"{self.node.version} ({self.node.executable})"),
            Fact("Lean's files", f"{self.home} ({size_of(self.home) // 1_000_000} MB)"),
            Fact("LemmaForge's Lean modules", f"{self.forge} ({size_of(self.forge) // 1_000_000} MB)"),
            *(Fact("project", f"{origin}, {folder}") for folder in self.libraries if (origin := read_origin(folder))),
            *(
                Fact(f"pack {p.pack.name}", f"{len(p.pack.modules)} modules: {p.origin}, {p.folder}")
                for p in self.packs
            ),
            Fact("works", "tactics, metaprograms, #eval, programs; Init, Std, Lean"),
            Fact("does not work", "bv_decide, starting other programs; 2 GiB of memory a process"),
            Fact("differs", "#print axioms counts imported theorems, whose proofs are not in the package, as axioms"),
        ]


def _seen(libraries: Sequence[Path]) -> list[str] | None:
    """The modules whose private parts are loaded; None: all."""
    return None if all(Library(library).private_parts_fit() for library in libraries) else []


def _lean_path() -> list[Path]:
    return [Path(folder) for folder in os.environ.get("LEAN_PATH", "").split(os.pathsep) if folder]


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("ascii", errors="replace")
