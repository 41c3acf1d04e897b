"""The generator that needs no model: hand-written rules, and lemmas of the environment found by look-up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from prover.core import Goal, Premise, Proposal, Proposals, Query
from prover.generators.rulebook import GoalView, Rule, standard


@dataclass(frozen=True, slots=True)
class PremiseRule:
    """How the lemmas that fit become tactics, one each."""

    use: str
    cost: float
    """Of the best lemma; each further one costs `step` more."""
    limit: int
    step: float = 0.1
    final: bool = False


@dataclass(frozen=True, slots=True)
class RelevanceRule:
    """How the lemmas that are about the same things become one tactic."""

    use: str
    """`simp` or `grind`: for which of the two they are chosen."""
    tactic: str
    """With `{}` where the names go."""
    cost: float
    limit: int
    """So many names."""
    final: bool = False


PREMISE_RULES = (
    PremiseRule("exact", 0.7, limit=6, step=0.05, final=True),
    PremiseRule("apply", 1.4, limit=6, step=0.15),
    PremiseRule("rw", 1.5, limit=10, step=0.12),
)

RELEVANCE_RULES = (
    RelevanceRule("grind", "grind [{}]", 1.0, limit=6, final=True),
    RelevanceRule("grind", "grind [{}]", 1.5, limit=16, final=True),
    RelevanceRule("simp", "simp [{}]", 1.4, limit=8),
    RelevanceRule("simp", "simp_all [{}]", 1.7, limit=8),
)

_LOOK_UP_COST = 1.0
"""When the look-up is worth its time: after what closes a goal at once and most of arithmetic. The first look-up of a process
builds its index, which takes seconds on the embedded Lean."""

_DEEPEST_LOOK_UP = 8
_BY_ASSUMPTION = 0.5
"""How much cheaper it is to apply a lemma when hypotheses have to give all that it asks for: that is known at once."""

_CORE = frozenset({"Init", "Std", "Lean", "Lake"})
_IMPORT = re.compile(r"^\s*(?:public\s+|meta\s+)*import\s+(?:all\s+)?([\w.«»]+)", re.MULTILINE)
_LETTERS = str.maketrans({"ℕ": "Nat", "ℤ": "Int", "ℚ": "Rat"})

_SIMP_LEMMAS = 4
"""So many of the rewriting lemmas are also handed to `simp` and `grind` together."""


class RulesGenerator:
    """Proposes what the rules say, and in a second stage what the premises that fit the goal allow."""

    def __init__(
        self,
        rules: Sequence[Rule] | None = None,
        premise_rules: Sequence[PremiseRule] = PREMISE_RULES,
        relevance_rules: Sequence[RelevanceRule] = RELEVANCE_RULES,
    ) -> None:
        """Args: rules: the standard ones when None; the others: empty for no such look-up."""
        self._rules = tuple(standard() if rules is None else rules)
        self._premise_rules = tuple(premise_rules)
        self._relevance_rules = tuple(relevance_rules)

    async def propose(self, queries: Sequence[Query]) -> list[Proposals]:
        """Rules at stage 0, premises at stage 1."""
        return [self._by_rules(query) if query.stage == 0 else await self._by_premises(query) for query in queries]

    def _by_rules(self, query: Query) -> Proposals:
        over_libraries = query.theorem is not None and _has_libraries(query.theorem.header)
        view = GoalView(_in_core_names(query.goals[0]), query.depth, over_libraries)
        proposals = tuple(_apply(self._rules, view))
        look_up = bool(self._premise_rules or self._relevance_rules) and query.depth <= _DEEPEST_LOOK_UP
        return Proposals(proposals, _LOOK_UP_COST if look_up else None)

    async def _by_premises(self, query: Query) -> Proposals:
        wanted: list[PremiseRule | RelevanceRule] = [*self._premise_rules, *self._relevance_rules]
        if not wanted:
            return Proposals(())
        uses = list(dict.fromkeys(rule.use for rule in wanted))
        premises = await query.premises(uses, max(rule.limit for rule in wanted))
        return Proposals((*self._one_each(premises), *self._together(premises)))

    def _one_each(self, premises: Sequence[Premise]) -> Iterator[Proposal]:
        for rule in self._premise_rules:
            fitting = [premise for premise in premises if premise.use == rule.use][: rule.limit]
            for place, premise in enumerate(fitting):
                if rule.use == "apply":
                    cost = rule.cost - _BY_ASSUMPTION + rule.step * place
                    yield Proposal(f"{premise.tactic} <;> assumption", cost, "premise: apply to hypotheses", final=True)
                yield Proposal(premise.tactic, rule.cost + rule.step * place, f"premise: {rule.use}", final=rule.final)
            if rule.use == "rw" and fitting:
                names = ", ".join(dict.fromkeys(premise.name for premise in fitting[:_SIMP_LEMMAS]))
                yield Proposal(f"grind [{names}]", rule.cost, "premise: grind", final=True)

    def _together(self, premises: Sequence[Premise]) -> Iterator[Proposal]:
        for rule in self._relevance_rules:
            names = ", ".join([premise.name for premise in premises if premise.use == rule.use][: rule.limit])
            if names:
                yield Proposal(rule.tactic.format(names), rule.cost, f"relevant: {rule.use}", final=rule.final)


def _has_libraries(header: str) -> bool:
    """Whether a file's head imports more than Lean's core."""
    return any(module.partition(".")[0] not in _CORE for module in _IMPORT.findall(header))


def _in_core_names(goal: Goal) -> Goal:
    """The goal with Lean's own names for the types of numbers for which Mathlib has letters."""
    if not any(letter in goal.text for letter in "ℕℤℚ"):
        return goal
    hypotheses = tuple(
        replace(h, type=h.type.translate(_LETTERS), value=h.value and h.value.translate(_LETTERS))
        for h in goal.hypotheses
    )
    return replace(
        goal, text=goal.text.translate(_LETTERS), target=goal.target.translate(_LETTERS), hypotheses=hypotheses
    )


def _apply(rules: Sequence[Rule], view: GoalView) -> Iterator[Proposal]:
    if view.is_explosive:
        return
    for rule in rules:
        for place, tactic in enumerate(rule.make(view)):
            yield Proposal(tactic, rule.cost + rule.step * place, rule.name, rule.effort, rule.final)
