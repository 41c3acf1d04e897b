"""`proof.check` and `proof.replay` of docs/protocol.md, asked of a real Lean."""

from __future__ import annotations

import pytest

from lean_bridge import wire
from lean_bridge.client import LeanServer
from lean_bridge.protocol import Advanced, Allowance, Attempt, Place, TacticFailed
from tests.lean_bridge.goals import ADD_COMM, opened, started
from tests.lean_bridge.test_server_methods import ENDLESS, refusal
from tests.prover.reader import Reader


class TestProofCheck:
    async def test_a_right_proof_is_accepted(self, server: LeanServer) -> None:
        verdict = await server.check_proof(await opened(server), statement=ADD_COMM, proof="by intro a b; omega")
        assert verdict.accepted
        assert verdict.reason is None
        assert verdict.size is not None

    async def test_a_term_is_a_proof(self, server: LeanServer) -> None:
        assert (await server.check_proof(await opened(server), statement=ADD_COMM, proof="Nat.add_comm")).accepted

    async def test_a_declaration_is_proved_with_its_variables(self, server: LeanServer) -> None:
        declaration = "theorem foo (a b : Nat) (h : a = b) : b = a := by sorry"
        verdict = await server.check_proof(await opened(server), statement=declaration, proof="h.symm")
        assert verdict.accepted
        assert verdict.axioms == ()

    @pytest.mark.parametrize(
        ("proof", "accepted"),
        [
            ("Nat.add_zero _", True),
            ("@Nat.add_zero", True),
            ("by intro n; exact Nat.add_zero n", True),
            ("by exact Nat.add_zero n", False),
        ],
    )
    async def test_implicit_variables_behind_the_colon_are_introduced_for_terms_and_not_for_tactics_as_in_a_file(
        self, server: LeanServer, proof: str, accepted: bool
    ) -> None:
        declaration = "theorem foo : ∀ {n : Nat}, n + 0 = n := by sorry"
        verdict = await server.check_proof(await opened(server), statement=declaration, proof=proof)
        assert verdict.accepted == accepted

    @pytest.mark.parametrize(
        ("proof", "reason"),
        [
            ("by omega)", "parse"),
            ("by", "parse"),
            ("by rfl", "elaboration"),
            ("Nat.mul_comm", "elaboration"),
            ("by sorry", "sorry"),
            ("sorry", "sorry"),
            ("by intro a b; have h : a = b := sorry; omega", "sorry"),
        ],
    )
    async def test_a_wrong_proof_has_its_reason(self, server: LeanServer, proof: str, reason: str) -> None:
        verdict = await server.check_proof(await opened(server), statement=ADD_COMM, proof=proof)
        assert not verdict.accepted
        assert verdict.reason == reason

    async def test_only_the_given_axioms_may_be_used(self, server: LeanServer) -> None:
        env = (await server.open_environment(("Init",), "axiom cheat : False")).id
        refused = await server.check_proof(env, statement="1 = 2", proof="cheat.elim")
        assert (refused.accepted, refused.reason, refused.axioms) == (False, "axiom", ("cheat",))
        granted = await server.check_proof(env, statement="1 = 2", proof="cheat.elim", allow=Allowance(("cheat",)))
        assert (granted.accepted, granted.axioms) == (True, ("cheat",))
        bare = await server.check_proof(
            env, statement="∀ p : Prop, (p ↔ p) → p = p", proof="fun _ => propext", allow=Allowance(())
        )
        assert (bare.accepted, bare.axioms) == (False, ("propext",))

    async def test_limits_are_reasons(self, server: LeanServer) -> None:
        env = await opened(server)
        late = await server.check_proof(env, statement="True", proof=f"by {ENDLESS}", seconds=0.5, heartbeats=0)
        assert late.reason == "timeout"

    async def test_a_statement_that_is_none_is_refused(self, server: LeanServer) -> None:
        refused = await refusal(server.check_proof(await opened(server), statement="foo", proof="trivial"))
        assert refused.kind == "elaboration_error"


