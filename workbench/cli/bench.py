"""`lemma bench`: run benchmarks, report and compare the runs, judge their proofs again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from lean_bridge.errors import InputError
from prover.search.algorithms import ALGORITHMS, DEFAULT
from workbench.cli.files import refuse_place, write
from workbench.cli.options import (
    STORE,
    CommandOption,
    GeneratorOption,
    HtmlOption,
    JsonOption,
    LeanOption,
    MarkdownOption,
    ProjectOption,
    StoreOption,
    chosen_toolchain,
    named,
    print_json,
)
from workbench.cli.progress import count_shown
from workbench.cli.runs import chosen_runs, owner
from workbench.settings import Settings, api_key

if TYPE_CHECKING:
    from db.records import Attempt, Run
    from db.store import Store
    from lean_bridge.toolchain import Toolchain
    from prover.bench.problems import BenchmarkProblem
    from prover.bench.runner import BenchmarkPlan
    from prover.bench.verify import StoredProof
    from prover.judge import Verdict
    from workbench.benching import Wish

app = typer.Typer(help="Run benchmarks of theorem proving, and report them honestly.", no_args_is_help=True)

RunArgument = Annotated[int, typer.Argument(metavar="RUN", min=1, help="The number of a run.")]


@app.command()
def run(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|MODULE",
            help="Problems: JSON Lines in a form of miniF2F or of prove-or-refute problems, Lean, or a traced module or library.",
        ),
    ],
    store: StoreOption = STORE,
    k: Annotated[
        str, typer.Option("--k", metavar="K,...", help="Report pass@k for these; as many attempts as the largest.")
    ] = "1",
    search: Annotated[
        str, typer.Option("--search", metavar="NAME", help=f"The algorithm: {', '.join(ALGORITHMS)}.")
    ] = DEFAULT.name,
    generator: GeneratorOption = "rules",
    limit_seconds: Annotated[float, typer.Option(min=0.1, help="Time for the search of each attempt.")] = 60.0,
    limit_tactics: Annotated[int, typer.Option(min=1, help="Tactics to try in each attempt.")] = 20_000,
    limit_goals: Annotated[int, typer.Option(min=1, help="Goals to open in each attempt.")] = 5_000,
    seed: Annotated[int, typer.Option(help="Each attempt draws with a seed of its own, made from this one.")] = 0,
    split: Annotated[str | None, typer.Option(metavar="NAME", help="Only problems of this split.")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="TEXT", help="Only problems whose names hold this; repeatable."),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="So many problems, drawn with the seed.", show_default="all")
    ] = None,
    errata: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="JSON Lines of known errata: name, and the statement that is wrong (before)."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            "-w",
            min=1,
            help="Lean processes at a time, one for each attempt, or two for each that proves or refutes.",
            show_default="as cores and memory allow",
        ),
    ] = None,
    lean: LeanOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Attempt the problems of a file, each proof judged by Lean's kernel, and keep every attempt in the store.

    The header of each problem is that of its file. Theorems of a traced library are to be proved without themselves and their twins. What Lean cannot state (for want of Mathlib, say) is a class of its own, as are
    errors of Lean and the machine, after two more tries. A run that was interrupted is taken up by the same command.

    Where the file says of each statement whether it is true ("truth": true or false), each is proved or refuted, both at once within the time of an attempt,
    and the report tells how well true and false ones were told apart. The answers are for the report alone.

    [bold]Examples[/bold]

        lemma bench run minif2f_core_valid.jsonl

        lemma bench run minif2f.jsonl --split test --k 1,8,32 --lean native --project ~/mathlib-project

        lemma bench run open_problems.lean --search mcts --limit-seconds 20

        lemma trace Init && lemma bench run Init --sample 500 --seed 1 --limit-seconds 10

        lemma bench run prove_or_refute.jsonl --limit-seconds 30

        lemma bench run minif2f.jsonl --k 1,8 --generator "hf:deepseek-ai/DeepSeek-Prover-V1.5-RL?format=deepseek-prover-v1.5&samples=8"
    """
    from db.store import Store
    from prover.core import Budget
    from prover.engine import Plan
    from prover.generators.named import parsed
    from workbench.benching import Wish, parsed_ks

    parsed(generator)
    budget = Budget(limit_seconds, limit_tactics, limit_goals)
    plan = Plan(named("--search", search, ALGORITHMS), budget, seed)
    wish = Wish(source, parsed_ks(k), plan, generator, errata, split, tuple(only or ()), sample)
    if source.endswith((".json", ".jsonl", ".lean")) and not Path(source).is_file():
        raise InputError(f"{source}: no such file; give one of JSON Lines, or of Lean, or a traced module.")
    count = workers or Settings.from_environment().workers
    toolchain = chosen_toolchain(lean, project)
    with Store.open(store) as records:
        document = asyncio.run(carry_out(records, toolchain, wish, count))
    if as_json:
        print_json({"store": store, **document})


