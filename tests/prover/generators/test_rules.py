"""The rules as a generator: stages, premises, costs."""

from __future__ import annotations

from collections.abc import Sequence

from prover.core import Goal, Hypothesis, Premise, Proposal, Query
from prover.generators.fixed import FixedGenerator
from prover.generators.rules import PremiseRule, RelevanceRule, RulesGenerator

LEMMAS = [
    Premise("rw", "Nat.add_comm", "rw [Nat.add_comm]", 3.0),
    Premise("rw", "Nat.add_assoc", "rw [Nat.add_assoc]", 2.0),
    Premise("rw", "Nat.add_zero", "rw [Nat.add_zero]", 1.0),
    Premise("apply", "Nat.le_antisymm", "apply Nat.le_antisymm", 1.0),
    Premise("exact", "Nat.add_comm", "exact Nat.add_comm a b", 5.0),
    *(Premise("grind", f"Nat.grind{number}", f"grind [Nat.grind{number}]", 20.0 - number) for number in range(20)),
    Premise("simp", "Nat.simp", "simp [Nat.simp]", 2.0),
]


def query(*, stage: int = 0, depth: int = 0, asked: list[tuple[Sequence[str], int]] | None = None) -> Query:
    async def premises(uses: Sequence[str], limit: int, statements: bool = False) -> Sequence[Premise]:
        if asked is not None:
            asked.append((uses, limit))
        return [premise for premise in LEMMAS if premise.use in uses]

    goal = Goal("a b : Nat\n⊢ a + b = b + a", "key", "a + b = b + a", (Hypothesis("a", "Nat"), Hypothesis("b", "Nat")))
    return Query((goal,), stage, depth, (), premises)


async def test_the_first_stage_is_rules_alone_and_asks_lean_nothing() -> None:
    asked: list[tuple[Sequence[str], int]] = []
    (answer,) = await RulesGenerator().propose([query(asked=asked)])
    assert not asked
    tactics = {proposal.tactic for proposal in answer.items}
    assert {"omega", "rfl", "simp", "grind"} <= tactics
    assert any(tactic.startswith("induction a with") for tactic in tactics)
    assert answer.next_stage is not None


async def test_the_second_stage_is_premises_in_the_order_of_their_fit() -> None:
    asked: list[tuple[Sequence[str], int]] = []
    (answer,) = await RulesGenerator().propose([query(stage=1, asked=asked)])
    assert len(asked) == 1
    assert answer.next_stage is None
    rewrites = [proposal for proposal in answer.items if proposal.tactic.startswith("rw")]
    assert [proposal.tactic for proposal in rewrites] == [
        "rw [Nat.add_comm]",
        "rw [Nat.add_assoc]",
        "rw [Nat.add_zero]",
    ]
    assert [proposal.cost for proposal in rewrites] == sorted(proposal.cost for proposal in rewrites)
    assert any(proposal.tactic == "exact Nat.add_comm a b" and proposal.final for proposal in answer.items)
    assert any(proposal.tactic.startswith("grind [Nat.add_comm, ") for proposal in answer.items)


async def test_a_premise_rule_takes_no_more_lemmas_than_its_limit() -> None:
    generator = RulesGenerator(rules=(), premise_rules=(PremiseRule("rw", 1.0, limit=2),))
    (answer,) = await generator.propose([query(stage=1)])
    assert sum(proposal.rule == "premise: rw" for proposal in answer.items) == 2


async def test_relevant_lemmas_are_used_together_a_few_first_and_then_more() -> None:
    (answer,) = await RulesGenerator(rules=(), premise_rules=()).propose([query(stage=1)])
    few, many = (proposal for proposal in answer.items if proposal.tactic.startswith("grind"))
    assert few.tactic.startswith("grind [Nat.grind0, Nat.grind1, ")
    assert few.tactic.count("Nat.grind") < many.tactic.count("Nat.grind") < 20
    assert few.cost < many.cost
    assert {proposal.tactic for proposal in answer.items} >= {"simp [Nat.simp]", "simp_all [Nat.simp]"}


async def test_a_tactic_without_a_lemma_to_give_it_is_not_proposed() -> None:
    generator = RulesGenerator(
        rules=(), premise_rules=(), relevance_rules=(RelevanceRule("apply?", "foo [{}]", 1.0, 5),)
    )
    (answer,) = await generator.propose([query(stage=1)])
    assert answer.items == ()


async def test_without_premise_rules_there_is_one_stage() -> None:
    (answer,) = await RulesGenerator(premise_rules=(), relevance_rules=()).propose([query()])
    assert answer.next_stage is None


async def test_far_from_the_root_no_lemmas_are_looked_up() -> None:
    (answer,) = await RulesGenerator().propose([query(depth=30)])
    assert answer.next_stage is None


async def test_costs_are_not_negative_and_what_fails_fast_is_tried_first() -> None:
    (answer,) = await RulesGenerator().propose([query()])
    costs = {proposal.tactic: proposal.cost for proposal in answer.items}
    assert min(costs.values()) >= 0
    assert costs["rfl"] < costs["omega"] < costs["simp"] < costs["grind"]


async def test_a_number_too_big_to_compute_is_left_alone() -> None:
    target = "2 ^ (3 + 2 ^ 2008) % 10 = 6"

    async def premises(uses: Sequence[str], limit: int, statements: bool = False) -> Sequence[Premise]:
        return []

    (answer,) = await RulesGenerator().propose([Query((Goal(f"⊢ {target}", "key", target),), 0, 0, (), premises)])
    assert not answer.items


async def test_several_queries_get_an_answer_each() -> None:
    first, second = await RulesGenerator().propose([query(), query(stage=1)])
    assert first.items != second.items


async def test_the_fixed_generator_says_the_same_of_every_goal() -> None:
    first, second = await FixedGenerator(["a", "b"]).propose([query(), query(depth=4)])
    assert first == second
    assert [proposal.tactic for proposal in first.items] == ["a", "b"]
    assert first.items[0].cost < first.items[1].cost
    assert isinstance(first.items[0], Proposal)
