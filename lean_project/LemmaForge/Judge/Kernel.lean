module

public import LemmaForge.Goal

/-!
# The kernel's part

A proof term counts when Lean's kernel accepts it for the *stated* type, in an environment that the submission never touched: the one before the theorem, as the trusted text
made it. What the proof uses and that environment lacks (lemmas of a submitted file, auxiliary definitions that tactics made) is declared there again, declaration by declaration,
through the kernel (`Replay`). A constant that is there already is used as it is there, whatever the submission calls by that name. So nothing is taken
on trust from where the proof was elaborated, and no option, cache or extension of that place has a say.

What a proof rests on is found by walking through it in that same environment. A library file that holds only what a module exports shows its theorems without proofs, as axioms;
their *original* kind tells them apart from real ones. What such a theorem rests on itself cannot be seen from here; `opaqueTheorems` counts those that a proof mentions.
-/

public section

namespace LemmaForge.Judge

open Lean

/-- Why a submission is rejected. -/
inductive Reason where
  /-- It does not parse. -/
  | parse
  /-- It holds syntax that is not on the list of allowed kinds. -/
  | syntax
  /-- A file that imports what the statement's imports do not contain. -/
  | header
  /-- Lean reports an error. -/
  | elaboration
  /-- A file without a theorem of that name. -/
  | missing
  /-- What has the name is not a theorem. -/
  | kind
  /-- The theorem states something else, or means something else by the same words. -/
  | statement
  /-- It uses `sorry`. -/
  | sorry
  /-- It rests on an axiom that is not allowed. -/
  | axiom
  /-- The kernel refuses it. -/
  | kernel
  /-- Past its heartbeats. -/
  | heartbeats
  /-- Past its wall clock limit. -/
  | timeout
  /-- The client asked to stop. -/
  | cancelled
  deriving BEq, Inhabited

/-- The name of a reason on the wire. -/
def Reason.toString : Reason → String
  | .parse => "parse"
  | .syntax => "syntax"
  | .header => "header"
  | .elaboration => "elaboration"
  | .missing => "missing"
  | .kind => "kind"
  | .statement => "statement"
  | .sorry => "sorry"
  | .axiom => "axiom"
  | .kernel => "kernel"
  | .heartbeats => "heartbeats"
  | .timeout => "timeout"
  | .cancelled => "cancelled"

/-- A rejection: the class, the place and the words. -/
structure Rejection where
  /-- The class. -/
  reason : Reason
  /-- What a person reads. -/
  message : String
  /-- Where in the submission. -/
  position? : Option Position := none
  /-- The axioms met, when the reason is one of them. -/
  axioms : Array Name := #[]

/-- `IO` that may reject; what Lean said on the way is kept either way. -/
abbrev JudgeM := ExceptT Rejection (StateT MessageLog BaseIO)

/-- Rejects. -/
def reject {α : Type} (reason : Reason) (message : String) (position? : Option Position := none) : JudgeM α :=
  throw { reason, message, position? }

/-! ## Declaring again -/

/-- An environment of the kernel that grows. -/
structure Replay where
  /-- The trusted environment with what was declared on top of it. -/
  kernel : Kernel.Environment
  /-- What was declared, in order. -/
  declared : Array Declaration := #[]

/-- The constants for which the kernel runs compiled code, which is to trust the compiler. (Not quoted with two backquotes, as Lean is about to do without them.) -/
private def nativeConstants : List Name := [`Lean.reduceBool, `Lean.reduceNat]

