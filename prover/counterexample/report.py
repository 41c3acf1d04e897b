"""The report of a run of conjectures: how many of each kind are refuted, true, vacuous or open, and what it cost.

Of a conjecture that is open nobody knows whether it is false. The share of the false ones that are refuted lies between `refuted_share`, which
takes all open ones for false, and 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from db.records import ChangeKind, Conjecture, Library, Standing

if TYPE_CHECKING:
    from db.figures import RunCounts
    from db.store import Store

READABLE: Final = 160
"""Characters of a statement that is short enough for an example."""


@dataclass(frozen=True, slots=True)
class KindCounts:
    """The conjectures of one kind, or of all.

    Attributes:
        counts: by standing.
        parents: how many theorems they are made of.
        seconds: the median time of a search by values that refuted, in seconds; None where there was none.
    """

    counts: Mapping[Standing, int]
    parents: int
    seconds: float | None

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    @property
    def refuted_share(self) -> float | None:
        """Of those that are not known to be true, the share that is refuted; None where there are none.

        What is open counts as not refuted, although some of it is true: the share of the false ones is at least this.
        """
        refuted = self.counts[Standing.refuted]
        unknown = refuted + self.counts[Standing.open]
        return refuted / unknown if unknown else None


@dataclass(frozen=True, slots=True)
class ConjectureReport:
    """All that a report says.

    Attributes:
        run: its record, stages, rejects and failures.
        library: which library the parents are of.
        all: the counts of all conjectures.
        kinds: those of each kind that occurs.
        difficulties: how many of each standing are easy, medium and hard.
        ways: how many were refuted, or proved, in which way.
        witness_types: how many refutations have a witness of a type, by the head of the type, the most frequent first.
        examples: some of each kind, readable ones.
    """

    run: RunCounts
    library: Library
    all: KindCounts
    kinds: Mapping[ChangeKind, KindCounts]
    difficulties: Mapping[tuple[Standing, str], int]
    ways: Mapping[tuple[Standing, str], int]
    witness_types: Mapping[str, int]
    examples: Sequence[Conjecture]


class _Tally:
    """Counts the conjectures of one kind."""

    def __init__(self) -> None:
        self.counts: dict[Standing, int] = dict.fromkeys(Standing, 0)
        self.parents: set[str] = set()
        self.seconds: list[float] = []

    def add(self, conjecture: Conjecture) -> None:
        self.counts[conjecture.standing] += 1
        self.parents.add(conjecture.parent)
        if conjecture.standing is Standing.refuted and conjecture.way == "values":
            self.seconds.append(conjecture.seconds)

    def result(self) -> KindCounts:
        return KindCounts(self.counts, len(self.parents), median(self.seconds) if self.seconds else None)


def make_report(store: Store, run: int, *, examples: int = 2) -> ConjectureReport:
    """Counts a run and chooses so many examples of each kind and standing.

    Raises:
        UnknownRecord: there is no such run.
        StoreError: the store cannot be read.
    """
    counts = store.report_counts(run)
    whole, kinds = _Tally(), {kind: _Tally() for kind in ChangeKind}
    difficulties: Counter[tuple[Standing, str]] = Counter()
    ways: Counter[tuple[Standing, str]] = Counter()
    types: Counter[str] = Counter()
    chosen: dict[tuple[ChangeKind, Standing], list[Conjecture]] = {}
    for conjecture in store.conjectures(runs=[run]):
        whole.add(conjecture)
        kinds[conjecture.kind].add(conjecture)
        difficulties[conjecture.standing, conjecture.difficulty] += 1
        if conjecture.way:
            ways[conjecture.standing, conjecture.way] += 1
        types.update(set(_heads(conjecture)))
        shown = chosen.setdefault((conjecture.kind, conjecture.standing), [])
        if len(shown) < examples and len(conjecture.statement) <= READABLE:
            shown.append(conjecture)
    return ConjectureReport(
        run=counts,
        library=store.library(counts.run.library),
        all=whole.result(),
        kinds={kind: tally.result() for kind, tally in kinds.items() if tally.parents},
        difficulties=difficulties,
        ways=ways,
        witness_types=dict(types.most_common()),
        examples=[one for key in sorted(chosen) for one in chosen[key]],
    )


def _heads(conjecture: Conjecture) -> Iterator[str]:
    """What the types of the witnesses begin with; functions are `→`."""
    for witness in conjecture.witnesses:
        yield "→" if "→" in witness.type else witness.type.split()[0].lstrip("(")


def document(report: ConjectureReport) -> dict[str, object]:
    """The report as JSON."""
    run = report.run.run
    return {
        "run": {
            "id": run.id,
            "seed": run.config.get("seed"),
            "toolchain": run.toolchain,
            "library": {"name": report.library.name, "digest": report.library.digest},
            "started": run.started.isoformat(),
            "finished": run.finished.isoformat() if run.finished else None,
            "config": {key: value for key, value in run.config.items() if key != "holdout"},
        },
        "theorems": report.run.theorems,
        "all": _counts_document(report.all),
        "kinds": {kind.value: _counts_document(counts) for kind, counts in report.kinds.items()},
        "difficulties": _pairs_document(report.difficulties),
        "ways": _pairs_document(report.ways),
        "witnessTypes": dict(report.witness_types),
        "seconds": report.run.seconds,
        "rejects": [
            {"stage": r.stage, "reason": r.reason, "count": r.count, "example": r.example} for r in report.run.rejects
        ],
        "failures": [{"theorem": theorem, "why": why} for theorem, why in report.run.failures],
        "examples": [
            {
                "name": one.name,
                "parent": one.parent,
                "kind": one.kind.value,
                "place": one.place,
                "detail": one.detail,
                "statement": one.statement,
                "standing": one.standing.value,
                "witnesses": [{"name": w.name, "type": w.type, "value": w.value} for w in one.witnesses],
                "proof": one.proof,
            }
            for one in report.examples
        ],
    }


def _counts_document(counts: KindCounts) -> dict[str, object]:
    return {
        "conjectures": counts.total,
        **{standing.value: count for standing, count in counts.counts.items()},
        "parents": counts.parents,
        "refutedShare": counts.refuted_share,
        "medianSeconds": counts.seconds,
    }


def _pairs_document(pairs: Mapping[tuple[Standing, str], int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (standing, name), count in sorted(pairs.items()):
        found.setdefault(standing.value, {})[name] = count
    return found
