"""Each rule of arithmetic closes goals of its kind on real Lean, and says nothing where it has nothing to say."""

from __future__ import annotations

import pytest

from lean_bridge.client import LeanServer
from lean_bridge.protocol import Advanced, Attempt
from prover.core import Goal, Hypothesis
from prover.environment import read_goals
from prover.generators.rulebook import GoalView, Rule, standard


def rule(name: str) -> Rule:
    (found,) = (rule for rule in standard() if rule.name == name)
    return found


def view(target: str, **hypotheses: str) -> GoalView:
    """A goal whose hypotheses are propositions if their names begin with h."""
    given = tuple(Hypothesis(name, kind, None, name.startswith("h")) for name, kind in hypotheses.items())
    text = "\n".join([*(f"{h.name} : {h.type}" for h in given), f"⊢ {target}"])
    return GoalView(Goal(text, text, target, given))


CLOSED = [
    ("computed witness", "∃ x y : Nat, x * x + y * y = 65 ∧ x < y"),
    ("computed witness", "∃ n : Int, n * n = 9 ∧ n < 0"),
    ("through the rationals", "(a : Nat) (h : (a : Rat) / 3 + 1 = 5) : a = 12"),
    ("known residues", "(x y : Int) (h : x % 7 = 3) (h' : y % 7 = 2) : (x ^ 2 + y) * y % 7 = 1"),
    ("cases by residue", "(n : Nat) : n ^ 2 % 5 = 0 ∨ n ^ 2 % 5 = 1 ∨ n ^ 2 % 5 = 4"),
    ("cases by residue", "(a b : Int) (h : (a ^ 2 + b ^ 2) % 3 = 0) : a % 3 = 0"),
    ("period of powers", "(n : Nat) : ¬5 ∣ 3 ^ n"),
    ("period of powers", "(n : Nat) (h : 1 ≤ n) : 6 ^ n % 10 = 6"),
    ("period of powers", "(n : Nat) : 7 ∣ 2 ^ (3 * n + 1) + 5"),
    ("period of powers", "(k : Nat) (h : k = 3 ^ 100 + 1) : (k ^ 3 + 2 ^ k) % 5 = 2"),
    ("greatest common divisor of linear forms", "(n : Nat) : Nat.gcd (3 * n + 2) (n + 5) ≤ 13"),
    ("decide all values", "(a b : Nat) (h : a ≤ 5) (h' : b ≤ 5) (e : a ^ 2 + b ^ 2 = 25) : a * b = 0 ∨ a * b = 12"),
    ("decide all values", "(a : Int) (h : -4 < a ∧ a < 3) (e : a ^ 3 - a = 0) : a ^ 2 ≤ 1"),
    ("decide all small values", "(a b : Nat) (h : a * b = 36) (e : 2 ≤ a) (e' : 2 ≤ b) : 12 ≤ a + b"),
    ("roots of a polynomial", "(n : Int) (h : n ^ 3 + n = 10) : n = 2"),
    ("roots of a polynomial", "(n : Nat) (h : n ^ 2 + n = 42) : n = 6"),
    ("divisors of a numeral", "(a b : Nat) (h : a * b = 21) (e : a + 4 = b) : a = 3"),
    ("logarithms", "(x y : Nat) (h : 2 ^ x * 5 ^ y = 200) : x + y = 5"),
    ("each value in turn", "(x y : Nat) (h : x * y + 3 * x + 2 * y = 20) : x = 0"),
    ("each value in turn", "(m x : Int) (h : 5 ≤ m ∧ m ≤ 9) (e : x % m = 3) (e' : (2 * x + 1) % m = 0) : m = 7"),
    (
        "periodic recurrence",
        "(f : Nat → Int) (h : f 0 = 1) (h' : f 1 = 2) (e : ∀ n, f (n + 2) = f (n + 1) - f n) : f 100 = -2",
    ),
    (
        "periodic recurrence",
        "(t : Nat → Rat) (h : t 1 = 3) (e : ∀ n ≥ 2, t n = 1 / (1 - t (n - 1))) : t 300 = 2 / 3",
    ),
    (
        "linear reciprocals",
        "(f : Nat → Rat) (h : f 0 = 1) (e : ∀ n, f (n + 1) = f n / (1 + f n)) : f 99 = 1 / 100",
    ),
    (
        "linear reciprocals",
        "(f : Nat → Rat) (h : f 1 = 1 / 2) (h' : f 2 = 2 / 7) (e : ∀ n, f (n + 2) = f n * f (n + 1) / (2 * f n - f (n + 1))) : f 50 = 2 / 151",
    ),
    ("squares", "(a b : Int) : 2 * a * b ≤ a * a + b * b"),
    ("squares", "(a b c : Rat) : a * b + b * c + c * a ≤ a ^ 2 + b ^ 2 + c ^ 2"),
    ("squares", "(a b : Nat) : 4 * (a * b) ≤ (a + b) ^ 2"),
    ("signs of products", "(x y : Int) (h : 0 ≤ x) (h' : 0 ≤ y) : x ≤ x + x * y"),
    ("induction, closed at once", "(n : Nat) : n < 2 ^ n"),
    ("quotient of polynomials", "(a b : Int) : a - b ∣ a ^ 4 - b ^ 4"),
    ("quotient of polynomials", "(a b c : Int) (h : a + b = c) : c + 1 ∣ a ^ 2 + 2 * a * b + b ^ 2 - 1"),
    ("quotient of polynomials", "(a b : Int) : a - b ∣ a - a"),
    ("quotient of polynomials", "(p q : Int) (h : p * q = p + q + 5) : p - 1 ∣ 6"),
    ("instance", ": Std.Associative (α := Nat) (· + ·)"),
    ("fields, closed at once", "(n m : Nat) (h : n ≠ 0) (e : m ≠ 0) : NeZero (n + m)"),
    ("take a value apart, closed at once", "(xs : Array Nat) (h : xs = #[]) : xs.toList = []"),
    ("a proof taken apart, closed at once", "(l k : List Nat) (h : l <+: k) : l.length ≤ k.length"),
    (
        "extensionality, closed at once",
        "(xs ys : Array Nat) (h : xs.size = ys.size) (e : ∀ i (p : i < xs.size), xs[i] = ys[i]) : xs = ys",
    ),
]


