"""The command `lean`: hands its command line to the embedded Lean, whose own `main` reads it.

Here it is read only as far as files are concerned that Lean in WebAssembly needs something done about: which file it is (so that the modules of
its project are found), and where a compiled module is written (it is completed afterwards, see `toolchain/olean.py`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from lean_bridge.errors import BridgeError, InputError
from lean_bridge.lakefile import enclosing_library
from lean_bridge.toolchain import find_toolchain
from lean_bridge.toolchain.base import Command
from lean_bridge.toolchain.embedded import EmbeddedToolchain

_FLAG, _OPTIONAL, _REQUIRED = range(3)
_LONG: Final[Mapping[str, int]] = {
    **dict.fromkeys(
        ("version", "help", "githash", "short-version", "features", "run", "stdin", "quiet", "json"), _FLAG
    ),
    **dict.fromkeys(("deps", "src-deps", "deps-json", "stats", "profile", "exitOnPanic", "server", "worker"), _FLAG),
    **dict.fromkeys(("print-prefix", "print-libdir"), _FLAG),
    **dict.fromkeys(("o", "i", "c", "bc", "timeout"), _OPTIONAL),
    **dict.fromkeys(
        ("root", "memory", "trust", "threads", "tstack", "plugin", "load-dynlib", "setup", "error"), _REQUIRED
    ),
}
"""Lean's long options. As of `getopt_long`, one with an optional argument takes it behind `=` only, and a name may be cut short."""
_SHORT: Final = "DoibcCtjRMTpEs"
"""Lean's short options that take an argument."""
_NAMES: Final = {"o": "o", "i": "i", "c": "c", "b": "bc", "M": "memory"}
"""The short options that matter here, and their long names."""

_OUTPUTS: Final = ("o", "i", "c", "bc")

_ADDRESSABLE_MB: Final = 2048
"""All memory that the embedded Lean can have."""

_COMPLETE: Final = (
    "import pathlib, sys; sys.path.insert(0, sys.argv.pop(1)); from lean_bridge.shims.lean import complete; "
    "complete(pathlib.Path(sys.argv[1]), float(sys.argv[2]))"
)


@dataclass(frozen=True, slots=True)
class LeanCommand:
    """A command line of `lean`, as far as it is read here.

    Attributes:
        arguments: what Lean gets.
        file: the file to elaborate; None: standard input, or none.
        outputs: the files to write, by the long names of their options; `o` is the compiled module.
        memory: the limit that it sets in MB, where that is less than there is.
        flags: the options without an argument, by their long names.
    """

    arguments: tuple[str, ...]
    file: Path | None
    outputs: Mapping[str, Path]
    memory: int | None
    flags: frozenset[str]


def read_command_line(arguments: Sequence[str]) -> LeanCommand:
    """Reads a command line of `lean`. What is wrong with it is Lean's to say.

    Raises:
        InputError: it asks for what the embedded Lean cannot do.
    """
    kept: list[str] = []
    file: Path | None = None
    outputs = {}
    memory: int | None = None
    flags = set()
    for words, name, value in _options(arguments):
        if name == "memory" and value is not None and value.isdecimal():
            memory = int(value) if int(value) < _ADDRESSABLE_MB else None
            continue
        kept += words
        if name in _OUTPUTS and value:
            outputs[name] = Path(value).absolute()
        elif name == "":
            file = file or (Path(value) if value else None)
        elif name is not None and value is None:
            flags.add(name)
    if refused := flags & {"server", "worker"}:
        raise InputError(
            f"--{refused.pop()}: the embedded Lean has no language server, which starts processes; editors need a Lean from elan"
        )
    return LeanCommand(tuple(kept), file, outputs, memory, frozenset(flags))


