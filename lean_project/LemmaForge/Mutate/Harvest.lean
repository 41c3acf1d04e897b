module

public import LemmaForge.Protocol
public import LemmaForge.Mutate.Filter
public import LemmaForge.Mutate.Rewrite
public import LemmaForge.Mutate.Shape

/-!
# All mutants of a theorem

`harvest` proposes, builds, filters and writes. *Proposals* are cheap: a kind, a place, a lemma from the index. They are put in an order that depends on the seed and on nothing else, kinds taking turns, and
tried until enough candidates have been found, or four times as many were tried. So what is found depends on the theorem, the library and the configuration, and not on what the process did before: a run that is
interrupted and resumed finds what an unbroken one finds.

Each candidate passes the stages `build`, `size`, `duplicate`, `print`, `read`, `script`, `kernel` and `vacuous`; what falls out is counted under its stage and reason. The kernel
checks the term that the script makes: that is what is kept. What remains is tried by `rfl`, `omega`, `decide` and `simp`, which may mark it as trivial, and named by its hash.
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
  heartbeats : Nat := 150
  /-- The same for each test of whether it is worth having. -/
  budget : Nat := 50

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
  rejected : Rejects := {}
  /-- Candidates that entered each stage, and nanoseconds spent in it. -/
  laps : Std.HashMap String (Nat × Nat) := {}
  /-- Statements met. -/
  met : Std.HashSet Expr := {}
  /-- Candidates in a row that did not read back. -/
  unread : Nat := 0

/-- What a harvest goes by. -/
structure Context where
  /-- The library. -/
  index : Index
  /-- What to make. -/
  config : Config
  /-- Hashes statements. -/
  canonical : Canonical
  /-- Measures the stages. -/
  watch : Stopwatch
  /-- What `simp` knows. -/
  simp : SimpSet
  /-- Reads what was printed. -/
  reader : Reader

/-- The monad of a harvest. -/
abbrev HarvestM := ReaderT Context (StateRefT Harvest TermElabM)

/-- Something to try. -/
structure Proposal where
  /-- Its kind. -/
  kind : Kind
  /-- Its place in the order. -/
  key : UInt64
  /-- What a reader sees of it. -/
  what : Unit → String
  /-- Makes the candidate. -/
  build : MetaM Candidate

private def measured {α : Type} (stage : String) (act : HarvestM α) : HarvestM α := do
  (← read).watch.measure stage act

/-- Counts a candidate that falls out. The first of its kind is told as an example, with the message. -/
private def fallsOut (stage reason : String) (what : Unit → String) (message? : Option MessageData := none) : HarvestM Unit := do
  let rejected ← (← get).rejected.add stage reason (do return what () ++ (← message?.elim (pure "") fun m => return ": " ++ (← m.toString)))
  modify fun h => { h with rejected }

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
  /-- Which variables are proofs that nothing else in the statement mentions. -/
  hypotheses : Array Nat
  /-- Which variables are values. -/
  values : Array Nat

private def Proposer.start (context : Context) (root : Name) (opened : Opened) : MetaM Proposer := do
  let base := opened.parent.steps.foldl (init := mixHash (hash context.config.seed) root.hash) fun h s =>
    [hash s.kind.toString, hash s.place, hash s.lemma?, hash s.reverse, hash s.detail].foldl mixHash h
  let mut hypotheses := #[]
  let mut values := #[]
  for x in opened.xs, i in [0:opened.xs.size] do
    if opened.infos[i]!.isInstImplicit then continue
    if ← isProp (← inferType x) then
      unless ← opened.isUsed i do hypotheses := hypotheses.push i
    else values := values.push i
  return { context, root, opened, base, hypotheses, values }

/-- The place of a proposal in the order; it depends on what is proposed alone. -/
@[inline] private def Proposer.key (p : Proposer) (kind : Kind) (lemma : Name) (a b c : Nat) : UInt64 :=
  mixHash (mixHash p.base lemma.hash) (mixHash (mixHash (UInt64.ofNat a) (UInt64.ofNat b)) (mixHash (UInt64.ofNat c) (UInt64.ofNat kind.ctorIdx)))

/-- Out of a crowd of `n` keys, the bound below which about `wanted` lie: what is far behind in the order need not be sorted. -/
private def bound (n wanted : Nat) : UInt64 :=
  if n ≤ wanted then 0xffffffffffffffff else UInt64.ofNat (0xffffffffffffffff / n * wanted)

/-- How many proposals of one kind are worth having. -/
private def Proposer.wanted (p : Proposer) : Nat := 8 * p.context.config.limit

private def Proposer.rewriting (p : Proposer) : MetaM (Array Proposal) := do
  let o := p.opened
  let mut found : Array (Option Nat × Nat × Expr × Array Side) := #[]
  let places : Array (Option Nat) := #[none] ++ p.hypotheses.map some
  for place in places do
    let terms := subterms (← place.elim (pure o.conclusion) fun i => inferType o.xs[i]!)
    for s in terms, j in [0:terms.size] do
      found := found.push (place, j, s, ← p.context.index.sides.getMatch s)
  let last := bound (found.foldl (· + ·.2.2.2.size) 0) p.wanted
  let mut proposals := #[]
  for (place, j, s, sides) in found do
    for side in sides do
      let key := p.key .rewrite side.lemma (place.elim 0 (· + 1)) j side.reverse.toNat
      unless key > last || side.lemma == p.root do
        let what _ := s!"rw {if side.reverse then "← " else ""}{side.lemma} {place.elim "" fun i => s!"at {o.names[i]!}"}"
        proposals := proposals.push { kind := .rewrite, key, what, build := rewrite o place s side }
  return proposals

