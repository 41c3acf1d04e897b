import Algebra.Sum
import Algebra.Sequence

/-!
# Trees and lists

Structural induction over types of our own and of the core library.
-/

namespace Algebra

/-- A binary tree with values at its inner nodes. -/
inductive Tree (α : Type) where
  /-- The empty tree. -/
  | leaf
  /-- A value between two trees. -/
  | node (left : Tree α) (value : α) (right : Tree α)

namespace Tree

variable {α β : Type}

/-- How many values it holds. -/
def size : Tree α → Nat
  | leaf => 0
  | node l _ r => l.size + 1 + r.size

/-- The length of its longest branch. -/
def height : Tree α → Nat
  | leaf => 0
  | node l _ r => max l.height r.height + 1

/-- Left and right exchanged, everywhere. -/
def mirror : Tree α → Tree α
  | leaf => leaf
  | node l a r => node r.mirror a l.mirror

/-- A function applied to every value. -/
def map (f : α → β) : Tree α → Tree β
  | leaf => leaf
  | node l a r => node (l.map f) (f a) (r.map f)

/-- Its values, from left to right. -/
def toList : Tree α → List α
  | leaf => []
  | node l a r => l.toList ++ a :: r.toList

theorem mirror_mirror (t : Tree α) : t.mirror.mirror = t := by
  induction t with
  | leaf => rfl
  | node l a r ihl ihr => simp only [mirror, ihl, ihr]

theorem size_mirror (t : Tree α) : t.mirror.size = t.size := by
  induction t with
  | leaf => rfl
  | node l a r ihl ihr =>
    simp only [mirror, size]
    rw [ihl, ihr]
    omega

theorem height_mirror (t : Tree α) : t.mirror.height = t.height := by
  induction t with
  | leaf => rfl
  | node l a r ihl ihr =>
    simp only [mirror, height, ihl, ihr]
    rw [Nat.max_comm]

theorem height_le_size (t : Tree α) : t.height ≤ t.size := by
  induction t
  case leaf => exact Nat.le_refl 0
  case node l a r ihl ihr =>
    unfold height size
    rcases Nat.le_total l.height r.height with h | h
    · rw [Nat.max_eq_right h]
      omega
    · rw [Nat.max_eq_left h]
      omega

theorem size_map (f : α → β) (t : Tree α) : (t.map f).size = t.size := by
  induction t with
  | leaf => rfl
  | node l a r ihl ihr => simp [map, size, ihl, ihr]

theorem map_id (t : Tree α) : t.map id = t := by
  induction t with
  | leaf => rfl
  | node l a r ihl ihr =>
    show node (l.map id) a (r.map id) = node l a r
    rw [ihl, ihr]

theorem map_after {γ : Type} (g : β → γ) (f : α → β) (t : Tree α) : t.map (after g f) = (t.map f).map g := by
  induction t with
  | leaf => rfl
  | node l a r ihl ihr =>
    simp only [map]
    rw [ihl, ihr]
    rfl

theorem map_mirror (f : α → β) (t : Tree α) : t.mirror.map f = (t.map f).mirror := by
  induction t with
  | leaf => first | done | rfl
  | node l a r ihl ihr =>
    simp only [mirror, map]
    rw [ihl, ihr]

theorem length_toList (t : Tree α) : t.toList.length = t.size := by
  induction t with
  | leaf => rfl
  | node l a r ihl ihr =>
    simp only [toList, size, List.length_append, List.length_cons]
    omega

theorem toList_mirror (t : Tree α) : t.mirror.toList = t.toList.reverse := by
  induction t with
  | leaf => rfl
  | node l a r ihl ihr =>
    simp only [mirror, toList]
    rw [ihl, ihr, List.reverse_append, List.reverse_cons]
    simp

theorem size_eq_zero {t : Tree α} : t.size = 0 ↔ t = leaf := by
  constructor
  · intro h
    cases t with
    | leaf => rfl
    | node l a r =>
      simp only [size] at h
      omega
  · intro h
    subst h
    rfl

end Tree

theorem length_append' {α : Type} (xs ys : List α) : (xs ++ ys).length = xs.length + ys.length := by
  induction xs with
  | nil => simp
  | cons x xs ih =>
    rw [List.cons_append, List.length_cons, List.length_cons, ih]
    omega

theorem map_append' {α β : Type} (f : α → β) (xs ys : List α) : (xs ++ ys).map f = xs.map f ++ ys.map f := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    repeat rw [List.cons_append]
    rw [List.map_cons, ih]
    rfl

/-- The values of a sequence before `n`. -/
def values (f : Nat → Nat) : Nat → List Nat
  | 0 => []
  | n + 1 => values f n ++ [f n]

theorem length_values (f : Nat → Nat) (n : Nat) : (values f n).length = n := by
  induction n with
  | zero => rfl
  | succ n ih => simp [values, ih]

theorem sum_values (f : Nat → Nat) (n : Nat) : (values f n).sum = sum f n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    unfold values
    simp [ih]

end Algebra
