module

public import LemmaForge.Judge.Export
public import LemmaForge.Server.Library

/-!
# The server

`start` gives a function from request lines to reply lines; who reads the lines and writes the answers is the host's affair (JavaScript around
the embedded Lean, `Main.lean` natively).

A request ends in a reply whatever happens in it: errors are values (`RequestM`), and exceptions of `IO` are reported as `internal`.
-/

public section

namespace LemmaForge.Server

open Lean Elab

/-! ## Methods -/

/-- The first line of a server: what it is. -/
private def greeting (backend : String) : String :=
  let suffix := if !version.specialDesc.isEmpty then "-" ++ version.specialDesc else if version.isRelease then "" else "-pre"
  (Json.mkObj [("hello", Json.mkObj [("protocol", protocolVersion), ("server", serverVersion), ("lean", versionStringCore ++ suffix),
    ("commit", githash), ("backend", backend), ("platform", System.Platform.target)])]).compress

/-- Where an environment comes from: modules, and text on top of them. -/
private def openingOf (r : Request) : RequestM (Array Import × String × Parser.ModuleParserState × String) := do
  match ← r.arg? String "header" with
  | some header =>
    let (imports, parser) ← parseFileHeader (Parser.mkInputContext header "<header>")
    return (imports, header, parser, "")
  | none =>
    let names ← r.arg (Array String) "imports"
    -- As in a file, `Init` comes along; so an import list means the same modules here and there, and they are loaded once.
    let names := if names.contains "Init" then names else #["Init"] ++ names
    let prelude := (← r.arg? String "prelude").getD ""
    return (names.map fun n => { module := n.toName }, prelude, {}, " ".intercalate names.toList)

private def envOpen : Handler := fun c r => do
  let (imports, text, parser, names) ← openingOf r
  let key := (names, text)
  let began ← IO.monoNanosNow
  let reply (id : Nat) (state : Command.State) : RequestM Json := do
    return Json.mkObj [("env", id), ("constants", state.env.constants.map₁.size),
      ("seconds", secondsJson ((← IO.monoNanosNow) - began)), ("messages", ← messagesJson state.messages)]
  if let some id := (← c.state.get).opened[key]? then
    if let some state := (← c.state.get).environments[id]? then return ← reply id state
  let base := initialState (← c.importsOf imports).1
  let state ← c.asStep (← limitsOf r 0) fun token =>
    elabCommands (Parser.mkInputContext text "<prelude>") parser token base fun _ _ _ => (pure () : RequestM Unit)
  if state.messages.hasErrors then
    fail .elaboration "the text before the theorem has errors" (Json.mkObj [("messages", ← messagesJson state.messages)])
  let id ← c.keepEnvironment state
  c.state.modify fun s => { s with opened := s.opened.insert key id }
  reply id { state with messages := {} }

private def envRelease : Handler := fun c r => do
  let ids ← r.arg (Array Nat) "envs"
  let known := ids.filter (← c.state.get).environments.contains
  c.state.modify fun s => { s with environments := ids.foldl (·.erase ·) s.environments }
  return Json.mkObj [("released", known.size)]

