module

public import LemmaForge.Canonical
public import LemmaForge.Frontend
public import LemmaForge.Signature
public import Lean.Meta.LazyDiscrTree
public import Lean.ReservedNameAction

/-!
# Theorems of imported modules

An environment knows of every constant which module it comes from, so the theorems of a library can be read without its sources: names, statements, constants. Where the
library files hold their positions too (a native Lean's do), theorems come in the order of their source, else by name.

A library file may show its theorems without proofs, as axioms; their *original* kind tells them from real axioms.

What Lean made on its own account is left out: internal names, equation lemmas, lemmas about constructors, matchers, recursors; and so is what is private to its module.

## When must a module be traced again?
`moduleDigests` gives each module a hash over the names and types of its constants and the digests of its imports. It changes with whatever could change the text of a
statement in the module (its own constants, and the notation of modules that it imports, which comes with parsers, that is, constants).
-/

public section

namespace LemmaForge

open Lean Meta

/-- How a constant is declared, if it is a theorem or an axiom. -/
def theoremKind? (env : Environment) (info : ConstantInfo) : Option String :=
  match info with
  | .thmInfo _ => some "theorem"
  | .axiomInfo _ =>
    if wasOriginallyTheorem env info.name then some "theorem"
    else if getOriginalConstKind? env info.name matches some .axiom | none then some "axiom" else none
  | _ => none

/-- Principles that Lean makes for each inductive type; those of a proposition are theorems, and not marked as anything else. -/
private def principles : List String := ["brecOn", "below", "recOn", "casesOn", "binductionOn", "rec"]

/-- Lemmas that Lean makes for each constructor. -/
private def constructorLemmas : List String := ["inj", "injEq", "sizeOf_spec"]

private def isGenerated (env : Environment) : Name → Bool
  | .str of last =>
    (principles.contains last && (env.find? of matches some (.inductInfo _))) ||
    (constructorLemmas.contains last && (env.find? of matches some (.ctorInfo _)))
  | _ => false

/-- Whether a person, rather than Lean, gave a constant its name, and others may use it. -/
def isPublicName (env : Environment) (name : Name) : Bool :=
  !isPrivateName name && !name.isInternalDetail && !LazyDiscrTree.blacklistInsertion env name && !isReservedName env name && !isGenerated env name

/-- Runs `act` over an environment with Lean's own options, without limits but the token. -/
def runMetaOver {α : Type} (env : Environment) (token : IO.CancelToken) (act : MetaM α) : BaseIO (Except Exception α) := do
  let context : Core.Context := {
    fileName := "<trace>", fileMap := default, options := baseOptions, maxHeartbeats := 0, maxRecDepth := 4096, cancelTk? := some token }
  match ← (act.run' {} {} |>.run context { env }).toBaseIO with
  | .ok (value, _) => return .ok value
  | .error e => return .error e

/-- A place in a source text for the wire: line, column, last line, last column. -/
def rangeJson (range : DeclarationRange) : Json :=
  toJson #[range.pos.line, range.pos.column, range.endPos.line, range.endPos.column]

/-- The statement of a constant: text, canonical hash, constants. -/
def statementFields (canonical : Canonical) (info : ConstantInfo) : MetaM (List (String × Json)) := do
  let text ← signatureText info.levelParams (← withTypableNames info.type)
  let constants := info.type.getUsedConstants.map (·.toString)
  return [("statement", .str text), ("canonical", .str (← canonical.hash (← getEnv) info.type)),
    ("constants", toJson (constants.qsort (· < ·)))]

/-! ## Modules -/

/-- Whether `module` is `prefix_` or lies below it. -/
private def isBelow (prefix_ module : Name) : Bool := prefix_.isPrefixOf module

/-- The indices of the modules that are named, or with `below` lie under a name that is given; in the order of imports. -/
def modulesNamed (env : Environment) (names : Array Name) (below : Bool) : RequestM (Array Nat) := do
  let all := env.header.moduleNames
  for name in names do
    unless all.any (if below then isBelow name else (· == name)) do
      fail .unknownModule s!"no module `{name}`{if below then ", and none below it," else ""} among the imports"
  let wanted : NameHashSet := names.foldl (·.insert ·) {}
  return (Array.range all.size).filter fun i =>
    if below then names.any (isBelow · all[i]!) else wanted.contains all[i]!

/-- A hash for each imported module, in the order of imports; see above. -/
def moduleDigests (env : Environment) : Array UInt64 := Id.run do
  let mut known : NameMap UInt64 := {}
  let mut digests := Array.emptyWithCapacity env.header.moduleNames.size
  for name in env.header.moduleNames, data in env.header.moduleData do
    let own := data.constants.foldl (init := name.hash) fun h info => mixHash h (mixHash info.name.hash info.type.hash)
    let digest := data.imports.foldl (init := own) fun h imported => mixHash h ((known.find? imported.module).getD 7)
    known := known.insert name digest
    digests := digests.push digest
  return digests

/-- The theorems and axioms of a module that are there to be used, with their kinds, in the order of their source where it is known. -/
def theoremsOf (env : Environment) (module : Nat) : Array (ConstantInfo × String) := Id.run do
  let some data := env.header.moduleData[module]? | return #[]
  let mut found : Array (Nat × String × ConstantInfo × String) := #[]
  for info in data.constants do
    let some kind := theoremKind? env info | continue
    -- A constant may stand in several library files; it belongs to the module that the environment says.
    unless env.getModuleIdxFor? info.name == some module && isPublicName env info.name do continue
    let line := (declRangeExt.find? (level := .server) env info.name).elim 0 (·.range.pos.line)
    found := found.push (line, info.name.toString, info, kind)
  let sorted := found.qsort fun a b => a.1 < b.1 || (a.1 == b.1 && a.2.1 < b.2.1)
  return sorted.map (·.2.2)

/-- `trace.list`: which modules there are under some names. -/
def listModules (env : Environment) (names : Array Name) : RequestM Json := do
  let digests := moduleDigests env
  let modules ← (← modulesNamed env names (below := true)).mapM fun i => do
    let imports := ((env.header.moduleData[i]?.map (·.imports)).getD #[]).map (toString ·.module)
    let imports := imports.foldl (fun once name => if once.contains name then once else once.push name) #[]
    return Json.mkObj [("name", .str env.header.moduleNames[i]!.toString), ("digest", .str (toString digests[i]!)), ("imports", toJson imports),
      ("theorems", (theoremsOf env i).size)]
  return Json.mkObj [("modules", .arr modules)]

/-- What to say of the theorems of modules, and how much at a time. -/
structure ModulesQuery where
  /-- Which modules. -/
  modules : Array Name
  /-- Whether they stand for all modules below them, too. -/
  below : Bool := true
  /-- How many theorems to pass over. -/
  start : Nat := 0
  /-- How many to tell at most. -/
  limit : Nat := 500

/-- Whether an axiom states something: `Classical.choice` and `sorryAx` give elements of any type, and are no theorems. -/
private def statesSomething (info : ConstantInfo) (kind : String) : MetaM Bool := do
  if kind == "theorem" then return true
  try isProp info.type catch _ => return false

private def theoremJson (canonical : Canonical) (module : Name) (info : ConstantInfo) (kind : String) : MetaM Json := do
  let ranges? := declRangeExt.find? (level := .server) (← getEnv) info.name
  let span := ranges?.elim [] fun ranges => [("span", rangeJson ranges.range)]
  return Json.mkObj <| [("name", (.str info.name.toString : Json)), ("module", .str module.toString), ("kind", .str kind)] ++
    (← statementFields canonical info) ++ span

/-- `trace.modules`: theorems of modules, from `start` on. A theorem that cannot be printed is among the `failed`, with the reason. -/
def traceModules (env : Environment) (query : ModulesQuery) (token : IO.CancelToken) : RequestM Json := do
  let mut all : Array (Name × ConstantInfo × String) := #[]
  for i in ← modulesNamed env query.modules query.below do
    all := all ++ (theoremsOf env i).map fun found => (env.header.moduleNames[i]!, found)
  let canonical ← Canonical.new
  let mut theorems := #[]
  let mut failed := #[]
  let stop := min all.size (query.start + query.limit)
  for (module, info, kind) in all.extract query.start stop do
    if ← (token.isSet : BaseIO Bool) then break
    match ← runMetaOver env token (do if ← statesSomething info kind then some <$> theoremJson canonical module info kind else return none) with
    | .ok (some json) => theorems := theorems.push json
    | .ok none => pure ()
    | .error e => failed := failed.push (Json.mkObj [("name", .str info.name.toString), ("message", .str (← e.toMessageData.toString))])
  return Json.mkObj <| [("theorems", .arr theorems), ("failed", .arr failed), ("total", (all.size : Json))] ++
    if stop < all.size then [("next", (stop : Json))] else []

end LemmaForge
