"""`lemma prove`: search for proofs, have each checked, show and keep them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lean_bridge.errors import InputError
from prover.core import Budget
from prover.search.algorithms import ALGORITHMS, DEFAULT
from workbench.cli.options import (
    DriverOption,
    GeneratorOption,
    JsonOption,
    LeanOption,
    ProjectOption,
    chosen_toolchain,
    named,
    print_json,
)
from workbench.cli.progress import progress_shown
from workbench.settings import DriverKind, Settings, api_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lean_bridge.pool import LeanPool
    from lean_bridge.protocol import Hello
    from lean_bridge.toolchain import Toolchain
    from prover.engine import Driver, Plan, ProofAttempt
    from workbench.problems import LeanFile, Problem

TREE_FORMATS = (".html", ".svg", ".json", ".dot")
BUDGETS = {
    "quick": Budget(seconds=10, steps=2_000, nodes=1_000),
    "standard": Budget(),
    "long": Budget(seconds=600, steps=200_000, nodes=50_000),
}


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for, checked as far as it can be without Lean."""

    subject: LeanFile | Problem
    """The file whose theorems are to be proved, or the statement."""
    theorems: tuple[str, ...]
    """Names of those to prove; none: all."""
    plan: Plan
    generator: str
    explain: bool
    """Whether it is told why each tactic of a proof was tried."""
    race: bool
    """Whether the negation is tried, too."""
    driver: DriverKind
    """Who runs the tactics of the search."""
    workers: int
    copy: Path | None
    """Where a copy of the file with the proofs goes."""
    tree: Path | None
    """Where a drawing of the search goes."""
    as_json: bool


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the copy with the proofs."""

    path: Path
    fault: str | None
    """Why it was not written."""


def prove(
    source: Annotated[str, typer.Argument(metavar="FILE|STATEMENT", help="A Lean file, or a statement as text.")],
    theorem: Annotated[
        list[str] | None, typer.Option("--theorem", "-t", metavar="NAME", help="Prove only this theorem; repeatable.")
    ] = None,
    imports: Annotated[
        list[str] | None,
        typer.Option("--import", "-i", metavar="MODULE", help="Import this for a statement; repeatable."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-w", min=1, help="Theorems at a time.", show_default="as cores and memory allow"),
    ] = None,
    search: Annotated[
        str, typer.Option("--search", metavar="NAME", help=f"The algorithm: {', '.join(ALGORITHMS)}.")
    ] = DEFAULT.name,
    generator: GeneratorOption = "rules",
    budget: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="What each theorem may cost: quick (10 s), standard (60 s) or long (10 minutes)."
        ),
    ] = "standard",
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="Time for each theorem.", show_default="of the budget")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Tactics to try for each theorem.", show_default="of the budget")
    ] = None,
    nodes: Annotated[
        int | None, typer.Option(min=1, help="Goals to open for each theorem.", show_default="of the budget")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of what the algorithm draws.")] = 0,
    minimise: Annotated[
        bool, typer.Option("--minimise", help="Leave out what a proof does not need, and make its `simp` explicit.")
    ] = False,
    race: Annotated[
        bool, typer.Option("--race", help="Try to refute each statement at the same time; the first verdict counts.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say of each tactic, as it was found, why it was tried and what else was.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write a copy of the file with the proofs in it: FILE.proved.lean.")
    ] = False,
    write_to: Annotated[
        Path | None, typer.Option("--write-to", metavar="OUT", help="As --write, into this file.")
    ] = None,
    tree: Annotated[
        Path | None,
        typer.Option(
            "--tree",
            metavar="OUT",
            help="Draw the search: OUT ends in .html, .svg, .json or .dot. Of several theorems each gets OUT-NAME.",
        ),
    ] = None,
    driver: DriverOption = DriverKind.server,
    lean: LeanOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove theorems: those of a file that end in `sorry`, or one statement.

    Every proof that the search finds is checked again: Lean's kernel compares it with the statement as you gave it, and the
    axioms that it rests on are examined. Exits with 0 if everything was proved, 1 if not, 2 on bad input.

    [bold]Examples[/bold]

        lemma prove examples/first.lean

        lemma prove "∀ a b : Nat, a + b = b + a"

        lemma prove "∀ n : Nat, n < 2 ^ n" --tree search.html

        lemma prove --import Std "(∅ : Std.HashMap Nat Nat).size = 0"

        lemma prove examples/first.lean --theorem gauss --seconds 20 --write

        lemma prove "∀ n : Nat, 3 ∣ n ^ 3 + 2 * n" --search mcts --budget quick --explain --minimise

        lemma prove "∀ a b : Nat, a - b + b = a" --race

        lemma prove examples/first.lean --driver leandojo

        lemma prove examples/first.lean --generator "rules+openai:http://localhost:8000/v1#my-model?format=kimina-prover"
    """
    from prover.engine import Plan

    request = checked_request(
        source,
        theorems=tuple(theorem or ()),
        imports=tuple(imports or ()),
        plan=Plan(
            algorithm=named("--search", search, ALGORITHMS),
            budget=within(named("--budget", budget, BUDGETS), seconds=seconds, steps=steps, nodes=nodes),
            seed=seed,
            minimise=minimise,
        ),
        generator=generator,
        explain=explain,
        race=race,
        driver=driver,
        workers=workers or Settings.from_environment().workers,
        write=write,
        copy=write_to,
        tree=tree,
        as_json=as_json,
    )
    toolchain = chosen_toolchain(lean, project)
    raise typer.Exit(0 if asyncio.run(run(request, toolchain)) else 1)


