"""A whole proof cut into the tactics that Lean would run one after the other, and put together again."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_BULLETS = ("· ", ". ")
_GOES_ON = ("|", ")", "]", "}", "⟩", "<;>", "--")
"""How a line at column 0 begins that belongs to the tactic before it."""


@dataclass(frozen=True, slots=True)
class Block:
    """A tactic; or, under a bullet, the tactics that must close the first goal."""

    text: str
    """Empty where there are tactics under a bullet."""
    inner: tuple[Block, ...] = ()


def blocks(proof: str) -> tuple[Block, ...]:
    """The parts of a tactic script whose first line is at column 0."""
    return tuple(_block(part) for part in _parts(proof))


def script(parts: Sequence[Block]) -> str:
    """The tactic script of some parts: what `blocks` undoes."""
    texts = ["· " + textwrap.indent(script(part.inner), "  ")[2:] if part.inner else part.text for part in parts]
    return "\n".join(texts)


def _parts(proof: str) -> Iterator[str]:
    lines: list[str] = []
    for line in proof.split("\n"):
        begins = bool(line) and not line[0].isspace() and not line.startswith(_GOES_ON)
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
    return Block("", blocks(textwrap.dedent("  " + part[2:])))
