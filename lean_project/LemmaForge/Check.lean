module

public import LemmaForge.Statement

/-!
# Checking a finished proof

A proof term counts when Lean's kernel accepts it for the *stated* type, in the environment as it was before the theorem. Tactics may have declared
auxiliary lemmas on the way; those are declared again here, one by one, through the kernel (`replay`), so nothing is taken on trust from where the proof was
elaborated, and no option that a tactic may have set reaches this check.

What a proof rests on is found by walking through it. A library file that holds only what a module exports shows its theorems without proofs, as axioms; their *original*
kind tells them apart from real ones. What such a theorem rests on itself cannot be seen from here; `opaqueTheorems` counts them.
-/

public section

namespace LemmaForge

open Lean Elab Meta

/-- Axioms that mathematics in Lean uses as a matter of course. -/
def standardAxioms : List Name := [``propext, ``Classical.choice, ``Quot.sound]

/-- What a proof rests on. -/
structure Footing where
  /-- Axioms met on the walk. -/
  axioms : NameSet := {}
  /-- Imported theorems whose proofs are not at hand. -/
  opaqueTheorems : NameSet := {}
  /-- Constants seen. -/
  visited : NameSet := {}

/-- Walks through a constant and all that it uses, noting axioms. -/
partial def Footing.walk (env : Environment) (name : Name) : StateM Footing Unit := do
  if (← get).visited.contains name then return
  modify fun f => { f with visited := f.visited.insert name }
  match env.find? name with
  | none => return
  | some info =>
    if let .axiomInfo _ := info then
      if wasOriginallyTheorem env name then
        modify fun f => { f with opaqueTheorems := f.opaqueTheorems.insert name }
      else if getOriginalConstKind? env name matches some .axiom | none then
        modify fun f => { f with axioms := f.axioms.insert name }
    visit info.type
    if let some value := info.value? (allowOpaque := true) then visit value
    match info with
    | .inductInfo i => i.ctors.forM (walk env)
    | .ctorInfo c => walk env c.induct
    | .recInfo r => r.rules.forM (visit ·.rhs)
    | _ => return
where
  visit (e : Expr) : StateM Footing Unit := e.getUsedConstants.forM (walk env)

/-- The footing of an expression. -/
def footingOf (env : Environment) (e : Expr) : Footing :=
  (e.getUsedConstants.forM (Footing.walk env)).run {} |>.2

/-- Declares again in `kernel`, through the kernel's checker, what `e` uses of `source` and `kernel` does not have. -/
partial def replay (source : Environment) (kernel : Kernel.Environment) (token : IO.CancelToken) (e : Expr) :
    Except String Kernel.Environment :=
  e.getUsedConstants.foldlM (init := kernel) declare
where
  declare (kernel : Kernel.Environment) (name : Name) : Except String Kernel.Environment := do
    if kernel.find? name |>.isSome then return kernel
    let some info := source.find? name | throw s!"unknown constant `{name}`"
    let kernel ← replay source kernel token info.type
    let kernel ← match info.value? (allowOpaque := true) with
      | some value => replay source kernel token value
      | none => pure kernel
    let declaration ← match info with
      | .thmInfo v => pure (.thmDecl v)
      | .defnInfo v => if v.safety == .safe then pure (.defnDecl v) else throw s!"`{name}` is unsafe or partial"
      | .opaqueInfo v => if v.isUnsafe then throw s!"`{name}` is unsafe" else pure (.opaqueDecl v)
      | .axiomInfo _ => throw s!"the proof declares an axiom, `{name}`"
      | _ => throw s!"the proof declares a type, `{name}`"
    match kernel.addDeclCore 0 declaration (some token) with
    | .ok kernel => return kernel
    | .error _ => throw s!"the kernel refuses the auxiliary declaration `{name}`"

/-- Syntax that runs a program of the proof's author while the proof is elaborated, trusts compiled code, or reads files. A proof needs none of it, and Lean's kernel
has had holes that only such programs reach. -/
def forbiddenSyntax : List SyntaxNodeKind :=
  [``Parser.Tactic.runTac, ``Parser.Tactic.nativeDecide, ``Parser.Term.«unsafe», `Lean.byElab, `Lean.runElab, `Lean.runMeta, `Lean.includeStr]

/-- The first piece of forbidden syntax in a proof, as it is written. -/
def forbidden? (proof : Syntax) : Option String := do
  let found ← proof.find? fun stx => forbiddenSyntax.contains stx.getKind
  let keyword ← found.find? Syntax.isAtom
  return keyword.getAtomVal

/-- Why a proof is not accepted. -/
structure Rejection where
  /-- `parse`, `metaprogram`, `elaboration`, `sorry`, `axiom`, `kernel`, `heartbeats`, `timeout` or `cancelled`. -/
  reason : String
  /-- What a person reads. -/
  message : String
  /-- The axioms met, when the reason is one of them. -/
  axioms : Array Name := #[]