def checked_request(
    source: str,
    *,
    theorems: tuple[str, ...],
    imports: tuple[str, ...],
    plan: Plan,
    generator: str,
    explain: bool,
    race: bool,
    driver: DriverKind,
    workers: int,
    write: bool,
    copy: Path | None,
    tree: Path | None,
    as_json: bool,
) -> Request:
    """Puts a request together.

    Raises:
        InputError: options contradict each other, or a file cannot be read, or a result could not be written.
    """
    from prover.generators.named import parsed
    from workbench.problems import LeanFile, names_a_file, read_lean_file, statement_problem

    parsed(generator)
    if names_a_file(source):
        subject: LeanFile | Problem = read_lean_file(Path(source))
        if imports:
            raise InputError(f"--import is for a statement; write the imports at the head of {source}.")
        if write and copy is None:
            copy = Path(source).with_suffix(".proved.lean")
        if copy is not None and copy.exists() and copy.samefile(source):
            raise InputError(f"{copy} is the input itself; choose another name for the copy.")
    else:
        subject = statement_problem(source, imports)
        if theorems or write or copy:
            raise InputError(
                "--theorem and --write are for a file, and this is a statement; is the name of the file right?"
            )
    if driver is DriverKind.leandojo and (race or not isinstance(subject, LeanFile)):
        raise InputError("--driver leandojo proves the theorems of a file, and without --race.")
    if tree is not None and tree.suffix not in TREE_FORMATS:
        raise InputError(f"--tree {tree}: the name must end in one of {', '.join(TREE_FORMATS)}.")
    for place in filter(None, (copy, tree)):
        if not place.parent.is_dir():
            raise InputError(f"{place}: there is no folder {place.parent}; make it first.")
    return Request(subject, theorems, plan, generator, explain, race, driver, workers, copy, tree, as_json)


def within(budget: Budget, *, seconds: float | None, steps: int | None, nodes: int | None) -> Budget:
    """A budget with the limits that are given in the place of its own."""
    return Budget(seconds or budget.seconds, steps or budget.steps, nodes or budget.nodes)


async def run(request: Request, toolchain: Toolchain) -> bool:
    """Carries a request out and reports on it. Says whether everything was proved."""
    from lean_bridge.pool import LeanPool
    from prover.generators.named import opened
    from workbench.cli.prove_display import ProveDisplay, report
    from workbench.proving import prove_all

    size = processes(request)
    async with (
        opened(request.generator, api_key) as proposing,
        LeanPool(toolchain, size=size, spares=0) as pool,
    ):
        hello, problems = await find_problems(request, pool)
        driver = await opened_driver(request, toolchain)
        with ProveDisplay(len(problems), results=not request.as_json, explain=request.explain) as display:
            attempts = await prove_all(
                pool,
                problems,
                workers=size,
                plan=request.plan,
                generator=proposing.generator,
                watcher=display,
                racing=request.race,
                driver=driver,
            )
        written = await write_copy(request, pool, problems, attempts)
    trees = draw_trees(request.tree, problems, attempts)
    if request.as_json:
        copy = written and {"path": str(written.path), "fault": written.fault}
        print_json({**report(request.plan, proposing.name, problems, attempts, trees, hello), "copy": copy})
    else:
        print_end(display.summary(), written, trees)
    return all(attempt.outcome == "proved" for attempt in attempts) and not (written and written.fault)


