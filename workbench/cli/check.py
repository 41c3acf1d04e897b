"""`lemma check`: have submissions of strangers judged against trusted statements, one or a batch of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from lean_bridge.errors import InputError, RequestFailed
from workbench.cli.options import JsonOption, LeanOption, ProjectOption, chosen_toolchain, print_json
from workbench.cli.progress import progress_shown
from workbench.settings import Settings

if TYPE_CHECKING:
    from lean_bridge.client import LeanServer
    from lean_bridge.toolchain import Toolchain
    from prover.judge import Statement, Terms, Verdict
    from workbench.checking import Batch, Case, VerdictFile
    from workbench.problems import LeanFile

SECONDS = 60.0
"""The default of `prover.judge.Terms`, whose module takes too long to import for a page of help."""

NOTE_SECONDS = 5.0
"""How often a line says how far a batch is where there is no terminal."""

WORDS = {"accepted": "accepted", "rejected": "rejected", "error": "without a verdict"}

MARKS = {"accepted": ("✓", "green"), "rejected": ("✗", "red"), "error": ("!", "magenta")}


@dataclass(frozen=True, slots=True)
class Single:
    """One submission to judge, and where its statement stands."""

    submission: LeanFile
    body: bool
    """The submission is the body of a proof, no file."""
    against: LeanFile
    theorem: str | None
    """None: the only theorem of `against`."""
    terms: Terms
    replay: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a `Single`."""

    case: Case
    """Its id is the theorem's name."""
    verdict: Verdict
    lean: str