@pytest.mark.parametrize(("name", "statement"), CLOSED, ids=[f"{name}: {statement}" for name, statement in CLOSED])
async def test_the_rule_closes_a_goal_of_its_kind(server: LeanServer, name: str, statement: str) -> None:
    env = (await server.open_environment(["Init"])).id
    colon = "" if statement.startswith(("(", ":")) else " :"
    start = await server.start_goal(env, declaration=f"theorem it{colon} {statement} := by sorry")
    (full,) = await server.view_states([start.state.id], detail="full")
    tactics = tuple(rule(name).make(GoalView(read_goals(full)[0])))
    assert tactics
    (outcomes,) = await server.run_tactics([Attempt(start.state.id, tactics)], heartbeats=1_000_000, seconds=60)
    assert any(isinstance(outcome, Advanced) and outcome.state.finished for outcome in outcomes), (tactics, outcomes)


def test_rules_have_different_names_and_sensible_costs() -> None:
    rules = standard()
    assert len({rule.name for rule in rules}) == len(rules)
    assert all(0 < rule.cost < 5 and rule.step >= 0 and rule.effort >= 1 for rule in rules)


def test_a_goal_without_numbers_gets_no_arithmetic() -> None:
    goal = view("q ∧ p", p="Prop", q="Prop", h="p ∧ q")
    said = {rule.name for rule in standard() if list(rule.make(goal))}
    assert {"split the target", "take a hypothesis apart", "assumption"} <= said
    assert said.isdisjoint(
        {"cases by residue", "period of powers", "each value in turn", "roots of a polynomial", "omega"}
    )


def test_connectives_and_numbers_are_not_taken_apart_as_structures() -> None:
    goal = view("x = y", x="Nat", y="Nat", h="x ≤ y ∧ y ≤ x", h2="∃ z, z = x", h3="¬x = y")
    assert not [
        list(rule(name).make(goal))
        for name in ("cases of a proof", "take a value apart")
        if list(rule(name).make(goal))
    ]
    assert not list(rule("fields").make(goal))


def test_rules_say_the_same_for_the_same_goal() -> None:
    goal = view("x % 4 = 1 ∨ x % 4 = 3", x="Nat", y="Nat", h="x * y % 4 = 1")
    assert [list(rule.make(goal)) for rule in standard()] == [list(rule.make(goal)) for rule in standard()]


def test_introduction_takes_the_printed_names_and_avoids_taken_ones() -> None:
    goal = view("∀ (n m : Nat), n < m → ∃ k, n + k = m", n="Nat", h="0 < n")
    assert list(rule("introduce").make(goal)) == ["intro n1 m h1"]


def test_a_name_that_cannot_be_written_is_never_used() -> None:
    goal = GoalView(Goal("", "", "x = x", (Hypothesis("x✝", "Nat"), Hypothesis("h✝", "x✝ = 0", None, True))))
    assert all("✝" not in tactic for rule in standard() for tactic in rule.make(goal))


def test_fresh_names_differ_from_each_other_and_from_everything_in_the_goal() -> None:
    goal = view("a = h1", a="Nat", h1="Nat", h="a = 2")
    assert goal.fresh("h", "h", "k") == ("h2", "h3", "k")


def test_moduli_and_numerals_are_read_from_hypotheses_and_target() -> None:
    goal = view("12 ∣ x", x="Nat", h="x % 5 = 1 ∧ 3 ∣ x")
    assert goal.moduli == (3, 5, 12)
    assert goal.numerals == (1, 3, 5, 12)


def test_functions_behind_a_dot_are_found_under_their_full_names() -> None:
    goal = view("t.mirror.size + (f t).depth = sumTo n", t="Tree α", n="Nat", f="Tree α → Tree α")
    assert {"Tree.mirror", "Tree.size", "Tree.depth", "sumTo"} <= set(goal.constants)
    assert not {"t", "n", "f"} & set(goal.constants)
