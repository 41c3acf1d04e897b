/-
Overlay
Supplies: Lean.Meta.Tactic.Apply
Why: `gcongr` compares types, complains and orders the goals that it leaves as `apply` does, by private functions.
Leaves out: all but `isDefEqApply`, `throwApplyError`, which says less, and `reorderGoals`.
-/
module

public meta import Lean.Meta.Tactic.Apply

public meta section

namespace Lean.Meta

/-- Whether `apply` takes a conclusion for the type of a goal. -/
def isDefEqApply (approximately : Bool) (conclusion goal : Expr) : MetaM Bool :=
  let compare := isDefEqGuarded conclusion goal
  if approximately then approxDefEq compare else compare

/-- Says that a term does not prove a goal. -/
def throwApplyError {α : Type} (mvarId : MVarId) (type : Expr) (conclusion? : Option Expr) (goal : Expr) (term? : Option MessageData) : MetaM α :=
  let term := term?.getD m!"the term"
  throwTacticEx `apply mvarId m!"{term} has the conclusion{indentExpr (conclusion?.getD type)}\nwhich is not the goal{indentExpr goal}"

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
