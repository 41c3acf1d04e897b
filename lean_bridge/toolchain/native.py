"""A native Lean: the one that elan or the system installed, inside the environment of a Lake project.

LemmaForge's server is compiled once for each version of Lean, into the cache folder, by Lake.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from lean_bridge.errors import SetupError, ToolchainError
from lean_bridge.toolchain import storage
from lean_bridge.toolchain.base import Command, Fact
from lean_bridge.toolchain.storage import Progress

OLDEST_LEAN: Final = (4, 28, 0)

_SERVER: Final = "lemmaforge-server"
_LAKEFILE: Final = f"""\
name = "lemmaforge"
defaultTargets = ["{_SERVER}"]

[[lean_lib]]
name = "LemmaForge"

[[lean_exe]]
name = "{_SERVER}"
root = "Main"
supportInterpreter = true
"""
_SETUP_BYTES: Final = 500_000_000
_CURE: Final = "install Lean with elan, put it on PATH, or use `--lean embedded`"


@dataclass(frozen=True, slots=True)
class NativeToolchain:
    """A native Lean.

    Attributes:
        lake: Lake's program.
        version: what `lean --version` says.
        project: the Lake project whose environment it runs in.
        program: LemmaForge's server, compiled by this Lean.
    """

    lake: Path
    version: str
    project: Path
    program: Path

    @property
    def backend(self) -> Literal["native"]:
        """Always `native`."""
        return "native"

    def server(self) -> Command:
        """The process that speaks docs/protocol.md, with the project's modules on its search path."""
        return Command((str(self.lake), "env", str(self.program)), self.project)

    def frontend(self) -> Command:
        """The process that `FrontendProcess` talks to; it starts `lean` for each job."""
        program = Path(__file__).with_name("native_frontend.py")
        return Command((sys.executable, str(program), str(self.lake), str(self.project)), Path.cwd())

    def facts(self) -> list[Fact]:
        """Versions and paths."""
        return [
            Fact("backend", "native"),
            Fact("Lean", self.version),
            Fact("Lake", str(self.lake)),
            Fact("project", str(self.project)),
            Fact("server", f"{self.program} ({self.program.stat().st_size // 1_000_000} MB)"),
        ]


def find_lake(named: Path | None = None) -> Path | None:
    """Lake's program: the named one (or the folder that it is in), else on PATH, else where elan installs it."""
    if named is not None:
        return named / "lake" if named.is_dir() else named
    found = shutil.which("lake")
    if found:
        return Path(found)
    elan = Path.home() / ".elan" / "bin" / "lake"
    return elan if elan.is_file() else None


def is_usable(project: Path | None, lake: Path | None = None) -> bool:
    """Whether a folder is a Lake project and there is a Lake to go with it."""
    if project is None or find_lake(lake) is None:
        return False
    return any((project / name).is_file() for name in ("lean-toolchain", "lakefile.toml", "lakefile.lean"))


def find(
    project: Path | None, cache: Path, sources: Path, progress: Progress | None = None, lake: Path | None = None
) -> NativeToolchain:
    """The native Lean of a project, with LemmaForge's server compiled by it.

    Args:
        project: a Lake project; None: LemmaForge's own, which has Lean's library alone.
        cache: the folder that the server is kept in.
        sources: LemmaForge's Lean sources.
        progress: told when the server is compiled, which takes a few minutes.
        lake: the program, or the folder that it lies in, where it is not on PATH.

    Raises:
        ToolchainError: there is no Lake, or its Lean is too old.
        SetupError: the server does not compile.
    """
    program = find_lake(lake)
    if program is None or not program.is_file():
        raise ToolchainError(
            f"no native Lean: `lake` is neither {program} nor on PATH; {_CURE}"
            if program
            else f"no native Lean: `lake` is not on PATH; {_CURE}"
        )
    version = lean_version(program, project or sources)
    _refuse_old(version, project)
    home = _server_folder(cache, sources, version)
    if storage.damage(home) is not None:
        with storage.explained(cache, _SETUP_BYTES), storage.exclusive(cache, progress or _silently):
            if storage.damage(home) is not None:
                _build_server(home, program, sources, project, progress or _silently)
    return NativeToolchain(program, version, project or home, home / ".lake" / "build" / "bin" / _SERVER)


def lean_version(lake: Path, folder: Path) -> str:
    """What the Lean that belongs to a folder says of itself.

    Raises:
        ToolchainError: it cannot be started.
    """
    lean = lake.with_name("lean")
    try:
        # elan picks the toolchain by the folder, and may have to download it first
        answer = subprocess.run(
            [str(lean), "--version"], cwd=folder, capture_output=True, text=True, check=False, timeout=600
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolchainError(f"cannot start {lean}: {error}; {_CURE}") from error
    if answer.returncode != 0:
        raise ToolchainError(f"`lean --version` failed in {folder}: {answer.stderr.strip()[-500:]}; {_CURE}")
    return answer.stdout.strip()


def project_environment(lake: Path, project: Path) -> Mapping[str, str]:
    """The environment of this process with what `lake env` sets in a project; without that where Lake fails."""
    try:
        answer = subprocess.run(
            [str(lake), "env"], cwd=project, capture_output=True, text=True, check=False, timeout=600
        )
    except (OSError, subprocess.TimeoutExpired):
        return dict(os.environ)
    lines = answer.stdout.splitlines() if answer.returncode == 0 else []
    return {**os.environ, **dict(line.split("=", 1) for line in lines if "=" in line)}


def _refuse_old(version: str, project: Path | None) -> None:
    found = re.search(r"version (\d+)\.(\d+)\.(\d+)", version)
    if found is None:
        raise ToolchainError(f"cannot tell the version of Lean from what it says: {version!r}; {_CURE}")
    if tuple(map(int, found.groups())) < OLDEST_LEAN:
        where = f" of {project}" if project else ""
        needed = ".".join(map(str, OLDEST_LEAN))
        raise ToolchainError(
            f"the Lean{where} is too old ({found[0]}): LemmaForge needs {needed} or newer; raise the version in the project's lean-toolchain, or use `--lean embedded`"
        )


def _server_folder(cache: Path, sources: Path, version: str) -> Path:
    digest = hashlib.sha256(f"{version}\0{_LAKEFILE}".encode())
    for file in _lean_files(sources):
        digest.update(f"\0{file.relative_to(sources)}\0".encode() + file.read_bytes())
    return cache / "native" / digest.hexdigest()[:16]


def _lean_files(sources: Path) -> list[Path]:
    return sorted(file for file in sources.rglob("*.lean") if ".lake" not in file.parts)


def _build_server(home: Path, lake: Path, sources: Path, project: Path | None, tell: Progress) -> None:
    tell("compiling LemmaForge's server with the native Lean (a few minutes)", None)
    with storage.staged(home) as folder:
        for file in _lean_files(sources):
            target = folder / file.relative_to(sources)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        (folder / "lakefile.toml").write_text(_LAKEFILE, encoding="utf-8")
        if project is not None and (project / "lean-toolchain").is_file():
            shutil.copyfile(project / "lean-toolchain", folder / "lean-toolchain")
        done = subprocess.run([str(lake), "build"], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not (folder / ".lake" / "build" / "bin" / _SERVER).is_file():
            said = (done.stdout + done.stderr).strip()[-3000:]
            raise SetupError(
                f"LemmaForge's server does not compile with this Lean; use `--lean embedded`, or report this:\n{said}"
            )


def _silently(what: str, fraction: float | None) -> None:
    del what, fraction
