"""A generator over a language model that says what a test wants: merging, costs, what cannot be read, whole proofs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from prover.core import Budget, Goal, Premise, Proposal, Proposals, Query, TheoremSource
from prover.errors import ModelFailed
from prover.generators.combined import CombinedGenerator
from prover.generators.fixed import FixedGenerator
from prover.generators.language import Answer, Generation, Prompt, Sampling
from prover.generators.model import ASKINGS, ModelGenerator, costs_of
from prover.generators.prompts import FORMATS
from prover.search.best_first import BestFirst
from prover.search.graph import ProofGraph
from prover.search.strategy import search
from prover.testing import NumberPuzzle


@dataclass(slots=True)
class Parrot:
    """Answers every prompt with the same completions, or fails."""

    generations: Sequence[Generation] = ()
    fault: ModelFailed | None = None
    asked: list[list[Prompt]] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seed: int) -> list[Answer]:
        self.asked.append(list(prompts))
        self.seeds.append(seed)
        if self.fault is not None:
            raise self.fault
        return [Answer(tuple(self.generations), 10)] * len(prompts)


async def no_premises(uses: Sequence[str], limit: int, statements: bool = False) -> Sequence[Premise]:
    return ()


def query(text: str = "⊢ p", *, stage: int = 0, depth: int = 0, seed: int = 0) -> Query:
    theorem = TheoremSource("theorem t : p := by sorry")
    return Query((Goal(text, text),), stage, depth, (), no_premises, theorem, seed)


def generator(model: Parrot, name: str = "plain") -> ModelGenerator:
    return ModelGenerator(model, FORMATS[name], FORMATS[name].sampling, rule="model: parrot")


async def proposed(*generations: Generation, name: str = "plain") -> Proposals:
    (answer,) = await generator(Parrot(generations), name).propose([query()])
    return answer


async def test_all_queries_of_a_call_are_one_call_of_the_model() -> None:
    model = Parrot([Generation("simp", -1.0, 2)])
    answers = await generator(model).propose([query("⊢ p", seed=7), query("⊢ q", depth=3, seed=7)])
    assert (model.asked, model.seeds) == ([["⊢ p", "⊢ q"]], [7])
    assert [item.tactic for answer in answers for item in answer.items] == ["simp", "simp"]


async def test_a_model_that_draws_is_asked_again_with_other_seeds_at_a_growing_cost_until_that_is_enough() -> None:
    model = Parrot([Generation("simp", -1.0, 2)])
    answers = [(await generator(model).propose([query(stage=stage, seed=7)]))[0] for stage in range(9)]
    costs = [answer.next_stage for answer in answers]
    assert costs[:7] == [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    assert costs[7:] == [None, None]
    assert (len(model.asked), len(set(model.seeds)), model.seeds[0]) == (8, 8, 7)


async def test_the_likeliest_completions_are_asked_for_once() -> None:
    form = FORMATS["plain"]
    model = Parrot([Generation("simp", -1.0, 2)])
    beams = ModelGenerator(model, form, Sampling(temperature=0.0))
    assert (await beams.propose([query()]))[0].next_stage is None
    assert (await beams.propose([query(stage=1)])) == [Proposals(())]


async def test_completions_that_are_read_alike_are_one_proposal_with_their_probabilities_added() -> None:
    answer = await proposed(
        Generation("omega", math.log(0.2), 1),
        Generation("simp", math.log(0.3), 1),
        Generation(" simp\n", math.log(0.1), 3),
    )
    assert [(item.tactic, round(item.cost, 6), item.rule) for item in answer.items] == [
        ("simp", round(-math.log(0.4), 6), "model: parrot"),
        ("omega", round(-math.log(0.2), 6), "model: parrot"),
    ]


def test_a_text_that_was_drawn_twice_is_no_likelier_for_that() -> None:
    once, twice = costs_of([[Generation("a", -1.0, 2)], [Generation("b", -1.0, 2)] * 5], 6)
    assert once == twice == 0.5


def test_long_completions_are_compared_by_the_token() -> None:
    assert costs_of([[Generation("short", -2.0, 2)], [Generation("long", -8.0, 16)]], 2) == [1.0, 0.5]


def test_no_cost_is_negative_whatever_a_server_tells() -> None:
    assert costs_of([[Generation("a", 0.3, 2)], [Generation("b", 0.0, 0)]], 2) == [0.0, 0.0]


async def test_without_log_probabilities_the_cost_is_that_of_the_share_of_all_samples() -> None:
    answer = await proposed(Generation("omega"), Generation("simp"), Generation("simp"), Generation(""))
    assert [(item.tactic, item.cost) for item in answer.items] == [("simp", math.log(2)), ("omega", math.log(4))]


async def test_what_cannot_be_read_or_was_cut_off_is_counted() -> None:
    answer = await proposed(
        Generation("simp", -1.0, 2), Generation("", -1.0, 1), Generation("rw [Nat.add", -9.0, 512, finish="length")
    )
    assert [item.tactic for item in answer.items] == ["simp"]
    assert (answer.malformed, answer.tokens) == (2, 10 + 2 + 1 + 512)


async def test_a_whole_proof_is_proposed_at_the_root_as_a_whole() -> None:
    model = Parrot([Generation("  intro h\n  exact h\n```", -2.0, 4)])
    root, deep = await generator(model, "deepseek-prover-v1.5").propose([query(), query("⊢ q", depth=1)])
    assert root.items == (Proposal("intro h\nexact h", 0.5, "model: parrot", effort=4, whole=True),)
    assert deep == Proposals(())
    assert len(model.asked) == 1


async def test_a_model_that_answers_some_prompts_only_has_failed() -> None:
    class Short(Parrot):
        async def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seed: int) -> list[Answer]:
            return []

    with pytest.raises(ModelFailed, match="1 prompts with 0 answers"):
        await generator(Short()).propose([query()])


async def test_a_combination_proposes_what_its_parts_do_the_cheapest_first() -> None:
    model = generator(Parrot([Generation("simp", -0.5, 1)]))
    parts = CombinedGenerator([FixedGenerator(["rfl", "simp"], cost=1.0), model])
    (answer,) = await parts.propose([query()])
    assert [(item.tactic, item.rule) for item in answer.items] == [
        ("simp", "model: parrot"),
        ("rfl", "fixed"),
        ("simp", "fixed"),
    ]
    assert (answer.tokens, answer.fault) == (11, "")


async def test_a_combination_goes_on_without_a_model_that_fails_and_says_so() -> None:
    dead = generator(Parrot(fault=ModelFailed("gone")))
    (answer,) = await CombinedGenerator([FixedGenerator(["rfl"]), dead]).propose([query()])
    assert [item.tactic for item in answer.items] == ["rfl"]
    assert answer.fault == "gone"
    with pytest.raises(ModelFailed, match="gone"):
        await CombinedGenerator([dead, dead]).propose([query()])


async def test_a_search_counts_what_could_not_be_read_and_keeps_what_failed() -> None:
    puzzle = NumberPuzzle()
    model = generator(Parrot([Generation("half", -0.1, 1), Generation("", -0.1, 1)]))
    dead = generator(Parrot(fault=ModelFailed("gone")))
    parts = CombinedGenerator([model, dead])
    graph = ProofGraph(puzzle.start(6))
    result = await search(graph, puzzle, parts, BestFirst(), budget=Budget(), clock=lambda: 0.0)
    assert (result.outcome, result.fault) == ("failed", "gone")
    assert (result.statistics.nodes, result.statistics.malformed) == (2, 2 * ASKINGS)


async def test_a_search_with_a_model_alone_that_fails_is_no_result() -> None:
    puzzle = NumberPuzzle()
    dead = generator(Parrot(fault=ModelFailed("gone")))
    with pytest.raises(ModelFailed, match="gone"):
        await search(ProofGraph(puzzle.start(6)), puzzle, dead, BestFirst(), budget=Budget(), clock=lambda: 0.0)


async def test_beside_rules_a_model_is_asked_only_where_their_first_tactics_have_not_ended_it() -> None:
    model = Parrot([Generation("halve", -1.0, 2)])
    later = ModelGenerator(model, FORMATS["plain"], FORMATS["plain"].sampling, later=True)
    (first,) = await later.propose([query(stage=0)])
    assert (first.items, model.asked) == ((), [])
    assert first.next_stage is not None
    (second,) = await later.propose([query(stage=1)])
    assert [item.tactic for item in second.items] == ["halve"]
    assert second.next_stage is not None
    assert second.next_stage > first.next_stage
