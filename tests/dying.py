"""A Lean that dies of one request."""

from __future__ import annotations

import sys
from dataclasses import replace

from lean_bridge.toolchain import Toolchain
from lean_bridge.toolchain.base import Backend, Command, Fact
from lean_bridge.toolchain.provenance import Origin


class DyingLean:
    """The embedded Lean behind a proxy that kills it when a method is asked for something that mentions the victim."""

    def __init__(self, toolchain: Toolchain, method: str, victim: str) -> None:
        self._toolchain = toolchain
        self._method = method
        self._victim = victim

    @property
    def backend(self) -> Backend:
        return self._toolchain.backend

    def server(self) -> Command:
        command = self._toolchain.server()
        proxy = (
            "import subprocess, sys\n"
            f"lean = subprocess.Popen({list(command.argv)!r}, stdin=subprocess.PIPE)\n"
            "for line in sys.stdin.buffer:\n"
            f"    if {self._victim.encode()!r} in line and {self._method.encode()!r} in line:\n"
            "        lean.kill()\n"
            "        break\n"
            "    lean.stdin.write(line)\n"
            "    lean.stdin.flush()\n"
            "lean.stdin.close()\n"
            "sys.exit(lean.wait() & 1)\n"
        )
        return replace(command, argv=(sys.executable, "-c", proxy))

    def frontend(self) -> Command:
        return self._toolchain.frontend()

    def origins(self) -> tuple[Origin, ...]:
        return self._toolchain.origins()

    def facts(self) -> list[Fact]:
        return self._toolchain.facts()
