"""Writes the folder of a data set beside its place and renames it in the end, so that nobody ever sees half of it.

with Draft(Path("data")) as draft:
    draft.write_lines("mutants.jsonl", lines)
    ...
# here "data" is complete; had anything been raised, or Ctrl-C been pressed, there would be no trace of it
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from db.export.errors import OutputExists, WriteFailed

CHUNK = 200
"""Lines that are written, and reported, at a time: about 100 kB, which stay in the cache of the processor."""

_CURES = {
    errno.ENOSPC: "free some space, or choose another place with --out",
    errno.EDQUOT: "free some space, or choose another place with --out",
    errno.EFBIG: "raise the limit (ulimit -f), or choose a smaller shard or sample",
    errno.EACCES: "choose a folder that you may write to with --out",
    errno.EROFS: "choose a folder that you may write to with --out",
}


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file of a data set. `rows` counts its records, `sha256` is in hexadecimal."""

    name: str
    rows: int
    bytes: int
    sha256: str


class Sink:
    """A binary file that knows its length and hash; it looks enough like a file for pyarrow to write to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.length = 0
        self.rows = 0

    def write(self, data: bytes) -> int:
        """Appends `data`, and returns its length."""
        view = memoryview(data)
        self._file.write(view)
        self._hash.update(view)
        self.length += view.nbytes
        return view.nbytes

    def write_lines(self, lines: Iterable[str]) -> Iterator[int]:
        """Appends lines, each a record and without its end of line; yields how many were written since the last time."""
        source = iter(lines)
        while chunk := list(islice(source, CHUNK)):
            chunk.append("")
            self.write("\n".join(chunk).encode())
            self.rows += len(chunk) - 1
            yield len(chunk) - 1

    @property
    def sha256(self) -> str:
        """Of what was written so far."""
        return self._hash.hexdigest()

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self._file.closed

    def flush(self) -> None:
        """Hands everything to the operating system."""
        self._file.flush()

    def tell(self) -> int:
        """Where the next byte goes."""
        return self.length

    def close(self) -> None:
        """Writes everything to the disk."""
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()


class Draft:
    """A folder in the making.

    Entering it makes `.NAME.partial` beside the folder, which only one export at a time can hold; leaving it renames that, or
    removes it if something was raised. What a killed export left there is removed by the next one.

    Args:
        out: the folder to write.
        replace: it may be there already, and is then replaced.
    """

    def __init__(self, out: Path, *, replace: bool = False) -> None:
        self.out = Path(os.path.abspath(out))  # noqa: PTH100  -- a link stays a link
        self.replace = replace
        self.path = self.out.with_name(f".{self.out.name}.partial")
        self._lock = -1
        self._made: list[Path] = []
        self._files: list[FileFacts] = []

    @property
    def files(self) -> tuple[FileFacts, ...]:
        """What was written so far, in the order of names."""
        return tuple(sorted(self._files, key=lambda facts: facts.name))

    def __enter__(self) -> Self:
        """Begins.

        Raises:
            OutputExists: the folder is there, or another export is writing it.
            WriteFailed: there is no writing at that place.
        """
        self._refuse_existing()
        with _explained(self.out):
            self._made = [parent for parent in self.out.parents if not parent.exists()]
            self.out.parent.mkdir(parents=True, exist_ok=True)
            self._lock = self._locked()
            try:
                for left in self.path.iterdir():
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
            except BaseException:
                os.close(self._lock)
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Renames the folder to its name, or removes it.

        Raises:
            WriteFailed: the operating system refused, here or within the block.
        """
        try:
            if error is None:
                self._refuse_existing()
                with _explained(self.out):
                    self._publish()
            elif isinstance(error, OSError):
                with _explained(self.out):
                    raise error
        finally:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._remove_parents()

    @contextmanager
    def open(self, name: str) -> Iterator[Sink]:
        """A new file of the data set; it is listed once it is closed. The writer counts its records in `rows`."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            sink = Sink(file)
            yield sink
            sink.close()
        self._files.append(FileFacts(name, sink.rows, sink.length, sink.sha256))

    def write_lines(self, name: str, lines: Iterable[str]) -> Iterator[int]:
        """Writes a file of lines; yields, every now and then, how many records were written since the last time."""
        with self.open(name) as sink:
            yield from sink.write_lines(lines)

    def write_text(self, name: str, text: str) -> None:
        """Writes a file that is no part of the data: it is not listed."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())

    def remove(self, name: str) -> None:
        """Takes a file back, for instance one that turned out to be empty."""
        (self.path / name).unlink()
        self._files = [facts for facts in self._files if facts.name != name]

    def _refuse_existing(self) -> None:
        if not self.out.exists() and not self.out.is_symlink():
            return
        if not self.replace:
            raise OutputExists(
                f"{self.out} is there already; name another folder with --out, or replace it with --force."
            )
        if not self.out.is_dir() or not ((self.out / "card.json").is_file() or not any(self.out.iterdir())):
            raise OutputExists(
                f"{self.out} is no data set of an earlier export (it has no card.json), so it is not replaced; "
                "name another folder with --out."
            )

    def _remove_parents(self) -> None:
        # Those that are not empty, because all went well or because others use them, stay.
        with suppress(OSError):
            for parent in self._made:
                parent.rmdir()

    def _locked(self) -> int:
        while True:
            self.path.mkdir(exist_ok=True)
            lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self.path.exists() and os.path.samestat(os.fstat(lock), self.path.stat()):
                    return lock
            except BlockingIOError as error:
                os.close(lock)
                raise OutputExists(
                    f"Another export is writing {self.out}; wait for it, or name another folder with --out."
                ) from error
            # Between making and locking, the export that held the folder has renamed it.
            os.close(lock)

    def _publish(self) -> None:
        old = self.out.with_name(f".{self.out.name}.replaced")
        shutil.rmtree(old, ignore_errors=True)
        if self.out.exists():
            self.out.rename(old)
        self.path.rename(self.out)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _explained(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        cure = _CURES.get(error.errno or 0, "mend that, or choose another place with --out")
        raise WriteFailed(f"{out} cannot be written: {error.strerror or error}; {cure}.") from error
