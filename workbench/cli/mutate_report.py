"""`lemma mutate report`: what a mutation run made, as tables, JSON, a page with plots, or Markdown."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from lean_bridge.errors import InputError
from workbench.cli.files import refuse_place, write
from workbench.cli.options import (
    STORE,
    CommandOption,
    HtmlOption,
    JsonOption,
    MarkdownOption,
    StoreOption,
    print_json,
)
from workbench.cli.runs import chosen_runs


def report(
    run: Annotated[
        int | None, typer.Argument(metavar="RUN", min=1, help="The number of a run.", show_default="the latest one")
    ] = None,
    store: StoreOption = STORE,
    html: HtmlOption = None,
    markdown: MarkdownOption = None,
    command: CommandOption = "",
    examples: Annotated[int, typer.Option(min=0, help="Mutants to show of each kind.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Report a mutation run: what went in, what fell out where and why, what is left, and what it cost.

    Stages and their time, conversion, rejects by class with an example each, mutants by kind, depth, mark and module, how many a
    theorem has, theorems without a result, configuration, seed and held-out theorems. A run that is at work can be reported too.

    [bold]Examples[/bold]

        lemma mutate report

        lemma mutate report 3 --store big.db --html report.html

        lemma mutate report --json
    """
    from db.store import Store
    from mutation.report import document, make_report

    if command and markdown is None:
        raise InputError("--command is for the head of the Markdown; give --markdown OUT, or leave it out.")
    for out in (html, markdown):
        if out is not None:
            refuse_place(out)
    with Store.open(store, create=False) as records:
        asked = [] if run is None else [run]
        (number,) = chosen_runs(records, "mutate", asked, store, "mutation run", "lemma mutate run")
        found = make_report(records, number, examples=examples)
    if html is not None:
        from workbench.pages.mutation_page import page

        write(html, page(found))
    if markdown is not None:
        from workbench.pages.mutation_text import markdown as text_of

        write(markdown, text_of(found, command))
    if as_json:
        print_json(document(found))
        return
    from workbench.pages.mutation_text import terminal

    Console(highlight=False, markup=False, emoji=False).print(terminal(found))
