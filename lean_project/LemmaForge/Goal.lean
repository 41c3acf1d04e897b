module

public import Lean.Elab.Tactic
public import LemmaForge.Declarations
public import LemmaForge.Judge.Libraries

/-!
# Proof states

A `ProofState` is a value: a metavariable context, the goals that are still open in it, and the theorem that it all belongs to. Running a tactic
makes a new one and leaves the old one as it was, so a search may branch anywhere, and dropping a state is all there is to freeing it. Nothing
is shared between states but immutable data.

A tactic is run the way Lean runs it at the end of a `by` block: with error recovery off (a tactic that reports an error has failed), no
`sorry` in place of what does not elaborate, and every delayed elaboration problem settled before the tactic counts as done.

## What a goal looks like from outside
`goalKey` names a goal up to the names of its variables: two goals with the same key are the same problem, whatever path led to them.
-/

public section

namespace LemmaForge

open Lean Meta Elab

/-- A theorem to prove: its statement as Lean elaborated it, and the state of the file just before it. -/
structure Target where
  /-- Its name. -/
  name : Name
  /-- Universe parameters of the statement. -/
  levelParams : List Name
  /-- The statement: a closed proposition. -/
  type : Expr
  /-- How many leading variables are introduced before the proof begins (those before the colon). -/
  arity : Nat
  /-- Environment and scopes before the theorem. -/
  before : Command.State
  /-- The environment before the theorem, with the auxiliary definitions that its type mentions. -/
  env : Environment
  /-- The `theorem` command, with `sorry` for a proof. -/
  command : Syntax
  /-- Whether the type mentions auxiliary definitions: a `match`, a proof. -/
  hasAuxiliaries : Bool

/-- A point in a proof. Immutable. -/
structure ProofState where
  /-- What is being proved. -/
  target : Target
  /-- Environment (with auxiliary declarations that tactics made), name generators, caches. -/
  coreState : Core.State
  /-- Assignments of metavariables. -/
  metaState : Meta.State
  /-- Pending elaboration problems. -/
  termState : Term.State
  /-- The metavariable that stands for the whole proof. -/
  root : MVarId
  /-- Open goals. -/
  goals : List MVarId
  /-- The tactics that led here, last first. -/
  script : List String
  /-- Whether all goals of the theorem are here, none left aside by running a tactic on one of several goals. -/
  whole : Bool

/-- Context of `CoreM` for work on `target` under limits. -/
def Target.coreContext (target : Target) (fileName : String) (fileMap : FileMap) (limits : StepLimits)
    (token : IO.CancelToken) : BaseIO Core.Context := do
  let scope := target.before.scopes.head!
  return {
    fileName, fileMap
    options := maxHeartbeats.set scope.opts limits.heartbeats
    maxRecDepth := maxRecDepth.get scope.opts
    currNamespace := scope.currNamespace
    openDecls := scope.openDecls
    initHeartbeats := ← IO.getNumHeartbeats
    maxHeartbeats := limits.heartbeats * 1000
    cancelTk? := some token }

/-- Runs a `TermElabM` action in the context of a state. What it changes is returned, the state itself stays. -/
def ProofState.run {α : Type} (state : ProofState) (limits : StepLimits) (token : IO.CancelToken) (act : TermElabM α) (text : String := "") :
    BaseIO (Except Exception (α × ProofState)) := do
  let context ← state.target.coreContext "<tactic>" text.toFileMap limits token
  let act := (act.run { declName? := state.target.name, errToSorry := false } state.termState).run {} state.metaState
  match ← (act.run context state.coreState).toBaseIO with
  | .ok (((value, termState), metaState), coreState) => return .ok (value, { state with coreState, metaState, termState })
  | .error e => return .error e

