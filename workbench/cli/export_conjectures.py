"""`lemma export counterexample`: statements that are true or false, as a data set."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.export import choice, ordered, print_card
from workbench.cli.export_options import Filters, ForceOption, OutOption, SeedOption
from workbench.cli.options import STORE, JsonOption, StoreOption


def counterexample(
    store: StoreOption = STORE,
    out: OutOption = None,
    run: Annotated[
        list[int] | None,
        typer.Option("--run", metavar="ID", help="Conjectures of this run; repeatable.", show_default="all runs"),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind", metavar="KIND", help="Conjectures made by this change (hypothesis, relation, …); repeatable."
        ),
    ] = None,
    standing: Annotated[
        list[str] | None,
        typer.Option(
            "--standing",
            metavar="refuted|proved|vacuous|open",
            help="Conjectures of which this is known; repeatable.",
            show_default="refuted and proved",
        ),
    ] = None,
    balance: Annotated[
        bool,
        typer.Option(
            "--balance",
            help="The same number of each kind and standing, easy, medium and hard ones in turn, at random.",
        ),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            min=1,
            metavar="N",
            help="The first N of these conjectures; with --balance at most N.",
            show_default="all",
        ),
    ] = None,
    val: Annotated[
        str, typer.Option("--val", metavar="SIZE", help="Theorems whose conjectures go to val: a number, or 10%.")
    ] = "0",
    test: Annotated[
        str, typer.Option("--test", metavar="SIZE", help="Theorems whose conjectures go to test: a number, or 10%.")
    ] = "0",
    per_file: Annotated[int, typer.Option("--per-file", min=1, metavar="N", help="Conjectures to a Lean file.")] = 100,
    seed: SeedOption = 0,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Export conjectures, false ones with a counterexample and true ones with a proof, as JSON Lines and as Lean files.

    With --val or --test each record says which split it belongs to; conjectures of one theorem stay together.

    [bold]Examples[/bold]

        lemma export counterexample

        lemma export counterexample --balance --limit 2000 --seed 7 --out data/true-or-false

        lemma export counterexample --standing refuted --kind hypothesis --val 10% --test 10% --json
    """
    from db.export.conjecture_choice import SETTLED, ConjectureChoice
    from db.export.conjectures import export_conjectures
    from db.export.splits import Share, Sizes
    from db.records import ChangeKind, Standing

    sizes = Sizes(Share.parse(val), Share.parse(test))
    wanted = ConjectureChoice(
        runs=tuple(run or ()),
        kinds=tuple(choice(ChangeKind, "--kind", one) for one in kind or ()),
        standings=tuple(choice(Standing, "--standing", one) for one in standing or SETTLED),
        balance=balance,
        limit=limit,
        seed=seed,
        splits=sizes if sizes.val.amount or sizes.test.amount else None,
    )
    options = [
        ("--run", run),
        ("--kind", kind),
        ("--standing", standing),
        ("--balance", balance),
        ("--limit", limit),
        ("--val", val),
        ("--test", test),
        ("--per-file", per_file),
    ]
    with ordered("counterexample", store, out, force, Filters(seed=seed), options) as order:
        card = export_conjectures(order, wanted, per_file=per_file)
    print_card(card, order.out, as_json)
