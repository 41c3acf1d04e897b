"""Projects as LeanDojo wants them: a git repository that is its own, traced once.

LeanDojo knows a local project by its folder's name and last commit, clones that commit, and so would trace an old text under a name that another project may have. So it is
given a copy: a repository with one commit that holds what lies in the folder now, under a name that no other text has.

::

    CACHE/leandojo/
    └── algebra-3f2b…/            one project in one state, whole or not there (storage.py)
        ├── algebra-3f2b…/        the repository that LeanDojo is given
        ├── stub/                 what answers in the place of a code host
        └── traced/               LeanDojo's own cache
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lean_bridge.dojo_process import DojoProcess, TracedFolder, require_leandojo
from lean_bridge.errors import InputError, SetupError, ToolchainError
from lean_bridge.lakefile import read_project
from lean_bridge.shims import write_shims
from lean_bridge.toolchain import cache_folder
from lean_bridge.toolchain.embedded import EmbeddedToolchain
from lean_bridge.toolchain.provision import lean_sources
from lean_bridge.toolchain.storage import Progress, damage, exclusive, explained, staged

_LEAN_FILES: Final = {(4, 28): "v4.28"}
"""The folder of the Lean files that LeanDojo is given, by the first release that they are for."""

_TOOLCHAIN: Final = re.compile(r"leanprover/lean4:(\S+)")
_VERSION: Final = re.compile(r"Lean \(version ((\d+)\.(\d+)\.\S+?),(?:.*commit (\w{7}))?")
_NEEDED_BYTES: Final = 100_000_000
_FORMAT: Final = "1"
"""To be raised when the same project is to be traced anew."""


@dataclass(frozen=True, slots=True)
class DojoSource:
    """The files that LeanDojo is to see.

    Attributes:
        name: of the project.
        files: their contents, by path from the project's folder.
        packages: folders of packages that it requires, by name.
    """

    name: str
    files: Mapping[str, bytes]
    packages: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class _Lean:
    """The Lean on a search path."""

    path: str
    version: str
    commit: str


def folder_source(folder: Path, extra: Mapping[str, bytes] | None = None) -> DojoSource:
    """A project as it lies in its folder, uncommitted changes included, with files `extra` in it.

    Raises:
        InputError: it is no Lean project, or one that LeanDojo cannot follow.
    """
    project = read_project(folder)
    outside = [source for source in project.sources if source.resolve() != folder.resolve()]
    if outside:
        raise InputError(
            f"{folder} keeps its sources in {outside[0]}, and LeanDojo looks for them beside the lakefile; "
            "trace it without `--driver leandojo`."
        )
    files = {str(file.relative_to(folder)): file.read_bytes() for file in _files(folder)} | dict(extra or {})
    packages = folder / ".lake" / "packages"
    found = {entry.name: entry.resolve() for entry in packages.iterdir()} if packages.is_dir() else {}
    return DojoSource(folder.resolve().name, files, found)


def file_source(file: Path, text: str) -> DojoSource:
    """A file that belongs to no project, as the only one of a project."""
    return DojoSource(file.stem, {file.name: text.encode()}, {})


def _files(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_dir():
            yield from _files(entry)
        elif entry.is_file():
            yield entry


async def traced_folder(
    source: DojoSource,
    embedded: EmbeddedToolchain | None,
    *,
    each: Callable[[Mapping[str, Any]], None] | None = None,
    cache: Path | None = None,
    progress: Progress = lambda *_: None,
) -> TracedFolder:
    """Has LeanDojo trace a project, unless it has done that before.

    Args:
        source: the project.
        embedded: the Lean to use, which looks to LeanDojo like a toolchain of elan's; None: the one on PATH.
        each: told of each file, as `dojo.py` describes it.
        cache: where it is kept, if not beside the embedded Lean.
        progress: told what is being done.

    Raises:
        InputError: the project's `lean-toolchain` is none that LeanDojo reads.
        ToolchainError: LeanDojo is not installed, or too old a Lean.
        DojoError: LeanDojo cannot trace it.
        SetupError: the disk is full, or git fails.
    """
    require_leandojo()
    top = (cache or cache_folder()) / "leandojo"
    lean = _lean_on(_programs(embedded, top))
    toolchain_line = _toolchain_line(source, embedded, lean.version)
    name = f"{_plain(source.name)}-{_digest(source, toolchain_line)[:12]}"
    home = top / name
    if damage(home) is not None:
        with explained(top, _NEEDED_BYTES), exclusive(top, progress):
            if damage(home) is not None:
                with staged(home) as folder:
                    progress(f"LeanDojo builds and traces {source.name}", None)
                    _write_repository(folder / name, source, toolchain_line)
                    await _trace(_traced(folder, name, toolchain_line, lean), None)
                    shutil.rmtree(folder / "tmp", ignore_errors=True)
    traced = _traced(home, name, toolchain_line, lean)
    if each is not None:
        progress(f"reading what LeanDojo found in {source.name}", None)
        await _trace(traced, each)
    return traced


async def _trace(traced: TracedFolder, each: Callable[[Mapping[str, Any]], None] | None) -> None:
    process = await DojoProcess.start(traced)
    try:
        await process.ask(
            "trace",
            {"project": str(traced.folder)},
            seconds=None,
            each=lambda event: each(event["file"]) if each else None,
        )
    finally:
        await process.kill()


def _traced(home: Path, name: str, toolchain_line: str, lean: _Lean) -> TracedFolder:
    found = _TOOLCHAIN.fullmatch(toolchain_line)
    assert found is not None
    lean_files = lean_sources() / "LeanDojo" / next(iter(_LEAN_FILES.values()))
    (home / "tmp").mkdir(exist_ok=True)
    return TracedFolder(
        home / name,
        f"{lean.version} {lean.commit}".strip(),
        {
            "lean": found[1] if found[1].startswith(("v", "nightly")) else f"v{found[1]}",
            "extractor": str(lean_files / "ExtractData.lean"),
            "session": str(lean_files / "Lean4Repl.lean"),
            "stub": str(home / "stub"),
        },
        {
            "PATH": lean.path,
            "CACHE_DIR": str(home / "traced"),
            "TMP_DIR": str(home / "tmp"),
            "DISABLE_REMOTE_CACHE": "1",
            "NUM_PROCS": "1",
            "TACTIC_MEMORY_LIMIT": "4g",
            "GITHUB_ACCESS_TOKEN": "",
        },
    )


def _programs(embedded: EmbeddedToolchain | None, top: Path) -> str:
    """The search path on which `lean` and `lake` are those to use."""
    found = os.environ.get("PATH", os.defpath)
    if embedded is None:
        return found
    return os.pathsep.join([str(write_shims(top / "shims", embedded, cache_folder()).folder), found])


def _lean_on(path: str) -> _Lean:
    """The Lean on a search path.

    Raises:
        ToolchainError: there is none, or it is older than the Lean files that LeanDojo is given.
    """
    program = shutil.which("lean", path=path)
    if program is None:
        raise ToolchainError("`lean` is not on PATH; install Lean with elan, or use `--lean embedded`")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = _VERSION.search(said)
    if found is None or (int(found[2]), int(found[3])) < min(_LEAN_FILES):
        raise ToolchainError(f"LeanDojo is given files for Lean 4.28 and newer, and this is {said.strip() or program}")
    return _Lean(path, found[1], found[4] or "")


def _toolchain_line(source: DojoSource, embedded: EmbeddedToolchain | None, release: str) -> str:
    """What `lean-toolchain` is to say: for the embedded Lean, the version that it has, whatever the project asks for."""
    own = source.files.get("lean-toolchain", b"").decode(errors="replace").strip()
    if embedded is not None or not own:
        return f"leanprover/lean4:v{release}"
    if not _TOOLCHAIN.fullmatch(own):
        raise InputError(f"lean-toolchain says {own!r}; LeanDojo reads only `leanprover/lean4:VERSION`.")
    return own


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "_", name) or "project"


def _digest(source: DojoSource, toolchain_line: str) -> str:
    digest = hashlib.sha256(f"{_FORMAT} {toolchain_line} {sorted(source.packages.items())}".encode())
    lean_files = sorted((lean_sources() / "LeanDojo").rglob("*.lean"))
    for name, content in [*sorted(source.files.items()), *((file.name, file.read_bytes()) for file in lean_files)]:
        digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _write_repository(folder: Path, source: DojoSource, toolchain_line: str) -> None:
    for name, content in source.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "lean-toolchain").write_text(toolchain_line + "\n", encoding="utf-8")
    if not any(name in source.files for name in ("lakefile.toml", "lakefile.lean")):
        (folder / "lakefile.toml").write_text(_lakefile(source), encoding="utf-8")
    for name, package in source.packages.items():
        (folder / ".lake" / "packages").mkdir(parents=True, exist_ok=True)
        (folder / ".lake" / "packages" / name).symlink_to(package)
    who = ["-c", "user.name=LemmaForge", "-c", "user.email=lemmaforge@localhost", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "-f", "-A"], [*who, "commit", "-q", "-m", "As it lies in its folder"]):
        done = subprocess.run(["git", *command], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SetupError(f"`git {command[-1]}` fails in {folder}: {done.stderr.strip()}; LeanDojo needs git")


def _lakefile(source: DojoSource) -> str:
    roots = sorted({name.removesuffix(".lean").split("/")[0] for name in source.files if name.endswith(".lean")})
    libraries = "".join(f"\n[[lean_lib]]\nname = {json.dumps(root, ensure_ascii=False)}\n" for root in roots)
    return f"name = {json.dumps(source.name, ensure_ascii=False)}\ndefaultTargets = {json.dumps(roots, ensure_ascii=False)}\n{libraries}"
