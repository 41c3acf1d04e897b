"""The generators by name, as the command line and reports know them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from prover.core import Generator
from prover.generators.rulebook.closing import RULES
from prover.generators.rules import RulesGenerator

GENERATORS: Mapping[str, Callable[[], Generator]] = MappingProxyType(
    {"rules": RulesGenerator, "finishers": lambda: RulesGenerator(RULES, premise_rules=())}
)
"""`finishers` tries only what closes a goal at one blow (`rfl`, `omega`, `decide`, `simp`, `grind` and their like): a baseline. The
first is the default."""
