module

public import Lean.Elab.Tactic
public import LemmaForge.Premise.Relevance
public import LemmaForge.Refute.Values

/-!
# Is a closed proposition true?

A proposition about closed terms is evaluated by computing its `Decidable` instance, or else by `simp`; one about real numbers by `norm_num`. What neither can evaluate is taken apart: `∃ x, p x` is true by a value of `x`, `∀ x, p x` false by one,
a conjunction by its parts, an equation of structures by a field in which they differ, and a predicate that is defined by what it is defined as. What is found comes with a tactic that shows it and with the proof. A proposition that no evaluation settles may be put
to tactics, which takes longer.
-/

public section

namespace LemmaForge.Refute

open Lean Meta Elab

/-- How a proposition was found to be true or false: the tactic that shows it, and the proof. -/
structure Evidence where
  /-- What is written. -/
  tactic : String
  /-- Of the proposition, or of its negation. -/
  proof : Expr

/-- What is known of a proposition. -/
inductive Truth where
  | yes (why : Evidence)
  | no (why : Evidence)
  | unknown

/-- Whether a time, by `IO.monoMsNow`, is over; 0 never is. -/
def isPast (deadline : Nat) : BaseIO Bool := return deadline > 0 && (← IO.monoMsNow) ≥ deadline

/-- Runs an action under a small limit of its own; `none` when that is reached or it fails. Interrupts and time limits are passed on. -/
def within {α : Type} (heartbeats : Nat) (act : MetaM (Option α)) : MetaM (Option α) := do
  let now ← IO.getNumHeartbeats
  let saved ← saveState
  tryCatchRuntimeEx (withTheReader Core.Context (fun c => { c with initHeartbeats := now, maxHeartbeats := heartbeats * 1000 }) act)
    fun e => do
      saved.restore
      if e.isInterrupt then throw e
      return none

/-- Heartbeats for one evaluation. -/
def evaluationHeartbeats : Nat := 2000

/-- Heartbeats for the tactics of one obligation. -/
def attemptHeartbeats : Nat := 20000

/-- Computes an instance of `Decidable`: as far as `decide` does, or through everything, as the kernel does. -/
def compute (p inst : Expr) : MetaM Truth := do
  for (tactic, transparency) in [("decide", TransparencyMode.default), ("decide +kernel", .all)] do
    let value ← within evaluationHeartbeats do
      return some (← withTransparency transparency (whnf (mkApp2 (mkConst ``Decidable.decide) p inst)))
    match value with
    | some (.const ``true _) => return .yes ⟨tactic, mkApp3 (mkConst ``of_decide_eq_true) p inst (← mkEqRefl (mkConst ``true))⟩
    | some (.const ``false _) => return .no ⟨tactic, mkApp3 (mkConst ``of_decide_eq_false) p inst (← mkEqRefl (mkConst ``false))⟩
    | _ => continue
  return .unknown

/-- What propositions are evaluated with. -/
structure Evaluator where
  /-- Where values come from. -/
  source : Source
  /-- What `simp` works with. -/
  simp : Simp.Context
  /-- Its procedures. -/
  simprocs : Simp.SimprocsArray
  /-- What is written for `simp` as it is used here. -/
  tactic : String
  /-- The lemmas of the library, by what they are about. -/
  relevance : MetaM Relevance
  /-- When to stop, by `IO.monoMsNow`; 0 for never. -/
  deadline : Nat

/-- What is counted and kept while propositions are evaluated. -/
structure Evaluation where
  /-- Propositions evaluated. -/
  evaluations : Nat := 0
  /-- Values that were made. -/
  made : Made := {}

/-- The monad of evaluation. -/
abbrev EvaluateM := ReaderT Evaluator (StateRefT Evaluation MetaM)

/-- Values of a type, simple ones first. -/
def valuesOf (type : Expr) : EvaluateM (Array Expr) := do
  let (found, made) ← (values (← read).source type).run (← get).made
  modify fun s => { s with made }
  return found

/-- Simplifies a proposition. -/
private def simplify (p : Expr) : EvaluateM Truth := do
  let { simp, simprocs, tactic, .. } ← read
  let result? ← within (4 * evaluationHeartbeats) do return some (← Meta.simp p simp simprocs).1
  let some result := result? | return .unknown
  if result.expr.isTrue then return .yes ⟨tactic, ← mkOfEqTrue (← result.getProof)⟩
  if result.expr.isFalse then return .no ⟨tactic, ← mkOfEqFalse (← result.getProof)⟩
  return .unknown

