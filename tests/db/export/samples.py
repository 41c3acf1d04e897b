"""Records as they come out of a store, made up."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from db.records import (
    Library,
    Module,
    Mutant,
    MutationKind,
    MutationStep,
    Position,
    Premise,
    PremiseUse,
    Span,
    TacticStep,
    Theorem,
)

KINDS = tuple(MutationKind)
MARKS: tuple[tuple[str, ...], ...] = ((), ("trivial:simp",), ("side-goals", "trivial:omega"))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def library(name: str = "Init", *, root: str | None = None, imports: tuple[str, ...] = ("Init",)) -> Library:
    return Library(name, "4.28.0-pre 38f3c0c", digest(name), imports, root)


def mutant(number: int, *, parent: str = "Nat.add_comm") -> Mutant:
    """A mutant that no other number gives; every third has two steps, kinds and marks go round."""
    step = MutationStep(KINDS[number % len(KINDS)], "⊢", f"Nat.lemma_{number % 97}", number % 2 == 1, "a + b")
    steps = (MutationStep(MutationKind.symmetry, "h"), step) if number % 3 == 0 else (step,)
    statement = f' (a b : Nat) (h : a = {number}) : "say \\"{number}\\"\\n".length + a = b + {number}'
    proof = f"by\n  have := {parent}\n  simpa using this {number}"
    return Mutant(digest(str(number))[:32], parent, steps, statement, proof, MARKS[number // 9 % 3], number % 50)


def span(line: int, column: int = 0, *, lines: int = 2) -> Span:
    return Span(Position(line, column), Position(line + lines, column + 10))


def use(name: str, tactic: str, module: str = "Proj.Basic", *, defined: bool = True, after: int = 0) -> PremiseUse:
    """A premise in the text of a tactic, where it occurs from `after` on."""
    start = tactic.index(name, after)
    return PremiseUse(name, start, start + len(name), module, span(7, 4) if defined else None)


def step(theorem: str, index: int, before: str, tactic: str, after: str, uses: Sequence[PremiseUse] = ()) -> TacticStep:
    return TacticStep(theorem, index, before, tactic, after, tuple(uses), span(10 + index, 2))


def theorem(
    name: str,
    *,
    module: str = "Proj.Basic",
    line: int = 1,
    constants: tuple[str, ...] = ("Nat",),
    code: str | None = "",
) -> Theorem:
    """A theorem; its source text is made up unless it is given."""
    text = f"theorem {name} (n : Nat) : n = n := by\n  rfl" if code == "" else code
    return Theorem(name, module, " (n : Nat) : n = n", digest(name)[:32], "theorem", constants, span(line), text)


def premise(name: str, module: str = "Proj.Basic") -> Premise:
    return Premise(name, module, "def", f"def {name} : Nat := 0", span(7, 4))


def project_modules() -> list[Module]:
    """A project in which `Proj` imports everything, `Proj.Main` what is basic, and all of them `Init`."""
    return [
        Module("Proj", digest("a"), "Proj.lean", ("Init", "Proj.Basic", "Proj.Main")),
        Module("Proj.Basic", digest("b"), "Proj/Basic.lean", ("Init",)),
        Module("Proj.Main", digest("c"), "Proj/Main.lean", ("Init", "Proj.Basic")),
    ]
