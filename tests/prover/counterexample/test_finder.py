"""Refutations on real Lean: values of every kind, the right polarity, and nothing refuted that is true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from lean_bridge.errors import InputError
from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import Toolchain
from prover.core import Proposals, Query
from prover.counterexample.finder import Refutation, RefutationPlan, refute
from prover.engine import SourceFile, Task
from prover.generators.fixed import FixedGenerator
from prover.judge import Judge, Proof

PLAN = RefutationPlan(seconds=30.0)
"""For what is refuted at once; the time is there for a slow machine."""

VALUES = RefutationPlan(seconds=10.0, values_alone=True)
"""For what is not: the prover would use up the rest."""


async def refuted(pool: LeanPool, statement: str, plan: RefutationPlan = PLAN) -> Refutation:
    return await refute(pool, Task("it", statement=statement), plan=plan)


@dataclass(frozen=True)
class FalseStatement:
    """A false statement and the values that are expected, the smallest ones."""

    statement: str
    values: tuple[str, ...]


KINDS = [
    FalseStatement("∀ n : Nat, n < 10", ("10",)),
    FalseStatement("∀ a b : Int, a * b = 0 → a = 0", ("1", "0")),
    FalseStatement("∀ x : Rat, x ≤ x * x", ("1 / 2",)),
    FalseStatement("∀ x : Fin 5, x.val < 4", ("4",)),
    FalseStatement("∀ x y : BitVec 8, x + y = x ||| y", ("1", "1")),
    FalseStatement("∀ u : UInt8, u < u + 1", ("255",)),
    FalseStatement("∀ b c : Bool, (b && c) = b", ("true", "false")),
    FalseStatement("∀ c : Char, c.isAlpha", ("' '",)),
    FalseStatement("∀ s t : String, s ++ t = t ++ s", ('"a"', '"b"')),
    FalseStatement("∀ l k : List Nat, l ++ k = k ++ l", ("[0]", "[1]")),
    FalseStatement("∀ xs : Array Nat, xs.size < 3", ("#[0, 0, 0]",)),
    FalseStatement("∀ xs : Vector Nat 2, xs[0] = xs[1]", ("#v[0, 1]",)),
    FalseStatement("∀ o : Option Nat, o.isSome", ("none",)),
    FalseStatement("∀ x : Nat × Bool, x.1 = 0 ∨ x.2", ("(1, false)",)),
    FalseStatement("∀ x : Nat ⊕ Bool, x.isLeft", ("Sum.inr false",)),
    FalseStatement("∀ x : {n : Nat // n < 3}, x.val < 2", ("⟨2, (by decide)⟩",)),
    FalseStatement("∀ f : Bool → Bool, f (f true) = true", ("fun x => false",)),
    FalseStatement("∀ (f : Nat → Nat), f 3 = 5 → f 4 = 5", ("fun x => if x = 3 then 5 else 0",)),
    FalseStatement("∀ (f : Nat → Nat), (∀ x, f x = x ^ 2 + 1) → f 2 = 6", ("fun x => x ^ 2 + 1",)),
    FalseStatement("∀ f g : Nat → Nat, f = g", ("fun x => 0", "fun x => 1")),
    FalseStatement("∀ p q : Prop, p ∨ q → p", ("False", "True")),
    FalseStatement("∀ (α : Type) (a b : α), a = b", ("Nat", "0", "1")),
    FalseStatement(
        "∀ (α : Type) (p q : α → Prop), (∃ x, p x) ∧ (∃ x, q x) → ∃ x, p x ∧ q x",
        ("Nat", "fun x => x = 0", "fun x => x = 1"),
    ),
    FalseStatement("∀ r : Nat → Nat → Prop, (∀ x y, r x y → r y x) → ∀ x, r x x", ("fun x x_1 => False", "0")),
    FalseStatement("∀ f : Nat → Bool → Nat, f 0 true = f 1 true", ("fun x_0 x_1 => x_0",)),
    FalseStatement("∀ f : Nat → Option Nat, f 0 = f 1", ("fun x => some x",)),
    FalseStatement("∀ f : Nat → Nat → Nat, f 1 2 < 3", ("fun x y => x + y",)),
    FalseStatement("∀ (m : Type → Type) [Monad m] (x y : m Nat), x = y", ("Option", "none", "some 0")),
    FalseStatement("∀ xs : Vector Nat 9, xs[0] = xs[8]", ("#v[0, 0, 0, 0, 0, 0, 0, 0, 1]",)),
    FalseStatement("∀ a b : Int32, b ≠ 0 → (a / b).toInt = a.toInt.tdiv b.toInt", ("-2147483648", "-1")),
    FalseStatement("∀ x : USize, x ||| 1 = 1", ("4294967295",)),
]


@pytest.mark.parametrize("case", KINDS, ids=[case.statement for case in KINDS])
async def test_values_of_each_kind_are_found_the_smallest_first(pool: LeanPool, case: FalseStatement) -> None:
    result = await refuted(pool, case.statement)
    assert result.outcome == "refuted", result
    assert tuple(witness.value for witness in result.witnesses) == case.values
    assert result.claim is not None
    assert result.claim.text == f"¬ ({case.statement})"
    assert result.verdict is not None
    assert result.verdict.accepted


async def test_a_refutation_stands_in_a_process_that_did_not_find_it(toolchain: Toolchain, pool: LeanPool) -> None:
    result = await refuted(pool, "∀ n : Nat, n ^ 2 + n + 41 < 1000")
    assert result.claim is not None
    assert result.proof is not None
    async with LeanPool(toolchain, size=1, spares=0) as other:
        assert (await Judge(other).check(result.claim, Proof(result.proof))).accepted


async def test_a_refutation_has_the_hypotheses_and_not_the_conclusion(pool: LeanPool) -> None:
    result = await refuted(pool, "∀ n : Nat, 5 < n → 7 < n")
    assert [witness.value for witness in result.witnesses] == ["6"]
    # An n with n < 3 and n < 5 exists; that refutes nothing.
    assert (await refuted(pool, "∀ n : Nat, n < 3 → n < 5", VALUES)).outcome == "open"


TRUE = [
    "∀ n : Nat, n + 0 = n",
    "∀ a b c : Int, a < b → b < c → a < c",
    "∀ x y : BitVec 8, x &&& y = y &&& x",
    "∀ (α : Type) (l : List α), l.reverse.reverse = l",
    "∀ (f : Nat → Nat) (n : Nat), f n = f n",
    "∃ n : Nat, 10 < n",
    "∀ (α : Type) (x : Option α), x.isSome ∨ x = none",
    "∀ (α : Type) [Inhabited α], ∃ x : α, x = x",
    "∀ n : Nat, n < 2 ^ n",
]


@pytest.mark.parametrize("statement", TRUE)
async def test_true_statements_are_not_refuted(pool: LeanPool, statement: str) -> None:
    result = await refuted(pool, statement, RefutationPlan(seconds=0.8))
    assert result.outcome in {"open", "undecidable"}
    assert result.verdict is None
    assert not result.witnesses


async def test_contradictory_hypotheses_are_told_apart(pool: LeanPool) -> None:
    result = await refuted(pool, "∀ n : Nat, n < 3 → 5 < n → n = n + 1")
    assert result.outcome == "vacuous"
    assert result.claim is not None
    assert result.claim.text == "∀ (n : Nat), n < 3 → 5 < n → False"
    assert result.verdict is not None
    assert result.verdict.accepted


TAKEN_APART = [
    ("Std.Associative fun a b : Nat => a - b", ("1", "0", "1")),
    ("∀ l k : List Nat, l.Subset k", ("[0]", "[]")),
    ("∀ n : Nat, (∃ m : Nat, n = 2 * m) → n < 3", ("4",)),
    ("∀ n : Nat, ∃ f : Nat → Nat, ∀ m, f m < n", ("0",)),
    ("∀ f : Nat → Nat, Function.Injective f → f 0 = 0", ("fun x => x + 1",)),
    ("∀ s t : Nat × (Nat → Nat), s.1 = t.1 → s = t", ("(0, fun x => 0)", "(0, fun x => 1)")),
]


@pytest.mark.parametrize(("statement", "values"), TAKEN_APART, ids=[statement for statement, _ in TAKEN_APART])
async def test_what_nothing_computes_is_taken_apart(pool: LeanPool, statement: str, values: tuple[str, ...]) -> None:
    result = await refuted(pool, statement)
    assert result.outcome == "refuted", result
    assert tuple(witness.value for witness in result.witnesses) == values


async def test_what_is_found_at_random_is_made_smaller(pool: LeanPool) -> None:
    # Six variables have more small assignments than are tried; the last one must be large.
    names = "a b c d e"
    result = await refuted(pool, f"∀ {names} z : Nat, a + b + c + d + e < 100 → z ≠ 31", PLAN)
    assert [witness.value for witness in result.witnesses] == ["0", "0", "0", "0", "0", "31"]


async def test_what_cannot_be_evaluated_is_named(pool: LeanPool) -> None:
    result = await refuted(pool, "∀ n : Nat, ∃ m : Nat, ∀ k, m < k → n * n < k ^ 3 + 7 * m", VALUES)
    assert result.outcome == "undecidable"
    assert "cannot decide" in result.stuck_on
    nothing = await refuted(pool, "∀ (x : IO.FS.Handle) (n : Nat), n = 0", VALUES)
    assert nothing.outcome == "undecidable"
    assert "no values are known of IO.FS.Handle" in nothing.stuck_on


async def test_a_conjunction_of_which_one_part_can_be_evaluated_is_not_said_to_be(pool: LeanPool) -> None:
    partly = await refuted(pool, "∀ b : Bool, b = b ∧ ∃ m : Nat, ∀ k, m < k → k * k < k ^ 3 + 7 * m", VALUES)
    assert partly.outcome == "undecidable"
    assert "cannot decide" in partly.stuck_on
    first_part_holds = "(fun n : Nat => n + 0) = (fun n => n) ∧ (fun n : Nat => n * n) = fun n => n"
    assert (await refuted(pool, first_part_holds, VALUES)).outcome == "refuted"


async def test_types_that_depend_on_values_and_instances_on_both(pool: LeanPool) -> None:
    result = await refuted(pool, "∀ (n : Nat) (i : Fin n), i.val + 1 < n")
    assert [(witness.type, witness.value) for witness in result.witnesses] == [("Nat", "1"), ("Fin 1", "0")]
    assert (await refuted(pool, "∀ (n : Nat) [NeZero n], n = 1")).witnesses[0].value == "2"
    assert (await refuted(pool, "∀ (n : Nat) (h : n = 0), n = 1")).witnesses[0].value == "0"


async def test_a_hypothesis_about_all_numbers_is_shown_with_lemmas_of_the_library(pool: LeanPool) -> None:
    least = "∀ b : Nat, 0 < b → Nat.gcd b 12 = 4 ∧ Nat.lcm b 12 = 24 → a ≤ b"
    result = await refuted(pool, f"∀ a : Nat, Nat.gcd a 12 = 4 → Nat.lcm a 12 = 24 → ({least}) → a = 4")
    assert result.outcome == "refuted"
    assert [witness.value for witness in result.witnesses] == ["8"]
    assert result.proof is not None
    assert "Nat.gcd_mul_lcm" in result.proof or "Nat.lcm_mul_gcd" in result.proof


async def test_a_statement_for_all_universes_is_refuted_in_one(pool: LeanPool) -> None:
    declaration = "theorem inj {α : Sort u} {β : Type v} (f : α → β) (a b : α) (h : f a = f b) : a = b := by sorry"
    result = await refute(pool, Task("inj", declaration=declaration), plan=PLAN)
    assert result.outcome == "refuted"
    assert result.claim is not None
    assert result.claim.text.startswith("theorem inj.refuted : ¬∀ {α β : Type}")


async def test_theorems_of_a_file_are_refuted_where_they_stand(pool: LeanPool) -> None:
    text = (
        "inductive Tree (α : Type) where\n  | leaf : Tree α\n  | node : Tree α → α → Tree α → Tree α\n\n"
        "namespace Tree\n\nvariable {α : Type}\n\n"
        "def size : Tree α → Nat\n  | leaf => 0\n  | node l _ r => l.size + 1 + r.size\n\n"
        "theorem small (t : Tree α) : t.size ≤ 1 := by sorry\n\nend Tree\n"
    )
    result = await refute(pool, Task("Tree.small", file=SourceFile(text)), plan=PLAN)
    assert result.outcome == "refuted", result
    assert result.witnesses[-1].value.count("node") == 2
    assert result.verdict is not None
    assert result.verdict.accepted


async def test_what_values_do_not_show_the_prover_may(pool: LeanPool) -> None:
    result = await refuted(pool, "∃ f : Nat → Nat, ∀ n, f n < f n")
    assert result.outcome == "refuted"
    assert not result.witnesses


async def test_the_time_for_which_a_process_is_waited_for_is_not_taken_from_the_search(pool: LeanPool) -> None:
    class Slow(FixedGenerator):
        async def propose(self, queries: Sequence[Query]) -> list[Proposals]:
            await asyncio.sleep(0.1)
            return await super().propose(queries)

    now = [0.0]
    task = Task("it", statement="∃ f : Nat → Nat, ∀ n, f (n + 1) < f n ∧ f n < f (n + 1)")
    steps = Slow(["intro h", "obtain ⟨f, h⟩ := h", "exact absurd (h 0).1 (Nat.lt_asymm (h 0).2)"])
    async with pool.lease():
        waiting = asyncio.create_task(refute(pool, task, plan=PLAN, generator=steps, clock=lambda: now[0]))
        await asyncio.sleep(0)
        now[0] += 10 * PLAN.seconds
    assert (await waiting).way == "proof"


@pytest.mark.parametrize(
    "statement",
    [
        "∀ n : Nat, 2 ^ (2 ^ (100 + n)) % 7 = 3",
        "∀ n : Nat, n * 10 ^ 1000000 < 5",
        "∀ l : List Nat, l.length = 10 ^ 9 → l = []",
        "∀ f : Nat → Nat, f (10 ^ 12) = 0 → (List.range (f 3)).length = 10 ^ 12",
    ],
)
async def test_huge_numbers_do_not_hang_it(pool: LeanPool, statement: str) -> None:
    started = time.monotonic()
    result = await refuted(pool, statement, RefutationPlan(seconds=1.0))
    assert result.outcome in {"refuted", "open", "undecidable", "error"}
    assert time.monotonic() - started < 40


async def test_a_statement_that_is_none_is_the_callers_mistake(pool: LeanPool) -> None:
    with pytest.raises(InputError):
        await refuted(pool, "∀ n : Nat, n + ")


NUMBERS = """
structure Real where
  number : Int
