module

public import Lean.Elab.Tactic.Omega
public import Lean.Meta.Tactic.Contradiction
public import Lean.Meta.Tactic.Rfl
public import Lean.Meta.Tactic.Simp
public import LemmaForge.Mutate.Text

/-!
# Is a mutant worth having?

A statement whose hypotheses contradict each other is true of nothing: it is thrown away. One that a standard tactic closes at once is kept, but marked, so that whoever trains on it can choose. Both tests have small
budgets of heartbeats, so they find what is obvious and are silent about the rest.
-/

public section

namespace LemmaForge.Mutate

open Lean Meta Elab

/-- What `simp` works with by default, looked up once for many statements. -/
structure SimpSet where
  /-- Lemmas and configuration. -/
  context : Simp.Context
  /-- Simplification procedures. -/
  procedures : Simp.SimprocsArray

/-- The default simp set. -/
def SimpSet.default : MetaM SimpSet := return { context := ← Simp.Context.mkDefault, procedures := #[← Simp.getSimprocs] }

/-- Whether `act` closes a goal within `heartbeats` thousand heartbeats. The tactics are called as functions: their syntax would cost as much as they do. -/
private def closes (goal : Expr) (heartbeats : Nat) (act : MVarId → MetaM Bool) : TermElabM Bool := do
  let result ← attempt heartbeats do act (← mkFreshExprSyntheticOpaqueMVar goal).mvarId!
  return result matches .ok true

private def byOmega (goal : MVarId) : MetaM Bool := do
  let some goal ← goal.falseOrByContra | return true
  goal.withContext do Tactic.Omega.omega (← getLocalHyps).toList goal {}
  return true

private def byDecide (goal : MVarId) : MetaM Bool := do
  let decision ← mkDecide (← goal.getType)
  return (← withAtLeastTransparency .default (whnf decision)).isConstOf ``true

/-- Whether a proposition is about numbers and nothing else, so that `omega` may have a say. -/
private partial def isArithmetic (e : Expr) : Bool :=
  relates e && e.getUsedConstants.all fun name => numeric.contains name.getRoot || isArithmeticClass name.getRoot.toString
where
  numeric : List Name := [`Nat, `Int, `Fin, `Not, `And, `Or, `Iff, `Eq, `Ne, `LT, `LE, `GT, `GE, `Dvd, `OfNat, `HAdd, `HSub, `HMul, `HDiv, `HMod, `HPow, `Add, `Sub, `Mul, `Div, `Mod, `Neg, `Min, `Max]
  isArithmeticClass (root : String) : Bool := root.startsWith "inst"
  /-- Whether the outermost relations are between numbers. -/
  relates (e : Expr) : Bool :=
    match e.getAppFnArgs with
    | (``Not, #[p]) => relates p
    | (``And, #[p, q]) | (``Or, #[p, q]) | (``Iff, #[p, q]) => relates p || relates q
    | (``Eq, #[τ, _, _]) | (``Ne, #[τ, _, _]) | (``LT.lt, #[τ, _, _, _]) | (``LE.le, #[τ, _, _, _]) | (``GT.gt, #[τ, _, _, _]) | (``GE.ge, #[τ, _, _, _]) | (``Dvd.dvd, #[τ, _, _, _]) =>
      τ.isConstOf ``Nat || τ.isConstOf ``Int || τ.isAppOf ``Fin
    | _ => false

/-- Whether the hypotheses of a statement are seen to contradict each other: by `contradiction`, `omega` or `simp_all`. -/
def Readable.isVacuous (text : Readable) (simp : SimpSet) (heartbeats : Nat) : TermElabM Bool := text.scope.enter do
  let hypotheses ← text.scope.xs.filterMapM fun x => do
    let type ← inferType x
    return if (← isProp type) then some type else none
  if hypotheses.isEmpty then return false
  let false_ := Lean.mkConst ``False
  -- Without a search through the types of the variables, which takes longer than all the rest.
  if ← closes false_ heartbeats (fun goal => goal.contradictionCore { searchFuel := 0 }) then return true
  if hypotheses.any isArithmetic then
    if ← closes false_ heartbeats byOmega then return true
  closes false_ heartbeats fun goal => return (← simpAll goal simp.context simp.procedures).1.isNone

/-- Tactics that make a statement trivial, by the name of the mark, cheapest first. -/
def closers : List String := ["rfl", "omega", "decide", "simp"]

/-- Whether one of the `closers` closes a statement at once. Those that cannot do so by the form of the statement are not tried. -/
def Readable.closesAtOnce (text : Readable) (closer : String) (simp : SimpSet) (heartbeats : Nat) : TermElabM Bool := text.scope.enter do
  let conclusion := text.conclusion
  match closer with
  | "rfl" => closes conclusion heartbeats fun goal => do goal.applyRfl; return true
  | "omega" => if isArithmetic conclusion then closes conclusion heartbeats byOmega else return false
  | "decide" => if text.scope.xs.isEmpty then closes conclusion heartbeats byDecide else return false
  | _ => closes conclusion heartbeats fun goal => return (← simpTarget goal simp.context simp.procedures).1.isNone

end LemmaForge.Mutate
