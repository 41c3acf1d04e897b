/-
Overlay
Supplies: Lean.Meta.Tactic.Apply
Why: `gcongr` orders the goals that it leaves as `apply` does, by a private function.
Leaves out: all but `reorderGoals`.
-/
module

public meta import Lean.Meta.Tactic.Apply

public meta section

namespace Lean.Meta

/-- The goals among the new metavariables of an application, in the order in which `apply` returns them. -/
def reorderGoals (created : Array Expr) (order : ApplyNewGoals) : MetaM (List MVarId) := do
  let goals := created.toList.map (·.mvarId!)
  if order matches .all then
    return goals
  -- A goal counts as dependent if the type of another one mentions it.
  let types ← created.mapM fun goal => do instantiateMVars (← inferType goal)
  let mentioned (goal : MVarId) : Bool := types.any fun type => (type.findMVar? (· == goal)).isSome
  let (dependent, others) := goals.partition mentioned
  return if order matches .nonDependentOnly then others else others ++ dependent

end Lean.Meta
