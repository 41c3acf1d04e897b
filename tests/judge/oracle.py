"""A second way to tell whether a text proves a theorem, which shares nothing with the judge but Lean itself.

The text is put together as a plain file, as a person would, and elaborated as `lean FILE` does. That file again, with
`fingerprint.lean` before it, says what the theorem's type means, down to the definitions of the file, and whether
`sorry` or an axiom is behind its proof. Slower than the judge, and no good against an attack: it is for proofs that are
wrong by accident.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from lean_bridge.client import LeanServer
from lean_bridge.errors import BridgeError
from lean_bridge.protocol import FileReport
from lean_bridge.toolchain import Toolchain
from prover.judge import Proof, Statement, Submission

PROBE = (Path(__file__).parent / "fingerprint.lean").read_text(encoding="utf-8")
"""Lean: two commands that describe a theorem."""

MEMORY = 5 * 2**28
"""Resident bytes after which the process is replaced: 1.25 GiB, all of Lean being imported."""

_CUT = re.compile(r"\s*:=\s*(by\s+)?sorry\s*\Z")
_NAME = re.compile(r"(?:^|\s)theorem\s+((?:«[^»]*»|[^\s.«(){}\[\]:⦃]+)(?:\.(?:«[^»]*»|[^\s.«(){}\[\]:⦃]+))*)")
_IMPORT = re.compile(r"^\s*import\s+\S+[^\S\n]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a file says of one of its theorems."""

    name: str
    kind: str
    """`theorem`, `other` or `missing`."""
    meaning: str
    """Equal for types that are equal, with equal definitions of the same names behind them."""
    suspects: str
    """`sorryAx`, axioms of the file, trust in compiled code."""


def declaration(statement: Statement) -> str:
    """A statement as a declaration without its proof."""
    cut = _CUT.sub("", statement.text)
    return cut if _NAME.search(cut) else f"theorem target : {cut}"


def plain_file(statement: Statement, submission: Submission) -> str:
    """What a person would put into a file to have the submission checked."""
    if not isinstance(submission, Proof):
        # The judge elaborates a file on top of the statement's imports, whichever of them the file names itself.
        imports = "".join(f"{found[0].strip()}\n" for found in _IMPORT.finditer(statement.header))
        return imports + submission.text
    body = submission.text
    follows = re.match(r"(\s|--[^\n]*\n|/-(.|\n)*?-/)*(:=|\||where\b)", body)
    return f"{statement.header}\n{declaration(statement)}{'' if follows else ' :='}\n{body}\n"


class Oracle:
    """Asks Lean about plain files. An async context manager with a process of its own."""

    def __init__(self, toolchain: Toolchain, *, seconds: float = 20.0) -> None:
        """Makes an oracle.

        Args:
            toolchain: what to run.
            seconds: limit for each file.
        """
        self._toolchain = toolchain
        self._seconds = seconds
        self._server: LeanServer | None = None
        self._trusted: dict[Statement, Fingerprint] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def objection(self, statement: Statement, submission: Submission) -> str | None:
        """What is wrong with a submission; None when it proves the statement."""
        text = plain_file(statement, submission)
        try:
            report = await self._elaborated(text)
            if errors := _errors(report):
                return f"a plain file has an error: {errors[0]}"
            trusted = await self._of_statement(statement)
            found = await self._fingerprint(f"{text}\n#fingerprint_of {trusted.name}\n")
        except BridgeError as error:
            return f"Lean could not tell: {error}"
        if found.kind != "theorem":
            return f"`{trusted.name}` is {found.kind}, not a theorem"
        if found.suspects:
            return f"behind the proof are {found.suspects}"
        if found.meaning != trusted.meaning:
            return "the theorem of the file says something else"
        return None

    async def _of_statement(self, statement: Statement) -> Fingerprint:
        if statement not in self._trusted:
            declared = declaration(statement)
            name = _NAME.search(declared)
            assert name is not None
            text = f"{statement.header}\n{declared} := sorry\n#fingerprint_here {name[1]}\n"
            self._trusted[statement] = await self._fingerprint(text)
        return self._trusted[statement]

    async def _fingerprint(self, text: str) -> Fingerprint:
        imports = "\n".join(found[0].strip() for found in _IMPORT.finditer(text))
        report = await self._elaborated(f"{imports}\n{PROBE}\n{_IMPORT.sub('', text)}")
        if errors := _errors(report):
            return Fingerprint("", f"(with all of Lean imported: {errors[0]})", "", "")
        said = [message.text for message in report.messages if message.text.startswith("fingerprint|")]
        _, name, kind, meaning, suspects = said[-1].split("|")
        return Fingerprint(name, kind, meaning, suspects)

    async def _elaborated(self, text: str) -> FileReport:
        server = self._server
        if server is None or not server.alive or server.resident_bytes() > MEMORY:
            await self._stop()
            server = self._server = await LeanServer.start(self._toolchain)
        report = await server.check_file(text, seconds=self._seconds)
        await server.forget()
        return report

    async def _stop(self) -> None:
        if self._server is not None:
            await self._server.close()
            self._server = None


def _errors(report: FileReport) -> list[str]:
    return [f"{m.line}:{m.column}: {m.text}" for m in report.messages if m.severity == "error"]
