"""Statements and attempts, and what the judge says of them. Most of the attempts must be refused."""

from __future__ import annotations

import pytest

from lean_bridge.client import LeanServer
from prover.judge import ALLOWED_AXIOMS, Proof, Statement, judge

TWO = "∀ n : Nat, n + 0 = n"
FALSE = "∀ n : Nat, n = 0"


@pytest.fixture
async def env(server: LeanServer) -> int:
    return (await server.open_environment(["Init"])).id


@pytest.mark.parametrize(
    ("statement", "proof"),
    [
        (TWO, "by simp"),
        (TWO, "fun n => rfl"),
        (TWO, "by\n  intro n\n  omega"),
        ("∀ p : Prop, p ∨ ¬p", "fun p => Classical.em p"),
        (
            "∀ n : Nat, n % 2 = 0 ∨ n % 2 = 1",
            "by\n  intro n\n  rcases Nat.mod_two_eq_zero_or_one n with h | h\n  · left\n    exact h\n  · right\n    exact h",
        ),
    ],
)
async def test_a_proof_is_accepted_with_its_axioms(server: LeanServer, env: int, statement: str, proof: str) -> None:
    verdict = await judge(server, env, Statement(statement), Proof(proof))
    assert verdict.accepted, verdict
    assert verdict.reason is None
    assert ALLOWED_AXIOMS.issuperset(verdict.axioms)


async def test_the_axioms_that_were_used_are_named(server: LeanServer, env: int) -> None:
    statement = "∀ α : Type, Nonempty α → ∃ x : α, x = x"
    verdict = await judge(server, env, Statement(statement), Proof("fun α h => ⟨Classical.choice h, rfl⟩"))
    assert "Classical.choice" in verdict.axioms


@pytest.mark.parametrize(
    ("statement", "proof", "reason"),
    [
        (FALSE, "by omega", "elaboration"),
        (FALSE, "by sorry", "sorry"),
        (FALSE, "sorry", "sorry"),
        (FALSE, "by intro n; exact sorry", "sorry"),
        (FALSE, "by admit", "sorry"),
        (FALSE, "by (", "parse"),
        (FALSE, "", "parse"),
        (FALSE, "by trivial\ntheorem easy : True := trivial", "parse"),
        (TWO, "fun n => (rfl : n = n + 1)", "elaboration"),
        (TWO, "by intro n", "elaboration"),
        ("10 < 20", "by native_decide", "syntax"),
        (FALSE, "by run_tac Lean.Elab.Tactic.evalTactic (← `(tactic| skip))", "syntax"),
        (FALSE, "by_elab do return Lean.mkConst ``True.intro", "syntax"),
        (FALSE, "Lean.ofReduceBool", "syntax"),
    ],
)
async def test_an_attempt_is_refused_with_its_reason(
    server: LeanServer, env: int, statement: str, proof: str, reason: str
) -> None:
    verdict = await judge(server, env, Statement(statement), Proof(proof))
    assert not verdict.accepted
    assert verdict.reason == reason, verdict
    assert verdict.message


async def test_a_proof_from_an_axiom_of_the_user_is_refused(server: LeanServer) -> None:
    opened = await server.open_environment(["Init"], "axiom cheat : False")
    verdict = await judge(server, opened.id, Statement(FALSE), Proof("cheat.elim"))
    assert (verdict.accepted, verdict.reason) == (False, "axiom")
    assert "cheat" in verdict.message


async def test_a_theorem_that_rests_on_sorry_is_no_premise(server: LeanServer) -> None:
    opened = await server.open_environment(["Init"], "theorem hole : ∀ n : Nat, n = 0 := by sorry")
    verdict = await judge(server, opened.id, Statement(FALSE), Proof("hole"))
    assert not verdict.accepted
    assert verdict.reason in {"axiom", "sorry"}


async def test_the_statement_comes_from_the_declaration_and_its_own_proof_is_ignored(
    server: LeanServer, env: int
) -> None:
    declaration = "theorem foo (n : Nat) (h : 0 < n) : n ≠ 0 := by sorry"
    accepted = await judge(server, env, Statement(declaration), Proof("by omega"))
    assert accepted.accepted, accepted
    other = await judge(server, env, Statement("theorem foo (n : Nat) : n ≠ 0 := by sorry"), Proof("by omega"))
    assert not other.accepted


async def test_words_that_only_contain_a_forbidden_one_are_no_syntaxs(server: LeanServer, env: int) -> None:
    statement = "∀ macro_count : Nat, macro_count + 0 = macro_count"
    verdict = await judge(server, env, Statement(statement), Proof("by\n  intro macro_count\n  rfl"))
    assert verdict.accepted, verdict