instance {n : Nat} : OfNat Real n := ⟨⟨n⟩⟩
instance : Neg Real := ⟨fun x => ⟨-x.number⟩⟩
instance : LT Real := ⟨fun x y => x.number < y.number⟩
noncomputable instance (x y : Real) : Decidable (x < y) := Classical.propDecidable _
macro "norm_num" : tactic =>
  `(tactic| first | (show (_ : Int) < _; decide) | (intro h; exact absurd (show (_ : Int) < _ from h) (by decide)))
"""
"""What the search knows of Mathlib's real numbers: their name, that they have numerals, an order that nothing computes, and a tactic that decides it."""


async def test_real_numbers_are_numerals_that_norm_num_compares(pool: LeanPool) -> None:
    async with pool.lease() as server:
        env = (await server.open_environment(("Init",), NUMBERS)).id
        statement = "∀ x y : Real, 0 < x → y < 0 → (x < 3 ∧ y < x)"
        found = await server.find_counterexample(env, statement, seconds=30.0)
        assert [(witness.type, witness.value) for witness in found.witnesses] == [("Real", "3"), ("Real", "-1")]
        assert found.proof is not None
        assert "(by norm_num) (by norm_num)" in found.proof
        true = await server.find_counterexample(env, "∀ x : Real, x < 1 → x < 2", evaluations=60, seconds=30.0)
        assert true.proof is None


LIBRARY = (
    "Nat.sub_lt_sub_left", "List.length_append", "Int.emod_nonneg", "BitVec.add_comm", "Option.map_map", "List.foldl_append",
    "Array.size_push", "Fin.val_add", "Nat.gcd_dvd_left", "String.length_append", "Bool.and_assoc",
    "UInt8.toNat_add", "Int.mul_ediv_cancel", "List.Sublist.length_le", "Nat.lt_irrefl", "id_eq", "exists_prop",
    "Classical.not_forall", "List.Perm.length_eq", "Vector.toArray_map", "Except.map_id", "Subtype.ext", "Prod.ext", "propext",
)  # fmt: skip


@pytest.mark.parametrize("theorem", LIBRARY)
async def test_no_theorem_of_the_library_is_refuted(pool: LeanPool, theorem: str) -> None:
    async with pool.lease() as server:
        env = (await server.open_environment(("Init",))).id
        found = await server.find_counterexample(
            env, f"theorem again : type_of% @{theorem} := by sorry", evaluations=60, seconds=30.0
        )
    assert found.outcome in {"exhausted", "spent", "stuck"}
    assert found.proof is None