/-- What `file.check` says of one theorem. -/
private def theoremJson (c : Context) (input : Parser.InputContext) (openSorries : Bool) (command : Syntax)
    (before after : Command.State) : RequestM (Option Json) := do
  let some stx := theoremSyntax? before command | return none
  -- Of the keyword, behind any doc comment and modifiers.
  let position := input.fileMap.toPosition (command[1].getPos?.getD 0)
  let name := stx.name?.getD anonymousTheorem
  let declared := (possibleNames before name).findSome? fun n => if before.env.contains n then none else after.env.find? n
  let fullName := match stx.name?, declared with
    | none, _ => Name.mkSimple s!"example_{position.line}"
    | _, some info => privateToUserName info.name
    | _, none => before.scopes.head!.currNamespace ++ name
  let range := command.getRange?.getD default
  let text := String.Pos.Raw.extract input.inputString range.start range.stop
  let declaredFields ← match declared with
    | some (.thmInfo info) =>
      let (_, known) ← c.importsOf after.env.header.imports
      let axioms ← Judge.axiomsBehind known after.env after.env.find? info.value.getUsedConstants
      pure [("statement", Json.str (← showExpr after info.type)), ("sorry", .bool (axioms.contains ``sorryAx)),
        ("axioms", toJson ((axioms.toArray.qsort Name.lt).map toString))]
    | _ => pure [("statement", .str (signatureText stx)), ("sorry", .bool (usesSorry stx.proof)), ("axioms", toJson (#[] : Array String))]
  let opened ← if openSorries && isBareSorry stx.proof then do
      let proof := stx.proof[1].getRange?.getD default
      let id ← c.keepEnvironment { before with messages := {}, infoState := { enabled := false } }
      pure [("env", (id : Json)), ("declaration", .str text), ("proof", Json.mkObj [("start", proof.start.byteIdx),
        ("stop", proof.stop.byteIdx), ("text", .str (String.Pos.Raw.extract input.inputString proof.start proof.stop))])]
    else pure []
  return some <| Json.mkObj <| [("name", (.str fullName.toString : Json)), ("kind", .str stx.kind), ("line", position.line),
    ("column", position.column), ("range", Json.mkObj [("start", range.start.byteIdx), ("stop", range.stop.byteIdx)])] ++ declaredFields ++ opened
where
  signatureText (stx : TheoremSyntax) : String :=
    let range := stx.cut[1][2].getRange?.getD default
    String.Pos.Raw.extract input.inputString range.start range.stop
  usesSorry (stx : Syntax) : Bool := (stx.find? fun s => s.isOfKind ``Parser.Term.sorry || s.isOfKind ``Parser.Tactic.tacticSorry).isSome

private def fileCheck : Handler := fun c r => do
  let input := Parser.mkInputContext (← r.arg String "text") ((← r.arg? String "file").getD "input.lean")
  let openSorries := (← r.arg? Bool "open").getD false
  let (imports, parser) ← parseFileHeader input
  let (env, _) ← c.importsOf imports
  let limits ← limitsOf r 0
  c.asStep limits fun token => do
    let start := { initialState env (maxHeartbeats.set baseOptions limits.heartbeats) with infoState := { enabled := true } }
    let theorems ← IO.mkRef (#[] : Array Json)
    let final ← elabCommands input parser token start fun command before after => do
      if let some json ← theoremJson c input openSorries command before after then theorems.modify (·.push json)
    return Json.mkObj [("messages", ← messagesJson final.messages), ("ok", !final.messages.hasErrors),
      ("theorems", .arr (← theorems.get))]

private def goalStart : Handler := fun c r => do
  let detail := (← r.arg? Detail "detail").getD .text
  c.asStep (← limitsOf r 60) fun token => do
    let target ← targetOf c r token
    match ← target.start token with
    | .error e => fail .internal (← e.toMessageData.toString)
    | .ok state =>
      let id ← c.keep state
      let statement ← match ← state.run { heartbeats := 0 } token (Meta.ppExpr target.type) with
        | .ok (shown, _) => pure shown.pretty
        | .error _ => pure ""
      return Json.mkObj [("state", ← stateJson c id state detail), ("name", (privateToUserName target.name).toString), ("statement", statement),
        ("universes", toJson (target.levelParams.map toString))]

/-- States and tactics to run on them. -/
private structure Attempt where
  state : Nat
  goal : Option Nat
  tactics : Array String
  deriving FromJson

private def runOne (c : Context) (state : ProofState) (goal? : Option Nat) (grammar? : Option Judge.Grammar) (without : NameSet) (limits : StepLimits) (detail : Detail)
    (tactic : String) : RequestM Json := do
  let began ← IO.monoNanosNow
  let elapsed : BaseIO (String × Json) := do
    return ("ms", millisecondsJson ((← IO.monoNanosNow) - began))
  let failed (e : TacticFailure) : RequestM Json := do
    return Json.mkObj [("error", .str e.kind), ("message", .str e.message), ← elapsed]
  if ← c.clock.isCancelled then return ← failed (.stopped .cancelled)
  match ← c.clock.runStep limits fun token => state.runTactic goal? tactic grammar? without limits token with
  | (_, some stop, _) => failed (.stopped stop)
  | (.error e, none, _) => failed e
  | (.ok after, none, _) =>
    let id ← c.keep after
    return Json.mkObj [("state", ← stateJson c id after detail), ← elapsed]

private def goalRun : Handler := fun c r => do
  let attempts ← r.arg (Array Attempt) "attempts"
  let limits ← limitsOf r 10
  let detail := (← r.arg? Detail "detail").getD .text
  let grammar? := if (← r.arg? Bool "strict").getD false then some c.grammar else none
  let without := ((← r.arg? (Array String) "without").getD #[]).foldl (fun names name => names.insert name.toName) {}
  let results ← attempts.mapM fun attempt => do
    let state ← c.proofState attempt.state
    return Json.arr (← attempt.tactics.mapM (runOne c state attempt.goal grammar? without limits detail ·))
  return Json.mkObj [("results", .arr results)]

private def goalView : Handler := fun c r => do
  let detail := (← r.arg? Detail "detail").getD .full
  let states ← (← r.arg (Array Nat) "states").mapM fun id => do stateJson c id (← c.proofState id) detail
  return Json.mkObj [("states", .arr states)]

private def goalRelease : Handler := fun c r => do
  let all := (← r.arg? Bool "all").getD false
  let before := (← c.state.get).states.size
  if all then c.state.modify fun s => { s with states := {} }
  else
    let ids ← r.arg (Array Nat) "states"
    c.state.modify fun s => { s with states := ids.foldl (·.erase ·) s.states }
  return Json.mkObj [("released", before - (← c.state.get).states.size)]

/-- The fields of a verdict. -/
private def verdict : Except Judge.Rejection Judge.Accepted → List (String × Json)
  | .ok a => [("accepted", .bool true), ("axioms", toJson (a.axioms.map toString)), ("constants", toJson (a.constants.map toString)),
    ("opaqueTheorems", a.opaqueTheorems), ("size", a.size)]
  | .error e => [("accepted", .bool false), ("reason", .str e.reason.toString), ("message", .str e.message), ("axioms", toJson (e.axioms.map toString))] ++
    match e.position? with
    | some p => [("line", (p.line : Json)), ("column", (p.column : Json))]
    | none => []

/-- The environment of a statement's imports, and the terms of a judgement over it. -/
private def Context.termsOf (c : Context) (r : Request) (target : Target) : RequestM (Environment × Judge.Terms) := do
  let (base, known) ← c.importsOf target.before.env.header.imports
  let axioms := match ← r.arg? (List String) "axioms" with
    | some names => names.map String.toName
    | none => Judge.standardAxioms
  return (base, { axioms, known })

/-- Runs a judgement as one step. -/
private def Context.judge (c : Context) (limits : StepLimits) (act : IO.CancelToken → Judge.JudgeM Judge.Accepted) :
    RequestM (Except Judge.Rejection Judge.Accepted × MessageLog) := do
  match ← c.clock.runStep limits fun token => (act token).run {} with
  | (_, some stop, _) =>
    return (.error { reason := match stop with | .timeout => .timeout | .cancelled => .cancelled, message := "stopped" }, {})
  | (outcome, none, _) => return outcome

private def goalFinish : Handler := fun c r => do
  let state ← c.proofState (← r.arg Nat "state")
  let (_, terms) ← c.termsOf r state.target
  let (result, _) ← c.judge (← limitsOf r 60) fun token => do
    Judge.kernelCheck state.target terms state.coreState.env (← Judge.proofTerm state token) token
  return Json.mkObj (verdict result ++ [("script", toJson state.script.reverse)])

/-- The submission that a request holds, by `proof` or by `file`. -/
private def submissionOf (r : Request) : RequestM Judge.Submission := do
  match ← r.arg? String "proof", ← r.arg? String "file" with
  | some text, none => return .body text
  | none, some text => return .file text
  | _, _ => fail .badRequest "give either `proof` or `file`"

/-- How much a request wants exported beside an accepting verdict. -/
private def extentOf (r : Request) : RequestM (Option Judge.Extent) := do
  match ← r.arg? Json "export" with
  | none | some (.bool false) => return none
  | some (.bool true) => return some .own
  | some (.str "closure") => return some .closure
  | some _ => fail .badRequest "`export` is true, false or \"closure\""

/-- The declarations behind an accepted theorem, or why they cannot be had. -/
private def exported (target : Target) (extent? : Option Judge.Extent) (result : Except Judge.Rejection Judge.Accepted) : List (String × Json) :=
  match extent?, result with
  | some extent, .ok a =>
    match Judge.exportTheorem target.env a.kernel extent target.name with
    | .ok declarations => [("declarations", .str declarations)]
    | .error message => [("notExported", .str message)]
  | _, _ => []

private def proofCheck : Handler := fun c r => do
  let submission ← submissionOf r
  let extent? ← extentOf r
  let seconds ← limitsOf r 60
  let target ← c.asStep { seconds with heartbeats := 200000 } (targetOf c r)
  let heartbeats := (← r.arg? Nat "heartbeats").getD (maxHeartbeats.get target.before.scopes.head!.opts)
  let limits := { seconds with heartbeats }
  let kinds := ((← r.arg? (List String) "syntax").getD []).map String.toName
  let rules : Judge.Rules := { grammar := c.grammar.with kinds, limits }
  let (base, terms) ← c.termsOf r target
  let began ← IO.monoNanosNow
  let (result, log) ← c.judge limits (Judge.check target base submission rules terms)
  return Json.mkObj <| verdict result ++ exported target extent? result ++ [("messages", ← messagesJson log),
    ("ms", millisecondsJson ((← IO.monoNanosNow) - began))]

private def proofReplay : Handler := fun c r => do
  let text ← r.arg String "declarations"
  let extent? ← extentOf r
  let limits ← limitsOf r 60
  let target ← c.asStep limits (targetOf c r)
  let (_, terms) ← c.termsOf r target
  let began ← IO.monoNanosNow
  let (result, _) ← c.judge limits (Judge.replay target terms text)
  return Json.mkObj <| verdict result ++ exported target extent? result ++ [("messages", .arr #[]), ("ms", millisecondsJson ((← IO.monoNanosNow) - began))]

private def premiseFind : Handler := fun c r => do
  let state ← c.proofState (← r.arg Nat "state")
  let number := (← r.arg? Nat "goal").getD 0
  let some goal := state.goals[number]? | fail .badRequest s!"the state has no goal {number}"
  let standard : LookupConfig := {}
  let config : LookupConfig := {
    uses := (← r.arg? (List Use) "uses").getD standard.uses
    limit := (← r.arg? Nat "limit").getD standard.limit
    candidates := (← r.arg? Nat "candidates").getD standard.candidates
    hypotheses := (← r.arg? Bool "hypotheses").getD standard.hypotheses }
  let statements := (← r.arg? Bool "statements").getD false
  let began ← IO.monoNanosNow
  let limits ← limitsOf r 60 (heartbeats := 0)
  c.asStep limits fun token => do
    match ← state.run limits token (do (← findPremises config (do c.relevance (← getEnv)) goal).mapM fun p => goal.withContext (p.toJson statements)) with
    | .ok (found, _) =>
      return Json.mkObj [("premises", .arr found), ("seconds", secondsJson ((← IO.monoNanosNow) - began))]
    -- A goal of great numbers or terms may take a unifier to its limits; that is nobody's fault.
    | .error e => fail (if e.isMaxHeartbeat || e.isMaxRecDepth then .heartbeats else .internal) (← e.toMessageData.toString)

private def serverStats : Handler := fun c _ => do
  let s ← c.state.get
  return Json.mkObj [("requests", s.requests), ("envs", s.environments.size), ("states", s.states.size),
    ("seconds", secondsJson ((← c.clock.now) * 1000000))]

/-- All methods by name. -/
private def methods : List (String × Handler) := [
  ("env.open", envOpen), ("env.release", envRelease), ("file.check", fileCheck), ("goal.start", goalStart),
  ("goal.run", goalRun), ("goal.view", goalView), ("goal.release", goalRelease), ("goal.finish", goalFinish),
  ("proof.check", proofCheck), ("proof.replay", proofReplay), ("premise.find", premiseFind), ("server.stats", serverStats)] ++ libraryMethods

/-- Answers one line. The empty line is answered by the greeting. -/
def answer (c : Context) (line : String) : BaseIO String := do
  if line.isEmpty then return greeting c.backend
  match Request.ofLine line with
  | .error message => return replyLine 0 (.error { kind := .badRequest, message := s!"not a request: {message}" })
  | .ok request =>
    c.state.modify fun s => { s with requests := s.requests + 1 }
    match methods.lookup request.method with
    | none => return replyLine request.id (.error { kind := .unknownMethod, message := s!"no method `{request.method}`" })
    | some handler =>
      match ← (handler c request).run.toBaseIO with
      | .ok result => return replyLine request.id result
      | .error e => return replyLine request.id (.error { kind := .internal, message := e.toString })

/-- Starts a server: gives the function that answers a line. `backend` is `embedded` or `native`. -/
def startAs (backend : String) (control : Control) : BaseIO (String → BaseIO String) := do
  let state ← IO.mkRef {}
  let clock ← Clock.start control
  return answer { clock, state, backend, grammar := .core }

/-- The server of the embedded Lean: what the host evaluates, by this name. -/
def start (control : Control) : BaseIO (String → BaseIO String) :=
  startAs "embedded" control

end LemmaForge.Server
