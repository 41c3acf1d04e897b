"""`lemma refute`: look for counterexamples, have each checked, show them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from lean_bridge.errors import InputError
from workbench.cli.options import JsonOption, LeanOption, ProjectOption, chosen_toolchain, print_json
from workbench.cli.progress import progress_shown
from workbench.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lean_bridge.protocol import Hello
    from lean_bridge.toolchain import Toolchain
    from prover.counterexample.finder import Refutation
    from workbench.problems import LeanFile, Problem

MARKS = {
    "refuted": ("✗", "red"),
    "vacuous": ("∅", "yellow"),
    "open": ("?", "cyan"),
    "undecidable": ("?", "cyan"),
    "error": ("!", "magenta"),
}


def refute(
    source: Annotated[str, typer.Argument(metavar="FILE|STATEMENT", help="A Lean file, or a statement as text.")],
    theorem: Annotated[
        list[str] | None, typer.Option("--theorem", "-t", metavar="NAME", help="Only this theorem; repeatable.")
    ] = None,
    imports: Annotated[
        list[str] | None,
        typer.Option("--import", "-i", metavar="MODULE", help="Import this for a statement; repeatable."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Time for each statement.")] = 10.0,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-w", min=1, help="Statements at a time.", show_default="as cores and memory allow"),
    ] = None,
    lean: LeanOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Refute statements: those of a file that end in `sorry`, or one statement.

    A refutation is a proof of the negation that Lean's kernel accepts, with the values that it rests on. Statements whose
    hypotheses contradict each other are told apart: they hold, of nothing. What is not refuted may still be false.
    Exits with 0 if everything was refuted, 1 if not, 2 on bad input.

    [bold]Examples[/bold]

        lemma refute "∀ n : Nat, n ^ 2 + n + 41 < 1000"

        lemma refute "∀ (α : Type) (l k : List α), l ++ k = k ++ l"

        lemma refute conjectures.lean --theorem too_good --seconds 60 --json
    """
    from workbench.problems import names_a_file, read_lean_file, statement_problem

    if names_a_file(source):
        subject: LeanFile | Problem = read_lean_file(Path(source))
        if imports:
            raise InputError(f"--import is for a statement; write the imports at the head of {source}.")
    else:
        subject = statement_problem(source, tuple(imports or ()))
        if theorem:
            raise InputError("--theorem is for a file, and this is a statement; is the name of the file right?")
    toolchain = chosen_toolchain(lean, project)
    size = workers or Settings.from_environment().workers
    done = asyncio.run(run(subject, tuple(theorem or ()), seconds, size, toolchain, as_json))
    raise typer.Exit(0 if done else 1)


async def run(
    subject: LeanFile | Problem,
    theorems: tuple[str, ...],
    seconds: float,
    workers: int,
    toolchain: Toolchain,
    as_json: bool,
) -> bool:
    """Tries to refute what is asked for and reports on it. Says whether everything was refuted."""
    from lean_bridge.pool import LeanPool
    from prover.counterexample.finder import RefutationPlan
    from prover.counterexample.finder import refute as find_refutation
    from workbench.problems import LeanFile, problems_in_file
    from workbench.proving import side_by_side

    most = subject.text.count("sorry") if isinstance(subject, LeanFile) else 1
    out = Console(highlight=False, markup=False, quiet=as_json)
    async with LeanPool(toolchain, size=min(workers, max(1, most)), spares=0) as pool:
        with progress_shown() as progress:
            progress("starting Lean", None)
            async with pool.lease() as server:
                hello = server.hello
                problems = (
                    [subject]
                    if not isinstance(subject, LeanFile)
                    else await problems_in_file(server, subject, theorems)
                )
            progress(f"looking for counterexamples to {len(problems)}", None)

            async def attempt(problem: Problem) -> Refutation:
                found = await find_refutation(pool, problem.task, plan=RefutationPlan(seconds))
                out.print(shown(problem, found), soft_wrap=True)
                return found

            results = await side_by_side(problems, workers, attempt)
    refuted = sum(result.outcome == "refuted" for result in results)
    if as_json:
        print_json(report(problems, results, hello, seconds))
    else:
        typer.echo(f"{refuted} of {len(results)} refuted")
    return refuted == len(results)


def shown(problem: Problem, found: Refutation) -> Text:
    """A result for the eye: the outcome, the values, and the theorem that is their proof."""
    mark, color = MARKS[found.outcome]
    text = Text.assemble((mark, color), " ", (problem.name, "bold"), " ", (found.outcome, color))
    text.append(f" in {found.seconds:.2f} s")
    text.append(f"\n    {because}" if (because := why_not(found)) else "")
    if found.proof is not None:
        text.append("\n")
        text.append(counterexample(found))
    return text


def counterexample(found: Refutation) -> Text:
    """The values, and the theorem that is their proof, for the eye."""
    text = Text()
    for witness in found.witnesses:
        text.append(f"    {witness.name} = {witness.value}\n")
    if found.claim is not None and found.proof is not None:
        theorem, proof = found.claim.text.removesuffix(" := by sorry"), found.proof.replace("\n", "\n    ")
        text.append(f"    {theorem} :=\n      {proof}", "dim")
    return text


def why_not(found: Refutation) -> str:
    """Why there is no refutation, in words; empty if there is one."""
    match found.outcome:
        case "refuted":
            return ""
        case "vacuous":
            return "its hypotheses contradict each other: it holds, of nothing"
        case "undecidable":
            return f"not refuted: {found.stuck_on}"
        case "error":
            return f"{found.failure.kind}: {found.failure.message}" if found.failure else "error"
        case _:
            return "not refuted within the budget; it may be true"


def report(
    problems: Sequence[Problem], results: Sequence[Refutation], hello: Hello, seconds: float
) -> dict[str, object]:
    """The JSON report."""
    return {
        "seconds": seconds,
        "lean": {"version": hello.lean, "commit": hello.commit, "backend": hello.backend},
        "refuted": sum(result.outcome == "refuted" for result in results),
        "total": len(results),
        "statements": [
            {"name": problem.name, "line": problem.line, **refutation_report(result)}
            for problem, result in zip(problems, results, strict=True)
        ],
    }


def refutation_report(found: Refutation) -> dict[str, object]:
    """What became of a search for a refutation."""
    return {
        "outcome": found.outcome,
        "way": found.way,
        "witnesses": [{"name": w.name, "type": w.type, "value": w.value} for w in found.witnesses],
        "claim": found.claim and found.claim.text,
        "proof": found.proof,
        "axioms": found.verdict.axioms if found.verdict else None,
        "reason": why_not(found) or None,
        "seconds": round(found.seconds, 3),
    }
