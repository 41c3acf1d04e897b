/-!
Theorems to try the prover on, from easy to less easy. They need Lean's own library and nothing else.

    lemma prove examples/first.lean
-/

/-- "And" does not care about order. -/
theorem and_swap (p q : Prop) (h : p ∧ q) : q ∧ p := by sorry

/-- The law of contraposition, in the direction that needs no case distinction. -/
theorem contrapose (p q : Prop) (h : p → q) : ¬q → ¬p := by sorry

/-- Not everything is good, so something is bad. This direction needs classical logic. -/
theorem something_bad {α : Type} (good : α → Prop) (h : ¬∀ x, good x) : ∃ x, ¬good x := by sorry

/-- Two linear equations over the integers have one solution. -/
theorem linear_system (x y : Int) (h₁ : 2 * x + y = 7) (h₂ : x - y = 2) : x = 3 ∧ y = 1 := by sorry

/-- The square of a sum. -/
theorem square_of_sum (a b : Int) : (a + b) * (a + b) = a * a + 2 * a * b + b * b := by sorry

/-- The length of two lists in a row does not depend on which comes first. -/
theorem length_append_swap (xs ys : List Nat) : (xs ++ ys).length = (ys ++ xs).length := by sorry

/-- The greatest common divisor divides the sum. -/
theorem gcd_dvd_sum (a b : Nat) : Nat.gcd a b ∣ a + b := by sorry

/-- Powers of two outgrow their exponent. -/
theorem lt_two_pow (n : Nat) : n < 2 ^ n := by sorry

/-- One of two neighbours is even. -/
theorem neighbours_even (n : Nat) : n * (n + 1) % 2 = 0 := by sorry

/-- The sum of the first `n` numbers. -/
def sumTo : Nat → Nat
  | 0 => 0
  | n + 1 => (n + 1) + sumTo n

/-- Gauss's formula. -/
theorem gauss (n : Nat) : 2 * sumTo n = n * (n + 1) := by sorry

/-- The sum of a list of numbers. -/
def total : List Nat → Nat
  | [] => 0
  | x :: xs => x + total xs

/-- The sum of two lists in a row is the sum of their sums. -/
theorem total_append (xs ys : List Nat) : total (xs ++ ys) = total xs + total ys := by sorry
