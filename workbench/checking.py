r"""Judges many submissions and keeps a verdict a line, so that a batch which is stopped at any moment goes on from there.

Cases are JSON Lines; `header` and `statement` are trusted, `proof` (a body) or `file` (a whole file) is not::

    {"id": "a1", "statement": "theorem t (n : Nat) : n + 0 = n := sorry", "proof": "by simp"}
    {"id": "a2", "header": "open Nat\n", "statement": "theorem u : 1 = 1 := sorry", "file": "theorem u : 1 = 1 := rfl"}

From Python::

    batch = Batch(read_cases(Path("cases.jsonl")), Terms(seconds=20))
    with open_verdicts(Path("verdicts.jsonl"), batch) as verdicts:
        await check_batch(find_toolchain("embedded"), verdicts, workers=2)
        print(verdicts.tally)

`Batch.record` says what a line of verdicts.jsonl holds; `check_all` judges and writes nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from lean_bridge.errors import BridgeError, InputError
from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import Toolchain
from prover.checkers import checkers_beside
from prover.judge import Judge, Proof, Statement, Submission, Terms, Verdict, WholeFile, described

KEYS = ("id", "header", "statement", "proof", "file")
"""What a case may hold."""

FAULTS_SHOWN = 10
"""How many faulty lines one message lists."""

BAD_STATEMENT = "bad_statement"
"""Reason of an `error`: the trusted statement itself does not elaborate."""


@dataclass(frozen=True, slots=True)
class Case:
    """A submission, and what it is said to prove."""

    id: str
    statement: Statement
    submission: Submission

    @property
    def submission_hash(self) -> str:
        """SHA-256 of `proof` or `file`, a zero byte, and the text, in hexadecimal digits."""
        kind = "proof" if isinstance(self.submission, Proof) else "file"
        return hashlib.sha256(f"{kind}\0{self.submission.text}".encode()).hexdigest()


def read_cases(path: Path) -> list[Case]:
    """Reads the cases of a file, all of them before anything is judged.

    Raises:
        InputError: the file cannot be read, or lines of it are no cases; the message names each and says what to do.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; name a file with one case a line.") from error
    cases: dict[str, Case] = {}
    places: dict[str, int] = {}
    faults: list[str] = []
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                case = _case(line)
                if case.id in cases:
                    raise InputError(f"the id {case.id!r} is that of line {places[case.id]} too; give each its own.")
                cases[case.id], places[case.id] = case, number
        except InputError as error:
            faults.append(f"{path}:{number}: {error}")
    if len(faults) > FAULTS_SHOWN:
        faults[FAULTS_SHOWN:] = [f"and {len(faults) - FAULTS_SHOWN} lines more"]
    if faults or not cases:
        raise InputError("\n".join(faults) or f"{path} is empty; write one case a line into it.")
    return list(cases.values())


def _case(line: bytes) -> Case:
    row: dict[str, str] = {}
    for key, value in _json_object(line).items():
        if key not in KEYS:
            raise InputError(f"unknown key {key!r}; a case has the keys {', '.join(KEYS)}.")
        if not isinstance(value, str):
            raise InputError(f"{key!r} is {json.dumps(value)[:40]}; write a string.")
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise InputError(f"{key!r} holds half of a surrogate pair, which is no character; write the whole pair.")
        row[key] = value
    for key in ("id", "statement"):
        if not row.get(key, "").strip():
            raise InputError(f"{key!r} is {'empty' if key in row else 'missing'}; give it.")
    statement = Statement(row["statement"], row.get("header", ""))
    if "\0" in statement.header + statement.text:
        raise InputError("the statement or its header holds a zero byte; write Lean source.")
    if ("proof" in row) == ("file" in row):
        raise InputError(f"{'both' if 'proof' in row else 'neither'} of 'proof' and 'file'; give exactly one of them.")
    return Case(row["id"], statement, Proof(row["proof"]) if "proof" in row else WholeFile(row["file"]))


def _json_object(line: bytes) -> dict[str, object]:
    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        if len(dict(items)) < len(items):  # by JSON's own rules the last one would win in silence
            raise InputError("a key stands there twice; keep one of the two.")
        return dict(items)

    try:
        row = json.loads(line.decode(), object_pairs_hook=pairs)
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text (byte {error.start} of the line); save the file as UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON ({error}); write one JSON object a line.") from error
    if not isinstance(row, dict):
        raise InputError("not a JSON object; write one a line.")
    return row


