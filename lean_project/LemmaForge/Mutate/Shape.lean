module

public import Lean.Meta.KAbstract
public import Lean.Meta.Tactic.Unfold
public import LemmaForge.Mutate.Candidate

/-!
# Mutation without a lemma

What can be done to a statement by its shape alone: give a variable a value, pass to the contrapositive, take one direction of an equivalence or one part of a conjunction, swap the sides of a
relation, unfold a definition, put a variable in the place of a closed term.
-/

public section

namespace LemmaForge.Mutate

open Lean Meta

/-! ## Specialisation -/

/-- A value for a variable, as a term of its type and as a script writes it. -/
structure Value where
  /-- The term. -/
  term : Expr
  /-- Its text. -/
  text : String

/-- Simple values for a variable of type `type`: constants, and earlier variables of the same type (`before`). -/
def simpleValues (type : Expr) (before : Array Expr) : MetaM (Array Value) := do
  let mut values : Array Value := #[]
  match type.getAppFnArgs with
  | (``Nat, _) => values := #[⟨mkNatLit 0, "0"⟩, ⟨mkNatLit 1, "1"⟩, ⟨mkNatLit 2, "2"⟩]
  | (``Int, _) => values := #[⟨mkIntLit 0, "0"⟩, ⟨mkIntLit 1, "1"⟩, ⟨mkIntLit (-1), "(-1)"⟩]
  | (``Bool, _) => values := #[⟨.const ``true [], "true"⟩, ⟨.const ``false [], "false"⟩]
  | _ => pure ()
  for y in before do
    if (← inferType y) == type then values := values.push ⟨y, shown (← y.fvarId!.getUserName)⟩
  return values

/-- Gives the variable at `i` the value number `k`. -/
def specialize (parent : Parent) (i k : Nat) : MetaM Candidate :=
  forallBoundedTelescope parent.type i fun ys rest => do
    let .forallE name type body info := rest | throwError "no such variable"
    let some value := (← simpleValues type ys)[k]? | throwError "no such value"
    forallTelescope (body.instantiate1 value.term) fun zs conclusion => do
      let step : Step := { kind := .specialize, place := shown name, detail := s!"{shown name} := {value.text}" }
      let xs := ys ++ zs
      -- As `Opened.written` counts, the variable at `i` is still there.
      let decls ← xs.mapM (·.fvarId!.getDecl)
      let names := (decls.map (·.userName)).insertIdx! i name
      let infos := (decls.map (·.binderInfo)).insertIdx! i info
      let o : Opened := { parent, xs, conclusion, names, infos }
      let explicit := "exact " ++ o.written fun j => if i == j then some value.text else none
      let inferred := "exact " ++ o.written fun j => if i == j then some "_" else none
      assemble step xs conclusion (if info.isExplicit then [[explicit]] else [["exact " ++ o.written], [explicit], [inferred]]) false true

/-! ## Contraposition -/

/-- Takes the hypothesis at `i` and the conclusion to the other side. -/
def contrapose (o : Opened) (i : Nat) : MetaM Candidate := do
  if ← o.isUsed i then throwError "the hypothesis is used in the statement"
  if o.conclusion.isFalse then throwError "the conclusion is `False`"
  let hypothesis ← inferType o.xs[i]!
  let others := o.xs.eraseIdx! i
  let name := o.names[i]!
  let fresh := freshName o.used `hn
  let (against, isNegation) := match o.conclusion.not? with
    | some inner => (inner, true)
    | none => (mkNot o.conclusion, false)
  withLocalDeclD fresh against fun h => do
    let text := if isNegation then s!"({o.written}) {fresh}" else s!"{fresh} ({o.written})"
    let step : Step := { kind := .contrapose, place := shown name }
    match hypothesis.not? with
    | some inner =>
      assemble step (others.push h) inner [[s!"exact Classical.byContradiction fun {shown name} => {text}"]] false true
    | none =>
      assemble step (others.push h) (mkNot hypothesis) [[s!"intro {shown name}", s!"exact {text}"]] false true

/-! ## Parts and sides -/

/-- One direction of an equivalence, one part of a conjunction; `second` for the latter of the two. -/
def split (o : Opened) (second : Bool) : MetaM Candidate := do
  let parent := o.written
  if let some (a, b) := o.conclusion.iff? then
    let (from_, to, field) := if second then (b, a, "mpr") else (a, b, "mp")
    let name := freshName o.used `h
    withLocalDeclD name from_ fun h => do
      let step : Step := { kind := .split, detail := if second then "←" else "→" }
      assemble step (o.xs.push h) to [[s!"exact ({parent}).{field} {name}"]] false true
  else if let some (a, b) := o.conclusion.and? then
    let (part, field) := if second then (b, "right") else (a, "left")
    assemble { kind := .split, detail := field } o.xs part [[s!"exact ({parent}).{field}"]]
  else throwError "nothing to split"

