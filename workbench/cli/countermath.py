"""`lemma countermath`: have a model judge the statements of CounterMATH, and report what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from lean_bridge.errors import InputError
from prover.countermath.items import Language, read_benchmark
from prover.countermath.prompts import ANSWERING, JUDGING
from workbench.cli.options import JsonOption, named, print_json
from workbench.cli.progress import count_shown
from workbench.settings import api_key

if TYPE_CHECKING:
    from prover.countermath.predictions import PredictionFile
    from prover.countermath.report import Report
    from prover.countermath.run import Plan

app = typer.Typer(
    help="CounterMATH: a model judges statements true or false, with examples; the file of the benchmark is yours.",
    no_args_is_help=True,
)

JUDGE_TEMPERATURE = 0.0
JUDGE_TOKENS = 4096
"""As many as the paper gave its judge, which drew with temperature 0.7; ours does not draw, so that a run can be repeated."""


@app.command()
def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The statements, as JSON Lines.")],
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="The model's name on its server.")],
    base_url: Annotated[
        str,
        typer.Option("--base-url", metavar="URL", help="The server, OpenAI-compatible, as http://localhost:8000/v1."),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where every reply goes; continued if it is there.")
    ] = Path("predictions.jsonl"),
    api_key_variable: Annotated[
        str | None,
        typer.Option(metavar="VARIABLE", help="The variable with the API key.", show_default="OPENAI_API_KEY, if set"),
    ] = None,
    judge_model: Annotated[
        str | None, typer.Option(metavar="NAME", help="A model that judges the examples against the rationales.")
    ] = None,
    judge_base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Its server.", show_default="that of the model")
    ] = None,
    judge_api_key_variable: Annotated[
        str | None,
        typer.Option(
            metavar="VARIABLE", help="The variable with the judge's key.", show_default="that of --api-key-variable"
        ),
    ] = None,
    prompt: Annotated[str, typer.Option(metavar="NAME", help=f"How to ask: {', '.join(ANSWERING)}.")] = "plain",
    judge_prompt: Annotated[str, typer.Option(metavar="NAME", help=f"How to judge: {', '.join(JUDGING)}.")] = "judge-1",
    language: Annotated[Language, typer.Option(metavar="en|zh", help="Of the statements.")] = Language.en,
    temperature: Annotated[float, typer.Option(min=0.0, help="For drawing tokens; 0 takes the likeliest.")] = 0.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="After so many tokens a reply is cut off.")] = 2048,
    seed: Annotated[int, typer.Option(help="For --sample, and sent to the servers.")] = 0,
    concurrency: Annotated[int, typer.Option(min=1, help="Statements at a time.")] = 8,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many statements.", show_default="all")
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="So many statements, drawn with the seed.", show_default="all")
    ] = None,
    timeout: Annotated[float, typer.Option(min=1.0, help="Seconds that a server may be silent.")] = 600.0,
    as_json: JsonOption = False,
) -> None:
    """Have a model judge statements, and write every reply to a file as it comes. The same command takes up a run that was stopped.

    Rows without `judgement` are answered and not scored. A statement that gets no reply is an error, not a wrong answer; the same command asks again, and the exit code is 3 meanwhile.

    [bold]Examples[/bold]

        lemma countermath run countermath.jsonl --model my-model --base-url http://localhost:8000/v1

        lemma countermath run countermath.jsonl --model my-model --base-url http://localhost:8000/v1 --prompt hint --sample 100 --judge-model gpt-4o --judge-base-url https://api.openai.com/v1
    """
    from importlib.metadata import version
    from random import Random

    from prover.chat import ChatClient
    from prover.countermath.run import Asking, Plan

    if limit is not None and sample is not None:
        raise InputError("--limit and --sample exclude each other; give one of them.")
    if judge_model is None and (judge_base_url or judge_api_key_variable):
        raise InputError("--judge-base-url and --judge-api-key-variable are for a judge; name it with --judge-model.")
    asked = named("--prompt", prompt, ANSWERING)
    judged = named("--judge-prompt", judge_prompt, JUDGING)
    client = ChatClient(base_url, model, api_key=api_key(api_key_variable), seconds=timeout, chance=Random(seed))
    judge = None
    if judge_model is not None:
        key = api_key(judge_api_key_variable or api_key_variable)
        judge = ChatClient(judge_base_url or base_url, judge_model, api_key=key, seconds=timeout, chance=Random(seed))
    plan = Plan(
        read_benchmark(file, language),
        language,
        limit,
        sample,
        Asking(client, asked, temperature, max_tokens, seed),
        Asking(judge, judged, JUDGE_TEMPERATURE, JUDGE_TOKENS, seed) if judge else None,
        version("lemmaforge"),
    )
    report = asyncio.run(carry_out(plan, out, concurrency))
    if as_json:
        from prover.countermath.report import document

        print_json({"out": str(out), **document(report)})
    raise typer.Exit(3 if report.errors else 0)


async def carry_out(plan: Plan, out: Path, concurrency: int) -> Report:
    """Begins or takes up the run, shows how it goes, and says what came of it."""
    from random import Random

    from prover.countermath.predictions import open_predictions
    from prover.countermath.report import make_report
    from prover.countermath.run import Run

    async with AsyncExitStack() as stack:
        for asking in filter(None, (plan.answering, plan.judging)):
            await stack.enter_async_context(asking.model)
        file = stack.enter_context(open_predictions(out, plan.header()))
        say_beginning(plan, file)
        with run_shown(file) as told:
            try:
                await Run(file, plan, told=told).go(concurrency)
            except asyncio.CancelledError:
                typer.echo(
                    f"interrupted: {out} has {len(file.known.answers)} replies; the same command goes on.", err=True
                )
                raise
        report = make_report(file.known, Random(0))
    say_end(report, out)
    return report


def say_beginning(plan: Plan, file: PredictionFile) -> None:
    """Says on standard error what is to be done, and what is peculiar about it."""
    header, known = file.known.header, file.known
    notes = [f"{header.items} statements of {header.benchmark}, {len(known.answers)} answered before"]
    if file.dropped:
        notes.append(f"{file.path}: half a line at its end was dropped; its statement is asked again")
    if header.duplicates:
        notes.append(f"statements that stand there twice: {header.duplicates}; they are kept")
    if header.hidden:
        notes.append(f"without a label: {header.hidden}; they are answered and not scored")
    if plan.judging is not None and (bare := sum(not item.rationale for item in plan.items)):
        notes.append(f"without a rationale: {bare}; their examples are not judged")
    for note in notes:
        typer.echo(note, err=True)


def say_end(report: Report, out: Path) -> None:
    """Says on standard error what came of the run."""
    for name, figures in report.rules.items():
        words = f"accuracy {figures.accuracy:.1%}, macro-F1 {figures.macro_f1:.1%}, parsed {figures.parse_rate:.1%}"
        typer.echo(f"rule {name}: {words}", err=True)
    if report.errors:
        last = list(report.errors.values())[-1]
        typer.echo(
            f"{len(report.errors)} statements got no reply; the same command asks again. The last: {last}", err=True
        )
    typer.echo(f"`lemma countermath report {out}` has the rest, with what constant answers get", err=True)


@contextmanager
def run_shown(file: PredictionFile) -> Iterator[Callable[[], None]]:
    """Shows on standard error how far a run is; what is yielded is to be called after each statement."""
    known = file.known

    def words() -> str:
        truncated = sum(reply.truncated for reply in known.answers.values())
        return f"{len(known.errors)} errors, {truncated} cut off"

    with count_shown("asking", "statements", len(known.answers), known.header.items, "") as show:
        yield lambda: show(len(known.answers), words())


@app.command()
def report(
    predictions: Annotated[Path, typer.Argument(metavar="FILE", help="What `run` wrote.")],
    as_json: JsonOption = False,
) -> None:
    """Report a run: accuracy and macro-F1 with intervals, by class and by field, beside constant answers; parse rates, examples, errors.

    Both macro-F1 are shown: over two classes, and as the paper's code has it, where replies that cannot be read are a third. The intervals are bootstrapped over the statements. Replies are read by the rules of this version of the program.

    [bold]Examples[/bold]

        lemma countermath report predictions.jsonl

        lemma countermath report predictions.jsonl --json
    """
    from random import Random

    from prover.countermath.predictions import read_predictions
    from prover.countermath.report import document, make_report
    from workbench.pages.countermath_text import terminal

    found = make_report(read_predictions(predictions), Random(0))
    if as_json:
        print_json(document(found))
    else:
        Console(highlight=False, markup=False, emoji=False).print(terminal(found))
