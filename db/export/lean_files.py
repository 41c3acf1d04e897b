"""Mutants as a project of Lean files: imports, then declarations, so many to a file.

`lemma lean run` checks a file of it, `lemma trace` takes the folder, and Lake builds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from db.records import Mutant

ROOT = "Mutants"
"""The module that imports all others."""


def file_texts(mutants: Iterable[Mutant], imports: Iterable[str], per_file: int) -> Iterator[tuple[str, int]]:
    """The text of one file after the other, and how many mutants are in it."""
    source = iter(mutants)
    head = "".join(f"import {module}\n" for module in imports)
    while part := list(islice(source, per_file)):
        yield head + "".join(f"\n{mutant.declaration}\n" for mutant in part), len(part)


def module_name(number: int) -> str:
    """The name of the module with that number, from 0."""
    return f"{ROOT}.Part{number:05}"


def file_name(module: str) -> str:
    """Where a module's source lies in the project."""
    return f"{module.replace('.', '/')}.lean"


def project_files(files: int, toolchain: str) -> dict[str, str]:
    """What makes a Lake project of the files: names and texts."""
    release = toolchain.partition(" ")[0].removesuffix("-pre")
    return {
        "lakefile.toml": f'name = "mutants"\ndefaultTargets = ["{ROOT}"]\n\n[[lean_lib]]\nname = "{ROOT}"\n',
        "lean-toolchain": f"leanprover/lean4:v{release}\n",
        f"{ROOT}.lean": "".join(f"import {module_name(number)}\n" for number in range(files)),
    }
