module

public import Lean.Meta.Tactic.LibrarySearch
public import Lean.Meta.Tactic.Rewrites
public import LemmaForge.Goal
public import LemmaForge.Premise.Relevance

/-!
# Which lemmas fit here

Given a goal, which lemmas of the whole library can rewrite it, can be applied to it, or close it? Lean's core keeps two discrimination trees for its
tactics `exact?` and `rw?`: one of all conclusions, one of both sides of all equations and equivalences, built when first asked (a second or
two) and kept with the environment. This module asks them directly. The tactics stop at the first success or at twenty results and drop lemmas with side goals; here the caller
says how many results are wanted, and a lemma that leaves side goals is a result like any other.

A tree answers by shape alone, so every candidate is tried on the goal, under the state's saved context, and reported only if it works.
-/

public section

namespace LemmaForge

open Lean Meta

/-- What a lemma is good for at a goal. -/
inductive Use where
  /-- Rewrites a subterm of the target or of a hypothesis. -/
  | rw
  /-- Its conclusion fits the target, and it leaves goals of its own. -/
  | apply
  /-- Its conclusion fits the target and nothing is left to prove. -/
  | exact
  /-- Is about the same things, and `simp` does not use it of its own accord. -/
  | simp
  /-- Is about the same things, and `grind` does not use it of its own accord. -/
  | grind
  deriving BEq, Inhabited

/-- The name of a use on the wire. -/
def Use.toString : Use → String
  | rw => "rw"
  | apply => "apply"
  | exact => "exact"
  | simp => "simp"
  | grind => "grind"

instance : FromJson Use where
  fromJson?
    | "rw" => return .rw
    | "apply" => return .apply
    | "exact" => return .exact
    | "simp" => return .simp
    | "grind" => return .grind
    | other => throw s!"a use is rw, apply, exact, simp or grind, not {other.compress}"

/-- A lemma that fits. -/
structure Premise where
  /-- What for. -/
  use : Use
  /-- Its name. -/
  name : Name
  /-- Rewrites from right to left. -/
  reverse : Bool := false
  /-- The hypothesis that is rewritten; `none` for the target. -/
  location? : Option Name := none
  /-- The tactic that uses it. -/
  tactic : String
  /-- Goals that it leaves beside the rewritten one. -/
  sideGoals : Nat
  /-- Higher is more specific. Comparable within one use. -/
  score : Nat

/-- What to look for and how much of it. -/
structure LookupConfig where
  /-- Which uses. -/
  uses : List Use := [.rw, .apply, .exact]
  /-- At most this many results of each use. -/
  limit : Nat := 50
  /-- At most this many candidates tried for each use. -/
  candidates : Nat := 400
  /-- Whether hypotheses are rewritten, too. -/
  hypotheses : Bool := true
  deriving Inhabited

/-- Runs `act` and forgets all that it did to the state; `none` if it failed. Limits of time and interrupts are not failures. -/
private def tried {α : Type} (act : MetaM α) : MetaM (Option α) := do
  let saved ← saveState
  try
    let value ← act
    saved.restore
    return some value
  catch e =>
    saved.restore
    if e.isRuntime || e.isInterrupt then throw e
    return none

/-- The name of a lemma as a tactic text writes it, as short as the open namespaces allow. -/
private def written (name : Name) : MetaM String := do
  return (← unresolveNameGlobal name).toString

/-- How much a lemma that concludes `x = y` from `f x = f y` is worth beyond its specificity: it leads from one type into another, about which more is known,
and best where `f` is a field of a structure. -/
private def injectionBonus (antecedent conclusion : Expr) : MetaM Nat := do
  let some (type, x, y) := conclusion.eq? | return 0
  let some (image, fx, fy) := antecedent.eq? | return 0
  let .const f _ := fx.getAppFn | return 0
  unless fx.isApp && fy.isApp && fy.getAppFn.isConstOf f && fx.appArg! == x && fy.appArg! == y do return 0
  if type.getAppFn == image.getAppFn then return 0
  return if (← getEnv).isProjectionFn f then 3 else 2

/-- How special a lemma's conclusion is: the number of different constants in it, and a bonus for injectivity. One that says no more than `a = b` fits everywhere and helps seldom. -/
private def specificity (name : Name) (direction : LibrarySearch.DeclMod) : MetaM Nat := do
  let (arguments, _, conclusion) ← forallMetaTelescope (← getConstInfo name).type
  let (antecedent?, pattern) ← match direction, conclusion.iff? with
    | .mp, some (left, right) => pure (some left, right)
    | .mpr, some (left, right) => pure (some right, left)
    | _, _ => pure (← arguments.back?.mapM (inferType ·), conclusion)
  let bonus ← match antecedent? with
    | some antecedent => injectionBonus antecedent pattern
    | none => pure 0
  return pattern.foldConsts bonus fun _ count => count + 1

/-- Lemmas whose conclusion fits the target of `goal`. -/
def findApply (config : LookupConfig) (goal : MVarId) : MetaM (Array Premise) := goal.withContext do
  let target ← instantiateMVars (← goal.getType)
  let candidates ← LibrarySearch.libSearchFindDecls target
  let mut found : Array Premise := #[]
  for (name, direction) in candidates.toSubarray 0 (min candidates.size config.candidates) do
    let attempt : MetaM (Nat × Nat) := do
      let lemma ← LibrarySearch.mkLibrarySearchLemma name direction
      return ((← goal.apply lemma { allowSynthFailures := true }).length, ← specificity name direction)
    let some (sideGoals, score) ← tried attempt | continue
    let lemma ← written name
    let term := match direction with
      | .none => lemma
      | .mp => s!"{lemma}.mp"
      | .mpr => s!"{lemma}.mpr"
    found := found.push { use := if sideGoals == 0 then .exact else .apply, name, tactic := s!"apply {term}", sideGoals, score }
  let best (use : Use) : Array Premise :=
    if config.uses.contains use then
      let fitting := found.filter (·.use == use)
      fitting.qsort (fun a b => a.score > b.score || (a.score == b.score && a.sideGoals < b.sideGoals)) |>.extract 0 config.limit
    else #[]
  return best .exact ++ best .apply

