"""Problems of a benchmark, read from the public files in the forms in which they go around.

One JSON object a line. The statement is `core_formal_statement` (with `core_header`), `formal_statement` (with `header` where it is
not part of the text: DeepSeek-Prover-V1.5, Goedel-Prover and yangky11's files have it apart, Kimina's in the text), `lean4_code` or
`lean_code`. The name is `name`, `problem_id`, `theorem_name` or `id`, else that of the theorem. `split` and `known_false` are read where they are.

A file of prove-or-refute problems says of each whether it is true, `truth`, beside the `kind` of change that made it and its `difficulty`, where it has them.
Whatever else such a row holds, a known proof or refutation above all, is not read: nobody who is tested can see it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from prover.engine import SourceFile, Task
from prover.errors import BadBenchmark
from prover.jsonl import objects_in
from prover.judge import Statement

Answer = Literal["true", "false"]
"""What is known of a statement that is to be proved or refuted."""

_NAMES = ("name", "problem_id", "theorem_name", "id")
_STATEMENTS = ("core_formal_statement", "formal_statement", "lean4_code", "lean_code")
_HEADERS = {"core_formal_statement": "core_header", "formal_statement": "header"}

_THEOREM = re.compile(
    r"^(?:(?:private|protected|noncomputable|@\[[^\]]*\])\s+)*(?:theorem|lemma)\s+(\S+)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class BenchmarkProblem:
    """One problem."""

    name: str
    statement: Statement
    split: str = ""
    erratum: str = ""
    """Why its rate does not count as it stands: the statement is known to be false or void; empty for all others."""
    source: str = "other"
    """Where it is from; for miniF2F `mathd_algebra`, `amc`, `aime`, `imo`, …, by its name."""
    file: SourceFile | None = None
    """The Lean file in which it stands, if that is where it is from."""
    without: frozenset[str] = frozenset()
    """Constants that a proof may not rest on."""
    answer: Answer | Literal[""] = ""
    """What the file says of a statement that is to be proved or refuted; empty for one that is only to be proved. Its `source` is the kind of change then."""
    difficulty: str = ""
    """Of such a statement, where the file says it."""

    @property
    def digest(self) -> str:
        """Equal for equal statements under equal headers."""
        return self.statement.hash

    def task(self) -> Task:
        """What the prover is given."""
        if self.file is not None:
            return Task(self.name, file=self.file, without=self.without)
        return Task.stated(self.name, self.statement, self.without)


def source_of(name: str) -> str:
    """The source of a problem of miniF2F, by its name; `other` where the name does not say."""
    found = re.match(r"(mathd_[a-z]+|aime|amc|imo|algebra|numbertheory|induction)", name)
    return found.group(1) if found else "other"


def read_problems(path: Path, errata: Mapping[str, str] | None = None) -> list[BenchmarkProblem]:
    """The problems of a JSON Lines file, in order.

    Args:
        path: the file.
        errata: what `read_errata` gave.

    Raises:
        BadBenchmark: the file cannot be read, a line is not what it should be, two problems have one name, or only some have an answer.
    """
    problems: dict[str, BenchmarkProblem] = {}
    for place, row in _rows(path):
        problem = _problem(place, row, errata or {})
        if problem.name in problems:
            raise BadBenchmark(f"{place}: the problem {problem.name} is there twice; give each a name of its own.")
        problems[problem.name] = problem
    if not problems:
        raise BadBenchmark(f"{path} holds no problem; give a file with one JSON object a line.")
    _refuse_mixture(path, problems.values())
    return list(problems.values())


def _refuse_mixture(path: Path, problems: Iterable[BenchmarkProblem]) -> None:
    """A rate over statements of which some may be false and some are only to be proved would mean nothing."""
    with_answer, without = (next((p.name for p in problems if bool(p.answer) is has), None) for has in (True, False))
    if with_answer is not None and without is not None:
        raise BadBenchmark(
            f"{path}: {with_answer} has a `truth` and {without} has none; make two files of them, "
            "one to be proved or refuted, and one to be proved."
        )


def read_errata(path: Path) -> dict[str, str]:
    """Known errata of a benchmark, by name or by name and statement, with what is wrong.

    One JSON object a line: `name`, and optionally `before` (the statement that is wrong; without it every statement of that name
    is) and `reason` or `commit_message`.

    Raises:
        BadBenchmark: the file cannot be read, or a line is not what it should be.
    """
    errata: dict[str, str] = {}
    for place, row in _rows(path):
        name, before = row.get("name"), row.get("before") or row.get("formal_statement") or ""
        if not isinstance(name, str) or not isinstance(before, str):
            raise BadBenchmark(f"{place}: an erratum needs a `name`, and `before` must be a text.")
        reason = row.get("reason") or row.get("commit_message") or "listed as an erratum"
        errata[_erratum_key(name, before)] = str(reason)
    return errata


def _rows(path: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadBenchmark(f"{path} cannot be read: {error}; give a file of JSON Lines.") from error
    for _, place, row in objects_in(path, text, BadBenchmark):
        yield place, row


def _problem(place: str, row: Mapping[str, object], errata: Mapping[str, str]) -> BenchmarkProblem:
    field = next((field for field in _STATEMENTS if isinstance(row.get(field), str)), None)
    if field is None:
        raise BadBenchmark(f"{place}: there is no statement; it should be in one of {', '.join(_STATEMENTS)}.")
    text = str(row[field])
    theorems = list(_THEOREM.finditer(text))
    if not theorems:
        raise BadBenchmark(f"{place}: `{field}` holds no theorem; it should hold one, without its proof.")
    apart = row.get(_HEADERS.get(field, ""))
    start = theorems[-1].start()
    header = (apart if isinstance(apart, str) else "") + text[:start]
    name = next((str(row[key]) for key in _NAMES if row.get(key)), theorems[-1].group(1))
    statement = Statement(_left_open(text[start:]), header.strip() + "\n" if header.strip() else "")
    erratum = errata.get(_erratum_key(name, statement.text)) or errata.get(_erratum_key(name, "")) or ""
    if not erratum and row.get("known_false"):
        erratum = "the file says that it is false"
    answer = _answer(place, row)
    return BenchmarkProblem(
        name,
        statement,
        str(row.get("split") or ""),
        erratum,
        str(row.get("kind") or "other") if answer else source_of(name),
        answer=answer,
        difficulty=str(row.get("difficulty") or "") if answer else "",
    )


def _answer(place: str, row: Mapping[str, object]) -> Answer | Literal[""]:
    truth = row.get("truth")
    if truth is None:
        return ""
    if not isinstance(truth, bool):
        raise BadBenchmark(
            f"{place}: `truth` is {json.dumps(truth, ensure_ascii=False)}; it should be true or false, "
            "or not be there where the statement is only to be proved."
        )
    return "true" if truth else "false"


def _left_open(declaration: str) -> str:
    """The declaration with `sorry` for its proof, however the file leaves it open."""
    text = declaration.rstrip()
    if re.search(r"\bsorry$", text):
        return text
    if re.search(r":=(\s*by)?$", text):
        return f"{text} sorry"
    return text if ":=" in text else f"{text} := by sorry"


def _erratum_key(name: str, statement: str) -> str:
    """Statements are compared without white space and without what comes after them."""
    signature = re.sub(r":=(\s*by)?(\s*sorry)?\s*$", "", statement.strip())
    return name + "\0" + re.sub(r"\s+", "", signature)
