"""Which mutants go into a data set, and out of which libraries they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, TypeVar

from db.export.errors import ExportError
from db.records import Library, Mutant, MutationKind, Run

if TYPE_CHECKING:
    from db.store import Store

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Making:
    """Runs that make what data sets are made of.

    Attributes:
        command: that of the runs, in the store.
        makes: what they make.
        typed: the command as a user types it.
    """

    command: str
    makes: str
    typed: str


MUTATING = Making("mutate", "mutants", "lemma mutate run")
CONJECTURING = Making("conjecture", "conjectures", "lemma tasks counterexample")
PROVING = Making("bench", "proofs", "lemma bench run")


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for. Empty tuples and None choose nothing out.

    Attributes:
        runs: numbers of runs.
        kinds: of the last step.
        depths: how many steps.
        with_marks: a mutant must have all of these.
        without_marks: and none of these.
        limit: the first so many.
        sample: so many at random; not together with `limit`.
        seed: of everything that is random.
    """

    runs: tuple[int, ...] = ()
    kinds: tuple[MutationKind, ...] = ()
    depths: tuple[int, ...] = ()
    with_marks: tuple[str, ...] = ()
    without_marks: tuple[str, ...] = ()
    limit: int | None = None
    sample: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """A library, and the runs that made something of its theorems."""

    library: Library
    runs: tuple[Run, ...]


def sources_of(store: Store, numbers: tuple[int, ...], making: Making) -> tuple[Source, ...]:
    """The libraries with the runs of these numbers, or with all that make what is wanted, in the order of the runs.

    Raises:
        UnknownRecord: there is no such run.
        ExportError: a run makes nothing of the sort.
    """
    if numbers:
        runs = [store.run(number) for number in dict.fromkeys(numbers)]
        for run in runs:
            if run.command != making.command:
                raise ExportError(
                    f"Run {run.id} is a run of `{run.command}`, which makes no {making.makes}; name one of `{making.typed}`."
                )
    else:
        runs = list(store.runs(making.command))
    grouped: dict[str, list[Run]] = {}
    for run in runs:
        grouped.setdefault(run.library, []).append(run)
    return tuple(Source(store.library(digest), tuple(runs)) for digest, runs in grouped.items())


class ChosenMutants:
    """The mutants of a selection, counted before they are read.

    Reading goes source by source; limit and sample hold for all of them together.
    """

    def __init__(self, store: Store, sources: tuple[Source, ...], selection: Selection) -> None:
        self._store = store
        self._selection = selection
        self._counts = [self._count(source) for source in sources]
        self.sources = sources
        self.matching = sum(self._counts)
        """How many pass the filters."""
        wanted = selection.limit if selection.sample is None else selection.sample
        self.total = self.matching if wanted is None else min(wanted, self.matching)
        """How many will come."""

    def __iter__(self) -> Iterator[tuple[Source, Iterator[Mutant]]]:
        """Each source with its mutants; these must be used up before the next source is asked for."""
        sample, limit = self._selection.sample, self._selection.limit
        portion = First(limit) if sample is None else Sample(self.matching, sample, self._selection.seed)
        for source, count in zip(self.sources, self._counts, strict=True):
            # A run that goes on meanwhile may have added some: the sample was promised out of so many.
            yield source, portion.of(islice(self._read(source), count))

    def _count(self, source: Source) -> int:
        chosen = self._selection
        return self._store.mutant_count(
            runs=[run.id for run in source.runs],
            kinds=chosen.kinds or None,
            depths=chosen.depths or None,
            with_marks=chosen.with_marks,
            without_marks=chosen.without_marks,
        )

    def _read(self, source: Source) -> Iterator[Mutant]:
        chosen = self._selection
        return self._store.mutants(
            runs=[run.id for run in source.runs],
            kinds=chosen.kinds or None,
            depths=chosen.depths or None,
            with_marks=chosen.with_marks,
            without_marks=chosen.without_marks,
        )


class First:
    """Lets the first so many records of several streams pass; all of them where it is None."""

    def __init__(self, wanted: int | None) -> None:
        self._left = wanted

    def of(self, records: Iterable[Record]) -> Iterator[Record]:
        """Those of the next stream that pass."""
        return iter(records) if self._left is None else self._first(records, self._left)

    def _first(self, records: Iterable[Record], left: int) -> Iterator[Record]:
        for number, record in enumerate(islice(records, left), 1):
            self._left = left - number
            yield record


class Sample:
    """Lets a random sample of several streams pass, without repetition and in their order, in constant memory.

    Each subset of the wanted size is equally likely (selection sampling: Knuth, The Art of Computer Programming 2, 3.4.2,
    algorithm S). All records pass where there are not more than wanted.

    Args:
        total: records of all streams together.
        wanted: the size of the sample.
        seed: of the random generator.
    """

    def __init__(self, total: int, wanted: int, seed: int) -> None:
        self._rng = Random(seed)
        self._left = total
        self._missing = min(wanted, total)

    def of(self, records: Iterable[Record]) -> Iterator[Record]:
        """Those of the next stream that pass."""
        chance = self._rng.random
        for record in records:
            if not self._missing:
                return
            if chance() * self._left < self._missing:
                self._missing -= 1
                yield record
            self._left -= 1