/-- Values of a bound variable that are tried, at most. -/
private def mostBound : Nat := 8

/-- A value as it is written inside a proof. -/
private def ascribed (value type : Expr) : MetaM String := do
  return s!"({← valueText value} : {← valueText type})"

/-- Shows that a proposition is false: `refute` makes `False` of a proof of it. -/
private def falsified (p : Expr) (tactic : String) (refute : Expr → MetaM Expr) : MetaM Truth := do
  let proof ← withLocalDeclD `h p fun h => do mkLambdaFVars #[h] (← refute h)
  return .no ⟨s!"exact fun h => {tactic}", proof⟩

/-- The projections of a structure to fields that are data, applied to its parameters: what differs in one of them is different. -/
private def dataFields (type : Expr) : MetaM (Array Expr) := do
  let type ← whnf type
  let .const name levels := type.getAppFn | return #[]
  let some info := getStructureInfo? (← getEnv) name | return #[]
  info.fieldInfo.filterMapM fun field => do
    let projection := mkAppN (.const field.projFn levels) type.getAppArgs
    let .forallE _ _ result _ ← whnf (← inferType projection) | return none
    return if result.hasLooseBVars || (← isProp result) then none else some projection

/-- Tries to prove a closed proposition by one tactic. -/
def attemptWith (tactic : String) (p : Expr) (heartbeats : Nat := attemptHeartbeats) : MetaM (Option Expr) :=
  within heartbeats do
    let .ok stx := Parser.runParserCategory (← getEnv) `tactic tactic | return none
    let goal ← mkFreshExprSyntheticOpaqueMVar p
    let (left, _) ← (Tactic.run goal.mvarId! (Tactic.evalTactic stx)).run { errToSorry := false } {}
    unless left.isEmpty do return none
    let proof ← instantiateMVars goal
    return if proof.hasSorry || proof.hasMVar then none else some proof

/-- Whether a proposition is about numbers that nothing computes. -/
private def isAboutReals (p : Expr) : Bool := p.getUsedConstants.any realTypes.contains

/-- Evaluates a proposition about numbers by `norm_num`, where the imports have that tactic. -/
private def normalised (p : Expr) : MetaM Truth := do
  let shown (p : Expr) := attemptWith "norm_num" p (4 * evaluationHeartbeats)
  if let some proof ← shown p then return .yes ⟨"norm_num", proof⟩
  if let some proof ← shown (mkNot p) then return .no ⟨"norm_num", proof⟩
  return .unknown

mutual

