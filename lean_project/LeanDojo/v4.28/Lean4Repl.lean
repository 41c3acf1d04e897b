import Lean.Elab.Frontend
import Lean.Elab.Tactic

/-!
# Sessions of LeanDojo

LeanDojo's `Dojo` writes a copy of a source file in which the proof of one theorem is `by lean_dojo_repl; sorry`, has Lean elaborate it, and talks to the tactic while
Lean is in the middle of that proof. This file is that tactic, for Lean releases that LeanDojo's own does not know.

A line of standard input is a request, a line of standard output that begins with `REPL> ` the reply; other lines are what tactics print.

    {"sid": 0, "cmd": "intro n"}              run a tactic, or several as in a proof, on the state with that number
    {"sid": 0, "cmd": "…", "heartbeats": 200} the same, with a `maxHeartbeats` of its own
    {"release": [3, 4]}                       forget states
    exit                                      end the process, as the end of the input does

    {"sid": 1, "tacticState": "n : Nat\n⊢ n = n", "error": null, "goals": […]}
    {"sid": 2, "tacticState": "no goals", "error": null}
    {"sid": null, "tacticState": null, "error": "unsolved goals …"}

`sid`, `cmd`, `tacticState` and `error` are LeanDojo's. `heartbeats`, `release` and `goals` are not, and LeanDojo neither sends nor reads them.

A proof is reported as finished when the kernel has accepted its term, which tells nothing of axioms; who needs a verdict has the whole file checked.
-/

open Lean Elab

namespace LeanDojo

/-- What standard input asks for. -/
structure Request where
  /-- The state to start from. -/
  sid : Nat
  /-- A tactic, or a command. -/
  cmd : String
  /-- `maxHeartbeats` for it; that of the file otherwise. -/
  heartbeats? : Option Nat

/-- What standard output answers. -/
structure Reply where
  /-- The new state. -/
  sid? : Option Nat := none
  /-- Its goals, as Lean prints them. -/
  tacticState? : Option String := none
  /-- Why there is no new state. -/
  error? : Option String := none
  /-- The goals once more, in parts. -/
  goals : Array Json := #[]

private def Reply.toLine (reply : Reply) : String :=
  let orNull {α : Type} [ToJson α] (value? : Option α) : Json := value?.elim .null toJson
  let json := Json.mkObj <| [("sid", orNull reply.sid?), ("tacticState", orNull reply.tacticState?), ("error", orNull reply.error?)] ++
    (if reply.goals.isEmpty then [] else [("goals", .arr reply.goals)])
  "REPL> " ++ json.compress

/-- Standard input and output of the process, as they are when this module is imported: later, Lean lends each command streams of its own, an empty one
and one that becomes a message. -/
initialize streams : IO.FS.Stream × IO.FS.Stream ← return (← IO.getStdin, ← IO.getStdout)

/-- Prints a reply where the reader sees it at once. -/
def send (reply : Reply) : IO Unit := do
  streams.2.putStrLn reply.toLine
  streams.2.flush

/-- The states of a session, by number. -/
structure States (σ : Type) where
  /-- Those that were not released. -/
  live : Std.HashMap Nat σ := {}
  /-- The number of the next. -/
  next : Nat := 0

/-- Numbers a state. -/
def States.add {σ : Type} (states : IO.Ref (States σ)) (state : σ) : BaseIO Nat :=
  states.modifyGet fun s => (s.next, { live := s.live.insert s.next state, next := s.next + 1 })

private def requestOf (json : Json) : Except String Request := do
  return { sid := ← json.getObjValAs? Nat "sid", cmd := ← json.getObjValAs? String "cmd", heartbeats? := (json.getObjValAs? Nat "heartbeats").toOption }