@dataclass(frozen=True, slots=True)
class Batch:
    """Cases, and the terms on which they are judged."""

    cases: Sequence[Case]
    terms: Terms = field(default_factory=Terms)
    replay: bool = False
    """Accepted proofs are checked again in another process."""

    def stamp(self, place: int) -> dict[str, object]:
        """The part of a verdict's line that the input says: a line with another one is none of this batch."""
        case, terms, replay = self.cases[place], self.terms, {"replay": self.replay}
        return {
            "id": case.id,
            "statement_sha256": case.statement.hash,
            "submission_sha256": case.submission_hash,
            "terms": {**asdict(terms), "axioms": sorted(terms.axioms), "syntax": sorted(terms.syntax), **replay},
        }

    def record(self, place: int, verdict: Verdict, lean: str) -> dict[str, object]:
        """What is kept of a verdict; `lean` is named where the verdict says none, as after a crash."""
        return {
            "id": self.cases[place].id,
            "outcome": verdict.outcome,
            "reason": verdict.reason,
            "message": verdict.message,
            "line": verdict.place and verdict.place.line,
            "column": verdict.place and verdict.place.column,
            **self.stamp(place),
            "axioms": verdict.axioms,
            "constants": verdict.constants,
            "heartbeats": self.terms.heartbeats,
            "seconds": round(verdict.seconds, 4),
            "lean": verdict.lean or lean,
            "opinions": [asdict(opinion) for opinion in verdict.opinions],
        }


async def check_all(
    judge: Judge, cases: Sequence[Case], *, workers: int, keep: Callable[[int, Verdict], None] = lambda *_: None
) -> list[Verdict]:
    """Judges cases, the first ones first and at most `workers` at a time; the judge's pool should have as many processes.

    `keep` is told the place of a case and its verdict as soon as it is there. What it raises ends the work.

    Returns:
        One verdict a case, in their order. If its statement does not elaborate, that is the `error` `bad_statement`.

    Raises:
        ToolchainError: Lean cannot be started.
    """
    verdicts: dict[int, Verdict] = {}
    waiting = iter(enumerate(cases))

    async def work() -> None:
        for place, case in waiting:
            verdicts[place] = await _checked(judge, case)
            keep(place, verdicts[place])

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(workers, len(cases))):
                group.create_task(work())
    except ExceptionGroup as group:
        # Not `except*`: what is raised in one comes out in a group again, in some releases of Python.
        raise next((e for e in group.exceptions if isinstance(e, BridgeError)), group) from None
    return [verdicts[place] for place in range(len(cases))]


async def _checked(judge: Judge, case: Case) -> Verdict:
    try:
        return await judge.check(case.statement, case.submission)
    except InputError as error:
        return Verdict("error", case.statement.hash, "", BAD_STATEMENT, str(error))


@asynccontextmanager
async def judging(toolchain: Toolchain, batch: Batch, workers: int) -> AsyncIterator[tuple[LeanPool, Judge]]:
    """As many processes, and a judge on them with the terms of a batch; a process and the checkers more if it wants a replay."""
    checkers = checkers_beside(toolchain) if batch.replay else ()
    async with LeanPool(toolchain, workers, 0) as pool, LeanPool(toolchain, int(batch.replay), 0) as second:
        yield pool, Judge(pool, batch.terms, second=second if batch.replay else None, checkers=checkers)


async def check_batch(
    toolchain: Toolchain, verdicts: VerdictFile, *, workers: int, told: Callable[[], None] = lambda: None
) -> None:
    """Judges what has no verdict yet in a file of verdicts, at most `workers` at a time, and writes each verdict there.

    `told` is called after each. Lean is not started where nothing is left to judge.

    Raises:
        InputError: a verdict cannot be written. Those that are in the file stay.
        ToolchainError: Lean cannot be started.
    """
    places = verdicts.left
    if not places:
        verdicts.begin()
        return
    async with judging(toolchain, verdicts.batch, min(workers, len(places))) as (pool, judge):
        async with pool.lease() as server:
            lean = described(server.hello)
        verdicts.begin()

        def keep(place: int, verdict: Verdict) -> None:
            verdicts.put(places[place], verdict, lean)
            told()

        await check_all(judge, [verdicts.batch.cases[place] for place in places], workers=workers, keep=keep)


@contextmanager
def open_verdicts(path: Path, batch: Batch, *, restart: bool = False) -> Iterator[VerdictFile]:
    """The file of a batch's verdicts, for this process alone. It is continued, or given up at `begin` with `restart`.

    Raises:
        InputError: it cannot be written, another run writes it, or it holds something else than verdicts of this batch.
    """
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it first.")
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is no ordinary file; name one, so that the batch can be continued.")
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"another run writes {path}; wait for its end, or choose another file.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}; choose another place.") from error
    try:
        fresh = restart or not path.exists()
        with _Lines(path) as out, _Lines(path.with_name(f".{path.name}.ahead")) as ahead:
            try:
                yield VerdictFile(batch, out, ahead, fresh=fresh)
            finally:
                if not ahead.size:
                    ahead.path.unlink(missing_ok=True)
    finally:
        lock.release()


