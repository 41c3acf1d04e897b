"""Commands `lean` and `lake` that run the embedded Lean, for programs that start them: LeanDojo and the like.

::

    DIR/lean, DIR/lake       the commands; DIR goes first on PATH
    DIR/prefix/              what `lean --print-prefix` names: bin/lean, bin/lake, lib/lean

A toolchain's prefix is often copied as a whole, and whoever copies it follows links. This one holds a few kilobytes and no link: Lean's library stays
in the cache, where `lean --print-libdir` says, and the copied commands work as well as the first ones.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lean_bridge.errors import InputError
from lean_bridge.toolchain.embedded import EmbeddedToolchain

_MARK: Final = "Written by `lemma lean shims`"

_SCRIPT: Final = """\
#!/bin/sh
# {mark}: `{command}` of the embedded Lean.
{quick}LEMMAFORGE_CACHE=${{LEMMAFORGE_CACHE:-{cache}}}
export LEMMAFORGE_CACHE
exec {python} -P -c 'import sys; sys.path.insert(0, sys.argv.pop(1)); from lean_bridge.shims.{command} import main; main()' {packages} {folder} "$@"
"""

_QUICK: Final = """\
if [ $# -eq 1 ]; then
  case $1 in
{cases}
  esac
fi
"""

_ABOUT: Final = f"""\
{_MARK}.

This is the prefix of an embedded Lean (WebAssembly): small, because such folders get copied. Lean's compiled library is in
{{libdir}},
where `lean --print-libdir` says.
"""


@dataclass(frozen=True, slots=True)
class Shims:
    """Where the commands are.

    Attributes:
        folder: to be put first on PATH.
        prefix: what `lean --print-prefix` answers.
        version: what `lean --version` answers.
    """

    folder: Path
    prefix: Path
    version: str


def write_shims(folder: Path, toolchain: EmbeddedToolchain, cache: Path) -> Shims:
    """Writes `lean` and `lake` into a folder, which is made if it is not there.

    Args:
        folder: where to; earlier shims there are replaced.
        toolchain: the Lean that answers for its version.
        cache: where Lean is installed; `LEMMAFORGE_CACHE` goes before it when the commands run.

    Raises:
        InputError: the folder cannot be written, or holds a `lean` or `lake` that is no shim.
    """
    folder = folder.absolute()
    shims = Shims(folder, folder / "prefix", version_line(toolchain))
    answers = {
        "--version|-v": shims.version,
        "--short-version|-V": toolchain.version(),
        "--githash|-g": toolchain.commit(),
        "--print-prefix": str(shims.prefix),
        "--print-libdir": str(toolchain.home / "lib" / "lean"),
    }
    cases = "\n".join(f"    {flag}) printf '%s\\n' {shlex.quote(answer)}; exit ;;" for flag, answer in answers.items())
    scripts = {"lean": _QUICK.format(cases=cases), "lake": ""}
    try:
        for file in (folder / name for name in scripts):
            if file.exists() and not _is_shim(file):
                raise InputError(f"{file} is there already and is no shim: choose another folder, or remove it")
        for place in (folder, shims.prefix / "bin"):
            place.mkdir(parents=True, exist_ok=True)
            for command, quick in scripts.items():
                _write(place / command, _script(command, quick, folder, cache))
        library = shims.prefix / "lib" / "lean"
        library.mkdir(parents=True, exist_ok=True)
        (library / "README").write_text(_ABOUT.format(libdir=toolchain.home / "lib" / "lean"), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write to {error.filename or folder}: {error.strerror}") from error
    return shims


def _is_shim(file: Path) -> bool:
    with file.open("rb") as script:
        return _MARK.encode() in script.read(200)


def version_line(toolchain: EmbeddedToolchain) -> str:
    """What `lean --version` prints."""
    return f"Lean (version {toolchain.version()}, wasm32-unknown-emscripten, commit {toolchain.commit()}, Release)"


def _script(command: str, quick: str, folder: Path, cache: Path) -> str:
    quoted = {
        "cache": shlex.quote(str(cache)),
        "python": shlex.quote(sys.executable),
        "packages": shlex.quote(str(Path(__file__).parents[2])),
        "folder": shlex.quote(str(folder)),
    }
    return _SCRIPT.format(mark=_MARK, command=command, quick=quick, **quoted)


def _write(file: Path, text: str) -> None:
    """Replaces a command at once: another process may be starting it."""
    fresh = file.with_name(f".new-{file.name}")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(0o755)
    fresh.replace(file)
