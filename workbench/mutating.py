"""From what the user names to runs of the mutation pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lean_bridge.mutating import MutationLimits
from mutation.pipeline import Plan
from workbench.parents import ParentWish, chosen_parents

if TYPE_CHECKING:
    from db.records import Library
    from db.store import Store


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asks for.

    Attributes:
        parents: what is mutated; its seed is that of the limits.
        limits: what is made of each theorem.
        seconds: limit for each theorem.
    """

    parents: ParentWish
    limits: MutationLimits
    seconds: float = 120.0


def planned(store: Store, wish: Wish) -> list[tuple[Library, Plan]]:
    """A plan for each library that the names belong to.

    Raises:
        InputError: as of `chosen_parents`.
    """
    return [
        (
            found.library,
            Plan(
                found.library.digest,
                found.library.imports,
                found.theorems,
                wish.limits,
                found.holdout,
                wish.seconds,
                {"modules": list(found.modules)},
            ),
        )
        for found in chosen_parents(store, wish.parents)
    ]
