from __future__ import annotations

from dataclasses import dataclass

import pytest

from lean_bridge.client import LeanServer
from lean_bridge.errors import ProtocolError, RequestFailed
from lean_bridge.protocol import Advanced, Attempt, Place
from lean_bridge.tracing import (
    Declared,
    FileTrace,
    LibraryTheorem,
    Range,
    Reference,
    StepPlace,
    list_modules,
    open_steps,
    read_theorems,
    trace_file,
)


async def traced(server: LeanServer, text: str, module: str = "Small") -> FileTrace:
    found = await server.ask(trace_file(text, file="Small.lean", module=module))
    assert found.ok, found.messages
    return found


async def declared(server: LeanServer, text: str, name: str) -> Declared:
    return next(d for d in (await traced(server, text)).declarations if d.name == name)


async def theorems(server: LeanServer, *modules: str, below: bool = False) -> dict[str, LibraryTheorem]:
    environment = await server.open_environment(("Init",))
    page = await server.ask(read_theorems(environment.id, modules, limit=100_000, below=below))
    assert page.next is None
    assert not page.failed
    return {theorem.name: theorem for theorem in page.theorems}


# Modules


async def test_a_prefix_stands_for_the_modules_below_it(server: LeanServer) -> None:
    environment = await server.open_environment(("Init",))
    found = await server.ask(list_modules(environment.id, ["Init.Data.List.Nat", "Init.Core"]))
    names = [module.name for module in found]
    assert {"Init.Core", "Init.Data.List.Nat", "Init.Data.List.Nat.Range"} <= set(names)
    assert all(name == "Init.Core" or name.split(".")[:4] == ["Init", "Data", "List", "Nat"] for name in names)
    core = found[names.index("Init.Core")]
    assert core.imports == ("Init.SizeOf",)
    assert core.theorems > 100


async def test_a_module_that_is_not_there_is_named(server: LeanServer) -> None:
    environment = await server.open_environment(("Init",))
    with pytest.raises(RequestFailed, match=r"Init\.Data\.Nonsense") as failure:
        await server.ask(list_modules(environment.id, ["Init.Core", "Init.Data.Nonsense"]))
    assert failure.value.kind == "unknown_module"
    with pytest.raises(RequestFailed, match="no module `Nowhere`") as failure:
        await server.ask(read_theorems(environment.id, ["Init.Data.List", "Nowhere"]))
    assert failure.value.kind == "unknown_module"


async def test_the_digest_of_a_module_is_the_same_in_every_environment(server: LeanServer) -> None:
    small = await server.open_environment(("Init.Core",))
    large = await server.open_environment(("Init",))
    [first] = await server.ask(list_modules(small.id, ["Init.Core"]))
    [second] = await server.ask(list_modules(large.id, ["Init.Core"]))
    assert first == second


async def test_theorems_of_the_library_are_no_axioms_and_axioms_are(server: LeanServer) -> None:
    found = await theorems(server, "Init.Core", "Init.Prelude")
    axioms = {name for name, theorem in found.items() if theorem.kind == "axiom"}
    assert {"propext", "Quot.sound"} <= axioms
    assert len(axioms) < 10
    assert found["Iff.refl"].kind == "theorem"
    assert not {"Classical.choice", "sorryAx"} & set(found)  # they state nothing


async def test_a_statement_is_text_that_stands_behind_the_name(server: LeanServer) -> None:
    found = await theorems(server, "Init.Data.Nat.Basic", "Init.Data.List.Basic")
    theorem = found["Nat.add_comm"]
    assert theorem == LibraryTheorem(
        name="Nat.add_comm",
        module="Init.Data.Nat.Basic",
        kind="theorem",
        statement=" (n m : Nat) : n + m = m + n",
        canonical=theorem.canonical,
        constants=("Eq", "HAdd.hAdd", "Nat", "instAddNat", "instHAdd"),
    )
    assert len(bytes.fromhex(theorem.canonical)) == 16
    report = await server.check_file(
        "".join(
            f"theorem Copy.{name}{found[name].statement} := sorry\n" for name in ("Nat.add_comm", "List.nil_append")
        )
    )
    assert report.ok, report.messages


