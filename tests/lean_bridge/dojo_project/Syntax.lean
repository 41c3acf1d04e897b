/-! # Syntax of all kinds, for LeanDojo to read -/

set_option autoImplicit false

namespace A.B

/-- A doc comment with `--` in it. -/
theorem one : 1 = 1 := rfl

end A.B

namespace A
namespace B
section
theorem two (n : Nat) : n + 0 = n := by simp
end
section Named
variable {α : Type} (a : α)
include a in
theorem three : a = a := by rfl -- a comment
end Named
noncomputable section
def four : Nat := 4
end
noncomputable section Five
private theorem five : four = four := by
  /- a comment /- nested -/ -/
  rfl
end Five
end B
end A

mutual
inductive Ev : Nat → Prop
  | zero : Ev 0
  | succ {n} : Od n → Ev (n + 1)
inductive Od : Nat → Prop
  | succ {n} : Ev n → Od (n + 1)
end

mutual
theorem Ev.even : ∀ {n}, Ev n → n % 2 = 0
  | _, .zero => rfl
  | _, .succ h => by have := h.odd; omega
theorem Od.odd : ∀ {n}, Od n → n % 2 = 1
  | _, .succ h => by have := h.even; omega
end

class inductive Decided (p : Prop) where
  | yes (h : p)
  | no (h : ¬p)

structure Base where
  x : Nat := 0
  deriving Repr, DecidableEq

structure Derived extends Base where
  y : Nat

instance named : Inhabited Derived := ⟨{ x := 1, y := 2 }⟩
instance (priority := 100) : Coe Base Nat := ⟨Base.x⟩

@[simp] protected theorem Base.eta (b : Base) : ⟨b.x⟩ = b := by
  cases b
  rfl

theorem string_with_dashes : "a -- b".length = 6 := by decide

theorem by_patterns : ∀ n : Nat, n = n
  | 0 => rfl
  | n + 1 => by
    have h : n = n := by_patterns n
    rfl

theorem with_where : (1 : Nat) = 1 ∧ (2 : Nat) = 2 := by
  exact ⟨helper, rfl⟩
where
  helper : (1 : Nat) = 1 := by rfl

theorem _root_.rooted (p q : Prop) (hp : p) (hq : q) : p ∧ q := by
  refine ⟨?left, ?_⟩
  case left => exact hp
  next => exact hq

open Nat in
set_option maxRecDepth 1000 in
theorem opened (a b : Nat) : a + b = b + a := by
  rw [Nat.add_comm]

macro "triv" : tactic => `(tactic| first | rfl | trivial)
syntax "my_tac" : tactic
macro_rules | `(tactic| my_tac) => `(tactic| triv)

theorem «with macro» : 2 + 2 = 4 := by my_tac

axiom ax : 1 = 1
opaque op : Nat
abbrev ab := Nat
example : 1 = 1 := rfl
def rec_ (n : Nat) : Nat := match n with
  | 0 => 0
  | n + 1 => rec_ n
termination_by n

attribute [simp] rooted
#eval 1 + 1
#check Nat

theorem turnstile (s : String) (h : s = "⊢") : "⊢" = s := by
  rw [h]

theorem calc_ (a b c : Nat) (h : a = b) (h' : b = c) : a = c := by
  calc a = b := by exact h
    _ = c := by { exact h' }

theorem conv_ (a b : Nat) : a + b = b + a := by
  conv => lhs; rw [Nat.add_comm]

theorem multi (a b : Nat) (h : a = b) :
    b = a := by
  have : b = a := by
    -- reversed
    symm
    exact h
  exact this

coinductive Inf (α : Type) (r : α → α → Prop) : α → Prop where
  | step {a b : α} : r a b → Inf α r b → Inf α r a
