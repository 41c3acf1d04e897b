"""Declarations as a project of Lean files: imports, then declarations, so many to a file.

`lemma lean run` checks a file of it, `lemma trace` takes the folder, and Lake builds it.
"""

from __future__ import annotations

from collections.abc import Iterable

from db.export.card import Card
from db.export.folder import Draft


def header(imports: Iterable[str]) -> str:
    """What a file begins with."""
    return "".join(f"import {module}\n" for module in imports)


def write_part(draft: Draft, root: str, number: int, imports: Iterable[str], declarations: Iterable[str]) -> None:
    """Writes the file of that number, from 0, under a module `root`; each declaration is a record."""
    parts = [f"\n{declaration}\n" for declaration in declarations]
    write_file(draft, root, number, header(imports) + "".join(parts), len(parts))


def write_file(draft: Draft, root: str, number: int, text: str, records: int) -> None:
    """Writes the file of that number, from 0, which holds so many records."""
    with draft.open(_file_name(_module_name(root, number))) as sink:
        sink.write(text.encode())
        sink.rows = records


def _module_name(root: str, number: int) -> str:
    """The name of the module with that number, from 0."""
    return f"{root}.Part{number:05}"


def _file_name(module: str) -> str:
    """Where a module's source lies in the project."""
    return f"{module.replace('.', '/')}.lean"


def write_project(draft: Draft, card: Card, root: str, files: int, *, apart: bool = False) -> None:
    """Writes what makes a Lake project of so many files, and notes on the card what they need; where they are `apart`, nothing imports several of them."""
    for name, text in _project_files(root, files, card.sources[0].library.toolchain, apart).items():
        draft.write_text(name, text)
    if any(source.library.root for source in card.sources):
        card.notes.append("The imports are modules of a project: Lean finds them for files within its folder.")


def _project_files(root: str, files: int, toolchain: str, apart: bool) -> dict[str, str]:
    """Names and texts; `root` is the module that imports all others, where one does."""
    release = toolchain.partition(" ")[0].removesuffix("-pre")
    modules = f'globs = ["{root}.+"]\n' if apart else ""
    found = {
        "lakefile.toml": f'name = "{root.lower()}"\ndefaultTargets = ["{root}"]\n\n[[lean_lib]]\nname = "{root}"\n{modules}',
        "lean-toolchain": f"leanprover/lean4:v{release}\n",
    }
    if not apart:
        found[f"{root}.lean"] = "".join(f"import {_module_name(root, number)}\n" for number in range(files))
    return found
