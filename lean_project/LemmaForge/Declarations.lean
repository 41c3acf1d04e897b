module

public import Lean.Meta.Match.MatcherInfo
public import LemmaForge.Releases

/-!
# Declarations as values

An environment holds constants; the kernel takes declarations. What is needed to carry a constant from one environment into another is its declaration, and before that the declarations of what it
is made of.
-/

public section

namespace LemmaForge

open Lean

/-- The constants that a declaration mentions and does not make itself. -/
def ingredients : Declaration → Array Name
  | .thmDecl v => v.type.getUsedConstants ++ v.value.getUsedConstants
  | .defnDecl v => v.type.getUsedConstants ++ v.value.getUsedConstants
  | .opaqueDecl v => v.type.getUsedConstants ++ v.value.getUsedConstants
  | .axiomDecl v => v.type.getUsedConstants
  | .inductDecl _ _ types _ =>
    let used := types.toArray.flatMap fun t => t.ctors.foldl (fun names c => names ++ c.type.getUsedConstants) t.type.getUsedConstants
    used.filter fun name => !types.any fun t => t.name == name || t.ctors.any (·.name == name)
  | _ => #[]

/-- The declaration that made a constant of `source`. -/
partial def declarationOf (source : Environment) (name : Name) : Except String Declaration := do
  let some info := source.find? name | throw s!"unknown constant `{name}`"
  if info.isUnsafe || info.isPartial then throw s!"`{name}` is unsafe or partial"
  match info with
  | .thmInfo v => return .thmDecl v
  | .defnInfo v => return .defnDecl v
  | .opaqueInfo v => return .opaqueDecl v
  | .axiomInfo v => return .axiomDecl v
  | .quotInfo _ => return .quotDecl
  | .ctorInfo v => declarationOf source v.induct
  | .recInfo v => declarationOf source v.all.head!
  | .inductInfo v =>
    let types ← v.all.mapM fun type => do
      let some (.inductInfo t) := source.find? type | throw s!"`{type}` is not an inductive type"
      let ctors := t.ctors.filterMap fun c => (source.find? c).map fun info => ({ name := c, type := info.type } : Constructor)
      return { name := type, type := t.type, ctors }
    return .inductDecl v.levelParams v.numParams types v.isUnsafe

/-- An expression in which constants have other names. -/
def renamed (names : NameMap Name) (e : Expr) : Expr :=
  if names.isEmpty then e
  else e.replace fun
    | .const name levels => (names.find? name).map fun name => .const name levels
    | _ => none

/-- Carries the auxiliary definitions that `e` mentions from `source` into `env`, through the kernel, with what `match` needs to know of them. They get names of their own there
(`foo._proof_1._statement`), so that a proof of `foo` may have a `foo._proof_1` too. Gives the environment, and `e` with the new names. -/
partial def carry (source env : Environment) (e : Expr) : Except String (Environment × Expr) := do
  let (env, names) ← e.getUsedConstants.foldlM one (env, {})
  return (env, renamed names e)
where
  one : Environment × NameMap Name → Name → Except String (Environment × NameMap Name) := fun (env, names) name => do
    if env.contains name || names.contains name then return (env, names)
    let (env, names) ← (ingredients (← declarationOf source name)).foldlM one (env, names)
    let rename (e : Expr) := renamed names e
    let own := .str name "_statement"
    let declaration ← match source.find? name with
      | some (.thmInfo v) => pure (.thmDecl { v with name := own, type := rename v.type, value := rename v.value, all := [own] })
      | some (.defnInfo v) => pure (.defnDecl { v with name := own, type := rename v.type, value := rename v.value, all := [own] })
      | some (.opaqueInfo v) => pure (.opaqueDecl { v with name := own, type := rename v.type, value := rename v.value, all := [own] })
      | _ => throw s!"`{name}` is no definition"
    match checkedAdd env declaration none with
    | .ok env =>
      let env := match Meta.Match.Extension.getMatcherInfo? source name with
        | some info => Meta.Match.Extension.addMatcherInfo env own info
        | none => env
      return (env, names.insert name own)
    | .error _ => throw s!"the kernel refuses `{name}`"

/-- An expression without annotations of the elaborator. -/
partial def plain (e : Expr) : Expr := e.replace fun
  | .mdata _ e => some (plain e)
  | _ => none

/-- An expression without annotations, in which the auxiliary definitions that the elaborator made on the way (`f.match_1`, `f._proof_1`) are written out. Which of several declarations
such a definition is named after is an accident of their order. -/
partial def withoutAuxiliaries (env : Environment) (e : Expr) : Expr := plain e |>.replace fun e =>
  match e.getAppFn with
  | .const name levels => do
    guard (name.isInternalDetail && (env.getModuleIdxFor? name).isNone)
    let info ← env.find? name
    let value ← info.value? (allowOpaque := true)
    return withoutAuxiliaries env ((value.instantiateLevelParams info.levelParams levels).beta e.getAppArgs)
  | _ => none

end LemmaForge