async def carry_out(store: Store, toolchain: Toolchain, wish: Wish, workers: int) -> dict[str, object]:
    """Begins or takes up the run that is asked for, shows how it goes, and says what came of it."""
    from lean_bridge.pool import LeanPool
    from prover.bench.judgements import document as judged_document
    from prover.bench.report import make_report
    from prover.bench.runner import BenchmarkRun, begun
    from prover.generators.named import opened
    from workbench.benching import planned
    from workbench.pages.bench_text import headline

    async with (
        opened(wish.generator, api_key) as proposing,
        LeanPool(toolchain, size=workers, spares=0) as pool,
    ):
        plan = await planned(store, pool, replace(wish, generator=proposing.name), toolchain.origins())
        async with pool.lease() as server:
            lean = server.hello.toolchain
        found, resumed = begun(store, plan, lean, datetime.now(UTC))
        goes_on = " goes on" if resumed else ""
        said = f"run {found.id}{goes_on}: {plan.attempts} attempts at each of {len(plan.problems)} problems"
        typer.echo(said, err=True)
        with run_shown(store, found, plan) as told:
            going = BenchmarkRun(
                pool, store, found, plan, proposing.generator, clock=lambda: datetime.now(UTC), report=told
            )
            try:
                await going.go(workers, owner())
            except asyncio.CancelledError:
                kept = sum(store.outcomes(found.id).values())
                typer.echo(f"interrupted: {kept} attempts are kept; the same command goes on.", err=True)
                raise
    report = make_report(store, found.id)
    for name, value in headline(report):
        typer.echo(f"{name}: {value}", err=True)
    typer.echo(f"`lemma bench report {found.id}` has the rest", err=True)
    outcomes = {outcome.value: count for outcome, count in report.totals.items()}
    document = {"run": found.id, "proved": len(report.proved), "problems": len(report.results), "attempts": outcomes}
    return document if report.judgements is None else {**document, "judgements": judged_document(report.judgements)}


@contextmanager
def run_shown(store: Store, run: Run, plan: BenchmarkPlan) -> Iterator[Callable[[BenchmarkProblem, Attempt], None]]:
    """Shows on standard error how far a run is; what is yielded is to be told of each attempt."""
    from prover.bench.runner import shown_progress

    outcomes = store.outcomes(run.id)
    before, total, began = sum(outcomes.values()), len(plan.units()), time.monotonic()
    with count_shown("proving", "attempts", before, total) as show:

        def told(problem: BenchmarkProblem, attempt: Attempt) -> None:
            outcomes[attempt.outcome] += 1
            passed = time.monotonic() - began
            show(sum(outcomes.values()), shown_progress(outcomes, total, passed, before, racing=plan.racing))

        yield told


@app.command()
def modernise(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A benchmark, as JSON Lines.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="The file to write.")],
) -> None:
    """Write a benchmark in today's notation: `∑ x in s, f x` becomes `∑ x ∈ s, f x`.

    Most copies of miniF2F have sums and products as Mathlib wrote them before 2024, and today's Mathlib does not read that. Rows that are changed keep what they
    said as `original_formal_statement`; a run over the new file is one over other texts, and its hashes say so.

    [bold]Examples[/bold]

        lemma bench modernise minif2f.jsonl --out minif2f_today.jsonl
    """
    from prover.bench.notation import rewritten
    from workbench.proving import write_whole

    made = rewritten(source)
    write_whole(out, made.text)
    typer.echo(f"{len(made.changed)} of {made.rows} problems changed; written to {out}")


