"""Case files: a statement, a submission and the verdict that it must get."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from lean_bridge.protocol import RejectionReason
from prover.judge import Proof, Statement, Submission, WholeFile

FOLDER: Final = Path(__file__).parent

REASONS: Final = frozenset(get_args(RejectionReason)) - {"timeout", "cancelled"}
"""Classes of a rejection; what was stopped is no verdict."""

ERRORS: Final = frozenset({"timeout", "crash", "memory"})
"""What says nothing about the proof."""

_TASK: Final = frozenset({"id", "about", "header", "statement", "proof", "file"})
_VERDICT: Final = frozenset({"reason", "error", "says"})


class CaseError(Exception):
    """A case file is malformed."""


@dataclass(frozen=True, slots=True)
class Honest:
    """A submission that proves its statement."""

    id: str
    about: str
    statement: Statement
    submission: Submission


@dataclass(frozen=True, slots=True)
class Attack:
    """A submission that does not, and looks as if it did."""

    id: str
    about: str
    statement: Statement
    submission: Submission
    reason: str | None
    """Why it must be rejected; or"""
    error: str | None
    """what must become of the process."""
    says: str
    """A piece of text that the message must hold; empty where there is nothing to name."""

    @property
    def attack_class(self) -> str:
        """Its class in the catalogue: `A1`."""
        return self.id.split("-", 1)[0]


def attacks(folder: Path = FOLDER / "attacks") -> tuple[Attack, ...]:
    """All attacks, in the order of their files.

    Raises:
        CaseError: a file is malformed.
    """
    cases = tuple(_attack(table, place) for table, place in _tables(folder))
    _check_ids([case.id for case in cases])
    return cases


def honest(folder: Path = FOLDER / "honest") -> tuple[Honest, ...]:
    """All honest submissions, in the order of their files.

    Raises:
        CaseError: a file is malformed.
    """
    cases = tuple(_honest(table, place) for table, place in _tables(folder))
    _check_ids([case.id for case in cases])
    return cases


def _tables(folder: Path) -> Iterator[tuple[Mapping[str, object], str]]:
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise CaseError(f"{folder} holds no case files")
    for file in files:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        found = content.pop("case", None)
        if content or not isinstance(found, list):
            raise CaseError(f"{file}: holds something other than [[case]] tables: {', '.join(content) or 'no cases'}")
        for number, table in enumerate(found, 1):
            yield table, f"{file.name}, case {number}"


def _attack(table: Mapping[str, object], place: str) -> Attack:
    strings = _strings(table, _TASK | _VERDICT, place)
    place = f"{place} ({strings['id']})"
    reason, error = strings.get("reason"), strings.get("error")
    if (reason is None) == (error is None):
        raise CaseError(f"{place}: exactly one of `reason` and `error` is needed")
    if reason is not None and reason not in REASONS:
        raise CaseError(f"{place}: `{reason}` is no reason")
    if error is not None and error not in ERRORS:
        raise CaseError(f"{place}: `{error}` is no error")
    return Attack(
        strings["id"],
        strings["about"],
        _statement(strings),
        _submission(strings, place),
        reason,
        error,
        strings.get("says", ""),
    )


def _honest(table: Mapping[str, object], place: str) -> Honest:
    strings = _strings(table, _TASK, place)
    return Honest(strings["id"], strings["about"], _statement(strings), _submission(strings, place))


def _strings(table: Mapping[str, object], known: frozenset[str], place: str) -> dict[str, str]:
    unknown = sorted(set(table) - known)
    if unknown:
        raise CaseError(f"{place}: unknown keys: {', '.join(unknown)}")
    missing = sorted({"id", "about", "statement"} - set(table))
    if missing:
        raise CaseError(f"{place}: missing keys: {', '.join(missing)}")
    strings = {}
    for key, value in table.items():
        if not isinstance(value, str):
            raise CaseError(f"{place}: `{key}` is not a string")
        strings[key] = value
    empty = sorted(key for key in ("id", "about", "statement") if not strings[key].strip())
    if empty:
        raise CaseError(f"{place}: empty: {', '.join(empty)}")
    return strings


def _statement(strings: Mapping[str, str]) -> Statement:
    return Statement(text=strings["statement"], header=strings.get("header", ""))


def _submission(strings: Mapping[str, str], place: str) -> Submission:
    if ("proof" in strings) == ("file" in strings):
        raise CaseError(f"{place}: exactly one of `proof` and `file` is needed")
    return Proof(strings["proof"]) if "proof" in strings else WholeFile(strings["file"])


def _check_ids(ids: list[str]) -> None:
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise CaseError(f"ids that come up more than once: {', '.join(twice)}")
