/-!
# Groups

A class of our own, with the lemmas that every group has: `calc`, `rw`, `simp`, `have`, `suffices`.
-/

namespace Algebra

/-- A group, written multiplicatively. -/
class Group (α : Type) where
  /-- The product. -/
  mul : α → α → α
  /-- The unit. -/
  one : α
  /-- The inverse. -/
  inv : α → α
  /-- The product is associative. -/
  mul_assoc : ∀ a b c : α, mul (mul a b) c = mul a (mul b c)
  /-- The unit is one from the left. -/
  one_mul : ∀ a : α, mul one a = a
  /-- The inverse is one from the left. -/
  inv_mul : ∀ a : α, mul (inv a) a = one

namespace Group

@[inherit_doc] infixl:70 " ⬝ " => Group.mul
@[inherit_doc] postfix:max "ⁱ" => Group.inv

/-- The unit, with a short name. -/
notation "𝟙" => Group.one

variable {α : Type} [Group α]

theorem inv_mul_cancel_left (a b : α) : aⁱ ⬝ (a ⬝ b) = b := by
  rw [← mul_assoc, inv_mul, one_mul]

theorem mul_left_cancel {a b c : α} (h : a ⬝ b = a ⬝ c) : b = c := by
  have h' : aⁱ ⬝ (a ⬝ b) = aⁱ ⬝ (a ⬝ c) := by rw [h]
  rw [inv_mul_cancel_left, inv_mul_cancel_left] at h'
  exact h'

theorem mul_one (a : α) : a ⬝ 𝟙 = a := by
  apply mul_left_cancel (a := aⁱ)
  rw [← mul_assoc, inv_mul, one_mul]

theorem mul_inv (a : α) : a ⬝ aⁱ = 𝟙 := by
  apply mul_left_cancel (a := aⁱ)
  rw [← mul_assoc, inv_mul, one_mul, mul_one]

theorem mul_right_cancel {a b c : α} (h : a ⬝ c = b ⬝ c) : a = b := by
  calc a = a ⬝ (c ⬝ cⁱ) := by rw [mul_inv, mul_one]
    _ = a ⬝ c ⬝ cⁱ := by rw [mul_assoc]
    _ = b ⬝ c ⬝ cⁱ := by rw [h]
    _ = b ⬝ (c ⬝ cⁱ) := by rw [mul_assoc]
    _ = b := by rw [mul_inv, mul_one]

theorem inv_inv (a : α) : (aⁱ)ⁱ = a := by
  apply mul_left_cancel (a := aⁱ)
  rw [mul_inv, inv_mul]

theorem one_inv : (𝟙 : α)ⁱ = 𝟙 := by
  have h := inv_mul (𝟙 : α)
  rw [mul_one] at h
  exact h

theorem inv_eq_of_mul {a b : α} (h : a ⬝ b = 𝟙) : b = aⁱ := by
  apply mul_left_cancel (a := a)
  rw [h, mul_inv]

theorem mul_inv_rev (a b : α) : (a ⬝ b)ⁱ = bⁱ ⬝ aⁱ := by
  symm
  apply inv_eq_of_mul
  calc a ⬝ b ⬝ (bⁱ ⬝ aⁱ)
      = a ⬝ (b ⬝ (bⁱ ⬝ aⁱ)) := mul_assoc a b _
    _ = a ⬝ (b ⬝ bⁱ ⬝ aⁱ) := by rw [mul_assoc b]
    _ = 𝟙 := by
      rw [mul_inv, one_mul]
      exact mul_inv a

theorem one_unique {e : α} (h : ∀ a : α, e ⬝ a = a) : e = 𝟙 := by
  have key := h 𝟙
  rwa [mul_one] at key

theorem comm_of_square (h : ∀ a : α, a ⬝ a = 𝟙) (a b : α) : a ⬝ b = b ⬝ a := by
  have self_inv : ∀ x : α, xⁱ = x := by
    intro x
    apply mul_left_cancel (a := x)
    rw [mul_inv, h]
  calc a ⬝ b = (a ⬝ b)ⁱ := (self_inv _).symm
    _ = bⁱ ⬝ aⁱ := mul_inv_rev a b
    _ = b ⬝ a := by simp only [self_inv]

theorem eq_iff_mul_inv {a b : α} : a = b ↔ a ⬝ bⁱ = 𝟙 := by
  constructor
  · intro h
    subst h
    exact mul_inv a
  · intro h
    suffices hc : a ⬝ bⁱ = b ⬝ bⁱ from mul_right_cancel hc
    rw [h, mul_inv]

/-- `a` multiplied with itself `n` times. -/
def pow (a : α) : Nat → α
  | 0 => 𝟙
  | n + 1 => pow a n ⬝ a

theorem pow_one (a : α) : pow a 1 = a := by
  show 𝟙 ⬝ a = a
  exact one_mul a

theorem pow_add (a : α) (m n : Nat) : pow a (m + n) = pow a m ⬝ pow a n := by
  induction n with
  | zero =>
    show pow a m = pow a m ⬝ 𝟙
    rw [mul_one]
  | succ n ih =>
    show pow a (m + n) ⬝ a = pow a m ⬝ (pow a n ⬝ a)
    rw [ih, mul_assoc]

theorem one_pow (n : Nat) : pow (𝟙 : α) n = 𝟙 := by
  induction n with
  | zero => rfl
  | succ n ih =>
    unfold pow
    rw [ih, one_mul]

theorem pow_comm (a : α) (n : Nat) : a ⬝ pow a n = pow a n ⬝ a := by
  have left : pow a (1 + n) = a ⬝ pow a n := by
    rw [pow_add, pow_one]
  have right : pow a (n + 1) = pow a n ⬝ a := rfl
  rw [← left, ← right, Nat.add_comm]

end Group

/-- Two elements: false is the unit, and each is its own inverse. -/
instance : Group Bool where
  mul := xor
  one := false
  inv := id
  mul_assoc := by decide
  one_mul := by decide
  inv_mul := by decide

theorem bool_comm (a b : Bool) : a ⬝ b = b ⬝ a := by
  apply Group.comm_of_square
  intro c
  cases c <;> rfl

end Algebra
