"""Proofs made shorter, on puzzles and with the real Lean."""

from __future__ import annotations

from collections.abc import Sequence

from lean_bridge.pool import LeanPool
from prover.core import Budget, Proposal, Proposals, Query
from prover.engine import Plan, Task, prove
from prover.minimise import MOST_TRIES, minimise
from prover.search.best_first import BestFirst


async def no_suggestions(proof: str) -> list[str]:
    return []


class Judge:
    """Accepts scripts that hold all of some lines, in order, and so many bullets."""

    def __init__(self, *needed: str, bullets: int = 0) -> None:
        self.needed = needed
        self.bullets = bullets
        self.asked: list[str] = []

    async def accepts(self, proof: str) -> bool:
        self.asked.append(proof)
        lines = iter(line.strip("· ") for line in proof.split("\n"))
        if proof.count("·") != self.bullets:
            return False
        return all(any(line == needed for line in lines) for needed in self.needed)


async def test_steps_that_nothing_needs_are_left_out() -> None:
    judge = Judge("b", "d")
    assert await minimise("a\nb\nc\nd\ne", judge.accepts, no_suggestions) == "b\nd"


async def test_a_whole_rest_goes_when_a_later_tactic_does_it_all() -> None:
    judge = Judge("omega")
    assert await minimise("constructor\n· simp\n  rfl\n· intro h\n  omega", judge.accepts, no_suggestions) == "omega"
    assert len(judge.asked) <= 4


async def test_steps_under_a_bullet_are_left_out_and_the_bullet_stays() -> None:
    judge = Judge("constructor", "rfl", "omega", bullets=2)
    proof = "constructor\n· simp\n  rfl\n· intro h\n  omega"
    assert await minimise(proof, judge.accepts, no_suggestions) == "constructor\n· rfl\n· omega"


async def test_no_proof_is_asked_about_twice_and_not_too_many() -> None:
    judge = Judge(*(f"t{number}" for number in range(40)))
    proof = "\n".join(f"t{number}" for number in range(40))
    assert await minimise(proof, judge.accepts, no_suggestions) == proof
    assert len(judge.asked) == len(set(judge.asked)) <= MOST_TRIES


async def test_a_simp_in_the_middle_is_made_explicit_and_one_at_the_end_is_not() -> None:
    asked: list[str] = []

    async def suggestions(proof: str) -> list[str]:
        asked.append(proof)
        return ["simp only [foo] at h"]

    judge = Judge("constructor", "omega", "simp", bullets=2)
    proof = "constructor\n· simp at h\n  omega\n· simp"

    async def accepts(text: str) -> bool:
        return text.count("\n") == 3 and await judge.accepts(text)

    assert await minimise(proof, accepts, suggestions) == "constructor\n· simp only [foo] at h\n  omega\n· simp"
    assert asked == ["constructor\n· simp? at h\n  omega\n· simp"]


class Roundabout:
    """Proves `p ∧ q → q ∧ p` with steps that are not needed."""

    TACTICS: tuple[str, ...] = (
        "intro h",
        "have unused : 1 = 1 := rfl",
        "obtain ⟨a, b⟩ := h",
        "have again := a",
        "exact ⟨b, a⟩",
    )

    async def propose(self, queries: Sequence[Query]) -> list[Proposals]:
        return [Proposals((Proposal(self.TACTICS[query.depth], 1.0, "roundabout"),)) for query in queries]


async def test_lean_confirms_a_shorter_proof(pool: LeanPool) -> None:
    task = Task("swap", statement="∀ p q : Prop, p ∧ q → q ∧ p")

    class Steps(Roundabout):
        TACTICS = ("intro p q", *Roundabout.TACTICS)

    long = await prove(pool, task, plan=Plan(BestFirst(), Budget(seconds=30)), generator=Steps())
    short = await prove(pool, task, plan=Plan(BestFirst(), Budget(seconds=30), minimise=True), generator=Steps())
    assert long.outcome == short.outcome == "proved", (long.failure, short.failure)
    assert long.proof == "by\n  " + "\n  ".join(Steps.TACTICS)
    assert short.proof == "by\n  intro p q\n  intro h\n  obtain ⟨a, b⟩ := h\n  exact ⟨b, a⟩"
    assert short.verdict is not None
    assert short.verdict.accepted


async def test_lean_says_what_a_simp_used(pool: LeanPool) -> None:
    class Steps(Roundabout):
        TACTICS = ("intro xs h", "simp at h", "exact h")

    task = Task("nil", statement="∀ xs : List Nat, xs ++ [] = [1] → xs = [1]")
    attempt = await prove(pool, task, plan=Plan(BestFirst(), Budget(seconds=30), minimise=True), generator=Steps())
    assert attempt.outcome == "proved", attempt.failure
    assert attempt.proof is not None
    assert attempt.proof == "by\n  intro xs h\n  simp only [List.append_nil] at h\n  exact h"
