"""A whole proof cut into the tactics that Lean would run one after the other."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

_BULLETS = ("· ", ". ")


@dataclass(frozen=True, slots=True)
class Block:
    """A tactic, or, under a bullet, the tactics that must close the first goal."""

    text: str
    inner: tuple[Block, ...] = ()


def blocks(proof: str) -> tuple[Block, ...]:
    """The parts of a tactic script whose first line is at column 0.

    A part begins at each line at column 0 that does not go on with the one before, as an alternative `| …` or a closing bracket
    does.
    """
    return tuple(_block(part) for part in _parts(proof))


def _parts(proof: str) -> Iterator[str]:
    lines: list[str] = []
    for line in proof.split("\n"):
        begins = bool(line) and not line[0].isspace() and not line.startswith(("|", ")", "]", "}", "⟩", "<;>", "--"))
        if begins and lines:
            yield "\n".join(lines).rstrip()
            lines = []
        if lines or begins:
            lines.append(line)
    if lines:
        yield "\n".join(lines).rstrip()


def _block(part: str) -> Block:
    if not part.startswith(_BULLETS):
        return Block(part)
    return Block(part, blocks(textwrap.dedent("  " + part[2:])))
