/-! Another attempt at `statement.lean`. Lean finds no fault with it, and the judge does: the words are those of the statement, and mean something else. -/

def oddSum (n : Nat) : Nat := n * n

theorem oddSum_eq_square (n : Nat) : oddSum n = n * n := by
  rfl
