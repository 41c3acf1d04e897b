"""Every kind of mutation, on theorems of `Init`, with the mutants that a person would write down."""

from __future__ import annotations

import pytest

from lean_bridge.client import LeanServer
from lean_bridge.errors import RequestFailed
from lean_bridge.mutating import KINDS, FoundMutant, MutationLimits, TheoremHarvest, mutate, open_index
from tests.mutation.conftest import Mutate


def by_statement(harvest: TheoremHarvest) -> dict[str, FoundMutant]:
    """Mutants by their statements on one line."""
    return {" ".join(mutant.statement.split()): mutant for mutant in harvest.mutants}


async def test_a_conclusion_is_rewritten_in_both_directions(mutated: Mutate) -> None:
    found = by_statement(await mutated("List.length_append", "rw"))

    forward = found[".{u} {α : Type u} {as bs : List α} : (Append.append as bs).length = as.length + bs.length"]
    assert forward.proof == "by\n  rw [Append.append_eq_hAppend]\n  exact List.length_append"
    (step,) = forward.steps
    assert (step.kind, step.place, step.lemma, step.reverse) == ("rw", "⊢", "Append.append_eq_hAppend", True)
    assert {mutant.steps[0].reverse for mutant in found.values()} == {True, False}


async def test_what_a_rewriting_lemma_needs_becomes_a_hypothesis_and_is_marked(mutated: Mutate) -> None:
    found = by_statement(await mutated("List.length_append", "rw"))

    needy = found[
        ".{u} {α : Type u} {as bs : List α} (a : Nat) (h : bs.length ≤ a) : "
        "(as ++ bs).length = a + as.length - (a - bs.length)"
    ]
    assert needy.marks == ("side-goals",)
    assert needy.proof == "by\n  rw [Nat.add_sub_sub_cancel]\n  exact List.length_append\n  all_goals assumption"


async def test_a_hypothesis_is_rewritten_where_it_stands(mutated: Mutate) -> None:
    found = by_statement(await mutated("Nat.sub_lt_sub_left", "rw"))

    mutant = found["{k m n : Nat} (h : k < m) (h_1 : 0 < n - k) : m - n < m - k"]
    assert mutant.proof == "by\n  rw [Nat.sub_pos_iff_lt] at h_1\n  exact Nat.sub_lt_sub_left h h_1"
    assert mutant.steps[0].place == "h_1"


async def test_a_hypothesis_is_replaced_by_what_a_lemma_needs_for_it(mutated: Mutate) -> None:
    found = by_statement(await mutated("Nat.sub_lt_sub_left", "apply"))

    mutant = found["{k m n : Nat} (m_1 : Nat) (h₁ : k ≤ m_1) (h₂ : m_1 < m) (h_1 : k < n) : m - n < m - k"]
    assert mutant.proof == "by\n  exact Nat.sub_lt_sub_left (Nat.lt_of_le_of_lt h₁ h₂) h_1"
    assert (mutant.steps[0].kind, mutant.steps[0].lemma) == ("apply", "Nat.lt_of_le_of_lt")


async def test_a_conclusion_is_replaced_by_what_a_lemma_draws_from_it(mutated: Mutate) -> None:
    found = by_statement(await mutated("List.length_append", "forward"))

    mutant = found[".{u} {α : Type u} {as bs : List α} : (as ++ bs).length - bs.length = as.length"]
    assert mutant.proof == "by\n  exact Nat.sub_eq_of_eq_add (List.length_append)"
    mutant = found[
        ".{u} {α : Type u} {as bs : List α} (l₂ : List α) : List.drop (as.length + bs.length) (as ++ bs ++ l₂) = l₂"
    ]
    assert mutant.steps[0].lemma == "List.drop_left'"


async def test_variables_get_values_and_become_one_another(mutated: Mutate) -> None:
    found = by_statement(await mutated("Nat.sub_lt_sub_left", "specialize"))

    assert set(found) == {
        "{k n : Nat} (h : k < 1) (h_1 : k < n) : 1 - n < 1 - k",
        "{k n : Nat} (h : k < 2) (h_1 : k < n) : 2 - n < 2 - k",
        "{k m : Nat} (h : k < m) (h_1 : k < 1) : m - 1 < m - k",
        "{k m : Nat} (h : k < m) (h_1 : k < 2) : m - 2 < m - k",
        "{k m : Nat} (h h_1 : k < m) : m - m < m - k",
        "{m n : Nat} (h : 0 < m) (h_1 : 0 < n) : m - n < m - 0",
        "{m n : Nat} (h : 1 < m) (h_1 : 1 < n) : m - n < m - 1",
        "{m n : Nat} (h : 2 < m) (h_1 : 2 < n) : m - n < m - 2",
    }
    assert found["{k m : Nat} (h h_1 : k < m) : m - m < m - k"].steps[0].detail == "n := m"


