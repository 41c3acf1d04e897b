"""A native Lean: the one that elan or the system installed, inside the environment of a Lake project.

LemmaForge's server is compiled once for each version of Lean, into the cache folder, by Lake. Which Lean belongs to a project is asked of `lean`
itself, in the project's folder: where that is elan's stand-in, a `lean-toolchain` there or further up, an override or the default decides, and elan
downloads what is missing. From then on that Lean's own programs are used, whatever folder they run in.
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

from lean_bridge.errors import InputError, SetupError, ToolchainError
from lean_bridge.lakefile import read_manifest
from lean_bridge.toolchain import releases, storage
from lean_bridge.toolchain.base import Command, Fact
from lean_bridge.toolchain.native_frontend import variables
from lean_bridge.toolchain.provenance import Origin, source_commit
from lean_bridge.toolchain.storage import Progress

_SERVER: Final = "lemmaforge-server"
_LAKEFILE: Final = f"""\
name = "lemmaforge"
defaultTargets = ["{_SERVER}"]
# The sources are tested with the Lean that these options take later releases back to. `weak`: as far as there is such an option.
leanOptions = [
  {{ name = "weak.backward.do.legacy", value = true }},
  {{ name = "weak.backward.isDefEq.respectTransparency", value = false }},
  {{ name = "weak.backward.isDefEq.respectTransparency.types", value = false }},
]

[[lean_lib]]
name = "LemmaForge"