/-- Distinct subterms of `e` without loose variables, largest first. -/
private def subterms (e : Expr) : Array Expr :=
  let (_, found, _) := (go e).run (#[], {})
  found
where
  go (e : Expr) : StateM (Array Expr × Std.HashSet Expr) Unit := do
    if (← get).2.contains e then return
    modify fun (found, seen) => (found, seen.insert e)
    match e with
    | .app f a =>
      unless e.hasLooseBVars do modify fun (found, seen) => (found.push e, seen)
      go f
      go a
    | .lam _ d b _ | .forallE _ d b _ => go d; go b
    | .letE _ t v b _ => go t; go v; go b
    | .mdata _ e | .proj _ _ e => go e
    | _ => return

/-- Lemmas that rewrite a subterm of `e`, the target of `goal` or the type of its hypothesis `location?`. -/
private def findRewritesIn (config : LookupConfig) (goal : MVarId) (location? : Option LocalDecl) (limit : Nat) :
    MetaM (Array Premise) := goal.withContext do
  let e ← instantiateMVars (← match location? with | some decl => pure decl.type | none => goal.getType)
  let tree ← Rewrites.createModuleTreeRef
  let mut candidates : Array (Name × Bool × Nat) := #[]
  let mut seen : Std.HashSet (Name × Bool) := {}
  for term in subterms e do
    for candidate@(name, reverse, _) in ← Rewrites.rwFindDecls tree term do
      unless seen.contains (name, reverse) do
        seen := seen.insert (name, reverse)
        candidates := candidates.push candidate
  let ranked := candidates.qsort fun a b => a.2.2 > b.2.2
  let mut found : Array Premise := #[]
  for (name, reverse, score) in ranked.toSubarray 0 (min ranked.size config.candidates) do
    if found.size ≥ limit then break
    let attempt : MetaM (Option Nat) := do
      let result ← goal.rewrite e (← mkConstWithFreshMVarLevels name) reverse
      let new ← instantiateMVars result.eNew
      return if new == e then none else some result.mvarIds.length
    let some (some sideGoals) ← tried attempt | continue
    let arrow := if reverse then "← " else ""
    let place := match location? with | some decl => s!" at {decl.userName}" | none => ""
    found := found.push { use := .rw, name, reverse, location? := location?.map (·.userName), sideGoals, score
                          tactic := s!"rw [{arrow}{← written name}]{place}" }
  return found

/-- Lemmas that rewrite the target of `goal` or one of its hypotheses. -/
def findRewrites (config : LookupConfig) (goal : MVarId) : MetaM (Array Premise) := goal.withContext do
  let mut found ← findRewritesIn config goal none config.limit
  if config.hypotheses then
    for decl in ← getLCtx do
      if found.size ≥ config.limit then break
      if decl.isImplementationDetail || decl.userName.hasMacroScopes then continue
      if ← isProp decl.type then
        found := found ++ (← findRewritesIn config goal (some decl) (config.limit - found.size))
  return found

/-- Lemmas that are about the same things as the goal, for a tactic that chooses where to use them. -/
def findRelevant (config : LookupConfig) (index : Relevance) (goal : MVarId) : MetaM (Array Premise) := do
  let index := index.withLocal (← getEnv)
  let ranked := index.rank (← goalSymbols goal) (2 * config.limit)
  let choose (use : Use) (isNew : Name → MetaM Bool) : MetaM (Array Premise) := do
    unless config.uses.contains use do return #[]
    let mut found : Array Premise := #[]
    for (name, score) in ranked do
      if found.size ≥ config.limit then break
      if ← isNew name then
        found := found.push { use, name, tactic := s!"{use.toString} [{← written name}]", sideGoals := 0, score }
    return found
  return (← choose .simp isNewToSimp) ++ (← choose .grind isNewToGrind)

/-- Lemmas for the goal, best first within each use. `relevance` is asked for only if `simp` or `grind` are among the uses. -/
def findPremises (config : LookupConfig) (relevance : MetaM Relevance) (goal : MVarId) : MetaM (Array Premise) := do
  let wants (uses : List Use) := config.uses.any uses.contains
  let applied ← if wants [.apply, .exact] then findApply config goal else pure #[]
  let rewritten ← if wants [.rw] then findRewrites config goal else pure #[]
  let relevant ← if wants [.simp, .grind] then findRelevant config (← relevance) goal else pure #[]
  return applied ++ rewritten ++ relevant

/-- A premise for the wire. -/
def Premise.toJson (p : Premise) (statement : Bool) : MetaM Json := do
  let shown ← if statement then do
      let info ← getConstInfo p.name
      pure [("statement", Json.str (← ppExpr info.type).pretty)]
    else pure []
  return Json.mkObj <| [("use", (.str p.use.toString : Json)), ("name", .str p.name.toString), ("reverse", .bool p.reverse),
    ("at", match p.location? with | some n => .str n.toString | none => .null), ("tactic", .str p.tactic),
    ("sideGoals", (p.sideGoals : Json)), ("score", (p.score : Json))] ++ shown

end LemmaForge