def _options(arguments: Sequence[str]) -> Iterator[tuple[Sequence[str], str | None, str | None]]:
    """The words of each option, with its long name and its value.

    The name is empty for a file, and None for what does not matter here. After the file of `--run` all words are the program's.
    """
    at = 0
    while at < len(arguments):
        word = arguments[at]
        following = arguments[at + 1] if at + 1 < len(arguments) else None
        name, value, taken = _option(word, following)
        yield arguments[at : at + taken], name, value
        at += taken
        if name == "run" or word == "--":
            yield arguments[at:], "", arguments[at] if at < len(arguments) else None
            return


def _option(word: str, following: str | None) -> tuple[str | None, str | None, int]:
    """Long name and value of the option that begins with a word, and how many words it takes."""
    if word == "--":
        return None, None, 1
    if word.startswith("--"):
        given, equals, value = word[2:].partition("=")
        meant = [given] if given in _LONG else [name for name in _LONG if name.startswith(given)]
        if len(meant) != 1:
            return None, None, 1
        if equals:
            return meant[0], value, 1
        return (
            (meant[0], following, 2) if _LONG[meant[0]] == _REQUIRED and following is not None else (meant[0], None, 1)
        )
    if not word.startswith("-") or word == "-":
        return "", word, 1
    letter, value = word[1], word[2:]
    if letter not in _SHORT:
        return None, None, 1
    if not value and following is not None:
        return _NAMES.get(letter), following, 2
    return _NAMES.get(letter), value, 1


def main() -> None:
    """Becomes the embedded Lean: `python -c ... FOLDER ARGUMENT...`, where the folder is that of the commands."""
    with told():
        folder, *arguments = sys.argv[1:]
        command = read_command_line(arguments)
        if "print-prefix" in command.flags:
            print(Path(folder) / "prefix")
            return
        become(lean_process(command))


def lean_process(command: LeanCommand) -> Command:
    """The process that does what a command line says."""
    own = enclosing_library((command.file or Path("_")).absolute())
    after: list[str] = []
    if olean := command.outputs.get("o"):
        after = [sys.executable, "-P", "-c", _COMPLETE, str(Path(__file__).parents[2]), str(olean), str(time.time())]
    folders = [output.parent for output in command.outputs.values()]
    toolchain = embedded(own.parents[3] if own else None)
    return toolchain.program(command.arguments, memory=command.memory, writable=folders, after=after)


def complete(olean: Path, started: float) -> None:
    """Completes a module if Lean has written it since a point in time, and removes what an earlier compilation left beside it."""
    from lean_bridge.toolchain.library import complete_files

    def is_fresh(file: Path) -> bool:
        return file.exists() and file.stat().st_mtime >= started

    if not is_fresh(olean):  # Lean had something else to do, such as `--deps`
        return
    for suffix in (".ir", ".olean.server", ".olean.private"):
        if not is_fresh(part := olean.with_suffix(suffix)):
            part.unlink(missing_ok=True)
    complete_files(olean)


def embedded(project: Path | None = None) -> EmbeddedToolchain:
    """The embedded Lean, with the modules of a project; installed first where it is not, which is told on standard error."""
    said = []

    def progress(what: str, fraction: float | None) -> None:
        del fraction
        if what not in said:
            said.append(what)
            print(what, file=sys.stderr)

    toolchain = find_toolchain("embedded", project, progress)
    assert isinstance(toolchain, EmbeddedToolchain)
    return toolchain


def become(command: Command, environment: Mapping[str, str] | None = None) -> NoReturn:
    """Replaces this process by another, which finds signals as this one found them.

    Raises:
        InputError: the program cannot be started.
    """
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and what is ignored stays so
    try:
        os.execvpe(
            command.argv[0], command.argv, {**(os.environ if environment is None else environment), **command.env}
        )
    except OSError as error:
        raise InputError(f"could not execute '{command.argv[0]}': {error.strerror}") from error


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Ends the process with 1 and a message on standard error where something is wrong, as Lean and Lake do."""
    try:
        yield
    except BridgeError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None
