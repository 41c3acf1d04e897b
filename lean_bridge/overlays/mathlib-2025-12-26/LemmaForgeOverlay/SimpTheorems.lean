/-
Overlay
Supplies: Lean.Meta.Tactic.Simp.SimpTheorems
Why: the linters of simp lemmas ask for the rules that `simp` makes of a theorem, by a private function.
Leaves out: all but `preprocess`, which here always speaks as for a local hypothesis: of a rule that rewrites a variable to itself it does not complain.
-/
module

public meta import Lean.Meta.Tactic.Simp.SimpTheorems

public meta section

namespace Lean.Meta

/-- The rules that `simp` makes of a proof, each with the equation that it proves. -/
def preprocess (proof _statement : Expr) (inv : Bool) (isGlobal : Bool) : MetaM (List (Expr × Expr)) := do
  let _ := isGlobal
  let rules ← mkSimpTheoremFromExpr (.other `preprocess) #[] proof (inv := inv)
  rules.toList.mapM fun rule => return (rule.proof, ← inferType rule.proof)

end Lean.Meta
