"""Tactics and proofs from a language model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from prover.core import Proposal, Proposals, Query
from prover.errors import ModelFailed
from prover.generators.language import Answer, Generation, LanguageModel, Sampling
from prover.generators.prompts import PromptFormat, Question, question_about

WHOLE_PROOF_EFFORT = 4
"""A whole proof may take as much as four tactics."""

ASKINGS = 8
"""So many times a model that draws is asked about a goal, with another seed each time, if the budget allows for it."""

ASKING_COST = 1.0
"""How much dearer each further asking is: a goal that the model has not got on with waits behind new ones."""

LATER_COST = 1.0
"""When a model that is asked later is worth its time: after the tactics that most often close a goal at once, as with the rules' look-ups."""


class ModelGenerator:
    """Asks a language model for tactics at every goal, or for whole proofs at the root, again and again where it draws.

    All queries of a call that are at the same stage go to the model together. Completions that are read as the same tactic are one proposal.

    Args:
        model: is asked.
        form: how it is asked and read.
        sampling: how completions are made.
        rule: where proposals say that they are from.
        later: it is asked at the second stage of a goal, if others have not got on with it until then.
    """

    def __init__(
        self, model: LanguageModel, form: PromptFormat, sampling: Sampling, *, rule: str = "model", later: bool = False
    ) -> None:
        self._model = model
        self._first = int(later)
        self._last = self._first + (ASKINGS if sampling.temperature > 0 else 1) - 1
        self._form = form
        self._sampling = sampling
        self._rule = rule

    async def propose(self, queries: Sequence[Query]) -> list[Proposals]:
        """The model's proposals; none of whole proofs for goals below the root.

        Raises:
            ModelFailed: the model did not answer.
        """
        questions: dict[int, dict[int, Question]] = {}
        for place, query in enumerate(queries):
            if self._first <= query.stage <= self._last:
                question = await question_about(query, self._form)
                if question is not None:
                    questions.setdefault(query.stage, {})[place] = question
        found = [Proposals((), LATER_COST if query.stage < self._first else None) for query in queries]
        for stage, asked in questions.items():
            found_here = await self._asked(list(asked.values()), queries[next(iter(asked))].seed, stage - self._first)
            for place, proposals in zip(asked, found_here, strict=True):
                found[place] = proposals
        return found

    async def _asked(self, questions: Sequence[Question], seed: int, before: int) -> list[Proposals]:
        """What the model proposes to goals about which it was asked so often before."""
        prompts = [self._form.ask(question) for question in questions]
        # A seed that no other asking of this or another attempt has; the first is that of the attempt.
        own_seed = seed if not before else Random(f"{seed} {before}").getrandbits(31)
        answers = await self._model.generate(prompts, self._sampling, own_seed)
        if len(answers) != len(prompts):
            raise ModelFailed(f"the model answered {len(prompts)} prompts with {len(answers)} answers")
        more = before + 1 + self._first <= self._last
        cost = LATER_COST * self._first + ASKING_COST * (before + 2) if more else None
        return [self._read(question, answer, cost) for question, answer in zip(questions, answers, strict=True)]

    def _read(self, question: Question, answer: Answer, next_stage: float | None) -> Proposals:
        read: dict[str, list[Generation]] = {}
        for generation in answer.generations:
            script = None if generation.finish == "length" else self._form.read(generation.text, question)
            if script is not None:
                read.setdefault(script, []).append(generation)
        costs = costs_of(list(read.values()), len(answer.generations))
        whole = self._form.kind == "proof"
        effort = WHOLE_PROOF_EFFORT if whole else 1
        items = [
            Proposal(script, cost, self._rule, effort, whole=whole) for script, cost in zip(read, costs, strict=True)
        ]
        tokens = answer.prompt_tokens + sum(generation.tokens for generation in answer.generations)
        malformed = len(answer.generations) - sum(map(len, read.values()))
        ordered = tuple(sorted(items, key=lambda item: item.cost))
        return Proposals(ordered, next_stage, tokens=tokens, malformed=malformed)


def costs_of(groups: Sequence[Sequence[Generation]], samples: int) -> list[float]:
    """The cost of each group of completions that say the same.

    With log-probabilities: `-log p / n`, where p is the sum of the probabilities of the different texts of the group and n the number
    of tokens of the likeliest. The division by the length is that of Wu et al. 2016 (arXiv 1609.08144, section 7) for α = 1, without their
    constant; ReProver takes the sum as it is, under which long tactics come last whatever they say. A text that was drawn twice counts once: its probability is no greater for that.

    Without, as of some servers: `-log f`, where f is the group's share of all samples, malformed ones among them.

    Args:
        groups: at least one completion each.
        samples: how many completions there were.

    Returns:
        One cost a group, not negative.
    """
    if any(generation.log_probability is None for group in groups for generation in group):
        return [math.log(samples / len(group)) for group in groups]
    return [_normalised(group) for group in groups]


def _normalised(group: Sequence[Generation]) -> float:
    texts = {generation.text: generation for generation in group}
    ranked = sorted(texts.values(), key=lambda generation: generation.log_probability or 0.0, reverse=True)
    best = ranked[0].log_probability or 0.0
    total = best + math.log(sum(math.exp((generation.log_probability or 0.0) - best) for generation in ranked))
    return max(0.0, -total / max(1, ranked[0].tokens))
