"""From what the user names to runs of a benchmark: which file, which problems, which search, on which Lean."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lean_bridge.errors import InputError
from prover.bench.problems import BenchmarkProblem, read_errata, read_problems
from prover.bench.runner import BenchmarkPlan, chosen
from prover.engine import Plan, SourceFile
from prover.judge import statement_of
from workbench.problems import LeanFile, read_lean_file, refuse_errors

if TYPE_CHECKING:
    from lean_bridge.client import LeanServer

PACKAGES = ("workbench", "prover", "lean_bridge", "lean_project")
"""On whose sources the result of an attempt depends."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asks for.

    Attributes:
        file: JSON Lines, or Lean.
        ks: for which pass@k is reported; the largest is the number of attempts.
        plan: of each attempt.
        generator: its name.
        errata: a file of known errata.
        split: only this one.
        only: only problems whose names contain one of these; all where there are none.
    """

    file: Path
    ks: tuple[int, ...]
    plan: Plan
    generator: str
    errata: Path | None = None
    split: str | None = None
    only: tuple[str, ...] = ()


async def planned(server: LeanServer, wish: Wish) -> BenchmarkPlan:
    """The plan of a run; the server is asked about the theorems of a Lean file.

    Raises:
        InputError: a Lean file has errors, or nothing is left to prove.
        BadBenchmark: the file, or that of the errata, is not what it should be.
    """
    errata = read_errata(wish.errata) if wish.errata else {}
    if wish.file.suffix == ".lean":
        file = read_lean_file(wish.file)
        content, problems = file.text.encode(), await problems_of(server, file)
    else:
        problems = read_problems(wish.file, errata)
        content = wish.file.read_bytes()
    picked = chosen(problems, wish.split, wish.only)
    if not picked:
        splits = ", ".join(sorted({problem.split for problem in problems if problem.split})) or "none"
        raise InputError(f"{wish.file}: no problem is left; its splits are {splits}; check --split and --only.")
    note: dict[str, object] = {
        "k": list(wish.ks),
        "version": code_version(),
        "split": wish.split,
        "only": list(wish.only),
    }
    digest = hashlib.sha256(content).hexdigest()
    return BenchmarkPlan(wish.file.name, digest, picked, max(wish.ks), wish.plan, wish.generator, note)


async def problems_of(server: LeanServer, file: LeanFile) -> list[BenchmarkProblem]:
    """The theorems of a Lean file whose whole proof is `sorry`.

    Raises:
        InputError: the file has errors of its own.
    """
    report = await server.check_file(file.text, file=str(file.path), open=True)
    await server.release_environments(theorem.env for theorem in report.theorems if theorem.env is not None)
    refuse_errors(file, report)
    source = SourceFile(file.text, str(file.path))
    open_ones = [theorem for theorem in report.theorems if theorem.env is not None]
    return [BenchmarkProblem(t.name, statement_of(file.text, t), file=source) for t in open_ones]


def code_version() -> str:
    """The version of this program, and a hash of the sources that a result depends on.

    The hash tells apart what one version number covers in a checkout that is being worked on.
    """
    from importlib.metadata import version

    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in {".py", ".lean"} and ".lake" not in path.parts:
                digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return f"{version('lemmaforge')} {digest.hexdigest()[:12]}"


def parsed_ks(text: str) -> tuple[int, ...]:
    """The numbers of `--k`, ascending.

    Raises:
        InputError: one of them is no number from 1.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise InputError(f"--k {text}: give numbers from 1 with commas between them, as in --k 1,8,32.")
    return tuple(sorted({int(part) for part in parts}))
