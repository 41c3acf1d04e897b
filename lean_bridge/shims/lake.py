"""The command `lake`: what other programs ask of Lake most, for the embedded Lean.

Lake itself is a program that starts programs, which WebAssembly cannot. Here `build` is `lean_bridge.build`, and the rest is small.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lean_bridge.errors import InputError
from lean_bridge.lakefile import LakeProject, read_project
from lean_bridge.shims.lean import become, embedded, lean_process, read_command_line, told
from lean_bridge.toolchain.base import Command
from lean_bridge.toolchain.modules import read_module
from lean_bridge.workspace import Scope, Workspace, read_workspace

_LAKEFILES: Final = ("lakefile.toml", "lakefile.lean")
_NO_MATTER: Final = frozenset(
    [
        "-q",
        "-v",
        "-R",
        "-H",
        "--quiet",
        "--verbose",
        "--ansi",
        "--no-ansi",
        "--old",
        "--reconfigure",
        "--rehash",
        "--keep-toolchain",
        "--no-cache",
        "--try-cache",
    ]
)
"""Options that change nothing here."""
_FACETS: Final = ("", "leanArts", "olean", "deps")
_NOT_FOUND: Final = 255  # Lake's exit code where `lake env` cannot start a program
_HELP: Final = """\
Lake for the embedded Lean, as far as it goes (written by `lemma lean shims`)

USAGE: lake [--dir=DIR] COMMAND

  build [TARGET...]          compile modules and libraries, or all that the lakefile declares
  env [CMD] [ARG...]         run a command in the project's environment, or print it
  lean FILE [-- ARG...]      compile what a file imports, then elaborate it
  exe NAME [ARG...]          run a program of the project, interpreted
  --version                  print the version
"""


@dataclass(frozen=True, slots=True)
class _Call:
    """A command of `lake`.

    Attributes:
        shims: the folder of the commands.
        project: the project that it is about.
        arguments: what follows the command.
    """

    shims: Path
    project: LakeProject
    arguments: Sequence[str]


def main() -> None:
    """Runs a command: `python -c ... FOLDER ARGUMENT...`, where the folder is that of the commands."""
    with told():
        shims, *arguments = sys.argv[1:]
        folder, command, rest = _global_options(arguments)
        if command in ("", "help", "-h", "--help"):
            print(_HELP, end="")
        elif command in ("version", "--version"):
            print(f"Lake version 5.0.0-lemmaforge (Lean version {embedded().version()})")
        elif command in _COMMANDS:
            _COMMANDS[command](_Call(Path(shims), read_project(_project_folder(folder)), rest))
        elif command.startswith("-"):
            raise InputError(f"unknown {'long' if command.startswith('--') else 'short'} option '{command}'")
        else:
            raise InputError(
                f"`lake {command}` is not for the embedded Lean, whose Lake has {', '.join(_COMMANDS)}; "
                "all of Lake comes with a Lean from elan"
            )


def _global_options(arguments: Sequence[str]) -> tuple[Path, str, Sequence[str]]:
    """The project's folder, the command, and what follows it."""
    folder = Path.cwd()
    at = 0
    while at < len(arguments):
        word = arguments[at]
        if word in ("-d", "--dir") and at + 1 < len(arguments):
            folder = Path(arguments[at + 1])
            at += 1
        elif word.startswith("--dir="):
            folder = Path(word.removeprefix("--dir="))
        elif word not in _NO_MATTER:
            return folder.absolute(), word, arguments[at + 1 :]
        at += 1
    return folder.absolute(), "", ()


def _project_folder(folder: Path) -> Path:
    """The folder, or the nearest above it, that is a Lake project."""
    for place in (folder, *folder.parents):
        if any((place / name).is_file() for name in _LAKEFILES):
            return place
    raise InputError(f"{folder}: no configuration file (lakefile.toml or lakefile.lean), here or in a folder above")


def _environment(call: _Call) -> dict[str, str]:
    """The variables of `lake env`."""
    given = dict(os.environ)
    output = call.project.output.absolute()
    sources = [source.absolute() for source in call.project.sources]
    return {
        **given,
        "LAKE": str(call.shims / "lake"),
        "LAKE_HOME": str(call.shims / "prefix"),
        "LEAN_SYSROOT": str(call.shims / "prefix"),
        "LEAN_PATH": _joined([output], given.get("LEAN_PATH")),
        "LEAN_SRC_PATH": _joined(sources, given.get("LEAN_SRC_PATH")),
        "PATH": _joined([call.shims], given.get("PATH")),
    }


