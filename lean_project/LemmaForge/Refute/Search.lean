module

public import LemmaForge.Refute.Evaluate

/-!
# Looking for a counterexample

To refute `∀ x, H x → C x` is to show an `x` with `H x` and not `C x`. The variables of a statement are gone through in order, each given the values of its type one after the other, and a
hypothesis is looked at as soon as all its variables have values, so that most of the tree is never visited. A variable for which a hypothesis is an equation
that can be solved gets the solution and nothing else. Assignments come in the order of their total simplicity: values have places in their lists, and places add up. What half of the budget does not
find that way is looked for at random, where the values of some variables may be far down in their lists; what is found then is made smaller, one variable after the other.

A hypothesis that cannot be evaluated is put to tactics in the end, once an assignment has passed all others. A conclusion that cannot be evaluated is taken apart: a conjunction is refuted by either part, an
equation of functions at one point, a structure by one of its fields.
What is found is a proof of the negation, and nothing counts before the kernel has accepted it.
-/

public section

namespace LemmaForge.Refute

open Lean Meta Elab

/-- What a search may spend. -/
structure Config where
  /-- Propositions evaluated, at most, for one way to read the statement. -/
  evaluations : Nat := 10000
  /-- When to stop, by `IO.monoMsNow`; 0 for never. -/
  deadline : Nat := 0
  /-- Assignments put to tactics, at most. -/
  attempts : Nat := 3
  /-- The largest sum of places of the values of an assignment. -/
  places : Nat := 60

/-- What a statement is applied to: the value of a variable, or the proof of a hypothesis or an instance with the tactic that finds it. -/
structure Argument where
  /-- The term. -/
  value : Expr
  /-- What is written in its place, if that is not the term. -/
  tactic? : Option String
  deriving Inhabited

/-- How the proposition that is shown to be false follows from a statement, step by step. -/
inductive Use where
  /-- Application to so many of the arguments that are left. -/
  | apply (count : Nat)
  /-- The left part of a conjunction. -/
  | left
  /-- The right part of a conjunction. -/
  | right
  /-- An equivalence from left to right. -/
  | mp
  /-- An equivalence from right to left. -/
  | mpr
  /-- An equation of functions at the next argument. -/
  | congr
  /-- A field of a structure that is a proposition: the name of the projection. -/
  | field (projection : Name)

/-- How a search ended. -/
inductive Outcome where
  /-- Found: what follows from the statement by `uses` for these arguments, in order, and why that is false. -/
  | refuted (uses : Array Use) (arguments : Array Argument) (conclusion : Evidence)
  /-- All assignments within reach satisfy the statement. -/
  | exhausted
  /-- The budget was spent. -/
  | spent
  /-- What stood in the way: a proposition that could not be evaluated, or a type of which no values are known. -/
  | stuck (on : String)

/-- A step on the way to an assignment. -/
private inductive Step where
  /-- Give a variable a value. -/
  | assign (place : Nat)
  /-- Find an instance. -/
  | instantiate (place : Nat)
  /-- Evaluate a hypothesis. -/
  | test (place : Nat)

/-- What does not change during a search. -/
private structure Problem extends Evaluator where
  config : Config
  /-- Variables and hypotheses of the statement, as free variables. -/
  xs : Array Expr
  /-- The conclusion. -/
  conclusion : Expr
  /-- How the two follow from the statement. -/
  uses : Array Use
  steps : Array Step

private structure State extends Evaluation where
  attempts : Nat := 0
  /-- How many evaluations end the search that is going on. -/
  limit : Nat
  /-- Instances of `Decidable` for a hypothesis (or the conclusion, at the end), by the values of types and propositions: with the other variables in them. -/
  instances : Std.HashMap (Nat × Array Expr) (Option Expr) := {}
  /-- What could not be evaluated, or has no values: the first. -/
  stuck? : Option MessageData := none
  /-- Whether a value was left out for want of places. -/
  cut : Bool := false
  /-- How often the proposition at a place could not be evaluated, as long as it never could. -/
  failures : Std.HashMap Nat (Option Nat) := {}
  /-- Chance, the same in every search. -/
  chance : StdGen := mkStdGen 1
  /-- The places of the values that were chosen one by one, in order. -/
  picked : Array Nat := #[]

