module

public import LemmaForge.Statement
public import LemmaForge.Judge.Kernel
public import LemmaForge.Judge.Code

/-!
# From a submission to a verdict

A submission is untrusted text: the *body* of a proof for a statement that we have, or a *whole file* that proves it somewhere. Either is parsed by Lean's parser, compared with
the grammar of `Judge.Syntax` command by command and before anything of a command is elaborated, elaborated by Lean, and then reduced to one thing: a proof term. What the
text called a theorem, which options it set, which notation it made, what messages it caused, is of no interest from there on; the kernel's part (`Judge.Kernel`) begins
again from the trusted statement.

A body that is a plain term is elaborated against the stated type directly. One with equations, `where` or recursion, or for a statement
in which there is a `match` or a proof, goes through Lean's `theorem` command, behind the trusted signature.
-/

public section

namespace LemmaForge.Judge

open Lean Elab Parser

/-- How a submission is elaborated. -/
structure Rules where
  /-- What it may be made of. -/
  grammar : Grammar
  /-- Limits of elaboration. -/
  limits : StepLimits := {}
  /-- Whether the kernel checks what Lean declares while it elaborates. Everything that counts is checked again afterwards, so this is for submissions that look
  at what the kernel says (`first | decide +kernel | …`), and for those whose definitions Lean may run. -/
  kernel : Bool := false

/-- The options of an elaboration under these rules. -/
private def Rules.options (rules : Rules) (options : Options) : Options :=
  debug.skipKernelTC.set (maxHeartbeats.set options rules.limits.heartbeats) !rules.kernel

/-- Something to be judged. -/
inductive Submission where
  /-- A term, or what may follow the signature of a theorem (`:= …`, `| …`). -/
  | body (text : String)
  /-- A file. -/
  | file (text : String)

/-- Keeps what Lean said. -/
private def note (log : MessageLog) : JudgeM Unit := modify (· ++ log)

/-- Rejects for the first error in a log, if there is one. -/
private def rejectErrors (log : MessageLog) : JudgeM Unit := do
  let some first := log.toList.find? (·.severity == .error) | return
  let reason := if first.data.hasTag (· == `runtime.maxHeartbeats) then .heartbeats else .elaboration
  reject reason (← first.data.toString).trimAsciiEnd.toString first.pos

/-- Rejects a submission for what the grammar does not have. -/
private def orRefuse {α : Type} (fileMap : FileMap) : Except Refusal α → JudgeM α
  | .ok value => return value
  | .error refusal => reject .syntax s!"a submission may not use {refusal.what}" (refusal.position?.map fileMap.toPosition)

/-! ## Bodies -/

/-- Parses a body. Of two ways to read it, the one that gets further names the error. -/
private def parseBody (target : Target) (text : String) : JudgeM Syntax := do
  match parseAll (categoryParser `term 0).fn text target.before with
  | .ok stx => return stx
  | .error asTerm =>
    match parseAll Command.declVal.fn text target.before with
    | .ok stx => return stx
    | .error asValue =>
      let e := if asValue.pos.line > asTerm.pos.line || (asValue.pos.line == asTerm.pos.line && asValue.pos.column > asTerm.pos.column) then asValue else asTerm
      note (MessageLog.empty.add e)
      reject .parse (← e.data.toString) e.pos

/-- The term of a body that has nothing but a term. -/
private def plainTerm? (body : Syntax) : Option Syntax :=
  if body.isOfKind ``Command.declValSimple then
    if body[2].getArgs.all (·.isNone) && body[3].isNone then some body[1] else none
  else if body.isOfKind ``Command.declValEqns || body.isOfKind ``Command.whereStructInst then none
  else some body

/-- Whether a body may speak of the theorem that it proves, or has functions of its own that call themselves. -/
private def isRecursive (name : Name) (body : Syntax) : Bool :=
  (body.find? fun stx => stx.isOfKind ``Term.letrec || stx.isOfKind ``Tactic.letrec ||
    (stx.isIdent && !stx.getId.isAnonymous && stx.getId.eraseMacroScopes.isSuffixOf name)).isSome

/-- Elaborates a term against the stated type. -/
private def elabTerm (target : Target) (term : Syntax) (text : String) (rules : Rules) (token : IO.CancelToken) : JudgeM (Environment × Expr) := do
  let act : TermElabM Expr := Meta.forallBoundedTelescope target.type target.arity fun xs type => do
    let proof ← instantiateMVars (← withLoggedErrors <| Term.withSynthesize <| Term.elabTermEnsuringType term type)
    let _ ← Term.logUnassignedUsingErrorInfos (← Meta.getMVars proof)
    Meta.mkLambdaFVars xs proof
  let target := { target with before := withScopeOptions target.before rules.options }
  let start ← orReject (← target.start token)
  let (proof, after) ← orReject (← start.run rules.limits token act text)
  note after.coreState.messages
  rejectErrors after.coreState.messages
  return (after.coreState.env, proof)
