module

public import LemmaForge.Goal
public import LemmaForge.Trace.Modules

/-!
# Tactic proofs, step by step

Lean's elaborator leaves *info trees* behind: for each tactic that it ran, the syntax, and the goals before and after. This module picks from them the steps of a proof, in the
granularity that LeanDojo made the custom of the field: each tactic of a tactic sequence is one step, with its whole text.

* What only chooses a goal (`·`, `case`, `next`, parentheses) is no step; the tactics in it are, with that one goal before them.
* A tactic with tactic blocks in it (`have h : p := by …`, `induction n with | zero => … | succ n ih => …`, a `by` in a term, a step of `calc`) is a step, and the tactics in
  its blocks are steps too, behind it.
* What runs its parts in a way of its own (`t <;> s`, `first`, `repeat`, `all_goals`, `try`, `conv`, …) is one step, and its parts are none.
* A step that finds no goals, or changes none that can be seen, is left out.

Where a tactic runs several times (the alternative `| _ => simp` for three constructors), each time is a step.

The text of a step that goes over several lines is moved to the left margin, so that it is a tactic sequence by itself.
-/

public section

namespace LemmaForge

open Lean Elab

/-! ## Which tactics are steps -/

/-- Kinds of tactics that only choose which goals the tactics in them see. -/
def focusingKinds : List Name := [`Lean.cdot, ``Parser.Tactic.case, ``Parser.Tactic.case', ``Parser.Tactic.paren, ``Parser.Tactic.nestedTactic,
  ``Parser.Tactic.«tacticNext_=>_», ``Parser.Tactic.tacticSeqBracketed, ``Parser.Tactic.focus]

/-- Kinds of syntax that run the tactics in them in a way of their own: several times, perhaps, or in vain, or under other options. -/
def opaqueKinds : List Name := [``Parser.Tactic.«tactic_<;>_», ``Parser.Tactic.first, `Lean.solveTactic, ``Parser.Tactic.attemptAll,
  ``Parser.Tactic.attemptAllPar, ``Parser.Tactic.allGoals, ``Parser.Tactic.anyGoals, ``Parser.Tactic.tacticTry_, ``Parser.Tactic.tacticRepeat_,
  ``Parser.Tactic.repeat', ``Parser.Tactic.repeat1', ``Parser.Tactic.tacticIterate____, ``Parser.Tactic.failIfSuccess, ``Parser.Tactic.withReducible,
  ``Parser.Tactic.withReducibleAndInstances, ``Parser.Tactic.withUnfoldingAll, ``Parser.Tactic.tacticUnhygienic_, ``Parser.Tactic.open,
  ``Parser.Tactic.set_option, ``Parser.Tactic.discharger, ``Parser.Tactic.Conv.conv, ``Parser.Tactic.tacticStop_, ``Parser.Tactic.showTerm,
  ``Parser.Tactic.runTac, ``Parser.Tactic.as_aux_lemma, ``Parser.Term.quot, ``Parser.Tactic.quot]

/-- A tactic in the source: where its text lies, and what it is. -/
structure Site where
  /-- Its text. -/
  range : Syntax.Range
  /-- Its kind. -/
  kind : Name
  deriving BEq, Hashable

/-- The tactics of a sequence. -/
private def tacticsOf (sequence : Syntax) : Array Syntax :=
  if sequence.isOfKind ``Parser.Tactic.tacticSeqBracketed then sequence[1].getSepArgs else sequence[0].getSepArgs

/-- The tactics in a piece of syntax that are steps, as described above. -/
partial def sitesIn (stx : Syntax) : Array Site := Id.run do
  if opaqueKinds.contains stx.getKind then return #[]
  if stx.isOfKind ``Parser.Tactic.tacticSeq1Indented || stx.isOfKind ``Parser.Tactic.tacticSeqBracketed then
    return (tacticsOf stx).flatMap fun tactic =>
      let own := match tactic.getRange? with
        | some range => if focusingKinds.contains tactic.getKind then #[] else #[{ range, kind := tactic.getKind : Site }]
        | none => #[]
      own ++ sitesIn tactic
  return stx.getArgs.flatMap sitesIn

/-! ## Steps -/

/-- A tactic that was run. -/
structure Ran where
  /-- Where it stands. -/
  site : Site
  /-- Environment, options and open namespaces there. -/
  context : ContextInfo
  /-- The goals before and after. -/
  info : TacticInfo
  /-- What the elaborator noted inside it. -/
  inside : PersistentArray InfoTree

/-- Runs through info trees for the tactics at `sites`, in the order in which they were run. -/
partial def ranIn (sites : Std.HashSet Site) (context? : Option ContextInfo) (found : Array Ran) (tree : InfoTree) : Array Ran :=
  match tree with
  | .context inner tree => ranIn sites (inner.mergeIntoOuter? context?) found tree
  | .hole _ => found
  | .node info children => Id.run do
    let mut found := found
    if let .ofTacticInfo info := info then
      if let some range := info.stx.getRange? (canonicalOnly := true) then
        let site := { range, kind := info.stx.getKind : Site }
        if sites.contains site then
          if let some context := context? then found := found.push { site, context, info, inside := children }
    let context? := info.updateContext? context?
    for child in children do found := ranIn sites context? found child
    return found

/-- The goals of a state, printed as Lean prints them, with blank lines between them. -/
def showGoals (context : ContextInfo) (mctx : MetavarContext) (goals : List MVarId) : IO String := do
  if goals.isEmpty then return "no goals"
  let shown ← { context with mctx }.runMetaM {} (goals.mapM fun goal => return (← Meta.ppGoal goal).pretty)
  return "\n\n".intercalate shown