def _joined(first: Sequence[Path], rest: str | None) -> str:
    return os.pathsep.join(dict.fromkeys([*map(str, first), *filter(None, (rest or "").split(os.pathsep))]))


def _env(call: _Call) -> None:
    environment = _environment(call)
    if call.arguments:
        try:
            become(Command(tuple(call.arguments), Path.cwd()), environment)
        except InputError as error:
            print(error, file=sys.stderr)
            raise SystemExit(_NOT_FOUND) from error
    names = ("LAKE", "LAKE_HOME", "LEAN_SYSROOT", "LEAN_PATH", "LEAN_SRC_PATH", "PATH")
    for name in names:
        print(f"{name}={environment[name]}")


def _build(call: _Call) -> None:
    options = [word for word in call.arguments if word.startswith("-") and word not in _NO_MATTER]
    if options:
        raise InputError(f"unknown option '{options[0]}' of `lake build`")
    named = [word for word in call.arguments if not word.startswith("-")]
    workspace = read_workspace(call.project.folder, Scope())
    _compile(call.project, [module for target in named for module in _modules(workspace, target)])


def _modules(workspace: Workspace, target: str) -> Sequence[str]:
    """The modules that a target of `lake build` stands for: `Module`, `+Module`, `library`, `@package/library`, each with `:facet`."""
    name, _, facet = target.partition(":")
    name = name.rpartition("/")[2].removeprefix("+")
    if facet not in _FACETS:
        known = ", ".join(filter(None, _FACETS))
        raise InputError(f"unknown facet `{facet}`: the embedded Lean compiles to {known} alone")
    files = workspace.files()
    declared = next((p.project.targets[name] for p in workspace.packages if name in p.project.targets), None)
    for root in declared or (name,):
        if root not in files:
            raise InputError(
                f"unknown target `{name}`" if declared is None else f"target `{name}`: there is no module {root}"
            )
    return declared or (name,)


def _compile(project: LakeProject, modules: Sequence[str], *, aside: bool = False) -> None:
    """Compiles modules with what they import, or the whole project. Ends the process with 1 if one does not compile.

    Args:
        project: the project.
        modules: the modules; none: all that the lakefile declares.
        aside: tell about it on standard error, and only what went wrong: standard output is for something else.
    """
    from lean_bridge.build import build_project

    out = sys.stderr if aside else sys.stdout
    report = build_project(
        project.folder,
        embedded(),
        workers=_workers(),
        progress=None if aside else lambda what, _: print(what, file=out, flush=True),
        write=lambda text: print(text, end="", file=out, flush=True),
        scope=Scope(targets=tuple(modules)),
    )
    if not report.ok:
        print("Some required targets logged failures:", file=sys.stderr)
        for failed in report.failed:
            print(f"- {failed.module}", file=sys.stderr)
        print("error: build failed", file=sys.stderr)
        raise SystemExit(1)
    if not aside:
        print(f"Build completed successfully ({len(report.built) + len(report.up_to_date)} jobs).", file=out)


def _workers() -> int:
    """How many modules to compile at a time."""
    workers = os.environ.get("LEMMAFORGE_WORKERS", "2")
    if not workers.isdecimal() or int(workers) == 0:
        raise InputError(f"LEMMAFORGE_WORKERS is {workers!r}; set it to a number from 1, or unset it")
    return int(workers)


def _lean(call: _Call) -> None:
    if not call.arguments:
        raise InputError("`lake lean` needs a file")
    file, *rest = call.arguments
    _compile_imports(call.project, Path(file))
    lean = [*rest[1:], file] if rest[:1] == ["--"] else [*rest, file]
    become(lean_process(read_command_line(lean)), _environment(call))


def _exe(call: _Call) -> None:
    name, *arguments = call.arguments or [""]
    if name == "cache":
        raise InputError("there is no cache of compiled modules for the embedded Lean: `lake build` compiles them here")
    roots = call.project.targets.get(name, ())
    file = call.project.files().get(roots[0]) if roots else None
    if file is None:
        raise InputError(f"unknown executable target `{name}`")
    _compile_imports(call.project, file)
    become(lean_process(read_command_line(["--run", str(file), *arguments])), _environment(call))


def _compile_imports(project: LakeProject, file: Path) -> None:
    """Compiles the modules of the project that a file imports."""
    files = read_workspace(project.folder, Scope()).files()
    wanted = [imported.module for imported in read_module("_stdin", file).header.imports if imported.module in files]
    if wanted:
        _compile(project, wanted, aside=True)


_COMMANDS: Final[dict[str, Callable[[_Call], None]]] = {
    "build": _build,
    "env": _env,
    "lean": _lean,
    "exe": _exe,
    "exec": _exe,
}
