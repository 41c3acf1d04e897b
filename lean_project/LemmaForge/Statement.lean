module

public import LemmaForge.Goal

/-!
# From source text to a theorem to prove

A statement is elaborated by Lean's own `theorem` command, with its proof cut off and replaced by `@(sorry)`. So everything that has a say in what a
statement means (namespaces, `variable`s, implicit arguments, universes, notation) has it here exactly as in a file, and nothing of the proof can. The statement
is then read back from the environment: the type of the constant, and the number of variables before the colon, which is the number of
leading `fun`s of the cut-off proof. (The `@` keeps Lean from introducing implicit variables behind the colon, which it does for terms and not for `by`.)
-/

public section

namespace LemmaForge

open Lean Elab Parser

/-- The name given to a statement without one. -/
def anonymousTheorem : Name := `goal

/-- `theorem goal : True := @(sorry)`, parsed: where the parts of a theorem without a proof are taken from. -/
private def template (state : Command.State) : Syntax :=
  (parseCommand (mkInputContext "theorem goal : True := @(sorry)" "<template>") (parserContext state) {} {}).1

/-- A theorem command without its proof: `theorem name signature := @(sorry)`. -/
private def cutProof (state : Command.State) (modifiers id signature : Syntax) : Syntax :=
  let proof := (template state)[1][3]
  mkNode ``Command.declaration #[modifiers, mkNode ``Command.«theorem» #[mkAtom "theorem ", id, signature, proof]]

/-- What a command says about the theorem in it. -/
structure TheoremSyntax where
  /-- `theorem`, `lemma` or `example`. -/
  kind : String
  /-- Its name as written; `none` for an `example`. -/
  name? : Option Name
  /-- The command with the proof cut off. -/
  cut : Syntax
  /-- The proof as written. -/
  proof : Syntax

/-- Sees a command as a theorem, if it is one (or an `example` with a stated type), perhaps behind `open … in` or `set_option … in`. -/
partial def theoremSyntax? (state : Command.State) (command : Syntax) : Option TheoremSyntax := do
  if command.isOfKind ``Command.in then return ← theoremSyntax? state command[2]
  -- Libraries define `lemma` as a command of their own, with the parts of a `theorem` in the same order.
  if command.getKind == `lemma && command.getNumArgs == 2 then
    let group := command[1]
    return { kind := "lemma", name? := some group[1][0].getId, cut := cutProof state command[0] group[1] group[2], proof := group[3] }
  guard (command.isOfKind ``Command.declaration)
  let decl := command[1]
  if decl.isOfKind ``Command.«theorem» then
    return { kind := "theorem", name? := some decl[1][0].getId, cut := cutProof state command[0] decl[1] decl[2], proof := decl[3] }
  if decl.isOfKind ``Command.«example» then
    let signature := decl[1]
    guard !signature[1].isNone
    let signature := mkNode ``Command.declSig #[signature[0], signature[1][0]]
    return { kind := "example", name? := none, cut := cutProof state command[0] (template state)[1][1] signature, proof := decl[2] }
  none

