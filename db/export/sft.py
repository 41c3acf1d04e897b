r"""Pairs for supervised fine-tuning: from a proof state to the next tactic, from a statement to its proof.

What a line of each prompt format holds:

=============  =========================================================================================================
`plain`        `prompt`, `completion`, and beside them `theorem` and, for tactics, `state_after`
`alpaca`       `instruction`, `input`, `output`
`sharegpt`     `conversations`: a turn from `human` and one from `gpt`, each with `from` and `value`
`reprover`     `prompt`, `completion`; the state stands between `[GOAL]\n` and `\n[PROOFSTEP]\n`, as in ReProver's prompts
               for decoder-only models. For tactics only
=============  =========================================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from json.encoder import encode_basestring as quoted

from db.export.declarations import proof_of
from db.export.prompts import PROOF_INSTRUCTION, TACTIC_INSTRUCTION, after_goal, instructed, unproved
from db.records import Mutant, TacticStep, Theorem

NO_GOALS = "no goals"
"""How Lean shows a state in which nothing is left to prove."""

_GIVING_UP = frozenset({"sorry", "admit"})
"""Tactics that nobody is to learn."""


class PromptFormat(StrEnum):
    """How a pair is laid out."""

    plain = "plain"
    alpaca = "alpaca"
    sharegpt = "sharegpt"
    reprover = "reprover"


@dataclass(frozen=True, slots=True)
class Pair:
    """A question to a model and the right answer. `state_after` is None where the answer is a whole proof."""

    theorem: str
    instruction: str
    prompt: str
    completion: str
    state_after: str | None = None


def tactic_pairs(proofs: Iterable[tuple[Theorem, Sequence[TacticStep]]]) -> Iterator[Pair]:
    """One pair for each tactic. Those that repeat within a theorem come once, those that start without a goal not at all, nor does `sorry`."""
    for theorem, steps in proofs:
        for step in distinct(steps):
            if step.before != NO_GOALS and step.tactic not in _GIVING_UP:
                yield Pair(theorem.name, TACTIC_INSTRUCTION, step.before, step.tactic, step.after)


def distinct(steps: Sequence[TacticStep]) -> list[TacticStep]:
    """The steps without repetitions of state, tactic and next state, as LeanDojo has them."""
    return list({(step.before, step.tactic, step.after): step for step in reversed(steps)}.values())[::-1]


def theorem_pairs(theorems: Iterable[Theorem]) -> Iterator[Pair]:
    """One pair for each theorem whose source has a proof behind `:=`."""
    for theorem in theorems:
        proof = proof_of(theorem.code) if theorem.code else None
        if proof is not None:
            yield Pair(theorem.name, PROOF_INSTRUCTION, unproved(theorem.name, theorem.statement), proof)


def mutant_pairs(mutants: Iterable[Mutant]) -> Iterator[Pair]:
    """One pair for each mutant."""
    for mutant in mutants:
        name = mutant.name
        yield Pair(name, PROOF_INSTRUCTION, unproved(name, mutant.statement), mutant.proof)


def lines(pairs: Iterable[Pair], layout: PromptFormat) -> Iterator[str]:
    """One JSON object a pair, without its end of line."""
    return map(_LAYOUTS[layout], pairs)


def _plain(pair: Pair) -> str:
    after = "" if pair.state_after is None else f',"state_after":{quoted(pair.state_after)}'
    return f'{{"prompt":{quoted(pair.prompt)},"completion":{quoted(pair.completion)},"theorem":{quoted(pair.theorem)}{after}}}'


def _alpaca(pair: Pair) -> str:
    instruction, given, answer = map(quoted, (pair.instruction, pair.prompt, pair.completion))
    return f'{{"instruction":{instruction},"input":{given},"output":{answer}}}'


def _sharegpt(pair: Pair) -> str:
    human, gpt = quoted(instructed(pair.instruction, pair.prompt)), quoted(pair.completion)
    return f'{{"conversations":[{{"from":"human","value":{human}}},{{"from":"gpt","value":{gpt}}}]}}'


def _reprover(pair: Pair) -> str:
    prompt = quoted(after_goal(pair.prompt))
    return f'{{"prompt":{prompt},"completion":{quoted(pair.completion)}}}'


_LAYOUTS: dict[PromptFormat, Callable[[Pair], str]] = {
    PromptFormat.plain: _plain,
    PromptFormat.alpaca: _alpaca,
    PromptFormat.sharegpt: _sharegpt,
    PromptFormat.reprover: _reprover,
}