/-- Answers requests until there are no more. `run` makes a reply to a request from its state. -/
partial def serve {m : Type → Type} {σ : Type} [Monad m] [MonadLiftT IO m] [MonadLiftT BaseIO m] (states : IO.Ref (States σ)) (run : σ → Request → m Reply) : m Unit := do
  let line ← (streams.1.getLine : IO String)
  if line.isEmpty || line.trimAscii == "exit".toSlice then return
  let refuse (why : String) : m Unit := (send { error? := some why } : IO Unit)
  match Json.parse line with
  | .error e => refuse s!"[fatal] not JSON: {e}"
  | .ok json =>
    if let .ok numbers := json.getObjValAs? (Array Nat) "release" then
      (do states.modify fun s => { s with live := numbers.foldl (·.erase ·) s.live }; send {} : IO Unit)
    else match requestOf json with
    | .error e => refuse s!"[fatal] not a request: {e}"
    | .ok request =>
      match (← (states.get : BaseIO (States σ))).live[request.sid]? with
      | none => refuse s!"[fatal] unknown state: {request.sid}"
      | some state => (send (← run state request) : IO Unit)
  serve states run

/-! ## Tactics -/

namespace Tactics

open Tactic Meta

/-- A goal: its text, and in parts its case, hypotheses as name, type, value of a `let` and whether it is a proof, and target. -/
private def goalJson (goal : MVarId) (text : String) : MetaM Json := goal.withContext do
  let mut hypotheses := #[]
  for h in ← getLCtx do
    if h.isImplementationDetail then continue
    let type ← instantiateMVars h.type
    let value? ← if h.isLet then pure (some (toString (← ppExpr (← instantiateMVars (h.value true))))) else pure none
    hypotheses := hypotheses.push <| Json.arr #[.str h.userName.simpMacroScopes.toString, .str (toString (← ppExpr type)), value?.elim .null .str, toJson (← isProp type)]
  let tag ← goal.getTag
  return Json.mkObj [("text", .str text), ("case", if tag.isAnonymous then .null else .str tag.eraseMacroScopes.toString), ("hypotheses", .arr hypotheses),
    ("target", .str (toString (← ppExpr (← instantiateMVars (← goal.getType)))))]

private def replyTo (sid : Nat) (goals : List MVarId) : MetaM Reply := do
  if goals.isEmpty then return { sid? := sid, tacticState? := "no goals" }
  let texts ← goals.mapM fun goal => return (← ppGoal goal).pretty
  return { sid? := sid, tacticState? := "\n\n".intercalate texts, goals := ← (goals.zip texts).toArray.mapM fun (goal, text) => goalJson goal text }

/-- Parses all of a text as the tactics of a proof. -/
private def parse (env : Environment) (text : String) : Except String Syntax := do
  let input := Parser.mkInputContext text "<stdin>"
  let start := { Parser.mkParserState text with cache := Parser.initCacheForInput text }
  let parser := Parser.andthenFn Parser.whitespace Parser.Tactic.tacticSeq.fn
  let done := parser.run input { env, options := {} } (Parser.getTokenTable env) start
  if done.allErrors.isEmpty && input.atEnd done.pos then return done.stxStack.back
  let done := if done.allErrors.isEmpty then done.mkError "end of input" else done
  throw (done.toErrorMsg input)

private def errorText (messages : MessageLog) : IO String := do
  return "\n".intercalate (← (messages.toList.filter (·.severity == .error)).mapM fun m => m.data.toString)

