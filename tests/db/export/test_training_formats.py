from __future__ import annotations

import json

import pytest

from db.export import cpt, sft
from db.export.sft import PromptFormat
from tests.db.export.samples import mutant, step, theorem

STATE = "n : Nat\n⊢ n = n"


def test_each_tactic_of_a_proof_is_a_pair_but_those_without_a_goal() -> None:
    steps = [
        step("t", 0, STATE, "simp", "no goals"),
        step("t", 1, STATE, "simp", "no goals"),
        step("t", 2, "no goals", "skip", "no goals"),
        step("t", 3, STATE, "· rfl", "no goals"),
    ]
    pairs = list(sft.tactic_pairs([(theorem("t"), steps)]))
    assert [(pair.prompt, pair.completion, pair.state_after) for pair in pairs] == [
        (STATE, "simp", "no goals"),
        (STATE, "· rfl", "no goals"),
    ]


def test_theorems_and_mutants_lead_from_statement_to_proof() -> None:
    [pair] = sft.theorem_pairs([theorem("t"), theorem("u", code=None), theorem("v", code="theorem v : P\n| 0 => rfl")])
    assert (pair.prompt, pair.completion) == ("theorem t (n : Nat) : n = n :=", "by\n  rfl")
    one = mutant(3)
    [pair] = sft.mutant_pairs([one])
    assert f"{pair.prompt} {pair.completion}" == one.declaration


@pytest.mark.parametrize(
    ("layout", "document"),
    [
        (PromptFormat.plain, {"prompt": STATE, "completion": "rfl", "theorem": "t", "state_after": "no goals"}),
        (
            PromptFormat.alpaca,
            {"instruction": "Give the next tactic for this Lean 4 proof state.", "input": STATE, "output": "rfl"},
        ),
        (
            PromptFormat.sharegpt,
            {
                "conversations": [
                    {"from": "human", "value": f"Give the next tactic for this Lean 4 proof state.\n\n{STATE}"},
                    {"from": "gpt", "value": "rfl"},
                ]
            },
        ),
        (PromptFormat.reprover, {"prompt": f"[GOAL]\n{STATE}\n[PROOFSTEP]\n", "completion": "rfl"}),
    ],
)
def test_a_pair_is_laid_out_as_the_format_says(layout: PromptFormat, document: dict[str, object]) -> None:
    pairs = sft.tactic_pairs([(theorem("t"), [step("t", 0, STATE, "rfl", "no goals")])])
    [line] = sft.lines(pairs, layout)
    assert json.loads(line) == document


def test_a_whole_proof_has_no_next_state() -> None:
    [line] = sft.lines(sft.mutant_pairs([mutant(1)]), PromptFormat.plain)
    assert set(json.loads(line)) == {"prompt", "completion", "theorem"}


def test_declarations_are_text_or_json() -> None:
    texts = [*cpt.theorem_texts([theorem("t"), theorem("u", code=None)]), *cpt.mutant_texts([mutant(1)])]
    assert texts == ["theorem t (n : Nat) : n = n := by\n  rfl", mutant(1).declaration]
    assert [json.loads(line) for line in cpt.json_lines(texts)] == [{"text": text} for text in texts]
    assert "\n".join(cpt.text_lines(texts)) == f"{texts[0]}\n\n{texts[1]}\n"
