"""A goal as rules see it: its text read once, with the questions that rules ask answered."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from prover.core import Goal, Hypothesis
from prover.generators.expressions import (
    Expression,
    Infix,
    Number,
    conjuncts,
    names_in,
    numbers_in,
    read,
    subterms,
    value,
)

_WORD = re.compile(r"(?<![\w.'✝])[^\W\d][\w'!?₀-₉]*(?:\.[^\W\d][\w'!?₀-₉]*)*")
_BINDER = re.compile(r"(?:∀|∃|λ|\bfun\b)([^,=:]*)")
"""The names after a binder."""
_LARGEST_EXPONENT = 10_000
_KEYWORDS = frozenset(
    {"fun", "if", "then", "else", "let", "have", "match", "with", "Type", "Prop", "Sort", "do", "in", "true", "false"}
)


@dataclass(frozen=True)
class Fact:
    """A hypothesis whose type is a proposition."""

    name: str
    text: str
    expression: Expression


@dataclass(frozen=True)
class GoalView:
    """The first goal of a position. Computed parts are kept, so one view serves all rules."""

    goal: Goal
    depth: int = 0
    over_libraries: bool = False
    """Whether the theorem stands on more than Lean's core, so that other tactics may be there."""

    @property
    def target(self) -> str:
        """What is to be proved, as printed."""
        return self.goal.target

    @cached_property
    def conclusion(self) -> Expression:
        """The target, read."""
        return read(self.goal.target)

    @cached_property
    def named(self) -> tuple[Hypothesis, ...]:
        """Hypotheses that a tactic can name."""
        return tuple(h for h in self.goal.hypotheses if "✝" not in h.name)

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """Named propositions of the context, in order."""
        return tuple(Fact(h.name, h.type, read(h.type)) for h in self.named if h.proof)

    @cached_property
    def statements(self) -> tuple[Expression, ...]:
        """What is known, conjunctions taken apart, and then the target."""
        return (*itertools.chain.from_iterable(conjuncts(fact.expression) for fact in self.facts), self.conclusion)

    @cached_property
    def taken(self) -> frozenset[str]:
        """Names that a new variable must not have."""
        return frozenset(h.name.rstrip("✝") for h in self.goal.hypotheses) | frozenset(_WORD.findall(self.goal.text))

    def fresh(self, *bases: str, bound: Collection[str] = ()) -> tuple[str, ...]:
        """A new name for each base, all different. Names in `bound` occur in the target only where they are bound."""
        taken = set(self.taken).difference(bound) | {h.name for h in self.goal.hypotheses}
        names: list[str] = []
        for base in bases:
            numbered = (f"{base}{number}" for number in itertools.count(1))
            name = next(name for name in itertools.chain([base], numbered) if name not in taken)
            taken.add(name)
            names.append(name)
        return tuple(names)

    def variables(self, *types: str) -> tuple[str, ...]:
        """Named variables of one of these types, in order."""
        return tuple(h.name for h in self.named if h.type in types and h.value is None)

    @cached_property
    def target_words(self) -> frozenset[str]:
        """Identifiers in the target; of `t.size` both `t.size` and `t`."""
        words = frozenset(_WORD.findall(self.target))
        return words.union(word.split(".")[0] for word in words) - _KEYWORDS

    @cached_property
    def constants(self) -> tuple[str, ...]:
        """Functions and constructors in the target by their names; what stands behind a dot gets the type before it."""
        types = {h.name: h.type.split(" ")[0] for h in self.goal.hypotheses}
        bound = {name for binder in _BINDER.findall(self.target) for name in _WORD.findall(binder)}
        found: dict[str, None] = {}
        for word in _WORD.findall(self.target):
            first, *rest = word.split(".")
            if first in types:
                found.update((f"{types[first]}.{part}", None) for part in rest)
            elif word not in _KEYWORDS and first not in bound:
                found[word] = None
        for part in re.findall(r"\)\.(\w+)", self.target):
            found.update((f"{kind}.{part}", None) for kind in types.values() if kind[:1].isupper())
        return tuple(found)

    @cached_property
    def moduli(self) -> tuple[int, ...]:
        """Numerals m > 1 that occur as `% m` or `m ∣ …`, smallest first."""
        found: set[int] = set()
        for statement in self.statements:
            for term in subterms(statement):
                match term:
                    case Infix(symbol="%", right=Number(value=modulus)) | Infix(symbol="∣", left=Number(value=modulus)):
                        found.add(modulus)
                    case _:
                        pass
        return tuple(sorted(m for m in found if m > 1))

    @cached_property
    def is_explosive(self) -> bool:
        """A closed power is too big to be computed; tactics that compute would take the whole process with them."""
        for term in itertools.chain.from_iterable(map(subterms, self.statements)):
            if isinstance(term, Infix) and term.symbol == "^" and not names_in(term.right):
                exponent = value(term.right, {})
                if exponent is None or exponent > _LARGEST_EXPONENT:
                    return True
        return False

    @cached_property
    def numerals(self) -> tuple[int, ...]:
        """Every numeral of the goal, smallest first."""
        return tuple(sorted(frozenset().union(*(numbers_in(statement) for statement in self.statements))))

    def mentions(self, name: str) -> Iterator[Fact]:
        """Facts in which a variable occurs."""
        return (fact for fact in self.facts if name in names_in(fact.expression) or name in _WORD.findall(fact.text))