[[lean_exe]]
name = "{_SERVER}"
root = "Main"
supportInterpreter = true
"""
_IMPORT: Final = re.compile(r"^public import Lean\.[\w.]+$", re.MULTILINE)
_SETUP_BYTES: Final = 500_000_000
_DOWNLOAD_SECONDS: Final = 1800.0
_CURE: Final = "install Lean with elan, put it on PATH, or use `--lean embedded`"


@dataclass(frozen=True, slots=True)
class NativeToolchain:
    """A native Lean.

    Attributes:
        lake: Lake's program: where elan is in charge, not its stand-in but that of the project's Lean.
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

    def origins(self) -> tuple[Origin, ...]:
        """The project's commit and those of its packages, as git and Lake's manifest have them now."""
        if self.program.is_relative_to(self.project):
            return ()
        packages = {name: revision or "" for name, (revision, _) in read_manifest(self.project).items()}
        name = self.project.resolve().name
        return (Origin(name, {name: source_commit(self.project), **packages}),)

    def facts(self) -> list[Fact]:
        """Versions and paths, what LemmaForge was tried with of this release, and what speaks against it."""
        version = releases.version_of(self.version) or releases.OLDEST
        concerns = releases.concerns(version)
        return [
            Fact("backend", "native"),
            Fact("Lean", self.version),
            Fact("Lake", str(self.lake)),
            Fact("project", str(self.project)),
            Fact("server", f"{self.program} ({self.program.stat().st_size // 1_000_000} MB)"),
            Fact("tried with it", releases.tried(version)),
            *([Fact("note", "; ".join(concerns))] if concerns else []),
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
        progress: told what may take minutes: elan's download of a Lean, and the server's compilation.
        lake: the program, or the folder that it lies in, where it is not on PATH.

    Raises:
        InputError: there is no such folder.
        ToolchainError: there is no Lake, or its Lean is too old.
        SetupError: the server does not compile.
    """
    if project is not None and not project.is_dir():
        raise InputError(f"there is no folder {project}: `--project` takes the folder of a Lake project")
    program = find_lake(lake)
    if program is None or not program.is_file():
        raise ToolchainError(
            f"no native Lean: `lake` is neither {program} nor on PATH; {_CURE}"
            if program
            else f"no native Lean: `lake` is not on PATH; {_CURE}"
        )
    project = project.absolute() if project else None
    tell = progress or _silently
    tell("asking for the project's Lean (elan downloads it if it is not there)", None)
    version = lean_version(program, project or sources)
    _refuse_old(version, project)
    program = _own_lake(program, project or sources)
    home = _server_folder(cache, sources, version)
    if storage.damage(home) is not None:
        with storage.explained(cache, _SETUP_BYTES), storage.exclusive(cache, tell):
            if storage.damage(home) is not None:
                _build_server(home, program, sources, project, tell)
    return NativeToolchain(program, version, project or home, home / ".lake" / "build" / "bin" / _SERVER)


def lean_version(lake: Path, folder: Path) -> str:
    """What the Lean that belongs to a folder says of itself.

    Raises:
        ToolchainError: it cannot be started.
    """
    return _lean_says(lake, folder, "--version")


def _own_lake(lake: Path, folder: Path) -> Path:
    """The Lake that comes with the Lean of a folder. A Lean that comes without one is served by the Lake that was found."""
    own = Path(_lean_says(lake, folder, "--print-prefix")) / "bin" / "lake"
    return own if own.is_file() else lake


def _lean_says(lake: Path, folder: Path, question: str) -> str:
    lean = lake.with_name("lean")
    if not lean.is_file():  # Lake may be a link in a folder of links
        lean = Path(shutil.which("lean") or lean)
    try:
        answer = subprocess.run(
            [str(lean), question], cwd=folder, capture_output=True, text=True, check=False, timeout=_DOWNLOAD_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolchainError(f"cannot start {lean}: {error}; {_CURE}") from error
    if answer.returncode != 0:
        # elan, as a rule: no default, no such release, no network
        raise ToolchainError(
            f"`lean {question}` failed in {folder}: {answer.stderr.strip()[-500:]}; look at the lean-toolchain file there "
            f"(a release that fits is `leanprover/lean4:{releases.RELEASES[-1].newest}`), or use `--lean embedded`"
        )
    return answer.stdout.strip()


def project_environment(lake: Path, project: Path) -> Mapping[str, str]:
    """The environment of this process with what `lake env` sets in a project; without that where Lake fails."""
    try:
        answer = subprocess.run(
            [str(lake), "env"], cwd=project, capture_output=True, text=True, check=False, timeout=_DOWNLOAD_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return dict(os.environ)
    return {**os.environ, **(variables(answer.stdout) if answer.returncode == 0 else {})}


def _refuse_old(said: str, project: Path | None) -> None:
    version = releases.version_of(said)
    if version is None:
        raise ToolchainError(f"cannot tell the version of Lean from what it says: {said!r}; {_CURE}")
    if version < releases.OLDEST:
        where = f" of {project}" if project else ""
        raise ToolchainError(
            f"the Lean{where} is too old (version {releases.written(version)}): LemmaForge needs {releases.written(releases.OLDEST)} or newer; "
            "raise the version in the project's lean-toolchain, or use `--lean embedded`"
        )


def _server_folder(cache: Path, sources: Path, version: str) -> Path:
    digest = hashlib.sha256(f"{version}\0{_LAKEFILE}".encode())
    for file in _lean_files(sources):
        digest.update(f"\0{file.relative_to(sources)}\0{_native_text(file)}".encode())
    return cache / "native" / digest.hexdigest()[:16]


def _lean_files(sources: Path) -> list[Path]:
    return sorted(file for file in sources.rglob("*.lean") if ".lake" not in file.parts)


def _native_text(source: Path) -> str:
    """A source file that imports all of Lean. Which other modules a module of Lean hands on changes from release to release.

    Importing what is used costs the embedded Lean less, and its release never changes.
    """
    return _IMPORT.sub("public import Lean", source.read_text(encoding="utf-8"))


def _build_server(home: Path, lake: Path, sources: Path, project: Path | None, tell: Progress) -> None:
    tell("compiling LemmaForge's server with the native Lean (a few minutes)", None)
    with storage.staged(home) as folder:
        for file in _lean_files(sources):
            target = folder / file.relative_to(sources)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_native_text(file), encoding="utf-8")
        (folder / "lakefile.toml").write_text(_LAKEFILE, encoding="utf-8")
        if project is not None and (project / "lean-toolchain").is_file():
            shutil.copyfile(project / "lean-toolchain", folder / "lean-toolchain")
        done = subprocess.run(
            [str(lake), "build"], cwd=folder, env=_build_environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0 or not (folder / ".lake" / "build" / "bin" / _SERVER).is_file():
            said = (done.stdout + done.stderr).strip()[-3000:]
            raise SetupError(
                f"LemmaForge's server does not compile with this Lean; use a release from the table in docs/native.md or `--lean embedded`, or report this:\n{said}"
            )


def _build_environment() -> dict[str, str]:
    """This process's environment without another project's modules, and with the program left in the folder that it is built in."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"LEAN_PATH", "LEAN_SRC_PATH"}}
    return {**inherited, "LAKE_ARTIFACT_CACHE": "false"}


def _silently(what: str, fraction: float | None) -> None:
    del what, fraction
