"""Checkers that are no part of LemmaForge, which look at an accepted proof once more.

They are programs that the user has installed beside a native Lean. What they are shown comes from the statement, from the
submission as it was accepted, and from a process in which no submission ran. docs/trust.md says what each is worth.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from lean_bridge.toolchain import Toolchain, native
from prover.processes import Ended, ended

LONGEST_MESSAGE: Final = 2000
"""How much of what a checker says is kept."""

_CHECKED: Final = re.compile(r"Checked (\d+) declarations with no errors$", re.MULTILINE)
_PANIC: Final = 101
"""Exit code of a Rust program that panics, which is how nanoda refuses a declaration."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What another checker says of an accepted proof."""

    checker: str
    accepted: bool
    message: str = ""
    error: bool = False
    """It could not be asked, or came to no end: that says nothing about the proof, and is no acceptance either."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a checker can be shown of an accepted proof."""

    header: str
    """Of the statement."""
    statement: str
    file: str | None
    """The submission, if it is a whole file."""
    closure: str | None
    """The theorem and all that it is made of, in the format of lean4export."""
    not_exported: str
    """Why there is no closure."""
    axioms: frozenset[str]
    """On which the proof may rest."""


class Checker(Protocol):
    """A checker that was found."""

    @property
    def name(self) -> str:
        """How verdicts name it, with its version if it tells."""
        ...

    @property
    def reads_export(self) -> bool:
        """Whether it wants `Evidence.closure`, which takes long to make where the library is large."""
        ...

    def takes(self, evidence: Evidence) -> bool:
        """Whether it can be asked about this."""
        ...

    async def opinion(self, evidence: Evidence, seconds: float) -> Opinion:
        """Asks it, for so long at most. Never raises for what the checker does."""
        ...


@dataclass(frozen=True, slots=True)
class Nanoda:
    """A kernel in Rust, which reads the whole closure of the theorem."""

    program: Path
    environment: Mapping[str, str]
    name: str = "nanoda"

    @property
    def reads_export(self) -> bool:
        """It reads nothing else."""
        return True

    def takes(self, evidence: Evidence) -> bool:
        """All that is accepted; a closure that cannot be had makes an `error`."""
        del evidence
        return True

    async def opinion(self, evidence: Evidence, seconds: float) -> Opinion:
        """Accepts if nanoda says that it checked as many declarations as the export holds."""
        if evidence.closure is None:
            return _error(self.name, evidence.not_exported or "there is no export of the theorem")
        settings = {
            "export_file_path": "export.ndjson",
            "use_stdin": False,
            "permitted_axioms": sorted(evidence.axioms),
            "unpermitted_axiom_hard_error": True,
            "nat_extension": True,
            "string_extension": True,
            "print_success_message": True,
        }
        with _folder({"export.ndjson": evidence.closure, "config.json": json.dumps(settings)}) as folder:
            done = await ended([str(self.program), "config.json"], folder, self.environment, seconds)
        return self._judged(done, declared(evidence.closure))

    def _judged(self, done: Ended, expected: int) -> Opinion:
        said = done.said[-LONGEST_MESSAGE:]
        if done.code == 0:
            found = _CHECKED.search(done.output)
            if found is not None and int(found[1]) == expected:
                return Opinion(self.name, True, found[0])
            return _error(self.name, f"it does not say that it checked {expected} declarations, but: {said}")
        if done.code == _PANIC or "unpermitted axiom" in done.said:
            return Opinion(self.name, False, said)
        return _error(self.name, done.why or said)


@dataclass(frozen=True, slots=True)
class Lean4Checker:
    """Lean's kernel once more, on the compiled module of a submission that is a file."""

    program: Path
    lean: Path
    project: Path
    environment: Mapping[str, str]
    """What `lake env` sets in the project."""
    name: str = "lean4checker"

    @property
    def reads_export(self) -> bool:
        """It reads a compiled module."""
        return False

    def takes(self, evidence: Evidence) -> bool:
        """Whole files: the body of a proof is no module."""
        return evidence.file is not None

    async def opinion(self, evidence: Evidence, seconds: float) -> Opinion:
        """Accepts if the file compiles and the checker ends well on what came of it."""
        module = "LemmaForgeSubmission"
        with _folder({f"{module}.lean": evidence.file or ""}) as folder:
            path = os.pathsep.join(filter(None, [str(folder), self.environment.get("LEAN_PATH", "")]))
            environment = {**self.environment, "LEAN_PATH": path}
            source, olean = (str(folder / f"{module}{suffix}") for suffix in (".lean", ".olean"))
            compiler = [str(self.lean), "-R", str(folder), "-o", olean, source]
            done = await ended(compiler, self.project, environment, seconds)
            if done.code != 0:
                return _error(self.name, f"the submission does not compile: {done.why or done.said}")
            done = await ended([str(self.program), module], self.project, environment, seconds)
        if done.code == 0:
            return Opinion(self.name, True, done.said[-LONGEST_MESSAGE:])
        if done.code == 1:
            return Opinion(self.name, False, done.said[-LONGEST_MESSAGE:])
        return _error(self.name, done.why or done.said)


