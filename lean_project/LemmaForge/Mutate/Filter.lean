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
def closers : List (String × String) := [("rfl", "by rfl"), ("omega", "by omega"), ("decide", "by decide"), ("simp", "by simp")]

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
    let hypotheses ← xs.filterMapM fun x => do
      let type ← inferType x
      return if (← isProp type) then some type else none
    if hypotheses.isEmpty then return false
    let tactics := ["by contradiction"] ++ (if hypotheses.any isArithmetic then ["by omega"] else []) ++ ["by simp_all"]
    tactics.anyM fun block => closes (.const ``False []) block heartbeats

/-- Whether the tactic `closer`, one of `closers`, closes a statement at once. Those that cannot do so by the form of the statement are not tried. -/
def closesAtOnce (type : Expr) (closer : String × String) (heartbeats : Nat) : TermElabM Bool :=
  forallTelescope type fun xs conclusion => do
    if closer.1 == "decide" && !xs.isEmpty then return false
    if closer.1 == "omega" && !isArithmetic conclusion then return false
    closes conclusion closer.2 heartbeats

end LemmaForge.Mutate
