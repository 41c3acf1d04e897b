"""How models are asked for tactics and proofs, each in the words that it was trained with.

The formats of this project's own training sets take their words from `db.export.prompts`, as `lemma export sft` does. The others:

==========================  ==========================================================================================================
`reprover-byt5`             ReProver (Yang et al. 2023, arXiv 2306.15626; github.com/lean-dojo/ReProver, `common.py`): the state alone
`reprover-byt5-premises`    the same, premises before the state, the best nearest to it, the name of each marked `<a>…</a>`, as many
                            as 2,300 bytes hold (`format_augmented_state`)
`deepseek-prover-v1.5`      DeepSeek-Prover-V1.5 (Xin et al. 2024, arXiv 2408.08152; its `prover/utils.py`): a Lean file to be
                            continued; temperature 1, top-p 0.95 and 2,048 tokens as in the paper
`deepseek-prover-v1.5-cot`  the same with comments between the tactics
`goedel-prover-v2`          Goedel-Prover-V2 (Lin et al. 2025, arXiv 2508.03613; its README and `src/utils.py`): a plan, then the file
`kimina-prover`             Kimina-Prover (Wang et al. 2025, arXiv 2504.11354; the model cards of AI-MO/Kimina-Prover-*)
==========================  ==========================================================================================================

A theorem is shown under its own header; the headers that these models saw in training (`import Mathlib` and more) are not put in its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from db.export.declarations import is_declared, place_of_proof
from db.export.prompts import PROOF_INSTRUCTION, TACTIC_INSTRUCTION, after_goal, instructed
from prover.chat import Message
from prover.core import Premise, Query, TheoremSource
from prover.generators import completions
from prover.generators.language import Prompt, Sampling

BYTES = 2300
"""Of a prompt of ReProver's: `max_inp_seq_len` of its training."""

PREMISES = 20
"""So many are looked up for each use; ReProver's retriever gives 100 in all, of which few fit into a prompt."""

