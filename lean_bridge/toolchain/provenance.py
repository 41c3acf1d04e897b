"""What compiled libraries were made of: packages, their source commits, and the overlays that stood in for modules.

`lemma lean build` leaves it beside what it compiled, a pack has it in its manifest, and of a project that Lake built its manifest and git tell it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

_RECORD: Final = ".built-from.json"


@dataclass(frozen=True, slots=True)
class Origin:
    """What a project, or a pack, was compiled from.

    Attributes:
        name: of the project, or of the pack.
        sources: the source commit of each package in it; empty where nobody knows it, and with `+changes` where files differ from it.
        overlays: modules that were replaced or added to, and what that leaves out.
    """

    name: str
    sources: Mapping[str, str]
    overlays: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        commits = ", ".join(f"{name} {_short(commit)}" for name, commit in self.sources.items())
        overlays = f"; {len(self.overlays)} overlays" if self.overlays else ""
        return f"{self.name} ({commits}{overlays})" if commits or overlays else self.name


def recorded(origins: Sequence[Origin]) -> dict[str, object]:
    """What the record of a run says of the libraries that were at hand; nothing where there were only Lean's own."""
    return {"libraries": [asdict(origin) for origin in origins]} if origins else {}


def from_record(config: Mapping[str, object]) -> list[Origin]:
    """The libraries that were at hand in a run, by its record."""
    listed = config.get("libraries")
    return [Origin(**entry) for entry in listed] if isinstance(listed, Sequence) else []


def _short(commit: str) -> str:
    digits, plus, rest = commit.partition("+")
    return f"{digits[:12] or 'of unknown commit'}{plus}{rest}"


def source_commit(folder: Path) -> str:
    """The commit that git has checked out in a folder, with `+changes` if tracked files differ from it; empty where git knows none."""
    if not (folder / ".git").exists():
        return ""
    commit = _git(folder, "rev-parse", "HEAD")
    changed = commit and _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}+changes" if changed else commit


def _git(folder: Path, *arguments: str) -> str:
    try:
        asked = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return asked.stdout.strip()


def write_origin(library: Path, origin: Origin) -> None:
    """Leaves word in a folder of compiled modules. What an earlier build of other modules says of other packages and overlays stays."""
    earlier = read_origin(library)
    if earlier is not None:
        origin = Origin(origin.name, {**earlier.sources, **origin.sources}, {**earlier.overlays, **origin.overlays})
    unfinished = library / f".new-{_RECORD}"
    unfinished.write_text(json.dumps(asdict(origin), indent=1), encoding="utf-8")
    unfinished.replace(library / _RECORD)


def read_origin(library: Path) -> Origin | None:
    """What was left in a folder of compiled modules; None where there is nothing that can be read."""
    try:
        return Origin(**json.loads((library / _RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
