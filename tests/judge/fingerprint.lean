import Lean

/-!
What a theorem says and rests on, in a form that can be compared from file to file: `oracle.py` puts this before a file and one of its commands behind it.
Nothing here comes from the judge. Names of a file's own constants count, and so do their types and values. Constants that Lean named by itself, and private ones, are
numbered in the order in which they are met.
-/

namespace Fingerprint
open Lean

/-- Constants of the file itself that were met, and expressions that were hashed already. -/
structure State where
  met : Array Name := #[]
  hashes : Std.HashMap Expr UInt64 := {}

abbrev M := ReaderT Environment (StateM State)

def text (s : String) : UInt64 := hash s

def isOwn (env : Environment) (name : Name) : Bool := (env.getModuleIdxFor? name).isNone

/-- A constant by its name; one that Lean named by itself, by its number. -/
def constant (name : Name) : M UInt64 := do
  unless isOwn (← read) name do return hash name
  let named := !name.isInternalDetail && !isPrivateName name
  let met := (← get).met
  match met.idxOf? name with
  | some i => return mixHash (text "own") (if named then hash name else hash i)
  | none =>
    modify fun s => { s with met := s.met.push name }
    return mixHash (text "own") (if named then hash name else hash met.size)

/-- Universe parameters count by their place. -/
def level (params : List Name) (u : Level) : UInt64 :=
  text (toString (u.instantiateParams params (params.mapIdx fun i _ => .param (.mkSimple s!"u{i}"))))

partial def expr (params : List Name) (e : Expr) : M UInt64 := do
  if let some h := (← get).hashes[e]? then return h
  let h ← match e with
    | .bvar i => pure (mixHash 11 (hash i))
    | .sort u => pure (mixHash 13 (level params u))
    | .const name us => return us.foldl (fun h u => mixHash h (level params u)) (mixHash 17 (← constant name))
    | .app f a => pure (mixHash 19 (mixHash (← expr params f) (← expr params a)))
    | .lam _ t b _ => pure (mixHash 23 (mixHash (← expr params t) (← expr params b)))
    | .forallE _ t b _ => pure (mixHash 29 (mixHash (← expr params t) (← expr params b)))
    | .letE _ t v b _ => pure (mixHash 31 (mixHash (← expr params t) (mixHash (← expr params v) (← expr params b))))
    | .lit l => pure (mixHash 37 (hash l))
    | .mdata _ e => expr params e
    | .proj s i e => pure (mixHash 41 (mixHash (← constant s) (mixHash (hash i) (← expr params e))))
    | .fvar _ | .mvar _ => pure 43
  modify fun s => { s with hashes := s.hashes.insert e h }
  return h

/-- Type and meaning of a constant. Proofs have no meaning. -/
def meaning (name : Name) : M UInt64 := do
  let some info := (← read).find? name | return 0
  modify fun s => { s with hashes := {} }
  let params := info.levelParams
  let type ← expr params info.type
  let rest ← match info with
    | .defnInfo v => pure (mixHash 2 (← expr params v.value))
    | .opaqueInfo v => pure (mixHash 3 (← expr params v.value))
    | .thmInfo _ => pure 4
    | .axiomInfo _ => pure 5
    | .quotInfo _ => pure 6
    | .inductInfo v =>
      let all ← v.all.mapM constant
      let ctors ← v.ctors.mapM constant
      pure (hash (v.numParams, v.numIndices, all, ctors))
    | .ctorInfo v => pure (mixHash (hash v.cidx) (← constant v.induct))
    | .recInfo v => pure (hash (← v.all.mapM constant))
  return mixHash (hash params.length) (mixHash type rest)

/-- All that the type of a theorem means. -/
partial def statement (name : Name) : M UInt64 := do
  let some info := (← read).find? name | return 0
  let own ← expr info.levelParams info.type
  go 0 (mixHash (hash info.levelParams.length) own)
where
  go (i : Nat) (h : UInt64) : M UInt64 := do
    match (← get).met[i]? with
    | some next => go (i + 1) (mixHash h (← meaning next))
    | none => return h

/-- What is not to be found behind a proof. -/
def suspicious (env : Environment) (name : Name) : Bool :=
  name == ``sorryAx || name == ``Lean.ofReduceBool || name == ``Lean.ofReduceNat || name == ``Lean.trustCompiler || name == ``Lean.reduceBool || name == ``Lean.reduceNat ||
    (isOwn env name && match env.find? name with
      | some (.axiomInfo _) => true
      | some info => info.isUnsafe || info.isPartial
      | none => true)

/-- The suspicious constants behind `name`. -/
partial def suspects (env : Environment) (name : Name) (seen : NameSet) : NameSet :=
  if seen.contains name then seen
  else
    let seen := seen.insert name
    if !isOwn env name then seen
    else match env.find? name with
      | none => seen
      | some info =>
        let inner := match info with
          | .inductInfo v => v.ctors
          | .ctorInfo v => [v.induct]
          | .recInfo v => v.all
          | _ => []
        let used := info.type.getUsedConstants ++ ((info.value? (allowOpaque := true)).elim #[] (·.getUsedConstants)) ++ inner.toArray
        used.foldl (fun seen n => suspects env n seen) seen

def report (env : Environment) (name : Name) : String :=
  let kind := match env.find? name with
    | some (.thmInfo _) => "theorem"
    | some _ => "other"
    | none => "missing"
  let (h, _) := (statement name).run env |>.run {}
  let bad := (suspects env name {}).toList.filter (suspicious env)
  s!"fingerprint|{name}|{kind}|{h}|{" ".intercalate (bad.map toString)}"

end Fingerprint

/-- Reports on a theorem by the name that it has where the command stands. -/
elab "#fingerprint_here" id:ident : command => do
  let env ← Lean.getEnv
  let name := id.getId
  let candidates := [(← Lean.getCurrNamespace) ++ name, name, name.replacePrefix `_root_ .anonymous]
  Lean.logInfo (Fingerprint.report env ((candidates.find? env.contains).getD name))

/-- Reports on a theorem by its full name. -/
elab "#fingerprint_of" id:ident : command => do
  Lean.logInfo (Fingerprint.report (← Lean.getEnv) id.getId)
