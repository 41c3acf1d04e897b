module

public import LemmaForge.Mutate.Text

/-!
# Is a mutant worth having?

A statement whose hypotheses contradict each other is true of nothing: it is thrown away. One that a standard tactic closes at once is kept, but marked, so that whoever trains on it can choose. Both tests have small
budgets of heartbeats, so they find what is obvious and are silent about the rest.
-/

public section

namespace LemmaForge.Mutate

open Lean Meta Elab

/-- Tactics that make a statement trivial, by the name of the mark, cheapest first. -/
private def closers : List (String × String) := [("rfl", "by rfl"), ("omega", "by omega"), ("decide", "by decide"), ("simp", "by simp")]

/-- Tactics that find contradictory hypotheses. -/
private def refuters : List String := ["by contradiction", "by omega", "by simp_all"]

/-- Whether a tactic block closes a goal within `heartbeats` thousand heartbeats. -/
private def closes (goal : Expr) (block : String) (heartbeats : Nat) : TermElabM Bool := do
  let .ok stx := Parser.runParserCategory (← getEnv) `term block | return false
  let result ← attempt heartbeats do
    let mvar ← mkFreshExprSyntheticOpaqueMVar goal
    Term.withoutErrToSorry <| Term.runTactic mvar.mvarId! stx .term
    if (← Core.getMessageLog).hasErrors then throwError "failed"
    return !(← instantiateMVars mvar).hasSorry
  return result matches .ok true

/-- Whether the hypotheses of a statement are seen to contradict each other. -/
def isVacuous (type : Expr) (heartbeats : Nat) : TermElabM Bool :=
  forallTelescope type fun xs _ => do
    unless ← xs.anyM fun x => return (← isProp (← inferType x)) do return false
    refuters.anyM fun block => closes (.const ``False []) block heartbeats

/-- The tactic that closes a statement at once, if one does. -/
def trivially? (type : Expr) (heartbeats : Nat) : TermElabM (Option String) :=
  forallTelescope type fun xs conclusion => do
    let found ← closers.findM? fun (name, block) => do
      if name == "decide" && (conclusion.hasFVar || !xs.isEmpty) then return false
      closes conclusion block heartbeats
    return found.map (·.1)

end LemmaForge.Mutate
