"""Options that the formats of `lemma export` share, and what they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

OutOption = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="DIR", help="The folder to write.", show_default="exports/FORMAT"),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an earlier export in that folder.")]
RunOption = Annotated[
    list[int] | None,
    typer.Option("--run", metavar="ID", help="Mutants of this run; repeatable.", show_default="all runs"),
]
KindOption = Annotated[
    list[str] | None,
    typer.Option("--kind", metavar="KIND", help="Mutants whose last step is of this kind (rw, apply, …); repeatable."),
]
DepthOption = Annotated[
    list[int] | None,
    typer.Option("--depth", min=1, metavar="N", help="Mutants so many steps away from the library; repeatable."),
]
WithOption = Annotated[
    list[str] | None,
    typer.Option(
        "--with", metavar="MARK", help="Mutants with this mark, side-goals say; repeatable: with all of them."
    ),
]
WithoutOption = Annotated[
    list[str] | None,
    typer.Option("--without", metavar="MARK", help="Mutants without this mark, trivial:simp say; repeatable."),
]
LimitOption = Annotated[
    int | None, typer.Option("--limit", min=1, metavar="N", help="The first N of these mutants.", show_default="all")
]
SampleOption = Annotated[
    int | None,
    typer.Option("--sample", min=1, metavar="N", help="N of these mutants at random.", show_default="all"),
]
SeedOption = Annotated[int, typer.Option("--seed", metavar="N", help="Seed of everything that is random.")]
LibraryOption = Annotated[
    list[str] | None,
    typer.Option(
        "--library",
        metavar="NAME",
        help="Traced theorems of this library: its name, or the beginning of its digest; repeatable.",
        show_default="all",
    ),
]
ContentOption = Annotated[
    str, typer.Option("--content", metavar="theorems|mutants|all", help="Traced theorems, mutants, or both.")
]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which mutants, and whose theorems, the options ask for."""

    run: list[int] | None = None
    kind: list[str] | None = None
    depth: list[int] | None = None
    with_: list[str] | None = None
    without: list[str] | None = None
    limit: int | None = None
    sample: int | None = None
    seed: int = 0
    library: list[str] | None = None

    def options(self) -> list[tuple[str, object]]:
        """As they are written on the command line."""
        return [
            ("--library", self.library),
            ("--run", self.run),
            ("--kind", self.kind),
            ("--depth", self.depth),
            ("--with", self.with_),
            ("--without", self.without),
            ("--limit", self.limit),
            ("--sample", self.sample),
            ("--seed", self.seed),
        ]
