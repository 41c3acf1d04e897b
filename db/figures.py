"""Figures about a run: what a unit added, how far the run is, and the counts of its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from db.records import Rejects, Run, UnitStatus


@dataclass(frozen=True, slots=True)
class Stored:
    """What finishing a unit did: mutants and conjectures that were new, and those that the store or the library knew already."""

    new: int
    known: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        units: how many there are in each status, those with none included.
        theorems: how many have been worked on, failures included.
        failures: how many of them gave no result.
        mutants: how many were stored; in a run that makes conjectures how many of these.
        duplicates: how many were known already.
    """

    units: Mapping[UnitStatus, int]
    theorems: int
    failures: int
    mutants: int
    duplicates: int

    @property
    def total(self) -> int:
        """All units of the run."""
        return sum(self.units.values())

    @property
    def ended(self) -> int:
        """Units that are done or failed."""
        return self.units[UnitStatus.done] + self.units[UnitStatus.failed]


@dataclass(frozen=True, slots=True)
class StageCount:
    """Candidates that entered a stage, and the seconds that Lean worked on it, over a whole run."""

    entered: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RunCounts:
    """What a run gave, counted. Mappings are sorted by key.

    Attributes:
        run: which.
        units: how many in each status.
        theorems: worked on, failures included.
        mutants: those of this run that the store holds.
        kinds: mutants by the kind of their last step.
        depths: mutants by depth.
        marks: mutants by mark; one with two marks counts twice, one without counts nowhere.
        modules: mutants by the module of their parent; "" when that theorem was never traced.
        histogram: how many theorems with a result gave that many mutants.
        rejects: by stage and reason over all theorems, the most frequent first, with the least of the examples.
        stages: by name.
        failures: theorems without a result, and why; sorted.
    """

    run: Run
    units: Mapping[UnitStatus, int]
    theorems: int
    mutants: int
    kinds: Mapping[str, int]
    depths: Mapping[int, int]
    marks: Mapping[str, int]
    modules: Mapping[str, int]
    histogram: Mapping[int, int]
    rejects: tuple[Rejects, ...]
    stages: Mapping[str, StageCount]
    failures: tuple[tuple[str, str], ...]

    @property
    def candidates(self) -> int:
        """How many entered the widest stage."""
        return max((stage.entered for stage in self.stages.values()), default=0)

    @property
    def conversion(self) -> float:
        """Mutants stored for each candidate; 0 when there was none."""
        return self.mutants / self.candidates if self.candidates else 0.0

    @property
    def seconds(self) -> float:
        """How long Lean worked, over all stages and processes."""
        return sum(stage.seconds for stage in self.stages.values())
