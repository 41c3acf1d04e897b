import Lean.Elab.Frontend

/-!
# The extractor of LeanDojo

LeanDojo runs this program in the folder of a project that is built. For each source file that has an `.olean` it writes, below `.lake/build/ir`,

* `Mod/File.ast.json`: the syntax of all commands, the tactics that were run with the goals before and after them, and the constants that identifiers stand for;
* `Mod/File.dep_paths`: where the sources of the imported modules lie, a line each.

The layout of both is LeanDojo's. This file is for Lean releases that LeanDojo's own extractor does not know:

    lean --run ExtractData.lean noDeps       all files but those of packages
    lean --run ExtractData.lean FILE         one file

A native Lean has one process for each file. The embedded Lean cannot start processes, so one does them all; what it imported stays in its memory, and where that grows too much
it ends with exit code 75, which says that it is to be started again. Files that have their `.ast.json` are not done twice.
-/

open Lean Elab System

namespace LeanDojo

/-! ## Syntax -/

private def originalInfo (leading trailing : Substring.Raw) (pos stop : String.Pos.Raw) : Json :=
  Json.mkObj [("original", Json.mkObj [("leading", .str leading.toString), ("pos", toJson pos.byteIdx), ("trailing", .str trailing.toString), ("endPos", toJson stop.byteIdx)])]

private def nodeJson (kind : Name) (args : Array Json) : Json :=
  Json.mkObj [("node", Json.mkObj [("info", .str "none"), ("kind", .str kind.toString), ("args", .arr args)])]

/-- Kinds of declarations that LeanDojo knows; it gives up a whole file for one that it does not. -/
private def knownDeclarations : List Name := [``Parser.Command.definition, ``Parser.Command.theorem, ``Parser.Command.inductive, ``Parser.Command.classInductive,
  ``Parser.Command.structure, ``Parser.Command.instance, ``Parser.Command.abbrev, ``Parser.Command.opaque, ``Parser.Command.axiom, ``Parser.Command.example]

/-- A tree in the shape that it had when LeanDojo was written. -/
private def inOldShape : Syntax → Syntax
  -- `end` has had its name in a node with what may follow its last dot,
  | .node info ``Parser.Command.end #[keyword, name] => .node info ``Parser.Command.end #[keyword, mkNullNode (name.getArgs.extract 0 1)]
  -- `section` has had modifiers before it,
  | .node info ``Parser.Command.section #[_, keyword, name] => .node info ``Parser.Command.section #[keyword, name]
  -- and there are declarations that did not exist.
  | .node info ``Parser.Command.declaration #[modifiers, declaration] =>
    let kind := if knownDeclarations.contains declaration.getKind then ``Parser.Command.declaration else `LeanDojo.unknownDeclaration
    .node info kind #[modifiers, declaration]
  | stx => stx

/-- A syntax tree. A leaf that nobody wrote has no place, which LeanDojo cannot read; it is an empty node. -/
private partial def syntaxJson (stx : Syntax) : Json :=
  match inOldShape stx with
  | .node _ kind args => nodeJson kind (args.map syntaxJson)
  | .atom (.original leading pos trailing stop) val =>
    Json.mkObj [("atom", Json.mkObj [("info", originalInfo leading trailing pos stop), ("val", .str val)])]
  | .ident (.original leading pos trailing stop) raw val _ =>
    Json.mkObj [("ident", Json.mkObj [("info", originalInfo leading trailing pos stop), ("rawVal", .str raw.toString), ("val", .str val.toString), ("preresolved", .arr #[])])]
  | _ => nodeJson nullKind #[]

/-! ## Where modules lie -/

/-- The folder of packages. -/
def packages : FilePath := ".lake" / "packages"

private def core : List Name := [`Init, `Std, `Lean]