@app.command()
def report(
    runs: Annotated[
        list[int] | None, typer.Argument(metavar="RUN...", help="Numbers of runs.", show_default="the latest one")
    ] = None,
    store: StoreOption = STORE,
    html: HtmlOption = None,
    markdown: MarkdownOption = None,
    command: CommandOption = "",
    as_json: JsonOption = False,
) -> None:
    """Report runs: pass@k with intervals, by source, growth with attempts, cost, every proof, and what was never solved.

    Of a run that proves or refutes: macro-F1, who always says the same beside it, and every verdict that contradicts the file. pass@k is the unbiased estimator; the intervals are bootstrapped over the problems. Of several runs the files are OUT-RUN.

    [bold]Examples[/bold]

        lemma bench report

        lemma bench report 3 --html report.html

        lemma bench report 3 4 --json
    """
    from db.store import Store
    from prover.bench.report import document, make_report
    from workbench.pages.bench_page import page
    from workbench.pages.bench_text import markdown as text_of
    from workbench.pages.bench_text import terminal

    if command and markdown is None:
        raise InputError("--command is for the head of the Markdown; give --markdown OUT, or leave it out.")
    for out in filter(None, (html, markdown)):
        refuse_place(out)
    with Store.open(store, create=False) as records:
        found = [make_report(records, number) for number in bench_runs(records, runs or [], store)]
    for one in found:
        for place, text in ((html, page), (markdown, lambda one: text_of(one, command))):
            if place is not None:
                write(place if len(found) == 1 else place.with_stem(f"{place.stem}-{one.run.id}"), text(one))
    if as_json:
        documents = [document(one) for one in found]
        print_json(documents[0] if len(documents) == 1 else {"runs": documents})
        return
    console = Console(highlight=False, markup=False, emoji=False)
    for one in found:
        console.print(terminal(one))


@app.command()
def compare(
    first: RunArgument,
    second: RunArgument,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Compare two runs problem by problem: what the second gained and lost, and whether that could be chance.

    The test is McNemar's, exact, on the problems that only one run proved (or, where they were to be proved or refuted, decided correctly). Problems that only one run attempted are left out.

    [bold]Examples[/bold]

        lemma bench compare 3 4
    """
    from db.store import Store
    from prover.bench.compare import difference
    from prover.bench.report import make_report
    from workbench.pages.bench_text import compared

    with Store.open(store, create=False) as records:
        before, after = (make_report(records, number) for number in bench_runs(records, [first, second], store))
    found = difference(before, after)
    if as_json:
        print_json({"first": first, "second": second, **asdict(found)})
    else:
        Console(highlight=False, markup=False, emoji=False).print(compared(found, first, second))


@app.command()
def verify(
    run: RunArgument,
    store: StoreOption = STORE,
    replay: Annotated[
        bool, typer.Option("--replay", help="Have the kernel of a second process check each again.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-w", min=1, help="Proofs at a time.", show_default="as cores and memory allow"),
    ] = None,
    lean: LeanOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge every proof and refutation of a run again, from its statement and its text in the store. Exits with 1 if one is not accepted.

    [bold]Examples[/bold]

        lemma bench verify 3

        lemma bench verify 3 --replay --json
    """
    from db.store import Store
    from prover.bench.verify import stored_proofs

    count = workers or Settings.from_environment().workers
    with Store.open(store, create=False) as records:
        (number,) = bench_runs(records, [run], store)
        proofs = list(stored_proofs(records, number))
    verdicts = asyncio.run(judged(proofs, chosen_toolchain(lean, project), count, replay=replay)) if proofs else []
    refused = [(proof, verdict) for proof, verdict in zip(proofs, verdicts, strict=True) if not verdict.accepted]
    if as_json:
        accepted = len(proofs) - len(refused)
        listing = [{"name": p.name, "outcome": v.outcome, "reason": v.reason, "message": v.message} for p, v in refused]
        print_json({"run": number, "proofs": len(proofs), "accepted": accepted, "refused": listing})
    else:
        for proof, verdict in refused:
            typer.echo(f"{proof.name}: {verdict.outcome} ({verdict.reason}): {verdict.message}")
        typer.echo(f"{len(proofs) - len(refused)} of {len(proofs)} proofs of run {number} are accepted")
    raise typer.Exit(1 if refused else 0)


async def judged(proofs: list[StoredProof], toolchain: Toolchain, workers: int, *, replay: bool) -> list[Verdict]:
    """The judge's verdicts, in order."""
    from contextlib import AsyncExitStack

    from lean_bridge.pool import LeanPool
    from prover.bench.verify import verify
    from prover.judge import Judge, Terms

    workers = min(workers, len(proofs))
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(LeanPool(toolchain, size=workers, spares=0))
        second = await stack.enter_async_context(LeanPool(toolchain, size=1, spares=0)) if replay else None
        # The search found some of them step by step, each with a limit of its own.
        return await verify(Judge(pool, Terms(heartbeats=0), second=second), proofs, workers=workers)


def bench_runs(store: Store, numbers: list[int], place: str) -> list[int]:
    """The numbers of the runs that are asked for, or of the latest one. Arguments and errors as of `chosen_runs`."""
    return chosen_runs(store, "bench", numbers, place, "run of a benchmark", "lemma bench run FILE")
