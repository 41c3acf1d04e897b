module

public import LemmaForge.Trace.File

/-!
# Entering a proof in its middle

A step of a traced proof can be opened as a proof state: its goals, in the environment and under the options that hold at that place. Running the text of the step there
must lead to the goals that the trace states; running something else is how a prover is tried on the states of proofs that people wrote.

A state that is opened this way is a part of a proof, so it cannot be finished by itself.
-/

public section

namespace LemmaForge

open Lean Elab

/-- Which steps to open: their places, as `trace.file` states them, and the goals before them. -/
structure Place where
  /-- Line, column, last line, last column. -/
  span : Array Nat
  /-- The goals, printed; a place where several steps were run has several. -/
  before : String
  deriving FromJson, BEq, Hashable

/-- The proof state before a tactic that was run. `before` is the state of the file before the theorem `info`. -/
def Ran.open (ran : Ran) (before : Command.State) (info : ConstantInfo) (command : Syntax) : ProofState :=
  let context := ran.context
  let scopes := match before.scopes with
    | [] => []
    | scope :: rest => { scope with opts := context.options, currNamespace := context.currNamespace, openDecls := context.openDecls } :: rest
  let before := { before with scopes, messages := {}, infoState := { enabled := false } }
  { target := { name := info.name, levelParams := info.levelParams, type := info.type, arity := 0, before, env := context.env, command, hasAuxiliaries := true }
    -- Names of its own, for variables too: those of the rest of the proof are in use.
    coreState := { env := context.env, ngen := { namePrefix := `_step }, nextMacroScope := before.nextMacroScope + 1000000, auxDeclNGen := .ofPrefix info.name }
    metaState := { mctx := ran.info.mctxBefore }
    termState := { levelNames := info.levelParams }
    root := ran.info.goalsBefore.headD ⟨.anonymous⟩
    goals := ran.info.goalsBefore
    script := []
    whole := false }

/-- Elaborates a file and gives the states before the steps at `places`, in their order; `none` where there is no such step. -/
def openPlaces (input : Parser.InputContext) (parser : Parser.ModuleParserState) (start : Command.State) (places : Array Place) (token : IO.CancelToken) :
    RequestM (Array (Option ProofState)) := do
  let lines : Std.HashSet Nat := places.foldl (fun lines place => lines.insert (place.span[0]?.getD 0)) {}
  let found ← IO.mkRef ({} : Std.HashMap Place ProofState)
  let _ ← elabCommands input parser token start fun command before after => do
    let trees := treesOf after
    for declared in declaredBetween input.fileMap command before.env after.env do
      let some proof := declared.syntax?.bind (·.proof?) | continue
      for ran in stepsOf proof trees do
        let (first, last) := (input.fileMap.toPosition ran.site.range.start, input.fileMap.toPosition ran.site.range.stop)
        unless lines.contains first.line do continue
        let place : Place := { span := #[first.line, first.column, last.line, last.column], before := ← ran.before }
        if places.contains place then found.modify (·.insertIfNew place (ran.open before declared.info command))
  let found ← found.get
  return places.map (found[·]?)

end LemmaForge
