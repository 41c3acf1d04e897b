"""Tactics and proofs from a language model."""

from __future__ import annotations

import math
from collections.abc import Sequence

from prover.core import Proposal, Proposals, Query
from prover.errors import ModelFailed
from prover.generators.language import Answer, Generation, LanguageModel, Sampling
from prover.generators.prompts import PromptFormat, Question, question_about

WHOLE_PROOF_EFFORT = 4
"""A whole proof may take as much as four tactics."""

LATER_COST = 1.0
"""When a model that is asked later is worth its time: after the tactics that most often close a goal at once, as with the rules' look-ups."""


class ModelGenerator:
    """Asks a language model for tactics at every goal, or for whole proofs at the root, once each.

    All queries of a call go to the model together. Completions that are read as the same tactic are one proposal.

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
        self._stage = int(later)
        self._form = form
        self._sampling = sampling
        self._rule = rule

    async def propose(self, queries: Sequence[Query]) -> list[Proposals]:
        """The model's proposals; none for other stages, nor, of whole proofs, for goals below the root.

        Raises:
            ModelFailed: the model did not answer.
        """
        questions = {
            place: question
            for place, query in enumerate(queries)
            if query.stage == self._stage and (question := await question_about(query, self._form)) is not None
        }
        found = [Proposals((), LATER_COST if query.stage < self._stage else None) for query in queries]
        if not questions:
            return found
        prompts = [self._form.ask(question) for question in questions.values()]
        answers = await self._model.generate(prompts, self._sampling, queries[0].seed)
        if len(answers) != len(prompts):
            raise ModelFailed(f"the model answered {len(prompts)} prompts with {len(answers)} answers")
        for (place, question), answer in zip(questions.items(), answers, strict=True):
            found[place] = self._read(question, answer)
        return found

    def _read(self, question: Question, answer: Answer) -> Proposals:
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
        return Proposals(tuple(sorted(items, key=lambda item: item.cost)), tokens=tokens, malformed=malformed)


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
