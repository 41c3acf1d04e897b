import Lean

/-!
# What goes wrong in sessions

Tactics that never end, or end their process, and states that are hard to pass on.
-/

open Lean Elab Tactic

/-- Never ends, and never looks whether it should. -/
elab "spin" : tactic => do
  let mut n := 0
  while true do n := (n + 1) % 1000

/-- Ends the process. -/
elab "leave" : tactic => (IO.Process.exit 3 : IO Unit)

theorem easy (p q : Prop) (h : p ∧ q) : q ∧ p := by
  sorry

theorem turnstile (s : String) (h : s = "⊢") : "⊢" = s := by
  rw [h]

theorem long (h : (List.range 5000).length = 5000) : True ∧ True := by
  have : "«»".length + 0 = 2 := by decide
  exact ⟨trivial, trivial⟩
