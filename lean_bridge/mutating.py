"""The requests of docs/protocol.md that mutate theorems: `mutate.open` and `mutate.run`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from lean_bridge.decoding import Fields
from lean_bridge.stages import NO_STAGES, Stages, read_stages
from lean_bridge.wire import Call

KINDS = ("rw", "apply", "forward", "specialize", "contrapose", "split", "symm", "unfold", "generalize")
"""The kinds of mutation, in the order in which they take turns."""


@dataclass(frozen=True, slots=True)
class LemmaIndex:
    """The lemmas of an environment, indexed by shape; `number` stands for it in requests to the same process."""

    number: int
    lemmas: int
    seconds: float


@dataclass(frozen=True, slots=True)
class MutationLimits:
    """What is made of each theorem.

    Attributes:
        kinds: kinds of mutation, by their names in the protocol.
        seed: orders what is tried.
        limit: at most so many candidates of a theorem are written out; of a mutant that is mutated again, half of that for each
            step.
        depth: steps from a theorem of the library.
        branch: how many mutants of a theorem are mutated again, where `depth` allows.
        size: larger statements are dropped; nodes of the statement's term.
        heartbeats: Lean's `maxHeartbeats` for making, and for writing, a candidate, in thousands.
        budget: the same for each test of whether it is worth having.
    """

    kinds: tuple[str, ...]
    seed: int = 0
    limit: int = 24
    depth: int = 1
    branch: int = 2
    size: int = 300
    heartbeats: int = 150
    budget: int = 50


@dataclass(frozen=True, slots=True)
class FoundStep:
    """A step of a mutant's lineage."""

    kind: str
    place: str
    lemma: str | None
    reverse: bool
    detail: str


@dataclass(frozen=True, slots=True)
class FoundMutant:
    """A mutant as Lean checked it: `theorem NAME` + statement + ` := ` + proof is a declaration."""

    canonical: str
    steps: tuple[FoundStep, ...]
    statement: str
    proof: str
    marks: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class TheoremHarvest:
    """What came of one theorem. `failure` is "" or why nothing did: `timeout`, `cancelled`, `error: …`."""

    theorem: str
    mutants: tuple[FoundMutant, ...] = ()
    stages: Stages = NO_STAGES
    failure: str = ""


def open_index(env: int, kinds: Sequence[str], *, holdout: Sequence[str] = ()) -> Call[LemmaIndex]:
    """Indexes the lemmas of an environment for some kinds of mutation, those held out excepted."""
    return Call("mutate.open", {"env": env, "kinds": list(kinds), "holdout": list(holdout)}, _index)


def mutate(
    index: int, theorems: Sequence[str], limits: MutationLimits, *, seconds: float
) -> Call[tuple[TheoremHarvest, ...]]:
    """Mutates theorems of the environment of an index; `seconds` is the soft limit for each."""
    params = {
        "index": index,
        "theorems": list(theorems),
        "config": asdict(limits),
        "seconds": seconds,
    }
    return Call("mutate.run", params, lambda raw: Fields("result", raw).each("harvests", _harvest))


def _index(raw: object) -> LemmaIndex:
    fields = Fields("index", raw)
    return LemmaIndex(fields.whole("index"), fields.whole("lemmas"), fields.number("seconds"))


def _harvest(raw: object) -> TheoremHarvest:
    outer = Fields("harvest", raw)
    theorem = outer.text("theorem")
    if failure := outer.text_or_none("failure"):
        return TheoremHarvest(theorem, failure=failure)
    fields = outer.inner("harvest", "harvest")
    return TheoremHarvest(theorem, fields.each("mutants", _mutant), read_stages(fields))


def _mutant(raw: object) -> FoundMutant:
    fields = Fields("mutant", raw)
    return FoundMutant(
        fields.text("canonical"),
        fields.each("steps", _step),
        fields.text("statement"),
        fields.text("proof"),
        fields.texts("marks"),
        fields.whole("size"),
    )


def _step(raw: object) -> FoundStep:
    fields = Fields("step", raw)
    return FoundStep(
        fields.text("kind"),
        fields.text("place"),
        fields.text_or_none("lemma"),
        fields.flag("reverse"),
        fields.text("detail"),
    )
