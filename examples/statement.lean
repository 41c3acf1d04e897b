/-!
A statement to be proved by somebody else. `lemma check` takes it from here, with the definition, and ignores the `sorry`:

    lemma check examples/attempt.lean --against examples/statement.lean
    lemma check examples/cheat.lean --against examples/statement.lean
-/

/-- The sum of the first `n` odd numbers. -/
def oddSum : Nat → Nat
  | 0 => 0
  | n + 1 => oddSum n + (2 * n + 1)

theorem oddSum_eq_square (n : Nat) : oddSum n = n * n := by
  sorry