/-- Why what was assigned to the goal of the theorem is no proof of it; `none` if the kernel accepts it. -/
private def faultOf (root : MVarId) : TacticM (Option String) := root.withContext do
  let proof ← instantiateMVars (.mvar root)
  if proof.hasSorry then return "proof contains `sorry`"
  if proof.hasExprMVar then return "proof contains metavariables"
  let own := (← getLCtx).foldl (init := #[]) fun found h => if h.isAuxDecl then found.push h.fvarId else found
  if own.any proof.containsFVar then return "proof refers to the theorem that it is of"
  let context := (← getLCtx).foldl (init := #[]) fun found h => if h.isImplementationDetail then found else found.push h.toExpr
  let close (e : Expr) : TacticM Expr := do instantiateMVars (← mkLambdaFVars context e (usedLetOnly := false))
  let value ← close proof
  let type ← instantiateMVars (← mkForallFVars context (← root.getType) (usedLetOnly := false))
  if value.hasLevelMVar || type.hasLevelMVar then return "proof contains universe metavariables"
  let levels := (collectLevelParams (collectLevelParams {} type) value).params.toList
  -- By the kernel itself: while a theorem is elaborated its environment takes no constants but those below the theorem's name.
  match (← getEnv).toKernelEnv.addDecl {} (.thmDecl { name := `_lean_dojo_proof, levelParams := levels, type, value }) with
  | .ok _ => return none
  | .error e => return s!"kernel type check failed: {← (e.toMessageData (← getOptions)).toString}"

/-- Runs what a request says, and keeps what came of it. -/
private def run (root : MVarId) (states : IO.Ref (States Tactic.SavedState)) (state : Tactic.SavedState) (request : Request) : TacticM Reply := do
  state.restore
  match parse (← getEnv) request.cmd with
  | .error e => return { error? := e }
  | .ok tactics =>
    let start ← IO.getNumHeartbeats
    let limited (context : Core.Context) : Core.Context :=
      { context with initHeartbeats := start, maxHeartbeats := request.heartbeats?.elim context.maxHeartbeats (· * 1000) }
    let ran ← tryCatchRuntimeEx (withTheReader Core.Context limited do
        Core.resetMessageLog
        evalTactic tactics
        pruneSolvedGoals
        let messages ← Core.getMessageLog
        if messages.hasErrors then return some (← errorText messages)
        return none)
      fun e => do return some (← e.toMessageData.toString)
    if let some e := ran then return { error? := e }
    if (← getGoals).isEmpty then
      if let some fault ← faultOf root then return { error? := fault }
    let sid ← States.add states (← Tactic.saveState)
    replyTo sid (← getGoals)

/-- The session itself. It ends the process: nothing of what comes behind the theorem is wanted. -/
def session : TacticM Unit := withMainContext do
  let root ← getMainGoal
  unless ← isProp (← root.getType) do throwError "[fatal] not_a_theorem"
  Core.resetMessageLog
  pruneSolvedGoals
  let states ← IO.mkRef ({} : States Tactic.SavedState)
  let first ← States.add states (← Tactic.saveState)
  send (← replyTo first (← getGoals))
  serve states (run root states)
  IO.Process.exit 0

end Tactics

/-! ## Commands -/

namespace Commands

/-- Elaborates a text of commands on top of a state of a file; messages that are no errors are printed. -/
private def run (states : IO.Ref (States Command.State)) (state : Command.State) (request : Request) : Command.CommandElabM Reply := do
  let input := Parser.mkInputContext request.cmd "<stdin>"
  let after := (← (IO.processCommands input {} { state with messages := {} } : IO Frontend.State)).commandState
  let mut errors := #[]
  for message in after.messages.toList do
    let text ← message.data.toString
    if message.severity == .error then errors := errors.push text else IO.println text.trimAscii.toString
  let sid ← States.add states after
  return { sid? := sid, error? := if errors.isEmpty then none else some ("\n".intercalate errors.toList) }

/-- The session at a place between commands. -/
def session : Command.CommandElabM Unit := do
  let states ← IO.mkRef ({} : States Command.State)
  let first ← States.add states (← get)
  (send { sid? := first } : IO Unit)
  serve states (run states)
  (IO.Process.exit 0 : IO Unit)

end Commands

end LeanDojo

/-- Hands the proof over to whoever is at the other end of standard input and output. -/
elab "lean_dojo_repl" : tactic => LeanDojo.Tactics.session

/-- The same between commands. -/
elab "#lean_dojo_repl" : command => LeanDojo.Commands.session