private def Proposer.applying (p : Proposer) : MetaM (Array Proposal) := do
  let o := p.opened
  let found ← p.hypotheses.mapM fun i => return (i, ← p.context.index.conclusions.getMatch (← inferType o.xs[i]!))
  let last := bound (found.foldl (· + ·.2.size) 0) p.wanted
  let mut proposals := #[]
  for (i, lemmas) in found do
    for lemma in lemmas do
      let key := p.key .apply lemma i 0 0
      unless key > last || lemma == p.root do
        proposals := proposals.push { kind := .apply, key, what := fun _ => s!"apply {lemma} at {o.names[i]!}", build := replace o i lemma }
  return proposals

private def Proposer.drawing (p : Proposer) : MetaM (Array Proposal) := do
  let found ← p.context.index.antecedents.getMatch p.opened.conclusion
  let last := bound found.size p.wanted
  return found.filterMap fun a => do
    let key := p.key .forward a.lemma a.position 0 0
    guard (key ≤ last && a.lemma != p.root)
    return { kind := .forward, key, what := fun _ => s!"forward {a.lemma}", build := draw p.opened a }

private def Proposer.specializing (p : Proposer) : MetaM (Array Proposal) := do
  let o := p.opened
  let mut found := #[]
  for i in p.values do
    let values ← simpleValues (← inferType o.xs[i]!) (o.xs.extract 0 i)
    for value in values, k in [0:values.size] do
      found := found.push { kind := .specialize, key := p.key .specialize .anonymous i k 0, what := fun _ => s!"specialize {o.names[i]!} := {value.text}", build := specialize o.parent i k }
  return found

