"""Releases of Lean: which of them LemmaForge was tried with, and how; what there is to say about one.

The embedded Lean runs every test. Native releases are tried where their toolchains can be installed (`.github/workflows/native.yml`);
where LemmaForge is developed they cannot, and there its Lean sources were compared with theirs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

Version = tuple[int, int, int]
"""Major, minor and patch level. A release candidate or nightly build counts as the release that it leads to."""

_VERSION: Final = re.compile(r"version (\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Release:
    """A row of the table in docs/native.md: a release and its patch releases.

    Attributes:
        minor: major and minor version.
        newest: the newest of them that was looked at, as `lean-toolchain` names it.
        tried: what was done with it.
    """

    minor: tuple[int, int]
    newest: str
    tried: str


_READ: Final = "read, never run by its authors: release notes, and the sources of what changed"

RELEASES: Final = (
    Release((4, 28), "v4.28.1", f"4.28.0-pre, embedded: every test; native: {_READ}"),
    Release((4, 29), "v4.29.1", _READ),
    Release((4, 30), "v4.30.0", _READ),
    Release((4, 31), "v4.31.0", _READ),
    Release((4, 32), "v4.32.2", _READ),
    Release((4, 33), "v4.33.1", _READ),
)
"""Oldest first, without gaps."""

OLDEST: Final = (4, 28, 0)
"""Before this one Lean's own library lacks what LemmaForge's server is written with."""

SOUNDEST: Final = (4, 33, 1)
"""The first release without the soundness bugs of the kernel that are known; docs/trust.md, assumption 3."""


def version_of(said: str) -> Version | None:
    """The version in what `lean --version` says; None if there is none in it."""
    found = _VERSION.search(said)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def written(version: Version) -> str:
    """A version as people write it."""
    return ".".join(map(str, version))


def tried(version: Version) -> str:
    """What was done with a release before it came to the user, in words."""
    known = {release.minor: release for release in RELEASES}
    release = known.get(version[:2])
    if release is not None:
        return release.tried
    newest = ".".join(map(str, RELEASES[-1].minor))
    return f"nothing: it is newer than {newest}, the newest that LemmaForge knows"


def concerns(version: Version) -> tuple[str, ...]:
    """What speaks against using a release, each with what to do about it; nothing about those that are refused anyway."""
    found = []
    if version[:2] > RELEASES[-1].minor:
        newest = RELEASES[-1].newest
        found.append(
            f"this Lean is newer than those that LemmaForge knows, up to {newest}: if its server does not compile with it or answers wrongly, "
            "take that release, or a newer LemmaForge"
        )
    if version < SOUNDEST:
        found.append(
            f"its kernel has soundness bugs that {written(SOUNDEST)} is free of: judge proofs of strangers with that release or a newer one"
        )
    return tuple(found)