private abbrev SearchM := ReaderT Problem (StateRefT State MetaM)

private def evaluating {α : Type} (act : EvaluateM α) : SearchM α := fun problem => do
  let (result, evaluation) ← (act problem.toEvaluator).run (← get).toEvaluation
  modify ({ · with toEvaluation := evaluation })
  return result

/-- The values so far, in the order of the variables; `none` for hypotheses and what is not assigned yet. -/
private abbrev Assignment := Array (Option Argument)

private def Assignment.apply (σ : Assignment) (xs : Array Expr) (e : Expr) : Expr := Id.run do
  let mut variables := #[]
  let mut given := #[]
  for x in xs, value? in σ do
    if let some argument := value? then
      variables := variables.push x
      given := given.push argument.value
  return (e.replaceFVars variables given).headBeta

/-- The instance of `Decidable` for the proposition at a place, with all variables but types, propositions and instances left in it. -/
private def instanceFor (place : Nat) (p : Expr) (σ : Assignment) : SearchM (Option Expr) := do
  let { xs, .. } ← read
  let mut fixed : Assignment := Array.replicate xs.size none
  let mut key := #[]
  for x in xs, value? in σ, i in [0 : xs.size] do
    if let some argument := value? then
      let type ← inferType x
      if (← whnfR type).isSort || type.isForall || (← isClass? type).isSome then
        fixed := fixed.set! i (some argument)
        key := key.push argument.value
  if let some known := (← get).instances[(place, key)]? then return known
  let found ← within (4 * evaluationHeartbeats) do synthInstance? (mkApp (mkConst ``Decidable) (fixed.apply xs p))
  modify fun s => { s with instances := s.instances.insert (place, key) found }
  return found

private def stuckOn (what : MessageData) : SearchM Unit := do
  if (← get).stuck?.isNone then
    let what ← addMessageContextFull what
    modify fun s => { s with stuck? := some what }

/-- After so many failures and no success, the proposition at a place will not be evaluated for other values either. -/
private def mostFailures : Nat := 25

/-- Evaluates the proposition at a place under an assignment of all its variables. -/
private def evaluate (place : Nat) (p : Expr) (σ : Assignment) : SearchM Truth := do
  let failures := (← get).failures.getD place (some 0)
  if let some n := failures then
    if n ≥ mostFailures then return .unknown
  let { xs, .. } ← read
  let closed := σ.apply xs p
  let inst? ← instanceFor place p σ
  let truth ← evaluating (truthOf closed (inst?.map (σ.apply xs)) 3)
  match truth with
  | .unknown =>
    stuckOn m!"cannot decide {closed}"
    modify fun s => { s with failures := s.failures.insert place (failures.map (· + 1)) }
  | _ => modify fun s => { s with failures := s.failures.insert place none }
  return truth

