"""Packs: libraries that were compiled on one machine, for others to install.

A pack is a `.tar.xz`::

    pack.json                what it is, and the sha256 of all else
    licences/PACKAGE.txt     the licence of each package in it
    lean/A/B.olean           modules: what importing them needs, without private parts
    lean/A/B.made            what each was compiled from

An installed one is the same, unpacked, in `CACHE/packs/NAME-DIGEST/`. It holds for the build of Lean that compiled it and for no other.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Final

from lean_bridge.errors import InputError
from lean_bridge.toolchain.provenance import Origin
from lean_bridge.toolchain.storage import Progress, damage, exclusive, explained, staged

FORMAT: Final = 1
MANIFEST: Final = "pack.json"
MODULES: Final = "lean"
"""The folder of the modules in a pack."""
_CHUNK: Final = 2**20


@dataclass(frozen=True, slots=True)
class Pack:
    """What a pack says of itself.

    Attributes:
        name: of the project whose modules it has.
        toolchain: the key of the Lean that compiled them.
        sources: package and source commit of each package in it; the commit is empty where nobody knew it.
        overlays: modules that were replaced or added to, and what that leaves out.
        modules: all modules in it.
        files: sha256 of each file but the manifest.
    """

    name: str
    toolchain: str
    sources: dict[str, str]
    overlays: dict[str, str]
    modules: tuple[str, ...]
    files: dict[str, str]

    @property
    def digest(self) -> str:
        """Names this pack and no other."""
        return hashlib.sha256(json.dumps(self.files, sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> bytes:
        """The text of `pack.json`."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True).encode()


@dataclass(frozen=True, slots=True)
class InstalledPack:
    """A pack in the cache."""

    folder: Path
    pack: Pack

    @property
    def origin(self) -> Origin:
        """What it was compiled from; its name says which pack it is."""
        return Origin(f"pack {self.folder.name}", self.pack.sources, self.pack.overlays)

    @property
    def library(self) -> Path:
        """The folder of its modules."""
        return self.folder / MODULES


def installed_packs(cache: Path, toolchain: str) -> list[InstalledPack]:
    """The packs that are installed whole for a Lean, by name; the last installed one of each name."""
    found: dict[str, InstalledPack] = {}
    folders = [file.parent for file in (cache / "packs").glob(f"*/{MANIFEST}") if not file.parent.name.startswith(".")]
    for folder in sorted(folders, key=lambda folder: folder.stat().st_mtime):
        pack = _read(folder.joinpath(MANIFEST).read_bytes(), str(folder))
        if pack.toolchain == toolchain and damage(folder) is None:
            found[pack.name] = InstalledPack(folder, pack)
    return [found[name] for name in sorted(found)]


def install_pack(source: str, cache: Path, toolchain: str, progress: Progress) -> InstalledPack:
    """Verifies a pack and installs it. Whatever goes wrong, the cache is as it was.

    Args:
        source: a file, or the address of one.
        cache: the user's cache folder.
        toolchain: the key of the Lean that is to use it.
        progress: told what is being done.

    Raises:
        InputError: there is no such file, it is damaged, or it was made for another Lean.
        SetupError: it cannot be written.
    """
    with explained(cache, _CHUNK), exclusive(cache, progress), _fetched(source, cache, progress) as file:
        try:
            with tarfile.open(file, "r:xz") as archive:
                return _unpack(archive, source, cache, toolchain, progress)
        except (tarfile.TarError, lzma.LZMAError, EOFError, UnicodeError) as error:
            raise InputError(f"{source} is not a pack, or is damaged ({error})") from error


def _unpack(archive: tarfile.TarFile, source: str, cache: Path, toolchain: str, progress: Progress) -> InstalledPack:
    members = iter(archive)
    first = next(members, None)
    if first is None or first.name != MANIFEST:
        raise InputError(f"{source} is not a pack: it does not begin with {MANIFEST}")
    text = _content(archive, first)
    pack = _read(text, source)
    if pack.toolchain != toolchain:
        raise InputError(
            f"{source} was compiled by another build of Lean ({pack.toolchain}; here is {toolchain}): use the pack for this release of LemmaForge"
        )
    target = cache / "packs" / f"{pack.name}-{pack.digest}"
    with staged(target) as folder:
        (folder / MANIFEST).write_bytes(text)
        missing = dict(pack.files)
        for member in members:
            content = _content(archive, member)
            if missing.pop(member.name, None) != hashlib.sha256(content).hexdigest():
                raise InputError(f"{source} is damaged: {member.name} is not what {MANIFEST} says")
            place = folder / member.name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            progress(f"installing {pack.name}", 1 - len(missing) / len(pack.files))
        if missing:
            raise InputError(f"{source} is damaged: it lacks {', '.join(sorted(missing)[:3])}")
    return InstalledPack(target, pack)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file: IO[bytes] | None = archive.extractfile(member) if member.isfile() else None
    if file is None:
        raise InputError(f"{archive.name!s} is not a pack: {member.name} is no file")
    return file.read()


def _read(text: bytes, source: str) -> Pack:
    try:
        said = json.loads(text)
        if said.pop("format") != FORMAT:
            raise InputError(f"{source} has a format that this release of LemmaForge does not know: upgrade LemmaForge")
        pack = Pack(**{**said, "modules": tuple(said["modules"])})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{source} is not a pack: its {MANIFEST} cannot be read ({error})") from error
    names = (pack.name, *pack.files)
    if any(name.startswith("/") or ".." in Path(name).parts for name in names) or "/" in pack.name:
        raise InputError(f"{source} holds files outside it: it is not to be trusted")
    return pack


@contextmanager
def _fetched(source: str, cache: Path, progress: Progress) -> Iterator[Path]:
    """The file that `source` names, here."""
    if not source.startswith(("http://", "https://")):
        if not Path(source).is_file():
            raise InputError(f"there is no file {source}")
        yield Path(source)
        return
    import httpx

    with tempfile.NamedTemporaryFile(prefix=".pack-", dir=cache) as file:
        try:
            with httpx.stream("GET", source, follow_redirects=True, timeout=60) as answer:
                answer.raise_for_status()
                total = int(answer.headers.get("content-length", 0))
                for chunk in answer.iter_bytes(_CHUNK):
                    file.write(chunk)
                    progress(f"fetching {source}", answer.num_bytes_downloaded / total if total else None)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise InputError(f"cannot fetch {source}: {error}") from error
        file.flush()
        yield Path(file.name)
