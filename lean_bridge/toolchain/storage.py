"""Folders that are whole or not there at all, whatever moment the process that makes them is killed at.

A folder is filled under a name of its own beside its place, sealed with a list of the sizes of its files, and moved into place by one
rename. One process at a time does that in a cache; what a killed one left behind is removed by the next.
"""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from lean_bridge.errors import SetupError

Progress = Callable[[str, float | None], None]
"""Called with what is being done and how much of it is done, 0 to 1, or None where nobody can say."""

_SEAL: Final = "whole.json"
_NEW: Final = ".new-"
_OLD: Final = ".old-"


def seal(folder: Path) -> None:
    """Writes down the sizes of all files of a folder, so that `damage` can tell later whether it is still whole."""
    sizes = {str(file.relative_to(folder)): file.stat().st_size for file in sorted(folder.rglob("*")) if file.is_file()}
    (folder / _SEAL).write_text(json.dumps(sizes, indent=0), encoding="utf-8")


def damage(folder: Path) -> str | None:
    """What is wrong with a sealed folder, in words; None if it is whole. About 10 ms for 2,000 files."""
    try:
        sizes = json.loads((folder / _SEAL).read_text(encoding="utf-8"))
    except OSError as error:
        return (
            f"{folder} is not there" if not folder.exists() else f"{folder / _SEAL} cannot be read ({error.strerror})"
        )
    except ValueError:
        return f"{folder / _SEAL} is cut short"
    for name, size in sizes.items():
        try:
            found = (folder / name).stat().st_size
        except OSError:
            return f"{folder / name} is missing"
        if found != size:
            return f"{folder / name} has {found} bytes in place of {size}"
    return None


def size_of(folder: Path) -> int:
    """Bytes in all files of a folder. Files that vanish meanwhile count as nothing."""
    total = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += file.lstat().st_size
    return total


@contextlib.contextmanager
def staged(target: Path) -> Iterator[Path]:
    """An empty folder that becomes `target`, sealed, when the block ends without an exception; then what lay there is removed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=_NEW, dir=target.parent))
    try:
        yield folder
        folder.chmod(0o755)
        seal(folder)
        if target.exists():
            target.rename(Path(tempfile.mkdtemp(prefix=_OLD, dir=target.parent)) / target.name)
        folder.rename(target)
    finally:
        remove_leftovers(target.parent)


def remove_leftovers(parent: Path) -> None:
    """Removes what unfinished or replaced folders left in `parent`. Only under the lock of `exclusive`."""
    for prefix in (_NEW, _OLD):
        for leftover in parent.glob(prefix + "*"):
            shutil.rmtree(leftover, ignore_errors=True)


@contextlib.contextmanager
def exclusive(cache: Path, progress: Progress) -> Iterator[None]:
    """Keeps other processes out of the cache; waits for the one that is in, and says so."""
    cache.mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache / "setup.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress(f"another process is setting up Lean in {cache}; waiting for it", None)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def explained(cache: Path, needed_bytes: int) -> Iterator[None]:
    """Turns what the operating system says about the disk into a SetupError that names the cure."""
    try:
        yield
    except OSError as error:
        raise disk_error(error, cache, needed_bytes) from error


def disk_error(error: OSError, cache: Path, needed_bytes: int) -> SetupError:
    """The SetupError for a failed file operation in the cache."""
    where = error.filename or cache
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return no_space(cache, needed_bytes)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
        return SetupError(
            f"cannot write to {where} ({error.strerror}): make {cache} a folder that you can write to, or set LEMMAFORGE_CACHE to one"
        )
    return SetupError(
        f"setting up the embedded Lean failed at {where}: {error.strerror or error}; try again, or set LEMMAFORGE_CACHE to another folder"
    )


def no_space(cache: Path, needed_bytes: int) -> SetupError:
    """The SetupError for a full disk."""
    return SetupError(
        f"not enough disk space for the embedded Lean: {needed_bytes // 1_000_000} MB are needed in {cache} while it is set up and "
        f"{free_bytes(cache) // 1_000_000} MB are free; make room, or set LEMMAFORGE_CACHE to a folder on another disk"
    )


def free_bytes(folder: Path) -> int:
    """Free space on the disk that holds a folder, which need not exist yet."""
    existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    return shutil.disk_usage(existing).free