/-- Swaps the sides of the conclusion. -/
def swap (o : Opened) : MetaM Candidate := do
  let conclusion ← match o.conclusion.getAppFnArgs with
    | (``Eq, #[_, a, b]) => mkEq b a
    | (``Ne, #[_, a, b]) => mkAppM ``Ne #[b, a]
    | (``Iff, #[a, b]) => pure (mkIff b a)
    | _ => throwError "no sides to swap"
  assemble { kind := .symmetry } o.xs conclusion [["symm", "exact " ++ o.written], [s!"exact ({o.written}).symm"]]

/-! ## Definitions and closed terms -/

/-- The definitions in the conclusion that can be unfolded. -/
def unfoldable (o : Opened) : MetaM (Array Name) := do
  let env ← getEnv
  o.conclusion.getUsedConstants.filterM fun name => do
    let some (.defnInfo _) := env.find? name | return false
    return isPublicName name && !(← isInstance name) && !(← isReducible name) && !isMatcherCore env name && !env.isProjectionFn name

/-- Unfolds a definition in the conclusion. -/
def unfoldIn (o : Opened) (name : Name) : MetaM Candidate := do
  let result ← Meta.unfold o.conclusion name
  let new := result.expr.headBeta
  if new == o.conclusion then throwError "changes nothing"
  let scripts := [["have := " ++ o.written, s!"unfold {shown name} at this", "exact this"], ["exact " ++ o.written]]
  assemble { kind := .unfold, detail := shown name } o.xs new scripts

/-- Closed subterms of the conclusion that are values, each once. -/
partial def closedValues (o : Opened) : MetaM (Array Expr) := do
  let (_, found) ← (visit o.conclusion).run #[]
  found.filterM fun e => do
    let type ← inferType e
    return !type.isSort && !(← isProp type) && (← isClass? type).isNone && !type.isForall
where
  visit (e : Expr) : StateT (Array Expr) MetaM Unit := do
    match e with
    | .app f a =>
      if !e.hasFVar && !e.hasLooseBVars then
        unless (← get).contains e do modify (·.push e)
        -- Inside a numeral there is nothing of interest.
        if e.isAppOfArity ``OfNat.ofNat 3 then return
      visit f
      visit a
    | .lam _ t b _ | .forallE _ t b _ => visit t; visit b
    | .mdata _ e | .proj _ _ e => visit e
    | _ => return

/-- Puts a variable with an equation in the place of a closed term. -/
def generalize (o : Opened) (value : Expr) : MetaM Candidate := do
  let body ← kabstract o.conclusion value
  unless body.hasLooseBVars do throwError "changes nothing"
  let type ← inferType value
  let name := freshName o.used `x
  let equation := freshName (o.used.insert name) `hx
  withLocalDeclD name type fun x => do
    withLocalDeclD equation (← mkEq x value) fun h => do
      let detail := s!"{name} := {(← ppExpr value).pretty}"
      assemble { kind := .generalize, detail } (o.xs ++ #[x, h]) (body.instantiate1 x) [[s!"subst {equation}", "exact " ++ o.written]]

end LemmaForge.Mutate
