module

public import Lean.Elab.Tactic
public import LemmaForge.Stages
public import LemmaForge.Mutate.Candidate

/-!
# The text of a mutant

A mutant is written as `theorem name signature := by script`. What is stored is the text, so the text is what must be right: the signature is elaborated again, as the `theorem` command would, and
must give back the very statement; the script is run on that statement, and the kernel checks the term that comes out of it. If Lean's usual way of printing does not read back, a more explicit one is tried.
-/

public section

namespace LemmaForge.Mutate

open Lean Meta Elab

/-- Variables that Lean has read. -/
structure Scope where
  /-- Their declarations. -/
  lctx : LocalContext
  /-- The instances among them. -/
  instances : LocalInstances
  /-- All of them, in order. -/
  xs : Array Expr

/-- Goes on in the sight of the variables. -/
def Scope.enter {α : Type} (scope : Scope) (act : TermElabM α) : TermElabM α :=
  withLCtx scope.lctx scope.instances act

/-- How the mutants of one theorem are read, and what that has taught. -/
structure Reader where
  /-- Prints and parses. A declaration is parsed before the namespaces of its name are opened: their notation is not there yet. -/
  outside : Environment
  /-- Scopes by the text of a signature up to the end of their last binder. Mutants of a theorem share most of their binders, and what Lean finds out about an instance is kept as long as the variables are the same. -/
  scopes : IO.Ref (Std.HashMap String Scope)
  /-- How many statements in a row read back in the explicit printing alone. -/
  explicit : IO.Ref Nat

/-- Nothing read yet. -/
def Reader.new (outside : Environment) : BaseIO Reader := return { outside, scopes := ← IO.mkRef {}, explicit := ← IO.mkRef 0 }

/-- A statement read back from its text, with a script that proves it. -/
structure Readable where
  /-- What stands behind the name. -/
  signature : String
  /-- The statement that Lean reads in it. -/
  type : Expr
  /-- Its variables. -/
  scope : Scope
  /-- Its conclusion. -/
  conclusion : Expr
  /-- The lines of the tactic proof. -/
  script : List String
  /-- The proof that comes out of them. -/
  term : Expr
  /-- Whether Lean's usual way of printing would not do. -/
  explicit : Bool

/-- Why a text is not accepted. -/
inductive TextFault where
  /-- No way of printing was read back as the same statement. -/
  | reading (message : MessageData)
  /-- No script proved the statement. -/
  | script (message : MessageData)
  /-- The kernel refused the script's term. -/
  | kernel (message : String)

/-- So many statements of a theorem that need the explicit printing in a row, and it is tried first. -/
private def habit : Nat := 3

private def dropMData (e : Expr) : Expr :=
  e.replace fun
    | .mdata _ e => some (dropFirst e)
    | _ => none
where
  dropFirst : Expr → Expr
    | .mdata _ e => dropFirst e
    | e => e

/-- The lines of a script as a `by` block, two blanks in. -/
def byBlock (lines : List String) : String :=
  "by" ++ String.join (lines.map fun line => "\n  " ++ line)