where
  orReject {α : Type} : Except Exception α → JudgeM α
    | .ok value => return value
    | .error e => do
      let reason := if e.isMaxHeartbeat then .heartbeats else .elaboration
      reject reason (← e.toMessageData.toString) (e.getRef.getPos?.map text.toFileMap.toPosition)

/-- The proof term of the theorem that an environment declares under the target's name, in the target's universe parameters. -/
private def proofOf (target : Target) (state : Command.State) : JudgeM Expr := do
  let some info := state.env.find? target.name | reject .missing (← whatIsThere state.env)
  let .thmInfo found := info | reject .kind s!"`{privateToUserName target.name}` is no theorem here but {kindOf info}"
  let rename (e : Expr) := e.instantiateLevelParams found.levelParams (target.levelParams.map .param)
  unless found.levelParams.length == target.levelParams.length && isStated (rename found.type) do
    reject .statement (← difference (rename found.type))
  return rename found.value
where
  isStated (type : Expr) : Bool :=
    plain type == plain target.type || withoutAuxiliaries state.env type == withoutAuxiliaries target.env target.type
  difference (type : Expr) : JudgeM String := do
    let said ← showExpr state type
    let wanted ← showExpr target.before target.type
    if said != wanted then return s!"the theorem says\n  {said}\nand the statement is\n  {wanted}"
    let explicit (s : Command.State) := withScopeOptions s (pp.all.set · true)
    return s!"the theorem looks like the statement and says\n  {← showExpr (explicit state) type}\nwhile the statement is\n  {← showExpr (explicit target.before) target.type}"
  kindOf : ConstantInfo → String
    | .axiomInfo _ => "an axiom"
    | .defnInfo _ => "a definition"
    | .opaqueInfo _ => "an opaque constant"
    | .inductInfo _ => "a type"
    | .ctorInfo _ => "a constructor"
    | _ => "something else"
  whatIsThere (env : Environment) : JudgeM String := do
    let name := privateToUserName target.name
    let last := name.componentsRev.head!
    let alike := env.constants.map₂.foldl (init := #[]) fun names n _ =>
      if (privateToUserName n).componentsRev.head? == some last then names.push n else names
    let hint := match alike[0]? with
      | some n => if isPrivateName n then s!"; `{privateToUserName n}` is private" else s!"; there is `{n}`"
      | none => ""
    return s!"no theorem `{name}`{hint}"

/-- Elaborates a body through the `theorem` command, behind the trusted signature. -/
private def elabValue (target : Target) (value : Syntax) (text : String) (rules : Rules) (token : IO.CancelToken) : JudgeM (Environment × Expr) := do
  let command := target.command.setArg 1 (target.command[1].setArg 3 value)
  let before := withScopeOptions { target.before with messages := {}, infoState := { enabled := false } } rules.options
  let after ← elabCommand (mkInputContext text "<proof>") 0 token before command
  note after.messages
  rejectErrors after.messages
  return (after.env, ← proofOf target after)

/-- `:= term`, as the `theorem` command has it. -/
private def valueOfTerm (target : Target) (term : Syntax) : Syntax := target.command[1][3].setArg 1 term

/-- Elaborates a body. -/
private def elabBody (target : Target) (rules : Rules) (text : String) (token : IO.CancelToken) : JudgeM (Environment × Expr) := do
  let body ← parseBody target text
  orRefuse text.toFileMap (rules.grammar.check (isTrustedKind target.before.env) body)
  match plainTerm? body with
  | none => elabValue target body text rules token
  | some term =>
    if target.hasAuxiliaries || isRecursive target.name term then elabValue target (valueOfTerm target term) text rules token
    else elabTerm target term text rules token

/-! ## Files -/

/-- Looks at the head of a file: it may import what the statement's imports contain. -/
private def checkHeader (base : Environment) (input : InputContext) : JudgeM ModuleParserState := do
  match ← (Parser.parseHeader input).toBaseIO with
  | .error e => reject .parse (toString e)
  | .ok (header, parser, messages) =>
    note messages
    if let some e := messages.toList.find? (·.severity == .error) then reject .parse (← e.data.toString) e.pos
    for word in ["module", "prelude"] do
      if let some found := header.raw.find? fun stx => stx.isAtom && stx.getAtomVal.trimAscii == word then
        reject .header s!"a submission may not be a `{word}` file" (found.getPos?.map input.fileMap.toPosition)
    for wanted in HeaderSyntax.imports header (includeInit := true) do
      unless base.header.moduleNames.contains wanted.module do
        reject .header s!"the submission imports `{wanted.module}`, which the statement's imports do not contain"
    return parser

/-- Parses, looks at and elaborates the commands of a file, one after the other. -/
private partial def elabFile (base : Environment) (rules : Rules) (terms : Terms) (input : InputContext) (parser : ModuleParserState) (token : IO.CancelToken)
    (state : Command.State) (seen : Inspected := {}) : JudgeM Command.State := do
  let position := parser.pos
  let (command, parser, messages) := parseCommand input (parserContext state) parser {}
  note messages
  if let some e := messages.toList.find? (·.severity == .error) then reject .parse (← e.data.toString) e.pos
  let oldKinds := (parserExtension.getState base).kinds
  let look := rules.grammar.check fun kind => (isOwnKind state.env kind && !oldKinds.contains kind) || isLibraryKind base kind
  orRefuse input.fileMap (look command)
  if command.isOfKind ``Command.eoi || (← (token.isSet : BaseIO Bool)) then return state
  if !rules.kernel && evaluates command && !(seen.unseen state.env).isEmpty then
    reject .kernel "code may be run beside definitions that the kernel has not seen"
  let seen ← orRefuse input.fileMap (← (inspect command state.env terms.axioms terms.known seen).run)
  let after ← elabCommand input position token { state with messages := {} } command
  note after.messages
  rejectErrors after.messages
  let { env, seen } ← orRefuse input.fileMap (disarm command state.env after.env seen baseOptions look)
  elabFile base rules terms input parser token { after with env } seen

/-- A constant in the meaning of the statement that a file defines in another way; one that a person wrote, if there is one. -/
private def redefined? (target : Target) (env : Environment) : Option Name :=
  let differing := (ownConstantsBehind target.env target.type).filter fun name =>
    match target.env.find? name, env.find? name with
    | some (.inductInfo a), some (.inductInfo b) => a.type != b.type || a.ctors != b.ctors
    | some a, some b => a.type != b.type || a.value? (allowOpaque := true) != b.value? (allowOpaque := true)
    | _, _ => false
  differing.find? (!·.isInternalDetail) <|> differing.head?

/-! ## The verdict -/

/-- Elaborates a submission and gives its proof term, with the environment in which it makes sense. `base` is the environment of the statement's imports alone. -/
private def elaborate (target : Target) (base : Environment) (rules : Rules) (terms : Terms) (token : IO.CancelToken) : Submission → JudgeM (Environment × Expr)
  | .body text => elabBody target rules text token
  | .file text => do
    let input := mkInputContext text "<submission>"
    let parser ← checkHeader base input
    let start := { initialState base (rules.options baseOptions) with infoState := { enabled := false } }
    let state ← elabFile base rules terms input parser token start
    return (state.env, ← proofOf target state)

/-- Judges a submission against a statement: without the kernel's word during elaboration, and if the kernel has an objection afterwards, once more with it. -/
def check (target : Target) (base : Environment) (submission : Submission) (rules : Rules) (terms : Terms) (token : IO.CancelToken) : JudgeM Accepted := do
  let attempt (rules : Rules) : JudgeM Accepted := do
    let (env, proof) ← elaborate target base rules terms token submission
    try kernelCheck target terms env proof token
    catch e =>
      let some name := (if rules.kernel && e.reason == .kernel then redefined? target env else none) | throw e
      reject .statement s!"the submission means something else by `{name}` than the statement does"
  try attempt rules
  catch e => if e.reason == .kernel && !rules.kernel then attempt { rules with kernel := true } else throw e

/-- The finished proof of a state: its term, closed. -/
def proofTerm (state : ProofState) (token : IO.CancelToken) : JudgeM Expr := do
  unless state.goals.isEmpty do reject .elaboration "the state has open goals"
  unless state.whole do reject .elaboration "a tactic was run on one goal of several; the others are open"
  match ← state.run { heartbeats := 0 } token (instantiateMVars (.mvar state.root)) with
  | .ok (proof, _) => return proof
  | .error e => reject .elaboration (← e.toMessageData.toString)

end LemmaForge.Judge