def processes(request: Request) -> int:
    """How many Lean processes to start: no more than there can be searches, as each costs seconds and a gigabyte."""
    from workbench.problems import LeanFile

    searches = request.subject.text.count("sorry") if isinstance(request.subject, LeanFile) else 1
    searches *= 2 if request.race else 1
    return min(request.workers, max(1, searches))


async def find_problems(request: Request, pool: LeanPool) -> tuple[Hello, list[Problem]]:
    """Starts Lean, and finds out what the request wants proved.

    Raises:
        InputError, RequestFailed: the file or an import is wrong.
    """
    from workbench.problems import LeanFile, problems_in_file

    with progress_shown() as progress:
        progress("starting Lean", None)
        async with pool.lease() as server:
            if isinstance(request.subject, LeanFile):
                progress(f"reading {request.subject.path}", None)
                return server.hello, await problems_in_file(server, request.subject, request.theorems)
            await server.open_environment(request.subject.task.imports)
            return server.hello, [request.subject]


async def opened_driver(request: Request, toolchain: Toolchain) -> Driver | None:
    """What runs the tactics, if it is not our own server.

    Raises:
        InputError, DojoError: LeanDojo cannot follow the file.
    """
    from workbench.problems import LeanFile

    if request.driver is DriverKind.server or not isinstance(request.subject, LeanFile):
        return None
    from lean_bridge.dojo_project import traced_folder
    from lean_bridge.toolchain.embedded import EmbeddedToolchain
    from prover.dojo import dojo_driver
    from workbench.dojo import dojo_file

    file = dojo_file(request.subject)
    embedded = toolchain if isinstance(toolchain, EmbeddedToolchain) else None
    with progress_shown() as progress:
        return dojo_driver(await traced_folder(file.source, embedded, progress=progress), file.path)


async def write_copy(
    request: Request, pool: LeanPool, problems: Sequence[Problem], attempts: Sequence[ProofAttempt]
) -> Written | None:
    """Writes the copy with the proofs, if one is wanted, after Lean has checked it as a whole."""
    from workbench.problems import LeanFile
    from workbench.proving import check_copy, with_proofs, write_whole

    proved = [attempt.task.name for attempt in attempts if attempt.outcome == "proved"]
    if request.copy is None or not isinstance(request.subject, LeanFile):
        return None
    if not proved:
        return Written(request.copy, "there is no proof to write")
    text = with_proofs(request.subject, problems, attempts)
    async with pool.lease() as server:
        fault = await check_copy(server, request.copy, text, proved)
    if fault is None:
        write_whole(request.copy, text)
    return Written(request.copy, fault)


def draw_trees(tree: Path | None, problems: Sequence[Problem], attempts: Sequence[ProofAttempt]) -> list[Path | None]:
    """Draws each search, if a drawing is wanted.

    Returns:
        The file of each, None where there was no search.

    Raises:
        InputError: a file cannot be written.
    """
    from prover.tree import write_tree

    drawn: list[Path | None] = []
    for problem, attempt in zip(problems, attempts, strict=True):
        if tree is None or attempt.graph is None:
            drawn.append(None)
            continue
        path = tree if len(problems) == 1 else tree.with_stem(f"{tree.stem}-{file_stem(problem.name)}")
        try:
            write_tree(attempt.graph, path, title=problem.name)
        except OSError as error:
            raise InputError(f"{path} cannot be written: {error.strerror}; choose another place.") from error
        drawn.append(path)
    return drawn


def file_stem(name: str) -> str:
    """A theorem's name as part of a file name."""
    return "".join(letter if letter.isalnum() or letter in "._'" else "_" for letter in name)


def print_end(summary: str, written: Written | None, trees: Sequence[Path | None]) -> None:
    """Prints what `lemma prove` ends with."""
    typer.echo(summary)
    if written is not None:
        typer.echo(f"not written: {written.fault}" if written.fault else f"proofs written to {written.path}")
    drawn = [path for path in trees if path is not None]
    if len(drawn) == 1:
        typer.echo(f"search drawn in {drawn[0]}")
    elif drawn:
        typer.echo(f"{len(drawn)} searches drawn, from {drawn[0]} to {drawn[-1]}")