async def test_what_lean_made_itself_is_left_out(server: LeanServer) -> None:
    found = await theorems(server, "Init.Data.List", "Init.Core", "Init.Prelude", "Init.Data.String", below=True)
    assert {"List.map_append", "And.comm"} <= set(found)
    endings = {name.rpartition(".")[2] for name in found}
    assert not {"injEq", "sizeOf_spec", "brecOn", "below", "rec", "eq_1", "eq_def", "match_1"} & endings
    assert not [name for name in found if "._" in name or name.startswith("_private")]


async def test_pages_hold_every_theorem_once(server: LeanServer) -> None:
    environment = await server.open_environment(("Init",))
    whole = await theorems(server, "Init.Core")
    names: list[str] = []
    start: int | None = 0
    while start is not None:
        page = await server.ask(read_theorems(environment.id, ["Init.Core"], start=start, limit=100))
        names += [theorem.name for theorem in page.theorems]
        start = page.next
    assert names == list(whole)


# Declarations of a file

SMALL = """\
/-- Twice. -/
def twice (n : Nat) : Nat := n + n

structure Pair where
  left : Nat
  right : Nat

inductive Colour where
  | red
  | green

namespace Small

/-- About `twice`. -/
@[simp] theorem twice_zero {α : Type} (_ : α) : twice 0 = 0 := by
  rfl

private theorem hidden : 1 = 1 := rfl

instance : Inhabited Colour := ⟨.red⟩

abbrev N := Nat

axiom magic : twice 1 = 3

end Small
"""


async def test_declarations_come_with_kind_place_and_code(server: LeanServer) -> None:
    found = (await traced(server, SMALL)).declarations
    assert [(d.kind, d.name) for d in found] == [
        ("def", "twice"),
        ("structure", "Pair"),
        ("constructor", "Pair.mk"),
        ("field", "Pair.left"),
        ("field", "Pair.right"),
        ("inductive", "Colour"),
        ("constructor", "Colour.red"),
        ("constructor", "Colour.green"),
        ("theorem", "Small.twice_zero"),
        ("instance", "Small.instInhabitedColour"),
        ("abbrev", "Small.N"),
        ("axiom", "Small.magic"),
    ]
    twice = found[0]
    assert (twice.span, twice.code) == (
        Range(Place(1, 0), Place(2, 34)),
        "/-- Twice. -/\ndef twice (n : Nat) : Nat := n + n",
    )
    assert twice.statement is None
    zero = next(d for d in found if d.name == "Small.twice_zero")
    assert zero.head == "/-- About `twice`. -/\n@[simp] theorem twice_zero {α : Type} (_ : α) : twice 0 = 0"
    assert zero.code == zero.head + " := by\n  rfl"
    assert zero.constants == ("Eq", "Nat", "OfNat.ofNat", "instOfNatNat", "twice")
    magic = next(d for d in found if d.name == "Small.magic")
    assert (magic.statement, magic.steps) == (" : twice 1 = 3", ())


async def test_a_file_with_errors_says_so(server: LeanServer) -> None:
    found = await server.ask(trace_file("theorem x : 1 = 2 := by rfl\n", file="Bad.lean", module="Bad"))
    assert not found.ok
    assert [message.line for message in found.messages] == [1]


async def test_a_file_is_read_with_the_options_of_its_lakefile(server: LeanServer) -> None:
    text = "theorem x (f : α → α) : f = f := rfl\n"

    async def ok(*options: tuple[str, str]) -> bool:
        return (await server.ask(trace_file(text, file="A.lean", module="A", options=options))).ok

    assert await ok()
    assert await ok(("autoImplicit", "true"), ("weak.linter.ofTheirs", "true"))
    assert not await ok(("autoImplicit", "false"))
    with pytest.raises(RequestFailed, match=r"unknown configuration option 'linter\.ofTheirs'"):
        await ok(("linter.ofTheirs", "true"))


# Steps, each with the goals before and after it


@dataclass(frozen=True)
class Proof:
    """A proof and its steps by hand: before, tactic, after."""

    text: str
    steps: tuple[tuple[str, str, str], ...]


