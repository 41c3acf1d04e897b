/-! An honest attempt at `statement.lean`. -/

def oddSum : Nat → Nat
  | 0 => 0
  | n + 1 => oddSum n + (2 * n + 1)

theorem square_succ (n : Nat) : (n + 1) * (n + 1) = n * n + (2 * n + 1) := by
  grind

theorem oddSum_eq_square (n : Nat) : oddSum n = n * n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [oddSum, ih, square_succ]
