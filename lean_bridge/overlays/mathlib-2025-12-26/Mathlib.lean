/-
Overlay
Replaces: Mathlib
Text: a41afb5d1e78a7b2bf94e32a7c54640b8f31699a22f55ad89de1ea4cb70a1ca1
Why: all of Mathlib does not fit into the 2 GiB that a 32-bit Lean has. With these modules most problems of miniF2F can be stated, and proved by the usual tactics.
Leaves out: all modules that these do not import: derivatives, integrals and measures, geometry, linear algebra, Galois theory, category theory, quadratic reciprocity, and most of what is beyond arithmetic, order, finite sums and elementary functions.
-/
module

public import Aesop
public import Mathlib.Algebra.BigOperators.Intervals
public import Mathlib.Algebra.Order.Chebyshev
public import Mathlib.Algebra.Order.Floor.Ring
public import Mathlib.Algebra.QuadraticDiscriminant
public import Mathlib.Analysis.MeanInequalities
public import Mathlib.Analysis.SpecialFunctions.Log.Base
public import Mathlib.Analysis.SpecialFunctions.Pow.NNReal
public import Mathlib.Analysis.SpecialFunctions.Pow.Real
public import Mathlib.Analysis.SpecialFunctions.Trigonometric.Basic
public import Mathlib.Analysis.SpecialFunctions.Trigonometric.Chebyshev
public import Mathlib.Analysis.SpecialFunctions.Trigonometric.Complex
public import Mathlib.Data.Complex.Basic
public import Mathlib.Data.Finset.Basic
public import Mathlib.Data.Nat.Choose.Sum
public import Mathlib.Data.Nat.Digits.Lemmas
public import Mathlib.Data.Nat.Factorial.Basic
public import Mathlib.Data.Nat.Log
public import Mathlib.Data.Nat.Prime.Basic
public import Mathlib.Data.Nat.Prime.Infinite
public import Mathlib.Data.Nat.Squarefree
public import Mathlib.Data.Nat.Totient
public import Mathlib.Data.Real.Basic
public import Mathlib.Data.Real.Sqrt
public import Mathlib.Data.ZMod.Basic
public import Mathlib.NumberTheory.Divisors
public import Mathlib.NumberTheory.Padics.PadicVal.Basic
public import Mathlib.NumberTheory.Real.Irrational
public import Mathlib.Tactic.Bound
public import Mathlib.Tactic.Common
public import Mathlib.Tactic.FieldSimp
public import Mathlib.Tactic.FinCases
public import Mathlib.Tactic.IntervalCases
public import Mathlib.Tactic.Linarith
public import Mathlib.Tactic.LinearCombination
public import Mathlib.Tactic.ModCases
public import Mathlib.Tactic.NormNum
public import Mathlib.Tactic.NormNum.BigOperators
public import Mathlib.Tactic.NormNum.DivMod
public import Mathlib.Tactic.NormNum.GCD
public import Mathlib.Tactic.NormNum.Irrational
public import Mathlib.Tactic.NormNum.ModEq
public import Mathlib.Tactic.NormNum.NatFactorial
public import Mathlib.Tactic.NormNum.Prime
public import Mathlib.Tactic.NormNum.RealSqrt
public import Mathlib.Tactic.Positivity
public import Mathlib.Tactic.Ring
