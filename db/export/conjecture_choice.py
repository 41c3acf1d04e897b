"""Which conjectures go into a data set, how many of each class, and into which split."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, zip_longest
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from db.export.errors import ExportError
from db.export.selection import CONJECTURING, Source
from db.export.splits import Sizes, random_split
from db.export.tally import DIFFICULTIES
from db.records import ChangeKind, Conjecture, Difficulty, Standing

if TYPE_CHECKING:
    from db.store import Store

SETTLED = (Standing.refuted, Standing.proved)
"""What is known to be true, or to be false."""

Class: TypeAlias = tuple[ChangeKind, Standing]
Members: TypeAlias = Mapping[Difficulty, list[str]]


@dataclass(frozen=True, slots=True)
class ConjectureChoice:
    """What is asked for. Empty `runs` and `kinds`, and None, choose nothing out.

    Attributes:
        runs: numbers of runs.
        kinds: what was changed.
        standings: what is known.
        balance: the same number of each class; a class is a kind with a standing, and those without members do not count. The
            smallest class sets the number. Where there is a limit, it is the largest number for which all of them together are
            within the limit, and classes that have fewer give all. Within a class easy, medium and hard ones are taken in turn,
            at random, as far as there are some.
        limit: the first so many or, with `balance`, at most so many.
        seed: of everything that is random.
        splits: sizes of val and test, in parents. Conjectures of one parent stay together, and so do those of parents with the
            same canonical form. None for no splits.
    """

    runs: tuple[int, ...] = ()
    kinds: tuple[ChangeKind, ...] = ()
    standings: tuple[Standing, ...] = SETTLED
    balance: bool = False
    limit: int | None = None
    seed: int = 0
    splits: Sizes | None = None


class ChosenConjectures:
    """The conjectures of a choice, chosen before they are written: balance and splits need to see all of them.

    Raises:
        ExportError: there is none, the limit is too small for the balance, or the splits are too large.
    """

    def __init__(self, store: Store, sources: tuple[Source, ...], choice: ConjectureChoice) -> None:
        self._store = store
        self._choice = choice
        self.sources = sources
        parents = self._balanced() if choice.balance else self._first()
        if not parents:
            raise ExportError(self._nothing())
        self._parents = parents
        self.splits = {} if choice.splits is None else self._split(choice.splits)
        """The split of each parent; empty where none are asked for."""

    @property
    def total(self) -> int:
        """How many will come."""
        return len(self._parents)

    def __iter__(self) -> Iterator[tuple[Source, Iterator[Conjecture]]]:
        """Each source with its conjectures, in the order of the store."""
        for source in self.sources:
            yield source, (one for one in self._read(source) if one.canonical in self._parents)

    def _read(self, source: Source) -> Iterator[Conjecture]:
        chosen = self._choice
        return self._store.conjectures(
            runs=[run.id for run in source.runs], kinds=chosen.kinds or None, standings=chosen.standings
        )

    def _all(self) -> Iterator[Conjecture]:
        for source in self.sources:
            yield from self._read(source)

    def _first(self) -> dict[str, str]:
        """The parents of the first conjectures, by their canonical forms."""
        return {one.canonical: one.parent for one in islice(self._all(), self._choice.limit)}

    def _balanced(self) -> dict[str, str]:
        """The parents of conjectures that are balanced, by their canonical forms, in the order of the store."""
        classes: dict[Class, dict[Difficulty, list[str]]] = {}
        parents: dict[str, str] = {}
        for one in self._all():
            classes.setdefault((one.kind, one.standing), {}).setdefault(one.difficulty, []).append(one.canonical)
            parents[one.canonical] = one.parent
        chosen = balanced(classes, self._choice.limit, Random(self._choice.seed))
        return {form: parent for form, parent in parents.items() if form in chosen}

    def _split(self, sizes: Sizes) -> dict[str, str]:
        parents = list(dict.fromkeys(self._parents.values()))
        forms = (
            (theorem.name, theorem.canonical)
            for source in self.sources
            for theorem in self._store.theorems(source.library.digest)
        )
        return split_of_parents(parents, forms, sizes, self._choice.seed)

    def _nothing(self) -> str:
        known = self._store.conjecture_count()
        cure = "loosen --run, --kind and --standing" if known else f"make some with `{CONJECTURING.typed}`"
        return f"Nothing to export: of {known} conjectures in the store none was asked for; {cure}."


def balanced(classes: Mapping[Class, Members], limit: int | None, rng: Random) -> set[str]:
    """The canonical forms of a choice that is balanced by the rule of `ConjectureChoice.balance`.

    Args:
        classes: the canonical forms of each class, by difficulty; none is empty.
        limit: as of `ConjectureChoice`.
        rng: shuffles.

    Raises:
        ExportError: the limit is below the number of classes.
    """
    if not classes:
        return set()
    number = _number([sum(map(len, members.values())) for members in classes.values()], limit)
    if not number:
        raise ExportError(
            f"{limit} conjectures cannot be shared among {len(classes)} classes of kind and standing; give --limit "
            f"{len(classes)} or more, choose fewer classes with --kind and --standing, or leave out --balance."
        )
    chosen: set[str] = set()
    for _, members in sorted(classes.items(), key=lambda one: one[0]):
        shuffled = [rng.sample(some, len(some)) for some in (members.get(level, []) for level in DIFFICULTIES)]
        in_turn = (form for turn in zip_longest(*shuffled) for form in turn if form is not None)
        chosen.update(islice(in_turn, number))
    return chosen


def _number(sizes: Collection[int], limit: int | None) -> int:
    """How many each class gives, if it has as many."""
    if limit is None:
        return min(sizes)
    numbers = range(max(sizes) + 1)
    return bisect_right(numbers, limit, key=lambda number: sum(min(number, size) for size in sizes)) - 1


def split_of_parents(parents: list[str], forms: Iterable[tuple[str, str]], sizes: Sizes, seed: int) -> dict[str, str]:
    """Which of `train`, `val` and `test` each parent belongs to.

    Parents that share a canonical form count as one.

    Args:
        parents: their names, in an order that does not change.
        forms: names of theorems with their canonical forms; a name may come twice, as private ones do.
        sizes: of val and test, in parents.
        seed: of the shuffle.

    Raises:
        ExportError: nothing would be left for training.
    """
    import networkx as nx

    graph: nx.Graph[str | tuple[str]] = nx.Graph()
    graph.add_nodes_from(parents)
    # A form as a tuple, so that it is never taken for a name.
    graph.add_edges_from((name, (form,)) for name, form in forms if name in graph)
    groups = [[node for node in group if isinstance(node, str)] for group in nx.connected_components(graph)]
    total = len(groups)
    split = random_split(total, sizes.val.of(total), sizes.test.of(total), seed)
    return {name: part for part, numbers in split.parts().items() for number in numbers for name in groups[number]}
