"""The request of docs/protocol.md that makes statements which are nearly true: `refute.conjectures`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lean_bridge.decoding import Fields, counterexample
from lean_bridge.protocol import Counterexample
from lean_bridge.stages import NO_STAGES, Stages, read_stages
from lean_bridge.wire import Call


@dataclass(frozen=True, slots=True)
class ConjectureLimits:
    """What is made of each theorem.

    Attributes:
        kinds: kinds of change, by their names in the protocol.
        seed: orders what is tried.
        limit: at most so many conjectures of a theorem.
        size: larger statements are dropped; nodes of the statement's term.
        evaluations: propositions that the search for a counterexample may evaluate.
        milliseconds: how long that search may take.
    """

    kinds: tuple[str, ...]
    seed: int = 0
    limit: int = 6
    size: int = 300
    evaluations: int = 2_000
    milliseconds: int = 2_000


@dataclass(frozen=True, slots=True)
class FoundConjecture:
    """A statement made from a theorem, and what Lean found out about it. Nothing of that is checked yet.

    Attributes:
        kind: what was changed.
        place: `⊢`, or the name of the hypothesis.
        detail: how, in Lean's words.
        canonical: 32 hexadecimal digits, equal for equal statements.
        statement: stands behind a name.
        size: nodes of its term.
        found: of the search for a counterexample; None if the statement was proved before.
        proof: of the statement, if it is true after all.
    """

    kind: str
    place: str
    detail: str
    canonical: str
    statement: str
    size: int
    found: Counterexample | None
    proof: str | None


@dataclass(frozen=True, slots=True)
class TheoremConjectures:
    """What came of one theorem. `failure` is "" or why nothing did: `timeout`, `cancelled`, `error: …`."""

    theorem: str
    conjectures: tuple[FoundConjecture, ...] = ()
    stages: Stages = NO_STAGES
    failure: str = ""


def make_conjectures(
    env: int, theorems: Sequence[str], limits: ConjectureLimits, *, seconds: float
) -> Call[tuple[TheoremConjectures, ...]]:
    """Makes conjectures of theorems of an environment; `seconds` is the soft limit for each theorem."""
    config = {
        "kinds": list(limits.kinds),
        "seed": limits.seed,
        "limit": limits.limit,
        "size": limits.size,
        "evaluations": limits.evaluations,
        "milliseconds": limits.milliseconds,
    }
    params = {"env": env, "theorems": list(theorems), "config": config, "seconds": seconds}
    return Call("refute.conjectures", params, lambda raw: Fields("result", raw).each("harvests", _harvest))


def _harvest(raw: object) -> TheoremConjectures:
    outer = Fields("harvest", raw)
    theorem = outer.text("theorem")
    if failure := outer.text_or_none("failure"):
        return TheoremConjectures(theorem, failure=failure)
    fields = outer.inner("harvest", "harvest")
    return TheoremConjectures(theorem, fields.each("conjectures", _conjecture), read_stages(fields))


def _conjecture(raw: object) -> FoundConjecture:
    fields = Fields("conjecture", raw)
    return FoundConjecture(
        fields.text("kind"),
        fields.text("place"),
        fields.text("detail"),
        fields.text("canonical"),
        fields.text("statement"),
        fields.whole("size"),
        fields.maybe("found", counterexample),
        fields.text_or_none("proof"),
    )
