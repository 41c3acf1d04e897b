module

public import LemmaForge.Stages
public import LemmaForge.Refute.Change
public import LemmaForge.Refute.Text

/-!
# Conjectures

`conjectures` makes statements that are nearly true out of a theorem, writes each so that Lean reads the same back, and finds out what it can about it: it is refuted by values, or proved by a simple
tactic, or its hypotheses contradict each other, or it stays open. Nothing counts before the judge has accepted a proof.

Kinds of change take turns, and within a kind the seed decides, so that what is made of a theorem depends on the theorem, the library and the configuration alone.
-/

public section

namespace LemmaForge.Refute

open Lean Meta Elab

/-- What to make. -/
structure ConjectureConfig where
  /-- Which kinds of change. -/
  kinds : List Kind
  /-- Orders the changes of each kind. -/
  seed : Nat
  /-- At most this many conjectures of a theorem. -/
  limit : Nat
  /-- Larger statements are thrown away; nodes of the term. -/
  size : Nat
  /-- Propositions evaluated in the search for a counterexample, at most. -/
  evaluations : Nat
  /-- Milliseconds for that search. -/
  milliseconds : Nat
  deriving FromJson

/-- A statement made from a theorem. -/
structure Conjecture where
  /-- What was changed. -/
  kind : Kind
  /-- Where: `⊢`, or the name of the hypothesis. -/
  place : String
  /-- How, for a reader. -/
  detail : String
  /-- Hash of its statement. -/
  canonical : String
  /-- What stands behind its name. -/
  signature : String
  /-- Nodes of its statement. -/
  size : Nat
  /-- What the search for a counterexample gave; `none` if the statement was proved before. -/
  found? : Option Found
  /-- A proof of it, if it is true after all. -/
  proof? : Option String

/-- What came out of a theorem. -/
structure Conjectures where
  /-- The conjectures. -/
  made : Array Conjecture := #[]
  /-- What fell out. -/
  rejected : Rejects := {}
  /-- How often each stage was entered, and nanoseconds spent in it. -/
  laps : Std.HashMap String (Nat × Nat) := {}

instance : ToJson Conjecture where
  toJson c := Json.mkObj [("kind", c.kind.toString), ("place", c.place), ("detail", c.detail), ("canonical", c.canonical), ("statement", c.signature), ("size", c.size),
    ("found", toJson c.found?), ("proof", toJson c.proof?)]

instance : ToJson Conjectures where
  toJson c := Json.mkObj (("conjectures", toJson c.made) :: stagesJson c.laps c.rejected)

/-- What one theorem is worked on with. -/
structure Workshop where
  /-- What to make. -/
  config : ConjectureConfig
  /-- Which constants may be taken for each other. -/
  siblings : Siblings
  /-- Hashes statements. -/
  canonical : Canonical
  /-- The lemmas of the library, by what they are about. -/
  relevance : MetaM Relevance
  /-- The library. -/
  state : Command.State
  /-- Stops the work. -/
  token : IO.CancelToken
  /-- Measures the stages. -/
  watch : Stopwatch

private def Workshop.run {α : Type} (w : Workshop) (act : Term.TermElabM α) : RequestM α := do
  match ← runTermElab w.state w.token act with
  | .ok value => return value
  | .error e => fail .internal (← e.toMessageData.toString)

/-- The changes of a theorem in the order of trial: kinds take turns, within a kind by a hash of the seed. -/
private def orderedChanges (w : Workshop) (theorem_ : Name) : MetaM (Array Change) := do
  let type ← withTypableNames (← getConstInfo theorem_).type
  let found ← changes w.siblings type
  let mut met := ({} : Std.HashSet Expr).insert (sameUniverses type)
  let mut new := #[]
  for change in found do
    let normal := sameUniverses change.type
    unless met.contains normal do
      met := met.insert normal
      new := new.push change
  let base := mixHash (hash w.config.seed) theorem_.hash
  let queues := w.config.kinds.toArray.map fun kind =>
    let own := (new.filter (·.kind == kind)).mapIdx fun i change => (mixHash base (mixHash (hash kind.toString) (hash i)), change)
    (own.qsort fun a b => a.1 < b.1).map (·.2)
  let longest := queues.foldl (max · ·.size) 0
  return (Array.range longest).flatMap fun i => queues.filterMap (·[i]?)

/-- A conjecture before anything is known of it. -/
private structure Written where
  type : Expr
  detail : String
  canonical : String
  /-- As Lean usually prints it. -/
  signature : String

