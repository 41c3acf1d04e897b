module

public import Init.Data.Nat.Basic
meta import Init.Meta

public section

/-- Exposed. -/
@[expose] def twice (n : Nat) : Nat := n + n

public theorem twice_zero : twice 0 = 0 := by rfl

private theorem twice_one : twice 1 = 2 := by rfl

end

@[expose] public noncomputable section Deep
theorem twice_two : twice 2 = 4 := by
  rfl
end Deep
