"""Records for tests and benchmarks of whatever speaks to a store: of every field, of real length, made from numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from hashlib import md5

from db.records import (
    ChangeKind,
    Conjecture,
    Harvest,
    Library,
    Module,
    Mutant,
    MutationKind,
    MutationStep,
    Position,
    Premise,
    PremiseUse,
    Rejects,
    Span,
    Standing,
    TacticStep,
    Theorem,
    WitnessValue,
)

LIBRARY = Library("Init", "4.28.0-pre 38f3c0c", "1f" * 32, ("Init",))
MARKS = ((), ("trivial:simp",), ("side-goals",), ("side-goals", "trivial:omega"))


def canonical(number: int) -> str:
    """A canonical form like those of Lean, spread over all values."""
    return md5(str(number).encode(), usedforsecurity=False).hexdigest()


def span(line: int) -> Span:
    """Some lines of a source."""
    return Span(Position(line, 0), Position(line + 3, 17))


def theorem(number: int, module: str = "Init.Data.List.Basic") -> Theorem:
    """A theorem; every other one has a source."""
    sourced = number % 2 == 1
    return Theorem(
        name=f"List.erase_length_{number}",
        module=module,
        statement=f".{{u}} {{α : Type u}} [BEq α] (a : α) (l : List α) : (l.erase a).length ≤ l.length + {number}",
        canonical=canonical(-number - 1),
        kind="lemma" if sourced else "theorem",
        constants=("List", "List.erase", "LE.le"),
        span=span(number) if sourced else None,
        code=f"lemma erase_length_{number} := by\n  omega" if sourced else None,
    )


def premise(number: int, module: str = "Init.Data.List.Basic") -> Premise:
    """A definition."""
    return Premise(f"List.step_{number}", module, "def", f"def step_{number} := {number}", span(number))


def steps(of: Theorem) -> tuple[TacticStep, ...]:
    """A proof of two tactics."""
    uses = (PremiseUse("List.step_0", 4, 10, of.module, span(0)), PremiseUse("Nat.le_refl", 12, 23, "Init.Core", None))
    return (
        TacticStep(of.name, 0, "α : Type\n⊢ a ≤ b", "rw [step_0, Nat.le_refl]", "⊢ True", uses, span(1)),
        TacticStep(of.name, 1, "⊢ True", "trivial", "no goals"),
    )


def module(number: int = 0) -> Module:
    """A module."""
    return Module(f"Init.Data.M{number}", f"{number:064x}", f"Init/Data/M{number}.lean", ("Init.Core", "Init.Prelude"))


def mutant(number: int, parent: str, form: int | None = None) -> Mutant:
    """A mutant of about the size that real ones have: number tells everything, `form` the canonical form if given."""
    kinds = tuple(MutationKind)
    kind = kinds[number % len(kinds)]
    made = [
        MutationStep(
            MutationKind.rewrite, "⊢", f"Nat.add_comm_{number % 997}", reverse=number % 2 == 1, detail="1.0.1"
        ),
        MutationStep(MutationKind.specialize, "h", detail="n := 0"),
        MutationStep(kind, "h₁", None if kind is MutationKind.symmetry else f"List.length_{number % 89}"),
    ]
    return Mutant(
        canonical=canonical(number if form is None else form),
        parent=parent,
        steps=tuple(made[2 - number % 3 :]),
        statement=(
            f".{{u}} {{α : Type u}} [BEq α] [LawfulBEq α] {{a b : α}} {{l₁ l₂ : List α}} (h : a ∈ l₁) (h₁ : l₁.length + {number} = "
            "l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)"
        ),
        proof=(
            f"by\n  have parent := @{parent} α _ _ a b l₁ l₂ h h₁\n  rw [Nat.add_comm l₁.length {number}] at parent\n"
            "  simp only [List.length_append, List.length_erase_of_mem] at parent\n  exact parent"
        ),
        marks=MARKS[number % len(MARKS)],
        size=40 + number % 50,
    )


def conjecture(number: int, parent: str, form: int | None = None) -> Conjecture:
    """A conjecture as Lean settles them: number tells everything, `form` the canonical form if given."""
    standing = tuple(Standing)[number % len(Standing)]
    statement = f" (n m : Nat) (h : n ≤ {number}) : n + m < m + n"
    made = Conjecture(
        canonical=canonical(number if form is None else form),
        parent=parent,
        kind=tuple(ChangeKind)[number % len(ChangeKind)],
        place="h" if number % 2 else "⊢",
        detail=f"n < {number} becomes n ≤ {number}",
        statement=statement,
        size=20 + number % 30,
        standing=standing,
        evaluations=number % 150,
        seconds=number / 8,
    )
    name = made.name
    match standing:
        case Standing.refuted:
            values = (WitnessValue("n", "Nat", str(number)), WitnessValue("m", "Nat", "0"))
            claim = f"theorem {name}.refuted : ¬ (∀ (n m : Nat), n ≤ {number} → n + m < m + n) := by sorry"
            proof = f"fun h => absurd (@h ({number} : Nat) (0 : Nat)) (by decide)"
            return replace(made, claim=claim, proof=proof, witnesses=values, way="values")
        case Standing.proved:
            return replace(made, proof="by\n  omega", way="tactic" if number % 3 else "proof")
        case Standing.vacuous:
            return replace(made, claim=f"theorem {name}.vacuous (n : Nat) : False := by sorry", proof="by omega")
        case Standing.open:
            return replace(made, note="the time ran out")


def harvest(parent: str, mutants: Iterable[Mutant], conjectures: Iterable[Conjecture] = ()) -> Harvest:
    """What a theorem gave, with counts and rejects of every usual stage."""
    made = tuple(mutants)
    return Harvest(
        parent,
        made,
        (
            Rejects("build", "type error", 3, "(h : 0 = 1) : False"),
            Rejects("print", "another statement", 2, ": True"),
            Rejects("filter", "vacuous", 1),
        ),
        {"find": len(made) + 6, "build": len(made) + 3, "print": len(made) + 1},
        {"find": 0.25, "build": 0.5, "print": 0.125, "prove": 0.0625},
        conjectures=tuple(conjectures),
    )
