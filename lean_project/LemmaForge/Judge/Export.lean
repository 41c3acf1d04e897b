module

public import LemmaForge.Judge.Kernel

/-!
# Declarations on paper

A second opinion wants nothing from the process that gave the first one but text: the declarations behind an accepted theorem, written down in the export format of `lean4export`
(version 3.1, one JSON object a line), which independent checkers read as well. Names, levels and expressions are numbered in the order in which they are first needed, and
written once.

`exportTheorem` writes what the trusted environment does not have, in dependency order, the theorem last, or with `Extent.closure` all that the theorem is made of, down to the axioms, for readers that have no
library; `readDeclarations` reads it back, in another process. The format also has room for what a kernel derives itself (constructors' numbers, recursors); we write it for other readers and do not believe it
when we read.
-/

public section

namespace LemmaForge.Judge

open Lean

/-! ## Writing -/

/-- What has been written. Number 0 is the anonymous name and the level zero. -/
private structure Sheet where
  names : Std.HashMap Name Nat := {(.anonymous, 0)}
  levels : Std.HashMap Level Nat := {(.zero, 0)}
  exprs : Std.HashMap Expr Nat := {}
  constants : NameHashSet := {}
  lines : Array String := #[]

private abbrev WriteM := StateT Sheet (Except String)

/-- How much of what a theorem is made of is written. -/
inductive Extent where
  /-- What the trusted environment does not have. -/
  | own
  /-- Everything. -/
  | closure
  deriving BEq

/-- What a writer goes by. -/
private structure Sources where
  kernel : Kernel.Environment
  /-- What the reader has. -/
  has : Name → Bool
  /-- Whether the library files hold a constant without its proof or value. -/
  isStripped : Name → Bool

private def line (fields : List (String × Json)) : WriteM Unit :=
  modify fun s => { s with lines := s.lines.push (Json.mkObj fields).compress }

private def nameId (name : Name) : WriteM Nat := do
  if let some id := (← get).names[name]? then return id
  let entry ← match name with
    | .anonymous => pure ("str", Json.null)
    | .str pre text => pure ("str", Json.mkObj [("pre", (← nameId pre)), ("str", text)])
    | .num pre i => pure ("num", Json.mkObj [("pre", (← nameId pre)), ("i", i)])
  let id := (← get).names.size
  modify fun s => { s with names := s.names.insert name id }
  line [("in", id), entry]
  return id

private def levelId (level : Level) : WriteM Nat := do
  if let some id := (← get).levels[level]? then return id
  let entry ← match level with
    | .succ l => pure ("succ", Json.num (← levelId l))
    | .max a b => pure ("max", toJson [← levelId a, ← levelId b])
    | .imax a b => pure ("imax", toJson [← levelId a, ← levelId b])
    | .param name => pure ("param", Json.num (← nameId name))
    | .zero | .mvar _ => pure ("succ", Json.null)
  let id := (← get).levels.size
  modify fun s => { s with levels := s.levels.insert level id }
  line [("il", id), entry]
  return id

private def binderName : BinderInfo → String
  | .default => "default"
  | .implicit => "implicit"
  | .strictImplicit => "strictImplicit"
  | .instImplicit => "instImplicit"

/-- The number of an expression without annotations: two that differ in annotations alone would be written twice. -/
private partial def plainExprId (e : Expr) : WriteM Nat := do
  if let some id := (← get).exprs[e]? then return id
  let binder (name : Name) (type body : Expr) (info : BinderInfo) : WriteM Json := do
    return Json.mkObj [("name", (← nameId name)), ("type", (← plainExprId type)), ("body", (← plainExprId body)), ("binderInfo", binderName info)]
  let entry ← match e with
    | .bvar i => pure ("bvar", (i : Json))
    | .sort level => pure ("sort", Json.num (← levelId level))
    | .const name levels => pure ("const", Json.mkObj [("name", (← nameId name)), ("us", toJson (← levels.mapM levelId))])
    | .app fn arg => pure ("app", Json.mkObj [("fn", (← plainExprId fn)), ("arg", (← plainExprId arg))])
    | .lam name type body info => pure ("lam", ← binder name type body info)
    | .forallE name type body info => pure ("forallE", ← binder name type body info)
    | .letE name type value body nondep =>
      pure ("letE", Json.mkObj [("name", (← nameId name)), ("type", (← plainExprId type)), ("value", (← plainExprId value)), ("body", (← plainExprId body)),
        ("nondep", nondep)])
    | .proj type i e => pure ("proj", Json.mkObj [("typeName", (← nameId type)), ("idx", i), ("struct", (← plainExprId e))])
    | .lit (.natVal n) => pure ("natVal", .str (toString n))
    | .lit (.strVal s) => pure ("strVal", .str s)
    | .mdata .. | .fvar _ | .mvar _ => pure ("bvar", .null)
  let id := (← get).exprs.size
  modify fun s => { s with exprs := s.exprs.insert e id }
  line [("ie", id), entry]
  return id

private def namesJson (names : List Name) : WriteM Json := return toJson (← names.mapM nameId)

private def exprId (e : Expr) : WriteM Nat := plainExprId (plain e)

/-- The fields that all constants have. Readers expect universe parameters among the levels, used or not. -/
private def signature (v : ConstantVal) : WriteM (List (String × Json)) := do
  for name in v.levelParams do discard <| levelId (.param name)
  return [("name", (← nameId v.name)), ("levelParams", ← namesJson v.levelParams), ("type", (← exprId v.type))]

private def hintsJson : ReducibilityHints → Json
  | .opaque => "opaque"
  | .abbrev => "abbrev"
  | .regular height => Json.mkObj [("regular", height.toNat)]

private def safetyJson : DefinitionSafety → Json
  | .safe => "safe"
  | .unsafe => "unsafe"
  | .partial => "partial"

private def typeJson (v : InductiveVal) : WriteM Json := do
  return Json.mkObj <| (← signature v.toConstantVal) ++ [("numParams", (v.numParams : Json)), ("numIndices", v.numIndices), ("all", ← namesJson v.all),
    ("ctors", ← namesJson v.ctors), ("numNested", v.numNested), ("isRec", v.isRec), ("isUnsafe", v.isUnsafe), ("isReflexive", v.isReflexive)]

private def ctorJson (v : ConstructorVal) : WriteM Json := do
  return Json.mkObj <| (← signature v.toConstantVal) ++ [("induct", (← nameId v.induct : Json)), ("cidx", v.cidx), ("numParams", v.numParams),
    ("numFields", v.numFields), ("isUnsafe", v.isUnsafe)]

private def recJson (v : RecursorVal) : WriteM Json := do
  let rules ← v.rules.mapM fun rule => do
    return Json.mkObj [("ctor", (← nameId rule.ctor : Json)), ("nfields", rule.nfields), ("rhs", (← exprId rule.rhs))]
  return Json.mkObj <| (← signature v.toConstantVal) ++ [("all", ← namesJson v.all), ("numParams", v.numParams), ("numIndices", v.numIndices),
    ("numMotives", v.numMotives), ("numMinors", v.numMinors), ("rules", toJson rules), ("k", v.k), ("isUnsafe", v.isUnsafe)]

/-- The constants that an expression needs, those included that the kernel knows literals by. -/
private def Sources.needs (sources : Sources) (e : Expr) : Array Name :=
  let holds (p : Expr → Bool) := (e.find? p).isSome
  let numbers := if holds (·.isRawNatLit) then #[``Nat] else #[]
  let strings := if holds (·.isStringLit) then #[``Char.ofNat, ``String.ofList] else #[]
  e.getUsedConstants ++ (numbers ++ strings).filter fun name => (sources.kernel.find? name).isSome

/-- Writes a constant, and first what it is made of, but for what the reader has. -/
private partial def writeConstant (sources : Sources) (name : Name) : WriteM Unit := do
  let kernel := sources.kernel
  if sources.has name || (← get).constants.contains name then return
  let some info := kernel.find? name | throw s!"`{name}` is not in the environment"
  if sources.isStripped name then
    throw s!"the library files of this Lean hold `{name}` without its proof or value, so that nothing which rests on it can be exported whole"
  let through (e : Expr) : WriteM Unit := (sources.needs e).forM (writeConstant sources)
  match info with
  | .ctorInfo v => return ← writeConstant sources v.induct
  | .recInfo v => return ← v.all.forM (writeConstant sources)
  | _ => pure ()
  let group := match info with
    | .inductInfo v => v.all
    | .quotInfo _ => quotient
    | _ => [name]
  modify fun s => { s with constants := group.foldl (·.insert ·) s.constants }
  through info.type
  if let some value := info.value? (allowOpaque := true) then through value
  let entry (kind : String) (v : ConstantVal) (rest : List (String × Json)) : WriteM Unit := do
    line [(kind, Json.mkObj ((← signature v) ++ rest))]
  match info with
  | .axiomInfo v => entry "axiom" v.toConstantVal [("isUnsafe", v.isUnsafe)]
  | .thmInfo v => entry "thm" v.toConstantVal [("value", (← exprId v.value : Json)), ("all", ← namesJson v.all)]
  | .opaqueInfo v => entry "opaque" v.toConstantVal [("value", (← exprId v.value : Json)), ("isUnsafe", v.isUnsafe), ("all", ← namesJson v.all)]
  | .defnInfo v =>
    entry "def" v.toConstantVal [("value", (← exprId v.value : Json)), ("hints", hintsJson v.hints), ("safety", safetyJson v.safety), ("all", ← namesJson v.all)]
  | .quotInfo _ =>
    -- The kernel makes all four at once, over an equality that is there.
    writeConstant sources ``Eq
    for part in quotient do
      let some (.quotInfo v) := kernel.find? part | throw s!"`{part}` is not in the environment"
      let kind := match v.kind with | .type => "type" | .ctor => "ctor" | .lift => "lift" | .ind => "ind"
      entry "quot" v.toConstantVal [("kind", kind)]
  | .inductInfo v =>
    let types := v.all.filterMap fun t => match kernel.find? t with | some (.inductInfo i) => some i | _ => none
    let ctors := types.flatMap fun t => t.ctors.filterMap fun c => match kernel.find? c with | some (.ctorInfo i) => some i | _ => none
    types.forM fun t => through t.type
    ctors.forM fun c => through c.type
    let recNames := v.all.map mkRecName ++ (List.range v.numNested).map fun i => .str v.all.head! s!"rec_{i + 1}"
    let recs := recNames.filterMap fun r => match kernel.find? r with | some (.recInfo i) => some i | _ => none
    line [("inductive", Json.mkObj [("types", toJson (← types.mapM typeJson)), ("ctors", toJson (← ctors.mapM ctorJson)), ("recs", toJson (← recs.mapM recJson))])]
  | .ctorInfo _ | .recInfo _ => return
where
  quotient : List Name := [``Quot, ``Quot.mk, ``Quot.lift, ``Quot.ind]

/-- Writes down a theorem of `kernel`, which grew out of `env`, with what it is made of. Fails where that is not to be had. -/
def exportTheorem (env : Environment) (kernel : Kernel.Environment) (extent : Extent) (name : Name) : Except String String := do
  let head := Json.mkObj [("meta", Json.mkObj [("exporter", Json.mkObj [("name", "lemmaforge"), ("version", serverVersion)]),
    ("lean", Json.mkObj [("githash", githash), ("version", versionString)]), ("format", Json.mkObj [("version", "3.1.0")])])]
  let isStripped (name : Name) := kernel.find? name matches some (.axiomInfo _) && !(getOriginalConstKind? env name matches some .axiom | none)
  let sources := { kernel, has := fun name => extent == .own && env.contains name, isStripped }
  let (_, sheet) ← (writeConstant sources name).run { lines := #[head.compress] }
  return "\n".intercalate sheet.lines.toList

/-! ## Reading -/

/-- What has been read. -/
private structure Tables where
  names : Array Name := #[.anonymous]
  levels : Array Level := #[.zero]
  exprs : Array Expr := #[]
  declarations : Array Declaration := #[]

private abbrev ReadM := StateT Tables (Except String)

private def field (α : Type) [FromJson α] (json : Json) (name : String) : Except String α := json.getObjValAs? α name

private def at_ {α : Type} (table : Array α) (i : Nat) : Except String α :=
  match table[i]? with
  | some value => .ok value
  | none => .error s!"number {i} was not written"

private def nameAt (json : Json) (key : String) : ReadM Name := do at_ (← get).names (← field Nat json key)
private def exprAt (json : Json) (key : String) : ReadM Expr := do at_ (← get).exprs (← field Nat json key)
private def namesAt (json : Json) (key : String) : ReadM (List Name) := do
  let names := (← get).names
  (← field (List Nat) json key).mapM (at_ names ·)

private def readName (json : Json) : ReadM Unit := do
  let name ← match json.getObjVal? "str", json.getObjVal? "num" with
    | .ok entry, _ => pure (Name.str (← nameAt entry "pre") (← field String entry "str"))
    | _, .ok entry => pure (Name.num (← nameAt entry "pre") (← field Nat entry "i"))
    | _, _ => throw "a name is `str` or `num`"
  modify fun t => { t with names := t.names.push name }

private def readLevel (json : Json) : ReadM Unit := do
  let levels := (← get).levels
  let pair (key : String) : Except String (Level × Level) := do
    let (a, b) ← field (Nat × Nat) json key
    return (← at_ levels a, ← at_ levels b)
  let level ← if (json.getObjVal? "succ").isOk then pure (Level.succ (← at_ levels (← field Nat json "succ")))
    else if (json.getObjVal? "max").isOk then do let (a, b) ← pair "max"; pure (Level.max a b)
    else if (json.getObjVal? "imax").isOk then do let (a, b) ← pair "imax"; pure (Level.imax a b)
    else pure (Level.param (← nameAt json "param"))
  modify fun t => { t with levels := t.levels.push level }

private def readBinder (json : Json) : ReadM (Name × Expr × Expr × BinderInfo) := do
  let info ← match ← field String json "binderInfo" with
    | "default" => pure BinderInfo.default
    | "implicit" => pure .implicit
    | "strictImplicit" => pure .strictImplicit
    | "instImplicit" => pure .instImplicit
    | other => throw s!"no binder is `{other}`"
  return (← nameAt json "name", ← exprAt json "type", ← exprAt json "body", info)

private def readExpr (json : Json) : ReadM Unit := do
  let has (key : String) : Option Json := (json.getObjVal? key).toOption
  let e ← if let some entry := has "bvar" then pure (Expr.bvar (← fromJson? entry))
    else if let some entry := has "sort" then pure (Expr.sort (← at_ (← get).levels (← fromJson? entry)))
    else if let some entry := has "const" then do
      let levels := (← get).levels
      pure (Expr.const (← nameAt entry "name") (← (← field (List Nat) entry "us").mapM (at_ levels ·)))
    else if let some entry := has "app" then pure (Expr.app (← exprAt entry "fn") (← exprAt entry "arg"))
    else if let some entry := has "lam" then do let (n, t, b, i) ← readBinder entry; pure (Expr.lam n t b i)
    else if let some entry := has "forallE" then do let (n, t, b, i) ← readBinder entry; pure (Expr.forallE n t b i)
    else if let some entry := has "letE" then
      pure (Expr.letE (← nameAt entry "name") (← exprAt entry "type") (← exprAt entry "value") (← exprAt entry "body") (← field Bool entry "nondep"))
    else if let some entry := has "proj" then pure (Expr.proj (← nameAt entry "typeName") (← field Nat entry "idx") (← exprAt entry "struct"))
    else if let some entry := has "natVal" then do
      let some n := (← fromJson? (α := String) entry).toNat? | throw "a number is written in digits"
      pure (Expr.lit (.natVal n))
    else pure (Expr.lit (.strVal (← field String json "strVal")))
  modify fun t => { t with exprs := t.exprs.push e }

private def readSignature (json : Json) : ReadM ConstantVal := do
  return { name := ← nameAt json "name", levelParams := ← namesAt json "levelParams", type := ← exprAt json "type" }

private def readHints (json : Json) : Except String ReducibilityHints :=
  match json.getObjVal? "hints" with
  | .ok (.str "opaque") => return .opaque
  | .ok (.str "abbrev") => return .abbrev
  | .ok hints => return .regular (← field Nat hints "regular").toUInt32
  | .error e => throw e

private def readInductive (json : Json) : ReadM Declaration := do
  let ctors ← (← field (List Json) json "ctors").mapM fun c => do return (← nameAt c "induct", ← readSignature c)
  let types ← (← field (List Json) json "types").mapM fun t => do return (t, ← readSignature t)
  let some (first, signature) := types.head? | throw "an inductive declaration has a type"
  let types := types.map fun (_, v) =>
    { name := v.name, type := v.type, ctors := ctors.filterMap fun (type, c) => if type == v.name then some { name := c.name, type := c.type } else none : InductiveType }
  return .inductDecl signature.levelParams (← field Nat first "numParams") types (isUnsafe := false)

/-- Reads a line. All constants are read as safe ones: the kernel refuses those that are not. -/
private def readLine (json : Json) : ReadM Unit := do
  let has (key : String) : Option Json := (json.getObjVal? key).toOption
  let declare (d : Declaration) : ReadM Unit := modify fun t => { t with declarations := t.declarations.push d }
  if (has "meta").isSome then return
  else if (has "in").isSome then readName json
  else if (has "il").isSome then readLevel json
  else if (has "ie").isSome then readExpr json
  else if let some d := has "thm" then declare (.thmDecl { (← readSignature d) with value := ← exprAt d "value", all := ← namesAt d "all" })
  else if let some d := has "def" then
    declare (.defnDecl { (← readSignature d) with value := ← exprAt d "value", hints := ← readHints d, safety := .safe, all := ← namesAt d "all" })
  else if let some d := has "opaque" then
    declare (.opaqueDecl { (← readSignature d) with value := ← exprAt d "value", isUnsafe := false, all := ← namesAt d "all" })
  else if let some d := has "inductive" then declare (← readInductive d)
  else if let some d := has "axiom" then declare (.axiomDecl { (← readSignature d) with isUnsafe := false })
  else if let some d := has "quot" then
    -- Four lines, which are one declaration.
    if (← field String d "kind") == "type" then declare .quotDecl
  else throw s!"not a line of an export: {json.compress.take 80}"

/-- Reads declarations back. -/
def readDeclarations (text : String) : Except String (Array Declaration) := do
  let lines := (text.split '\n').toList.filter (!·.isEmpty)
  let read : ReadM Unit := lines.forM fun line => do readLine (← Json.parse line.toString)
  return (← read.run {}).2.declarations

/-- Has the kernel check declarations on top of the environment before the theorem; the last one must be the theorem, with the type of `target`. What that environment has
already, of an export that holds more, is passed over: it means what it means there. -/
def replay (target : Target) (terms : Terms) (text : String) (token : IO.CancelToken) : JudgeM Accepted := do
  let declarations ← match readDeclarations text with
    | .ok declarations => pure declarations
    | .error e => reject .parse s!"the declarations cannot be read: {e}"
  let some (.thmDecl found) := declarations.back? | reject .missing "the declarations do not end in a theorem"
  unless found.name == target.name && found.levelParams == target.levelParams && found.type == plain target.type do
    reject .statement s!"the declarations end in another theorem, `{found.name}`"
  let r ← declarations.pop.foldlM (init := ({ kernel := target.env.toKernelEnv } : Replay)) fun r d => do
    if d.getNames.all fun name => (r.kernel.find? name).isSome then return r
    if let .axiomDecl v := d then
      throw { reason := .axiom, message := s!"the declarations hold an axiom that the statement's environment does not have, `{v.name}`", axioms := #[v.name] }
    r.declare d token
  prove target terms r found.value token

end LemmaForge.Judge
