module

public import LemmaForge.Judge.Kernel
public import Lean.Parser.Syntax
public import Lean.Compiler.LCNF.PhaseExt

/-!
# A submission's code is not run

A submitted file may define functions, and Lean compiles them. Compiled code can do what no proof can: `IO` is a function type, and a cast along a false equation, which
nobody needs to have proved, opens it. Lean runs such code at places that look harmless: it evaluates a constant of type `Lean.Syntax` that stands in an `autoParam` and runs it *as a tactic*;
it evaluates a tactic's configuration, `simp (maxSteps := true)`, with whatever coercion makes a number of `true`; it writes a macro for a notation, with whatever instances there are, and runs it; the
kernel evaluates the argument of `Lean.reduceBool`. There are three defences, each of which would do against what is known.

* `disarm`, after each command: the body of every function that it compiled is replaced by `unreachable`, and what the compiler would inline of it is forgotten. Code that is needed later can still be generated on top of it, and running
  it is an error. One thing is spared: the syntax of a tactic that `(h : p := by tac)` leaves behind. It has to be plain data, and has to pass the grammar like everything else.
* `inspect`, before each command that makes Lean evaluate something: no definition of the submission may speak of `IO` or of Lean's own programs, or rest on `sorry`, and the kernel must have checked them all. What could still be run is a
  pure function that is what its type says.
* The code of a `notation` command is Lean's own, and has to stay in use. It must be made of imported constants alone.
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

/-- Whether a constant is of the world of programs: input and output, or Lean's elaborator. -/
private def isOfPrograms (name : Name) : Bool :=
  match name.components with
  | `Lean :: `Grind :: _ | `Lean :: `Order :: _ | `Lean :: `Omega :: _ | `Lean :: `Data :: `AC :: _ | `Lean :: `RArray :: _ | `Lean :: `Internal :: _ => false
  | root :: _ => [`Lean, `IO, `EIO, `BaseIO, `ST, `EST, `System, `Task, `Void, `Runtime, `timeit, `allocprof].contains root || root.toString.startsWith "dbg"
  | [] => false

/-- What is known of a submission's definitions. -/
structure Inspected where
  /-- Looked at and found fit, or made by Lean for a notation. -/
  fit : NameHashSet := {}

/-- Definitions of a submission that have not been looked at. -/
def Inspected.unseen (seen : Inspected) (env : Environment) : Array (Name × ConstantInfo) :=
  env.constants.map₂.foldl (init := #[]) fun names name info =>
    if seen.fit.contains name || info matches .thmInfo _ then names else names.push (name, info)

/-- Looks at the definitions of a submission before code may be run: none may be a program or rest on `sorry`. -/
def inspect (command : Syntax) (env : Environment) (allowed : List Name) (known : IO.Ref Imported) (seen : Inspected) :
    ExceptT Refusal BaseIO Inspected := do
  unless evaluates command do return seen
  let refuse (what : String) : ExceptT Refusal BaseIO Unit := throw { what, position? := command.getPos? }
  let fresh := seen.unseen env
  for (name, info) in fresh do
    let some value := info.value? (allowOpaque := true) | continue
    if isSyntaxData env name then continue
    if let some other := value.getUsedConstants.find? isOfPrograms then
      refuse s!"notation or the configuration of a tactic beside a program (`{name}`, which uses `{other}`)"
  let axioms ← axiomsBehind known env env.find? (fresh.map (·.1))
  if let some name := axioms.toList.find? (!allowed.contains ·) then
    refuse s!"notation or the configuration of a tactic beside definitions that rest on `{name}`"
  return { fit := fresh.foldl (fun fit (name, _) => fit.insert name) seen.fit }

/-- What a command left of code that must not be run. -/
structure Disarmed where
  /-- The environment to go on with. -/
  env : Environment
  /-- With the functions that Lean made for a notation. -/
  seen : Inspected

/-- Takes away the code of what a command declared. `check` looks at the syntax of tactics that it left for later use. -/
def disarm (command : Syntax) (before after : Environment) (seen : Inspected) (options : Options) (check : Syntax → Except Refusal Unit) :
    Except Refusal Disarmed := do
  let ext := IR.declMapExt
  let (old, all) := (ext.getEntries before, ext.getEntries after)
  let fresh := all.take (all.length - old.length)
  if fresh.isEmpty then return { env := after, seen }
  if isNotation command then
    let made : NameHashSet := fresh.foldl (fun names decl => names.insert decl.name) {}
    for decl in fresh do
      let some info := after.find? decl.name | continue
      let value := (info.value? (allowOpaque := true)).getD info.type
      if let some other := value.getUsedConstants.find? fun name => !made.contains name && (after.getModuleIdxFor? name).isNone then
        throw { what := s!"notation whose making uses `{other}`", position? := command.getPos? }
    return { env := after, seen := { fit := made.fold (·.insert ·) seen.fit } }
  let data : NameHashSet := fresh.foldl (init := {}) fun names decl => if isSyntaxData after decl.name then names.insert decl.name else names
  for name in data.toList do
    match Elab.evalSyntaxConstant after options name with
    | .ok stx => check stx |>.mapError fun refusal => { what := s!"{refusal.what} in the syntax that `{name}` stands for", position? := command.getPos? }
    | .error e => throw { what := s!"the syntax that `{name}` stands for: {e}", position? := command.getPos? }
  -- Its closed terms are functions of their own, `name._closed_3`, and no constants.
  let spared (name : Name) : Bool := data.contains name || (data.contains name.getPrefix && !after.contains name)
  let kept := fresh.map fun decl => if spared decl.name then decl else disarmed decl
  let map := kept.foldl (fun map decl => map.insert decl.name decl) (ext.getState before)
  let env := PersistentEnvExtension.setState ext after (kept ++ old, map)
  let forget {α β σ : Type} [Inhabited σ] (inlined : PersistentEnvExtension α β σ) (env : Environment) : Environment := inlined.setState env (inlined.getState before)
  return { env := forget Compiler.LCNF.monoExt (forget Compiler.LCNF.baseExt env), seen }

end LemmaForge.Judge
