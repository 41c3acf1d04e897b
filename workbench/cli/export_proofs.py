"""`lemma export proofs`: proofs that runs of `lemma bench run` found, as Lean files to be traced."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.export import command_line, ordered, print_card
from workbench.cli.export_options import Filters, ForceOption, OutOption
from workbench.cli.options import STORE, JsonOption, StoreOption


def proofs(
    store: StoreOption = STORE,
    out: OutOption = None,
    run: Annotated[
        list[int] | None,
        typer.Option("--run", metavar="ID", help="Proofs of this run; repeatable.", show_default="all runs"),
    ] = None,
    holdout: Annotated[
        Path | None,
        typer.Option(
            "--holdout",
            metavar="FILE",
            help="Names of theorems, one a line: proofs of them, and those that mention one, are left out.",
        ),
    ] = None,
    per_file: Annotated[int, typer.Option("--per-file", min=1, metavar="N", help="Proofs to a Lean file.")] = 100,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Export the accepted proofs of `lemma bench run` as a project of Lean files, which can be checked and traced.

    One proof a task, the shortest. Traced, they give pairs of state and tactic like any other project.

    [bold]Examples[/bold]

        lemma export proofs --out found && lemma lean run found/Found/*.lean

        lemma export proofs --run 5 --holdout test.txt --out found && lemma trace found

        lemma export sft --pairs tactics --library found
    """
    from db.export.proofs import ProofChoice, export_proofs
    from workbench.parents import read_names

    choice = ProofChoice(tuple(run or ()), read_names(holdout) if holdout else ())
    options = [("--run", run), ("--holdout", holdout), ("--per-file", per_file)]
    with ordered("proofs", store, out, force, Filters()) as ordinary:
        # Nothing is random here, so there is no seed to tell.
        order = replace(ordinary, command=command_line("proofs", options))
        card = export_proofs(order, choice, per_file=per_file)
    print_card(card, order.out, as_json)
