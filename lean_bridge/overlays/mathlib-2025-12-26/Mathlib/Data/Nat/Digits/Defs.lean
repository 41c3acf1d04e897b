/-
Overlay
Replaces: Mathlib.Data.Nat.Digits.Defs
Text: 872df52d933877901f828b25d9fb77efd34e718237e6134e754e92d75c2ba644
Why: how `Nat.toDigits` computes is private in Lean's library, and nothing public is proved of it there.
Leaves out: toDigitsCore_lens_eq_aux, toDigitsCore_lens_eq, toDigitsCore_length, toDigits_length and repr_length, all in the namespace Nat. Nothing in Mathlib uses them.
-/
--= 1-500
--= 563