async def test_hypothesis_and_conclusion_change_sides(mutated: Mutate) -> None:
    found = by_statement(await mutated("Nat.le_antisymm", "contrapose"))

    assert {statement: mutant.proof for statement, mutant in found.items()} == {
        "{n m : Nat} (h₁ : n ≤ m) (hn : ¬n = m) : ¬m ≤ n": "by\n  intro h₂\n  exact hn (Nat.le_antisymm h₁ h₂)",
        "{n m : Nat} (h₂ : m ≤ n) (hn : ¬n = m) : ¬n ≤ m": "by\n  intro h₁\n  exact hn (Nat.le_antisymm h₁ h₂)",
    }


async def test_an_equivalence_is_split_into_its_directions(mutated: Mutate) -> None:
    found = by_statement(await mutated("List.mem_filter", "split"))

    binders = ".{u_1} {α : Type u_1} {p : α → Bool} {as : List α} {x : α}"
    assert {statement: mutant.proof for statement, mutant in found.items()} == {
        f"{binders} (h : x ∈ List.filter p as) : x ∈ as ∧ p x = true": "by\n  exact (List.mem_filter).mp h",
        f"{binders} (h : x ∈ as ∧ p x = true) : x ∈ List.filter p as": "by\n  exact (List.mem_filter).mpr h",
    }


async def test_sides_are_swapped(mutated: Mutate) -> None:
    found = by_statement(await mutated("Nat.succ_ne_zero", "symm"))

    assert {statement: mutant.proof for statement, mutant in found.items()} == {
        "(n : Nat) : 0 ≠ n.succ": "by\n  symm\n  exact Nat.succ_ne_zero n"
    }


async def test_a_definition_is_unfolded(mutated: Mutate) -> None:
    found = by_statement(await mutated("List.length_reverse", "unfold"))

    (mutant,) = found.values()
    assert " ".join(mutant.statement.split()).endswith(": (as.reverseAux []).length = as.length")
    assert mutant.steps[0].detail == "List.reverse"


async def test_a_closed_term_becomes_a_variable_that_equals_it(mutated: Mutate) -> None:
    found = by_statement(await mutated("Nat.two_pow_pos", "generalize"))

    assert {statement: mutant.proof for statement, mutant in found.items()} == {
        "(w x : Nat) (hx : x = 0) : x < 2 ^ w": "by\n  subst hx\n  exact Nat.two_pow_pos w",
        "(w x : Nat) (hx : x = 2) : 0 < x ^ w": "by\n  subst hx\n  exact Nat.two_pow_pos w",
    }


async def test_a_chain_has_its_first_step_in_its_proof(mutated: Mutate) -> None:
    harvest = await mutated("List.mem_filter", "split", "contrapose", depth=2, branch=2)

    deep = [mutant for mutant in harvest.mutants if len(mutant.steps) == 2]
    assert {tuple(step.kind for step in mutant.steps) for mutant in deep} == {
        ("split", "split"),
        ("split", "contrapose"),
    }
    assert all("have step_1 {α" in mutant.proof and "step_1" in mutant.proof.splitlines()[-1] for mutant in deep)


async def test_the_same_seed_gives_the_same_mutants_and_another_seed_others(mutated: Mutate) -> None:
    first, again, other = [await mutated("List.length_append", "rw", limit=6, seed=seed) for seed in (1, 1, 2)]

    assert first.mutants == again.mutants
    assert {m.canonical for m in first.mutants} != {m.canonical for m in other.mutants}


async def test_no_more_candidates_are_written_than_asked_for(mutated: Mutate) -> None:
    harvest = await mutated("List.length_append", *KINDS, limit=5)

    written = len(harvest.mutants) + sum(
        r.count for r in harvest.stages.rejects if r.stage in {"read", "script", "vacuous"}
    )
    assert written <= 5
    assert harvest.stages.counts["build"] >= written


async def test_what_is_known_or_true_of_nothing_or_too_large_falls_out_with_its_reason(mutated: Mutate) -> None:
    split = await mutated("And.comm", "split")
    empty = await mutated("Nat.sub_lt_sub_left", "specialize")
    large = await mutated("List.mem_filter", "rw", size=20)

    assert [(r.stage, r.reason, r.count) for r in split.stages.rejects] == [
        ("duplicate", "of a theorem of the library", 1)
    ]
    assert [(r.stage, r.reason) for r in empty.stages.rejects] == [("vacuous", "hypotheses contradict each other")]
    assert empty.stages.rejects[0].count == 4
    assert ("size", "too large") in {(r.stage, r.reason) for r in large.stages.rejects}
    assert all(mutant.size <= 20 for mutant in large.mutants)


