"""Keeps held-out theorems out of what is made: a model that is to be tested on them must not have seen them.

A mutant touches a theorem when it comes from it, when a step of its lineage uses it as a lemma, when its proof mentions it, or when it states
the same. A conjecture touches one in the same ways. Lean is never offered held-out theorems; this module looks at what came back, whoever made it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from random import Random
from typing import TYPE_CHECKING

from db.records import Conjecture, Harvest, Mutant
from mutation.errors import Leak

if TYPE_CHECKING:
    from db.store import Store

_WORD = re.compile(r"[^\s()\[\]{},⟨⟩:;]+")


def chosen_holdout(names: Sequence[str], share: float, seed: int) -> tuple[str, ...]:
    """A random share of theorems, sorted; the same for the same names and seed."""
    count = round(len(names) * share)
    return tuple(sorted(Random(seed).sample(sorted(names), count)))


def touched(mutant: Mutant, holdout: Collection[str], canonical: Collection[str] = ()) -> str | None:
    """How a mutant touches a held-out theorem; None when it does not.

    Args:
        mutant: what was made.
        holdout: full names.
        canonical: canonical forms of the held-out statements.
    """
    if mutant.parent in holdout:
        return f"it comes from {mutant.parent}"
    for step in mutant.steps:
        if step.lemma in holdout:
            return f"it was made with {step.lemma}"
    return _touching(mutant.proof, mutant.canonical, holdout, canonical)


def touched_by_conjecture(
    conjecture: Conjecture, holdout: Collection[str], canonical: Collection[str] = ()
) -> str | None:
    """How a conjecture, or what is known of it, touches a held-out theorem; None when it does not. Arguments as of `touched`."""
    if conjecture.parent in holdout:
        return f"it comes from {conjecture.parent}"
    return _touching(conjecture.proof, conjecture.canonical, holdout, canonical)


def held_forms(store: Store, library: str, holdout: Collection[str]) -> frozenset[str]:
    """The canonical forms of held-out theorems of a library, which is a digest."""
    if not holdout:
        return frozenset()
    return frozenset(theorem.canonical for theorem in store.theorems(library) if theorem.name in holdout)


def _touching(proof: str, form: str, holdout: Collection[str], canonical: Collection[str]) -> str | None:
    for word in _WORD.findall(proof):
        # `foo.mp` is a projection of what `foo` proves.
        for name in (word, word.rpartition(".")[0]):
            if name in holdout:
                return f"its proof mentions {name}"
    return "it states a held-out theorem" if form in canonical else None


def check_hygiene(harvests: Iterable[Harvest], holdout: Collection[str], canonical: Collection[str] = ()) -> None:
    """Makes sure that no mutant touches a held-out theorem.

    Raises:
        Leak: one does; the message says which and how.
    """
    if not holdout:
        return
    for harvest in harvests:
        for mutant in harvest.mutants:
            if how := touched(mutant, holdout, canonical):
                raise Leak(f"{mutant.name}: {how}, which is held out; nothing of this unit was stored")
