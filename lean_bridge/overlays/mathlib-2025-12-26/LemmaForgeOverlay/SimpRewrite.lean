/-
Overlay
Supplies: Lean.Meta.Tactic.Simp.Rewrite
Why: the discharger of `field_simp` tries the hypotheses first, as that of `simp` does, by a private function.
Leaves out: all but `dischargeUsingAssumption?`.
-/
module

public meta import Lean.Meta.Tactic.Simp.Rewrite

public meta section

namespace Lean.Meta.Simp

/-- The last hypothesis that states `goal`. One that was introduced since `simp` began counts only where `simp` is contextual: results are cached without it. -/
def dischargeUsingAssumption? (goal : Expr) : SimpM (Option Expr) := do
  let old ← if (← getConfig).contextual then pure none else some <$> lctxInitIndices <$> getContext
  let states (hypothesis : LocalDecl) : SimpM Bool := do
    if hypothesis.isImplementationDetail || old.any (hypothesis.index ≥ ·) then return false
    withSimpMetaConfig <| isDefEq goal hypothesis.type
  for hypothesis in (← getLCtx).decls.toList.reverse.filterMap id do
    if ← states hypothesis then return some hypothesis.toExpr
  return none
where
  lctxInitIndices (context : Context) : Nat := context.lctxInitIndices

end Lean.Meta.Simp