/-- The source of a module, from the project's folder. Lean's own sources have the place that LeanDojo gives them, whether they are there or not. -/
def sourceOf (module : Name) : IO FilePath := do
  let file := (modToFilePath "" module "lean").toString.dropWhile (· == FilePath.pathSeparator) |>.toString
  if core.contains module.getRoot then return packages / "lean4" / "src" / "lean" / file
  if module.getRoot == `Lake then return packages / "lean4" / "src" / "lean" / "lake" / file
  if ← FilePath.pathExists file then return file
  if ← packages.isDir then
    for package in ← packages.readDir do
      let path := packages / package.fileName / file
      if ← path.pathExists then return path
  return file

/-! ## What the elaborator noted -/

/-- What a file has in it. -/
structure Found where
  /-- Tactics, by the place of their text. -/
  tactics : Array Json := #[]
  /-- Identifiers that stand for constants. -/
  premises : Array Json := #[]

/-- What is the same for all of a file. -/
structure Scene where
  /-- Its lines. -/
  map : FileMap
  /-- The environment after the command. -/
  env : Environment
  /-- Where the sources of modules lie, as far as it was asked. -/
  sources : IO.Ref (Std.HashMap Name FilePath)

private abbrev Collect := ReaderT Scene (StateT Found IO)

private def showGoals (context : ContextInfo) (mctx : MetavarContext) (goals : List MVarId) : IO String := do
  if goals.isEmpty then return "no goals"
  let shown ← { context with mctx }.runMetaM {} (goals.mapM fun goal => return (← Meta.ppGoal goal).pretty)
  return "\n\n".intercalate shown

/-- Sequences of tactics, the members of which LeanDojo counts as tactics. -/
private def sequences : List Name := [``Parser.Tactic.tacticSeq1Indented, ``Parser.Tactic.tacticSeqBracketed, ``Parser.Tactic.rewriteSeq]

private def visitTactic (context : ContextInfo) (info : TacticInfo) : Collect Unit := do
  let some range := info.stx.getRange? (canonicalOnly := true) | return
  let before ← showGoals context info.mctxBefore info.goalsBefore
  let after ← showGoals context info.mctxAfter info.goalsAfter
  if before == "no goals" || before == after then return
  let tactic := Json.mkObj [("stateBefore", .str before), ("stateAfter", .str after), ("pos", toJson range.start.byteIdx), ("endPos", toJson range.stop.byteIdx)]
  modify fun found => { found with tactics := found.tactics.push tactic }

private def placeJson (position : Position) : Json := Json.mkObj [("line", toJson position.line), ("column", toJson position.column)]

/-- The place of a constant's name in its source, where Lean's files tell it. -/
private def placeOf (env : Environment) (name : Name) : Option DeclarationRange :=
  let declared := if isAuxRecursor env name || isNoConfusion env name || isRecCore env name then name.getPrefix else name
  (declRangeExt.find? (level := .server) env declared).map (·.selectionRange)

private def sourcePath (module : Name) : Collect FilePath := do
  let known ← (← read).sources.get
  if let some path := known[module]? then return path
  let path ← sourceOf module
  (← read).sources.modify (·.insert module path)
  return path

private def visitTerm (info : TermInfo) : Collect Unit := do
  let { map, env, .. } ← read
  let some name := info.expr.constName? | return
  let some range := info.stx.getRange? | return
  let (start, stop) := (map.toPosition range.start, map.toPosition range.stop)
  let place? := placeOf env name
  if place?.any fun place => place.pos == start || place.endPos == stop then return
  let module := ((env.getModuleIdxFor? name).bind (env.header.moduleNames[·]?)).getD env.mainModule
  let orNull (position? : Option Position) := position?.elim .null placeJson
  let premise := Json.mkObj [("fullName", .str name.toString), ("defPos", orNull (place?.map (·.pos))), ("defEndPos", orNull (place?.map (·.endPos))),
    ("modName", .str module.toString), ("defPath", .str (← sourcePath module).toString), ("pos", placeJson start), ("endPos", placeJson stop)]
  modify fun found => { found with premises := found.premises.push premise }

private partial def visit (context? : Option ContextInfo) (inSequence : Bool) : InfoTree → Collect Unit
  | .context inner tree => visit (inner.mergeIntoOuter? context?) inSequence tree
  | .hole _ => return
  | .node info children => do
    match info, context? with
    | .ofTacticInfo tactic, some context => if inSequence then visitTactic context tactic
    | .ofTermInfo term, _ => visitTerm term
    | _, _ => pure ()
    let below := match info with
      | .ofTacticInfo tactic => sequences.contains tactic.stx.getKind
      | _ => false
    for child in children do visit (info.updateContext? context?) below child

/-! ## A file -/

/-- Environments of imports that were needed before, and how many bytes of modules were read for them. -/
structure Imported where
  /-- By the imports, as text. -/
  environments : Std.HashMap String Environment := {}
  /-- Of all of them. -/
  bytes : Nat := 0

private def sizeOf (env : Environment) : IO Nat :=
  env.header.moduleNames.foldlM (init := 0) fun sum module => do
    return sum + (← ((return (← (← findOLean module).metadata).byteSize.toNat) : IO Nat).toBaseIO).toOption.getD 0

private unsafe def importFor (imported : IO.Ref Imported) (header : HeaderSyntax) (input : Parser.InputContext) (options : Options) : IO Environment := do
  let key := "\n".intercalate ((headerToImports header).toList.map toString)
  if let some env := (← imported.get).environments[key]? then return env
  enableInitializersExecution
  let (env, messages) ← processHeader header options {} input (leakEnv := true)
  for message in messages.toList do
    if message.severity == .error then throw <| IO.userError (← message.toString)
  let bytes ← sizeOf env
  imported.modify fun i => { environments := i.environments.insert key env, bytes := i.bytes + bytes }
  return env

/-- Elaborates the commands of a file and hands each, with what was found in it, to `write`. -/
private partial def eachCommand (input : Parser.InputContext) (parser : Parser.ModuleParserState) (state : Command.State) (sources : IO.Ref (Std.HashMap Name FilePath))
    (write : Syntax → Found → IO Unit) : IO Unit := do
  let scope := state.scopes.head!
  let (command, parser, messages) :=
    Parser.parseCommand input { env := state.env, options := scope.opts, currNamespace := scope.currNamespace, openDecls := scope.openDecls } parser {}
  if Parser.isTerminalCommand command then return
  let context : Command.Context := { fileName := input.fileName, fileMap := input.fileMap, cmdPos := parser.pos, snap? := none, cancelTk? := none }
  let state := { state with messages, infoState := { enabled := true } }
  let ((), after) ← ((Command.elabCommandTopLevel command).run context |>.run state).toIO fun e => IO.userError s!"cannot elaborate: {e.getRef}"
  for message in after.messages.toList do
    if message.severity == .error then IO.eprint (← message.toString)
  let trees := after.infoState.substituteLazy.get.trees
  let (_, found) ← (trees.forM (visit none false)).run { map := input.fileMap, env := after.env, sources } |>.run {}
  write command found
  eachCommand input parser after sources write

private def moduleOf (file : FilePath) : Name := (file.withExtension "").components.foldl .str .anonymous

private def outputOf (file : FilePath) (extension : String) : FilePath := ".lake" / "build" / "ir" / file.withExtension extension

private def joined (items : Array Json) : String := ",\n".intercalate (items.toList.map (·.compress))

/-- Traces one file, given by its path from the project's folder. -/
unsafe def traceFile (imported : IO.Ref Imported) (file : FilePath) : IO Unit := do
  IO.println file
  let text ← IO.FS.readFile file
  let input := Parser.mkInputContext text file.toString
  let (header, parser, messages) ← Parser.parseHeader input
  if messages.hasErrors then throw <| IO.userError "its header does not parse"
  let options := Elab.async.set {} false
  let env := (← importFor imported header input options).setMainModule (moduleOf file)
  let sources ← IO.mkRef {}
  let found ← IO.mkRef ({} : Found)
  let target := outputOf file "ast.json"
  let fresh := target.withExtension "new"
  if let some folder := target.parent then IO.FS.createDirAll folder
  IO.FS.withFile fresh .write fun out => do
    out.putStr s!"\{\"commandASTs\":[\n{(syntaxJson header).compress}"
    eachCommand input parser (Command.mkState env {} options) sources fun command inside => do
      out.putStr s!",\n{(syntaxJson command).compress}"
      found.modify fun f => { tactics := f.tactics ++ inside.tactics, premises := f.premises ++ inside.premises }
    out.putStr s!"],\n\"tactics\":[{joined (← found.get).tactics}],\n\"premises\":[{joined (← found.get).premises}]}\n"
  let paths ← (headerToImports header).mapM fun i => return (← sourceOf i.module).toString
  IO.FS.writeFile (outputOf file "dep_paths") ("\n".intercalate paths.toList ++ "\n")
  -- Last, so that what is there is whole.
  IO.FS.rename fresh target

/-! ## A project -/

/-- The source files of a folder and those below it. -/
private partial def leanFilesIn (folder : FilePath) : IO (Array FilePath) := do
  let mut found := #[]
  for entry in ← folder.readDir do
    if entry.fileName.startsWith "." then continue
    let path := if folder == "." then FilePath.mk entry.fileName else folder / entry.fileName
    if ← path.isDir then found := found ++ (← leanFilesIn path)
    else if path.extension == some "lean" then found := found.push path
  return found

/-- The files that were built and are not traced yet. -/
private def filesToTrace : IO (Array FilePath) := do
  let mut files := #[]
  for file in ← leanFilesIn "." do
    let built ← (".lake" / "build" / "lib" / "lean" / file.withExtension "olean" : FilePath).pathExists
    if built && !(← (outputOf file "ast.json").pathExists) then files := files.push file
  return files.qsort (·.toString < ·.toString)

private def warn (file : FilePath) (why : String) : IO Unit := IO.println s!"WARNING: failed to process {file}: {why.trimAscii}"

/-- How much a process of the embedded Lean imports before it asks for another one. It has 2 GiB, and its own program has 400 MB of it. -/
private def enoughBytes : Nat := 600 * 1000 * 1000

private unsafe def traceInThisProcess (files : Array FilePath) : IO UInt32 := do
  let imported ← IO.mkRef {}
  for file in files do
    try traceFile imported file
    catch e =>
      warn file e.toString
    if (← imported.get).bytes > enoughBytes then return 75
  return 0

private def traceInProcesses (files : Array FilePath) : IO UInt32 := do
  let tasks ← files.mapM fun file => return (file, ← IO.asTask do
    let done ← IO.Process.output { cmd := "lake", args := #["env", "lean", "--run", "ExtractData.lean", file.toString] }
    if done.exitCode != 0 then warn file (done.stdout ++ done.stderr))
  for (file, task) in tasks do
    if let .error e := task.get then warn file e.toString
  return 0

end LeanDojo

open LeanDojo in
/-- See the head of this file. -/
unsafe def main (args : List String) : IO UInt32 := do
  match args with
  | ["noDeps"] =>
    let files ← filesToTrace
    if System.Platform.isEmscripten then traceInThisProcess files else traceInProcesses files
  | [file] => traceFile (← IO.mkRef {}) file; return 0
  | _ => IO.eprintln "this extractor traces a project without its packages; call LeanDojo's `trace` with `build_deps=False`"; return 2
