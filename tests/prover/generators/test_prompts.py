"""What models are asked, word for word, against prompts written by hand; and that training sets have the same words."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from db.export import sft
from db.export.sft import PromptFormat as Layout
from prover.chat import Message
from prover.core import Goal, Premise, Query, TheoremSource
from prover.generators.language import Prompt
from prover.generators.prompts import BYTES, FORMATS, question_about, signature_of
from tests.db.export.samples import mutant, step, theorem

STATE = "a b : Nat\n⊢ a + b = b + a"
COMM = Premise("rw", "Nat.add_comm", "rw [Nat.add_comm]", 3.0, "∀ (n m : Nat), n + m = m + n")
ZERO = Premise("rw", "Nat.add_zero", "rw [Nat.add_zero]", 2.0, "∀ (n : Nat), n + 0 = n")
THEOREM = TheoremSource(
    "/-- Addition\n  commutes. -/\ntheorem swap (a b : Nat) (h : a = (b := b)) : a + b = b + a := by sorry",
    "import Mathlib\n\nopen Nat\n\n",
)
FILE = """import Mathlib

open Nat

/-- Addition
  commutes. -/
theorem swap (a b : Nat) (h : a = (b := b)) : a + b = b + a := by"""


def query(
    *states: str, depth: int = 0, premises: Sequence[Premise] = (), about: TheoremSource | None = THEOREM
) -> Query:
    async def look_up(uses: Sequence[str], limit: int, statements: bool = False) -> Sequence[Premise]:
        assert statements
        return premises

    return Query(tuple(Goal(state, state) for state in states or (STATE,)), 0, depth, (), look_up, about)


async def asked(name: str, about: Query) -> Prompt:
    question = await question_about(about, FORMATS[name])
    assert question is not None
    return FORMATS[name].ask(question)


async def test_a_state_alone_is_what_byt5_and_our_own_models_are_asked() -> None:
    assert await asked("plain", query("⊢ p", "⊢ q")) == "⊢ p\n\n⊢ q"
    assert await asked("reprover-byt5", query()) == STATE
    assert await asked("reprover", query()) == f"[GOAL]\n{STATE}\n[PROOFSTEP]\n"


async def test_the_best_premise_is_nearest_to_the_state() -> None:
    prompt = await asked("reprover-byt5-premises", query(premises=[COMM, ZERO, COMM]))
    assert prompt == (
        "theorem <a>Nat.add_zero</a> : ∀ (n : Nat), n + 0 = n\n\n"
        f"theorem <a>Nat.add_comm</a> : ∀ (n m : Nat), n + m = m + n\n\n{STATE}"
    )


async def test_premises_fill_the_bytes_that_there_are_and_smaller_ones_what_is_left() -> None:
    large = Premise("rw", "large", "", 4.0, "∀" * 600)
    prompt = await asked(
        "reprover-byt5-premises", query(premises=[large, large, Premise("rw", "huge", "", 1.0, "∀" * 600), ZERO])
    )
    assert isinstance(prompt, str)
    assert len(prompt.encode()) < BYTES
    assert prompt.startswith("theorem <a>Nat.add_zero</a>")
    assert "<a>large</a>" in prompt
    assert "<a>huge</a>" not in prompt


async def test_a_state_of_too_many_bytes_is_cut_and_stays_text() -> None:
    prompt = await asked("reprover-byt5", query("⊢" * BYTES))
    assert prompt == "⊢" * ((BYTES - 1) // 3)


async def test_deepseek_prover_continues_a_file() -> None:
    assert await asked("deepseek-prover-v1.5", query()) == f"Complete the following Lean 4 code:\n\n```lean4\n{FILE}\n"
    assert await asked("deepseek-prover-v1.5-cot", query()) == (
        "Complete the following Lean 4 code with explanatory comments preceding each line of code:\n\n"
        f"```lean4\n{FILE}\n"
    )
    assert FORMATS["deepseek-prover-v1.5"].sampling.stop == ("```",)


async def test_goedel_prover_plans_first() -> None:
    assert await asked("goedel-prover-v2", query()) == (
        Message(
            "user",
            f"""Complete the following Lean 4 code:

```lean4
{FILE} sorry```

Before producing the Lean 4 code to formally prove the given theorem, provide a detailed proof plan outlining the main proof steps and strategies.
The plan should highlight key ideas, intermediate lemmas, and proof structures that will guide the construction of the final formal proof.""",
        ),
    )


async def test_kimina_prover_thinks_about_the_problem_of_the_doc_comment() -> None:
    assert await asked("kimina-prover", query()) == (
        Message("system", "You are an expert in mathematics and Lean 4."),
        Message(
            "user",
            f"""Think about and solve the following problem step by step in Lean 4.
# Problem:Addition commutes.
# Formal statement:
```lean4
{FILE}
```
""",
        ),
    )


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        ("theorem t (n : Nat) : n = n := by sorry", "theorem t (n : Nat) : n = n"),
        ("lemma t : let x := 1; x = 1 := sorry", "lemma t : let x := 1; x = 1"),
        ("theorem t : True", "theorem t : True"),
        ("∀ n : Nat, n = n", "theorem goal : ∀ n : Nat, n = n"),
    ],
)
def test_a_theorem_is_shown_up_to_its_proof(text: str, signature: str) -> None:
    assert signature_of(TheoremSource(text)) == signature


async def test_whole_proofs_are_asked_for_at_the_root_of_a_known_theorem_alone() -> None:
    for form in FORMATS.values():
        deep = await question_about(query(depth=1), form)
        unknown = await question_about(query(about=None), form)
        assert (deep is None) == (unknown is None) == (form.kind == "proof"), form.name


TACTICS = list(sft.tactic_pairs([(theorem("t"), [step("t", 0, STATE, "omega", "no goals")])]))
PROOFS = list(sft.mutant_pairs([mutant(1)]))


def trained(layout: Layout, pairs: Sequence[sft.Pair]) -> str:
    (line,) = sft.lines(pairs, layout)
    record = json.loads(line)
    return str(record["conversations"][0]["value"] if "conversations" in record else record["prompt"])


@pytest.mark.parametrize("layout", [Layout.plain, Layout.sharegpt, Layout.reprover])
async def test_a_model_is_asked_for_tactics_as_the_training_set_of_the_same_name_asks(layout: Layout) -> None:
    prompt = await asked(layout.value, query())
    assert trained(layout, TACTICS) == (prompt if isinstance(prompt, str) else prompt[-1].content)


@pytest.mark.parametrize("layout", [Layout.plain, Layout.sharegpt])
async def test_a_model_is_asked_for_proofs_as_the_training_set_asks(layout: Layout) -> None:
    one = mutant(1)
    about = TheoremSource(f"theorem {one.name}{one.statement} := {one.proof}")
    prompt = await asked(f"{layout.value}-proof", query(about=about))
    assert trained(layout, PROOFS) == (prompt if isinstance(prompt, str) else prompt[-1].content)
