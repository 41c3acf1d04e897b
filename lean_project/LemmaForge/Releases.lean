module

public import Lean.AddDecl
public import Lean.Meta.DiscrTree

/-!
# Where releases of Lean differ

One source serves the embedded Lean and native ones, from 4.28 on. It keeps to what has the same name and form in all of them. Where nothing does, the
difference is here: several spellings of one thing, of which the first that this Lean understands is compiled. The newest comes first, as an old name often
lives on for a while, deprecated.
-/

public section

namespace LemmaForge

open Lean

/-- Has the kernel check a declaration and add it, without limits. From 4.33 on the kernel also takes a limit for the depth of its recursion. -/
def kernelAdd (env : Kernel.Environment) (declaration : Declaration) (token? : Option IO.CancelToken) : Except Kernel.Exception Kernel.Environment := by
  first
  | exact env.addDeclCore 0 0 declaration token?
  | exact env.addDeclCore 0 declaration token?

/-- As `kernelAdd`, for an environment of the elaborator. -/
def checkedAdd (env : Environment) (declaration : Declaration) (token? : Option IO.CancelToken) : Except Kernel.Exception Environment := by
  first
  | exact env.addDeclCore 0 0 declaration token?
  | exact env.addDeclCore 0 declaration token?

/-- Adds a declaration that nobody has checked. -/
def uncheckedAdd (env : Environment) (declaration : Declaration) : Except Kernel.Exception Environment := by
  first
  | exact env.addDeclCore 0 0 declaration none (doCheck := false)
  | exact env.addDeclCore 0 declaration none (doCheck := false)

/-- Adds a value to a discrimination tree. -/
def insertInto {α : Type} [BEq α] (tree : Meta.DiscrTree α) (keys : Array Meta.DiscrTree.Key) (value : α) : Meta.DiscrTree α := by
  first
  | exact tree.insertKeyValue keys value
  | exact tree.insertCore keys value

end LemmaForge