/-- Parts of a `theorem` command: binders, each with the text up to its end, and conclusion. -/
private def parts (env : Environment) (signature : String) : Except String (List (String × Syntax) × Syntax) := do
  let command := "theorem statement" ++ signature
  let signature := (← Parser.runParserCategory env `command (command ++ " := by skip"))[1][2]
  let upTo (binder : Syntax) : String := String.Pos.Raw.extract command 0 (binder.getTailPos?.getD 0)
  return (signature[0].getArgs.toList.map fun binder => (upTo binder, binder), signature[1][1])

/-- Goes on in the scope of some binders. Only a scope in which nothing is left to be determined is shared: no later text could have changed it. -/
private partial def withBinders {α : Type} (reader : Reader) (binders : List (String × Syntax)) (act : Scope → TermElabM α) (before : Scope := { lctx := {}, instances := {}, xs := #[] }) : TermElabM α := do
  let known ← reader.scopes.get
  match binders with
  | [] => act before
  | (text, binder) :: rest =>
    if let some scope := known[text]? then
      scope.enter (withBinders reader rest act scope)
    else
      Term.elabBinders #[binder] fun xs => do
        let lctx ← instantiateLCtxMVars (← getLCtx)
        let scope : Scope := { lctx, instances := ← getLocalInstances, xs := before.xs ++ xs }
        unless lctx.any (·.type.hasMVar) do reader.scopes.modify (·.insert text scope)
        scope.enter (withBinders reader rest act scope)

/-- Elaborates a signature and goes on with its variables and conclusion. -/
private def withSignature {α : Type} (reader : Reader) (levelParams : List Name) (binders : List (String × Syntax)) (conclusion : Syntax) (act : Scope → Expr → TermElabM α) : TermElabM α :=
  Term.withLevelNames levelParams <| Term.withoutErrToSorry <| withBinders reader binders fun scope => do
    let type ← Term.elabType conclusion
    Term.synthesizeSyntheticMVarsNoPostponing
    act { scope with lctx := ← instantiateLCtxMVars scope.lctx } (← instantiateMVars type)

/-- Runs a script on the conclusion of a statement, with its variables in sight. -/
private def runScript (outside : Environment) (xs : Array Expr) (conclusion : Expr) (script : List String) : TermElabM Expr := do
  match Parser.runParserCategory outside `term (byBlock script) with
  | .error e => throwError "does not parse: {e}"
  | .ok stx =>
    let goal ← mkFreshExprSyntheticOpaqueMVar conclusion
    Term.runTactic goal.mvarId! stx .term
    Term.synthesizeSyntheticMVarsNoPostponing
    let log ← Core.getMessageLog
    if let some error := log.toList.find? (·.severity == .error) then throwError "{error.data}"
    let proof ← instantiateMVars (← mkLambdaFVars xs (← instantiateMVars goal))
    if proof.hasSorry then throwError "sorry"
    if proof.hasMVar || proof.hasFVar then throwError "something is left open"
    return proof

/-- Runs `act` with so many thousand heartbeats and takes back all that it changed. Errors, heartbeats among them, come back as messages that nobody has to print; a request to stop goes through. -/
def attempt {α : Type} (heartbeats : Nat) (act : TermElabM α) : TermElabM (Except MessageData α) := do
  let saved ← saveState
  let limited := withTheReader Core.Context (fun c => { c with maxHeartbeats := heartbeats * 1000 }) (Core.withCurrHeartbeats act)
  let result : Except MessageData α ← tryCatchRuntimeEx (do return .ok (← limited)) fun e => do
    if e.isInterrupt then throw e
    return .error (if e.isMaxHeartbeat then m!"heartbeats" else e.toMessageData)
  saved.restore
  return result

/-- The words of a message without the terms in it: printing those takes longer than most attempts. -/
partial def wording : MessageData → String
  | .ofFormatWithInfos f => f.fmt.pretty
  | .withContext _ m | .withNamingContext _ m | .nest _ m | .group m | .tagged _ m => wording m
  | .compose a b => wording a ++ wording b
  | _ => ""

/-- The names that `theorem` declares while it is checked. -/
private def checkedName : Name := `lemmaforge_mutant

/-- Has the kernel check a proof. -/
def kernelAccepts (levelParams : List Name) (type proof : Expr) : CoreM (Except String Unit) := do
  let decl := Declaration.thmDecl { name := checkedName, levelParams, type, value := proof }
  match checkedAdd (← getEnv) decl (← readThe Core.Context).cancelTk? with
  | .ok _ => return .ok ()
  | .error .interrupted => throwInterruptException
  | .error e => return .error (← (e.toMessageData {}).toString)

/-- Whether two statements are the same, up to the choice of proofs inside them: Lean finds those anew when it reads `a[i]`. -/
private def isSame (expected read : Expr) : MetaM Bool := do
  if read == expected || dropMData read == dropMData expected then return true
  if read.hasMVar then return false
  withReducible (isDefEq expected read)

/-- The first of some scripts that proves the conclusion of a statement. Each has so many thousand heartbeats. -/
private def provedBy (c : Candidate) (outside : Environment) (xs : Array Expr) (conclusion : Expr) (scripts : List (List String)) (heartbeats : Nat) (watch : Stopwatch) : TermElabM (Except TextFault (List String × Expr)) := do
  let mut complaint : MessageData := "there is none"
  for script in scripts, i in [0:scripts.length] do
    match ← watch.measure "script" <| attempt heartbeats (runScript outside xs conclusion script) with
    | .error e => if i == 0 then complaint := e
    | .ok proof =>
      match ← watch.measure "kernel" (kernelAccepts c.levelParams c.type proof : CoreM _) with
      | .ok () => return .ok (script, proof)
      | .error e => return .error (.kernel e)
  return .error (.script complaint)

/-- Whether another printing would be read no better: no bound is found for `a[i]`, or looking for it takes too long. -/
private def isHopeless (e : MessageData) : Bool :=
  let words := wording e
  words.startsWith "failed to prove index" || words.startsWith "heartbeats"

/-- Prints a candidate, with full names; reads it back in the namespace of the library's theorem, under whose name it will stand; and finds the script that proves it; every attempt has so many thousand heartbeats. -/
def Candidate.readable (c : Candidate) (preamble : Array String) (reader : Reader) (heartbeats : Nat) (watch : Stopwatch) : TermElabM (Except TextFault Readable) := do
  let scripts := c.scripts.map (preamble.toList ++ ·)
  let isHabit : Bool := (← reader.explicit.get) ≥ habit
  let mut complaint? : Option MessageData := none
  for isExplicit in [isHabit, !isHabit] do
    let printing := if isExplicit then explicitPrinting else id
    let printed ← watch.measure "print" <| attempt heartbeats do
      modifyThe Core.State ({ · with env := reader.outside })
      withTheReader Core.Context ({ · with currNamespace := .anonymous }) <| withOptions printing (signatureText c.levelParams c.type)
    let .ok signature := printed | continue
    let began ← IO.monoNanosNow
    let read : BaseIO Unit := do watch.add "read" ((← IO.monoNanosNow) - began)
    -- The scripts run in the scope of the signature, each with heartbeats of its own.
    let result ← attempt heartbeats do
      -- A hole that only unification could fill: Lean warns of it, and as a rule it cannot.
      if signature.contains '⋯' then throwError "reads differently: something is left out"
      match parts reader.outside signature with
      | .error e => throwError "does not parse: {e}"
      | .ok (binders, conclusion) =>
        withSignature reader c.levelParams binders conclusion fun scope conclusion => do
          let type ← instantiateMVars (← mkForallFVars scope.xs conclusion)
          unless ← isSame c.type type do throwError "reads differently"
          read
          reader.explicit.modify fun n => if isExplicit then n + 1 else 0
          match ← provedBy { c with type } reader.outside scope.xs conclusion scripts heartbeats watch with
          | .error fault => return .error fault
          | .ok (script, term) => return .ok { signature, type, scope, conclusion, script, term, explicit := isExplicit }
    match result with
    | .ok found => return found
    | .error e =>
      read
      complaint? := complaint? <|> some e
      if isHopeless e then break
  return .error (.reading (complaint?.getD "it cannot be printed"))

end LemmaForge.Mutate
