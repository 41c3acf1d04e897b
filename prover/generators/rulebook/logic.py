"""Rules for connectives and quantifiers, in the target and in hypotheses."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction

from prover.generators.expressions import Apply, Expression, Infix, Name, Opaque, Quantified, names_in, truth
from prover.generators.rulebook.rule import Rule
from prover.generators.rulebook.view import Fact, GoalView

_MOST_WITNESSES = 8
_MOST_FACTS = 8


def _intro(view: GoalView) -> Iterator[str]:
    """Introduce everything that stands before the conclusion under names of our own."""
    bases: list[str] = []
    expression = view.conclusion
    while True:
        match expression:
            case Quantified(symbol="∀", names=names, body=body):
                bases += [name.rstrip("✝") for name in names]
                expression = body
            case Infix(symbol="→", right=right):
                bases.append("h")
                expression = right
            case Apply(head="¬"):
                bases.append("h")
                break
            case Infix(symbol="≠"):
                bases.append("h")
                break
            case _:
                break
    if bases:
        yield "intro " + " ".join(view.fresh(*bases, bound=bases))
    elif view.target.startswith("∀") or " → " in view.target or "≠" in view.target or "¬" in view.target:
        yield "intro " + view.fresh("h")[0]


def _split_target(view: GoalView) -> Iterator[str]:
    match view.conclusion:
        case Infix(symbol="∧" | "↔"):
            yield "constructor"
        case Infix(symbol="∨"):
            yield "left"
            yield "right"
        case _:
            if view.target.startswith("("):
                return
            if " ↔ " in view.target or " ∧ " in view.target:
                yield "constructor"


def _witness(view: GoalView) -> Iterator[str]:
    if not (isinstance(view.conclusion, Quantified) and view.conclusion.symbol == "∃") and "∃" not in view.target[:2]:
        return
    yield "refine ⟨_, rfl⟩"
    yield "exact ⟨_, ‹_›⟩"
    constants = ("0", "1", "2", "[]", "True", "false", "true")
    candidates = (*(h.name for h in view.named if not h.proof), *map(str, view.numerals), *constants)
    for witness in itertools.islice(dict.fromkeys(candidates), _MOST_WITNESSES):
        yield f"refine ⟨{witness}, ?_⟩"
    for variable in view.variables("Nat", "Int"):
        yield f"refine ⟨{variable} + 1, ?_⟩"
    yield "refine ⟨?_, ?_⟩"


_SEARCHED = 2_000
"""Values, or tuples of values, that are tried as witnesses before Lean is asked."""


def _computed_witness(view: GoalView) -> Iterator[str]:
    """Numbers of which a statement without other unknowns holds, found here by trying."""
    names: list[str] = []
    kinds: set[str | None] = set()
    body = view.conclusion
    while isinstance(body, Quantified) and body.symbol == "∃":
        names += body.names
        kinds.add(body.type)
        body = body.body
    if not names or not kinds <= {"Nat", "Int", None}:
        return
    most = int(_SEARCHED ** (1 / len(names)))
    for numbers in (range(most), _alternating(most)):
        for values in itertools.product(numbers, repeat=len(names)):
            known: dict[Expression, Fraction] = dict(zip(map(Name, names), map(Fraction, values), strict=True))
            if truth(body, known):
                yield f"exact ⟨{', '.join(map(str, values))}, by decide⟩"
                yield f"refine ⟨{', '.join(map(str, values))}, ?_⟩"
                return


def _alternating(count: int) -> list[int]:
    """The integers 0, 1, -1, 2, -2 and so on."""
    return [(number + 1) // 2 if number % 2 else -(number // 2) for number in range(count)]


def _take_apart(view: GoalView) -> Iterator[str]:
    """Conjunctions, existentials, disjunctions and equations of variables among the hypotheses."""
    for fact in view.facts:
        match fact.expression:
            case Infix(symbol="∧" | "↔"):
                yield f"obtain ⟨{', '.join(view.fresh(fact.name + 'l', fact.name + 'r'))}⟩ := {fact.name}"
            case Quantified(symbol="∃", names=(name, *_)):
                yield f"obtain ⟨{', '.join(view.fresh(name.rstrip('✝'), 'h' + name.rstrip('✝')))}⟩ := {fact.name}"
            case Opaque(text=text) if text.startswith("∃"):
                yield f"obtain ⟨{', '.join(view.fresh('x', 'hx'))}⟩ := {fact.name}"
            case Infix(symbol="=", left=left, right=right) if _is_variable(view, left) or _is_variable(view, right):
                yield f"subst {fact.name}"
            case _:
                pass


def _cases_on_facts(view: GoalView) -> Iterator[str]:
    for fact in view.facts:
        match fact.expression:
            case Infix(symbol="∨"):
                yield f"rcases {fact.name} with {fact.name} | {fact.name}"
            case _:
                pass


def _is_variable(view: GoalView, expression: Expression) -> bool:
    return isinstance(expression, Name) and any(h.name == expression.name and not h.proof for h in view.named)


def _is_function_like(fact: Fact) -> bool:
    match fact.expression:
        case Quantified(symbol="∀") | Infix(symbol="→" | "≠") | Apply(head="¬"):
            return True
        case _:
            return fact.text.startswith("∀") or "→" in fact.text


def _use_facts(view: GoalView) -> Iterator[str]:
    for fact in view.facts[-_MOST_FACTS:]:
        if _is_function_like(fact):
            yield f"apply {fact.name}"
            yield f"exact {fact.name} _ ‹_›"


def _rewrite_with_facts(view: GoalView) -> Iterator[str]:
    for fact in view.facts[-_MOST_FACTS:]:
        conclusion = fact.expression
        while isinstance(conclusion, Quantified | Infix):
            if isinstance(conclusion, Quantified):
                conclusion = conclusion.body
            elif conclusion.symbol == "→":
                conclusion = conclusion.right
            else:
                break
        if isinstance(conclusion, Infix) and conclusion.symbol in {"=", "↔"}:
            yield f"rw [{fact.name}]"
            yield f"rw [← {fact.name}]"
        elif " = " in fact.text:
            yield f"simp only [{fact.name}]"


def _by_contradiction(view: GoalView) -> Iterator[str]:
    if view.target != "False" and "∃" not in view.target:
        (name,) = view.fresh("hc")
        yield f"refine Classical.byContradiction fun {name} => ?_"


def _exfalso(view: GoalView) -> Iterator[str]:
    if view.target != "False" and any(_refutes(fact) for fact in view.facts):
        yield "exfalso"


def _refutes(fact: Fact) -> bool:
    return isinstance(fact.expression, Apply) and fact.expression.head == "¬" and bool(names_in(fact.expression))


def _split(view: GoalView) -> Iterable[str]:
    if "if " in view.target or "match " in view.target:
        yield "split"
    for fact in view.facts:
        if "if " in fact.text or "match " in fact.text:
            yield f"split at {fact.name}"


def _extensionality(view: GoalView) -> Iterable[str]:
    if " = " in view.target and ("fun " in view.target or "∘" in view.target):
        yield f"funext {view.fresh('x')[0]}"


RULES: tuple[Rule, ...] = (
    Rule("introduce", 0.2, _intro),
    Rule("take a hypothesis apart", 0.4, _take_apart, step=0.02),
    Rule("split the target", 0.5, _split_target),
    Rule("cases on a disjunction", 0.6, _cases_on_facts),
    Rule("split on a condition", 0.8, _split),
    Rule("function extensionality", 0.8, _extensionality),
    Rule("use a hypothesis", 1.0, _use_facts, step=0.05),
    Rule("rewrite with a hypothesis", 1.2, _rewrite_with_facts, step=0.1),
    Rule("computed witness", 0.4, _computed_witness),
    Rule("witness", 1.0, _witness, step=0.15),
    Rule("from a contradiction", 1.5, _exfalso),
    Rule("by contradiction", 3.0, _by_contradiction),
)
