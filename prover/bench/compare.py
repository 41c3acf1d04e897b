"""Two runs over the same problems, problem by problem."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from prover.bench.figures import Comparison, compared
from prover.bench.report import ProblemResult, Report
from prover.errors import BadBenchmark

_BY_PROBLEM: Final = frozenset({"answers", "difficulties"})
"""Parts of a run's record that say something of each of its problems, and are no settings."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What the second run did that the first did not, and the other way round.

    Attributes:
        measure: what is compared: `proved`, or `decided correctly` where the problems are to be proved or refuted.
        comparison: the counts and the test.
        gained, lost: by name.
        differs: settings in which the runs differ: name, value in the first, value in the second.
        left_out: problems that only one of the runs attempted.
    """

    measure: str
    comparison: Comparison
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    differs: tuple[tuple[str, str, str], ...]
    left_out: int


def difference(first: Report, second: Report) -> Difference:
    """Compare two runs on the problems that both attempted: equal statements under equal headers.

    Raises:
        BadBenchmark: there are none, or the runs were asked for different things or hold different answers for true.
    """
    before = {result.digest: result for result in first.results}
    after = {result.digest: result for result in second.results}
    common = [digest for digest in before if digest in after]
    if not common:
        raise BadBenchmark(
            f"runs {first.run.id} and {second.run.id} have no problem in common; compare runs over one file."
        )
    pairs = [(before[digest], after[digest]) for digest in common]
    for a, b in pairs:
        if _asked(a) != _asked(b):
            raise BadBenchmark(
                f"{a.name} is {_asked(a)} in run {first.run.id}, and {_asked(b)} in run {second.run.id}; compare runs over one file."
            )
    return Difference(
        measure="proved" if first.judgements is None else "decided correctly",
        comparison=compared([a.succeeded for a, _ in pairs], [b.succeeded for _, b in pairs]),
        gained=_names(b for a, b in pairs if b.succeeded and not a.succeeded),
        lost=_names(a for a, b in pairs if a.succeeded and not b.succeeded),
        differs=_differences(first, second),
        left_out=len(before) + len(after) - 2 * len(common),
    )


def _asked(result: ProblemResult) -> str:
    return (
        "to be proved" if result.judged is None else f"to be proved or refuted with the answer {result.judged.answer}"
    )


def _names(results: Iterable[ProblemResult]) -> tuple[str, ...]:
    return tuple(sorted(result.name for result in results))


def _differences(first: Report, second: Report) -> tuple[tuple[str, str, str], ...]:
    a, b = dict(first.run.config), dict(second.run.config)
    a["toolchain"], b["toolchain"] = first.run.toolchain, second.run.toolchain
    keys = sorted(key for key in (a.keys() | b.keys()) - _BY_PROBLEM if a.get(key) != b.get(key))
    return tuple((key, str(a.get(key, "")), str(b.get(key, ""))) for key in keys)
