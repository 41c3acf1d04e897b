"""Every method of docs/protocol.md against the real embedded Lean."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable

import pytest

from lean_bridge import wire
from lean_bridge.client import LeanServer
from lean_bridge.errors import RequestFailed
from lean_bridge.protocol import Advanced, Attempt, Detail, TacticFailed
from tests.lean_bridge.goals import ADD_COMM, opened, outcomes, started, step

ENDLESS = "set_option maxRecDepth 100000000 in repeat (have := trivial)"


async def refusal(asking: Awaitable[object]) -> RequestFailed:
    with pytest.raises(RequestFailed) as refused:
        await asking
    return refused.value


class TestEnvOpen:
    async def test_an_environment_has_the_constants_of_its_imports(self, server: LeanServer) -> None:
        environment = await server.open_environment(("Init",))
        assert environment.constants > 10_000
        assert environment.messages == ()

    async def test_the_same_arguments_give_the_same_environment(self, server: LeanServer) -> None:
        first = await server.open_environment(("Init",), "open Nat")
        assert (await server.open_environment(("Init",), "open Nat")).id == first.id
        assert (await server.open_environment(("Init",), "open Int")).id != first.id

    async def test_no_imports_are_init(self, server: LeanServer) -> None:
        assert (await server.open_environment(())).constants == (await server.open_environment(("Init",))).constants

    async def test_larger_libraries_can_be_opened(self, server: LeanServer) -> None:
        assert (await server.open_environment(("Std",))).constants > (await server.open_environment()).constants

    async def test_definitions_and_scopes_of_the_prelude_hold(self, server: LeanServer) -> None:
        prelude = "open Nat\nnamespace My\ndef twice (n : Nat) := n + n\nvariable (k : Nat)\n"
        env = (await server.open_environment(("Init",), prelude)).id
        start = await server.start_goal(env, statement="twice k = k + k ∧ succ 0 = 1")
        [outcome] = await outcomes(server, start.state.id, "intros; exact ⟨rfl, rfl⟩")
        assert isinstance(outcome, Advanced)

    async def test_an_unknown_module_is_named(self, server: LeanServer) -> None:
        refused = await refusal(server.open_environment(("Mathlib.Tactic",)))
        assert refused.kind == "unknown_module"
        assert "Mathlib" in str(refused)

    async def test_a_prelude_with_an_error_is_refused_with_its_messages(self, server: LeanServer) -> None:
        refused = await refusal(server.open_environment(("Init",), 'def one : Nat := 1\ndef two : Nat := "2"'))
        assert refused.kind == "elaboration_error"
        assert [message.line for message in wire.failure_messages(refused)] == [2]


class TestEnvRelease:
    async def test_a_released_environment_is_unknown(self, server: LeanServer) -> None:
        env = (await server.open_environment(("Init",), "def passing : Nat := 1")).id
        assert await server.release_environments([env]) == 1
        assert await server.release_environments([env]) == 0
        assert (await refusal(server.start_goal(env, statement="True"))).kind == "unknown_env"


class TestFileCheck:
    async def test_a_right_file_is_ok(self, server: LeanServer) -> None:
        report = await server.check_file("theorem t (a b : Nat) : a + b = b + a := Nat.add_comm a b\n#check t")
        assert report.ok
        [theorem] = report.theorems
        assert (theorem.name, theorem.kind, theorem.line, theorem.column) == ("t", "theorem", 1, 0)
        assert not theorem.sorry
        assert [message.severity for message in report.messages] == ["info"]

    async def test_a_wrong_file_has_errors_with_positions_in_code_points(self, server: LeanServer) -> None:
        report = await server.check_file('example : True := trivial\nexample : "𝕜𝕜" = Nat.foo := rfl')
        assert not report.ok
        assert [(message.severity, message.line, message.column) for message in report.messages] == [("error", 2, 17)]

    async def test_a_syntax_error_is_a_message(self, server: LeanServer) -> None:
        report = await server.check_file("theorem t : True := by\n  trivial )")
        assert not report.ok
        assert report.messages[0].line == 2

    async def test_the_axioms_of_a_theorem_are_the_real_ones(self, server: LeanServer) -> None:
        report = await server.check_file(
            "theorem a (p q : Prop) (h : p ↔ q) : p = q := propext h\n"
            "theorem b : 1 = 1 := rfl\n"
            "axiom cheat : False\n"
            "theorem c : 1 = 2 := cheat.elim\n"
            "theorem d : 1 = 2 := sorry\n"
        )
        axioms = {theorem.name: set(theorem.axioms) for theorem in report.theorems}
        assert axioms["a"] == {"propext"}
        assert axioms["b"] == set()
        assert axioms["c"] == {"cheat"}
        assert axioms["d"] == {"sorryAx"}
        assert [theorem.sorry for theorem in report.theorems] == [False, False, False, True]

    async def test_theorems_left_to_prove_can_be_opened(self, server: LeanServer) -> None:
        text = "def two := 2\ntheorem «größer» (n : Nat) (h : n = two) : n > 1 := by sorry\n\nexample : two = 2 := sorry\ntheorem done : True := trivial\n"
        report = await server.check_file(text, open=True)
        first, second, third = report.theorems
        assert first.env is not None
        assert first.declaration is not None
        assert first.proof is not None
        assert text.encode()[first.proof.start : first.proof.stop].decode() == first.proof.text == "by sorry"
        assert second.env is not None
        assert second.kind == "example"
        assert third.env is None
        start = await server.start_goal(first.env, declaration=first.declaration)
        assert (await step(server, start.state.id, "subst h; decide")).finished
        assert await server.release_environments([first.env, second.env]) == 2

    async def test_a_file_has_its_own_imports(self, server: LeanServer) -> None:
        assert (await server.check_file("import Std\n#check Std.HashMap")).ok
        assert not (await server.check_file("#check Std.HashMap.fold_eq_fold_toList")).ok

    async def test_an_unknown_import_is_refused(self, server: LeanServer) -> None:
        refused = await refusal(server.check_file("import Mathlib\ntheorem t : True := trivial"))
        assert refused.kind == "unknown_module"

    async def test_a_broken_header_is_refused(self, server: LeanServer) -> None:
        assert (await refusal(server.check_file("import\ntheorem t : True := trivial"))).kind == "parse_error"

    async def test_an_empty_file_is_ok(self, server: LeanServer) -> None:
        report = await server.check_file("")
        assert report.ok
        assert report.theorems == ()

    async def test_user_tactics_and_macros_work(self, server: LeanServer) -> None:
        report = await server.check_file(
            "import Lean\nopen Lean Elab Tactic\n"
            'elab "close" : tactic => do evalTactic (← `(tactic| omega))\n'
            'macro "twice" t:tactic : tactic => `(tactic| ($t; $t))\n'
            "theorem t (a : Nat) (h : a > 3) : a > 2 := by close\n"
            "#eval (do for i in [0:3] do IO.println i : IO Unit)"
        )
        assert report.ok
        assert report.messages[-1].text == "0\n1\n2"

    async def test_a_file_past_its_seconds_is_a_timeout(self, server: LeanServer) -> None:
        begin = time.monotonic()
        refused = await refusal(server.check_file(f"theorem t : True := by {ENDLESS}", seconds=0.5, heartbeats=0))
        assert refused.kind == "timeout"
        assert time.monotonic() - begin < 1.5


class TestGoalStart:
    async def test_a_statement_is_a_goal(self, server: LeanServer) -> None:
        start = await server.start_goal(await opened(server), statement=ADD_COMM)
        [goal] = start.state.goals
        assert goal.text == "⊢ ∀ (a b : Nat), a + b = b + a"
        assert not goal.shared
        assert start.statement == "∀ (a b : Nat), a + b = b + a"

    async def test_a_declaration_has_its_variables_introduced(self, server: LeanServer) -> None:
        declaration = "theorem foo (a b : Nat) : a + b = b + a := by sorry"
        start = await server.start_goal(await opened(server), declaration=declaration)
        assert start.name == "foo"
        assert [goal.text for goal in start.state.goals] == ["a b : Nat\n⊢ a + b = b + a"]

    async def test_universes_are_named(self, server: LeanServer) -> None:
        declaration = "theorem foo.{u} (α : Type u) (x : α) : x = x := by sorry"
        assert (await server.start_goal(await opened(server), declaration=declaration)).universes == ("u",)

    @pytest.mark.parametrize(
        ("statement", "kind"),
        [
            ("1 + ", "parse_error"),
            ("1 = 1) (", "parse_error"),
            ("foo = 1", "elaboration_error"),
            ("1 + 1", "elaboration_error"),
            ("Nat", "not_a_proposition"),
            ("∀ x, x = _", "elaboration_error"),
            ("sorry", "not_a_proposition"),
        ],
    )
    async def test_what_is_no_statement_is_refused(self, server: LeanServer, statement: str, kind: str) -> None:
        refused = await refusal(server.start_goal(await opened(server), statement=statement))
        assert refused.kind == kind
        if kind in {"parse_error", "elaboration_error"}:
            assert wire.failure_messages(refused)

    async def test_equal_goals_have_equal_keys(self, server: LeanServer) -> None:
        one = await started(server, "∀ a b : Nat, a + b = b + a")
        two = await started(server, "∀ x y : Nat, x + y = y + x")
        other = await started(server, "∀ x y : Nat, x + y = x + y")
        assert one.goals[0].key == two.goals[0].key
        assert one.goals[0].key != other.goals[0].key


class TestGoalRun:
    async def test_a_tactic_makes_a_new_state_and_leaves_the_old(self, server: LeanServer) -> None:
        state = await started(server)
        after = await step(server, state.id, "intro a b")
        assert [goal.text for goal in after.goals] == ["a b : Nat\n⊢ a + b = b + a"]
        assert (await step(server, state.id, "intro x")).goals[0].text == "x : Nat\n⊢ ∀ (b : Nat), x + b = b + x"
        assert (await step(server, after.id, "omega")).finished

    async def test_many_tactics_on_many_states_in_one_request(self, server: LeanServer) -> None:
        one, two = await started(server), await started(server, "1 = 1")
        results = await server.run_tactics([Attempt(one.id, ("intro a", "rfl", "omega")), Attempt(two.id, ("rfl",))])
        assert [[isinstance(outcome, Advanced) for outcome in result] for result in results] == [
            [True, False, True],
            [True],
        ]

    @pytest.mark.parametrize(
        ("tactic", "kind"),
        [
            ("exact foo", "tactic"),
            ("rfl", "tactic"),
            ("int ro", "parse"),
            ("omega )", "parse"),
            ("", "parse"),
            ("sorry", "sorry"),
            ("intro a b; exact sorry", "sorry"),
            ("admit", "sorry"),
        ],
    )
    async def test_a_failure_has_its_kind(self, server: LeanServer, tactic: str, kind: str) -> None:
        [outcome] = await outcomes(server, (await started(server)).id, tactic)
        assert isinstance(outcome, TacticFailed)
        assert outcome.kind == kind
        assert outcome.message

    async def test_heartbeats_are_a_limit_for_each_tactic(self, server: LeanServer) -> None:
        state = await started(server, "True")
        [[slow, fast]] = await server.run_tactics([Attempt(state.id, (ENDLESS, "trivial"))], heartbeats=1000)
        assert isinstance(slow, TacticFailed)
        assert slow.kind == "heartbeats"
        assert isinstance(fast, Advanced)

    async def test_seconds_are_a_limit_for_each_tactic(self, server: LeanServer) -> None:
        state = await started(server, "True")
        begin = time.monotonic()
        [[slow, fast]] = await server.run_tactics([Attempt(state.id, (ENDLESS, "trivial"))], heartbeats=0, seconds=0.5)
        assert time.monotonic() - begin < 1.5
        assert isinstance(slow, TacticFailed)
        assert slow.kind == "timeout"
        assert isinstance(fast, Advanced)

    async def test_one_goal_can_be_worked_on_alone(self, server: LeanServer) -> None:
        state = await step(server, (await started(server, "1 = 1 ∧ 2 = 2 ∧ 3 = 3")).id, "refine ⟨?_, ?_, ?_⟩")
        assert len(state.goals) == 3
        assert (await step(server, state.id, "rfl", goal=1)).finished
        assert len((await step(server, state.id, "rfl")).goals) == 2

    async def test_goals_with_metavariables_in_common_say_so(self, server: LeanServer) -> None:
        state = await step(server, (await started(server, "∃ n : Nat, n = 3")).id, "refine ⟨?n, ?h⟩")
        assert all(goal.shared for goal in state.goals)
        apart = await step(server, (await started(server, "1 = 1 ∧ 2 = 2")).id, "constructor")
        assert not any(goal.shared for goal in apart.goals)

    @pytest.mark.parametrize("detail", ["none", "text", "full"])
    async def test_detail_is_what_was_asked_for(self, server: LeanServer, detail: Detail) -> None:
        state = await started(server)
        [[outcome]] = await server.run_tactics([Attempt(state.id, ("intro a b",))], detail=detail)
        assert isinstance(outcome, Advanced)
        [goal] = outcome.state.goals
        assert bool(goal.text) == (detail != "none")
        assert (goal.target == "a + b = b + a") == (detail == "full")

    async def test_an_unknown_state_is_refused(self, server: LeanServer) -> None:
        assert (await refusal(server.run_tactics([Attempt(10**6, ("rfl",))]))).kind == "unknown_state"

    async def test_a_tactic_cannot_declare_an_axiom_on_the_side(self, server: LeanServer) -> None:
        state = await started(server, "1 = 2")
        results = await outcomes(
            server,
            state.id,
            "run_tac Lean.addDecl (.axiomDecl { name := `cheat, levelParams := [], type := .const ``False [], isUnsafe := false })",
        )
        env = await opened(server)
        assert (await refusal(server.start_goal(env, statement="cheat = cheat"))).kind == "elaboration_error"
        assert results


class TestGoalView:
    async def test_a_state_is_shown_in_its_parts(self, server: LeanServer) -> None:
        state = await started(server, "∀ (p : Prop) (h : p) (n : Nat), let m := n; m = n ∨ p")
        after = await step(server, state.id, "intro p h n m")
        [view] = await server.view_states([after.id])
        [goal] = view.goals
        assert goal.target == "m = n ∨ p"
        assert goal.hypotheses is not None
        parts = [
            (hypothesis.names, hypothesis.type, hypothesis.value, hypothesis.proof) for hypothesis in goal.hypotheses
        ]
        assert parts == [
            (("p",), "Prop", None, False),
            (("h",), "p", None, True),
            (("n",), "Nat", None, False),
            (("m",), "Nat", "n", False),
        ]

    async def test_cases_have_names(self, server: LeanServer) -> None:
        state = await step(server, (await started(server, "∀ n : Nat, n = n")).id, "intro n; induction n")
        [view] = await server.view_states([state.id])
        assert [goal.case for goal in view.goals] == ["zero", "succ"]


class TestGoalRelease:
    async def test_released_states_are_unknown(self, server: LeanServer) -> None:
        state = await started(server)
        assert await server.release_states([state.id, 10**6]) == 1
        assert (await refusal(server.view_states([state.id]))).kind == "unknown_state"

    async def test_all_states_can_be_released(self, server: LeanServer) -> None:
        await started(server)
        assert await server.release_states(None) >= 1
        assert (await server.stats()).states == 0


class TestGoalFinish:
    async def test_a_proof_is_checked_and_told(self, server: LeanServer) -> None:
        state = await started(server)
        after = await step(server, (await step(server, state.id, "intro a b")).id, "omega")
        certificate = await server.finish(after.id)
        assert certificate.accepted
        assert certificate.script == ("intro a b", "omega")
        assert set(certificate.axioms) <= {"propext", "Classical.choice", "Quot.sound"}
        assert certificate.size is not None
        assert certificate.size > 1

    async def test_an_unfinished_state_is_not_accepted(self, server: LeanServer) -> None:
        state = await step(server, (await started(server)).id, "intro a")
        certificate = await server.finish(state.id)
        assert not certificate.accepted
        assert certificate.reason

    async def test_a_proof_that_the_kernel_refuses_is_not_accepted(self, server: LeanServer) -> None:
        environment = await server.open_environment(("Lean",))
        state = (await server.start_goal(environment.id, statement="1 = 2 ∧ True")).state
        bad = await step(
            server,
            state.id,
            "run_tac do\n"
            "  let goal ← Lean.Elab.Tactic.getMainGoal\n"
            "  let left := Lean.mkApp2 (Lean.mkConst ``Eq.refl [1]) (Lean.mkConst ``Nat) (Lean.mkNatLit 1)\n"
            "  let right ← Lean.Meta.mkFreshExprSyntheticOpaqueMVar (Lean.mkConst ``True)\n"
            "  goal.assign (Lean.mkApp4 (Lean.mkConst ``And.intro) (Lean.mkConst ``False) (Lean.mkConst ``True) left right)\n"
            "  Lean.Elab.Tactic.replaceMainGoal [right.mvarId!]",
        )
        finished = await step(server, bad.id, "trivial")
        certificate = await server.finish(finished.id)
        assert not certificate.accepted
        assert certificate.reason == "kernel"

    async def test_a_tactic_that_closes_a_goal_with_what_the_kernel_refuses_has_failed(
        self, server: LeanServer
    ) -> None:
        environment = await server.open_environment(("Lean",))
        for closed, statement in ((True, "1 = 1"), (False, "1 = 2"), (False, "∀ n : Nat, n + 0 = 1")):
            state = (await server.start_goal(environment.id, statement=statement)).state
            [outcome] = await outcomes(
                server,
                state.id,
                "intros; run_tac do let goal ← Lean.Elab.Tactic.getMainGoal; "
                "goal.assign (Lean.mkApp2 (Lean.mkConst ``Eq.refl [1]) (Lean.mkConst ``Nat) (Lean.mkNatLit 1))",
            )
            if closed:
                assert isinstance(outcome, Advanced)
            else:
                assert isinstance(outcome, TacticFailed)
                assert "kernel" in outcome.message


class TestServerStats:
    async def test_states_and_requests_are_counted(self, server: LeanServer) -> None:
        before = await server.stats()
        await started(server)
        after = await server.stats()
        assert after.states == before.states + 1
        assert after.requests > before.requests


class TestCancel:
    async def test_a_waiting_request_can_be_cancelled(self, server: LeanServer) -> None:
        state = await started(server, "True")
        busy = asyncio.create_task(server.run_tactics([Attempt(state.id, (ENDLESS,))], heartbeats=0, seconds=0.7))
        await asyncio.sleep(0.1)
        running = server.running
        assert running is not None
        waiting = asyncio.create_task(server.stats())
        await asyncio.sleep(0.1)
        server.cancel(running + 1)
        [[outcome]] = await busy
        assert isinstance(outcome, TacticFailed)
        with pytest.raises(RequestFailed) as cancelled:
            await waiting
        assert cancelled.value.kind == "cancelled"


async def test_an_unknown_method_is_refused(server: LeanServer) -> None:
    assert (await refusal(server.ask(wire.Call("goal.guess", {}, lambda raw: raw)))).kind == "unknown_method"


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("env.open", {}),
        ("env.open", {"imports": "Init"}),
        ("goal.start", {"env": "one", "statement": "True"}),
        ("goal.start", {"env": 1}),
        ("goal.run", {"attempts": [{"tactics": ["rfl"]}]}),
        ("goal.run", {"attempts": [], "detail": "some"}),
    ],
)
async def test_bad_parameters_are_refused(server: LeanServer, method: str, params: dict[str, object]) -> None:
    assert (await refusal(server.ask(wire.Call(method, params, lambda raw: raw)))).kind == "bad_request"
