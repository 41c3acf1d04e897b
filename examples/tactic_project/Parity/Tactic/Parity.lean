module

public import Parity.Lemmas
public meta import Parity.Tactic.Search

/-! The tactic `parity`. -/

public meta section

open Lean Elab Tactic

/-- `parity [a, b]` closes the goal by the lemmas `a` and `b` and the hypotheses. -/
elab "parity" " [" names:ident,* "]" : tactic => do
  let lemmas ← names.getElems.mapM fun name => realizeGlobalConstNoOverloadWithInfo name
  liftMetaFinishingTactic fun goal => do
    unless ← closeWith lemmas 8 goal do
      Meta.throwTacticEx `parity goal m!"none of {lemmas} leads to the goal"

/-- `parity` shows that a sum or a product is even, or odd. -/
macro "parity" : tactic =>
  `(tactic| parity [even_add_even, odd_add_odd, even_add_odd, even_mul, odd_mul_odd])
