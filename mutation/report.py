"""The report of a mutation run: what went in, what fell out where, what is left, and what it cost.

::

    with Store.open("lemma.db", create=False) as store:
        report = make_report(store, run=1)
    print(json.dumps(document(report)))          # workbench.pages has it for people

All counts are made by the database; a few mutants of each kind are read as examples.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from db.figures import RunCounts
from db.records import Library, Mutant, MutationKind, MutationStep, UnitStatus

if TYPE_CHECKING:
    from db.store import Store

STAGES: Final = (
    "propose",
    "build",
    "size",
    "duplicate",
    "print",
    "read",
    "script",
    "kernel",
    "vacuous",
    "rfl",
    "omega",
    "decide",
    "simp",
    "hash",
    "store",
)
"""The order in which a candidate passes them; others come after these."""

BEFORE_CANDIDATES: Final = frozenset({"propose"})
"""Stages that are entered by statements to be mutated, not by candidates."""

EXAMPLES: Final = 3
"""Mutants of each kind that a report shows."""

LOOKED_AT: Final = 400
"""How many mutants of a kind are read to choose the examples from."""

RARE: Final = 20 * LOOKED_AT
"""Mutants of a rare kind, at most."""

READABLE: Final = 240
"""Characters of a statement that is short enough for an example."""


@dataclass(frozen=True, slots=True)
class StageLine:
    """A stage of a run.

    Attributes:
        name: what the stage is called.
        entered: candidates that came to it; None where it is not counted.
        rejected: how many of them fell out there.
        seconds: how long Lean worked on it.
        share: that part of the time of all stages, from 0 to 1.
        conversion: `entered` for each candidate of the run; None where `entered` is, or where it counts something else.
    """

    name: str
    entered: int | None
    rejected: int
    seconds: float
    share: float
    conversion: float | None


@dataclass(frozen=True, slots=True)
class Example:
    """A mutant, and the statement that it comes from, which is "" where that was never traced."""

    mutant: Mutant
    parent: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that a report says. The renderings add nothing.

    Attributes:
        counts: what the store counted.
        library: which library was mutated.
        examples: some mutants of each kind, by kind.
    """

    counts: RunCounts
    library: Library
    examples: Mapping[MutationKind, tuple[Example, ...]]

    @property
    def stages(self) -> tuple[StageLine, ...]:
        """The stages in the order in which a candidate passes them, those included that only rejects tell of."""
        counts = self.counts
        rejected: dict[str, int] = {}
        for rejects in counts.rejects:
            rejected[rejects.stage] = rejected.get(rejects.stage, 0) + rejects.count
        total = counts.seconds
        known = [name for name in STAGES if name in counts.stages or name in rejected]
        names = known + sorted((counts.stages.keys() | rejected.keys()) - set(known))
        lines = []
        for name in names:
            stage = counts.stages.get(name)
            seconds = stage.seconds if stage else 0.0
            entered = stage.entered if stage else None
            candidates = self.candidates
            counted = entered is not None and candidates > 0 and name not in BEFORE_CANDIDATES
            lines.append(
                StageLine(
                    name=name,
                    entered=entered,
                    rejected=rejected.get(name, 0),
                    seconds=seconds,
                    share=seconds / total if total else 0.0,
                    conversion=(entered or 0) / candidates if counted else None,
                )
            )
        return tuple(lines)

    @property
    def candidates(self) -> int:
        """How many candidates were built: what entered the widest stage that candidates enter."""
        entered = (s.entered for name, s in self.counts.stages.items() if name not in BEFORE_CANDIDATES)
        return max(entered, default=0)

    @property
    def conversion(self) -> float:
        """Mutants stored for each candidate; 0 when there was none."""
        return self.counts.mutants / self.candidates if self.candidates else 0.0

    @property
    def rate(self) -> float:
        """Mutants stored for each second that a core worked on a stage; 0 when none did."""
        return self.counts.mutants / self.counts.seconds if self.counts.seconds else 0.0

    @property
    def funnel(self) -> tuple[tuple[str, int], ...]:
        """What is left after each step that counts candidates, from all of them to those that are stored."""
        lines = [(line.name, line.entered) for line in self.stages if line.conversion is not None]
        kept = [(name, entered) for name, entered in lines if entered is not None]
        return (*kept, ("stored", self.counts.mutants))

    @property
    def wall(self) -> timedelta | None:
        """From the start of the run to the end of its last unit; None while it is not finished."""
        run = self.counts.run
        return run.finished - run.started if run.finished else None

    @property
    def complete(self) -> bool:
        """Every unit of the run is done or failed."""
        units = self.counts.units
        return not units.get(UnitStatus.waiting, 0) and not units.get(UnitStatus.leased, 0)

    @property
    def holdout(self) -> tuple[str, ...]:
        """Full names of the theorems that nothing may touch."""
        names = self.counts.run.config.get("holdout", ())
        return tuple(map(str, names)) if isinstance(names, list | tuple) else ()

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The configuration of the run for people, sorted; the held-out theorems are counted, and the libraries have a place of their own."""
        config = {name: value for name, value in self.counts.run.config.items() if name != "libraries"}
        if self.holdout:
            config["holdout"] = f"{len(self.holdout)} theorems"
        return tuple((key, _shown(value)) for key, value in sorted(config.items()))


def make_report(store: Store, run: int, *, examples: int = EXAMPLES) -> Report:
    """Counts a run and chooses examples.

    Args:
        store: where the run is.
        run: its number.
        examples: mutants to show of each kind.

    Raises:
        UnknownRecord: there is no such run.
        StoreError: the store cannot be read.
    """
    counts = store.report_counts(run)
    present = [kind for kind in MutationKind if counts.kinds.get(kind.value) and examples]
    # The rows of a rare kind may stand anywhere: all rare kinds are sought in one pass.
    rare = {kind for kind in present if counts.kinds[kind.value] <= RARE}
    groups = [rare, *({kind} for kind in present if kind not in rare)]
    found = {kind: mutants for kinds in groups if kinds for kind, mutants in _chosen(store, run, kinds, examples)}
    chosen = {kind: found[kind] for kind in present if kind in found}
    wanted = {mutant.parent for mutants in chosen.values() for mutant in mutants}
    statements = _statements(store, counts.run.library, wanted)
    shown = {kind: tuple(Example(m, statements.get(m.parent, "")) for m in mutants) for kind, mutants in chosen.items()}
    return Report(counts, store.library(counts.run.library), shown)


def _chosen(
    store: Store, run: int, kinds: set[MutationKind], count: int
) -> Iterator[tuple[MutationKind, list[Mutant]]]:
    """Mutants of different parents for each kind: readable ones before others, then unmarked ones, then deep ones."""
    looked = dict.fromkeys(kinds, 0)
    best: dict[MutationKind, dict[str, Mutant]] = {kind: {} for kind in kinds}
    with closing(_stream(store, run, kinds)) as stream:
        for mutant in stream:
            known = best[mutant.kind].get(mutant.parent)
            if known is None or _merit(mutant) < _merit(known):
                best[mutant.kind][mutant.parent] = mutant
            looked[mutant.kind] += 1
            if min(looked.values()) >= LOOKED_AT:
                break
    for kind, by_parent in best.items():
        if by_parent:
            yield kind, sorted(by_parent.values(), key=_merit)[:count]


def _stream(store: Store, run: int, kinds: set[MutationKind]) -> Generator[Mutant, None, None]:
    yield from store.mutants(runs=[run], kinds=kinds)


def _merit(mutant: Mutant) -> tuple[bool, bool, int, str]:
    return (len(mutant.statement) > READABLE, bool(mutant.marks), -mutant.depth, mutant.canonical)


def _statements(store: Store, library: str, names: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    if not names:
        return found
    for theorem in store.theorems(library):
        if theorem.name in names:
            found.setdefault(theorem.name, theorem.statement)
            if len(found) == len(names):
                break
    return found


def lineage(step: MutationStep) -> str:
    """A step of a mutant's lineage in words: `rw ← Nat.add_comm at h (a + b)`."""
    arrow = " ←" if step.reverse else ""
    lemma = f"{arrow} {step.lemma}" if step.lemma else ""
    return f"{step.kind}{lemma} at {step.place}{f' ({step.detail})' if step.detail else ''}"


