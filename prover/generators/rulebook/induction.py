"""Rules that take variables apart: induction and cases, and the definitions of functions that recurse on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prover.generators.rulebook.rule import Rule
from prover.generators.rulebook.view import GoalView

_DEEPEST = 3
"""Induction inside induction beyond this depth has never paid in the examples and the core problems."""


_CORE = frozenset(
    {
        "Nat",
        "Int",
        "List",
        "Option",
        "Bool",
        "Array",
        "String",
        "Fin",
        "Rat",
        "And",
        "Or",
        "Function",
        "Prod",
        "Type",
        "Prop",
        "Sort",
    }
)
"""Namespaces of Lean's own library, whose definitions `simp` and `grind` know already."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """How an inductive type is taken apart; `{x}` is the variable, other names in braces are made fresh."""

    base: str
    step: str
    new: tuple[str, ...]


def _shape(kind: str, variable: str) -> _Shape | None:
    if kind == "Nat":
        return _Shape("zero", "succ {x}", (variable,))
    if kind.startswith("List "):
        return _Shape("nil", "cons {a} {x}", ("a", variable))
    return None


def _taken_apart(view: GoalView, tactic: str, variable: str, kind: str, *, hypothesis: bool) -> str | None:
    shape = _shape(kind, variable)
    if shape is None:
        return None
    names = {"x": variable}
    if len(shape.new) > 1:
        names["a"] = view.fresh("a")[0]
    step = shape.step.format(**names)
    if hypothesis:
        step += " " + view.fresh("ih")[0]
    return f"{tactic} with\n| {shape.base} => ?_\n| {step} => ?_"


def _candidates(view: GoalView) -> list[tuple[str, str]]:
    """Variables of the target first, the ones of the hypotheses after."""
    data = [(h.name, h.type) for h in view.named if not h.proof and h.value is None]
    return [pair for pair in data if pair[0] in view.target_words]


def _others(view: GoalView, variable: str) -> str:
    return " ".join(name for name, _ in _candidates(view) if name != variable)


def _induction(view: GoalView) -> Iterator[str]:
    if view.depth > _DEEPEST * 3:
        return
    for variable, kind in _candidates(view):
        text = _taken_apart(view, f"induction {variable}", variable, kind, hypothesis=True)
        if text is not None:
            yield text


def _induction_generalizing(view: GoalView) -> Iterator[str]:
    for variable, kind in _candidates(view):
        others = _others(view, variable)
        tactic = f"induction {variable} generalizing {others}"
        text = _taken_apart(view, tactic, variable, kind, hypothesis=True) if others else None
        if text is not None:
            yield text


def _induction_without(view: GoalView) -> Iterator[str]:
    """Induction after forgetting what is known of the variable, which would weaken the induction hypothesis."""
    for variable, kind in _candidates(view):
        known = " ".join(fact.name for fact in view.mentions(variable))
        text = _taken_apart(view, f"induction {variable}", variable, kind, hypothesis=True) if known else None
        if text is not None:
            yield f"clear {known}\n{text}"


def _induction_at_once(view: GoalView) -> Iterator[str]:
    """The whole induction closed by one tactic in every case."""
    functions = _own_functions(view)
    for variable, kind in _candidates(view):
        if kind[:1].isupper() and "→" not in kind and kind not in {"Int", "Rat", "Prop", "Type"}:
            if kind == "Nat" and not functions:
                yield f"induction {variable} <;> omega"
            unfolding = f" [{', '.join(functions)}]" if functions else ""
            yield f"induction {variable} <;> simp_all{unfolding}"
            yield f"induction {variable} <;> grind{unfolding}"
            if functions:
                yield f"induction {variable} <;> simp_all +arith{unfolding}"


def _cases(view: GoalView) -> Iterator[str]:
    for variable, kind in _candidates(view):
        text = _taken_apart(view, f"cases {variable}", variable, kind, hypothesis=False)
        if text is not None:
            yield text
        elif kind == "Bool" or kind.startswith(("Option ", "Sum ")):
            yield f"cases {variable}"
        elif "×" in kind:
            yield f"obtain ⟨{', '.join(view.fresh(variable + '1', variable + '2'))}⟩ := {variable}"


def _cases_at_once(view: GoalView) -> Iterator[str]:
    for variable, kind in _candidates(view):
        if kind in {"Nat", "Bool"} or kind.startswith(("List ", "Option ")):
            yield f"cases {variable} <;> simp_all"
            yield f"cases {variable} <;> grind"
    booleans = [name for name, kind in _candidates(view) if kind == "Bool"]
    if booleans:
        yield f"revert {' '.join(booleans)}; decide"


def _own_functions(view: GoalView) -> list[str]:
    """Constants of the target that look like definitions of the user: a lower-case last part, and no core namespace before it."""
    return [c for c in view.constants if c.split(".")[-1][:1].islower() and c.split(".")[0] not in _CORE]


def _unfold(view: GoalView) -> Iterator[str]:
    for function in _own_functions(view):
        yield f"simp [{function}]"
        yield f"unfold {function}"
    functions = _own_functions(view)
    if functions:
        yield f"simp_all [{', '.join(functions)}]"
        yield f"grind [{', '.join(functions)}]"


RULES: tuple[Rule, ...] = (
    Rule("unfold a definition", 0.9, _unfold, step=0.05),
    Rule("induction", 1.0, _induction, step=0.2),
    Rule("cases", 1.3, _cases, step=0.2),
    Rule("induction, closed at once", 0.9, _induction_at_once, step=0.1, final=True, effort=2),
    Rule("cases, closed at once", 1.1, _cases_at_once, final=True, effort=2),
    Rule("induction generalizing the rest", 1.6, _induction_generalizing, step=0.2),
    Rule("induction forgetting hypotheses", 1.4, _induction_without, step=0.2),
)
