module

public import Lean.Meta.Basic
public import Lean.Util.CollectLevelParams

/-!
# When are two statements the same?

Two theorems that differ in the names of their variables or universes say the same. So do two that differ in *which* proof of `Decidable p` an `if` or a
`decide` carries: any two such instances are equal, since `Decidable p` has at most one element. Other instances are data (two orders on one type are two
orders) and count.

`Canonical.hash` gives such statements the same 128 bits, and others different ones for all practical purposes. Within a process, where the terms are at hand,
`sameUniverses` is enough of a normal form: Lean compares terms up to names of bound variables anyway.
-/

public section

namespace LemmaForge

open Lean

/-- The names that universe parameters get, by their first use. -/
private def canonicalLevel (i : Nat) : Name := .num `u i

/-- Renames universe parameters by the order of their first use, so that terms that differ only in them become equal. -/
def sameUniverses (e : Expr) : Expr :=
  if !e.hasLevelParam then e
  else
    let used := (collectLevelParams {} e).params.toList
    e.instantiateLevelParams used (used.mapIdx fun i _ => .param (canonicalLevel i))

/-- Which arguments of which constants are instances of `Decidable`: filled as it is asked. -/
structure Canonical where
  /-- For each constant that was met, whether each of its arguments is one. -/
  masks : IO.Ref (NameMap (Array Bool))

/-- Two hashes, computed side by side. -/
private structure Lanes where
  left : UInt64
  right : UInt64
  deriving Inhabited

private def Lanes.leaf (a b : UInt64) : Lanes :=
  { left := mixHash a b, right := mixHash (b + 0x9e3779b97f4a7c15) (mixHash a 0x2545f4914f6cdd1d) }

private def Lanes.mix (a b : Lanes) : Lanes :=
  { left := mixHash a.left b.left, right := mixHash b.right (a.right + 0x632be59bd9b4e019) }

/-- Nothing known yet. -/
def Canonical.new : BaseIO Canonical := return { masks := ← IO.mkRef {} }

private def decidableClasses : List Name := [``Decidable, ``DecidablePred, ``DecidableRel, ``DecidableEq]

/-- Whether a binder's type is `Decidable …`, perhaps for all values of something. -/
private def isDecidable : Expr → Bool
  | .forallE _ _ body _ => isDecidable body
  | .mdata _ e => isDecidable e
  | e => match e.getAppFn with | .const n _ => decidableClasses.contains n | _ => false

private def decidableArguments : Expr → List Bool
  | .forallE _ type body info => (info.isInstImplicit && isDecidable type) :: decidableArguments body
  | .mdata _ e => decidableArguments e
  | _ => []

private def Canonical.mask (c : Canonical) (env : Environment) (name : Name) : BaseIO (Array Bool) := do
  if let some mask := (← c.masks.get).find? name then return mask
  let flags := (env.find? name).elim [] fun info => decidableArguments info.type
  let mask := if flags.contains true then flags.toArray else #[]
  c.masks.modify (·.insert name mask)
  return mask

private abbrev HashM := StateT (Std.HashMap Expr Lanes) BaseIO

private partial def lanes (c : Canonical) (env : Environment) (e : Expr) : HashM Lanes := do
  match e with
  | .bvar i => return .leaf 3 (hash i)
  | .sort u => return .leaf 5 (hash u)
  | .const n us => return us.foldl (init := .leaf 7 n.hash) fun h u => h.mix (.leaf 11 (hash u))
  | .lit l => return .leaf 13 (hash l)
  | .fvar i => return .leaf 17 (hash i)
  | .mvar i => return .leaf 19 (hash i)
  | .mdata _ e => lanes c env e
  | _ =>
    if let some found := (← get)[e]? then return found
    let h ← match e with
      | .forallE _ t b _ => pure <| (Lanes.leaf 23 0).mix (← lanes c env t) |>.mix (← lanes c env b)
      | .lam _ t b _ => pure <| (Lanes.leaf 29 0).mix (← lanes c env t) |>.mix (← lanes c env b)
      | .letE _ t v b _ => pure <| (Lanes.leaf 31 0).mix (← lanes c env t) |>.mix (← lanes c env v) |>.mix (← lanes c env b)
      | .proj s i e => pure <| (Lanes.leaf 37 (mixHash s.hash (hash i))).mix (← lanes c env e)
      | _ => application e
    modify (·.insert e h)
    return h
where
  application (e : Expr) : HashM Lanes := do
    let fn := e.getAppFn
    let args := e.getAppArgs
    let mask ← match fn with
      | .const n _ => c.mask env n
      | _ => pure #[]
    let mut h ← lanes c env fn
    for arg in args, i in [0:args.size] do
      h := (Lanes.leaf 41 0).mix h |>.mix (← if mask.getD i false then pure (.leaf 43 0) else lanes c env arg)
    return h

private def hex (n : UInt64) : String :=
  let digits := Nat.toDigits 16 n.toNat
  String.ofList (List.replicate (16 - digits.length) '0' ++ digits)

/-- 128 bits in hexadecimal: equal for statements that differ only in names of variables and universes, in which binders are implicit, and in the choice of
instances of `Decidable`. -/
def Canonical.hash (c : Canonical) (env : Environment) (type : Expr) : BaseIO String := do
  let (h, _) ← (lanes c env (sameUniverses type)).run {}
  return hex h.left ++ hex h.right

end LemmaForge
