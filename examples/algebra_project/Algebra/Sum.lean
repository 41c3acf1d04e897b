/-!
# Sums of natural numbers

Proofs by induction, with `calc`, `rw`, `omega` and `simp`.
-/

namespace Algebra

/-- `f 0 + … + f (n - 1)`. -/
def sum (f : Nat → Nat) : Nat → Nat
  | 0 => 0
  | n + 1 => sum f n + f n

@[simp] theorem sum_zero (f : Nat → Nat) : sum f 0 = 0 := by
  rfl

@[simp] theorem sum_succ (f : Nat → Nat) (n : Nat) : sum f (n + 1) = sum f n + f n := by
  rfl

theorem sum_const (c n : Nat) : sum (fun _ => c) n = n * c := by
  induction n with
  | zero => simp
  | succ n ih =>
    rw [sum_succ, ih]
    rw [Nat.succ_mul]

theorem sum_add (f g : Nat → Nat) (n : Nat) : sum (fun i => f i + g i) n = sum f n + sum g n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    simp only [sum_succ]
    rw [ih]
    omega

theorem mul_sum (c : Nat) (f : Nat → Nat) (n : Nat) : sum (fun i => c * f i) n = c * sum f n := by
  induction n with
  | zero => simp
  | succ n ih => simp [ih, Nat.mul_add]

theorem sum_congr {f g : Nat → Nat} (n : Nat) (h : ∀ i, i < n → f i = g i) : sum f n = sum g n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    have hn : f n = g n := h n (Nat.lt_succ_self n)
    have hrest : sum f n = sum g n := by
      apply ih
      intro i hi
      exact h i (Nat.lt_succ_of_lt hi)
    rw [sum_succ, sum_succ, hn, hrest]

theorem gauss (n : Nat) : 2 * sum (fun i => i) (n + 1) = n * (n + 1) := by
  induction n with
  | zero => rfl
  | succ n ih =>
    calc 2 * sum (fun i => i) (n + 1 + 1)
        = 2 * sum (fun i => i) (n + 1) + 2 * (n + 1) := by
          rw [sum_succ, Nat.mul_add]
      _ = n * (n + 1) + 2 * (n + 1) := by rw [ih]
      _ = (n + 1) * (n + 1 + 1) := by
          rw [← Nat.add_mul, Nat.mul_comm]

theorem sum_odd (n : Nat) : sum (fun i => 2 * i + 1) n = n * n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    have expand : (n + 1) * (n + 1) = n * n + (2 * n + 1) := by
      simp only [Nat.add_mul, Nat.mul_add]
      omega
    rw [expand, sum_succ, ih]

theorem sum_le_sum {f g : Nat → Nat} (h : ∀ i, f i ≤ g i) (n : Nat) : sum f n ≤ sum g n := by
  induction n with
  | zero => exact Nat.le_refl 0
  | succ n ih =>
    have hn := h n
    simp only [sum_succ]
    exact Nat.add_le_add ih hn

theorem term_le_sum (f : Nat → Nat) {i n : Nat} (h : i < n) : f i ≤ sum f n := by
  induction n with
  | zero => contradiction
  | succ n ih =>
    rw [sum_succ]
    by_cases hin : i = n
    · subst hin
      exact Nat.le_add_left _ _
    · have : i < n := by omega
      have := ih this
      omega

theorem sum_eq_zero_iff (f : Nat → Nat) (n : Nat) : sum f n = 0 ↔ ∀ i, i < n → f i = 0 := by
  constructor
  · intro h i hi
    have bound := term_le_sum f hi
    rw [h] at bound
    exact Nat.le_zero.mp bound
  · intro h
    suffices zero : sum f n = sum (fun _ => 0) n by
      rw [zero, sum_const, Nat.mul_zero]
    exact sum_congr n h

theorem sum_split (f : Nat → Nat) (m n : Nat) : sum f (m + n) = sum f m + sum (fun i => f (m + i)) n := by
  induction n with
  | zero => simp
  | succ n ih => rw [← Nat.add_assoc, sum_succ, sum_succ, ih, Nat.add_assoc]

/-- A rising product: `1 * 2 * … * n`. -/
def fact : Nat → Nat
  | 0 => 1
  | n + 1 => (n + 1) * fact n

theorem fact_pos (n : Nat) : 0 < fact n := by
  induction n with
  | zero => decide
  | succ n ih =>
    unfold fact
    exact Nat.mul_pos (Nat.succ_pos n) ih

theorem le_fact (n : Nat) : n ≤ fact n := by
  cases n with
  | zero => exact Nat.zero_le _
  | succ n =>
    show n + 1 ≤ (n + 1) * fact n
    calc n + 1 = (n + 1) * 1 := by simp
      _ ≤ (n + 1) * fact n := Nat.mul_le_mul_left _ (fact_pos n)

theorem dvd_fact {k n : Nat} (hk : 0 < k) (h : k ≤ n) : k ∣ fact n := by
  induction n with
  | zero => omega
  | succ n ih =>
    rcases Nat.lt_or_ge n k with hlt | hge
    · have : k = n + 1 := by omega
      subst this
      exact ⟨fact n, rfl⟩
    · obtain ⟨c, hc⟩ := ih hge
      refine ⟨(n + 1) * c, ?_⟩
      show (n + 1) * fact n = k * ((n + 1) * c)
      rw [hc, Nat.mul_left_comm]

end Algebra
