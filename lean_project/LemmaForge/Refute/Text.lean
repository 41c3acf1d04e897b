module

public import LemmaForge.Refute.Search
public import LemmaForge.Statement

/-!
# A refutation as text

The judge takes texts: the negation of the statement, and a proof of it, `fun h => absurd (h 3 (by decide)) (by decide)`. The negation is written with the words of the source where Lean reads the
same from that, and else as Lean prints it; in both cases it is read back, and must be the negation of the very proposition that was refuted.
-/

public section

namespace LemmaForge.Refute

open Lean Meta Elab

/-- What is written for a proof inside a value. -/
private def byDecide : Name := `lemmaforgeByDecide

/-- A closed value as text that reads back, given its type. -/
def valueText (value : Expr) : MetaM String := do
  withLocalDeclD byDecide (mkConst ``True) fun proof => do
    let shown ← Meta.transform value (pre := fun e => return if ← isProof e then .done proof else .continue)
    let text := (← ppExpr shown).pretty (width := 100000)
    return text.replace byDecide.toString "(by decide)"

/-- A witness: the variable, its type and its value. -/
structure Witness where
  /-- As in the statement. -/
  name : String
  /-- As Lean prints it, with the values of the variables before it. -/
  type : String
  /-- As Lean prints it. -/
  value : String

/-- The values that a reader asks for, of a refuted statement, and the proof of its negation. -/
def refutationText (type : Expr) (uses : Array Use) (arguments : Array Argument) (conclusion : Evidence) : MetaM (Array Witness × String) := do
  let mut witnesses := #[]
  let mut applied := "h"
  let mut isHead := true
  let mut left := arguments.toList
  let mut rest := type
  for use in uses do
    let wanted := match use with | .apply count => count | .congr => 1 | _ => 0
    let mut given := #[]
    if let .congr := use then
      let some (functions, f, g) := rest.eq? | throwError "no equation of functions: {rest}"
      let .forallE name domain _ _ ← whnfR functions | throwError "no functions: {rest}"
      rest := .forallE name domain (← mkEq (mkApp f (.bvar 0)) (mkApp g (.bvar 0))) .default
    for argument in left.take wanted do
      let .forallE name domain body info ← whnfCore rest | throwError "the statement has fewer variables than values"
      match argument.tactic? with
      | some tactic => given := given.push s!"(by {tactic})"
      | none =>
        let shown := (← ppExpr domain).pretty (width := 100000)
        let value ← valueText argument.value
        given := given.push s!"({value} : {shown})"
        unless info.isInstImplicit do
          witnesses := witnesses.push { name := name.eraseMacroScopes.toString, type := shown, value }
      rest := (body.instantiate1 argument.value).headBeta
    left := left.drop wanted
    let texts := " ".intercalate given.toList
    match use with
    | .apply _ => applied := if isHead then s!"@h {texts}" else s!"({applied}) {texts}"
    | .congr => applied := s!"congrFun ({applied}) {texts}"
    | .left => applied := s!"({applied}).1"; rest := rest.getAppArgs[0]!
    | .right => applied := s!"({applied}).2"; rest := rest.getAppArgs[1]!
    | .mp => applied := s!"({applied}).mp"; rest ← mkArrow rest.getAppArgs[0]! rest.getAppArgs[1]!
    | .mpr => applied := s!"({applied}).mpr"; rest ← mkArrow rest.getAppArgs[1]! rest.getAppArgs[0]!
    isHead := false
  return (witnesses, s!"fun h => absurd ({applied}) (by {conclusion.tactic})")

/-- What is claimed of a statement, as a text that is read as that in the environment before the statement: its negation, in the words of the source if it can be,
or another proposition, as Lean prints it. A declaration is called after the one that the statement was, with `suffix`. -/
def claimText (target : Target) (claim : Expr) (source? : Option String) (suffix : String) (token : IO.CancelToken) : RequestM String := do
  let printed ← match ← runTermElab target.before token (do return (← ppExpr claim).pretty (width := 100000)) with
    | .ok text => pure text
    | .error e => fail .internal (← e.toMessageData.toString)
  let negated := (source?.toList ++ (fromSyntax? target.command).toList).map fun text => s!"¬ ({text})"
  for text in negated ++ [printed] do
    if ← readsAs text claim then
      return if target.name == anonymousTheorem then text else s!"theorem {privateToUserName target.name}.{suffix} : {text} := by sorry"
  fail .elaboration s!"what is claimed of the statement does not read back as printed: {printed}"
where
  readsAs (text : String) (expected : Expr) : RequestM Bool := do
    match ← (Target.ofStatement target.before text token).run.toBaseIO with
    | .ok (.ok read) =>
      match ← runTermElab target.before token (withReducibleAndInstances (isDefEq read.type expected)) with
      | .ok same => return same
      | .error _ => return false
    | _ => return false
  /-- `∀ binders, type`, in the words of the declaration. -/
  fromSyntax? (command : Syntax) : Option String := do
    let signature := command[1][2]
    let type ← signature[1][1].reprint
    let binders := signature[0].getArgs
    if binders.isEmpty then return type.trimAscii.toString
    let texts ← binders.toList.mapM (·.reprint)
    return s!"∀ {" ".intercalate (texts.map (·.trimAscii.toString))}, {type.trimAscii}"

/-- Looks for a counterexample to a statement; gives the fields of the reply. `source?` is the statement as it was written, if it was a proposition. -/
def find (config : Config) (relevance : MetaM Relevance) (target : Target) (source? : Option String) (token : IO.CancelToken) : RequestM (List (String × Json)) := do
  let type := target.type.instantiateLevelParams target.levelParams (lowestLevels target.levelParams target.type)
  let look : TermElabM (String × String × Option (Array Witness × String) × Option Expr) := do
    match ← search config relevance type with
    | .refuted uses arguments conclusion => return ("refuted", "", some (← refutationText type uses arguments conclusion), none)
    | ended =>
      if let some (tactic, falsified) ← vacuous? type then return ("vacuous", "", some (#[], s!"by {tactic}"), some falsified)
      match ended with
      | .stuck on => return ("stuck", on, none, none)
      | .spent => return ("spent", "", none, none)
      | _ => return ("exhausted", "", none, none)
  match ← runTermElab { target.before with env := target.env } token look with
  | .error e => fail .internal (← e.toMessageData.toString)
  | .ok (outcome, on, text?, falsified?) =>
    let claim ← match falsified? with
      | some falsified => claimText target falsified none "vacuous" token
      | none => claimText target (mkNot type) source? "refuted" token
    let witness (w : Witness) := Json.mkObj [("name", (w.name : Json)), ("type", .str w.type), ("value", .str w.value)]
    let shown := match text? with
      | none => []
      | some (witnesses, proof) => [("witnesses", Json.arr (witnesses.map witness)), ("proof", .str proof)]
    return [("outcome", (.str outcome : Json)), ("claim", .str claim), ("on", .str on)] ++ shown

end LemmaForge.Refute