/-- Evaluates a closed proposition: an instance of `Decidable` (which may be given) is computed, else `simp` is asked, else it is taken apart, so many times at most. -/
partial def truthOf (p : Expr) (inst? : Option Expr) (depth : Nat) : EvaluateM Truth := do
  modify fun s => { s with evaluations := s.evaluations + 1 }
  let { deadline, .. } ← read
  if ← isPast deadline then return .unknown
  let reals := isAboutReals p
  let isConnective := [``Not, ``And, ``Or, ``Iff].any p.isAppOf
  if !(p.isForall || isConnective) && (reals || p.getUsedConstants.contains `Nat.Prime) then
    match ← normalised p with
    | .unknown => pure ()
    | truth => return truth
  let inst? ← match reals, inst? with
    | true, _ => pure none
    | false, some inst => pure (some inst)
    | false, none => within (4 * evaluationHeartbeats) do synthInstance? (mkApp (mkConst ``Decidable) p)
  if let some inst := inst? then
    match ← compute p inst with
    | .unknown => pure ()
    | truth => return truth
  -- The parts of a connective are simpler than the whole.
  let connects := depth > 0 && (p.isArrow || isConnective)
  if connects then
    match ← takenApart p depth with
    | .unknown => pure ()
    | truth => return truth
  match ← simplify p with
  | .unknown => if depth == 0 || connects then return .unknown else takenApart p depth
  | truth => return truth

/-- Evaluates the parts of a proposition: a quantifier by some values of its variable, a connective by both sides, anything else by its definition. -/
private partial def takenApart (p : Expr) (depth : Nat) : EvaluateM Truth := do
  match_expr p with
  | Not a =>
    match ← truthOf a none (depth - 1) with
    | .yes why => falsified p s!"h (by {why.tactic})" fun h => return mkApp h why.proof
    | .no why => return .yes why
    | .unknown => return .unknown
  | And a b =>
    match ← truthOf a none (depth - 1) with
    | .no why => falsified p s!"absurd h.1 (by {why.tactic})" fun h => return mkApp why.proof (← mkAppM ``And.left #[h])
    | first =>
      match first, ← truthOf b none (depth - 1) with
      | _, .no why => falsified p s!"absurd h.2 (by {why.tactic})" fun h => return mkApp why.proof (← mkAppM ``And.right #[h])
      | .yes x, .yes y => return .yes ⟨s!"exact ⟨by {x.tactic}, by {y.tactic}⟩", ← mkAppM ``And.intro #[x.proof, y.proof]⟩
      | _, _ => return .unknown
  | Or a b =>
    match ← truthOf a none (depth - 1) with
    | .yes why => return .yes ⟨s!"exact Or.inl (by {why.tactic})", mkApp3 (mkConst ``Or.inl) a b why.proof⟩
    | first =>
      match first, ← truthOf b none (depth - 1) with
      | _, .yes why => return .yes ⟨s!"exact Or.inr (by {why.tactic})", mkApp3 (mkConst ``Or.inr) a b why.proof⟩
      | .no x, .no y =>
        falsified p s!"h.elim (by {x.tactic}) (by {y.tactic})" fun h => mkAppM ``Or.elim #[h, x.proof, y.proof]
      | _, _ => return .unknown
  | Iff a b =>
    match ← truthOf a none (depth - 1), ← truthOf b none (depth - 1) with
    | .yes x, .yes y => return .yes ⟨s!"exact iff_of_true (by {x.tactic}) (by {y.tactic})", ← mkAppM ``iff_of_true #[x.proof, y.proof]⟩
    | .no x, .no y => return .yes ⟨s!"exact iff_of_false (by {x.tactic}) (by {y.tactic})", ← mkAppM ``iff_of_false #[x.proof, y.proof]⟩
    | .yes x, .no y => falsified p s!"absurd (h.mp (by {x.tactic})) (by {y.tactic})" fun h => return mkApp y.proof (← mkAppM ``Iff.mp #[h, x.proof])
    | .no x, .yes y => falsified p s!"absurd (h.mpr (by {y.tactic})) (by {x.tactic})" fun h => return mkApp x.proof (← mkAppM ``Iff.mpr #[h, y.proof])
    | _, _ => return .unknown
  | Exists type predicate =>
    for value in (← valuesOf type).extract 0 mostBound do
      if let .yes why ← truthOf (mkApp predicate value).headBeta none (depth - 1) then
        return .yes ⟨s!"exact ⟨{← ascribed value type}, by {why.tactic}⟩", ← mkAppOptM ``Exists.intro #[type, predicate, value, why.proof]⟩
    return .unknown
  | Eq type a b =>
    let same ← within evaluationHeartbeats do return if ← withDefault (isDefEq a b) then some () else none
    if same.isSome then return .yes ⟨"rfl", ← mkEqRefl a⟩
    for projection in ← (dataFields type : MetaM _) do
      if let .no why ← truthOf (← mkEq (mkApp projection a) (mkApp projection b)) none (depth - 1) then
        let text := projection.getAppFn.constName!
        return ← falsified p s!"absurd (congrArg {text} h) (by {why.tactic})" fun h => return mkApp why.proof (← mkCongrArg projection h)
    return .unknown
  | _ =>
    if let .forallE _ domain body _ := p then quantified p domain body depth else unfolded p depth

private partial def quantified (p domain body : Expr) (depth : Nat) : EvaluateM Truth := do
  if ← isProp domain then
    if body.hasLooseBVars then return .unknown
    match ← truthOf domain none (depth - 1), ← truthOf body none (depth - 1) with
    | _, .yes why => return .yes ⟨s!"exact fun _ => by {why.tactic}", .lam `h domain why.proof .default⟩
    | .no why, _ => return .yes ⟨s!"exact fun h => absurd h (by {why.tactic})", ← withLocalDeclD `h domain fun h => do mkLambdaFVars #[h] (← mkAbsurd body h why.proof)⟩
    | .yes x, .no y => return ← falsified p s!"absurd (h (by {x.tactic})) (by {y.tactic})" fun h => return mkApp y.proof (mkApp h x.proof)
    | _, _ => return .unknown
  for value in (← valuesOf domain).extract 0 mostBound do
    if let .no why ← truthOf (body.instantiate1 value).headBeta none (depth - 1) then
      let text ← ascribed value domain
      return ← falsified p s!"absurd (h {text}) (by {why.tactic})" fun h => return mkApp why.proof (mkApp h value)
  return .unknown

private partial def unfolded (p : Expr) (depth : Nat) : EvaluateM Truth := do
  let some name := p.getAppFn.constName? | return .unknown
  let some (.defnInfo _) := (← getEnv).find? name | return .unknown
  let some body ← withDefault (unfoldDefinition? p) | return .unknown
  match ← truthOf body.headBeta none (depth - 1) with
  | .yes why => return .yes ⟨s!"(delta {name}; {why.tactic})", why.proof⟩
  | .no why => return .no ⟨s!"(delta {name}; {why.tactic})", why.proof⟩
  | .unknown => return .unknown

end

/-- What is put to a closed proposition that could not be evaluated. -/
private def tactics : List String := ["omega", "grind", "simp_all", "intros; omega", "(intros; split <;> omega)", "(intros; simp_all; omega)"]

/-- Decides what depends on the size of a machine word, which is 32 or 64: by numbers, in both cases. -/
private def byWordSize : String :=
  "(rcases System.Platform.numBits_eq with word | word <;> simp [← USize.toNat_inj, USize.lt_iff_toNat_lt, USize.le_iff_toNat_le, ← ISize.toInt_inj, ISize.lt_iff_toInt_lt, ISize.le_iff_toInt_le, word])"

/-- Whether something depends on the size of a machine word. -/
private def mentionsWord (p : Expr) : Bool :=
  p.getUsedConstants.any fun name => [`USize, `ISize].contains name.getRoot || name.getPrefix == `System.Platform

/-- Tries to prove a closed proposition by tactics, in the end with lemmas about the same things. -/
def attempt (p : Expr) : EvaluateM (Option Evidence) := do
  let first := if mentionsWord p then [byWordSize] else []
  for tactic in first ++ tactics do
    if ← isPast (← read).deadline then return none
    if let some proof ← attemptWith s!"({tactic})" p then return some ⟨tactic, proof⟩
  let relevance ← (← read).relevance
  let lemmas ← relevance.forGrind p 6
  if lemmas.isEmpty then return none
  let tactic := s!"grind [{", ".intercalate (lemmas.toList.map toString)}]"
  return (← attemptWith tactic p).map (⟨tactic, ·⟩)

/-- Functions of the statement that are defined outside of Lean's own library: `simp` does not know them of its own accord. -/
private def ownFunctions (type : Expr) : MetaM (Array Name) := do
  let env ← getEnv
  let isOwn (name : Name) : Bool := match env.getModuleIdxFor? name with
    | some index => ![`Init, `Std, `Lean].contains (env.header.moduleNames[index.toNat]!).getRoot
    | none => true
  type.getUsedConstants.filterM fun name => do
    unless isOwn name && !isNoncomputable env name && !isInstanceCore env name && (env.find? name).any (·.isDefinition) do return false
    return (← getEqnsFor? name).isSome

/-- What propositions are evaluated with that are about what `type` is about. -/
def Evaluator.about (type : Expr) (source : Source) (relevance : MetaM Relevance) (deadline : Nat) : MetaM Evaluator := do
  let functions ← ownFunctions type
  let theorems ← functions.foldlM (init := ← getSimpTheorems) fun theorems name => do
    ((← getEqnsFor? name).getD #[]).foldlM (init := theorems) fun theorems equation => theorems.addConst equation
  let simp ← Simp.mkContext { decide := true } (simpTheorems := #[theorems]) (congrTheorems := ← getSimpCongrTheorems)
  let tactic := if functions.isEmpty then "simp +decide" else s!"simp +decide [{", ".intercalate (functions.toList.map toString)}]"
  return { source, relevance, deadline, simp, simprocs := #[← Simp.getSimprocs], tactic }

end LemmaForge.Refute
