"""The embedded Lean: `lean.wasm` under node, see `host.cjs`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lean_bridge.toolchain.base import Command, Fact
from lean_bridge.toolchain.jobs import absolute
from lean_bridge.toolchain.node import Node
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
        libraries: more folders of compiled modules, which the server finds: those of a project.
    """

    node: Node
    home: Path
    forge: Path
    libraries: tuple[Path, ...] = ()

    @property
    def backend(self) -> Literal["embedded"]:
        """Always `embedded`."""
        return "embedded"

    @property
    def key(self) -> str:
        """What compiled modules depend on: they fit this Lean and no other."""
        return self.home.name

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
        path: Sequence[Path] = (),
        memory: int | None = None,
        writable: Sequence[Path] = (),
        after: Sequence[str] = (),
    ) -> Command:
        """The process that is `lean ARGUMENT...`, on the standard streams that it is given.

        Args:
            arguments: as Lean's own command line takes them.
            path: folders of compiled modules, for Lean to look into after those of `LEAN_PATH`.
            memory: how much it may take, in MB; 2048 is all there is.
            writable: folders to write in, besides the working folder and that of temporary files.
            after: a command to run when Lean ended with 0; its exit code is that of the process then.
        """
        config = {
            "home": str(self.home),
            "leanPath": absolute((*path, *self.libraries, self.forge)),
            "mode": "program",
            "memory": memory,
            "writable": [str(folder) for folder in writable],
            "after": list(after),
        }
        return Command((str(self.node.executable), str(_HOST), json.dumps(config), *arguments), Path.cwd())

    def _command(self, mode: str, cwd: Path, imports: Sequence[str]) -> Command:
        config = {
            "home": str(self.home),
            "leanPath": absolute((*self.libraries, self.forge)),
            "mode": mode,
            "imports": list(imports),
        }
        return Command((str(self.node.executable), str(_HOST), json.dumps(config)), cwd)

    def version(self) -> str:
        """Lean's version, such as `4.28.0-pre`."""
        return _text(self._stamp()[7:40])

    def commit(self) -> str:
        """The commit that Lean was built from, as 40 hexadecimal digits."""
        return _text(self._stamp()[40:80])

    def _stamp(self) -> bytes:
        with (self.home / "lib" / "lean" / "Init" / "Core.olean").open("rb") as file:
            return file.read(80)

    def facts(self) -> list[Fact]:
        """Versions, paths and sizes."""
        return [
            Fact("backend", "embedded (WebAssembly)"),
            Fact("Lean", f"{self.version()}, commit {self.commit()}"),
            Fact("node", f"{self.node.version} ({self.node.executable})"),
            Fact("Lean's files", f"{self.home} ({size_of(self.home) // 1_000_000} MB)"),
            Fact("LemmaForge's Lean modules", f"{self.forge} ({size_of(self.forge) // 1_000_000} MB)"),
            Fact("works", "tactics, metaprograms, #eval, programs; Init, Std, Lean"),
            Fact("does not work", "Mathlib, bv_decide, starting other programs; 2 GiB of memory a process"),
            Fact("differs", "#print axioms counts imported theorems, whose proofs are not in the package, as axioms"),
        ]


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("ascii", errors="replace")