def document(report: Report) -> dict[str, object]:
    """The report as JSON: keys are never renamed, and lists keep their order from one report of a run to the next."""
    counts, run = report.counts, report.counts.run
    return {
        "run": {
            "id": run.id,
            "command": run.command,
            "seed": run.config.get("seed"),
            "toolchain": run.toolchain,
            "library": {"name": report.library.name, "digest": report.library.digest},
            "started": run.started.isoformat(),
            "finished": run.finished.isoformat() if run.finished else None,
            "wall_seconds": report.wall.total_seconds() if report.wall else None,
            "holdout": list(report.holdout),
            "config": {key: value for key, value in run.config.items() if key != "holdout"},
        },
        "complete": report.complete,
        "units": {status.value: counts.units.get(status, 0) for status in UnitStatus},
        "theorems": counts.theorems,
        "candidates": report.candidates,
        "mutants": counts.mutants,
        "conversion": report.conversion,
        "core_seconds": counts.seconds,
        "mutants_per_core_second": report.rate,
        "stages": [
            {
                "stage": line.name,
                "entered": line.entered,
                "rejected": line.rejected,
                "conversion": line.conversion,
                "seconds": line.seconds,
                "share": line.share,
            }
            for line in report.stages
        ],
        "funnel": [{"stage": name, "candidates": count} for name, count in report.funnel],
        "rejects": [
            {"stage": r.stage, "reason": r.reason, "count": r.count, "example": r.example} for r in counts.rejects
        ],
        "kinds": [{"kind": kind, "mutants": n} for kind, n in counts.kinds.items()],
        "depths": [{"depth": depth, "mutants": n} for depth, n in counts.depths.items()],
        "marks": [{"mark": mark, "mutants": n} for mark, n in counts.marks.items()],
        "modules": [{"module": module, "mutants": n} for module, n in counts.modules.items()],
        "histogram": [{"mutants": mutants, "theorems": n} for mutants, n in counts.histogram.items()],
        "failures": [{"theorem": theorem, "why": why} for theorem, why in counts.failures],
        "examples": [_example(example) for examples in report.examples.values() for example in examples],
    }


def _example(example: Example) -> dict[str, object]:
    mutant = example.mutant
    return {
        "kind": mutant.kind.value,
        "depth": mutant.depth,
        "name": mutant.name,
        "statement": mutant.statement,
        "proof": mutant.proof,
        "marks": list(mutant.marks),
        "parent": mutant.parent,
        "parent_statement": example.parent,
        "lineage": [lineage(step) for step in mutant.steps],
    }


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value)
