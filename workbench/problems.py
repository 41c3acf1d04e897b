"""What there is to prove: theorems of a file whose proof is `sorry`, or a statement given as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lean_bridge.client import LeanServer
from lean_bridge.errors import InputError
from lean_bridge.protocol import FileReport, FileTheorem, Message, ProofPlace
from prover.engine import SourceFile, Task

STATEMENT_NAME = "statement"
"""What a statement given as text is called in reports."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One theorem to prove."""

    task: Task
    line: int | None = None
    """Where it stands in its file, from 1."""
    place: ProofPlace | None = None
    """Where its proof belongs in its file."""

    @property
    def name(self) -> str:
        """The theorem's name."""
        return self.task.name


@dataclass(frozen=True, slots=True)
class LeanFile:
    """A file as it was read."""

    path: Path
    text: str


def names_a_file(source: str) -> bool:
    """Whether `source`, an argument of `lemma prove`, means a file rather than a statement."""
    if source.endswith(".lean"):
        return True
    try:
        return bool(source) and Path(source).exists()
    except OSError:  # a statement can be longer than a file name may be
        return False


def read_lean_file(path: Path) -> LeanFile:
    """Reads a file of Lean source.

    Raises:
        InputError: there is no such file, or it is a folder, empty, binary or not UTF-8.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a Lean file in it.")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the name.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; check its permissions.") from error
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start}); give a Lean source file.") from error
    if "\0" in text:
        raise InputError(f"{path} is a binary file; give a Lean source file.")
    if not text.strip():
        raise InputError(f"{path} is empty; write a theorem that ends in `sorry` into it.")
    return LeanFile(path, text)


def statement_problem(statement: str, imports: Sequence[str]) -> Problem:
    """The problem that a statement given as text poses.

    Raises:
        InputError: there is no text.
    """
    if not statement.strip():
        raise InputError('The statement is empty; give one, for example "∀ a b : Nat, a + b = b + a".')
    return Problem(Task(name=STATEMENT_NAME, statement=statement, imports=("Init", *imports)))


async def problems_in_file(server: LeanServer, file: LeanFile, names: Sequence[str]) -> list[Problem]:
    """Checks a file and lists its theorems whose whole proof is `sorry`.

    Args:
        server: where the file is checked.
        file: the file.
        names: only theorems of these names; none: all of them.

    Raises:
        InputError: the file has errors of its own, or nothing to prove, or no theorem of a name that was given.
        RequestFailed: Lean cannot read the head of the file (`parse_error`, `unknown_module`).
    """
    report = await server.check_file(file.text, file=str(file.path), open=True)
    await server.release_environments(theorem.env for theorem in report.theorems if theorem.env is not None)
    refuse_errors(file, report)
    wanted = [find_theorem(file, report, name) for name in names] or [t for t in report.theorems if t.env is not None]
    if not wanted:
        raise InputError(f"{file.path}: {nothing_to_prove(report)}")
    source = SourceFile(text=file.text, path=str(file.path))
    return [Problem(Task(name=t.name, file=source), t.line, t.proof) for t in wanted]


def refuse_errors(file: LeanFile, report: FileReport) -> None:
    """Lets only a file pass in which Lean found no error.

    Raises:
        InputError: the file has errors; the message lists them as Lean prints them.
    """
    errors = [message for message in report.messages if message.severity == "error"]
    if errors:
        listing = "\n".join(describe(file.path, error) for error in errors)
        raise InputError(f"{file.path} has errors of its own; mend them first.\n{listing}")


def describe(path: Path | str, message: Message) -> str:
    """A message as Lean prints it."""
    return f"{path}:{message.line}:{message.column}: {message.severity}: {message.text}"


def find_theorem(file: LeanFile, report: FileReport, name: str) -> FileTheorem:
    """The theorem called `name`, which must be open.

    Raises:
        InputError: there is none, or its proof is not a bare `sorry`.
    """
    for theorem in report.theorems:
        if theorem.name == name:
            if theorem.env is not None:
                return theorem
            kind = "has a `sorry` inside a longer proof" if theorem.sorry else "has a proof already"
            raise InputError(
                f"{file.path}:{theorem.line}: {name} {kind}; replace its whole proof by `sorry` to have it proved."
            )
    known = ", ".join(theorem.name for theorem in report.theorems) or "none"
    raise InputError(f"{file.path} has no theorem {name}; it has {known}.")


def nothing_to_prove(report: FileReport) -> str:
    """Why a file without errors holds no problem, and what to do about it."""
    partial = [theorem.name for theorem in report.theorems if theorem.sorry]
    if partial:
        return f"`sorry` stands inside longer proofs only ({', '.join(partial)}); replace a whole proof by `sorry`."
    if report.theorems:
        return "every theorem has a proof already; replace a proof by `sorry` to have it proved."
    return "there is no theorem in it; write one that ends in `:= by sorry`."