@dataclass(frozen=True, slots=True)
class Comparator:
    """Builds statement and submission in a sandbox of its own, compares their exports and replays them.

    It wants a Lake project of its own, made here; so it is asked where Lean's own library is all that there is to import.
    """

    program: Path
    toolchain: str | None
    """What the project's `lean-toolchain` says."""
    environment: Mapping[str, str]
    name: str = "comparator"

    @property
    def reads_export(self) -> bool:
        """For the full name of the theorem, with which the export ends."""
        return True

    def takes(self, evidence: Evidence) -> bool:
        """Whole files: the body of a proof is no module."""
        return evidence.file is not None and evidence.closure is not None

    async def opinion(self, evidence: Evidence, seconds: float) -> Opinion:
        """Accepts if comparator ends well, for the theorem with which the export ends."""
        libraries = "".join(f'\n[[lean_lib]]\nname = "{module}"\n' for module in ("Challenge", "Solution"))
        settings = {
            "challenge_module": "Challenge",
            "solution_module": "Solution",
            "theorem_names": [last_theorem(evidence.closure or "")],
            "permitted_axioms": sorted(evidence.axioms),
            "enable_nanoda": False,
        }
        files = {
            "lakefile.toml": f'name = "lemmaforge_second_opinion"\n{libraries}',
            "Challenge.lean": evidence.header + evidence.statement,
            "Solution.lean": evidence.file or "",
            "config.json": json.dumps(settings),
        }
        if self.toolchain:
            files["lean-toolchain"] = self.toolchain
        with _folder(files) as folder:
            done = await ended([str(self.program), "config.json"], folder, self.environment, seconds)
        if done.code in {0, 1}:
            return Opinion(self.name, done.code == 0, done.said[-LONGEST_MESSAGE:])
        return _error(self.name, done.why or done.said)


def checkers_beside(toolchain: Toolchain) -> tuple[Checker, ...]:
    """The checkers that can be asked beside a Lean; none beside the embedded one, which has no proofs of its library to show."""
    if not isinstance(toolchain, native.NativeToolchain):
        return ()
    own = toolchain.program.is_relative_to(toolchain.project)
    return find_checkers(toolchain.lake, toolchain.project, own=own)


def find_checkers(lake: Path, project: Path, *, own: bool = False) -> tuple[Checker, ...]:
    """The checkers that are installed: on the search path, or with the Lean of a project.

    Args:
        lake: Lake's program.
        project: the Lake project whose environment they run in.
        own: the project is LemmaForge's own, so that nothing but Lean's own library can be imported.
    """
    environment = native.project_environment(lake, project)
    path = os.pathsep.join([str(lake.parent), environment.get("PATH", "")])

    def find(name: str) -> Path | None:
        found = shutil.which(name, path=path)
        return Path(found) if found else None

    checkers: list[Checker] = []
    if nanoda := find("nanoda_bin"):
        checkers.append(Nanoda(nanoda, environment, _nanoda_name(nanoda)))
    for name in ("lean4checker", "leanchecker"):  # the second is the same one, where it comes with Lean
        if program := find(name):
            checkers.append(Lean4Checker(program, lake.with_name("lean"), project, environment, name))
            break
    if own and (program := find("comparator")) and find("landrun") and find("lean4export"):
        pinned = project / "lean-toolchain"
        toolchain = pinned.read_text(encoding="utf-8") if pinned.is_file() else None
        checkers.append(Comparator(program, toolchain, environment))
    return tuple(checkers)


def _nanoda_name(program: Path) -> str:
    try:
        said = subprocess.run([str(program), "--help"], capture_output=True, text=True, check=False, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return "nanoda"
    version = re.match(r"nanoda_bin (\S+)", said)
    return f"nanoda {version[1]}" if version else "nanoda"


def declared(export: str) -> int:
    """How many constants an export declares."""
    count = 0
    for entry in map(json.loads, export.splitlines()):
        count += bool(entry.keys() & {"axiom", "def", "thm", "opaque", "quot"})
        if block := entry.get("inductive"):
            count += sum(len(block[part]) for part in ("types", "ctors", "recs"))
    return count


def last_theorem(export: str) -> str:
    """The full name of the theorem with which an export ends."""
    names, last = {0: ""}, 0
    for entry in map(json.loads, export.splitlines()):
        if (number := entry.get("in")) is not None:
            part = entry["str"] if "str" in entry else entry["num"]
            prefix, end = names[part["pre"]], str(part.get("str", part.get("i")))
            names[number] = f"{prefix}.{end}" if prefix else end
        elif "thm" in entry:
            last = entry["thm"]["name"]
    return names[last]


@contextmanager
def _folder(files: Mapping[str, str]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lemmaforge-checker-") as name:
        folder = Path(name)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        yield folder


def _error(checker: str, message: str) -> Opinion:
    return Opinion(checker, False, message[-LONGEST_MESSAGE:], error=True)
