"""From what the user names to theorems of traced libraries: which library, which theorems, what is held out, which Lean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lean_bridge.errors import InputError
from lean_bridge.lakefile import read_project
from lean_bridge.toolchain.embedded import EmbeddedToolchain
from lean_bridge.toolchain.provenance import recorded
from mutation.errors import UnknownModules
from mutation.hygiene import chosen_holdout
from mutation.pipeline import chosen_theorems

if TYPE_CHECKING:
    from db.records import Library
    from db.store import Store
    from lean_bridge.toolchain import Toolchain


@dataclass(frozen=True, slots=True)
class ParentWish:
    """Which theorems the user wants something made of.

    Attributes:
        names: modules, each with all below it, or names of traced projects.
        sample: so many theorems drawn at random; None for all.
        holdout: names of theorems that nothing may touch.
        share: this share of all theorems is held out as well, drawn at random.
        seed: of both draws.
    """

    names: tuple[str, ...]
    sample: int | None = None
    holdout: tuple[str, ...] = ()
    share: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Parents:
    """The theorems of one library that something is made of.

    Attributes:
        library: theirs.
        modules: what the user called them.
        theorems: full names, in the library's order, none of them held out.
        holdout: full names of those that nothing may touch; sorted.
    """

    library: Library
    modules: tuple[str, ...]
    theorems: tuple[str, ...]
    holdout: tuple[str, ...]


def chosen_parents(store: Store, wish: ParentWish) -> list[Parents]:
    """The theorems that are wished for, library by library.

    Raises:
        InputError: a name belongs to nothing that was traced, or a theorem to be held out is in none of the libraries.
    """
    chosen: dict[str, tuple[Library, list[str]]] = {}
    for name in wish.names:
        library = library_of(store, name)
        chosen.setdefault(library.digest, (library, []))[1].append(name)
    found = [_parents_of(store, library, names, wish) for library, names in chosen.values()]
    known = {name for one in found for name in store.theorem_names(one.library.digest)}
    if unknown := [name for name in wish.holdout if name not in known]:
        raise InputError(
            f"{unknown[0]}, which is to be held out, is no theorem of {', '.join(wish.names)}; check the name."
        )
    return found


def _parents_of(store: Store, library: Library, names: Sequence[str], wish: ParentWish) -> Parents:
    """Of one library; a project's own name stands for all of its modules."""
    modules = [m.name for m in store.modules(library.digest)] if library.name in names and library.root else list(names)
    holdout = wish.holdout
    if wish.share:
        drawn = chosen_holdout(store.theorem_names(library.digest), wish.share, wish.seed)
        holdout = tuple(sorted({*holdout, *drawn}))
    try:
        theorems = chosen_theorems(store, library.digest, modules, sample=wish.sample, seed=wish.seed)
    except UnknownModules as error:
        raise InputError(str(error)) from error
    held = set(holdout)
    return Parents(library, tuple(names), tuple(name for name in theorems if name not in held), holdout)


def library_of(store: Store, name: str) -> Library:
    """The latest library in the store that a name belongs to: a project of that name, or the root of a module.

    Raises:
        InputError: there is none.
    """
    found = [library for library in store.libraries() if library.name in (name, name.partition(".")[0])]
    if not found:
        raise InputError(f"{name} is not in the store: run `lemma trace {name}` first (a project by its folder).")
    return found[-1]


def toolchain_for(library: Library, toolchain: Toolchain) -> Toolchain:
    """The Lean that finds the modules of a library.

    Raises:
        InputError: the library is a project that is not there any more, or not built.
    """
    if library.root is None:
        return toolchain
    folder = Path(library.root)
    if not folder.is_dir():
        raise InputError(
            f"{folder}, the project that was traced, is not there any more: run `lemma trace` on its new place."
        )
    output = read_project(folder).output
    if not output.is_dir():
        raise InputError(f"{folder} is not built: run `lemma lean build {folder}`.")
    return toolchain.over(output) if isinstance(toolchain, EmbeddedToolchain) else toolchain


def at_hand(library: Library, toolchain: Toolchain) -> dict[str, object]:
    """For the record of a run: what the libraries beyond Lean's own were compiled from, where the work stands on any."""
    own = all(module.partition(".")[0] in ("Init", "Std", "Lean") for module in library.imports)
    return {} if own else recorded(toolchain.origins())


def read_names(file: Path) -> tuple[str, ...]:
    """Names of theorems from a text file, one a line; blank lines and what follows a `#` are skipped.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {error}") from error
    names = [line.partition("#")[0].strip() for line in lines]
    return tuple(sorted({name for name in names if name}))
