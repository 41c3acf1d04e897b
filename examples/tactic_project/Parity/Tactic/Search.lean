module

public meta import Lean

/-! Backward search with a list of lemmas. -/

public meta section

open Lean Meta

/-- Closes `goal` by the hypotheses and by `lemmas`, at most `depth` lemmas deep. Says whether it did. -/
partial def closeWith (lemmas : Array Name) (depth : Nat) (goal : MVarId) : MetaM Bool := goal.withContext do
  if ← goal.assumptionCore then
    return true
  if depth = 0 then
    return false
  for lemmaName in lemmas do
    let before ← saveState
    let subgoals? ← observing? (goal.apply (← mkConstWithFreshMVarLevels lemmaName))
    if let some subgoals := subgoals? then
      if ← subgoals.allM (closeWith lemmas (depth - 1)) then
        return true
    before.restore
  return false
