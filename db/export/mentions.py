"""Whether a text of Lean mentions a theorem, by whatever of its names Lean would understand there."""

from __future__ import annotations

import re
from collections.abc import Iterable

_COMPONENT = r"(?:«[^»]*»|[\w'!?]+)"
_NAME = re.compile(rf"{_COMPONENT}(?:\.{_COMPONENT})*")
_COMPONENTS = re.compile(_COMPONENT)
_NAMESPACE = re.compile(r"[A-Z]\w*[a-z]{2}")


class Mentions:
    """Finds mentions of theorems. It takes a word for a mention rather too often than too rarely.

    `Nat.add_comm` is mentioned by its name, by an ending of it (`add_comm`: a namespace may be open), by what is behind a value (`h.add_comm`, `(f x).add_comm`), and by
    what follows these (`Nat.add_comm.symm`). It is not by `Int.add_comm`: what begins like `Int` is taken for a namespace, what does not for a value.

    Args:
        names: full names.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._endings: dict[str, str] = {}
        self._lasts: dict[str, str] = {}
        for name in names:
            parts = _COMPONENTS.findall(name)
            self._endings.update((".".join(parts[start:]), name) for start in range(len(parts)))
            self._lasts.update((part, name) for part in parts[-1:])

    def first(self, text: str) -> str | None:
        """The first of the theorems that a text mentions."""
        if not self._endings:
            return None
        for word in _NAME.findall(text):
            parts = _COMPONENTS.findall(word)
            for stop in range(1, len(parts) + 1):
                if (name := self._endings.get(".".join(parts[:stop]))) is not None:
                    return name
            if not _NAMESPACE.match(parts[0]):
                for part in parts[1:]:
                    if (name := self._lasts.get(part)) is not None:
                        return name
        return None