/-- What `x` must be for `left = right`, when arithmetic can be undone. -/
private partial def solve? (x left right : Expr) : MetaM (Option Expr) := do
  if left == x then return if right.containsFVar x.fvarId! then none else some right
  let inverse (op : Name) (inner other : Expr) : MetaM (Option Expr) := do
    if other.containsFVar x.fvarId! then return none
    solve? x inner (← mkAppM op #[right, other])
  match_expr left with
  | HAdd.hAdd _ _ _ _ a b => if a.containsFVar x.fvarId! then inverse ``HSub.hSub a b else inverse ``HSub.hSub b a
  | HSub.hSub _ _ _ _ a b => if a.containsFVar x.fvarId! then inverse ``HAdd.hAdd a b else return none
  | HMul.hMul _ _ _ _ a b => if a.containsFVar x.fvarId! then inverse ``HDiv.hDiv a b else inverse ``HDiv.hDiv b a
  | _ => return none

/-- A closed term as a numeral, where its type has numerals that computation gives. -/
private def normal (value : Expr) : MetaM Expr := do
  let type ← inferType value
  if type.isConstOf ``Nat then
    if let some n ← natural? value then return ← numeral type n
  if type.isConstOf ``Int then
    match_expr ← whnfD value with
    | Int.ofNat n => if let some n ← natural? n then return ← numeral type n
    | Int.negSucc n => if let some n ← natural? n then return ← numeral type (-(n : Int) - 1)
    | _ => pure ()
  return value

/-- What the hypotheses say about the values of a variable. -/
private structure Hints where
  /-- It must be this. -/
  solution? : Option Expr := none
  /-- It is a function with these values. -/
  points : Array (Expr × Expr) := #[]
  /-- Other sides of equations in which it occurs: `Nat.lcm x 4 = 12` suggests 12. -/
  suggested : Array Expr := #[]

private def hintsFor (x : Expr) (σ : Assignment) : SearchM Hints := do
  let { xs, .. } ← read
  let type := σ.apply xs (← inferType x)
  let mut hints : Hints := {}
  for hypothesis in xs do
    let p := σ.apply xs (← inferType hypothesis)
    unless p.containsFVar x.fvarId! do continue
    if p.isForall then
      let solution? ← forallTelescope p fun ys body => do
        let some (_, left, right) := body.eq? | return none
        unless left == mkAppN x ys && !right.containsFVar x.fvarId! && (ys.all (·.isFVar)) do return none
        let function ← mkLambdaFVars ys right
        return if function.hasFVar then none else some function
      if let some solution := solution? then return { solution? := some solution }
    else if let some (_, left, right) := p.eq? then
      if let .app f a := left then
        if f == x && !a.hasFVar && !right.hasFVar then hints := { hints with points := hints.points.push (a, right) }
      for (l, r) in [(left, right), (right, left)] do
        if let some solution ← within evaluationHeartbeats (solve? x l r) then
          unless solution.hasFVar do return { solution? := some (← normal solution) }
        if !r.hasFVar && (← inferType r) == type then hints := { hints with suggested := hints.suggested.push (← normal r) }
  return hints

private def valuesFor (x : Expr) (σ : Assignment) : SearchM (Array Expr) := do
  let problem ← read
  let type := σ.apply problem.xs (← inferType x)
  if type.hasFVar then return #[]
  let { solution?, points, suggested } ← hintsFor x σ
  if let some solution := solution? then return #[solution]
  let known ← evaluating (valuesOf type)
  let known := known.extract 0 2 ++ suggested.filter (fun value => !known.contains value) ++ known.extract 2 known.size
  if points.isEmpty then return known
  let .forallE _ domain codomain _ ← whnfR type | return known
  let others ← evaluating (valuesOf codomain)
  return (← (others.extract 0 3).mapM fun other => withPoints domain points other) ++ known

/-- How values are chosen. -/
private inductive Choice where
  /-- All whose places add up to this. -/
  | places (left : Nat)
  /-- One at random for each variable, simple ones more often. -/
  | chance
  /-- Those at these places, in the order in which variables are assigned. -/
  | given (places : Array Nat)

/-- How far apart the places of two values of a type are that follow each other: a search with other types starts anew. -/
private def stride (type : Expr) : Nat := if type.isSort && !type.isProp then 4 else 1

/-- A place below `size`, small ones more often: the smaller one of two. -/
private def drawn (size : Nat) : SearchM Nat := do
  let (first, chance) := randNat (← get).chance 0 (size - 1)
  let (second, chance) := randNat chance 0 (size - 1)
  modify ({ · with chance })
  return min first second

/-- Goes on from step `k`. Returns the outcome if the search is over. -/
private partial def go (k : Nat) (choice : Choice) (σ : Assignment) (open_ : List Nat) : SearchM (Option Outcome) := do
  let problem ← read
  if (← get).evaluations ≥ (← get).limit || (← get).attempts > problem.config.attempts then return some .spent
  if ← isPast problem.config.deadline then return some .spent
  Core.checkSystem "refute"
  let some step := problem.steps[k]? | return ← leaf σ open_
  match step with
  | .instantiate place =>
    let type := σ.apply problem.xs (← inferType problem.xs[place]!)
    let some inst ← within (4 * evaluationHeartbeats) (synthInstance? type) | return none
    go (k + 1) choice (σ.set! place (some ⟨inst, some "infer_instance"⟩)) open_
  | .test place =>
    match ← evaluate place (← inferType problem.xs[place]!) σ with
    | .yes why => go (k + 1) choice (σ.set! place (some ⟨why.proof, some why.tactic⟩)) open_
    | .no _ => return none
    | .unknown => go (k + 1) choice σ (place :: open_)
  | .assign place =>
    let candidates ← valuesFor problem.xs[place]! σ
    if candidates.isEmpty then
      stuckOn m!"no values are known of {σ.apply problem.xs (← inferType problem.xs[place]!)}"
      return none
    let chosen (i : Nat) := σ.set! place (some ⟨candidates[i]!, none⟩)
    let pick (i : Nat) : SearchM (Option Outcome) := do
      modify fun s => { s with picked := s.picked.push i }
      go (k + 1) choice (chosen i) open_
    match choice with
    | .chance => pick (← drawn candidates.size)
    | .given places =>
      let place := places.getD (← get).picked.size 0
      if place < candidates.size then pick place else return none
    | .places left =>
      let last := problem.steps[k + 1 :].all fun step => !(step matches .assign _)
      if candidates.size == 1 then
        if last && left > 0 then return none
        return ← go (k + 1) choice (chosen 0) open_
      let stride := stride (← whnfR (← inferType problem.xs[place]!))
      if candidates.size > left / stride + 1 then modify fun s => { s with cut := true }
      if last && left % stride != 0 then return none
      for i in [if last then left / stride else 0 : min candidates.size (left / stride + 1)] do
        if let some outcome ← go (k + 1) (.places (left - i * stride)) (chosen i) open_ then return some outcome
      return none
where
  leaf (σ : Assignment) (open_ : List Nat) : SearchM (Option Outcome) := do
    let problem ← read
    let conclusion? ← match ← evaluate problem.xs.size problem.conclusion σ with
      | .yes _ => return none
      | .no why => pure (some why)
      | .unknown => pure none
    let mut σ := σ
    if conclusion?.isNone || !open_.isEmpty then
      modify fun s => { s with attempts := s.attempts + 1 }
      if (← get).attempts > problem.config.attempts then return some .spent
      for place in open_.reverse do
        let some why ← evaluating (attempt (σ.apply problem.xs (← inferType problem.xs[place]!))) | return none
        σ := σ.set! place (some ⟨why.proof, some why.tactic⟩)
    let some conclusion ← (match conclusion? with
      | some why => pure (some why)
      | none => evaluating (attempt (mkNot (σ.apply problem.xs problem.conclusion))) : SearchM (Option Evidence)) | return none
    return some (.refuted problem.uses (σ.map (·.getD default)) conclusion)

/-- Whether the hypotheses of a closed proposition contradict each other: the tactic that shows it, after `intros`. Past the deadline no further tactic is tried. -/
def vacuous? (type : Expr) (deadline : Nat) : MetaM (Option (String × Expr)) := do
  let falsified? ← forallTelescope type fun xs _ => do
    if !(← xs.anyM fun x => do isProp (← inferType x)) then return none
    return some (← mkForallFVars xs (mkConst ``False))
  let some falsified := falsified? | return none
  for tactic in ["contradiction", "omega", "simp_all", "grind"] do
    if ← isPast deadline then return none
    if let some _ ← attemptWith s!"(intros; {tactic})" falsified then return some (s!"intros; {tactic}", falsified)
  return none

/-- The numbers in an expression that are small enough to be values. -/
private def numbersIn (e : Expr) : Array Nat :=
  ((go e).run #[]).2
where
  go (e : Expr) : StateM (Array Nat) Unit := do
    match e with
    | .lit (.natVal n) => if n ≤ 100000 then modify fun found => if found.contains n then found else found.push n
    | .app f a => go f; go a
    | .lam _ t b _ | .forallE _ t b _ => go t; go b
    | .letE _ t v b _ => go t; go v; go b
    | .mdata _ e | .proj _ _ e => go e
    | _ => return

/-- The order of work: a hypothesis and an instance come as soon as their variables have values. -/
private def stepsFor (xs : Array Expr) : MetaM (Array Step) := do
  let mut steps : Array Step := #[]
  let mut done : Std.HashSet Nat := {}
  let kinds ← xs.mapM fun x => do
    let decl ← x.fvarId!.getDecl
    if (← isClass? decl.type).isSome then return (2, decl.type)
    return (if ← isProp decl.type then 1 else 0, decl.type)
  let ready (done : Std.HashSet Nat) (type : Expr) : Bool := Id.run do
    for x in xs, i in [0 : xs.size] do
      if type.containsFVar x.fvarId! && !done.contains i then return false
    return true
  -- With what waits for nothing any more.
  let settled (steps : Array Step) (done : Std.HashSet Nat) : Array Step × Std.HashSet Nat := Id.run do
    let mut (steps, done) := (steps, done)
    for (kind, type) in kinds, i in [0 : xs.size] do
      unless kind == 0 || done.contains i || !ready done type do
        steps := steps.push (if kind == 2 then .instantiate i else .test i)
        done := done.insert i
    return (steps, done)
  for (kind, _) in kinds, i in [0 : xs.size] do
    unless kind == 0 do continue
    (steps, done) := settled steps done
    steps := steps.push (.assign i)
    done := done.insert i
  -- An instance may wait for another one.
  for _ in [0 : xs.size] do (steps, done) := settled steps done
  return steps

/-- Universe parameters are refuted at the lowest universes: 0, or 1 for a parameter `u` of which `Sort u` is asked. -/
def lowestLevels (levelParams : List Name) (type : Expr) : List Level :=
  levelParams.map fun name =>
    let sort := Expr.sort (.param name)
    if (type.find? (· == sort)).isSome then 1 else 0

/-- The fields of a structure that is a proposition: their projections and types. -/
def fieldsOf (p : Expr) : MetaM (Array (Name × Expr)) := do
  let .const name levels := p.getAppFn | return #[]
  let some info := getStructureInfo? (← getEnv) name | return #[]
  if name == ``And || name == ``Iff then return #[]
  withLocalDeclD `self p fun self => do
    let fields ← info.fieldInfo.filterMapM fun field => do
      let type ← inferType (mkApp (mkAppN (.const field.projFn levels) p.getAppArgs) self)
      return if type.containsFVar self.fvarId! || !(← isProp type) then none else some (field.projFn, type)
    return fields

/-- What came of two parts of which both must hold: a counterexample to one of them, or else what is known the least about. -/
private def Outcome.both : Outcome → Outcome → Outcome
  | found@(.refuted ..), _ | _, found@(.refuted ..) => found
  | stuck@(.stuck _), _ | _, stuck@(.stuck _) => stuck
  | .spent, _ | _, .spent => .spent
  | .exhausted, .exhausted => .exhausted

/-- Searches a statement as a whole, and where that is stuck, the propositions that follow from it by taking its conclusion apart. If these are stuck too, what the whole was stuck on is said. -/
private partial def readings (uses : Array Use) (xs : Array Expr) (e : Expr) (act : Array Use → Array Expr → Expr → MetaM Outcome) : MetaM Outcome :=
  forallTelescope e fun ys body => do
    let xs := xs ++ ys
    let uses := if ys.isEmpty then uses else uses.push (.apply ys.size)
    let whole ← act uses xs body
    -- What could be evaluated need not be taken apart.
    unless whole matches .stuck _ do return whole
    let next (use : Use) (p : Expr) : MetaM Outcome := readings (uses.push use) xs p act
    let both (first second : MetaM Outcome) : MetaM Outcome := do
      let outcome ← first
      if outcome matches .refuted .. then return outcome
      return outcome.both (← second)
    let parts ← match_expr body with
      | And a b => both (next .left a) (next .right b)
      | Iff a b => both (do next .mp (← mkArrow a b)) (do next .mpr (← mkArrow b a))
      | Not a => readings uses xs (← mkArrow a (mkConst ``False)) act
      | Eq type f g => do
        let .forallE name domain _ _ ← whnfR type | return whole
        let name := if name.hasMacroScopes then `x else name
        withLocalDeclD name domain fun y => do readings (uses.push .congr) (xs.push y) (← mkEq (mkApp f y).headBeta (mkApp g y).headBeta) act
      | _ => do
        -- The fields that can be looked at alone are not all that a structure says: they can only refute it.
        for (projection, type) in ← fieldsOf body do
          let outcome ← next (.field projection) type
          if outcome matches .refuted .. then return outcome
        let some (.defnInfo _) := body.getAppFn.constName?.bind (← getEnv).find? | return whole
        let some unfolded ← withDefault (unfoldDefinition? body) | return whole
        readings uses xs unfolded.headBeta act
    return if parts matches .stuck _ then whole else parts

/-- Propositions evaluated, at most, to make a counterexample smaller. -/
private def shrinking : Nat := 500

/-- Looks for a counterexample to a closed proposition without universe parameters. Says also how many propositions were evaluated. -/
def search (config : Config) (relevance : MetaM Relevance) (type : Expr) : MetaM (Outcome × Nat) := do
  let great ← within evaluationHeartbeats (some <$> greatNumbers type)
  let source : Source := { numbers := (numbersIn type).qsort (· < ·), great := great.getD #[] }
  let evaluator ← Evaluator.about type source relevance config.deadline
  let evaluations ← IO.mkRef 0
  let outcome ← readings #[] #[] type fun uses xs conclusion => do
    let problem : Problem := { evaluator with config, xs, conclusion, uses, steps := ← stepsFor xs }
    let (outcome, state) ← (run problem).run { limit := config.evaluations / 2 }
    evaluations.modify (· + state.evaluations)
    return outcome
  return (outcome, ← evaluations.get)
where
  run (problem : Problem) : StateRefT State MetaM Outcome := do
    let start : Assignment := Array.replicate problem.xs.size none
    let mut isWhole := false
    for places in [0 : problem.config.places + 1] do
      modify fun s => { s with cut := false }
      match ← go 0 (.places places) start [] problem with
      | some .spent => break
      | some outcome => return outcome
      | none =>
        unless (← get).cut do
          isWhole := true
          break
    if isWhole then return ← stuckOr .exhausted
    modify fun s => { s with limit := config.evaluations }
    for _ in [0 : config.evaluations / 2] do
      modify ({ · with picked := #[] })
      if let some outcome ← go 0 .chance start [] problem then
        if outcome matches .spent then break
        return ← shrunk problem start outcome
    stuckOr .spent
  /-- What was found at random, with values that come earlier where those do as well. -/
  shrunk (problem : Problem) (start : Assignment) (found : Outcome) : StateRefT State MetaM Outcome := do
    modify fun s => { s with limit := s.evaluations + shrinking }
    let mut best := found
    let mut places := (← get).picked
    for i in [0 : places.size] do
      for smaller in [0 : places[i]!] do
        modify ({ · with picked := #[] })
        match ← go 0 (.given (places.set! i smaller)) start [] problem with
        | some .spent => return best
        | some (outcome@(.refuted ..)) =>
          best := outcome
          places := (← get).picked
          break
        | _ => continue
    return best
  stuckOr (outcome : Outcome) : StateRefT State MetaM Outcome := do
    match (← get).stuck? with
    | some what => return .stuck (← what.toString)
    | none => return outcome

end LemmaForge.Refute
