/-
Overlay
Replaces: Mathlib.Tactic.ToDual
Text: 7277b668bde2c252348808fd74cddf19ba362716db6f17cda2928891bd41e88b
Why: `to_dual` makes four theorems from the proofs of theorems in Init.Core, and Lean's library comes without proofs. They are proved here.
Leaves out: nothing.
-/
--= 1-39

section

universe u

variable {α : Type u} {a b c : α}

public theorem le_of_eq_of_le'' [LE α] (equal : a = b) (order : c ≤ b) : c ≤ a := equal.symm ▸ order

public theorem le_of_le_of_eq'' [LE α] (order : b ≤ a) (equal : b = c) : c ≤ a := equal ▸ order

public theorem lt_of_eq_of_lt'' [LT α] (equal : a = b) (order : c < b) : c < a := equal.symm ▸ order

public theorem lt_of_lt_of_eq'' [LT α] (order : b < a) (equal : b = c) : c < a := equal ▸ order

end

attribute [to_dual existing le_of_eq_of_le''] le_of_eq_of_le
attribute [to_dual existing le_of_le_of_eq''] le_of_le_of_eq
attribute [to_dual existing lt_of_eq_of_lt''] lt_of_eq_of_lt
attribute [to_dual existing lt_of_lt_of_eq''] lt_of_lt_of_eq
--= 44-