class VerdictFile:
    """Verdicts on disk: a line each, in the order of the cases, written as soon as all before it are.

    One that is there before its turn stands in a second file meanwhile, so that a process which is killed loses only the
    cases that it was judging. `batch` is whose verdicts they are, and `tally` counts those of each outcome and reason.
    """

    def __init__(self, batch: Batch, out: _Lines, ahead: _Lines, *, fresh: bool) -> None:
        self.batch = batch
        self.tally: Counter[tuple[str, str]] = Counter()
        self._out, self._ahead = out, ahead
        self._kept = (0, 0) if fresh else (out.size, ahead.size)
        self._written = 0
        self._waiting: dict[int, bytes] = {}
        if not fresh:
            self._read()

    @property
    def left(self) -> list[int]:
        """Places of the cases that have no verdict yet."""
        return [place for place in range(self._written, len(self.batch.cases)) if place not in self._waiting]

    def begin(self) -> None:
        """Makes ready for `put`: what was given up or torn is cut off. Until then the files are as they were."""
        self._out.cut(self._kept[0])
        self._ahead.cut(self._kept[1])
        self._write_waiting()

    def put(self, place: int, verdict: Verdict, lean: str) -> None:
        """Keeps the verdict of a case; an InputError says that it cannot be written."""
        line = json.dumps(self.batch.record(place, verdict, lean), ensure_ascii=False) + "\n"
        # Half a surrogate pair, should a message hold one, becomes its escape, which means the same in JSON.
        self._waiting[place] = line.encode(errors="backslashreplace")
        if place != self._written:
            self._ahead.add(self._waiting[place])
        self._write_waiting()
        self.tally[verdict.outcome, verdict.reason or ""] += 1

    def _write_waiting(self) -> None:
        while self._written in self._waiting:
            self._out.add(self._waiting.pop(self._written))
            self._written += 1
        if not self._waiting:
            self._ahead.cut(0)

    def _read(self) -> None:
        for line in self._out.lines:
            self._count(self._written, line)
            self._written += 1
        if self._out.torn:
            # Only a piece of the next verdict may be cut off: the file can be another one that was named by mistake.
            case = next(iter(self.batch.cases[self._written :]), None)
            start = json.dumps({"id": case.id}, ensure_ascii=False)[:-1].encode() + b"," if case else b""
            if case is None or start[: len(self._out.torn)] != self._out.torn[: len(start)]:
                raise self._stranger(self._written, "is no part of the verdict that belongs there")
        places = {case.id: place for place, case in enumerate(self.batch.cases)}
        for line in self._ahead.lines:
            with suppress(InputError, ValueError, LookupError, TypeError):  # what does not fit is judged again
                place = places.get(json.loads(line)["id"], -1)
                if place >= self._written and place not in self._waiting:
                    self._count(place, line)
                    self._waiting[place] = line + b"\n"

    def _count(self, place: int, line: bytes) -> None:
        """Counts a stored verdict, which must be the one of this batch's case at `place`."""
        row = None
        with suppress(ValueError):
            row = json.loads(line)
        if not isinstance(row, dict) or row.get("outcome") not in {"accepted", "rejected", "error"}:
            raise self._stranger(place, "is no verdict")
        if place >= len(self.batch.cases):
            raise self._stranger(place, f"is a verdict too many for {len(self.batch.cases)} cases")
        for key, value in self.batch.stamp(place).items():
            if row.get(key) != value:
                there, here = json.dumps(row.get(key)), json.dumps(value)
                raise self._stranger(place, f"has the {key} {there}, and the input {here}")
        self.tally[row["outcome"], str(row.get("reason") or "")] += 1

    def _stranger(self, place: int, fault: str) -> InputError:
        cure = f"Remove {self._out.path} or choose another file; --restart begins it anew."
        return InputError(
            f"{self._out.path}:{place + 1}: the line {fault}: it was changed, or is of another batch. {cure}"
        )


class _Lines:
    """A file to which whole lines are added; one that does not fit on the disk is taken back.

    `lines` are those that it held when it was opened, `torn` what followed the last of them; `size` counts the bytes of lines.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("a+b", buffering=0)
            self._file.seek(0)
            data = self._file.read()
        except OSError as error:
            raise self._unwritable(error) from error
        self.size = data.rfind(b"\n") + 1
        self.torn = data[self.size :]
        self.lines = data[: self.size].split(b"\n")[:-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def cut(self, size: int) -> None:
        try:
            self.size = self._file.truncate(size)
        except OSError as error:
            raise self._unwritable(error) from error

    def add(self, line: bytes) -> None:
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(self.size)
            raise self._unwritable(error) from error
        self.size += len(line)

    def _unwritable(self, error: OSError) -> InputError:
        cure = "The verdicts that it holds stay: mend that, and the same command goes on from there."
        return InputError(f"{self.path} cannot be written: {error.strerror}. {cure}")