/-- A state without what only its own making needed: messages, traces, information for editors. -/
def ProofState.tidy (state : ProofState) : ProofState :=
  { state with
    coreState := { state.coreState with messages := {}, traceState := {}, infoState := {}, snapshotTasks := #[], cache := {} }
    metaState := { state.metaState with diag := {}, postponed := {}, cache := {} } }

/-- The state in which a proof of `target` begins: the variables before the colon are introduced, with their names. -/
def Target.start (target : Target) (token : IO.CancelToken) : BaseIO (Except Exception ProofState) := do
  let empty : ProofState := {
    target, root := ⟨.anonymous⟩, goals := [], script := [], whole := true
    coreState := {
      env := target.env, ngen := { namePrefix := `_goal }, nextMacroScope := target.before.nextMacroScope
      auxDeclNGen := .ofPrefix target.name }
    metaState := {}, termState := { levelNames := target.levelParams } }
  let begin : TermElabM (MVarId × MVarId) := do
    let root ← mkFreshExprSyntheticOpaqueMVar target.type
    let (_, goal) ← root.mvarId!.introNP target.arity
    return (root.mvarId!, goal)
  match ← empty.run { heartbeats := 0 } token begin with
  | .ok ((root, goal), state) => return .ok { state.tidy with root, goals := [goal] }
  | .error e => return .error e

/-- How a tactic failed. -/
inductive TacticFailure where
  /-- It does not parse. -/
  | parse (message : String)
  /-- It is of syntax that is not allowed. -/
  | syntax (message : String)
  /-- Lean refused it. -/
  | tactic (message : String)
  /-- Too many heartbeats. -/
  | heartbeats (message : String)
  /-- Too deep a recursion. -/
  | recursion (message : String)
  /-- It closes a goal by `sorry`. -/
  | usesSorry
  /-- Its part of the proof mentions a constant that the proof must do without. -/
  | forbidden (constant : Name)
  /-- It was stopped from outside. -/
  | stopped (how : Stop)

/-- The name of a failure on the wire. -/
def TacticFailure.kind : TacticFailure → String
  | parse _ => "parse"
  | .syntax _ => "syntax"
  | tactic _ => "tactic"
  | heartbeats _ => "heartbeats"
  | recursion _ => "recursion"
  | usesSorry => "sorry"
  | forbidden _ => "forbidden"
  | stopped .timeout => "timeout"
  | stopped .cancelled => "cancelled"

/-- What a person reads about a failure. -/
def TacticFailure.message : TacticFailure → String
  | parse m | .syntax m | tactic m | heartbeats m | recursion m => m
  | usesSorry => "the tactic uses `sorry`"
  | forbidden constant => s!"the proof must do without `{constant}`"
  | stopped .timeout => "stopped at its time limit"
  | stopped .cancelled => "cancelled"

/-- Sorts an exception of the elaborator. -/
def TacticFailure.ofException (e : Exception) : BaseIO TacticFailure := do
  let message ← e.toMessageData.toString
  if e.isMaxHeartbeat then return .heartbeats message
  if e.isMaxRecDepth then return .recursion message
  return .tactic message

/-- Parses a tactic sequence with the tokens and open namespaces of the theorem's place. -/
def Target.parseTactics (target : Target) (text : String) : BaseIO (Except TacticFailure Syntax) := do
  match parseAll Parser.Tactic.tacticSeq.fn text target.before with
  | .ok stx => return .ok stx
  | .error message => return .error (.parse (← located message))

/-- The texts of the errors logged so far. -/
private def loggedErrors : CoreM String := do
  let errors := (← Core.getMessageLog).toList.filter (·.severity == .error)
  return "\n".intercalate (← errors.mapM (·.data.toString))

/-- Runs `act`. When it gives up after logging what is wrong, as elaborators may, the exception says what was logged. -/
def withLoggedErrors {α : Type} (act : TermElabM α) : TermElabM α := do
  try act catch e =>
    match e with
    | .internal id _ => if isAbortExceptionId id then throwError (← loggedErrors) else throw e
    | _ => throw e

/-- What a tactic may do and a proof may not. -/
private inductive Taint where
  | usesSorry
  | mentions (constant : Name)

/-- A constant of `without` that an expression mentions, or that something mentions which was declared on the way: tactics put parts of their proofs into auxiliary theorems. -/
private partial def mentioned? (base env : Environment) (without : NameSet) (e : Expr) : Option Name :=
  go e |>.run' {}
where
  go (e : Expr) : StateM NameSet (Option Name) := do
    for name in e.getUsedConstants do
      if without.contains name then return some name
      if base.contains name || (← get).contains name then continue
      modify (·.insert name)
      let some info := env.find? name | continue
      for part in info.type :: (info.value? (allowOpaque := true)).toList do
        if let some found ← go part then return some found
    return none

/-- Fails when the kernel refuses the proof of a goal. The elaborator is laxer in places, and it is better known now than when the whole proof is judged.

What still has universe variables to be found is left to the judge. -/
private def checkedByKernel (goal : MVarId) (proof : Expr) : MetaM Unit := goal.withContext do
  let type ← instantiateMVars (← goal.getType)
  let context ← instantiateLCtxMVars (← getLCtx)
  if proof.hasMVar || type.hasMVar || context.any fun decl => decl.type.hasMVar || decl.value?.any (·.hasMVar) then return
  let env ← getEnv
  match Kernel.check env context proof with
  | .error refusal => throwError refusal.toMessageData (← getOptions)
  | .ok given =>
    match Kernel.isDefEq env context given type with
    | .ok true => return
    | _ => throwError "the kernel finds a proof of{indentExpr given}\nand not of{indentExpr type}"

/-- Runs a parsed tactic sequence on some of the goals; gives the goals that are left of them, and what is wrong with it although it ran.

Fails when the tactic logged an error, or left a part of the proof open that is not among the goals. -/
private def evalOn (base : Environment) (goals : List MVarId) (tactics : Syntax) (without : NameSet) : TermElabM (List MVarId × Option Taint) := do
  let act : Tactic.TacticM Unit := do
    Tactic.evalTactic tactics
    Term.synthesizeSyntheticMVarsNoPostponing
    Tactic.pruneSolvedGoals
  let (_, after) ← withLoggedErrors (act.run { elaborator := .anonymous, recover := false } |>.run { goals })
  if (← Core.getMessageLog).hasErrors then throwError (← loggedErrors)
  let mut taint? : Option Taint := none
  for goal in goals do
    let proof ← instantiateMVars (.mvar goal)
    if proof.hasSorry then taint? := some .usesSorry
    unless without.isEmpty do
      if let some constant := mentioned? base (← getEnv) without proof then taint? := some (.mentions constant)
    if after.goals.isEmpty && proof.hasExprMVar then
      throwError "the tactic leaves a part of the proof open that is not among the goals:{indentExpr proof}"
    if after.goals.isEmpty && taint?.isNone then checkedByKernel goal proof
  return (after.goals, taint?)

/-- Runs a tactic sequence on the goals of a state, or on the goal number `goal?` alone. With a grammar, syntax that it does not have fails before it is run;
a tactic fails, too, when what it gives mentions a constant of `without`. -/
def ProofState.runTactic (state : ProofState) (goal? : Option Nat) (text : String) (grammar? : Option Judge.Grammar) (without : NameSet)
    (limits : StepLimits) (token : IO.CancelToken) : BaseIO (Except TacticFailure ProofState) := do
  let some goals := (match goal? with | none => some state.goals | some k => state.goals[k]?.map ([·]))
    | return .error (.tactic s!"the state has {state.goals.length} goals, no goal {goal?.getD 0}")
  if goals.isEmpty then return .error (.tactic "no goals to be proved")
  match ← state.target.parseTactics text with
  | .error e => return .error e
  | .ok tactics =>
    if let some grammar := grammar? then
      if let .error refusal := grammar.check (Judge.isTrustedKind state.target.before.env) tactics then
        return .error (.syntax s!"a proof may not use {refusal.what}")
    match ← state.run limits token (evalOn state.target.before.env goals tactics without) text with
    | .error e => return .error (← TacticFailure.ofException e)
    | .ok ((_, some .usesSorry), _) => return .error .usesSorry
    | .ok ((_, some (.mentions constant)), _) => return .error (.forbidden constant)
    | .ok ((left, none), after) =>
      return .ok { after.tidy with goals := left, script := text :: state.script, whole := state.whole && goals.length == state.goals.length }

/-! ## Showing goals -/

/-- How much of a goal is printed. -/
inductive Detail where
  /-- Its key alone. -/
  | none
  /-- The text that Lean shows. -/
  | text
  /-- Text, target and hypotheses. -/
  | full
  deriving BEq, Inhabited

instance : FromJson Detail where
  fromJson?
    | "none" => return .none
    | "text" => return .text
    | "full" => return .full
    | other => throw s!"`detail` is none, text or full, not {other.compress}"

/-- Hypotheses that a person sees, in order. -/
private def visibleDecls : MetaM (Array LocalDecl) := do
  return (← getLCtx).foldl (init := #[]) fun decls decl => if decl.isImplementationDetail then decls else decls.push decl

/-- Numbers the metavariables of an expression in the order in which they appear, so that their names do not matter. -/
private def numberMVars (e : Expr) : Expr :=
  if !e.hasExprMVar then e
  else
    let found := (e.collectMVars {}).result
    e.replace fun
      | .mvar id => (found.idxOf? id).map fun k => .fvar ⟨.num `m k⟩
      | _ => none

/-- A name for the goal that does not depend on the names of its variables.

Two hashes of the goal are joined, as Lean's hash of an expression has 32 bits: one of the goal closed over its hypotheses, one with the hypotheses as numbered
constants. Binder names enter neither. -/
def goalKey (goal : MVarId) : MetaM String := goal.withContext do
  let decls ← visibleDecls
  let target ← instantiateMVars (← goal.getType)
  let fvars := decls.map (·.toExpr)
  let numbered : Array Expr := decls.mapIdx fun k _ => .const (.num `_h k) []
  let mut closed := target.abstract fvars
  let mut mixed : UInt64 := 0
  for k in [0:decls.size] do
    let decl := decls[decls.size - 1 - k]!
    let type := (← instantiateMVars decl.type).abstract (fvars.extract 0 (decls.size - 1 - k))
    closed := .forallE .anonymous type closed .default
    mixed := mixHash mixed (numberMVars (← instantiateMVars decl.type) |>.replaceFVars fvars numbered).hash
  let named := numberMVars target |>.replaceFVars fvars numbered
  return s!"{(numberMVars closed).hash.toNat}.{(mixHash mixed named.hash).toNat}"

/-- One hypothesis, or several in a row of the same type, as Lean's goal view shows them. -/
private def hypothesesJson : MetaM Json := do
  let mut groups : Array (Array Name × Expr × Option Expr) := #[]
  for decl in ← visibleDecls do
    let type ← instantiateMVars decl.type
    let value ← decl.value?.mapM (instantiateMVars ·)
    match groups.back? with
    | some (names, type', none) =>
      if value.isNone && type == type' then groups := groups.pop.push (names.push decl.userName, type, none)
      else groups := groups.push (#[decl.userName], type, value)
    | _ => groups := groups.push (#[decl.userName], type, value)
  let entries ← groups.mapM fun (names, type, value) => do
    return Json.mkObj [
      ("names", .arr (names.map fun n => (toString n.simpMacroScopes : Json))), ("type", (← ppExpr type).pretty),
      ("value", ← match value with | some v => do pure (.str (← ppExpr v).pretty) | none => pure .null),
      ("proof", ← (try isProp type catch _ => pure false : MetaM Bool))]
  return .arr entries

/-- Whether the goal can not be proved apart from the others of its state: it has metavariables, or another goal mentions it. -/
private def isShared (goal : MVarId) (others : List MVarId) : MetaM Bool := do
  if (← mentioned goal).size > 0 then return true
  others.anyM fun other => do return other != goal && (← mentioned other).contains goal
where
  mentioned (goal : MVarId) : MetaM (Array MVarId) := goal.withContext do
    let mut found ← getMVars (← instantiateMVars (← goal.getType))
    for decl in ← getLCtx do
      if decl.type.hasExprMVar then found := found ++ (← getMVars (← instantiateMVars decl.type))
    return found

/-- A goal for the wire. -/
def goalJson (detail : Detail) (others : List MVarId) (goal : MVarId) : MetaM Json := do
  let key := [("key", Json.str (← goalKey goal)), ("shared", Json.bool (← isShared goal others))]
  if detail == .none then return Json.mkObj key
  let text := [("text", Json.str (← Meta.ppGoal goal).pretty)]
  if detail == .text then return Json.mkObj (key ++ text)
  goal.withContext do
    let clean := (← getLCtx).sanitizeNames.run' { options := ← getOptions } |>.run
    withLCtx clean (← getLocalInstances) do
      let decl ← goal.getDecl
      let tag := if decl.userName.isAnonymous then Json.null else .str (toString decl.userName.eraseMacroScopes)
      return Json.mkObj <| key ++ text ++ [("case", tag), ("target", .str (← ppExpr (← instantiateMVars decl.type)).pretty),
        ("hypotheses", ← hypothesesJson)]

/-- The open goals of a state, printed. -/
def ProofState.goalsJson (state : ProofState) (detail : Detail) (token : IO.CancelToken) : RequestM Json := do
  match ← state.run { heartbeats := 0 } token (state.goals.mapM (goalJson detail state.goals ·)) with
  | .ok (goals, _) => return .arr goals.toArray
  | .error e => fail .internal s!"a goal cannot be printed: {← e.toMessageData.toString}"

end LemmaForge
