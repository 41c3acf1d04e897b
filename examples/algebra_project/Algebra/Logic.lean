/-!
# Logic

Proofs about connectives and quantifiers: bullets, `cases`, `rcases`, `by_cases`, `exists`.
-/

namespace Algebra

theorem and_swap {p q : Prop} (h : p ∧ q) : q ∧ p := by
  obtain ⟨hp, hq⟩ := h
  constructor
  · exact hq
  · exact hp

theorem or_swap {p q : Prop} (h : p ∨ q) : q ∨ p := by
  cases h with
  | inl hp =>
    right
    exact hp
  | inr hq =>
    left
    exact hq

theorem or_left_comm {p q r : Prop} : p ∨ q ∨ r ↔ q ∨ p ∨ r := by
  constructor
  · intro h
    rcases h with hp | hq | hr
    · exact Or.inr (Or.inl hp)
    · exact Or.inl hq
    · exact Or.inr (Or.inr hr)
  · intro h
    rcases h with hq | hp | hr
    · exact Or.inr (Or.inl hq)
    · exact Or.inl hp
    · exact Or.inr (Or.inr hr)

theorem and_or_distrib (p q r : Prop) : p ∧ (q ∨ r) ↔ (p ∧ q) ∨ (p ∧ r) := by
  apply Iff.intro
  case mp =>
    rintro ⟨hp, hq | hr⟩
    · exact Or.inl ⟨hp, hq⟩
    · exact Or.inr ⟨hp, hr⟩
  case mpr =>
    rintro (⟨hp, hq⟩ | ⟨hp, hr⟩)
    all_goals refine ⟨hp, ?_⟩
    · exact Or.inl hq
    · exact Or.inr hr

theorem not_or_iff {p q : Prop} : ¬(p ∨ q) ↔ ¬p ∧ ¬q := by
  constructor
  · intro h
    exact ⟨fun hp => h (Or.inl hp), fun hq => h (Or.inr hq)⟩
  · rintro ⟨hp, hq⟩ (h | h)
    · contradiction
    · exact absurd h hq

theorem imp_iff_not_or {p q : Prop} : (p → q) ↔ ¬p ∨ q := by
  by_cases hp : p
  · simp [hp]
  · simp [hp]

theorem contrapositive {p q : Prop} : (¬q → ¬p) → p → q := by
  intro h hp
  by_cases hq : q
  · exact hq
  · exfalso
    exact h hq hp

theorem peirce (p q : Prop) (h : (p → q) → p) : p := by
  by_cases hp : p
  · assumption
  · apply h
    intro hp'
    contradiction

theorem exists_swap {α β : Type} {r : α → β → Prop} (h : ∃ a, ∃ b, r a b) : ∃ b, ∃ a, r a b := by
  obtain ⟨a, b, hab⟩ := h
  exists b, a

theorem not_exists_iff {α : Type} {p : α → Prop} : (¬∃ a, p a) ↔ ∀ a, ¬p a := by
  constructor
  · intro h a ha
    apply h
    exact ⟨a, ha⟩
  · intro h ⟨a, ha⟩
    exact h a ha

theorem forall_and_split {α : Type} {p q : α → Prop} : (∀ a, p a ∧ q a) ↔ (∀ a, p a) ∧ (∀ a, q a) := by
  constructor
  · intro h
    constructor <;> intro a
    · exact (h a).1
    · exact (h a).2
  · rintro ⟨hp, hq⟩ a
    exact ⟨hp a, hq a⟩

theorem drinker {α : Type} [Inhabited α] (drinks : α → Prop) : ∃ a, drinks a → ∀ b, drinks b := by
  by_cases h : ∃ a, ¬drinks a
  · obtain ⟨a, ha⟩ := h
    refine ⟨a, fun hd => ?_⟩
    exact absurd hd ha
  · refine ⟨default, fun _ b => ?_⟩
    by_cases hb : drinks b
    · exact hb
    · exact absurd ⟨b, hb⟩ h

end Algebra