_USES = ("exact", "apply", "rw", "simp")
_DOC = re.compile(r"\s*/--(.*?)-/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked about."""

    state: str = ""
    """Goals as Lean prints them, blank lines between them."""
    premises: tuple[Premise, ...] = ()
    """Best first."""
    header: str = ""
    """What stands before the theorem in its file."""
    signature: str = ""
    """The theorem up to its `:=`, which is not part of it."""

    @property
    def doc(self) -> str:
        """The text of the theorem's doc comment."""
        found = _DOC.match(self.signature)
        return " ".join(found.group(1).split()) if found else ""

    @property
    def file(self) -> str:
        """The theorem under its header, up to `:=`."""
        return f"{self.header.rstrip()}\n\n{self.signature} :=".lstrip()


@dataclass(frozen=True, slots=True)
class PromptFormat:
    """A way to ask, and to read what is answered.

    Attributes:
        name: as it is called on the command line and in records.
        kind: whether a completion is a tactic or the proof of the whole theorem.
        chat: whether the prompt is a talk.
        ask: from a question to the prompt.
        read: from a completion that was not cut off, and its question, to a tactic script; None: there is none in it.
        sampling: what is published for the model, or else what is usual.
        premises: whether the question needs them.
    """

    name: str
    kind: Literal["tactic", "proof"]
    chat: bool
    ask: Callable[[Question], Prompt]
    read: Callable[[str, Question], str | None]
    sampling: Sampling = field(default_factory=Sampling)
    premises: bool = False


async def question_about(query: Query, form: PromptFormat) -> Question | None:
    """The question that a query is for a format; None: it has none, as whole proofs are for the theorem itself alone."""
    if form.kind == "proof":
        if query.depth or query.theorem is None:
            return None
        return Question(header=query.theorem.header, signature=signature_of(query.theorem))
    found = await query.premises(_USES, PREMISES, True) if form.premises else ()
    premises = {premise.name: premise for premise in found if premise.statement}
    return Question("\n\n".join(goal.text for goal in query.goals), tuple(premises.values()))


def signature_of(theorem: TheoremSource) -> str:
    """A theorem up to its `:=`. What is only a proposition is called `goal`."""
    text = theorem.text.strip()
    if not is_declared(text):
        return f"theorem goal : {text}"
    place = place_of_proof(text)
    return text if place is None else text[:place].removesuffix(":=").rstrip()


def _instructed_state(question: Question) -> Prompt:
    return (Message("user", instructed(TACTIC_INSTRUCTION, question.state)),)


def _instructed_theorem(question: Question) -> Prompt:
    return (Message("user", instructed(PROOF_INSTRUCTION, f"{question.signature} :=")),)


def _clipped(text: str) -> str:
    """The beginning that fits into a prompt of ReProver's, which keeps a byte for the end mark."""
    return text.encode()[: BYTES - 1].decode(errors="ignore")


def _augmented(question: Question) -> Prompt:
    prompt = question.state
    for premise in question.premises:
        shown = f"theorem <a>{premise.name}</a> : {premise.statement}\n\n"
        if len((shown + prompt).encode()) < BYTES:
            prompt = shown + prompt
    return _clipped(prompt)


def _deepseek(request: str) -> Callable[[Question], Prompt]:
    return lambda question: f"{request}:\n\n```lean4\n{question.file} by\n"


def _goedel(question: Question) -> Prompt:
    return (
        Message(
            "user",
            f"Complete the following Lean 4 code:\n\n```lean4\n{question.file} by sorry```\n\n"
            "Before producing the Lean 4 code to formally prove the given theorem, provide a detailed proof plan outlining the main "
            "proof steps and strategies.\nThe plan should highlight key ideas, intermediate lemmas, and proof structures that will "
            "guide the construction of the final formal proof.",
        ),
    )


def _kimina(question: Question) -> Prompt:
    return (
        Message("system", "You are an expert in mathematics and Lean 4."),
        Message(
            "user",
            "Think about and solve the following problem step by step in Lean 4."
            f"\n# Problem:{question.doc}\n# Formal statement:\n```lean4\n{question.file} by\n```\n",
        ),
    )


def _tactic(text: str, question: Question) -> str | None:
    return completions.tactic(text)


def _tactic_of_reply(text: str, question: Question) -> str | None:
    return completions.tactic_of_reply(text)


def _continued(text: str, question: Question) -> str | None:
    return completions.proof_of_continuation(f"{question.signature} :=", text)


def _continued_by(text: str, question: Question) -> str | None:
    return completions.proof_of_continuation(f"{question.signature} := by\n", text)


def _replied_or_continued(text: str, question: Question) -> str | None:
    """What was trained on `lemma export sft` answers with the proof alone."""
    return completions.proof_of_bare_reply(question.signature, text)


def _replied(text: str, question: Question) -> str | None:
    return completions.proof_of_reply(question.signature, text)


_BEAM = Sampling(temperature=0.0)
_DEEPSEEK = Sampling(temperature=1.0, top_p=0.95, max_tokens=2048, stop=("```",))
_DEEPSEEK_REQUEST = "Complete the following Lean 4 code"
_DEEPSEEK_COT = f"{_DEEPSEEK_REQUEST} with explanatory comments preceding each line of code"

_FORMATS = (
    PromptFormat("plain", "tactic", False, lambda question: question.state, _tactic),
    PromptFormat("plain-proof", "proof", False, lambda q: f"{q.signature} :=", _continued, Sampling(max_tokens=2048)),
    PromptFormat("sharegpt", "tactic", True, _instructed_state, _tactic_of_reply),
    PromptFormat(
        "sharegpt-proof", "proof", True, _instructed_theorem, _replied_or_continued, Sampling(max_tokens=4096)
    ),
    PromptFormat(
        "reprover", "tactic", False, lambda q: after_goal(q.state), _tactic, Sampling(temperature=0.0, stop=("[GOAL]",))
    ),
    PromptFormat("reprover-byt5", "tactic", False, lambda question: _clipped(question.state), _tactic, _BEAM),
    PromptFormat("reprover-byt5-premises", "tactic", False, _augmented, _tactic, _BEAM, premises=True),
    PromptFormat("deepseek-prover-v1.5", "proof", False, _deepseek(_DEEPSEEK_REQUEST), _continued_by, _DEEPSEEK),
    PromptFormat("deepseek-prover-v1.5-cot", "proof", False, _deepseek(_DEEPSEEK_COT), _continued_by, _DEEPSEEK),
    PromptFormat("goedel-prover-v2", "proof", True, _goedel, _replied, Sampling(top_p=0.95, max_tokens=32768)),
    PromptFormat("kimina-prover", "proof", True, _kimina, _replied, Sampling(16, 0.6, 0.95, 8096)),
)

FORMATS: Mapping[str, PromptFormat] = MappingProxyType({form.name: form for form in _FORMATS})
"""By name."""
