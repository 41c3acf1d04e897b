"""Rules for values and proofs that are made of parts: structures, classes, inductive predicates, and equality by parts."""

from __future__ import annotations

from collections.abc import Iterator

from prover.generators.expressions import Apply, Infix, Name, Opaque
from prover.generators.rulebook.rule import Rule
from prover.generators.rulebook.view import Fact, GoalView

_HAVE_RULES_OF_THEIR_OWN = frozenset(
    {"Nat", "Int", "Rat", "Bool", "List", "Option", "Sum", "Char", "String", "Float", "Type", "Prop", "Sort"}
)
"""Types whose values other rules take apart, or that are better left whole."""

_MOST_TAKEN_APART = 3
_CONNECTIVES = frozenset({"∧", "∨", "↔", "→", "=", "≠", "<", "≤", ">", "≥", "∣"})


def _kind(type_: str) -> str:
    """The name that a type begins with."""
    return type_.split(" ", maxsplit=1)[0].strip("(")


def _is_structure(name: str) -> bool:
    return name.rsplit(".", maxsplit=1)[-1][:1].isupper() and name not in {"True", "False"}


def _is_instance_like(view: GoalView) -> bool:
    """Whether the target is a structure or class applied to its arguments, as `NeZero (n * m)`."""
    match view.conclusion:
        case Name(name=head) | Apply(head=head):
            return _is_structure(head)
        case Opaque(text=text):
            return _is_structure(_kind(text)) and not text.startswith("(")
        case _:
            return False


def _instance(view: GoalView) -> Iterator[str]:
    if _is_instance_like(view):
        yield "infer_instance"


def _fields(view: GoalView) -> Iterator[str]:
    if _is_instance_like(view):
        yield "constructor"


def _fields_at_once(view: GoalView) -> Iterator[str]:
    if _is_instance_like(view):
        yield "constructor <;> intros <;> first | grind | simp_all | omega"


def _values(view: GoalView) -> list[tuple[str, str]]:
    """Variables of the target that are made of parts, with their types."""
    data = [(h.name, h.type) for h in view.named if not h.proof and h.value is None and h.name in view.target_words]
    return [
        (name, type_)
        for name, type_ in data
        if "→" not in type_
        and "×" not in type_
        and _is_structure(_kind(type_))
        and _kind(type_) not in _HAVE_RULES_OF_THEIR_OWN
    ][:_MOST_TAKEN_APART]


def _parts(view: GoalView) -> Iterator[str]:
    for name, type_ in _values(view):
        if _kind(type_) == "Vector":
            yield f"rcases {name} with ⟨⟨{name}⟩, rfl⟩"
        yield f"rcases {name} with ⟨{name}⟩"


def _parts_at_once(view: GoalView) -> Iterator[str]:
    for name, _ in _values(view):
        yield f"cases {name} <;> simp_all"
        yield f"cases {name} <;> grind"


def _is_made(fact: Fact) -> bool:
    """Whether a proof of the fact may be made by constructors that are worth looking at."""
    match fact.expression:
        case Infix(symbol=symbol):
            return symbol not in _CONNECTIVES
        case Apply(head=head) | Name(name=head):
            return head != "¬" and _is_structure(head)
        case Opaque(text=text):
            return not text.startswith(("∀", "∃", "¬")) and not any(f" {symbol} " in text for symbol in _CONNECTIVES)
        case _:
            return False


def _proofs(view: GoalView) -> list[str]:
    return [fact.name for fact in view.facts if _is_made(fact)][-_MOST_TAKEN_APART:]


def _cases_of_proofs(view: GoalView) -> Iterator[str]:
    for name in _proofs(view):
        yield f"cases {name}"


def _induction_on_proofs(view: GoalView) -> Iterator[str]:
    for name in _proofs(view):
        yield f"induction {name}"


def _proofs_at_once(view: GoalView) -> Iterator[str]:
    for name in _proofs(view):
        yield f"cases {name} <;> grind"
        yield f"induction {name} <;> grind"
        yield f"induction {name} <;> simp_all"


def _extensionality(view: GoalView) -> Iterator[str]:
    if " = " in view.target:
        (name,) = view.fresh("i")
        yield f"ext {name}"


def _extensionality_at_once(view: GoalView) -> Iterator[str]:
    if " = " in view.target:
        yield "ext <;> grind"
        yield "ext <;> simp_all"


RULES: tuple[Rule, ...] = (
    Rule("instance", 0.5, _instance, final=True),
    Rule("fields", 0.9, _fields),
    Rule("fields, closed at once", 1.0, _fields_at_once, final=True, effort=2),
    Rule("take a value apart", 1.4, _parts, step=0.2),
    Rule("take a value apart, closed at once", 1.2, _parts_at_once, final=True),
    Rule("cases of a proof", 1.5, _cases_of_proofs, step=0.2),
    Rule("induction on a proof", 1.9, _induction_on_proofs, step=0.2),
    Rule("a proof taken apart, closed at once", 1.2, _proofs_at_once, final=True),
    Rule("extensionality", 1.5, _extensionality),
    Rule("extensionality, closed at once", 1.3, _extensionality_at_once, final=True),
)
