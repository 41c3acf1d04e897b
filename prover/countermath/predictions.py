"""The file of a run's predictions: JSON Lines, each written whole as soon as it is known, so that a run can be killed and taken up.

The first line is a header: `{"predictions": 1, "benchmark": NAME, "settings": {...}, "items": N, ...}`. Then one object for each event,
with the number of its item: `{"kind": "answer", ...}` a reply of the model, `{"kind": "verdict", ...}` a reply of the judge,
`{"kind": "error", ...}` that one of them gave none, which a later line of the item may make good. Labels are in the file and
statements are not.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from prover.chat import Completion
from prover.countermath.items import Item
from prover.errors import BadPredictions

FORMAT: Final = 1

Settings = Mapping[str, object]
"""All that the replies depend on. Files of equal settings are of one run."""


@dataclass(frozen=True, slots=True)
class Header:
    """The first line.

    Attributes:
        benchmark: the name of the file of items.
        items: how many are to be answered.
        duplicates: how many of the benchmark's statements stand in it before.
        hidden: how many of the items have no label.
        settings: those of the run.
    """

    benchmark: str
    items: int
    duplicates: int
    hidden: int
    settings: Settings

    @property
    def line(self) -> bytes:
        """As it stands in the file."""
        return _line({"predictions": FORMAT, **asdict(self)})


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model or a judge said of an item."""

    text: str
    truncated: bool
    """It was cut off by the limit of tokens."""
    tokens: int
    """Read and written; 0 where the server does not count."""


@dataclass(slots=True)
class Predictions:
    """What a file holds: by number of the item, the latest of each kind."""

    header: Header
    answers: dict[int, Reply] = field(default_factory=dict)
    verdicts: dict[int, Reply] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    """Of items that lack a reply for it."""
    labels: dict[int, bool | None] = field(default_factory=dict)
    """Of the items that are answered."""
    fields: dict[int, str] = field(default_factory=dict)
    """Likewise."""

    def take(self, row: Mapping[str, Any]) -> None:
        """Takes in a line after the header.

        Raises:
            LookupError, TypeError: it is none of a file of predictions.
        """
        number = int(row["item"])
        if row["kind"] == "error":
            self.errors[number] = str(row["message"])
            return
        reply = Reply(str(row["reply"]), bool(row["truncated"]), int(row["tokens"]))
        if row["kind"] == "answer":
            self.answers[number], self.labels[number], self.fields[number] = reply, row["label"], str(row["field"])
        elif row["kind"] == "verdict":
            self.verdicts[number] = reply
        else:
            raise LookupError(row["kind"])
        self.errors.pop(number, None)


def read_predictions(path: Path) -> Predictions:
    """What a file holds. Half a line at its end is left out: a run may just be writing it.

    Raises:
        BadPredictions: it cannot be read, or is no file of predictions.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadPredictions(f"{path} cannot be read: {error.strerror}; give the file of `run --out`.") from error
    lines = content[: content.rfind(b"\n") + 1].split(b"\n")[:-1]
    try:
        head = json.loads(lines[0])
        if head.pop("predictions") != FORMAT:
            raise BadPredictions(f"{path}: its format is not {FORMAT}; read it with the version that wrote it.")
        found = Predictions(Header(**{**head, "settings": dict(head["settings"])}))
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise BadPredictions(f"{path}:1: this is no file of predictions; give another name.") from error
    for number, line in enumerate(lines[1:], 2):
        try:
            found.take(json.loads(line))
        except (LookupError, ValueError, TypeError) as error:
            raise BadPredictions(f"{path}:{number}: this line is no prediction; was the file edited?") from error
    return found


class PredictionFile:
    """An open file of predictions, for one process alone. `known` is what it holds, `dropped` the bytes of half a line that it lost."""

    def __init__(self, path: Path, known: Predictions, descriptor: int, *, dropped: int) -> None:
        self.path = path
        self.known = known
        self.dropped = dropped
        self._descriptor = descriptor

    def answer(self, item: Item, completion: Completion) -> None:
        """Keeps the model's reply."""
        self._add({"item": item.number, "kind": "answer", "label": item.label, "field": item.field}, completion)

    def verdict(self, item: Item, completion: Completion) -> None:
        """Keeps the judge's reply."""
        self._add({"item": item.number, "kind": "verdict"}, completion)

    def error(self, item: Item, message: str) -> None:
        """Keeps why there is no reply."""
        self._write({"item": item.number, "kind": "error", "message": message})

    def _add(self, row: dict[str, object], completion: Completion) -> None:
        tokens = (completion.prompt_tokens or 0) + (completion.completion_tokens or 0)
        self._write({**row, "truncated": completion.truncated, "tokens": tokens, "reply": completion.text})

    def _write(self, row: Mapping[str, object]) -> None:
        _append(self._descriptor, _line(row), self.path)
        self.known.take(row)


@contextmanager
def open_predictions(path: Path, header: Header) -> Iterator[PredictionFile]:
    """The file of a run, to be continued if it is there. Half a line that a killed process left is cut off.

    Raises:
        BadPredictions: it cannot be written, another process writes it, or it is of other settings.
    """
    if not path.parent.is_dir():
        raise BadPredictions(f"{path}: there is no folder {path.parent}; make it first.")
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BadPredictions(f"another run writes {path}; wait for its end, or choose another file.") from None
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        begun, dropped = _taken_up(path, header)
        descriptor = _opened(path)
        try:
            if dropped:
                os.ftruncate(descriptor, os.fstat(descriptor).st_size - dropped)
            if begun is None:
                _append(descriptor, header.line, path)
            yield PredictionFile(path, begun or Predictions(header), descriptor, dropped=dropped)
        finally:
            os.close(descriptor)
    finally:
        lock.release()


def _taken_up(path: Path, header: Header) -> tuple[Predictions | None, int]:
    """What the file holds of this run (None: not even its header), and how many bytes at its end are to be cut off."""
    if not path.exists():
        return None, 0
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unwritable(path, error) from error
    torn = len(content) - content.rfind(b"\n") - 1
    if torn == len(content) and header.line.startswith(content):
        return None, torn
    begun = read_predictions(path)
    there, here = begun.header.settings, header.settings
    unlike = [name for name in {**there, **here} if there.get(name) != here.get(name)]
    if unlike:
        listing = "".join(
            f"\n  {name}: {json.dumps(there.get(name))} there, {json.dumps(here.get(name))} here" for name in unlike
        )
        cure = "Give the options of that run to go on with it, or another file with --out."
        raise BadPredictions(f"{path} is of a run with other settings. {cure}{listing}")
    return begun, torn


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    except OSError as error:
        raise _unwritable(path, error) from error


def _append(descriptor: int, line: bytes, path: Path) -> None:
    """Adds a line to a file and waits until it is on the disk; one that does not fit is taken back."""
    size = os.fstat(descriptor).st_size
    try:
        if os.write(descriptor, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    except OSError as error:
        os.ftruncate(descriptor, size)
        raise _unwritable(path, error) from error


def _line(row: Mapping[str, object]) -> bytes:
    # Half a surrogate pair, should a model send one, becomes its escape, which means the same in JSON.
    return json.dumps(row, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"


def _unwritable(path: Path, error: OSError) -> BadPredictions:
    return BadPredictions(f"{path} cannot be written: {error.strerror}; choose another place.")
