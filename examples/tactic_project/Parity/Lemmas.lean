module

public import Parity.Basic

/-! How even and odd numbers add and multiply. -/

@[expose] public section

theorem even_add_even {m n : Nat} : Even m → Even n → Even (m + n) :=
  fun ⟨j, hj⟩ ⟨k, hk⟩ => ⟨j + k, by omega⟩

theorem odd_add_odd {m n : Nat} : Odd m → Odd n → Even (m + n) :=
  fun ⟨j, hj⟩ ⟨k, hk⟩ => ⟨j + k + 1, by omega⟩

theorem even_add_odd {m n : Nat} : Even m → Odd n → Odd (m + n) :=
  fun ⟨j, hj⟩ ⟨k, hk⟩ => ⟨j + k, by omega⟩

theorem even_mul {m n : Nat} : Even m → Even (m * n) :=
  fun ⟨j, hj⟩ => ⟨j * n, by rw [hj, Nat.mul_assoc]⟩

theorem odd_mul_odd {m n : Nat} : Odd m → Odd n → Odd (m * n) :=
  fun ⟨j, hj⟩ ⟨k, hk⟩ => ⟨2 * j * k + j + k, by grind⟩
