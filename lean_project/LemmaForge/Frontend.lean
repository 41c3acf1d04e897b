module

public import Lean.Elab.Frontend
public import LemmaForge.Limits

/-!
# Elaborating source text

Lean's own front end builds a tree of snapshots for an editor. A server that elaborates thousands of short texts on top of one warm environment
wants something plainer: parse a command, elaborate it, look at the state, go on. That loop is `elabCommands`; the state it passes along is
Lean's `Command.State`, which holds the environment *and* the open scopes (namespace, `open`, `variable`, options), so a state is all that
later text needs to know about earlier text.
-/

public section

namespace LemmaForge

open Lean Elab

/-- Options of every elaboration here: nothing may go on in the background when a step is over. -/
def baseOptions : Options := Elab.async.set {} false

/-- Lean's own import step of a file, which also readies the environment for facts that tactics derive on demand (equation lemmas, say).
`initialize` blocks of the modules run, which Lean allows for one import at a time. -/
private unsafe def processImports (imports : Array Import) : IO (Environment × MessageLog) := do
  enableInitializersExecution
  let input := Parser.mkInputContext "" "<imports>"
  processHeaderCore 0 imports (isModule := false) baseOptions {} input (leakEnv := true) (mainModule := `_stdin)

@[implemented_by processImports]
private opaque processImportsSafe (imports : Array Import) : IO (Environment × MessageLog)

/-- Imports modules. `imports` empty means `Init`, as in a file without imports. -/
def importEnvironment (imports : Array Import) : RequestM Environment := do
  let imports := if imports.isEmpty then #[{ module := `Init }] else imports
  let (env, messages) ← (processImportsSafe imports : IO _)
  if let some error := messages.toList.find? (·.severity == .error) then
    fail .unknownModule (← error.data.toString)
  return env

/-- The state before the first command of a file with the environment `env`. -/
def initialState (env : Environment) (options : Options := baseOptions) : Command.State :=
  Command.mkState env {} options

/-- The parser's view of a state: tokens, namespace, open declarations. -/
def parserContext (state : Command.State) : Parser.ParserModuleContext :=
  let scope := state.scopes.head!
  { env := state.env, options := scope.opts, currNamespace := scope.currNamespace, openDecls := scope.openDecls }

/-- Changes the options of the innermost scope. -/
def withScopeOptions (state : Command.State) (f : Options → Options) : Command.State :=
  match state.scopes with
  | [] => state
  | scope :: rest => { state with scopes := { scope with opts := f scope.opts } :: rest }

/-- Elaborates one command. Errors are messages of the resulting state, behind those that were there before. -/
def elabCommand (input : Parser.InputContext) (position : String.Pos.Raw) (token : IO.CancelToken) (state : Command.State)
    (command : Syntax) : BaseIO Command.State := do
  let context : Command.Context := {
    fileName := input.fileName, fileMap := input.fileMap, cmdPos := position, snap? := none, cancelTk? := some token }
  match ← ((Command.elabCommandTopLevel command).run context |>.run { state with messages := {} }).toBaseIO with
  | .ok (_, after) => return { after with messages := state.messages ++ after.messages }
  | .error e =>
    let message ← e.toMessageData.toString
    let position := input.fileMap.toPosition position
    return { state with messages := state.messages.add { fileName := input.fileName, pos := position, data := message } }

/-- Elaborates the commands of `input` from `parser` on. `visit` sees each command with the states before and after it; `stop` is asked before each. -/
partial def elabCommands {m : Type → Type} [Monad m] [MonadLiftT BaseIO m] (input : Parser.InputContext)
    (parser : Parser.ModuleParserState) (token : IO.CancelToken) (state : Command.State)
    (visit : Syntax → Command.State → Command.State → m Unit) : m Command.State := do
  let position := parser.pos
  let (command, parser, messages) := Parser.parseCommand input (parserContext state) parser state.messages
  let before := { state with messages }
  if Parser.isTerminalCommand command || (← (token.isSet : BaseIO Bool)) then return before
  let after ← elabCommand input position token before command
  visit command before after
  elabCommands input parser token after visit

/-- The header of a file: what it imports, and where its commands begin. -/
def parseFileHeader (input : Parser.InputContext) : RequestM (Array Import × Parser.ModuleParserState) := do
  let (header, parser, messages) ← (Parser.parseHeader input : IO _)
  if messages.hasErrors then
    fail .parse "the header of the file does not parse" (Json.mkObj [("messages", ← messagesJson messages)])
  let imports := HeaderSyntax.imports header (includeInit := true)
  return (imports.foldl (fun once i => if once.any (·.module == i.module) then once else once.push i) #[], parser)

/-- Parses all of `text` with `p`; anything left over is an error. -/
def parseAll (p : Parser.ParserFn) (text : String) (state : Command.State) : Except Message Syntax := do
  let text := text.crlfToLf
  let input := Parser.mkInputContext text "<input>"
  let start : Parser.ParserState := { Parser.mkParserState text with cache := Parser.initCacheForInput text }
  let done := Parser.ParserFn.run (Parser.andthenFn Parser.whitespace p) input (parserContext state)
    (Parser.getTokenTable state.env) start
  if let some e := done.errorMsg then throw (error input done.pos (toString e))
  unless text.rawEndPos ≤ done.pos do throw (error input done.pos "expected the end of the input")
  return done.stxStack.back
where
  error (input : Parser.InputContext) (at_ : String.Pos.Raw) (text : String) : Message :=
    { fileName := input.fileName, pos := input.fileMap.toPosition at_, data := text }

/-- Runs an elaborator in the environment and the innermost scope of a state, without limits of its own. Nothing of what it does is kept. -/
def runTermElab {α : Type} (state : Command.State) (token : IO.CancelToken) (act : Term.TermElabM α) : BaseIO (Except Exception α) := do
  let scope := state.scopes.head!
  let context : Core.Context := {
    fileName := "<term>", fileMap := default, options := maxHeartbeats.set scope.opts 0, maxHeartbeats := 0
    maxRecDepth := maxRecDepth.get scope.opts, currNamespace := scope.currNamespace, openDecls := scope.openDecls
    initHeartbeats := ← IO.getNumHeartbeats, cancelTk? := some token }
  let core : Core.State := { env := state.env, ngen := { namePrefix := `_term }, nextMacroScope := state.nextMacroScope }
  match ← (((act.run { errToSorry := false } {}).run {} {}).run context core).toBaseIO with
  | .ok (((value, _), _), _) => return .ok value
  | .error e => return .error e

/-- A message with its position in front, as one line of text. -/
def located (m : Message) : BaseIO String := do
  return s!"{m.pos.line}:{m.pos.column}: {← m.data.toString}"

/-- An expression as Lean shows it at this point of a file. -/
def showExpr (state : Command.State) (e : Expr) : BaseIO String := do
  let scope := state.scopes.head!
  let context : PPContext := { env := state.env, opts := scope.opts, currNamespace := scope.currNamespace, openDecls := scope.openDecls }
  return (← ppExprWithInfos context e).fmt.pretty

end LemmaForge
