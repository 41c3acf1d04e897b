module

public import LemmaForge.Statement
public import LemmaForge.Trace.Modules
public import LemmaForge.Trace.Steps

/-!
# What a file declares

A file is elaborated command by command, with info trees. After each command, the constants that are new and have a place in the source are what it declared; a declaration in its
syntax that lies at the same place tells keyword and proof. So a constant that an attribute, a `deriving` clause or a `where` made is found as well as the
one that the command is about.
-/

public section

namespace LemmaForge

open Lean Elab Meta

/-- A declaration in the syntax of a command. -/
structure DeclarationSyntax where
  /-- All of it. -/
  range : Syntax.Range
  /-- Its keyword. -/
  keyword : String
  /-- The name that it gives, as written. -/
  name? : Option Name
  /-- The proof of a theorem. -/
  proof? : Option Syntax

/-- The keyword of a declaration. -/
private def keywordOf (declaration : Syntax) : String :=
  match declaration.getKind with
  | ``Parser.Command.definition => "def"
  | ``Parser.Command.classInductive => "class inductive"
  | ``Parser.Command.structure => ((declaration[0].find? (· matches .atom ..)).elim "structure" (·.getAtomVal.trimAscii.toString))
  | .str _ last => last
  | _ => ""

/-- The declarations in a command. Libraries define `lemma` as a command of their own, with the parts of a `theorem` in the same order. -/
partial def declarationsIn (command : Syntax) : Array DeclarationSyntax := Id.run do
  let isLemma := command.getKind == `lemma && command.getNumArgs == 2
  if isLemma || command.isOfKind ``Parser.Command.declaration then
    let some range := command.getRange? | return #[]
    let own := command[1]
    let proof? := if isLemma || own.isOfKind ``Parser.Command.«theorem» then some own[3] else none
    let name? := (own.find? (·.isOfKind ``Parser.Command.declId)).map (·[0].getId.eraseMacroScopes)
    return #[{ range, name?, keyword := if isLemma then "lemma" else keywordOf own, proof? }]
  return command.getArgs.flatMap declarationsIn

/-- A constant that a command declared. -/
structure DeclaredConstant where
  /-- The constant. -/
  info : ConstantInfo
  /-- Its place. -/
  range : DeclarationRange
  /-- The declaration that it is the main constant of. -/
  syntax? : Option DeclarationSyntax

private def isWrittenFor (name written : Name) : Bool := (written.replacePrefix rootNamespace .anonymous).isSuffixOf name

/-- Whether the place of a constant is that of a declaration, perhaps without doc comment and modifiers, and its name the one that is given there. -/
private def isAt (map : FileMap) (name : Name) (range : DeclarationRange) (declaration : DeclarationSyntax) : Bool :=
  declaration.name?.all (isWrittenFor name) && map.toPosition declaration.range.stop == range.endPos && !range.pos.lt (map.toPosition declaration.range.start)

/-- The constants that are new since `before` and have a place in the source, in the order of their places. -/
def declaredBetween (map : FileMap) (command : Syntax) (before after : Environment) : Array DeclaredConstant := Id.run do
  let declarations := declarationsIn command
  let fresh := after.constants.map₂.foldl (init := #[]) fun found name info => if before.constants.map₂.contains name then found else found.push (name, info)
  let mut declared := #[]
  for (name, info) in fresh do
    if isPrivateName name || name.isInternalDetail || isReservedName after name || info matches .recInfo _ then continue
    let some ranges := declRangeExt.find? after name | continue
    let main := !(info matches .ctorInfo _) && !after.isProjectionFn name
    let syntax? := if main then declarations.find? (isAt map name ranges.range) else none
    declared := declared.push { info, range := ranges.range, syntax? }
  return declared.qsort fun a b => a.range.pos.lt b.range.pos || (a.range.pos == b.range.pos && Name.lt a.info.name b.info.name)

/-- What a constant is called by the one who declares it. -/
private def kindOf (env : Environment) (declared : DeclaredConstant) : String :=
  match declared.info, declared.syntax? with
  | .ctorInfo _, _ => "constructor"
  | _, some declaration => declaration.keyword
  | .thmInfo _, none => "theorem"
  | info, none => if env.isProjectionFn info.name then "field" else if info matches .axiomInfo _ then "axiom" else "def"

private def rangeOf (map : FileMap) (range : DeclarationRange) : Syntax.Range :=
  { start := map.ofPosition range.pos, stop := map.ofPosition range.endPos }

/-- The code of a declaration up to its proof. -/
private def headOf (source : String) (range : Syntax.Range) (proof : Syntax) : String :=
  match proof.getPos? with
  | some stop => (String.Pos.Raw.extract source range.start stop).trimAsciiEnd.toString
  | none => String.Pos.Raw.extract source range.start range.stop

/-- A declared constant for the wire. -/
private def declaredJson (input : Parser.InputContext) (token : IO.CancelToken) (canonical : Canonical) (after : Command.State) (trees : PersistentArray InfoTree)
    (declared : DeclaredConstant) : RequestM Json := do
  let source := input.inputString
  let map := input.fileMap
  -- With doc comment and modifiers, where they are a declaration's.
  let range := declared.syntax?.elim (rangeOf map declared.range) (·.range)
  let fields : List (String × Json) := [("name", .str declared.info.name.toString), ("kind", .str (kindOf after.env declared)), ("span", spanJson map range),
    ("code", .str (String.Pos.Raw.extract source range.start range.stop))]
  let isStatement ← match declared.info with
    | .thmInfo _ => pure true
    | .axiomInfo _ => pure ((← runMetaOver after.env token (isProp declared.info.type)).toOption.getD false)
    | _ => pure false
  unless isStatement do return Json.mkObj fields
  let statement ← match ← runMetaOver after.env token (statementFields canonical declared.info) with
    | .ok statement => pure statement
    | .error e => fail .internal s!"the statement of `{declared.info.name}` cannot be printed: {← e.toMessageData.toString}"
  let proof? := declared.syntax?.bind (·.proof?)
  let head := proof?.elim [] fun proof => [("head", Json.str (headOf source range proof))]
  let mut steps : Array Json := #[]
  for ran in proof?.elim #[] (stepsOf · trees) do
    let some step ← (ran.toJson? source map after.env : IO (Option Json)) | continue
    -- A tactic that is elaborated anew, from the same state to the same state, is one step.
    unless steps.contains step do steps := steps.push step
  return Json.mkObj (fields ++ head ++ statement ++ [("steps", .arr steps)])

/-- The info trees of the command that led to a state. -/
def treesOf (after : Command.State) : PersistentArray InfoTree := after.infoState.substituteLazy.get.trees

/-- `trace.file`: what a file declares, and how it proves it. -/
def traceFile (input : Parser.InputContext) (parser : Parser.ModuleParserState) (start : Command.State) (token : IO.CancelToken) : RequestM Json := do
  let canonical ← Canonical.new
  let declarations ← IO.mkRef (#[] : Array Json)
  let final ← elabCommands input parser token start fun command before after => do
    let trees := treesOf after
    for declared in declaredBetween input.fileMap command before.env after.env do
      let json ← declaredJson input token canonical after trees declared
      declarations.modify (·.push json)
  return Json.mkObj [("messages", ← messagesJson final.messages), ("ok", !final.messages.hasErrors), ("declarations", .arr (← declarations.get))]

end LemmaForge
