"""Counts what passes by, for the data card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from db.records import Mutant, MutationKind

Key = TypeVar("Key", str, int)


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


def _table(counts: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    table: Counter[Key] = Counter()
    for key, n in counts:
        table[key] += n
    return dict(sorted(table.items()))
