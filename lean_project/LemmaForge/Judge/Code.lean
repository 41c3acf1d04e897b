module

public import LemmaForge.Judge.Syntax
public import Lean.Parser.Syntax

/-!
# A submission's code is not run

A submitted file may define functions, and Lean compiles them. Compiled code can do what no proof can: `IO` is a function type, and a cast along a false equation, which
nobody needs to have proved, opens it. Lean runs such code at places that look harmless: it evaluates a constant of type `Lean.Syntax` that stands in an `autoParam` and runs it *as a tactic*,
a constant in a tactic's configuration, and the argument of `Lean.reduceBool` in the kernel itself.

So after each command of a submission the code of what it declared is taken away: `disarm` replaces the body of every compiled function by `unreachable`. Code that is needed later can
still be generated on top of it, and running it is an error. One thing is spared: the syntax of a tactic that `(h : p := by tac)` leaves behind for later use. It has to be plain data, and it has to pass the
grammar like everything else.

Notation is expanded by code that Lean writes itself, from syntax that the grammar has seen; what a `notation` command compiles is left alone.
-/

public section

namespace LemmaForge.Judge

open Lean

/-- What quoted syntax is made of. -/
private def syntaxData : NameHashSet :=
  [``Lean.Syntax, ``Lean.Syntax.node, ``Lean.Syntax.atom, ``Lean.Syntax.ident, ``Lean.Syntax.missing, ``Lean.mkAtom, ``Lean.SourceInfo.none, ``Lean.SourceInfo.original,
    ``Lean.SourceInfo.synthetic, ``Lean.Syntax.Preresolved, ``Lean.Syntax.Preresolved.namespace, ``Lean.Syntax.Preresolved.decl, ``Lean.Name, ``Lean.Name.anonymous, ``Lean.Name.str, ``Lean.Name.num,
    ``Lean.Name.mkStr, ``Lean.Name.mkNum, ``Lean.Name.mkSimple, ``Lean.Name.mkStr1, ``Lean.Name.mkStr2, ``Lean.Name.mkStr3, ``Lean.Name.mkStr4, ``Lean.Name.mkStr5, ``Lean.Name.mkStr6,
    ``Lean.Name.mkStr7, ``Lean.Name.mkStr8, ``Array.push, ``Array.empty, ``Array.mkEmpty, ``List.toArray, ``List.nil, ``List.cons, ``String, ``String.toRawSubstring, ``String.toRawSubstring',
    ``Nat, ``OfNat.ofNat, ``instOfNatNat, ``Bool.true, ``Bool.false].foldl (·.insert ·) {}

/-- Whether a constant is the syntax of a tactic, as data. -/
private def isSyntaxData (env : Environment) (name : Name) : Bool :=
  match env.find? name with
  | some (.defnInfo v) => v.type.isConstOf ``Lean.Syntax && v.value.getUsedConstants.all syntaxData.contains
  | _ => false

/-- A compiled function that cannot be run. -/
private def disarmed : IR.Decl → IR.Decl
  | .fdecl f xs type _ info => .fdecl f xs type .unreachable info
  | extern => extern

/-- Whether a command declares notation, perhaps behind `open … in`. -/
private partial def isNotation (command : Syntax) : Bool :=
  if command.isOfKind ``Parser.Command.in then isNotation command[2]
  else command.isOfKind ``Parser.Command.notation || command.isOfKind ``Parser.Command.mixfix

/-- Takes away the code of what a command declared. `check` looks at the syntax of tactics that it left for later use. -/
def disarm (command : Syntax) (before after : Environment) (options : Options) (check : Syntax → Except Refusal Unit) : Except Refusal Environment := do
  if isNotation command then return after
  let ext := IR.declMapExt
  let (old, all) := (ext.getEntries before, ext.getEntries after)
  let fresh := all.take (all.length - old.length)
  if fresh.isEmpty then return after
  let data : NameHashSet := fresh.foldl (init := {}) fun names decl => if isSyntaxData after decl.name then names.insert decl.name else names
  for name in data.toList do
    match Elab.evalSyntaxConstant after options name with
    | .ok stx => check stx |>.mapError fun refusal => { what := s!"{refusal.what} in the syntax that `{name}` stands for", position? := command.getPos? }
    | .error e => throw { what := s!"the syntax that `{name}` stands for: {e}", position? := command.getPos? }
  -- Its closed terms are functions of their own, `name._closed_3`, and no constants.
  let spared (name : Name) : Bool := data.contains name || (data.contains name.getPrefix && !after.contains name)
  let kept := fresh.map fun decl => if spared decl.name then decl else disarmed decl
  let map := kept.foldl (fun map decl => map.insert decl.name decl) (ext.getState before)
  return PersistentEnvExtension.setState ext after (kept ++ old, map)

end LemmaForge.Judge
