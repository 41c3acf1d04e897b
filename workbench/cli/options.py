"""Options that several commands share, and what they stand for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from lean_bridge.errors import InputError
from workbench.cli.progress import progress_shown
from workbench.settings import DriverKind, LeanKind, Settings

if TYPE_CHECKING:
    from lean_bridge.toolchain import Toolchain
    from lean_bridge.toolchain.embedded import EmbeddedToolchain

LeanOption = Annotated[
    LeanKind | None,
    typer.Option(
        "--lean",
        help="Which Lean: the embedded one, a native one (elan, lake), or auto: the native one for a Lake project if "
        "there is one, else the embedded one. \\[default: LEMMAFORGE_LEAN, or auto]",
        show_default=False,
    ),
]
ProjectOption = Annotated[
    Path | None,
    typer.Option(
        "--project",
        metavar="DIR",
        help="A Lake project: a native Lean runs in its environment, the embedded one finds what `lemma lean build` made of it.",
    ),
]
DriverOption = Annotated[
    DriverKind,
    typer.Option(
        "--driver",
        metavar="server|leandojo",
        help="Who drives Lean: our own server, or LeanDojo (the extra `leandojo`; docs/leandojo.md).",
    ),
]
StoreOption = Annotated[
    str,
    typer.Option("--store", metavar="STORE", help="The store: an SQLite file, or the URL of a database."),
]
STORE = "lemma.db"
"""Where the store is where `--store` is not given."""
HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="OUT", help="Write a page with plots, which stands alone.")
]
MarkdownOption = Annotated[
    Path | None, typer.Option("--markdown", metavar="OUT", help="Write Markdown, for a repository.")
]
CommandOption = Annotated[
    str, typer.Option("--command", metavar="TEXT", help="With --markdown: the command line that made the run.")
]
GeneratorOption = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Who proposes tactics: rules; single (`decide`, `omega`, `simp` or `grind` alone: a baseline); a language model, "
        "small (in this package), hf:PATH or openai:URL#MODEL, with options behind a ?, as in "
        "hf:PATH?format=plain&samples=16&temperature=0.8; or several with + between them, as in rules+small. docs/generators.md "
        "has the formats.",
    ),
]
ParentsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME...", help="Traced modules, each with all below it, or traced projects.", show_default="Init"
    ),
]
HoldoutOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Names of theorems, one a line, that nothing that is made may touch in any way."),
]
HoldoutShareOption = Annotated[
    float,
    typer.Option(min=0.0, max=0.9, help="Hold out this share of the library's theorems, drawn with the seed."),
]
Chosen = TypeVar("Chosen")

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document (`run`: one object a message).")]


def chosen_toolchain(lean: LeanKind | None, project: Path | None = None) -> Toolchain:
    """The Lean that the options ask for; the embedded one is installed if it is missing, with progress on stderr.

    Raises:
        ToolchainError: there is none.
        InputError: the settings are wrong.
    """
    from lean_bridge.toolchain import find_toolchain

    kind = lean or Settings.from_environment().lean
    with progress_shown() as progress:
        return find_toolchain(kind.value, project, progress)


def embedded_toolchain(lean: LeanKind | None, project: Path | None = None) -> EmbeddedToolchain | None:
    """The embedded Lean; None where the options ask for a native one, which is then whatever `lean` is on PATH.

    Raises:
        ToolchainError: it cannot be installed.
        InputError: the settings are wrong.
    """
    from lean_bridge.toolchain import is_native
    from lean_bridge.toolchain.embedded import EmbeddedToolchain

    kind = lean or Settings.from_environment().lean
    if is_native(kind.value, project):
        return None
    toolchain = chosen_toolchain(LeanKind.embedded)
    assert isinstance(toolchain, EmbeddedToolchain)
    return toolchain


def named(option: str, name: str, known: Mapping[str, Chosen]) -> Chosen:
    """What an option names.

    Raises:
        InputError: nothing of that name is known.
    """
    if name not in known:
        raise InputError(f"{option} {name}: there is no such thing; choose one of {', '.join(known)}.")
    return known[name]


def print_json(document: object) -> None:
    """Prints `document` on standard output, for machines."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
