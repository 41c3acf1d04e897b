module

public import LemmaForge.Server.Context
public import LemmaForge.Trace.Open

/-!
# Methods about a whole library

Those that go through the theorems of a library or the files of a project: tracing, mutating, making conjectures; and the search for counterexamples.
-/

public section

namespace LemmaForge.Server

open Lean Elab

private def refuteFind : Handler := fun c r => do
  let limits ← limitsOf r 10 (heartbeats := 0)
  -- The search ends by itself a little before it would be stopped.
  let now ← IO.monoMsNow
  let deadline := if limits.milliseconds == 0 then 0 else now + limits.milliseconds * 4 / 5
  let standard : Refute.Config := {}
  let config : Refute.Config := { evaluations := (← r.arg? Nat "evaluations").getD standard.evaluations, deadline }
  let source? ← r.arg? String "statement"
  c.asStep limits fun token => do
    let outer ← c.environment (← r.arg Nat "env")
    return toJson (← Refute.find config (do c.relevance (← getEnv)) outer (← targetOf c r token) source? token)

/-- What comes of each of the theorems that a request names, every one a step of its own: what `work` makes of it, or why nothing came of it. -/
private def Context.eachTheorem (c : Context) (r : Request) (limits : StepLimits) (work : Name → IO.CancelToken → BaseIO (Except String Json)) : RequestM Json := do
  let harvests ← (← r.arg (Array String) "theorems").mapM fun name => do
    let named (field : String × Json) := Json.mkObj [("theorem", .str name), field]
    if ← c.clock.isCancelled then return named ("failure", "cancelled")
    match ← c.clock.runStep limits (work name.toName) with
    | (_, some stop, _) => return named ("failure", stop.kind.toString)
    | (.error message, none, _) => return named ("failure", .str s!"error: {message}")
    | (.ok harvest, none, _) => return named ("harvest", harvest)
  return Json.mkObj [("harvests", .arr harvests)]

private def refuteConjectures : Handler := fun c r => do
  let state ← c.environment (← r.arg Nat "env")
  let config ← r.arg Refute.ConjectureConfig "config"
  let siblings ← c.siblings state.env
  let canonical ← Canonical.new
  let limits ← limitsOf r 60 (heartbeats := 0)
  c.eachTheorem r limits fun name token => do
    let shop : Refute.Workshop := { config, siblings, canonical, relevance := do c.relevance (← getEnv), state, token, watch := ← Stopwatch.new }
    match ← (Refute.conjectures shop name).run.toBaseIO with
    | .ok (.ok made) => return .ok (toJson made)
    | .ok (.error e) => return .error e.message
    | .error e => return .error e.toString

private def mutateOpen : Handler := fun c r => do
  let env ← c.environment (← r.arg Nat "env")
  let kinds := (← r.arg? (List Mutate.Kind) "kinds").getD Mutate.Kind.all
  let holdout := (← r.arg? (Array String) "holdout").getD #[]
  let began ← IO.monoNanosNow
  let built ← c.asStep (← limitsOf r 0) fun token => runTermElab env token (Mutate.Index.build kinds (holdout.foldl (·.insert ·.toName) {}))
  match built with
  | .error e => fail .internal (← e.toMessageData.toString)
  | .ok index =>
    let id ← c.fresh
    let canonical ← Canonical.new
    c.state.modify fun s => { s with indexes := s.indexes.insert id (env, index, canonical) }
    return Json.mkObj [("index", id), ("lemmas", index.size), ("seconds", secondsJson ((← IO.monoNanosNow) - began))]

private def mutateRun : Handler := fun c r => do
  let id ← r.arg Nat "index"
  let some (env, index, canonical) := (← c.state.get).indexes[id]? | fail .unknownEnv s!"no index {id}"
  let config ← r.arg Mutate.Config "config"
  if let some kind := config.kinds.find? (!index.kinds.contains ·) then fail .badRequest s!"index {id} was not made for `{kind.toString}`"
  let limits ← limitsOf r 60
  c.eachTheorem r limits fun name token => do
    match ← runTermElab env token (Mutate.harvest index canonical config name) with
    | .ok harvest => return .ok (toJson harvest)
    | .error e => return .error (← e.toMessageData.toString)

/-- The names that an argument lists. -/
private def namesOf (r : Request) (argument : String) : RequestM (Array Name) := do
  return (← r.arg (Array String) argument).map String.toName

private def traceList : Handler := fun c r => do
  listModules (← c.environment (← r.arg Nat "env")).env (← namesOf r "modules")

private def traceModulesOf : Handler := fun c r => do
  let { env, .. } ← c.environment (← r.arg Nat "env")
  let standard : ModulesQuery := { modules := ← namesOf r "modules" }
  let query := { standard with
    below := (← r.arg? Bool "below").getD standard.below
    start := (← r.arg? Nat "from").getD standard.start
    limit := (← r.arg? Nat "limit").getD standard.limit }
  c.asStep (← limitsOf r 0) (traceModules env query)

/-- Adds the options that a request brings, as text; those named `weak.…` only where the imports declare them. -/
private def optionsOf (r : Request) (known : Options) : RequestM Options := do
  let mut options := known
  for (name, value) in ((← r.arg? Json "options").bind (·.getObj?.toOption)).getD {} do
    options := options.insert name.toName (.ofString (value.getStr?.toOption.getD value.compress))
  match ← (Language.Lean.reparseOptions options).toBaseIO with
  | .ok read => return read
  | .error e => fail .badRequest e.toString

/-- The file that a request brings, ready to be elaborated as the source of the module that it names. -/
private def Context.fileOf (c : Context) (r : Request) (limits : StepLimits) : RequestM (Parser.InputContext × Parser.ModuleParserState × Command.State) := do
  let input := Parser.mkInputContext (← r.arg String "text").crlfToLf ((← r.arg? String "file").getD "input.lean")
  let (imports, parser) ← parseFileHeader input
  let (env, _) ← c.importsOf imports
  let env := match ← r.arg? String "module" with
    | some module => env.setMainModule module.toName
    | none => env
  -- The file's own limit of heartbeats counts more than the request's, as with `lean -D`.
  let start := initialState env (← optionsOf r (maxHeartbeats.set baseOptions limits.heartbeats))
  return (input, parser, { start with infoState := { enabled := true } })

private def traceFileOf : Handler := fun c r => do
  let limits ← limitsOf r 0
  let (input, parser, start) ← c.fileOf r limits
  c.asStep limits (traceFile input parser start)

private def traceOpen : Handler := fun c r => do
  let places ← r.arg (Array Place) "places"
  let limits ← limitsOf r 0
  let (input, parser, start) ← c.fileOf r limits
  let states ← c.asStep limits (openPlaces input parser start places)
  let states ← states.mapM fun state? => do
    let some state := state? | return Json.null
    let id ← c.keep state
    stateJson c id state .text
  return Json.mkObj [("states", .arr states)]

/-- The methods of this part by name. -/
def libraryMethods : List (String × Handler) := [
  ("refute.find", refuteFind), ("refute.conjectures", refuteConjectures), ("mutate.open", mutateOpen), ("mutate.run", mutateRun),
  ("trace.list", traceList), ("trace.modules", traceModulesOf), ("trace.file", traceFileOf), ("trace.open", traceOpen)]

end LemmaForge.Server
