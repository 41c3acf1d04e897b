"""What the rest of LemmaForge knows about a Lean installation: how to start one, and what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from lean_bridge.toolchain.provenance import Origin

Backend = Literal["embedded", "native"]


@dataclass(frozen=True, slots=True)
class Command:
    """A process to start."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the environment of this process."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of `lemma lean info`."""

    name: str
    value: str


class Toolchain(Protocol):
    """A Lean that can be started. Two exist: embedded and native."""

    @property
    def backend(self) -> Backend:
        """Which of the two."""
        ...

    def server(self) -> Command:
        """The process that speaks docs/protocol.md on its standard streams."""
        ...

    def frontend(self) -> Command:
        """A process that elaborates whole files with Lean's own front end, one job a line; see `frontend.py`."""
        ...

    def origins(self) -> tuple[Origin, ...]:
        """What the libraries beyond Lean's own were compiled from."""
        ...

    def facts(self) -> list[Fact]:
        """Versions, paths and sizes, for people."""
        ...
