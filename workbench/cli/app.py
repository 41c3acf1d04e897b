"""The command `lemma`: its groups of commands, and the one place where an error becomes an exit code.

====  ===========================================================================
code  meaning
====  ===========================================================================
0     done; for `prove`: everything is proved; for `refute`: refuted; for `check`: accepted
1     Lean's answer is no: something is not proved or refuted, is rejected, does not build, has errors
2     the input, an option, the installation or a model's server is wrong; the message says the cure
3     a Lean process failed (crash, limit): nothing was found out; for `check` and `countermath run`: about something
130   interrupted
====  ===========================================================================
"""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from db.errors import StoreError
from lean_bridge.errors import BridgeError, InputError, RequestFailed, ToolchainError
from mutation.errors import MutationError
from prover.errors import ProverError
from workbench.cli import (
    bench,
    check,
    countermath,
    doctor,
    export,
    export_conjectures,
    export_proofs,
    lean,
    mutate,
    prove,
    refute,
    serve,
    tasks,
    trace,
    train,
)

INPUT_FAULTS = frozenset({"unknown_module", "parse_error", "elaboration_error", "not_a_proposition"})
"""Error kinds of docs/protocol.md that are the fault of what the user gave."""

MODULE_CURE = (
    "Check the name of the import. The embedded Lean has Init, Std and Lean, what `lemma lean build` built in --project DIR, and installed packs "
    "(`lemma lean info` lists them; docs/mathlib.md tells how to get Mathlib); with --lean native --project DIR it is what Lake built."
)

TOO_LARGE = "do not fit into the 2 GiB"
"""What the embedded Lean says of imports that are there and too large."""

app = typer.Typer(
    name="lemma",
    help="A theorem-proving workbench for Lean 4.",
    epilog="Exit codes: 0 done or proved, 1 not proved or Lean found errors, 2 bad input or no usable Lean, "
    "3 a Lean process failed, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("prove")(prove.prove)
app.command("refute")(refute.refute)
app.command("check")(check.check)
app.command("trace")(trace.trace)
app.command("train")(train.train)
app.command("serve")(serve.serve)
app.add_typer(bench.app, name="bench")
app.add_typer(countermath.app, name="countermath")
app.add_typer(mutate.app, name="mutate")
app.add_typer(tasks.app, name="tasks")
app.add_typer(lean.app, name="lean")
export.app.command("counterexample")(export_conjectures.counterexample)
export.app.command("proofs")(export_proofs.proofs)
app.add_typer(export.app, name="export")
app.command("doctor")(doctor.doctor)


def print_version(wanted: bool) -> None:
    """Prints the version and ends, if it was asked for."""
    if wanted:
        from importlib.metadata import version

        typer.echo(f"lemma {version('lemmaforge')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """A theorem-proving workbench for Lean 4: search for proofs, have them checked, run and build Lean files."""


def main() -> None:
    """Runs the command line of this process and ends it with one of the exit codes above."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Lean is written in letters that not every terminal has; a result must not be lost for that.
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except BridgeError as error:
        typer.echo(f"error: {explained(error)}", err=True)
        sys.exit(exit_code(error))
    except (StoreError, MutationError, ProverError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def exit_code(error: BridgeError) -> int:
    """The code that a process ends with on `error`."""
    at_fault = isinstance(error, InputError | ToolchainError)
    return 2 if at_fault or (isinstance(error, RequestFailed) and error.kind in INPUT_FAULTS) else 3


def explained(error: BridgeError) -> str:
    """The message of `error`, with the messages that came from Lean beneath it."""
    if not isinstance(error, RequestFailed):
        return str(error)
    from lean_bridge.wire import failure_messages

    listing = [f"\n  {m.line}:{m.column}: {m.severity}: {m.text}" for m in failure_messages(error)]
    unknown = error.kind == "unknown_module" and TOO_LARGE not in str(error)
    cure = f"\n{MODULE_CURE}" if unknown else ""
    return str(error).rstrip() + "".join(listing) + cure
