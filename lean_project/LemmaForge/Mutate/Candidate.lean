module

public import Lean.Meta.AppBuilder
public import Lean.Meta.CollectMVars
public import Lean.Meta.Tactic.Util
public import LemmaForge.Signature
public import LemmaForge.Mutate.Index

/-!
# From a theorem to a candidate

A mutation takes a *parent* (a statement with a closed proof term) apart into variables and conclusion, changes something, and puts a *candidate* together: a closed statement, and tactic scripts
that should prove it from the parent. Nothing here is trusted: a script of every candidate goes through the elaborator afterwards, and the term that it makes through the kernel.

What a lemma leaves open (values it does not determine, conditions) becomes variables of the candidate.
-/

public section

namespace LemmaForge.Mutate

open Lean Meta

/-- A step of a lineage. -/
structure Step where
  /-- Which kind. -/
  kind : Kind
  /-- `⊢`, or the name of the hypothesis. -/
  place : String := "⊢"
  /-- The lemma used. -/
  lemma? : Option Name := none
  /-- From right to left. -/
  reverse : Bool := false
  /-- Which subterm, which value. -/
  detail : String := ""
  deriving Inhabited

instance : ToJson Step where
  toJson s := Json.mkObj [("kind", s.kind.toString), ("place", s.place), ("lemma", toJson (s.lemma?.map toString)), ("reverse", s.reverse), ("detail", s.detail)]

/-- A theorem to be mutated. -/
structure Parent where
  /-- What a script calls it. -/
  written : String
  /-- Universe parameters. -/
  levelParams : List Name
  /-- The statement, its variables with names that can be typed. -/
  type : Expr
  /-- A closed proof. -/
  proof : Expr
  /-- How it came about itself, when it is a mutant. -/
  steps : Array Step := #[]
  /-- Lines of tactics that prove it under the name `written`, when it is a mutant. -/
  preamble : Array String := #[]

/-- A new statement, and how it might be proved. -/
structure Candidate where
  /-- How it was made. -/
  step : Step
  /-- The closed statement. -/
  type : Expr
  /-- Its universe parameters. -/
  levelParams : List Name
  /-- Scripts that should prove it, each a list of lines, best first. -/
  scripts : List (List String)
  /-- Conditions of a lemma became hypotheses. -/
  sideGoals : Bool := false
  /-- Its hypotheses are not those of the parent. -/
  newHypotheses : Bool := false

/-- A parent taken apart: its variables, their kinds of binders, its conclusion. -/
structure Opened where
  /-- The parent. -/
  parent : Parent
  /-- Its variables. -/
  xs : Array Expr
  /-- How each is bound. -/
  infos : Array BinderInfo
  /-- Its conclusion. -/
  conclusion : Expr
  /-- The names of its variables. -/
  names : Array Name

/-- Takes a parent apart. -/
def Parent.open {α : Type} {m : Type → Type} [Monad m] [MonadLiftT MetaM m] [MonadControlT MetaM m] (parent : Parent) (act : Opened → m α) : m α :=
  forallTelescope parent.type fun xs conclusion => do
    let decls ← (xs.mapM (·.fvarId!.getDecl) : MetaM _)
    act { parent, xs, conclusion, infos := decls.map (·.binderInfo), names := decls.map (·.userName) }

/-- The names that are taken. -/
def Opened.used (o : Opened) : NameSet := o.names.foldl (·.insert ·) {}

/-- The parent's proof for these values of its variables. -/
def Opened.apply (o : Opened) (args : Array Expr) : Expr := mkAppN o.parent.proof args

/-- A name as a script writes it. -/
def shown (name : Name) : String := name.toString

/-- The parent applied, as a script writes it: explicit arguments by name, except where `other` says otherwise. -/
def Opened.written (o : Opened) (other : Nat → Option String := fun _ => none) : String := Id.run do
  let mut text := o.parent.written
  for name in o.names, info in o.infos, i in [0:o.names.size] do
    match other i with
    | some value => text := text ++ (if info.isExplicit then s!" {value}" else s!" ({shown name} := {value})")
    | none => if info.isExplicit then text := text ++ s!" {shown name}"
  return text

/-- Whether a later variable or the conclusion mentions the variable at `i`. -/
def Opened.isUsed (o : Opened) (i : Nat) : MetaM Bool := do
  let x := o.xs[i]!.fvarId!
  if o.conclusion.containsFVar x then return true
  for y in o.xs.toSubarray (i + 1) do
    if (← inferType y).containsFVar x then return true
  return false

/-- Turns what is still open in `e` into variables, and hands them over with `e`. Variables are named after the arguments of the lemma. Fails if a type is left open, or an instance that cannot be found. -/
def withOpenAsVariables {α : Type} (used : NameSet) (e : Expr) (act : Array Expr → Array Bool → MetaM α) : MetaM α := do
  let e ← instantiateMVars e
  go used (← getMVars e) #[] #[] 16
where
  go (used : NameSet) (open_ : Array MVarId) (xs : Array Expr) (areProofs : Array Bool) : Nat → MetaM α
    | 0 => throwError "too much is left open"
    | fuel + 1 => do
      let open_ ← open_.filterM fun m => return !(← m.isAssigned)
      if open_.isEmpty then return ← act xs areProofs
      let mut ready? := none
      let mut more := #[]
      for m in open_ do
        let type ← instantiateMVars (← m.getType)
        let inside ← getMVars type
        if inside.isEmpty then
          ready? := some (m, type)
          break
        more := more ++ inside
      let some (m, type) := ready?
        | go used (more ++ open_) xs areProofs fuel
      if (← isClass? type).isSome then
        let instance_ ← synthInstance type
        m.assign instance_
        return ← go used open_ xs areProofs fuel
      if type.isSort then throwError "a type is left open"
      let isProof ← isProp type
      let base := (← m.getTag).eraseMacroScopes
      let base := if base.isAnonymous || base.isInternal || !base.isAtomic then (if isProof then `h else `x) else base
      let name := freshName used base
      withLocalDecl name .default type fun x => do
        m.assign x
        go (used.insert name) open_ (xs.push x) (areProofs.push isProof) fuel

/-- Puts a candidate together from its variables, conclusion and scripts. -/
def assemble (step : Step) (xs : Array Expr) (conclusion : Expr) (scripts : List (List String)) (sideGoals newHypotheses : Bool := false) : MetaM Candidate := do
  let type ← instantiateMVars (← mkForallFVars xs (← instantiateMVars conclusion))
  if type.hasMVar || type.hasFVar then throwError "something is left open"
  let levelParams := (collectLevelParams {} type).params.toList
  let type ← withTypableNames type
  return { step, type, levelParams, sideGoals, newHypotheses, scripts := scripts.map (reverted xs.size type ++ ·) }
where
  /-- A conclusion that is a `∀` lends its variables to the signature; a script starts before them. -/
  reverted (n : Nat) (type : Expr) : List String :=
    match n, type with
    | n + 1, .forallE _ _ b _ => reverted n b
    | 0, .forallE .. => ["revert " ++ " ".intercalate (names type)]
    | _, _ => []
  names : Expr → List String
    | .forallE n _ b _ => shown n :: names b
    | _ => []

end LemmaForge.Mutate