class TestSubmissions:
    """What `proof.check` makes of files and of bodies that are no terms; tests/judge has the many cases."""

    STATEMENT = "theorem twice_even (n : Nat) : twice n % 2 = 0 := by sorry"
    HEADER = "import Init\ndef twice (n : Nat) : Nat := n + n\n"
    FILE = HEADER + "theorem aux (n : Nat) : twice n = 2 * n := by unfold twice; omega\n"
    FILE += "theorem twice_even (n : Nat) : twice n % 2 = 0 := by rw [aux]; omega\n"

    async def test_a_file_proves_its_theorem(self, server: LeanServer) -> None:
        env = (await server.open_header(self.HEADER)).id
        verdict = await server.check_proof(env, statement=self.STATEMENT, file=self.FILE)
        assert verdict.accepted, verdict
        assert "twice" in verdict.constants
        assert "aux" not in verdict.constants

    async def test_a_refused_file_has_its_place(self, server: LeanServer) -> None:
        env = (await server.open_header(self.HEADER)).id
        file = self.FILE.replace("theorem aux", "\n  axiom cheat : False\ntheorem aux")
        verdict = await server.check_proof(env, statement=self.STATEMENT, file=file)
        assert (verdict.accepted, verdict.reason) == (False, "syntax")
        assert verdict.place == Place(line=4, column=2)
        assert "axiom" in (verdict.message or "")

    async def test_a_body_may_have_equations_and_helpers(self, server: LeanServer) -> None:
        env = await opened(server)
        body = "| 0 => rfl\n| n + 1 => by rw [Nat.add_zero]\nwhere unused : True := trivial"
        verdict = await server.check_proof(env, statement="theorem t : ∀ n : Nat, n + 0 = n := sorry", proof=body)
        assert verdict.accepted, verdict

    async def test_declarations_are_replayed_and_altered_ones_are_refused(self, server: LeanServer) -> None:
        env = (await server.open_header(self.HEADER)).id
        verdict = await server.check_proof(env, statement=self.STATEMENT, file=self.FILE, export=True)
        assert verdict.declarations is not None
        again = await server.replay_proof(env, statement=self.STATEMENT, declarations=verdict.declarations)
        assert again.accepted, again
        assert (again.axioms, again.constants) == (verdict.axioms, verdict.constants)
        other = self.STATEMENT.replace("= 0", "= 1")
        elsewhere = await server.replay_proof(env, statement=other, declarations=verdict.declarations)
        assert (elsewhere.accepted, elsewhere.reason) == (False, "statement")
        altered = verdict.declarations.replace('"natVal":"2"', '"natVal":"3"')
        assert altered != verdict.declarations
        assert not (await server.replay_proof(env, statement=self.STATEMENT, declarations=altered)).accepted
        torn = verdict.declarations[: len(verdict.declarations) // 2]
        assert not (await server.replay_proof(env, statement=self.STATEMENT, declarations=torn)).accepted

    WHOLE = """theorem add_zero : ∀ n : Nat, n + 0 = n := fun _ => rfl
inductive N where | zero | succ (n : N)
def N.add : N → N → N
  | m, .zero => m
  | m, .succ n => .succ (N.add m n)
theorem N.cong {a b : N} (h : a = b) : a.succ = b.succ := h.rec rfl
theorem N.zero_add : ∀ n : N, N.add .zero n = n
  | .zero => rfl
  | .succ n => N.cong (zero_add n)
def both (n : N) : Prop := Quot.mk (fun _ _ : N => True) n = Quot.mk _ .zero
theorem t : ∀ p : Prop, p → p :=
  fun _ h => (fun _ _ _ => h : N.add .zero .zero = .zero → 37 + 0 = 37 → both .zero → _) (N.zero_add _) (add_zero 37) PROOF
"""

    LITTLE = "prelude\nimport Init.Prelude\n"
    """Less than what the theorem is made of, and without the axiom."""

    async def test_a_theorem_with_all_that_it_is_made_of_is_checked_over_another_library(
        self, server: LeanServer
    ) -> None:
        statement = "theorem t : ∀ p : Prop, p → p := sorry"
        env = await opened(server)
        file = self.WHOLE.replace("PROOF", "rfl")
        verdict = await server.check_proof(env, statement=statement, file=file, export="closure")
        assert verdict.accepted, verdict
        assert verdict.declarations is not None
        count = Reader(frozenset()).read(verdict.declarations)
        assert count > 40
        little = (await server.open_header(self.LITTLE)).id
        again = await server.replay_proof(little, statement=statement, declarations=verdict.declarations)
        assert again.accepted, again
        over_init = await server.replay_proof(
            env, statement=statement, declarations=verdict.declarations, export="closure"
        )
        assert over_init.accepted, over_init
        assert over_init.declarations == verdict.declarations
        for part in ("inductive", "def"):
            wrong = "\n".join(line for line in verdict.declarations.splitlines() if f'{{"{part}":' not in line)
            refused = await server.replay_proof(little, statement=statement, declarations=wrong)
            assert (refused.accepted, refused.reason) == (False, "kernel"), refused

    async def test_an_axiom_of_an_export_is_not_taken_from_it(self, server: LeanServer) -> None:
        statement = "theorem t : ∀ p : Prop, p → p := sorry"
        env = await opened(server)
        file = self.WHOLE.replace("PROOF", "(Quot.sound True.intro)")
        verdict = await server.check_proof(env, statement=statement, file=file, export="closure")
        assert verdict.accepted, verdict
        assert verdict.axioms == ("Quot.sound",)
        assert verdict.declarations is not None
        with pytest.raises(ValueError, match=r"Quot\.sound"):
            Reader(frozenset({"propext"})).read(verdict.declarations)
        little = (await server.open_header(self.LITTLE)).id
        refused = await server.replay_proof(little, statement=statement, declarations=verdict.declarations)
        assert (refused.accepted, refused.reason, refused.axioms) == (False, "axiom", ("Quot.sound",))
        assert (await server.replay_proof(env, statement=statement, declarations=verdict.declarations)).accepted

    async def test_an_export_is_refused_where_the_library_holds_no_proofs(self, server: LeanServer) -> None:
        env = await opened(server)
        verdict = await server.check_proof(env, statement=ADD_COMM, proof="Nat.add_comm", export="closure")
        assert verdict.accepted
        assert verdict.declarations is None
        assert "`Nat.add_comm` without its proof" in (verdict.not_exported or "")
        own = await server.check_proof(env, statement=ADD_COMM, proof="Nat.add_comm", export=True)
        assert own.declarations is not None
        assert own.not_exported is None

    async def test_how_much_to_export_is_one_of_three_words(self, server: LeanServer) -> None:
        params = {"env": await opened(server), "statement": "True", "proof": "trivial", "export": "all"}
        call: wire.Call[object] = wire.Call("proof.check", params, lambda raw: raw)
        assert (await refusal(server.ask(call))).kind == "bad_request"

    async def test_a_syntax_kind_can_be_allowed(self, server: LeanServer) -> None:
        env = await opened(server)
        body = "by sleep 1; rfl"
        refused = await server.check_proof(env, statement="1 = 1", proof=body)
        assert refused.reason == "syntax"
        allowed = await server.check_proof(
            env, statement="1 = 1", proof=body, allow=Allowance(syntax=("Lean.Parser.Tactic.sleep",))
        )
        assert allowed.accepted

    async def test_a_strict_search_does_not_run_what_the_judge_would_refuse(self, server: LeanServer) -> None:
        state = await started(server, "10 < 20")
        attempts = [Attempt(state.id, ("native_decide", "decide"))]
        [[refused, done]] = await server.run_tactics(attempts, strict=True)
        assert isinstance(refused, TacticFailed)
        assert refused.kind == "syntax"
        assert isinstance(done, Advanced)
