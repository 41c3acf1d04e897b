module

public import LemmaForge.Mutate.Filter
public import LemmaForge.Mutate.Rewrite
public import LemmaForge.Mutate.Shape

/-!
# All mutants of a theorem

`harvest` proposes, builds, filters and writes. *Proposals* are cheap: a kind, a place, a lemma from the index. They are put in an order that depends on the seed and on nothing else, kinds taking turns, and
tried until enough candidates have been found. So what is found depends on the theorem, the library and the configuration, and not on what the process did before: a run that is
interrupted and resumed finds what an unbroken one finds.

Each candidate passes the stages `build`, `size`, `duplicate`, `kernel`, `vacuous`, `text`; what falls out is counted under its stage and reason.
-/

public section

namespace LemmaForge.Mutate

open Lean Meta Elab

/-- What to make. -/
structure Config where
  /-- Which kinds. -/
  kinds : List Kind := Kind.all
  /-- Orders the proposals. -/
  seed : Nat := 0
  /-- At most this many candidates of a theorem are written out; a mutant that is mutated again gets as many less as it is deeper. -/
  limit : Nat := 24
  /-- Steps from a library's theorem. -/
  depth : Nat := 1
  /-- How many mutants of a theorem are mutated again, when there is a further step. -/
  branch : Nat := 2
  /-- Larger statements are thrown away; nodes of the term. -/
  size : Nat := 300
  /-- Lean's `maxHeartbeats` for building and for writing a candidate. -/
  heartbeats : Nat := 20000
  /-- The same for each test of whether it is worth having. -/
  budget : Nat := 1000

instance : FromJson Config where
  fromJson? json := do
    let standard : Config := {}
    let given {α : Type} [FromJson α] (name : String) (otherwise : α) : Except String α :=
      match json.getObjVal? name with
      | .ok value => fromJson? value
      | .error _ => return otherwise
    return {
      kinds := ← given "kinds" standard.kinds, seed := ← given "seed" standard.seed, limit := ← given "limit" standard.limit, depth := ← given "depth" standard.depth
      branch := ← given "branch" standard.branch, size := ← given "size" standard.size, heartbeats := ← given "heartbeats" standard.heartbeats
      budget := ← given "budget" standard.budget }

/-- Candidates that fell out. -/
structure Rejected where
  /-- How many. -/
  count : Nat
  /-- One of them. -/
  example_ : String

/-- A mutant, written. -/
structure Mutant where
  /-- Hash of its statement. -/
  canonical : String
  /-- Its lineage. -/
  steps : Array Step
  /-- What stands behind its name. -/
  signature : String
  /-- Its proof. -/
  proof : String
  /-- What else is known. -/
  marks : List String
  /-- Nodes of its statement. -/
  size : Nat

/-- What came out of a theorem, so far. -/
structure Harvest where
  /-- The mutants. -/
  mutants : Array Mutant := #[]
  /-- What fell out, by stage and reason. -/
  rejected : Std.HashMap (String × String) Rejected := {}
  /-- Candidates that entered each stage. -/
  counts : Std.HashMap String Nat := {}
  /-- Nanoseconds spent in each stage. -/
  nanoseconds : Std.HashMap String Nat := {}
  /-- Statements met. -/
  met : Std.HashSet Expr := {}

/-- What a harvest goes by. -/
structure Context where
  /-- The library. -/
  index : Index
  /-- What to make. -/
  config : Config
  /-- Hashes statements. -/
  canonical : Canonical

/-- The monad of a harvest. -/
abbrev HarvestM := ReaderT Context (StateRefT Harvest TermElabM)

/-- Something to try. -/
structure Proposal where
  /-- Its kind. -/
  kind : Kind
  /-- Its place in the order. -/
  key : UInt64
  /-- What a reader sees of it. -/
  what : String
  /-- Makes the candidate. -/
  build : MetaM Candidate

private def measured {α : Type} (stage : String) (act : HarvestM α) : HarvestM α := do
  let began ← IO.monoNanosNow
  let result ← act
  let spent := (← IO.monoNanosNow) - began
  modify fun h => { h with
    counts := h.counts.alter stage fun n => some (n.getD 0 + 1)
    nanoseconds := h.nanoseconds.alter stage fun n => some (n.getD 0 + spent) }
  return result

