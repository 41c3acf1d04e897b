"""Counts what passes by, for the data card."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar, get_args

from db.records import ChangeKind, Conjecture, Difficulty, Mutant, MutationKind, Standing

Key = TypeVar("Key", str, int)

DIFFICULTIES: tuple[Difficulty, ...] = get_args(Difficulty)
"""From easy to hard."""

_WORD = re.compile(r"[^\s()\[\]{},⟨⟩:;@]+")


@dataclass(slots=True)
class Tally:
    """Mutants by kind, depth and marks; counting is one look-up a mutant, the tables are made from it in the end.

    Attributes:
        held_out: theorems that no mutant should have to do with.
        leaks: mutants that come from one of them, or use one as a lemma.
    """

    held_out: frozenset[str] = frozenset()
    leaks: int = 0
    classes: Counter[tuple[MutationKind, int, tuple[str, ...]]] = field(default_factory=Counter)

    def counted(self, mutants: Iterable[Mutant]) -> Iterator[Mutant]:
        """The same mutants, each counted as it passes."""
        classes = self.classes
        for mutant in mutants:
            classes[mutant.steps[-1].kind, len(mutant.steps), mutant.marks] += 1
            if self.held_out and not self.held_out.isdisjoint((mutant.parent, *(step.lemma for step in mutant.steps))):
                self.leaks += 1
            yield mutant

    @property
    def mutants(self) -> int:
        """How many passed."""
        return self.classes.total()

    def by_kind(self) -> dict[str, int]:
        """Mutants by the kind of their last step, in the order of names."""
        return _table((kind.value, n) for (kind, _, _), n in self.classes.items())

    def by_depth(self) -> dict[int, int]:
        """Mutants by depth, ascending."""
        return _table((depth, n) for (_, depth, _), n in self.classes.items())

    def by_mark(self) -> dict[str, int]:
        """Mutants by mark, in the order of names; one with two marks counts for both, one without any for `none`."""
        return _table((mark, n) for (_, _, marks), n in self.classes.items() for mark in marks or ("none",))


@dataclass(slots=True)
class ConjectureTally:
    """Conjectures by kind, standing and difficulty.

    Attributes:
        held_out: theorems that no conjecture should have to do with.
        leaks: conjectures that come from one of them, or whose proof names one.
    """

    held_out: frozenset[str] = frozenset()
    leaks: int = 0
    classes: Counter[tuple[ChangeKind, Standing, Difficulty]] = field(default_factory=Counter)

    def count(self, conjecture: Conjecture) -> None:
        """Takes one more into account."""
        self.classes[conjecture.kind, conjecture.standing, conjecture.difficulty] += 1
        if self.held_out:
            words = _WORD.findall(conjecture.proof)
            # `foo.mp` is a projection of what `foo` proves.
            owners = (word.rpartition(".")[0] for word in words)
            self.leaks += not self.held_out.isdisjoint((conjecture.parent, *words, *owners))

    @property
    def conjectures(self) -> int:
        """How many were counted."""
        return self.classes.total()

    def by_kind(self) -> dict[str, dict[str, dict[str, int]]]:
        """Conjectures by kind, then standing, both in the order of names, then difficulty, from easy to hard."""
        table: dict[str, dict[str, dict[str, int]]] = {}
        for kind, standing, difficulty in sorted(self.classes, key=lambda one: (*one[:2], DIFFICULTIES.index(one[2]))):
            number = self.classes[kind, standing, difficulty]
            table.setdefault(kind.value, {}).setdefault(standing.value, {})[difficulty] = number
        return table


def _table(counts: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    table: Counter[Key] = Counter()
    for key, n in counts:
        table[key] += n
    return dict(sorted(table.items()))