/-- A proof that the kernel accepted for the stated type. -/
structure Accepted where
  /-- Axioms that it rests on, as far as they can be seen. -/
  axioms : Array Name
  /-- Imported theorems used whose proofs are not at hand. -/
  opaqueTheorems : Nat
  /-- Number of distinct subterms of the proof term. -/
  size : Nat

/-- Has the kernel check `proof` against the statement of `target`, in the environment before the theorem. It may rest on the axioms `allowed` alone. -/
def kernelCheck (target : Target) (elaborated : Environment) (proof : Expr) (allowed : List Name) (token : IO.CancelToken) :
    BaseIO (Except Rejection Accepted) := do
  if proof.hasSorry then return .error { reason := "sorry", message := "the proof uses `sorry`" }
  if proof.hasMVar || proof.hasFVar then
    return .error { reason := "elaboration", message := "the proof has open parts" }
  let base := target.before.env.toKernelEnv
  let declaration : Declaration := .thmDecl {
    name := target.name, levelParams := target.levelParams, type := target.type, value := proof }
  match replay elaborated base token proof with
  | .error message => return .error { reason := "kernel", message }
  | .ok kernel =>
    if let .error e := kernel.addDeclCore 0 declaration (some token) then
      let message ← (e.toMessageData {}).toString
      return .error { reason := "kernel", message }
    let footing := footingOf elaborated proof
    let axioms := footing.axioms.toArray.qsort Name.lt
    if axioms.contains ``sorryAx then
      return .error { reason := "sorry", message := "the proof uses `sorry` in something that it is made of" }
    if axioms.any (!allowed.contains ·) then
      let extra := axioms.filter (!allowed.contains ·)
      let message := s!"the proof rests on {", ".intercalate (extra.map toString).toList}"
      return .error { reason := "axiom", message, axioms }
    return .ok { axioms, opaqueTheorems := footing.opaqueTheorems.size, size := (← proof.numObjs.toBaseIO).toOption.getD 0 }

/-- The finished proof of a state: its term, closed. -/
def ProofState.proofTerm (state : ProofState) (token : IO.CancelToken) : BaseIO (Except Rejection Expr) := do
  unless state.goals.isEmpty do return .error { reason := "elaboration", message := "the state has open goals" }
  unless state.whole do
    return .error { reason := "elaboration", message := "a tactic was run on one goal of several; the others are open" }
  match ← state.run { heartbeats := 0 } token (instantiateMVars (.mvar state.root)) with
  | .ok (proof, _) => return .ok proof
  | .error e => return .error { reason := "elaboration", message := ← e.toMessageData.toString }

/-- Elaborates `proof`, a term, against the statement of `target`. Gives the environment with what the elaboration declared, the closed proof term and the messages. -/
def elabProof (target : Target) (text : String) (limits : StepLimits) (token : IO.CancelToken) :
    BaseIO (Except Rejection (Environment × Expr) × MessageLog) := do
  match parseAll (Parser.categoryParser `term 0).fn text target.before with
  | .error message => return (.error { reason := "parse", message := ← located message }, MessageLog.empty.add message)
  | .ok stx =>
    if let some keyword := forbidden? stx then
      return (.error { reason := "metaprogram", message := s!"a proof may not use `{keyword.trimAscii}`" }, {})
    let act : TermElabM Expr := Meta.forallBoundedTelescope target.type target.arity fun xs type => do
      let proof ← withLoggedErrors <| Term.withSynthesize <| Term.elabTermEnsuringType stx type
      mkLambdaFVars xs (← instantiateMVars proof)
    match ← target.start token with
    | .error e => return (.error { reason := "elaboration", message := ← e.toMessageData.toString }, {})
    | .ok start =>
      match ← start.run limits token act text with
      | .error e =>
        let failure ← TacticFailure.ofException e
        let reason := if failure.kind == "tactic" || failure.kind == "recursion" then "elaboration" else failure.kind
        let message := failure.message
        return (.error { reason, message }, {})
      | .ok (proof, after) =>
        let log := after.coreState.messages
        if log.hasErrors then
          let first ← (log.toList.find? (·.severity == .error)).mapM (·.data.toString)
          return (.error { reason := "elaboration", message := first.getD "" }, log)
        return (.ok (after.coreState.env, proof), log)

/-- Elaborates `proof` against the statement of `target` and has the kernel check it. -/
def checkProof (target : Target) (text : String) (allowed : List Name) (limits : StepLimits) (token : IO.CancelToken) :
    BaseIO (Except Rejection Accepted × MessageLog) := do
  match ← elabProof target text limits token with
  | (.error e, log) => return (.error e, log)
  | (.ok (env, proof), log) => return (← kernelCheck target env proof allowed token, log)

end LemmaForge
