/-
Overlay
Supplies: Lean.MetavarContext
Why: `wlog` quantifies a goal over hypotheses in the monad in which Lean does so for its own metavariables, by private functions.
Leaves out: all but `withFreshCache` and `mkAuxMVarType`, the latter for natural metavariables, in whose types a `let` stays one, and a `have` is a hypothesis.
-/
module

public meta import Lean.MetavarContext

public meta section

namespace Lean.MetavarContext.MkBinding

/-- Runs an action with an empty cache of its own. -/
def withFreshCache {α : Type} (act : M α) : M α := do
  let before := (← get).cache
  modify ({ · with cache := {} })
  let value ← act
  modify ({ · with cache := before })
  return value

/-- The type of a metavariable that stands for `e` as a function of the variables `xs`. -/
def mkAuxMVarType (lctx : LocalContext) (xs : Array Expr) (_kind : MetavarKind) (e : Expr) (usedLetOnly : Bool) : M Expr :=
  mkBinding (isLambda := false) lctx xs e (usedLetOnly := usedLetOnly) (usedOnly := false) (etaReduce := false) (generalizeNondepLet := true)

end Lean.MetavarContext.MkBinding