NO = "no goals"
PROOFS = {
    "a sequence": Proof(
        "theorem t (a b : Nat) (h : a = b) : b = a := by\n  subst h\n  rfl",
        (
            ("a b : Nat\nh : a = b\n⊢ b = a", "subst h", "a : Nat\n⊢ a = a"),
            ("a : Nat\n⊢ a = a", "rfl", NO),
        ),
    ),
    "one line": Proof(
        "theorem t : ∀ a : Nat, a = a := by intro a; rfl",
        (("⊢ ∀ (a : Nat), a = a", "intro a", "a : Nat\n⊢ a = a"), ("a : Nat\n⊢ a = a", "rfl", NO)),
    ),
    "bullets": Proof(
        "theorem t (p q : Prop) (hp : p) (hq : q) : p ∧ q := by\n  constructor\n  · exact hp\n  · skip\n    exact hq",
        (
            (
                "p q : Prop\nhp : p\nhq : q\n⊢ p ∧ q",
                "constructor",
                "case left\np q : Prop\nhp : p\nhq : q\n⊢ p\n\ncase right\np q : Prop\nhp : p\nhq : q\n⊢ q",
            ),
            ("case left\np q : Prop\nhp : p\nhq : q\n⊢ p", "exact hp", NO),
            ("case right\np q : Prop\nhp : p\nhq : q\n⊢ q", "exact hq", NO),
        ),
    ),
    "case and next": Proof(
        "theorem t (b : Bool) : (b || !b) = true := by\n  cases b\n  case true => rfl\n  next => decide",
        (
            (
                "b : Bool\n⊢ (b || !b) = true",
                "cases b",
                "case false\n⊢ (false || !false) = true\n\ncase true\n⊢ (true || !true) = true",
            ),
            ("⊢ (true || !true) = true", "rfl", NO),
            ("⊢ (false || !false) = true", "decide", NO),
        ),
    ),
    "induction": Proof(
        "theorem t (n : Nat) : 0 + n = n := by\n"
        "  induction n with\n  | zero => rfl\n  | succ n ih =>\n    rw [Nat.add_succ]\n    rw [ih]",
        (
            (
                "n : Nat\n⊢ 0 + n = n",
                "induction n with\n| zero => rfl\n| succ n ih =>\n  rw [Nat.add_succ]\n  rw [ih]",
                NO,
            ),
            ("case zero\n⊢ 0 + 0 = 0", "rfl", NO),
            (
                "case succ\nn : Nat\nih : 0 + n = n\n⊢ 0 + (n + 1) = n + 1",
                "rw [Nat.add_succ]",
                "case succ\nn : Nat\nih : 0 + n = n\n⊢ (0 + n).succ = n + 1",
            ),
            ("case succ\nn : Nat\nih : 0 + n = n\n⊢ (0 + n).succ = n + 1", "rw [ih]", NO),
        ),
    ),
    "an alternative for several cases": Proof(
        "theorem t (b : Bool) : (b || !b) = true := by\n  cases b with\n  | _ => rfl",
        (
            ("b : Bool\n⊢ (b || !b) = true", "cases b with\n| _ => rfl", NO),
            ("case false\n⊢ (false || !false) = true", "rfl", NO),
            ("case true\n⊢ (true || !true) = true", "rfl", NO),
        ),
    ),
    "a block inside have": Proof(
        "theorem t (n : Nat) : n < n + 2 := by\n  have h : n < n + 1 := by\n    exact Nat.lt_succ_self n\n  omega",
        (
            (
                "n : Nat\n⊢ n < n + 2",
                "have h : n < n + 1 := by\n  exact Nat.lt_succ_self n",
                "n : Nat\nh : n < n + 1\n⊢ n < n + 2",
            ),
            ("n : Nat\n⊢ n < n + 1", "exact Nat.lt_succ_self n", NO),
            ("n : Nat\nh : n < n + 1\n⊢ n < n + 2", "omega", NO),
        ),
    ),
    "suffices": Proof(
        "theorem t (n : Nat) : n ≤ n := by\n  suffices h : n = n by\n    exact Nat.le_of_eq h\n  rfl",
        (
            ("n : Nat\n⊢ n ≤ n", "suffices h : n = n by\n  exact Nat.le_of_eq h", "n : Nat\n⊢ n = n"),
            ("n : Nat\nh : n = n\n⊢ n ≤ n", "exact Nat.le_of_eq h", NO),
            ("n : Nat\n⊢ n = n", "rfl", NO),
        ),
    ),
    "calc": Proof(
        "theorem t (a b c : Nat) (h : a = b) (k : b = c) : a = c := by\n"
        "  calc a = b := by exact h\n    _ = c := by\n      exact k",
        (
            (
                "a b c : Nat\nh : a = b\nk : b = c\n⊢ a = c",
                "calc a = b := by exact h\n  _ = c := by\n    exact k",
                NO,
            ),
            ("a b c : Nat\nh : a = b\nk : b = c\n⊢ a = b", "exact h", NO),
            ("a b c : Nat\nh : a = b\nk : b = c\n⊢ b = c", "exact k", NO),
        ),
    ),
    "blocks inside terms": Proof(
        "theorem t : 1 = 1 ∧ 2 = 2 :=\n  ⟨by rfl, by\n    decide⟩",
        (("⊢ 1 = 1", "rfl", NO), ("⊢ 2 = 2", "decide", NO)),
    ),
    "combinators": Proof(
        "theorem t (p q : Prop) (hp : p) (hq : q) : p ∧ q := by\n"
        "  refine ⟨?_, ?_⟩ <;> skip\n  first\n    | exact hq\n    | exact hp\n  all_goals (try simp)\n  exact hq",
        (
            (
                "p q : Prop\nhp : p\nhq : q\n⊢ p ∧ q",
                "refine ⟨?_, ?_⟩ <;> skip",
                "case refine_1\np q : Prop\nhp : p\nhq : q\n⊢ p\n\ncase refine_2\np q : Prop\nhp : p\nhq : q\n⊢ q",
            ),
            (
                "case refine_1\np q : Prop\nhp : p\nhq : q\n⊢ p\n\ncase refine_2\np q : Prop\nhp : p\nhq : q\n⊢ q",
                "first\n  | exact hq\n  | exact hp",
                "case refine_2\np q : Prop\nhp : p\nhq : q\n⊢ q",
            ),
            ("case refine_2\np q : Prop\nhp : p\nhq : q\n⊢ q", "exact hq", NO),
        ),
    ),
    "obtain, match and if": Proof(
        "theorem t (h : ∃ n : Nat, n = 1) (b : Bool) : b = b := by\n  obtain ⟨n, hn⟩ := h\n"
        "  match b with\n  | true => rfl\n  | false =>\n    if k : n = 1 then rfl else exact rfl",
        (
            ("h : ∃ n, n = 1\nb : Bool\n⊢ b = b", "obtain ⟨n, hn⟩ := h", "b : Bool\nn : Nat\nhn : n = 1\n⊢ b = b"),
            (
                "b : Bool\nn : Nat\nhn : n = 1\n⊢ b = b",
                "match b with\n| true => rfl\n| false =>\n  if k : n = 1 then rfl else exact rfl",
                NO,
            ),
            ("b : Bool\nn : Nat\nhn : n = 1\n⊢ true = true", "rfl", NO),
            ("b : Bool\nn : Nat\nhn : n = 1\n⊢ false = false", "if k : n = 1 then rfl else exact rfl", NO),
            ("b : Bool\nn : Nat\nhn k : n = 1\n⊢ false = false", "rfl", NO),
            ("b : Bool\nn : Nat\nhn : n = 1\nk : ¬n = 1\n⊢ false = false", "exact rfl", NO),
        ),
    ),
    "equations": Proof(
        "theorem t : (n : Nat) → n = n\n  | 0 => by rfl\n  | n + 1 => by\n    have := t n\n    rfl",
        (
            ("⊢ 0 = 0", "rfl", NO),
            ("n : Nat\n⊢ n + 1 = n + 1", "have := t n", "n : Nat\nthis : n = n\n⊢ n + 1 = n + 1"),
            ("n : Nat\nthis : n = n\n⊢ n + 1 = n + 1", "rfl", NO),
        ),
    ),
}


