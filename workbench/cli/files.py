"""Files that commands write where the user says."""

from __future__ import annotations

import tempfile
from pathlib import Path

import typer

from lean_bridge.errors import InputError


def refuse_place(out: Path) -> None:
    """Refuses a place where no file can be, before anything is counted.

    Raises:
        InputError: there is no such folder, or a folder is there already.
    """
    if not out.parent.is_dir():
        raise InputError(f"{out}: there is no folder {out.parent}; make it first.")
    if out.is_dir():
        raise InputError(f"{out} is a folder; name a file in it.")


def write(out: Path, text: str) -> None:
    """Writes a whole file, or leaves what was there.

    Raises:
        InputError: it cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=out.parent, delete=False) as file:
            part = Path(file.name)
            try:
                file.write(text)
                file.close()
                part.chmod(0o644)
                part.replace(out)
            finally:
                part.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}; choose another place.") from error
    typer.echo(f"written: {out}", err=True)