async def test_a_proof_that_the_usual_text_leaves_out_is_written_out(mutated: Mutate) -> None:
    # Lean prints `⟨1, ⋯⟩ = 1`.
    found = by_statement(await mutated("Fin.mk_one", "symm"))

    (statement,) = found
    assert statement == "{n : Nat} : (1 : Fin (n + (2 : Nat))) = ⟨(1 : Nat), Nat.succ_lt_succ (Nat.succ_pos n)⟩"
    assert found[statement].marks == ("explicit", "trivial:rfl")


async def test_the_printing_that_a_theorem_needs_is_tried_first_after_a_while(mutated: Mutate) -> None:
    # Lean prints `∃ as ys zs bs, xss = as.push …` and cannot read it: it does not know the type of `as` yet.
    harvest = await mutated("Array.find?_flatten_eq_some_iff", "rw", limit=12)

    assert all("explicit" in mutant.marks for mutant in harvest.mutants)
    assert len(harvest.mutants) >= 8
    assert harvest.stages.counts["print"] <= 12 + 3


async def test_a_theorem_that_cannot_be_written_is_given_up(mutated: Mutate) -> None:
    harvest = await mutated("Std.Iter.toListRev_ensureTermination", *KINDS, limit=24)

    reasons = {reject.reason: reject.count for reject in harvest.stages.rejects if reject.stage == "read"}
    assert reasons.pop("the rest of a theorem whose mutants do not read back") == 1
    assert sum(reasons.values()) == 6
    assert harvest.mutants == ()


@pytest.mark.parametrize(
    ("theorem", "kind", "statement", "mark"),
    [
        ("Nat.zero_lt_one", "generalize", "(x : Nat) (hx : x = 0) : x < 1", "trivial:omega"),
        ("List.length_append", "symm", ": as.length + bs.length = (as ++ bs).length", "trivial:simp"),
        ("Function.comp_apply", "unfold", ": f (g x) = f (g x)", "trivial:rfl"),
    ],
)
async def test_what_a_tactic_closes_at_once_is_kept_and_marked(
    mutated: Mutate, theorem: str, kind: str, statement: str, mark: str
) -> None:
    found = by_statement(await mutated(theorem, kind))

    (mutant,) = [mutant for text, mutant in found.items() if text.endswith(statement)]
    assert mark in mutant.marks


async def test_lemmas_that_are_held_out_are_not_used(indexed: tuple[LeanServer, int]) -> None:
    server, index = indexed
    limits = MutationLimits(("rw",), limit=400)
    (free,) = await server.ask(mutate(index, ["List.length_append"], limits, seconds=60.0))
    used = sorted({step.lemma for mutant in free.mutants for step in mutant.steps if step.lemma})
    environment = await server.open_environment(("Init",))
    fewer = await server.ask(open_index(environment.id, ("rw",), holdout=used[:3]))

    (strict,) = await server.ask(mutate(fewer.number, ["List.length_append"], limits, seconds=60.0))

    assert {step.lemma for mutant in strict.mutants for step in mutant.steps} == {*used[3:]}
    with pytest.raises(RequestFailed, match=f"index {fewer.number} was not made for `apply`"):
        await server.ask(mutate(fewer.number, ["List.length_append"], MutationLimits(("rw", "apply")), seconds=60.0))


@pytest.mark.parametrize(
    ("theorem", "kinds", "limits"),
    [
        ("Nat.sub_lt_sub_left", KINDS, {"limit": 30, "depth": 2}),
        # In a theorem called `Bool.decide_or.…`, `rw [decide_eq_true]` is about `Bool.decide_eq_true`.
        ("Bool.decide_or", ("rw",), {"limit": 150}),
        # The notation `⊑` of `Lean.Order` is not there yet when the name `Lean.Order.…` is read.
        ("Lean.Order.PartialOrder.rel_trans", KINDS, {"limit": 12}),
    ],
)
async def test_mutants_are_accepted_under_their_names_as_a_file_by_lean(
    mutated: Mutate, server: LeanServer, theorem: str, kinds: tuple[str, ...], limits: dict[str, int]
) -> None:
    harvest = await mutated(theorem, *kinds, **limits)
    text = "\n\n".join(f"theorem {theorem}.mutant_{m.canonical}{m.statement} := {m.proof}" for m in harvest.mutants)

    report = await server.check_file(text)

    assert len(report.theorems) == len(harvest.mutants) > 3
    assert [message.text for message in report.messages if message.severity == "error"] == []
    assert not any(theorem.sorry for theorem in report.theorems)
