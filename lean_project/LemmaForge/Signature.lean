module

public import Lean.Meta.Basic
public import Lean.PrettyPrinter
public import LemmaForge.Releases

/-!
# Statements as text

What stands behind the name of a theorem: `.{u} {α : Type u} (a b : α) (h : a = b) : b = a`. Lean prints that for a constant (as `#check` does); here it is printed for
any proposition, after its variables got names that can be typed: an unnamed hypothesis becomes `h`, a name that occurs twice gets a number.
-/

public section

namespace LemmaForge

open Lean Meta

/-- A name that is not among `used`: `base`, or `base` with a number. -/
def freshName (used : NameSet) (base : Name) : Name :=
  if used.contains base then go 1 (used.size + 2) else base
where
  go (i fuel : Nat) : Name :=
    let next := base.appendAfter s!"_{i}"
    match fuel with
    | 0 => next
    | fuel + 1 => if used.contains next then go (i + 1) fuel else next

/-- Drops the marks of macros from the names of bound variables, which Lean prints as daggers. -/
private partial def withoutScopes (e : Expr) : Expr :=
  match e with
  | .lam n t b i => .lam n.eraseMacroScopes (withoutScopes t) (withoutScopes b) i
  | .forallE n t b i => .forallE n.eraseMacroScopes (withoutScopes t) (withoutScopes b) i
  | .letE n t v b d => .letE n.eraseMacroScopes (withoutScopes t) (withoutScopes v) (withoutScopes b) d
  | .app f a => .app (withoutScopes f) (withoutScopes a)
  | .mdata m e => .mdata m (withoutScopes e)
  | .proj s i e => .proj s i (withoutScopes e)
  | _ => e

/-- Gives the variables of a statement names that can be typed and differ. Instances stay without names where they had none. -/
def withTypableNames (type : Expr) : MetaM Expr :=
  forallTelescope type fun xs body => do
    let mut lctx ← getLCtx
    let mut used : NameSet := {}
    for x in xs do
      let decl ← x.fvarId!.getDecl
      if decl.binderInfo.isInstImplicit && decl.userName.hasMacroScopes then continue
      let base := decl.userName.eraseMacroScopes
      let unnamed := base.isAnonymous || decl.userName.hasMacroScopes || base.isInternal
      let base ← if !unnamed then pure base else if ← isProp decl.type then pure `h else pure (if base.isAnonymous || base.isInternal then `x else base)
      let name := freshName used base
      used := used.insert name
      lctx := lctx.setUserName x.fvarId! name
    withLCtx lctx (← getLocalInstances) do mkForallFVars xs body

/-- A way of printing that leaves less to be found out than Lean's usual one. -/
def explicitPrinting (o : Options) : Options :=
  o.setBool `pp.numericTypes true |>.setBool `pp.fieldNotation false |>.setBool `pp.funBinderTypes true |>.setBool `pp.coercions.types true |>.setBool `pp.proofs true

/-- The name under which a statement is printed. -/
private def printedName : Name := `lemmaforgeSignature

/-- The text of a statement, fit to stand behind a name, on lines of `width` characters. Variables should have names that can be typed. -/
def signatureText (levelParams : List Name) (type : Expr) (width : Nat := 100) : MetaM String := do
  let text ← print type
  if text.contains '✝' then print (unmarked type) else return text
where
  print (type : Expr) : MetaM String := do
    let axiomVal := { name := printedName, levelParams, type, isUnsafe := false }
    match uncheckedAdd (← getEnv) (.axiomDecl axiomVal) with
    | .error e => throwError (e.toMessageData {})
    | .ok env =>
      let core ← getThe Core.State
      let caches := (← getThe Meta.State).cache
      try
        -- Not `setEnv`, which empties the caches: what is known without the axiom holds with it. What is found out with it must go.
        modifyThe Core.State ({ · with env })
        let shown ← PrettyPrinter.ppSignature printedName
        return (shown.fmt.pretty (width := width)).drop printedName.toString.length |>.toString
      finally
        modifyThe Core.State ({ · with env := core.env, cache := core.cache })
        modifyThe Meta.State ({ · with cache := caches })
  /-- Names inside the types of the variables and the conclusion; instance binders keep their marks, and stay without names. -/
  unmarked : Expr → Expr
    | .forallE x t b i => .forallE x (withoutScopes t) (unmarked b) i
    | e => withoutScopes e

end LemmaForge