private def fallsOut (stage reason : String) (what : String) : HarvestM Unit :=
  modify fun h => { h with rejected := h.rejected.alter (stage, reason) fun
    | some r => some { r with count := r.count + 1 }
    | none => some { count := 1, example_ := what } }

/-! ## Proposals -/

/-- Distinct subterms that are applications without loose variables. -/
private partial def subterms (e : Expr) : Array Expr :=
  ((go e).run (#[], {})).2.1
where
  go (e : Expr) : StateM (Array Expr × Std.HashSet Expr) Unit := do
    if (← get).2.contains e then return
    modify fun (found, seen) => (found, seen.insert e)
    match e with
    | .app f a =>
      unless e.hasLooseBVars do modify fun (found, seen) => (found.push e, seen)
      go f
      go a
    | .lam _ t b _ | .forallE _ t b _ => go t; go b
    | .letE _ t v b _ => go t; go v; go b
    | .mdata _ e | .proj _ _ e => go e
    | _ => return

/-- What proposals for one parent have in common. -/
private structure Proposer where
  context : Context
  root : Name
  opened : Opened
  /-- Hash of the seed and of the parent's lineage. -/
  base : UInt64
  /-- Which variables are proofs. -/
  hypotheses : Array Nat

private def Proposer.start (context : Context) (root : Name) (opened : Opened) : MetaM Proposer := do
  let base := opened.parent.steps.foldl (init := mixHash (hash context.config.seed) root.hash) fun h s =>
    [hash s.kind.toString, hash s.place, hash s.lemma?, hash s.reverse, hash s.detail].foldl mixHash h
  let hypotheses ← (Array.range opened.xs.size).filterM fun i => do isProp (← inferType opened.xs[i]!)
  return { context, root, opened, base, hypotheses }

/-- A proposal; its key depends on what it proposes alone. -/
private def Proposer.propose (p : Proposer) (kind : Kind) (what : String) (data : List Nat) (build : MetaM Candidate) (lemma : Name := .anonymous) : Proposal :=
  let key := data.foldl (init := mixHash (mixHash p.base (hash kind.toString)) lemma.hash) fun h n => mixHash h (hash n)
  { kind, key, what := if lemma.isAnonymous then s!"{kind.toString} {what}" else s!"{kind.toString} {lemma} {what}", build }

private def Proposer.rewriting (p : Proposer) : MetaM (Array Proposal) := do
  let o := p.opened
  let mut found := #[]
  let places : Array (Option Nat) := #[none] ++ p.hypotheses.map some
  for place in places do
    let terms := subterms (← place.elim (pure o.conclusion) fun i => inferType o.xs[i]!)
    for s in terms, j in [0:terms.size] do
      for side in ← p.context.index.sides.getMatch s do
        unless side.lemma == p.root do
          let what := (if side.reverse then "← " else "") ++ place.elim "" fun i => s!"at {o.names[i]!}"
          found := found.push (p.propose .rewrite what [place.elim 0 (· + 1), j, side.reverse.toNat] (rewrite o place s side) side.lemma)
  return found

private def Proposer.applying (p : Proposer) : MetaM (Array Proposal) := do
  let o := p.opened
  let mut found := #[]
  for i in p.hypotheses do
    for lemma in ← p.context.index.conclusions.getMatch (← inferType o.xs[i]!) do
      unless lemma == p.root do
        found := found.push (p.propose .apply s!"at {o.names[i]!}" [i] (replace o i lemma) lemma)
  return found

private def Proposer.drawing (p : Proposer) : MetaM (Array Proposal) := do
  let matches_ ← p.context.index.antecedents.getMatch p.opened.conclusion
  return (matches_.filter (·.lemma != p.root)).map fun a => p.propose .forward "" [a.position] (draw p.opened a) a.lemma

private def Proposer.specializing (p : Proposer) : MetaM (Array Proposal) := do
  let o := p.opened
  let mut found := #[]
  for x in o.xs, i in [0:o.xs.size] do
    if p.hypotheses.contains i then continue
    let values ← simpleValues (← inferType x) (o.xs.extract 0 i)
    for value in values, k in [0:values.size] do
      found := found.push (p.propose .specialize s!"{o.names[i]!} := {value.text}" [i, k] (specialize o.parent i k))
  return found

/-- Kinds that look at the form of the statement alone. -/
private def Proposer.reshaping (p : Proposer) : Kind → MetaM (Array Proposal)
  | .contrapose => return p.hypotheses.map fun i => p.propose .contrapose s!"{p.opened.names[i]!}" [i] (contrapose p.opened i)
  | .split => do
    let o := p.opened
    unless o.conclusion.iff?.isSome || o.conclusion.and?.isSome do return #[]
    return #[false, true].map fun second => p.propose .split "" [second.toNat] (split o second)
  | .symmetry => do
    let o := p.opened
    unless o.conclusion.eq?.isSome || o.conclusion.iff?.isSome || o.conclusion.isAppOf ``Ne do return #[]
    return #[p.propose .symmetry "" [] (swap o)]
  | .unfold => return (← unfoldable p.opened).map fun name => p.propose .unfold s!"{name}" [name.hash.toNat] (unfoldIn p.opened name)
  | .generalize => return (← closedValues p.opened).mapIdx fun j value => p.propose .generalize "" [j] (generalize p.opened value)
  | _ => return #[]

/-- All that could be tried on a parent. -/
private def proposals (context : Context) (root : Name) (o : Opened) : MetaM (Array Proposal) := do
  let p ← Proposer.start context root o
  context.config.kinds.toArray.flatMapM fun
    | .rewrite => p.rewriting
    | .apply => p.applying
    | .forward => p.drawing
    | .specialize => p.specializing
    | kind => p.reshaping kind

/-- The order of trial: kinds take turns, within a kind by key. -/
private def inTurns (found : Array Proposal) : Array Proposal := Id.run do
  let mut queues := (Kind.all.map fun kind => (found.filter (·.kind == kind)).qsort (·.key < ·.key)).toArray
  let mut order := #[]
  let longest := queues.foldl (max · ·.size) 0
  for i in [0:longest] do
    for queue in queues do
      if let some p := queue[i]? then order := order.push p
  return order

/-! ## Stages -/

private def reasons : List String := ["does not unify", "changes nothing", "the hypothesis is used in the statement", "something is left open", "a universe is left open", "a type is left open", "too much is left open", "heartbeats"]

/-- A short name for why a candidate could not be built. -/
private def classOf (message : String) : String :=
  (reasons.find? fun reason => message.startsWith reason).getD <|
    if message.startsWith "motive is not type correct" || (message.splitOn "motive is not type correct").length > 1 then "motive is not type correct"
    else if message.startsWith "failed to synthesize" then "no instance" else "other"

/-- Whether a candidate is new, not too large, and true by the kernel. -/
private def isSound (what : String) (c : Candidate) : HarvestM Bool := do
  let context ← read
  if c.type.sizeWithoutSharing > context.config.size then
    fallsOut "size" "too large" what
    return false
  let normal := sameUniverses c.type
  if context.index.statements.contains normal then
    fallsOut "duplicate" "of a theorem of the library" what
    return false
  if (← get).met.contains normal then
    fallsOut "duplicate" "of a mutant of the same theorem" what
    return false
  modify fun h => { h with met := h.met.insert normal }
  if let .error e ← measured "kernel" (kernelAccepts c.levelParams c.type c.proof : CoreM _) then
    fallsOut "kernel" "refused" s!"{what}: {e}"
    return false
  return true

/-- Tests and writes a sound candidate. Returns it with the parent that it can be itself. -/
private def written? (parent : Parent) (what : String) (c : Candidate) : HarvestM (Option (Mutant × Parent)) := do
  let config := (← read).config
  if c.newHypotheses then
    if ← measured "vacuous" (isVacuous c.type config.budget : TermElabM _) then
      fallsOut "vacuous" "hypotheses contradict each other" what
      return none
  match ← measured "text" (c.readable parent.preamble config.heartbeats : TermElabM _) with
  | .error (.reading e) => fallsOut "text" (if e.startsWith "reads differently" then e else "does not read back") s!"{what}: {e}"; return none
  | .error (.script e) => fallsOut "text" "no script" s!"{what}: {e}"; return none
  | .error (.kernel e) => fallsOut "text" "the kernel refuses the script" s!"{what}: {e}"; return none
  | .ok text =>
    let trivial? ← measured "trivial" (trivially? c.type config.budget : TermElabM _)
    let canonical ← measured "hash" do return ← (← read).canonical.hash (← getEnv) c.type
    let marks := (if c.sideGoals then ["side-goals"] else []) ++ trivial?.toList.map ("trivial:" ++ ·)
    let mutant := { canonical, steps := parent.steps.push c.step, signature := text.signature, proof := byBlock text.script, marks, size := c.type.sizeWithoutSharing }
    return some (mutant, asParent parent c text)
where
  /-- A mutant is no constant, so a proof that builds on it has it as a `have` first. -/
  asParent (parent : Parent) (c : Candidate) (text : Readable) : Parent :=
    let name := s!"step_{parent.steps.size + 1}"
    let have_ := s!"have {name}{(withoutLevels text.signature).replace "\n" "\n  "} := by"
    let own := (text.script.drop parent.preamble.size).map ("  " ++ ·)
    { written := name, levelParams := c.levelParams, type := c.type, proof := c.proof, steps := parent.steps.push c.step, preamble := parent.preamble ++ #[have_] ++ own }
  withoutLevels (signature : String) : String :=
    if signature.startsWith ".{" then ((signature.dropWhile (· != '}')).drop 1).toString else signature

/-- Tries the proposals for a parent, and returns the mutants that can be parents in turn. -/
private def firstStep (root : Name) (parent : Parent) (limit : Nat) : HarvestM (Array Parent) :=
  forallTelescope parent.type fun xs conclusion => do
    let context ← read
    let decls ← xs.mapM (·.fvarId!.getDecl)
    let o : Opened := { parent, xs, conclusion, infos := decls.map (·.binderInfo), names := decls.map (·.userName) }
    let order ← measured "propose" do return inTurns (← proposals context root o)
    let mut taken := 0
    let mut children := #[]
    for p in order.toSubarray 0 (min order.size (limit * 20)) do
      if taken == limit then break
      match ← measured "build" (attempt context.config.heartbeats p.build : TermElabM _) with
      | .error e => fallsOut "build" (classOf e) s!"{p.what}: {e}"
      | .ok c =>
        unless ← withLCtx {} {} (isSound p.what c) do continue
        taken := taken + 1
        let some (mutant, child) ← withLCtx {} {} (written? parent p.what c) | continue
        modify fun h => { h with mutants := h.mutants.push mutant }
        unless mutant.marks.any (·.startsWith "trivial:") do children := children.push child
    return children

/-- Mutates a parent, and its mutants again as far as the configuration says. -/
private partial def mutate (root : Name) (parent : Parent) (limit : Nat) : HarvestM Unit := do
  let config := (← read).config
  let children ← firstStep root parent limit
  if parent.steps.size + 1 < config.depth then
    for child in children.toSubarray 0 (min children.size config.branch) do
      mutate root child (max 1 (limit / 2))

/-- All mutants of a theorem of the library. -/
def harvest (context : Context) (theorem_ : Name) : TermElabM Harvest := do
  let info ← getConstInfo theorem_
  let type ← withTypableNames info.type
  let parent := { written := shown theorem_, levelParams := info.levelParams, type, proof := .const theorem_ (info.levelParams.map .param) }
  let ((), h) ← (mutate theorem_ parent context.config.limit).run context |>.run { met := ({} : Std.HashSet Expr).insert (sameUniverses type) }
  return h

instance : ToJson Mutant where
  toJson m := Json.mkObj [("canonical", m.canonical), ("steps", toJson m.steps), ("statement", m.signature), ("proof", m.proof), ("marks", toJson m.marks), ("size", m.size)]

instance : ToJson Harvest where
  toJson h := Json.mkObj [
    ("mutants", toJson h.mutants),
    ("rejects", .arr (h.rejected.toArray.map fun ((stage, reason), r) => Json.mkObj [("stage", stage), ("reason", reason), ("count", r.count), ("example", .str (r.example_.take 500).toString)])),
    ("counts", Json.mkObj (h.counts.toList.map fun (stage, n) => (stage, (n : Json)))),
    ("seconds", Json.mkObj (h.nanoseconds.toList.map fun (stage, n) => (stage, toJson (n.toFloat / 1000000000))))]

end LemmaForge.Mutate
