module

public import Lean.Data.Json.FromToJson

/-!
# Kinds of mutation

The names that people and the protocol know them by. `Index` says what each looks up, `Rewrite` and `Shape` carry them out.
-/

public section

namespace LemmaForge.Mutate

open Lean

/-- How a candidate comes from its parent. The names on the wire are those of `Kind.toString`. -/
inductive Kind where
  /-- A subterm of the conclusion or of a hypothesis is rewritten with an equation or equivalence. -/
  | rewrite
  /-- A hypothesis is replaced by what a lemma needs to prove it. -/
  | apply
  /-- The conclusion is replaced by what a lemma draws from it. -/
  | forward
  /-- A variable gets a value, or becomes another variable. -/
  | specialize
  /-- The conclusion's negation in place of a hypothesis, the hypothesis' negation as conclusion. -/
  | contrapose
  /-- One direction of an equivalence, one part of a conjunction. -/
  | split
  /-- The sides of a symmetric relation change places. -/
  | symmetry
  /-- A definition is unfolded. -/
  | unfold
  /-- A closed subterm becomes a variable that equals it. -/
  | generalize
  deriving BEq, Hashable, Inhabited

/-- The name of a kind on the wire. -/
def Kind.toString : Kind → String
  | rewrite => "rw"
  | apply => "apply"
  | forward => "forward"
  | specialize => "specialize"
  | contrapose => "contrapose"
  | split => "split"
  | symmetry => "symm"
  | unfold => "unfold"
  | generalize => "generalize"

/-- All kinds, in the order in which they take turns. -/
def Kind.all : List Kind := [rewrite, apply, forward, specialize, contrapose, split, symmetry, unfold, generalize]

instance : FromJson Kind where
  fromJson? json := do
    let name ← json.getStr?
    let some kind := Kind.all.find? (·.toString == name) | throw s!"`{name}` is no kind of mutation"
    return kind

end LemmaForge.Mutate
