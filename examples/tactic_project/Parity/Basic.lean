module

/-! What even and odd mean. -/

@[expose] public section

/-- `n` is twice a number. -/
def Even (n : Nat) : Prop := ∃ k, n = 2 * k

/-- `n` is twice a number and one more. -/
def Odd (n : Nat) : Prop := ∃ k, n = 2 * k + 1
