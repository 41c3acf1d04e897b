"""`premise.find` against the real embedded Lean: what fits, and what is about the same things."""

from __future__ import annotations

from lean_bridge.client import LeanServer
from lean_bridge.protocol import Advanced, TacticFailed
from tests.lean_bridge.goals import outcomes, started, step


async def test_rewrites_are_found_and_work(server: LeanServer) -> None:
    state = await step(server, (await started(server)).id, "intro a b")
    premises = await server.find_premises(state.id, uses=("rw",), statements=True)
    by_name = {premise.name: premise for premise in premises}
    assert "Nat.add_comm" in by_name
    assert by_name["Nat.add_comm"].statement
    assert isinstance((await outcomes(server, state.id, by_name["Nat.add_comm"].tactic))[0], Advanced)


async def test_closing_lemmas_are_found_and_work(server: LeanServer) -> None:
    state = await step(server, (await started(server)).id, "intro a b")
    closing = await server.find_premises(state.id, uses=("exact",))
    assert "Nat.add_comm" in {premise.name for premise in closing}
    results = await outcomes(server, state.id, *(premise.tactic for premise in closing))
    assert all(isinstance(outcome, Advanced) and outcome.state.finished for outcome in results)


async def test_lemmas_to_apply_are_found(server: LeanServer) -> None:
    state = await step(server, (await started(server, "∀ a b c : Nat, a ≤ b → a ≤ b + c")).id, "intro a b c h")
    names = {premise.name for premise in await server.find_premises(state.id, uses=("apply",), limit=200)}
    assert "Nat.le_trans" in names


async def test_hypotheses_can_be_rewritten(server: LeanServer) -> None:
    state = await step(server, (await started(server, "∀ a b : Nat, a + b = 5 → a ≤ 5")).id, "intro a b h")
    places = {premise.at for premise in await server.find_premises(state.id, uses=("rw",), limit=100)}
    assert "h" in places
    without = await server.find_premises(state.id, uses=("rw",), limit=100, hypotheses=False)
    assert {premise.at for premise in without} <= {None}


async def test_the_limit_holds_for_each_use(server: LeanServer) -> None:
    state = await step(server, (await started(server)).id, "intro a b")
    premises = await server.find_premises(state.id, limit=3)
    for use in ("rw", "apply", "exact"):
        assert len([premise for premise in premises if premise.use == use]) <= 3


async def test_lemmas_about_the_same_things_are_found_though_they_fit_nowhere(server: LeanServer) -> None:
    state = await started(server, "∀ (a : Nat) (l : List Nat), (l.reverse ++ [a]).count a = l.count a + 1")
    found = await server.find_premises(state.id, uses=("simp", "grind"), limit=20)
    names = {use: [premise.name for premise in found if premise.use == use] for use in ("simp", "grind")}
    assert "List.reverse_cons" in names["grind"] + names["simp"] or "List.reverse_eq_append_iff" in names["grind"]
    assert all(len(of_use) <= 20 for of_use in names.values())
    scores = [premise.score for premise in found if premise.use == "grind"]
    assert scores == sorted(scores, reverse=True)
    for premise in found:
        [outcome] = await outcomes(server, state.id, premise.tactic)
        message = outcome.message if isinstance(outcome, TacticFailed) else ""
        assert "invalid" not in message
        assert "pattern" not in message


async def test_what_simp_and_grind_use_anyway_is_not_proposed_to_them(server: LeanServer) -> None:
    state = await started(server, "∀ l : List Nat, l.reverse.reverse = l")
    found = await server.find_premises(state.id, uses=("simp", "grind"), limit=40)
    assert ("simp", "List.reverse_reverse") not in {(premise.use, premise.name) for premise in found}
    assert ("grind", "List.reverse_reverse") not in {(premise.use, premise.name) for premise in found}


async def test_rare_symbols_count_for_more_than_common_ones(server: LeanServer) -> None:
    state = await started(server, "∀ (p : Nat → Bool) (l : List Nat), (l.takeWhile p).length ≤ l.length")
    found = await server.find_premises(state.id, uses=("grind",), limit=10)
    assert sum("takeWhile" in premise.name for premise in found) >= 5


async def test_lemmas_of_the_users_own_file_are_among_them(server: LeanServer) -> None:
    prelude = (
        "def double (n : Nat) : Nat := n + n\n"
        "theorem double_add (a b : Nat) : double (a + b) = double a + double b := by unfold double; omega\n"
    )
    environment = await server.open_environment(("Init",), prelude)
    state = (await server.start_goal(environment.id, statement="∀ a : Nat, double (a + 1) = double a + double 1")).state
    found = await server.find_premises(state.id, uses=("grind",), limit=3)
    assert found[0].name == "double_add"
    # What was learned of the modules stays what it was: the lemma is unknown where it is not declared.
    elsewhere = await started(server, "∀ a : Nat, a + 1 = 1 + a")
    others = await server.find_premises(elsewhere.id, uses=("grind",), limit=40)
    assert "double_add" not in {premise.name for premise in others}