@pytest.mark.parametrize("proof", PROOFS.values(), ids=PROOFS)
async def test_the_steps_of_a_proof(proof: Proof, server: LeanServer) -> None:
    theorem = await declared(server, proof.text, "t")
    assert [(step.before, step.tactic, step.after) for step in theorem.steps] == list(proof.steps)


@pytest.mark.parametrize("proof", PROOFS.values(), ids=PROOFS)
async def test_a_step_run_on_the_goals_before_it_leads_to_those_after_it(proof: Proof, server: LeanServer) -> None:
    steps = (await declared(server, proof.text, "t")).steps
    places = [StepPlace(step.span, step.before) for step in steps]
    states = await server.ask(open_steps(proof.text, places, file="Small.lean", module="Small"))
    for step, state in zip(steps, states, strict=True):
        assert state is not None
        assert "\n\n".join(goal.text for goal in state.goals) == step.before
        [[outcome]] = await server.run_tactics([Attempt(state.id, (step.tactic,))])
        assert isinstance(outcome, Advanced), outcome
        assert ("\n\n".join(goal.text for goal in outcome.state.goals) or NO) == step.after


async def test_a_place_without_a_step_gives_no_state(server: LeanServer) -> None:
    proof = PROOFS["a sequence"]
    step = (await declared(server, proof.text, "t")).steps[0]
    elsewhere = Range(Place(step.span.start.line, step.span.start.column + 1), step.span.end)
    places = [StepPlace(elsewhere, step.before), StepPlace(step.span, "⊢ False"), StepPlace(step.span, step.before)]
    states = await server.ask(open_steps(proof.text, places, file="Small.lean", module="Small"))
    assert [state is None for state in states] == [True, True, False]