/-- The goals before a tactic that was run. -/
def Ran.before (ran : Ran) : IO String := showGoals ran.context ran.info.mctxBefore ran.info.goalsBefore

/-- The goals after it. -/
def Ran.after (ran : Ran) : IO String := showGoals ran.context ran.info.mctxAfter ran.info.goalsAfter

/-! ## Text -/

private def indentation (line : String) : Nat := (line.takeWhile (· == ' ')).toString.length

/-- How far a text that begins at `column` of its first line can be moved to the left. -/
private def margin (column : Nat) (text : String) : Nat :=
  let rest := (text.splitOn "\n").drop 1 |>.filter (!·.all Char.isWhitespace)
  rest.foldl (fun least line => min least (indentation line)) column

/-- A text with every line but the first moved to the left. -/
private def moved (margin : Nat) (text : String) : String :=
  match text.splitOn "\n" with
  | [] => text
  | first :: rest => "\n".intercalate (first :: rest.map fun line => (line.drop (min margin (indentation line))).toString)

/-- The text of a piece of source, moved to the left margin, and how far it was moved. -/
def movedText (source : String) (map : FileMap) (range : Syntax.Range) : String × Nat :=
  let text := String.Pos.Raw.extract source range.start range.stop
  let margin := margin (map.toPosition range.start).column text
  (moved margin text, margin)

/-! ## Premises -/

/-- Where a constant is declared, as far as it is known. -/
private def placeOf (env : Environment) (mainModule name : Name) : Name × Option DeclarationRange :=
  let module := (env.getModuleIdxFor? name).bind (env.header.moduleNames[·]?)
  (module.getD mainModule, (declRangeExt.find? (level := .server) env name).map (·.selectionRange))

/-- The identifiers inside a tactic that stand for constants: where they are, and which constant. -/
partial def constantsIn (source : String) (range : Syntax.Range) (found : Array (Syntax.Range × Name)) : InfoTree → Array (Syntax.Range × Name)
  | .context _ tree => constantsIn source range found tree
  | .hole _ => found
  | .node info children => children.foldl (init := one info) (constantsIn source range)
where
  isWritten : Syntax → Bool
    | stx@(.ident _ text _ _) => stx.getRange?.any fun own => String.Pos.Raw.extract source own.start own.stop == text.toString
    -- `.inl`, and `symm` of `h.symm`.
    | stx => (stx.isOfKind ``Parser.Term.dotIdent || stx.isOfKind `Lean.Parser.Term.identProj) && stx.getHeadInfo matches .original ..
  one (info : Info) : Array (Syntax.Range × Name) := Id.run do
    let .ofTermInfo info := info | return found
    let some name := info.expr.constName? | return found
    -- Written by a person: what a macro puts in (`And.intro` for `⟨_, _⟩`) has a place, too.
    unless isWritten info.stx do return found
    let some own := info.stx.getRange? | return found
    let inside := range.start ≤ own.start && own.stop ≤ range.stop && own.start < own.stop
    if info.isBinder || !inside || isPrivateName name || found.contains (own, name) then return found
    return found.push (own, name)

private def premisesJson (source : String) (ran : Ran) (margin : Nat) (env : Environment) : Json :=
  let found := ran.inside.foldl (init := #[]) fun found tree => constantsIn source ran.site.range found tree
  let found := found.qsort fun a b => a.1.start < b.1.start || (a.1.start == b.1.start && a.1.stop < b.1.stop)
  let offset (pos : String.Pos.Raw) : Nat := (moved margin (String.Pos.Raw.extract source ran.site.range.start pos)).length
  .arr <| found.map fun (range, name) =>
    let (module, defined?) := placeOf env env.mainModule name
    .arr #[.str name.toString, toJson (offset range.start), toJson (offset range.stop), .str module.toString, (defined?.map rangeJson).getD .null]

/-- A place in a source text for the wire: line, column, last line, last column. -/
def spanJson (map : FileMap) (range : Syntax.Range) : Json :=
  let (start, stop) := (map.toPosition range.start, map.toPosition range.stop)
  toJson #[start.line, start.column, stop.line, stop.column]

/-- The tactics of a proof that were run, in the order of the source. -/
def stepsOf (proof : Syntax) (trees : PersistentArray InfoTree) : Array Ran :=
  let sites := (sitesIn proof).foldl (·.insert ·) ({} : Std.HashSet Site)
  let ran := trees.foldl (init := #[]) (ranIn sites none)
  let numbered := ran.mapIdx fun i ran => (i, ran)
  let sorted := numbered.qsort fun (i, a) (j, b) =>
    let (a, b) := (a.site.range, b.site.range)
    a.start < b.start || (a.start == b.start && (a.stop > b.stop || (a.stop == b.stop && i < j)))
  sorted.map (·.2)

/-- A step for the wire; `none` if there is nothing to see. `env` knows where constants are declared. -/
def Ran.toJson? (ran : Ran) (source : String) (map : FileMap) (env : Environment) : IO (Option Json) := do
  let before ← ran.before
  let after ← ran.after
  if before == "no goals" || before == after then return none
  let (tactic, margin) := movedText source map ran.site.range
  return some <| Json.mkObj [("before", .str before), ("tactic", .str tactic), ("after", .str after), ("span", spanJson map ran.site.range),
    ("premises", premisesJson source ran margin env)]

end LemmaForge