def check(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A Lean file of a stranger that shall prove the theorem.")
    ] = None,
    theorem: Annotated[
        str | None,
        typer.Option("--theorem", "-t", metavar="NAME", help="The theorem.", show_default="the only one of --against"),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            metavar="STATEMENT",
            help="The trusted Lean file that states the theorem; its proof is ignored.",
        ),
    ] = None,
    body: Annotated[
        bool, typer.Option("--body", help="FILE holds the body of a proof alone: `by …`, a term, `:= …` or `| …`.")
    ] = False,
    batch: Annotated[
        Path | None,
        typer.Option(
            "--batch",
            metavar="CASES",
            help="Judge many: JSON Lines with id, statement, proof or file, and, where there is one, header.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="OUT", help="Of a batch: one verdict a line; continued if it is there."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-w", min=1, help="Of a batch: cases at a time.", show_default="as cores allow"),
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Of a batch: begin OUT anew.")] = False,
    replay: Annotated[
        bool,
        typer.Option(
            "--replay",
            help="Check accepted proofs again in a process that saw no submission; beside a native Lean also by nanoda, lean4checker and comparator, those that are installed.",
        ),
    ] = False,
    axiom: Annotated[
        list[str] | None,
        typer.Option("--axiom", metavar="NAME", help="Allow this axiom beside Lean's three; repeatable."),
    ] = None,
    allow_syntax: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-syntax", metavar="KIND", help="Allow this syntax kind, of a library's tactic say; repeatable."
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Time for each submission.")] = SECONDS,
    heartbeats: Annotated[
        int | None,
        typer.Option(min=0, help="Lean's maxHeartbeats, 0 for no limit.", show_default="that of the statement's file"),
    ] = None,
    lean: LeanOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge submissions that nobody vouches for: does this file, or this proof, prove the theorem as I state it?

    The statement comes from you. Syntax with which a submission could run programs is refused before it is elaborated; what
    it proves goes through Lean's kernel against your statement, and the axioms that it rests on are examined. Of a batch
    that was interrupted at most the cases at work are lost: the same command goes on from there.

    Exits with 0 if everything was accepted, 1 if something was rejected, 2 on bad input, 3 if there is no verdict on
    something (a time limit, a crash); of several the first of 2, 3, 1.

    [bold]Examples[/bold]

        lemma check submission.lean --against statement.lean

        lemma check submission.lean --theorem Nat.foo --against statement.lean --replay

        lemma check proof.txt --body --theorem foo --against statement.lean --json

        lemma check --batch cases.jsonl --out verdicts.jsonl --workers 4
    """
    from prover.judge import ALLOWED_AXIOMS, Terms
    from workbench.checking import Batch
    from workbench.problems import read_lean_file

    terms = Terms(seconds, heartbeats, ALLOWED_AXIOMS | set(axiom or ()), tuple(sorted(set(allow_syntax or ()))))
    if batch is not None:
        if file is not None or theorem is not None or against is not None or body:
            raise InputError(
                "--batch takes statements and submissions from its file; leave FILE and what is for it out."
            )
        if out is None:
            raise InputError("--batch needs a file for the verdicts; give --out OUT.")
        code = check_many(
            batch,
            out,
            lambda cases: Batch(cases, terms, replay),
            restart=restart,
            workers=workers,
            toolchain=lambda: chosen_toolchain(lean, project),
            as_json=as_json,
        )
        raise typer.Exit(code)
    if out is not None or workers is not None or restart:
        raise InputError("--out, --workers and --restart are for a batch; give --batch CASES, or leave them out.")
    if file is None or against is None:
        raise InputError("Give FILE and --against STATEMENT, or --batch CASES and --out OUT; `lemma check --help`.")
    single = Single(read_submission(file), body, read_lean_file(against), theorem, terms, replay)
    judged = asyncio.run(judge_one(single, chosen_toolchain(lean, project)))
    print_judged(single, judged, as_json)
    raise typer.Exit({"accepted": 0, "rejected": 1, "error": 3}[judged.verdict.outcome])


def read_submission(path: Path) -> LeanFile:
    """Reads what a stranger wrote.

    Raises:
        InputError: it is no text, or there is none.
    """
    from workbench.problems import read_lean_file

    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path} is empty; write the theorem with its proof into it.")
    return read_lean_file(path)


async def judge_one(single: Single, toolchain: Toolchain) -> Judged:
    """Has one submission judged.

    Raises:
        InputError: the file of the statement has errors, or no such theorem.
    """
    from prover.judge import Proof, WholeFile, described
    from workbench.checking import Batch, Case, judging

    text = single.submission.text
    with progress_shown() as progress:
        progress("starting Lean", None)
        async with judging(toolchain, Batch((), single.terms, single.replay), workers=1) as (pool, judge):
            async with pool.lease() as server:
                progress(f"reading {single.against.path}", None)
                theorem, statement = await trusted_statement(server, single.against, single.theorem)
                lean = described(server.hello)
            progress(f"judging {single.submission.path}", None)
            case = Case(theorem, statement, Proof(text) if single.body else WholeFile(text))
            return Judged(case, await judge.check(case.statement, case.submission), lean)


async def trusted_statement(server: LeanServer, file: LeanFile, theorem: str | None) -> tuple[str, Statement]:
    """Name and statement of a theorem of a trusted file; of its only one where no name is given.

    Raises:
        InputError: the file has errors, or no such theorem.
        RequestFailed: Lean cannot read the head of the file (`parse_error`, `unknown_module`).
    """
    from prover.errors import UnknownTheorem
    from prover.judge import statement_in_file, statement_of
    from workbench.problems import refuse_errors

    if theorem is not None:
        try:
            return theorem, await statement_in_file(server, file.text, theorem)
        except UnknownTheorem as error:
            raise InputError(f"{file.path}: {error}. Check --theorem and --against.") from error
        except InputError as error:
            if isinstance(error.__cause__, RequestFailed):
                raise error.__cause__ from None  # the command line lists what came with it, and knows the cure
            raise InputError(f"{file.path}: {error}") from error
    report = await server.check_file(file.text, file=str(file.path))
    refuse_errors(file, report)
    named = [found for found in report.theorems if found.kind != "example"]
    if len(named) != 1:
        known = ", ".join(found.name for found in named) or "no theorem"
        cure = "say which one with --theorem" if named else "state one that ends in `:= sorry`"
        raise InputError(f"{file.path} has {known}; {cure}.")
    return named[0].name, statement_of(file.text, named[0])


def print_judged(single: Single, judged: Judged, as_json: bool) -> None:
    """Prints the verdict on one submission."""
    from workbench.checking import Batch

    verdict, theorem, path = judged.verdict, judged.case.id, single.submission.path
    record = Batch([judged.case], single.terms, single.replay).record(0, verdict, judged.lean)
    if as_json:
        del record["id"]
        print_json({"theorem": theorem, "file": str(path), "against": str(single.against.path), **record})
        return
    mark, color = MARKS[verdict.outcome]
    outcome = {"accepted": "accepted", "rejected": f"rejected ({verdict.reason})"}
    words = outcome.get(verdict.outcome, f"no verdict ({verdict.reason})")
    typer.echo(f"{typer.style(mark, fg=color)} {theorem} {typer.style(words, fg=color)}")
    if verdict.message:
        place = f":{verdict.place.line}:{verdict.place.column}" if verdict.place else ""
        typer.echo(f"{path}{place}: {verdict.message}")
    facts = [("statement sha256", record["statement_sha256"])]
    if verdict.accepted or verdict.axioms:
        facts.append(("axioms", ", ".join(verdict.axioms) or "none"))
    facts += [("Lean", record["lean"]), ("time", f"{verdict.seconds:.2f} s")]
    for opinion in verdict.opinions:
        word = "accepted" if opinion.accepted else ("no verdict" if opinion.error else "rejected")
        facts.append(("second opinion", f"{opinion.checker}: {word}"))
    for name, value in facts:
        typer.echo(f"    {name:<16}  {value}")


def check_many(
    source: Path,
    out: Path,
    batch: Callable[[Sequence[Case]], Batch],
    *,
    restart: bool,
    workers: int | None,
    toolchain: Callable[[], Toolchain],
    as_json: bool,
) -> int:
    """Has a batch judged, shows how far it is, and returns the exit code."""
    from workbench.checking import BAD_STATEMENT, open_verdicts, read_cases

    began = time.monotonic()
    cases = read_cases(source)
    if out.exists() and out.samefile(source):
        raise InputError(f"{out} is the input itself; choose another file for the verdicts.")
    with open_verdicts(out, batch(cases), restart=restart) as verdicts:
        stored = verdicts.tally.total()
        if verdicts.left:
            run_batch(verdicts, toolchain(), workers)
        else:
            verdicts.begin()
    tally = verdicts.tally
    report = {
        "cases": len(cases),
        **{outcome: count(verdicts, outcome) for outcome in WORDS},
        "reasons": [
            {"outcome": outcome, "reason": reason or None, "cases": n} for (outcome, reason), n in sorted(tally.items())
        ],
        "stored_before": stored,
        "seconds": round(time.monotonic() - began, 3),
        "out": str(out),
    }
    if as_json:
        print_json(report)
    else:
        print_counts(verdicts, report)
    if bad := tally["error", BAD_STATEMENT]:
        cure = f"mend them (reason {BAD_STATEMENT} in {out}) and begin anew with --restart."
        typer.echo(f"error: {bad} of the statements do not elaborate; {cure}", err=True)
        return 2
    return 3 if count(verdicts, "error") else int(count(verdicts, "rejected") > 0)


def run_batch(verdicts: VerdictFile, toolchain: Toolchain, workers: int | None) -> None:
    """Has the cases judged that have no verdict yet."""
    from workbench.checking import check_batch

    async def run() -> None:
        async with batch_shown(verdicts) as told:
            # The replay has a process of its own, which is one of those that the machine can afford.
            size = workers or max(1, Settings.from_environment().workers - verdicts.batch.replay)
            await check_batch(toolchain, verdicts, workers=size, told=told)

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        kept = f"{verdicts.tally.total()} of {len(verdicts.batch.cases)} verdicts are kept"
        typer.echo(f"interrupted: {kept}; the same command, without --restart, goes on from there.", err=True)
        raise


@asynccontextmanager
async def batch_shown(verdicts: VerdictFile) -> AsyncIterator[Callable[[], None]]:
    """Shows on standard error how far a batch is; what is yielded wants to be called after each verdict."""
    console = Console(stderr=True, highlight=False)
    total = len(verdicts.batch.cases)

    def counts() -> str:
        return ", ".join(f"{count(verdicts, outcome)} {word}" for outcome, word in WORDS.items())

    if console.is_terminal:
        columns = (TextColumn("judging"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
            task = bar.add_task(counts(), total=total, completed=verdicts.tally.total())
            yield lambda: bar.update(task, completed=verdicts.tally.total(), description=counts())
        return

    async def notes() -> None:
        while True:
            console.print(f"{verdicts.tally.total()} of {total} done: {counts()}", markup=False, soft_wrap=True)
            await asyncio.sleep(NOTE_SECONDS)

    noting = asyncio.create_task(notes())
    try:
        yield lambda: None
    finally:
        noting.cancel()


def count(verdicts: VerdictFile, outcome: str) -> int:
    """How many verdicts have an outcome."""
    return sum(n for (kind, _), n in verdicts.tally.items() if kind == outcome)


def print_counts(verdicts: VerdictFile, report: Mapping[str, object]) -> None:
    """Prints what a batch ends with."""
    table = Table("outcome", "reason", box=None, pad_edge=False)
    table.add_column("cases", justify="right")
    for (outcome, reason), n in sorted(verdicts.tally.items()):
        table.add_row(Text(outcome, MARKS[outcome][1]), reason, str(n))
    Console(highlight=False, markup=False).print(table)
    before = f" ({report['stored_before']} of them were there already)" if report["stored_before"] else ""
    typer.echo(f"{report['cases']} verdicts in {report['out']}{before}; {report['seconds']:.1f} s")
