"""The generators by name, as the command line and reports know them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from prover.core import Generator
from prover.generators.rulebook import Rule
from prover.generators.rules import RulesGenerator

SINGLE_TACTICS = ("decide", "omega", "simp", "grind")
"""What the baseline tries, the cheapest first."""


def _single() -> RulesGenerator:
    """Each of `SINGLE_TACTICS` by itself, which closes the goal or has failed."""

    def rule(tactic: str, place: int) -> Rule:
        return Rule(tactic, 0.1 * place, lambda view: (tactic,), final=True)

    return RulesGenerator([rule(tactic, place) for place, tactic in enumerate(SINGLE_TACTICS)], (), ())


GENERATORS: Mapping[str, Callable[[], Generator]] = MappingProxyType({"rules": RulesGenerator, "single": _single})
"""`single` is a baseline. The first is the default."""