/-- The axiom that says so. -/
private def trustCompiler : Name := `Lean.trustCompiler

/-- The types and values of a declaration. The kernel of this release takes some that are not closed. -/
private def expressions : Declaration → List Expr
  | .thmDecl v => [v.type, v.value]
  | .defnDecl v => [v.type, v.value]
  | .opaqueDecl v => [v.type, v.value]
  | .axiomDecl v => [v.type]
  | .inductDecl _ _ types _ => types.flatMap fun t => t.type :: t.ctors.map (·.type)
  | .mutualDefnDecl vs => vs.flatMap fun v => [v.type, v.value]
  | .quotDecl => []

/-- Adds a declaration through the kernel, unless the kernel would run compiled code for it. -/
def Replay.declare (r : Replay) (declaration : Declaration) (token : IO.CancelToken) : JudgeM Replay := do
  if let some name := (ingredients declaration).find? nativeConstants.contains then
    throw { reason := .axiom, message := s!"the proof trusts compiled code (`{name}`)", axioms := #[trustCompiler] }
  if (expressions declaration).any fun e => e.hasFVar || e.hasMVar || e.hasLooseBVars then
    reject .kernel s!"a declaration that is not closed: {", ".intercalate (declaration.getNames.map toString)}"
  match kernelAdd r.kernel declaration (some token) with
  | .ok kernel => return { kernel, declared := r.declared.push declaration }
  | .error e =>
    let names := ", ".intercalate (declaration.getNames.map fun name => s!"`{name}`")
    reject .kernel s!"the kernel refuses {names}: {← (e.toMessageData {}).toString}"

/-- Declares `name` of `source`, and first what it is made of, unless the environment has it. -/
partial def Replay.require (source : Environment) (token : IO.CancelToken) (r : Replay) (name : Name) : JudgeM Replay := do
  if r.kernel.find? name |>.isSome then return r
  let declaration ← match declarationOf source name with
    | .ok declaration => pure declaration
    | .error e => reject .kernel e
  if let .axiomDecl _ := declaration then reject .axiom s!"the submission declares an axiom, `{name}`"
  let r ← (ingredients declaration).foldlM (Replay.require source token) r
  r.declare declaration token

/-! ## What a proof rests on -/

/-- Axioms that mathematics in Lean uses as a matter of course. -/
def standardAxioms : List Name := [``propext, ``Classical.choice, ``Quot.sound]

/-- What is known of the axioms behind imported constants. Imports never change, so it is kept from one judgement to the next. -/
structure Imported where
  /-- Nothing behind these is an axiom. -/
  clean : NameHashSet := {}
  /-- The axioms behind these. -/
  tainted : NameMap NameSet := {}

/-- A walk through constants and all that they are made of. -/
private structure Walk where
  axioms : NameSet := {}
  visited : NameHashSet := {}
  /-- Where it stopped. -/
  border : Array Name := #[]

/-- Visits a constant, and what it is made of unless `stop` says otherwise. `find?` knows all constants; `env` knows what imported ones were before they were stripped. -/
private partial def Walk.visit (find? : Name → Option ConstantInfo) (env : Environment) (stop : Name → Bool) (name : Name) : StateM Walk Unit := do
  if (← get).visited.contains name then return
  modify fun w => { w with visited := w.visited.insert name }
  if stop name then
    modify fun w => { w with border := w.border.push name }
    return
  let some info := find? name | return
  -- Their values, which mention the axiom, are not in every library file.
  if nativeConstants.contains name then
    modify fun w => { w with axioms := w.axioms.insert trustCompiler }
  if info matches .axiomInfo _ && !wasOriginallyTheorem env name && (getOriginalConstKind? env name matches some .axiom | none) then
    modify fun w => { w with axioms := w.axioms.insert name }
  through info.type
  if let some value := info.value? (allowOpaque := true) then through value
  match info with
  | .inductInfo i => i.ctors.forM (visit find? env stop)
  | .ctorInfo c => visit find? env stop c.induct
  | .recInfo r => r.rules.forM (through ·.rhs)
  | _ => return
where
  through (e : Expr) : StateM Walk Unit := e.getUsedConstants.forM (visit find? env stop)

private def isImported (env : Environment) (name : Name) : Bool := (env.getModuleIdxFor? name).isSome

/-- The axioms behind an imported constant. -/
private def Imported.axiomsOf (known : Imported) (env : Environment) (name : Name) : NameSet × Imported :=
  if known.clean.contains name then ({}, known)
  else match known.tainted.find? name with
    | some axioms => (axioms, known)
    | none =>
      let walk := (Walk.visit env.find? env known.clean.contains name).run {} |>.2
      if walk.axioms.isEmpty then ({}, { known with clean := walk.visited.fold (·.insert ·) known.clean })
      else (walk.axioms, { known with tainted := known.tainted.insert name walk.axioms })

/-- The axioms behind constants: those that `find?` finds over the imports of `env`, and the imported ones. -/
def axiomsBehind (known : IO.Ref Imported) (env : Environment) (find? : Name → Option ConstantInfo) (names : Array Name) : BaseIO NameSet := do
  let own := (names.forM (Walk.visit find? env (isImported env))).run {} |>.2
  own.border.foldlM (init := own.axioms) fun axioms name => do
    return axioms.append (← known.modifyGet (·.axiomsOf env name))

/-- The constants behind an expression that are not imported. -/
def ownConstantsBehind (env : Environment) (e : Expr) : List Name :=
  let walk := (e.getUsedConstants.forM (Walk.visit env.find? env (isImported env))).run {} |>.2
  walk.visited.toList.filter (!isImported env ·)

/-! ## The verdict -/

/-- A proof that the kernel accepted for the stated type. -/
structure Accepted where
  /-- Axioms that it rests on, as far as they can be seen. -/
  axioms : Array Name
  /-- How many of `constants` are imported theorems whose proofs are not at hand. -/
  opaqueTheorems : Nat
  /-- The constants of the trusted environment that the proof, or what it brings along, mentions. -/
  constants : Array Name
  /-- Number of distinct subterms of the proof term. -/
  size : Nat
  /-- The trusted environment with the theorem, and what it needs, on top of it. -/
  kernel : Kernel.Environment

/-- What a judgement goes by, apart from the statement. -/
structure Terms where
  /-- Axioms that a proof may rest on. -/
  axioms : List Name := standardAxioms
  /-- What is known of the imports. -/
  known : IO.Ref Imported

/-- Has the kernel check a proof term whose ingredients are declared, for the stated type, and looks at what it rests on. -/
def prove (target : Target) (terms : Terms) (r : Replay) (proof : Expr) (token : IO.CancelToken) : JudgeM Accepted := do
  let r ← r.declare (.thmDecl { name := target.name, levelParams := target.levelParams, type := target.type, value := proof }) token
  let base := target.env
  let axioms := (← axiomsBehind terms.known base r.kernel.find? proof.getUsedConstants).toArray.qsort Name.lt
  if axioms.contains ``sorryAx then
    throw { reason := .sorry, message := "the proof rests on something that uses `sorry` (`sorryAx`)", axioms }
  let extra := axioms.filter (!terms.axioms.contains ·)
  unless extra.isEmpty do
    throw { reason := .axiom, message := s!"the proof rests on {", ".intercalate (extra.map toString).toList}", axioms }
  let mentioned := r.declared.foldl (init := ({} : NameSet)) fun names d => (ingredients d).foldl (·.insert ·) names
  let constants := (mentioned.toArray.filter (base.contains ·)).qsort Name.lt
  return {
    axioms, constants, kernel := r.kernel
    opaqueTheorems := (constants.filter fun name => wasOriginallyTheorem base name && (base.find? name matches some (.axiomInfo _))).size
    size := (← proof.numObjs.toBaseIO).toOption.getD 0 }

/-- Has the kernel check `proof`, found in `elaborated`, against the statement of `target`, in the environment before the theorem. -/
def kernelCheck (target : Target) (terms : Terms) (elaborated : Environment) (proof : Expr) (token : IO.CancelToken) : JudgeM Accepted := do
  if proof.hasSorry then reject .sorry "the proof uses `sorry` (`sorryAx`)"
  if proof.hasMVar || proof.hasFVar then reject .elaboration "the proof has open parts"
  let r ← proof.getUsedConstants.foldlM (Replay.require elaborated token) { kernel := target.env.toKernelEnv }
  prove target terms r proof token

end LemmaForge.Judge