/-- Kinds that look at the form of the statement alone. -/
private def Proposer.reshaping (p : Proposer) (kind : Kind) : MetaM (Array Proposal) := do
  let o := p.opened
  let builds : Array (MetaM Candidate) ← match kind with
    | .contrapose => pure (p.hypotheses.map (contrapose o))
    | .split => pure (if o.conclusion.iff?.isSome || o.conclusion.and?.isSome then #[split o false, split o true] else #[])
    | .symmetry => pure (if o.conclusion.eq?.isSome || o.conclusion.iff?.isSome || o.conclusion.isAppOf ``Ne then #[swap o] else #[])
    | .unfold => pure ((← unfoldable o).map (unfoldIn o))
    | .generalize => pure ((← closedValues o).map (generalize o))
    | _ => pure #[]
  return builds.mapIdx fun i build => { kind, key := p.key kind .anonymous i 0 0, what := fun _ => kind.toString, build }

/-- All that could be tried on a parent, in the order of trial: kinds take turns, within a kind by key. -/
private def proposals (context : Context) (root : Name) (o : Opened) : MetaM (Array Proposal) := do
  let p ← Proposer.start context root o
  let queues ← context.config.kinds.toArray.mapM fun kind => do
    let found ← match kind with
      | .rewrite => p.rewriting
      | .apply => p.applying
      | .forward => p.drawing
      | .specialize => p.specializing
      | _ => p.reshaping kind
    return found.qsort (·.key < ·.key)
  let longest := queues.foldl (max · ·.size) 0
  return (Array.range longest).flatMap fun i => queues.filterMap (·[i]?)

/-! ## Stages -/

private def reasons : List String := ["does not unify", "changes nothing", "the hypothesis is used in the statement", "something is left open", "a type is left open", "too much is left open", "heartbeats"]

/-- A short name for why a candidate could not be built. -/
private def classOf (message : String) : String :=
  (reasons.find? fun reason => message.startsWith reason).getD <|
    if message.startsWith "motive is not type correct" || (message.splitOn "motive is not type correct").length > 1 then "motive is not type correct"
    else if message.startsWith "failed to synthesize" then "no instance" else "other"

/-- Whether a candidate is new, not too large, and of constants that can be written. -/
private def isWorthWriting (what : Unit → String) (c : Candidate) : HarvestM Bool := do
  let context ← read
  if c.type.sizeWithoutSharing > context.config.size then
    fallsOut "size" "too large" what
    return false
  let env ← getEnv
  if c.type.getUsedConstants.any fun name => name.isInternalDetail || isPrivateName name || isMatcherCore env name then
    fallsOut "print" "mentions a constant without a name of its own" what
    return false
  let normal := sameUniverses c.type
  if context.index.statements.contains normal then
    fallsOut "duplicate" "of a theorem of the library" what
    return false
  if (← get).met.contains normal then
    fallsOut "duplicate" "of a mutant of the same theorem" what
    return false
  modify fun h => { h with met := h.met.insert normal }
  return true

/-- Writes, proves and tests a candidate. Returns it with the parent that it can be itself. -/
private def written? (parent : Parent) (what : Unit → String) (c : Candidate) : HarvestM (Option (Mutant × Parent)) := do
  let config := (← read).config
  match ← (do c.readable parent.preamble (← read).reader config.heartbeats (← read).watch : HarvestM _) with
  | .error (.reading e) =>
    modify fun h => { h with unread := h.unread + 1 }
    fallsOut "read" (if (wording e).startsWith "reads differently" then "reads differently" else "does not read back") what e
    return none
  | .error (.script e) => fallsOut "script" "no script" what e; return none
  | .error (.kernel e) => fallsOut "kernel" "refused" what m!"{e}"; return none
  | .ok text =>
    modify fun h => { h with unread := 0 }
    if c.newHypotheses then
      if ← measured "vacuous" (do text.isVacuous (← read).simp config.budget) then
        fallsOut "vacuous" "hypotheses contradict each other" what
        return none
    let trivial? ← closers.findM? fun closer => measured closer (do text.closesAtOnce closer (← read).simp config.budget)
    let canonical ← measured "hash" do return ← (← read).canonical.hash (← getEnv) text.type
    let marks := (if c.sideGoals then ["side-goals"] else []) ++ (if text.explicit then ["explicit"] else []) ++ trivial?.toList.map ("trivial:" ++ ·)
    let mutant := { canonical, steps := parent.steps.push c.step, signature := text.signature, proof := byBlock text.script, marks, size := text.type.sizeWithoutSharing }
    return some (mutant, asParent parent c text)
where
  /-- A mutant is no constant, so a proof that builds on it has it as a `have` first. -/
  asParent (parent : Parent) (c : Candidate) (text : Readable) : Parent :=
    let name := s!"step_{parent.steps.size + 1}"
    let have_ := s!"have {name}{(withoutLevels text.signature).replace "\n" "\n  "} := by"
    let own := (text.script.drop parent.preamble.size).map ("  " ++ ·)
    { written := name, levelParams := c.levelParams, type := c.type, proof := text.term, steps := parent.steps.push c.step, preamble := parent.preamble ++ #[have_] ++ own }
  withoutLevels (signature : String) : String :=
    if signature.startsWith ".{" then ((signature.dropWhile (· != '}')).drop 1).toString else signature

/-- After so many candidates in a row that do not read back, the others are not tried: what their parent says cannot be written. -/
private def patience : Nat := 6

/-- Tries the proposals for a parent, and returns the mutants that can be parents in turn. -/
private def firstStep (root : Name) (parent : Parent) (limit : Nat) : HarvestM (Array Parent) :=
  parent.open fun o => do
    modify fun h => { h with unread := 0 }
    let context ← read
    let order ← measured "propose" (proposals context root o : MetaM _)
    let mut taken := 0
    let mut children := #[]
    for p in order.toSubarray 0 (min order.size (limit * 4)) do
      if taken == limit then break
      if (← get).unread == patience then
        fallsOut "read" "the rest of a theorem whose mutants do not read back" p.what
        break
      match ← measured "build" (attempt context.config.heartbeats p.build : TermElabM _) with
      | .error e => fallsOut "build" (classOf (wording e)) p.what e
      | .ok c =>
        unless ← withLCtx {} {} (isWorthWriting p.what c) do continue
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

/-- Goes on as in the body of `theorem root.mutant_…`: Lean opens the namespaces that are in a name, and in `Bool` the lemma `decide_eq_true` is `Bool.decide_eq_true`. -/
private def underName {α : Type} (root : Name) (act : TermElabM α) : TermElabM α := do
  activate root
  withTheReader Core.Context ({ · with currNamespace := root }) act
where
  activate : Name → TermElabM Unit
    | .anonymous => return
    | .str outer last => do activate outer; activateScoped (.str outer last)
    | .num outer last => do activate outer; activateScoped (.num outer last)

/-- All mutants of a theorem of the library. -/
def harvest (index : Index) (canonical : Canonical) (config : Config) (theorem_ : Name) : TermElabM Harvest := withEnableInfoTree false do
  let reader ← Reader.new (← getEnv)
  underName theorem_ do
    let context := { index, canonical, config, watch := ← Stopwatch.new, simp := ← SimpSet.default, reader }
    let info ← getConstInfo theorem_
    let type ← withTypableNames info.type
    let parent := { written := shown theorem_, levelParams := info.levelParams, type, proof := .const theorem_ (info.levelParams.map .param) }
    let ((), h) ← (mutate theorem_ parent config.limit).run context |>.run { met := ({} : Std.HashSet Expr).insert (sameUniverses type) }
    return { h with laps := ← context.watch.laps.get }

instance : ToJson Mutant where
  toJson m := Json.mkObj [("canonical", m.canonical), ("steps", toJson m.steps), ("statement", m.signature), ("proof", m.proof), ("marks", toJson m.marks), ("size", m.size)]

instance : ToJson Harvest where
  toJson h := Json.mkObj (("mutants", toJson h.mutants) :: stagesJson h.laps h.rejected)

end LemmaForge.Mutate