/-- The text of a statement behind its name. -/
private def printed (type : Expr) (options : Options → Options) : Term.TermElabM String :=
  withOptions options (signatureText (collectLevelParams {} type).params.toList type)

/-- Writes a change as a statement; an error is a reason to drop it. -/
private def write (w : Workshop) (change : Change) : Term.TermElabM (Except String Written) := do
  unless ← change.isProposition do return .error "is no proposition"
  let type ← withTypableNames change.type
  if type.sizeWithoutSharing > w.config.size then return .error "too large"
  let env ← getEnv
  if type.getUsedConstants.any fun name => name.isInternalDetail || isPrivateName name || isMatcherCore env name then
    return .error "mentions a constant without a name of its own"
  let detail := (← change.what.format).pretty (width := 100000)
  return .ok { type, detail, canonical := ← w.canonical.hash env type, signature := ← printed type id }

/-- The first way to write a statement that is read back as the same: the usual one, or a more explicit one. -/
private def readBack? (w : Workshop) (theorem_ : Name) (written : Written) : RequestM (Option (String × Target)) := do
  if let some found ← reads? written.signature then return some found
  reads? (← w.run (printed written.type explicitPrinting))
where
  reads? (signature : String) : RequestM (Option (String × Target)) := do
    if signature.contains '⋯' then return none
    let name := s!"{theorem_}.conjecture_{written.canonical.take 12}"
    let .ok (.ok target) ← (Target.ofDeclaration w.state s!"theorem {name}{signature} := by sorry" w.token).run.toBaseIO | return none
    return if ← w.run (do isSame target.type written.type) then some (signature, target) else none
  isSame (read expected : Expr) : MetaM Bool := do
    if plain read == plain expected then return true
    withReducible (isDefEq read expected)

/-- Tactics that show that a conjecture is true after all: quick ones before the search, others after it. -/
private def provers (theorem_ : Name) : List String × List String :=
  (["intros; rfl", "infer_instance", "intros; omega", "intros; simp", s!"intros; simp [{theorem_}]"],
   ["intros; simp_all", s!"intros; simp_all [{theorem_}]", s!"intros; apply {theorem_} <;> first | assumption | omega | simp_all", "intros; grind", s!"intros; grind [{theorem_}]"])

private def proved? (w : Workshop) (target : Target) (tactics : List String) : RequestM (Option String) := do
  let proof? ← runTermElab { target.before with env := target.env } w.token do
    tactics.findM? fun tactic => return (← attemptWith s!"({tactic})" target.type).isSome
  match proof? with
  | .ok tactic? => return tactic?.map fun tactic => s!"by ({tactic})"
  | .error e => fail .internal (← e.toMessageData.toString)

/-- All conjectures that are made of a theorem. -/
def conjectures (w : Workshop) (theorem_ : Name) : RequestM Conjectures := do
  let order ← w.watch.measure "change" (w.run (orderedChanges w theorem_))
  let mut result : Conjectures := {}
  let mut unread := 0
  for change in order do
    if result.made.size == w.config.limit then break
    -- What its parent says cannot be written, so that the others are not tried.
    if unread == 6 then break
    match ← w.watch.measure "print" (w.run (write w change)) with
    | .error reason =>
      result := { result with rejected := ← result.rejected.add "print" reason (w.run (do return (← change.what.format).pretty)) }
    | .ok written =>
      match ← w.watch.measure "read" (readBack? w theorem_ written) with
      | none =>
        unread := unread + 1
        result := { result with rejected := ← result.rejected.add "read" "does not read back" (pure written.signature) }
      | some (signature, target) =>
        unread := 0
        let conjecture ← examined change written signature target
        result := { result with made := result.made.push conjecture }
  return { result with laps := ← w.watch.laps.get }
where
  examined (change : Change) (written : Written) (signature : String) (target : Target) : RequestM Conjecture := do
    let (quick, slow) := provers theorem_
    let conjecture : Conjecture := {
      kind := change.kind, place := change.place, detail := written.detail, canonical := written.canonical, signature, size := written.type.sizeWithoutSharing
      found? := none, proof? := none }
    if let some proof ← w.watch.measure "prove" (proved? w target quick) then return { conjecture with proof? := some proof }
    let config : Config := { evaluations := w.config.evaluations, deadline := (← IO.monoMsNow) + w.config.milliseconds }
    let found ← w.watch.measure "refute" (find config w.relevance w.state target none w.token)
    let conjecture := { conjecture with found? := some found }
    if found.proof?.isSome then return conjecture
    return { conjecture with proof? := ← w.watch.measure "prove" (proved? w target slow) }

end LemmaForge.Refute
