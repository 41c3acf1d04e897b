module

public import LemmaForge.Refute.Search
public import LemmaForge.Signature
public import LemmaForge.Statement

/-!
# A refutation as text

The judge takes texts: the negation of the statement, and a proof of it, `fun h => absurd (h 3 (by decide)) (by decide)`. The negation is written with the words of the source where Lean reads the
same from that, and else as Lean prints it; in both cases it is read back, and must be the negation of the very proposition that was refuted.
-/

public section

namespace LemmaForge.Refute

open Lean Meta Elab

/-- A witness: the variable, its type and its value. -/
structure Witness where
  /-- As in the statement. -/
  name : String
  /-- As Lean prints it, with the values of the variables before it. -/
  type : String
  /-- As Lean prints it. -/
  value : String

/-- A proposition, unfolded until it is one that can be taken apart. -/
private partial def shaped (p : Expr) : MetaM Expr := do
  if p.isAppOf ``And || p.isAppOf ``Iff || p.isAppOf ``Eq || p.isForall || !(← fieldsOf p).isEmpty then return p
  match ← withDefault (unfoldDefinition? p) with
  | some unfolded => shaped unfolded.headBeta
  | none => return p

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
    rest ← match use with
      | .apply _ => whnf rest
      | _ => shaped rest
    if let .congr := use then
      let some (functions, f, g) := rest.eq? | throwError "no equation of functions: {rest}"
      let .forallE name domain _ _ ← whnfR functions | throwError "no functions: {rest}"
      rest := .forallE name domain (← mkEq (mkApp f (.bvar 0)) (mkApp g (.bvar 0))) .default
    for argument in left.take wanted do
      let .forallE name domain body _ ← whnfCore rest | throwError "the statement has fewer variables than values"
      match argument.tactic? with
      | some tactic => given := given.push s!"(by {tactic})"
      | none =>
        let shown ← valueText domain
        let value ← valueText argument.value
        given := given.push s!"({value} : {shown})"
        witnesses := witnesses.push { name := name.eraseMacroScopes.toString, type := shown, value }
      rest := (body.instantiate1 argument.value).headBeta
    left := left.drop wanted
    let texts := " ".intercalate given.toList
    match use with
    | .field projection =>
      rest := (← fieldsOf rest).findSome? (fun (name, type) => if name == projection then some type else none) |>.getD rest
      applied := s!"({applied}).{projection.getString!}"
    | .apply _ => applied := if isHead then s!"@h {texts}" else s!"({applied}) {texts}"
    | .congr => applied := s!"congrFun ({applied}) {texts}"
    | .left => applied := s!"({applied}).1"; rest := rest.getAppArgs[0]!
    | .right => applied := s!"({applied}).2"; rest := rest.getAppArgs[1]!
    | .mp => applied := s!"({applied}).mp"; rest ← mkArrow rest.getAppArgs[0]! rest.getAppArgs[1]!
    | .mpr => applied := s!"({applied}).mpr"; rest ← mkArrow rest.getAppArgs[1]! rest.getAppArgs[0]!
    isHead := false
  return (witnesses, s!"fun h => absurd ({applied}) (by {conclusion.tactic})")

/-- What is claimed of a statement, as a text that is read as that in `outer`, the environment that the statement was read in: its negation, in the words of the source if it can be,
or another proposition, as Lean prints it; `none` if Lean reads something else in every way of printing. A declaration is called after the one that the statement was, with `suffix`. -/
def claimText? (outer : Command.State) (target : Target) (claim : Expr) (source? : Option String) (suffix : String) (token : IO.CancelToken) : RequestM (Option String) := do
  let negated := (source?.toList ++ (fromSyntax? target.command).toList).map fun text => s!"¬ ({text})"
  for text in negated do
    if ← readsAs text then return some (declared text)
  for options in [id, explicitPrinting] do
    if let .ok text ← runTermElab outer token (withOptions options do return (← ppExpr claim).pretty (width := 100000)) then
      if ← readsAs text then return some (declared text)
  return none
where
  declared (text : String) : String :=
    if target.name == anonymousTheorem then text else s!"theorem {privateToUserName target.name}.{suffix} : {text} := by sorry"
  readsAs (text : String) : RequestM Bool := do
    -- A declaration is parsed before the namespaces of its name are opened.
    let read := if target.name == anonymousTheorem then Target.ofStatement outer text token else Target.ofDeclaration outer (declared text) token
    match ← read.run.toBaseIO with
    | .ok (.ok read) =>
      match ← runTermElab target.before token (withReducibleAndInstances (isDefEq read.type claim)) with
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

/-- What came of a search, as text. -/
structure Found where
  /-- `refuted`, `vacuous`, `exhausted`, `spent` or `stuck`. -/
  outcome : String
  /-- The negation of the statement; if `vacuous`, the statement with `False` for its conclusion. Empty if it cannot be written. -/
  claim : String
  /-- What could not be evaluated, if `stuck`. -/
  on : String
  /-- The values. -/
  witnesses : Array Witness
  /-- Proves the claim. -/
  proof? : Option String
  /-- Propositions that were evaluated. -/
  evaluations : Nat
  /-- How long it took. -/
  nanoseconds : Nat := 0

instance : ToJson Witness where
  toJson w := Json.mkObj [("name", w.name), ("type", .str w.type), ("value", .str w.value)]

instance : ToJson Found where
  toJson f := Json.mkObj [("outcome", f.outcome), ("claim", f.claim), ("on", f.on), ("witnesses", toJson f.witnesses), ("proof", toJson f.proof?), ("evaluations", f.evaluations),
    ("ms", millisecondsJson f.nanoseconds)]

/-- Milliseconds after the end of a search in which vacuity may be shown. -/
private def vacuity : Nat := 300

/-- Looks for a counterexample to a statement that was read in `outer`. `source?` is the statement as it was written, if it was a proposition. -/
def find (config : Config) (relevance : MetaM Relevance) (outer : Command.State) (target : Target) (source? : Option String) (token : IO.CancelToken) : RequestM Found := do
  let began ← IO.monoNanosNow
  let type := target.type.instantiateLevelParams target.levelParams (lowestLevels target.levelParams target.type)
  let look : TermElabM (Found × Expr) := do
    let (ended, evaluations) ← search config relevance type
    let found : Found := { outcome := "exhausted", claim := "", on := "", witnesses := #[], proof? := none, evaluations }
    if let .refuted uses arguments conclusion := ended then
      let (witnesses, proof) ← refutationText type uses arguments conclusion
      return ({ found with outcome := "refuted", witnesses, proof? := some proof }, mkNot type)
    if let some (tactic, falsified) ← vacuous? type (if config.deadline == 0 then 0 else config.deadline + vacuity) then return ({ found with outcome := "vacuous", proof? := some s!"by {tactic}" }, falsified)
    match ended with
    | .stuck on => return ({ found with outcome := "stuck", on }, mkNot type)
    | .spent => return ({ found with outcome := "spent" }, mkNot type)
    | _ => return (found, mkNot type)
  match ← runTermElab { target.before with env := target.env } token look with
  | .error e => fail .internal (← e.toMessageData.toString)
  | .ok (found, claim) =>
    let isNegation := found.outcome != "vacuous"
    let claim? ← claimText? outer target claim (if isNegation then source? else none) (if isNegation then "refuted" else "vacuous") token
    let found := { found with nanoseconds := (← IO.monoNanosNow) - began }
    match claim? with
    | some claim => return { found with claim }
    | none => return { found with outcome := "stuck", on := "its negation cannot be written so that Lean reads it back", witnesses := #[], proof? := none }

end LemmaForge.Refute
