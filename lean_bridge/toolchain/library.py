"""A folder of compiled modules, as Lean's search path knows them: `A.B` is `A/B.olean`, with its other parts beside it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lean_bridge.errors import ToolchainError
from lean_bridge.toolchain.jobs import Frontend, Job, Write
from lean_bridge.toolchain.modules import SourceModule
from lean_bridge.toolchain.olean import Parts, complete, complete_parts

_PRIVATE: Final = ".olean.private"
_PARTS: Final = (".olean.server", _PRIVATE)
_PRIVATE_BYTES: Final = 64_000_000
"""Of a Lean process' 2 GiB: `import Lean` takes 0.3, a search as much, and Mathlib's private parts are larger than its exported ones."""


@dataclass(frozen=True, slots=True)
class Library:
    """Compiled modules under one folder.

    Beside each module lies a `.made` file with its fingerprint and the size of its `.olean`. It is written last, so a module that a killed process left
    half written is compiled again.
    """

    root: Path

    def _file(self, module: str, suffix: str) -> Path:
        *folders, last = module.split(".")
        return self.root.joinpath(*folders, last + suffix)

    def holds(self, module: str, fingerprint: str) -> bool:
        """Whether the module is there, compiled from sources with this fingerprint."""
        try:
            made = self._file(module, ".made").read_text(encoding="utf-8").split()
            return made == [fingerprint, str(self._file(module, ".olean").stat().st_size)]
        except OSError:
            return False

    def compile(
        self,
        module: SourceModule,
        fingerprint: str,
        process: Frontend,
        *,
        name: str,
        path: Sequence[str],
        json: bool,
        write: Write,
        seen: Sequence[str] | None = None,
    ) -> bool:
        """Compiles one module into this library; whether Lean accepted it.

        Args:
            module: the source.
            fingerprint: what `holds` will ask for.
            process: the front end to use.
            name: how messages call the file.
            path: the libraries that its imports are in, this one included.
            json: messages as JSON.
            write: takes Lean's messages.
            seen: the modules whose private parts it may see; None: all.

        Raises:
            ServerDied: the process died over it.
        """
        olean = self._file(module.name, ".olean")
        olean.parent.mkdir(parents=True, exist_ok=True)
        self._file(module.name, ".made").unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=olean.parent) as scratch:
            fresh = Path(scratch).absolute() / olean.name
            text = fresh.with_suffix(".lean")
            text.write_bytes(module.text)  # what the fingerprint is of, whatever happens to the file meanwhile
            folder = None if module.folder is None else str(module.folder.resolve())
            job = Job(
                str(text),
                name,
                module.name,
                str(fresh),
                json=json,
                leanPath=path,
                options=dict(module.options),
                folder=folder,
                seen=seen,
            )
            if process.run(job, write) != 0:
                return False
            self._place(fresh, olean)
        made = f"{fingerprint} {olean.stat().st_size}"
        _write_atomically(self._file(module.name, ".made"), made.encode())
        return True

    def _place(self, fresh: Path, olean: Path) -> None:
        if not fresh.exists():
            raise ToolchainError(f"Lean wrote no {olean.name}; run `lemma doctor`")
        complete_files(fresh)
        # Parts of another compilation beside it would be loaded with it.
        for suffix in _PARTS:
            olean.with_suffix(suffix).unlink(missing_ok=True)
        for part in (fresh, *(fresh.with_suffix(suffix) for suffix in _PARTS)):
            if part.exists():
                part.replace(olean.parent / part.name)

    def private_parts_fit(self) -> bool:
        """Whether a file that is no `module` can have the private parts of all modules, as it has elsewhere; large libraries leave no room for them."""
        total = 0
        for file in self.root.rglob(f"*{_PRIVATE}"):
            total += file.stat().st_size
            if total > _PRIVATE_BYTES:
                return False
        return True

    def exported(self, module: str, under: str) -> dict[str, Path]:
        """The files that importing a module needs, by their places under a folder."""
        files = (self._file(module, suffix) for suffix in (".olean", ".made"))
        return {f"{under}/{file.relative_to(self.root).as_posix()}": file for file in files}

    def adopt(self, other: Library, module: str) -> None:
        """Takes a compiled module over from another library."""
        for suffix in (".olean", *_PARTS, ".made"):
            source, target = other._file(module, suffix), self._file(module, suffix)
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.exists():
                shutil.copyfile(source, target)


def complete_files(olean: Path) -> None:
    """Completes a module that Lean has just written, together with the parts that lie beside it, so that later files can use all of it."""
    ir, server, private = (olean.with_suffix(suffix) for suffix in (".ir", *_PARTS))
    if private.exists():
        parts = complete_parts(Parts(olean.read_bytes(), server.read_bytes(), private.read_bytes()), ir.read_bytes())
        _write_atomically(private, parts.private)
        _write_atomically(server, parts.server)
        _write_atomically(olean, parts.olean)
    else:
        _write_atomically(olean, complete(olean.read_bytes()))


def _write_atomically(file: Path, content: bytes) -> None:
    fresh = file.with_name(f".new-{os.getpid()}-{file.name}")
    fresh.write_bytes(content)
    fresh.replace(file)
