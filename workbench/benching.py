"""From what the user names to runs of a benchmark: which file, which problems, which search, on which Lean."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from lean_bridge.errors import InputError, RequestFailed
from lean_bridge.toolchain.provenance import recorded
from mutation.pipeline import chosen_theorems
from prover.bench.problems import BenchmarkProblem, read_errata, read_problems
from prover.bench.runner import BenchmarkPlan, chosen, is_named
from prover.engine import Plan, SourceFile
from prover.judge import Statement, statement_of
from workbench.parents import library_of
from workbench.problems import LeanFile, read_lean_file, refuse_errors

if TYPE_CHECKING:
    from db.records import Theorem
    from db.store import Store
    from lean_bridge.client import LeanServer
    from lean_bridge.pool import LeanPool
    from lean_bridge.toolchain.provenance import Origin

PACKAGES = ("workbench", "prover", "lean_bridge", "lean_project")
"""On whose sources the result of an attempt depends."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asks for.

    Attributes:
        source: a file, of JSON Lines or of Lean, or traced modules.
        ks: for which pass@k is reported; the largest is the number of attempts.
        plan: of each attempt.
        generator: its name.
        errata: a file of known errata.
        split: only this one.
        only: only problems whose names contain one of these; all where there are none.
        sample: so many of them, drawn with the seed; None for all.
    """

    source: str
    ks: tuple[int, ...]
    plan: Plan
    generator: str
    errata: Path | None = None
    split: str | None = None
    only: tuple[str, ...] = ()
    sample: int | None = None


async def planned(store: Store, pool: LeanPool, wish: Wish, origins: Sequence[Origin]) -> BenchmarkPlan:
    """The plan of a run; Lean is asked about the theorems of a Lean file, or of a library.

    Args:
        store: where libraries were traced to.
        pool: Lean processes.
        wish: what the user asks for.
        origins: of the libraries at hand.

    Raises:
        InputError: there is no such file or library, a Lean file has errors, or nothing is left to prove.
        BadBenchmark: the file, or that of the errata, is not what it should be.
    """
    found = await _found(store, pool, wish)
    picked = chosen(found.problems, wish.split, wish.only)
    if not picked:
        splits = ", ".join(sorted({problem.split for problem in found.problems if problem.split})) or "none"
        raise InputError(f"{wish.source}: no problem is left; its splits are {splits}; check --split and --only.")
    if wish.sample is not None and wish.sample < len(picked):
        kept = set(Random(wish.plan.seed).sample(range(len(picked)), wish.sample))
        picked = tuple(problem for place, problem in enumerate(picked) if place in kept)
    note: dict[str, object] = {
        "k": list(wish.ks),
        "version": code_version(),
        "split": wish.split,
        "only": list(wish.only),
        "sample": wish.sample,
        **recorded(origins),
    }
    return BenchmarkPlan(found.name, found.digest, picked, max(wish.ks), wish.plan, wish.generator, note)


@dataclass(frozen=True, slots=True)
class Found:
    """Problems, and what they are from."""

    name: str
    digest: str
    problems: list[BenchmarkProblem]


async def _found(store: Store, pool: LeanPool, wish: Wish) -> Found:
    path = Path(wish.source)
    if path.suffix == ".lean":
        file = read_lean_file(path)
        async with pool.lease() as server:
            return Found(path.name, _digest(file.text.encode()), await problems_of(server, file))
    content = await asyncio.to_thread(_content, path)
    if content is None:
        async with pool.lease() as server:
            return await problems_of_library(store, server, wish)
    errata = read_errata(wish.errata) if wish.errata else {}
    return Found(path.name, _digest(content), read_problems(path, errata))


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def problems_of_library(store: Store, server: LeanServer, wish: Wish) -> Found:
    """Theorems of a traced library as problems: each is to be proved without itself and without its twins of the same statement.

    They are taken out of the sets of `simp` and `grind` and the instances as well, as they are not there yet where the theorem stands. Everything
    else that the library has may be used, what comes after the theorem too.

    Raises:
        InputError: no library of that name was traced, and there is no such file either.
    """
    try:
        library = library_of(store, wish.source)
    except InputError as error:
        raise InputError(f"{wish.source}: there is no such file, and {error}") from error
    theorems = list(store.theorems(library.digest))
    twins: dict[str, set[str]] = {}
    for theorem in theorems:
        twins.setdefault(theorem.canonical, set()).add(theorem.name)
    names = set(chosen_theorems(store, library.digest, [wish.source], sample=wish.sample, seed=wish.plan.seed))
    problems: list[BenchmarkProblem] = []
    for theorem in theorems:
        if theorem.name in names and is_named(theorem.name, wish.only):
            without = frozenset(twins[theorem.canonical])
            unlearning = await _unlearning(server, library.imports, sorted(without))
            declaration = await _restated(server, library.imports, unlearning, theorem)
            imports = "".join(f"import {module}\n" for module in library.imports)
            statement = Statement(declaration, imports + unlearning)
            group = ".".join(theorem.module.split(".")[:2])
            problems.append(BenchmarkProblem(theorem.name, statement, source=group, without=without))
    return Found(wish.source, library.digest, problems)


async def _restated(server: LeanServer, imports: Sequence[str], prelude: str, theorem: Theorem) -> str:
    """A declaration of the theorem's statement: as Lean prints it, or, where Lean reads something else from that or nothing, as the type of the theorem."""
    name = theorem.name
    printed = f"theorem {name}.restated{theorem.statement} := by sorry"
    same = f"theorem {name}.as_restated : type_of% @{name} := by with_reducible exact @{name}.restated\n"
    try:
        opened = await server.open_environment(imports, f"{prelude}{printed}\n{same}")
    except RequestFailed:
        return f"theorem {name}.restated : type_of% @{name} := by sorry"
    await server.release_environments([opened.id])
    return printed


async def _unlearning(server: LeanServer, imports: Sequence[str], names: Sequence[str]) -> str:
    """Commands that take theorems out of the sets of `simp` and `grind` and the instances; those that Lean refuses are not needed."""
    commands = ""
    for name in names:
        for attribute in ("simp", "grind", "instance"):
            command = f"attribute [-{attribute}] {name}\n"
            try:
                opened = await server.open_environment(imports, command)
            except RequestFailed:
                continue
            await server.release_environments([opened.id])
            commands += command
    return commands


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
