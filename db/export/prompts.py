"""The words in which models are asked: the same in a training set and in a search for a proof (`prover.generators.prompts`)."""

from __future__ import annotations

TACTIC_INSTRUCTION = "Give the next tactic for this Lean 4 proof state."
PROOF_INSTRUCTION = "Prove this Lean 4 theorem."


def unproved(name: str, statement: str) -> str:
    """A theorem up to its proof. `statement` is what stands behind the name: binders, colon and proposition."""
    return f"theorem {name}{statement} :="


def instructed(instruction: str, question: str) -> str:
    """A question to a model that follows instructions."""
    return f"{instruction}\n\n{question}"


def after_goal(state: str) -> str:
    """A proof state as ReProver asks decoder-only models about it (`VllmGenerator` in its `prover/tactic_generator.py`)."""
    return f"[GOAL]\n{state}\n[PROOFSTEP]\n"
