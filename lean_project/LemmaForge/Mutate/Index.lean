module

public import Lean.Meta.DiscrTree
public import Lean.Linter.Deprecated
public import LemmaForge.Releases
public import LemmaForge.Canonical
public import LemmaForge.Mutate.Kind

/-!
# Which lemmas can change a statement here

Trying every lemma on every theorem is hopeless: a library of 24,000 theorems makes half a billion pairs. Three discrimination trees answer instead, each in microseconds:

* `sides`: both sides of every equation and equivalence, for rewriting a subterm;
* `conclusions`: what a lemma proves, for replacing a hypothesis by what the lemma needs;
* `antecedents`: what a lemma needs, for drawing a further conclusion.

A tree answers by shape; whether a lemma really fits is found by unification later. Patterns that match everything, or every equation, are left out. Only the trees that the wanted kinds of mutation ask
are filled: each costs seconds for a large library.
-/

public section

namespace LemmaForge.Mutate

open Lean Meta

/-- A side of an equation. -/
structure Side where
  /-- The lemma. -/
  lemma : Name
  /-- The pattern is the right side, so the lemma is used from right to left. -/
  reverse : Bool
  deriving BEq, Inhabited

/-- An antecedent of a lemma. -/
structure Antecedent where
  /-- The lemma. -/
  lemma : Name
  /-- Which of its arguments. -/
  position : Nat
  deriving BEq, Inhabited

/-- The lemmas of a library, by shape, and its statements. -/
structure Index where
  /-- The kinds of mutation that it serves. -/
  kinds : List Kind := Kind.all
  /-- Sides of equations and equivalences. -/
  sides : DiscrTree Side := {}
  /-- Conclusions. -/
  conclusions : DiscrTree Name := {}
  /-- Explicit antecedents. -/
  antecedents : DiscrTree Antecedent := {}
  /-- All statements, up to names of variables and universes. -/
  statements : Std.HashSet Expr := {}
  /-- How many lemmas there are in it. -/
  size : Nat := 0

/-- Last components of names that Lean gives to facts about definitions, for its own use. -/
private def automatic : List String := ["sizeOf_spec", "injEq", "congr_simp", "eq_def", "eq_unfold", "induct", "induct_unfolding", "fun_cases", "fun_cases_unfolding"]

/-- Components of names of what is local to an implementation. -/
private def local_ : List String := ["go", "loop", "Internal", "Impl"]

/-- Whether `name` is for people to use: no private constant, none that Lean made for itself, none of Lean's own implementation. -/
def isPublicName (name : Name) : Bool :=
  !name.isInternalDetail && !isPrivateName name && !name.hasMacroScopes && name.getRoot != `Lean && name.getRoot != `LemmaForge && isForPeople name
where
  isForPeople : Name → Bool
    | .str rest last => !automatic.contains last && !isEquation last && isOutside rest
    | _ => false
  isOutside : Name → Bool
    | .str rest part => !local_.contains part && isOutside rest
    | .num rest _ => isOutside rest
    | .anonymous => true
  isEquation (last : String) : Bool := last.startsWith "eq_" && (last.drop 3).all Char.isDigit

/-- Whether a constant is a theorem, though a library file may show it without its proof, as an axiom. -/
def isTheorem (env : Environment) (info : ConstantInfo) : Bool :=
  match info with
  | .thmInfo _ => true
  | .axiomInfo _ => wasOriginallyTheorem env info.name
  | _ => false

/-- Whether a pattern says too little to look anything up by it. -/
private def tooGeneral : Array DiscrTree.Key → Bool
  | #[.star] | #[.other] | #[.const ``False 0] | #[.const ``True 0] | #[.const ``Not 1, .star] => true
  | #[.const ``Iff 2, .star, .star] | #[.const ``And 2, .star, .star] | #[.const ``Or 2, .star, .star] => true
  | #[.const ``Eq 3, _, .star, .star] | #[.const ``Ne 3, _, .star, .star] | #[.const ``HEq 4, _, .star, _, .star] => true
  | #[.const ``Exists 2, .star, .star] => true
  | keys => keys[0]? == some .star

private def Index.addSides (index : Index) (name : Name) (conclusion : Expr) : MetaM Index := do
  let some (left, right) := (conclusion.eq?.map (·.2)).or conclusion.iff? | return index
  let mut sides := index.sides
  for (side, reverse) in [(left, false), (right, true)] do
    let keys ← DiscrTree.mkPath side
    unless tooGeneral keys do sides := insertInto sides keys { lemma := name, reverse }
  return { index with sides }

private def Index.addConclusion (index : Index) (name : Name) (conclusion : Expr) : MetaM Index := do
  let keys ← DiscrTree.mkPath conclusion
  return if tooGeneral keys then index else { index with conclusions := insertInto index.conclusions keys name }

private def Index.addAntecedents (index : Index) (name : Name) (args : Array Expr) (infos : Array BinderInfo) : MetaM Index := do
  let mut antecedents := index.antecedents
  for arg in args, info in infos, position in [0:args.size] do
    unless info.isExplicit do continue
    let antecedent ← inferType arg
    unless ← isProp antecedent do continue
    let keys ← DiscrTree.mkPath antecedent
    unless tooGeneral keys do antecedents := insertInto antecedents keys { lemma := name, position }
  return { index with antecedents }

private def Index.add (index : Index) (lookingUp : List Kind) (name : Name) (type : Expr) : MetaM Index := do
  let index := { index with size := index.size + 1 }
  if lookingUp.isEmpty then return index
  let (args, infos, conclusion) ← forallMetaTelescope type
  lookingUp.foldlM (init := index) fun index kind => match kind with
    | .rewrite => index.addSides name conclusion
    | .apply => index.addConclusion name conclusion
    | _ => index.addAntecedents name args infos

/-- Indexes the theorems of an environment for some kinds of mutation. Those in `holdout` are not offered as lemmas, though their statements count as known. -/
def Index.build (kinds : List Kind) (holdout : NameSet) : MetaM Index := do
  let env ← getEnv
  let lookingUp := kinds.filter [Kind.rewrite, .apply, .forward].contains
  let mut index : Index := { kinds }
  for (name, info) in env.constants.map₁.toList do
    unless isTheorem env info && isPublicName name do continue
    index := { index with statements := index.statements.insert (sameUniverses info.type) }
    if holdout.contains name || Linter.isDeprecated env name then continue
    index ← try index.add lookingUp name info.type catch _ => pure index
    setMCtx {}
  return index

end LemmaForge.Mutate
