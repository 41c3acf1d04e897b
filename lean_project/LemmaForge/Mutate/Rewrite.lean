module

public import Lean.Meta.Tactic.Rewrite
public import LemmaForge.Mutate.Candidate

/-!
# Mutation by a lemma

`rewrite` changes a subterm of the conclusion or of a hypothesis with an equation. `replace` puts what a lemma needs in the place of a hypothesis that it proves. `draw` puts what a lemma concludes
in the place of the conclusion.

The subterm is chosen first and the lemma's pattern unified with it, so that every place has its turn and not only the first that fits.
-/

public section

namespace LemmaForge.Mutate

open Lean Meta

/-- A lemma with open arguments. -/
private structure Instance where
  name : Name
  args : Array Expr
  infos : Array BinderInfo
  conclusion : Expr
  term : Expr

private def instantiated (name : Name) : MetaM Instance := do
  let lemma ← mkConstWithFreshMVarLevels name
  let (args, infos, conclusion) ← forallMetaTelescope (← inferType lemma)
  return { name, args, infos, conclusion, term := mkAppN lemma args }

/-- The lemma applied, as a script writes it: variables by name, `_` for the rest. -/
private def Instance.written (l : Instance) (other : Nat → Option String := fun _ => none) : MetaM String := do
  let mut text := shown l.name
  for arg in l.args, info in l.infos, i in [0:l.args.size] do
    unless info.isExplicit do continue
    let value ← match other i with
      | some value => pure value
      | none => match ← instantiateMVars arg with
        | .fvar id => pure (shown (← id.getUserName))
        | _ => pure "_"
    text := text ++ s!" {value}"
  return text

private def unify (pattern e : Expr) : MetaM Unit := do
  unless ← withTransparency .instances (isDefEq pattern e) do throwError "does not unify"

/-- Rewrites `e` at its subterm `s`; gives the lemma and the new expression. -/
private def rewritten (e s : Expr) (side : Side) : MetaM (Instance × Expr) := do
  let l ← instantiated side.lemma
  let some (left, right) := (l.conclusion.eq?.map (·.2)) <|> l.conclusion.iff? | throwError "not an equation"
  unify (if side.reverse then right else left) s
  let goal ← mkFreshExprMVar e
  let result ← goal.mvarId!.rewrite e l.term side.reverse
  let new ← instantiateMVars result.eNew
  if new == e then throwError "changes nothing"
  return (l, new)

/-- What `rw` writes before a lemma. -/
private def arrow (reverse : Bool) : String := if reverse then "← " else ""

/-- Closes the conditions that a tactic leaves, when there are any. -/
private def rest (areProofs : Array Bool) : List String := if areProofs.contains true then ["all_goals assumption"] else []

/-- Rewrites the conclusion, or the hypothesis `at?`, at the subterm `s`. -/
def rewrite (o : Opened) (at? : Option Nat) (s : Expr) (side : Side) : MetaM Candidate := do
  let e ← match at? with
    | none => pure o.conclusion
    | some i => inferType o.xs[i]!
  let (l, new) ← rewritten e s side
  let step : Step := { kind := .rewrite, lemma? := side.lemma, reverse := side.reverse, place := at?.elim "⊢" fun i => shown o.names[i]! }
  withOpenAsVariables o.used l.term fun vars areProofs => do
    let new ← instantiateMVars new
    let sideGoals := areProofs.contains true
    let lemma := shown side.lemma
    match at? with
    | none =>
      let forward := ["have := " ++ o.written, s!"rw [{arrow side.reverse}{lemma}] at this", "exact this"]
      let scripts := [
        [s!"rw [{arrow !side.reverse}{lemma}]", "exact " ++ o.written] ++ rest areProofs, forward ++ rest areProofs,
        ["have := " ++ o.written, s!"rw [{arrow side.reverse}{← l.written}] at this", "exact this"] ++ rest areProofs]
      assemble step (o.xs ++ vars) new scripts sideGoals sideGoals
    | some i =>
      if ← o.isUsed i then throwError "the hypothesis is used in the statement"
      withLocalDecl o.names[i]! o.infos[i]! new fun h => do
        let name := shown o.names[i]!
        let scripts := [
          [s!"rw [{arrow !side.reverse}{lemma}] at {name}", "exact " ++ o.written] ++ rest areProofs,
          ["exact " ++ o.written fun j => if i == j then some s!"(by rw [{arrow side.reverse}{lemma}]; exact {name})" else none] ++ rest areProofs]
        assemble step (o.xs.extract 0 i ++ vars ++ #[h] ++ o.xs.extract (i + 1) o.xs.size) o.conclusion scripts sideGoals true

/-- Puts what `lemma` needs in the place of the hypothesis at `i`. -/
def replace (o : Opened) (i : Nat) (lemma : Name) : MetaM Candidate := do
  if ← o.isUsed i then throwError "the hypothesis is used in the statement"
  let l ← instantiated lemma
  unify l.conclusion (← inferType o.xs[i]!)
  let used := o.used.erase o.names[i]!
  withOpenAsVariables used l.term fun vars areProofs => do
    let step : Step := { kind := .apply, lemma? := lemma, place := shown o.names[i]! }
    let argument (text : String) := "exact " ++ o.written fun j => if i == j then some text else none
    let scripts := [[argument s!"({← l.written})"], [argument s!"(by apply {shown lemma} <;> assumption)"]]
    assemble step (o.xs.extract 0 i ++ vars ++ o.xs.extract (i + 1) o.xs.size) o.conclusion scripts (areProofs.contains true) true

/-- Puts what a lemma draws from the conclusion in its place. -/
def draw (o : Opened) (antecedent : Antecedent) : MetaM Candidate := do
  let l ← instantiated antecedent.lemma
  let arg := l.args[antecedent.position]!
  unify (← inferType arg) o.conclusion
  unify arg (o.apply o.xs)
  withOpenAsVariables o.used l.term fun vars areProofs => do
    let step : Step := { kind := .forward, lemma? := antecedent.lemma, detail := s!"argument {antecedent.position + 1}" }
    let given := some s!"({o.written})"
    let scripts := [["exact " ++ (← l.written fun j => if j == antecedent.position then given else none)],
      ["have := " ++ o.written, s!"apply {shown antecedent.lemma} <;> assumption"]]
    assemble step (o.xs ++ vars) l.conclusion scripts (areProofs.contains true) (areProofs.contains true)

end LemmaForge.Mutate
