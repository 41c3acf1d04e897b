"""Runs Lean files as `lean FILE` does: elaborates them and prints what Lean has to say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lean_bridge.lakefile import enclosing_library
from lean_bridge.toolchain.base import Toolchain
from lean_bridge.toolchain.jobs import Frontend, Job, Write, absolute
from lean_bridge.toolchain.library import Library
from lean_bridge.toolchain.modules import read_module

_MODULE: Final = "_stdin"  # what `lean` calls a file that belongs to no library


def run_files(
    toolchain: Toolchain,
    files: Sequence[Path],
    *,
    write: Write,
    write_error: Write | None = None,
    json: bool = False,
    search_path: Sequence[Path] = (),
) -> int:
    """Elaborates files one after the other, each in an environment of its own.

    A file that lies in a project finds the project's modules, if they were built (`lemma lean build`).

    Args:
        toolchain: the Lean to use.
        files: Lean source files.
        write: takes what Lean prints, as it comes.
        write_error: takes what Lean prints on standard error.
        json: messages as JSON objects, one a line, as of `lean --json`.
        search_path: more folders of compiled modules.

    Returns:
        Lean's exit code: 0, or 1 if any file has an error.

    Raises:
        InputError: a file is missing or is not text; nothing was run.
        ServerDied: Lean itself died over a file.
    """
    for file in files:
        read_module(_MODULE, file)
    code = 0
    with Frontend(toolchain.frontend(), write_error) as frontend:
        for file in files:
            own = enclosing_library(file)
            path = absolute([*search_path, *([own] if own else [])])
            seen = () if own is not None and not Library(own).private_parts_fit() else None
            job = Job(str(file.absolute()), str(file), _MODULE, json=json, leanPath=path, seen=seen)
            code |= frontend.run(job, write)
    return code
