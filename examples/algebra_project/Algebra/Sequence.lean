import Algebra.Logic
import Algebra.Sum

/-!
# Sequences and functions

Equality of functions by `funext`, of structures by `ext`, existence by `exists`, and proofs that use the modules before.
-/

namespace Algebra

/-- `n` is twice another number. -/
def Even (n : Nat) : Prop := ∃ k, n = 2 * k

/-- `n` is one more than an even number. -/
def Odd (n : Nat) : Prop := ∃ k, n = 2 * k + 1

theorem even_zero : Even 0 := by
  exists 0

theorem even_add {m n : Nat} (hm : Even m) (hn : Even n) : Even (m + n) := by
  obtain ⟨a, ha⟩ := hm
  obtain ⟨b, hb⟩ := hn
  refine ⟨a + b, ?_⟩
  rw [ha, hb]
  omega

theorem odd_add_odd {m n : Nat} : Odd m → Odd n → Even (m + n) := by
  rintro ⟨a, rfl⟩ ⟨b, rfl⟩
  exact ⟨a + b + 1, by omega⟩

theorem even_or_odd (n : Nat) : Even n ∨ Odd n := by
  induction n with
  | zero => exact Or.inl even_zero
  | succ n ih =>
    rcases ih with ⟨k, hk⟩ | ⟨k, hk⟩
    · right
      exact ⟨k, by rw [hk]⟩
    · left
      exists k + 1
      omega

theorem not_even_and_odd (n : Nat) : ¬(Even n ∧ Odd n) := by
  rintro ⟨⟨a, ha⟩, ⟨b, hb⟩⟩
  omega

theorem even_iff_not_odd (n : Nat) : Even n ↔ ¬Odd n := by
  constructor
  · intro he ho
    exact not_even_and_odd n ⟨he, ho⟩
  · intro h
    match even_or_odd n with
    | .inl he => exact he
    | .inr ho => exact absurd ho h

theorem even_mul_succ (n : Nat) : Even (n * (n + 1)) := by
  exists sum (fun i => i) (n + 1)
  exact (gauss n).symm

theorem even_sum {f : Nat → Nat} (h : ∀ i, Even (f i)) (n : Nat) : Even (sum f n) := by
  induction n with
  | zero => exact even_zero
  | succ n ih =>
    rw [sum_succ]
    exact even_add ih (h n)

/-- One function after another. -/
def after {α β γ : Type} (g : β → γ) (f : α → β) : α → γ := fun a => g (f a)

theorem after_id {α β : Type} (f : α → β) : after f id = f := by
  funext a
  rfl

theorem id_after {α β : Type} (f : α → β) : after id f = f := by
  funext a
  simp [after]

theorem after_assoc {α β γ δ : Type} (h : γ → δ) (g : β → γ) (f : α → β) :
    after (after h g) f = after h (after g f) := by
  funext a
  unfold after
  rfl

/-- No two arguments have the same value. -/
def Injective {α β : Type} (f : α → β) : Prop := ∀ ⦃a b⦄, f a = f b → a = b

/-- Every value is taken. -/
def Surjective {α β : Type} (f : α → β) : Prop := ∀ b, ∃ a, f a = b

theorem injective_after {α β γ : Type} {g : β → γ} {f : α → β} (hg : Injective g) (hf : Injective f) :
    Injective (after g f) := by
  intro a b h
  apply hf
  apply hg
  exact h

theorem injective_of_after {α β γ : Type} {g : β → γ} {f : α → β} (h : Injective (after g f)) : Injective f := by
  intro a b hab
  apply h
  show g (f a) = g (f b)
  rw [hab]

theorem surjective_after {α β γ : Type} {g : β → γ} {f : α → β} (hg : Surjective g) (hf : Surjective f) :
    Surjective (after g f) := by
  intro c
  have ⟨b, hb⟩ := hg c
  have ⟨a, ha⟩ := hf b
  exists a
  simp only [after]
  rw [ha, hb]

theorem injective_of_strict {f : Nat → Nat} (h : ∀ m n, m < n → f m < f n) : Injective f := by
  intro a b hab
  rcases Nat.lt_trichotomy a b with hlt | heq | hgt
  · have := h a b hlt
    omega
  · assumption
  · have := h b a hgt
    omega

/-- A pair of numbers. -/
@[ext] structure Point where
  /-- The first. -/
  x : Nat
  /-- The second. -/
  y : Nat

/-- The sum of points. -/
def Point.add (p q : Point) : Point := ⟨p.x + q.x, p.y + q.y⟩

theorem Point.add_comm (p q : Point) : p.add q = q.add p := by
  ext
  · exact Nat.add_comm p.x q.x
  · exact Nat.add_comm p.y q.y

theorem Point.add_assoc (p q r : Point) : (p.add q).add r = p.add (q.add r) := by
  ext <;> simp [Point.add, Nat.add_assoc]

theorem Point.add_left_cancel {p q r : Point} (h : p.add q = p.add r) : q = r := by
  have hx : p.x + q.x = p.x + r.x := congrArg Point.x h
  have hy : p.y + q.y = p.y + r.y := congrArg Point.y h
  apply Point.ext
  · exact Nat.add_left_cancel hx
  · omega

end Algebra
