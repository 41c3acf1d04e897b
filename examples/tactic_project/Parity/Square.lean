module

public import Parity.Lemmas
public import Parity.Tactic.Parity

/-! The tactic at work. -/

@[expose] public section

theorem odd_square {n : Nat} (h : Odd n) : Odd (n * n) := by parity

theorem even_square_add {m n : Nat} (hm : Even m) (hn : Even n) : Even (m * m + n * n) := by parity

theorem odd_of_mixed {m n : Nat} (hm : Even m) (hn : Odd n) : Odd (m * n + n * n * n) := by parity