/-- Whether a proof, as written, is `:= sorry` or `:= by sorry` and nothing else. -/
def isBareSorry (proof : Syntax) : Bool := Id.run do
  unless proof.isOfKind ``Command.declValSimple do return false
  let body := proof[1]
  if body.isOfKind ``Term.sorry then return true
  unless body.isOfKind ``Term.byTactic do return false
  let leaves := (body.getArgs.extract 1 body.getNumArgs).foldl (init := #[]) fun atoms stx => atoms ++ leavesOf stx
  return leaves == #["sorry"]
where
  leavesOf (stx : Syntax) : Array String :=
    match stx with
    | .atom _ text => #[text]
    | .ident _ raw .. => #[raw.toString]
    | .node _ _ args => args.attach.foldl (init := #[]) fun atoms ⟨arg, _⟩ => atoms ++ leavesOf arg
    | .missing => #[]

/-- The names under which a theorem written as `name` may be in the environment. -/
def possibleNames (state : Command.State) (name : Name) : List Name :=
  let full := state.scopes.head!.currNamespace ++ name
  let rooted := name.replacePrefix rootNamespace .anonymous
  [full, rooted, mkPrivateName state.env full, mkPrivateName state.env rooted]

/-- Elaborates a theorem with its proof cut off. -/
private def elabTarget (input : InputContext) (token : IO.CancelToken) (before : Command.State) (stx : TheoremSyntax) :
    RequestM Target := do
  let quiet := withScopeOptions { before with messages := {}, infoState := { enabled := false } }
    fun options => warn.sorry.set (options.set `linter.all false) false
  let after ← elabCommand input 0 token quiet stx.cut
  if after.messages.hasErrors then
    let message ← firstError after.messages
    -- What Lean says of a theorem whose type is no proposition, or no type at all.
    let kind := if message.startsWith "type of theorem" || message.startsWith "type expected" then .notAProposition else .elaboration
    fail kind message (Json.mkObj [("messages", ← messagesJson after.messages)])
  let name := stx.name?.getD anonymousTheorem
  let some full := (possibleNames before name).find? fun n => after.env.contains n && !before.env.contains n
    | fail .elaboration s!"`{name}` does not declare a theorem"
  let some (.thmInfo info) := after.env.find? full
    | fail .notAProposition s!"`{name}` is not a theorem"
  let (env, type) ← match carry after.env before.env info.type with
    | .ok carried => pure carried
    | .error e => fail .internal s!"the statement's own definitions: {e}"
  return {
    name := full, levelParams := info.levelParams, type, arity := leadingLambdas info.value, before, env, command := stx.cut
    hasAuxiliaries := type != info.type }
where
  firstError (log : MessageLog) : BaseIO String := do
    match log.toList.find? (·.severity == .error) with
    | some m => return (← m.data.toString).trimAsciiEnd.toString
    | none => return ""
  leadingLambdas : Expr → Nat
    | .lam _ _ body _ => leadingLambdas body + 1
    | .mdata _ body => leadingLambdas body
    | _ => 0

/-- Elaborates what stands before the `in`s of a command, and enters the namespace of a dotted name, so that the theorem behind them is an ordinary one. -/
private partial def enterScopes (input : InputContext) (token : IO.CancelToken) (state : Command.State) (command : Syntax) : RequestM (Command.State × Syntax) := do
  if command.isOfKind ``Command.in then
    let state ← elabCommand input 0 token state command[0]
    if state.messages.hasErrors then
      fail .elaboration "what stands before `in` has errors" (Json.mkObj [("messages", ← messagesJson state.messages)])
    return ← enterScopes input token state command[2]
  -- As Lean does for `theorem Nat.foo`.
  let dotted? (i j : Nat) : Option (Name × Syntax) := do
    let .str space@(.str ..) last := (command[i][j][0]).getId | none
    guard (space.getRoot != rootNamespace)
    let id := command[i][j].setArg 0 (mkIdentFrom command[i][j][0] (.mkSimple last))
    return (space, command.setArg i (command[i].setArg j id))
  let found := if command.isOfKind ``Command.declaration && command[1].isOfKind ``Command.«theorem» then dotted? 1 1
    else if command.getKind == `lemma then dotted? 1 0 else none
  let some (space, command) := found | return (state, command)
  let enter := mkNode ``Command.namespace #[mkAtom "namespace", mkIdent space]
  return (← elabCommand input 0 token state enter, command)

/-- Elaborates the source text of a theorem, up to its proof, in the given state. -/
def Target.ofDeclaration (before : Command.State) (text : String) (token : IO.CancelToken) : RequestM Target := do
  let input := mkInputContext text "<declaration>"
  let (command, parser, messages) := parseCommand input (parserContext before) {} {}
  if messages.hasErrors then
    fail .parse "the declaration does not parse" (Json.mkObj [("messages", ← messagesJson messages)])
  let (next, _, _) := parseCommand input (parserContext before) parser {}
  unless isTerminalCommand next do
    fail .parse "a declaration is one theorem; something follows it"
  let (before, command) ← enterScopes input token { before with messages := {} } command
  let some stx := theoremSyntax? before command
    | fail .notAProposition "this is not a theorem (or an `example` with a stated type)"
  elabTarget input token before stx

/-- Elaborates a proposition given as a term. A misspelt name is an error here, never a variable: `autoImplicit` is off. -/
def Target.ofStatement (before : Command.State) (text : String) (token : IO.CancelToken) : RequestM Target := do
  let input := mkInputContext text "<statement>"
  match parseAll (categoryParser `term 0).fn text before with
  | .error message =>
    fail .parse (← located message) (Json.mkObj [("messages", .arr #[← messageJson message])])
  | .ok statement =>
    let before := withScopeOptions before fun options => autoImplicit.set options false
    let signature := mkNode ``Command.declSig #[mkNullNode, mkNode ``Term.typeSpec #[mkAtom ":", statement]]
    let cut := cutProof before (template before)[0] (template before)[1][1] signature
    elabTarget input token before { kind := "theorem", name? := none, cut, proof := .missing }

/-- Elaborates a theorem given as a declaration or as a proposition, whichever the text is. -/
def Target.ofText (before : Command.State) (text : String) (token : IO.CancelToken) : RequestM Target := do
  let (command, _, _) := parseCommand (mkInputContext text "<statement>") (parserContext before) {} {}
  if command.isOfKind ``Command.declaration || command.isOfKind ``Command.in || command.getKind == `lemma then ofDeclaration before text token
  else ofStatement before text token

end LemmaForge
