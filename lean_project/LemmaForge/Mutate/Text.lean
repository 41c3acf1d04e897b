module

public import Lean.Elab.Tactic
public import LemmaForge.Mutate.Candidate

/-!
# The text of a mutant

A mutant is written as `theorem name signature := by script`. What is stored is the text, so the text is what must be right: the signature is elaborated again, as the `theorem` command would, and
must give back the very statement; the script is run on that statement, and the kernel checks the term that comes out of it. If Lean's usual way of printing does not read back, a more explicit one is tried.
-/

public section

namespace LemmaForge.Mutate

open Lean Meta Elab

/-- How often each stage was entered, and how long it took. -/
structure Stopwatch where
  /-- Times entered and nanoseconds, by stage. -/
  laps : IO.Ref (Std.HashMap String (Nat × Nat))

/-- Nothing measured yet. -/
def Stopwatch.new : BaseIO Stopwatch := return { laps := ← IO.mkRef {} }

/-- Adds a time to a stage. -/
def Stopwatch.add (watch : Stopwatch) (stage : String) (nanoseconds : Nat) : BaseIO Unit :=
  watch.laps.modify fun laps => laps.alter stage fun lap =>
    let (n, t) := lap.getD (0, 0)
    some (n + 1, t + nanoseconds)

/-- Measures `act` as a part of `stage`. Stages do not contain each other, so that times add up. -/
@[specialize] def Stopwatch.measure {m : Type → Type} {α : Type} [Monad m] [MonadLiftT BaseIO m] (watch : Stopwatch) (stage : String) (act : m α) : m α := do
  let began ← (IO.monoNanosNow : BaseIO Nat)
  let result ← act
  watch.add stage ((← (IO.monoNanosNow : BaseIO Nat)) - began)
  return result

/-- A statement read back from its text, with a script that proves it. -/
structure Readable where
  /-- What stands behind the name. -/
  signature : String
  /-- The statement that Lean reads in it. -/
  type : Expr
  /-- The lines of the tactic proof. -/
  script : List String
  /-- The proof that comes out of them. -/
  term : Expr
  /-- Which way of printing; 0 is Lean's usual one. -/
  printing : Nat

/-- Why a text is not accepted. -/
inductive TextFault where
  /-- No way of printing was read back as the same statement. -/
  | reading (message : MessageData)
  /-- No script proved the statement. -/
  | script (message : MessageData)
  /-- The kernel refused the script's term. -/
  | kernel (message : String)

/-- Ways of printing, the usual one first. -/
private def printings : List (Options → Options) := [
  id,
  fun o => o.setBool `pp.numericTypes true |>.setBool `pp.fieldNotation false |>.setBool `pp.funBinderTypes true |>.setBool `pp.coercions.types true]

private def dropMData (e : Expr) : Expr :=
  if (e.find? (· matches .mdata ..)).isNone then e
  else e.replace fun
    | .mdata _ e => some (dropFirst e)
    | _ => none
where
  dropFirst : Expr → Expr
    | .mdata _ e => dropFirst e
    | e => e

/-- The lines of a script as a `by` block, two blanks in. -/
def byBlock (lines : List String) : String :=
  "by" ++ String.join (lines.map fun line => "\n  " ++ line)

/-- Parts of a `theorem` command: universes, binders and conclusion. -/
private def parts (env : Environment) (signature : String) : Except String (Array Syntax × Syntax) := do
  let command ← Parser.runParserCategory env `command s!"theorem statement{signature} := by skip"
  let signature := command[1][2]
  return (signature[0].getArgs, signature[1][1])

/-- Elaborates a signature and goes on with its variables and conclusion. -/
private def withSignature {α : Type} (levelParams : List Name) (binders : Array Syntax) (conclusion : Syntax) (act : Array Expr → Expr → TermElabM α) : TermElabM α :=
  Term.withLevelNames levelParams <| Term.withoutErrToSorry <| Term.elabBinders binders fun xs => do
    let type ← Term.elabType conclusion
    Term.synthesizeSyntheticMVarsNoPostponing
    act xs (← instantiateMVars type)

/-- Runs a script on the conclusion of a statement, with its variables in sight. -/
private def runScript (xs : Array Expr) (conclusion : Expr) (script : List String) : TermElabM Expr := do
  match Parser.runParserCategory (← getEnv) `term (byBlock script) with
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
  match (← getEnv).addDeclCore 0 decl (← readThe Core.Context).cancelTk? with
  | .ok _ => return .ok ()
  | .error .interrupted => throwInterruptException
  | .error e => return .error (← (e.toMessageData {}).toString)

/-- Whether two statements are the same, up to the choice of proofs inside them: Lean finds those anew when it reads `a[i]`. -/
private def isSame (expected read : Expr) : MetaM Bool := do
  if dropMData read == expected then return true
  if read.hasMVar then return false
  withReducible (isDefEq expected read)

/-- The first of some scripts that proves the conclusion of a statement. Each has so many thousand heartbeats. -/
private def provedBy (c : Candidate) (xs : Array Expr) (conclusion : Expr) (scripts : List (List String)) (heartbeats : Nat) (watch : Stopwatch) : TermElabM (Except TextFault (List String × Expr)) := do
  let mut complaint : MessageData := "there is none"
  for script in scripts, i in [0:scripts.length] do
    match ← watch.measure "script" <| attempt heartbeats (runScript xs conclusion script) with
    | .error e => if i == 0 then complaint := e
    | .ok proof =>
      match ← watch.measure "kernel" (kernelAccepts c.levelParams c.type proof : CoreM _) with
      | .ok () => return .ok (script, proof)
      | .error e => return .error (.kernel e)
  return .error (.script complaint)

/-- Prints a candidate, reads it back, and finds the script that proves it; every attempt has so many thousand heartbeats. -/
def Candidate.readable (c : Candidate) (preamble : Array String) (heartbeats : Nat) (watch : Stopwatch) : TermElabM (Except TextFault Readable) := do
  let expected := dropMData c.type
  let scripts := c.scripts.map (preamble.toList ++ ·)
  let mut complaint? : Option MessageData := none
  for printing in printings, i in [0:printings.length] do
    let printed ← watch.measure "print" <| attempt heartbeats (withOptions printing (signatureText c.levelParams c.type) : MetaM _)
    let .ok signature := printed | continue
    let began ← IO.monoNanosNow
    let read : BaseIO Unit := do watch.add "read" ((← IO.monoNanosNow) - began)
    -- The scripts run in the scope of the signature, each with heartbeats of its own.
    let result ← attempt heartbeats do
      match parts (← getEnv) signature with
      | .error e => throwError "does not parse: {e}"
      | .ok (binders, conclusion) =>
        withSignature c.levelParams binders conclusion fun xs conclusion => do
          let type ← instantiateMVars (← mkForallFVars xs conclusion)
          unless ← isSame expected type do throwError "reads differently"
          read
          match ← provedBy { c with type } xs conclusion scripts heartbeats watch with
          | .error fault => return .error fault
          | .ok (script, term) => return .ok { signature, type, script, term, printing := i }
    match result with
    | .ok found => return found
    | .error e =>
      read
      complaint? := complaint? <|> some e
      -- A bound that Lean does not find for `a[i]` will not be found for another printing.
      if (wording e).startsWith "failed to prove index" then break
  return .error (.reading (complaint?.getD "it cannot be printed"))

end LemmaForge.Mutate