async def test_premises_say_where_they_stand_and_where_they_are_defined(server: LeanServer) -> None:
    text = (
        "def one : Nat := 1\n"
        "theorem t (a b : Nat) (h : a = b) : b = a ∧ one = 1 := by\n"
        "  exact ⟨h.symm,\n"
        "    .refl one⟩\n"
    )
    [step] = (await declared(server, text, "t")).steps
    assert step.tactic == "exact ⟨h.symm,\n  .refl one⟩"
    assert [(r.name, step.tactic[r.start : r.end], r.module) for r in step.references] == [
        ("Eq.symm", "symm", "Init.Prelude"),
        ("Eq.refl", ".refl", "Init.Prelude"),
        ("one", "one", "Small"),
    ]
    assert step.references[-1] == Reference("one", 23, 26, "Small", Range(Place(1, 4), Place(1, 7)))


async def test_places_count_code_points_and_windows_line_ends_do_not_matter(server: LeanServer) -> None:
    text = "theorem t (α : Type) (𝔞 : α) : 𝔞 = 𝔞 := by\n  have ℌ : 𝔞 = 𝔞 := by\n    exact Eq.refl 𝔞\n  exact ℌ\n"
    unix = await declared(server, text, "t")
    assert [(s.span.start, s.span.end) for s in unix.steps] == [
        (Place(2, 2), Place(3, 19)),
        (Place(3, 4), Place(3, 19)),
        (Place(4, 2), Place(4, 9)),
    ]
    [reference] = unix.steps[0].references
    assert unix.steps[0].tactic[reference.start : reference.end] == "Eq.refl"
    assert await declared(server, text.replace("\n", "\r\n"), "t") == unix


@pytest.mark.parametrize(
    ("method", "raw", "complaint"),
    [
        ("list", {"modules": [{"name": "A", "digest": 1, "imports": [], "theorems": 0}]}, "digest"),
        ("theorems", {"theorems": [], "failed": []}, "total"),
        ("file", {"messages": [], "ok": True, "declarations": [{"name": "a", "kind": "def", "code": ""}]}, "range"),
        ("open", {"states": []}, "one state"),
    ],
)
def test_a_reply_of_another_form_is_refused(method: str, raw: object, complaint: str) -> None:
    place = StepPlace(Range(Place(1, 0), Place(1, 1)), "")
    decoders = {
        "list": list_modules(1, []).decode,
        "theorems": read_theorems(1, []).decode,
        "file": trace_file("", file="", module="").decode,
        "open": open_steps("", [place], file="", module="").decode,
    }
    with pytest.raises(ProtocolError, match=complaint):
        decoders[method](raw)
