module

public import LemmaForge.Signature
public import LemmaForge.Mutate.Index

/-!
# Statements that are nearly true

A theorem with one thing in it changed is a statement that may be false, and often is. A *change* happens at one place: a hypothesis is dropped, a relation is made stricter or laxer, a number is off by one,
a variable or an operation is taken for another one, operands are swapped, a quantifier is the wrong one, an implication is read backwards. Those are mistakes that people (and models) make.

Changes are made on terms. An instance that depends on what was changed is looked up again; what is not a proposition any more is no change.
-/

public section

namespace LemmaForge.Refute

open Lean Meta

/-- What was changed. The names on the wire are those of `Kind.toString`. -/
inductive Kind where
  /-- A hypothesis is dropped. -/
  | hypothesis
  /-- A relation becomes another one. -/
  | relation
  /-- A number or a numeric term is one too large or too small. -/
  | offByOne
  /-- A constant or a numeral becomes another one of its type. -/
  | constant
  /-- An operation, connective or function becomes another one of its type. -/
  | operation
  /-- A variable becomes another one of its type, in one place. -/
  | «variable»
  /-- Two operands change places. -/
  | order
  /-- A quantifier becomes the other one, or changes places with its neighbour. -/
  | quantifier
  /-- A hypothesis and the conclusion change places. -/
  | converse
  deriving BEq, Inhabited

/-- The name of a kind on the wire. -/
def Kind.toString : Kind → String
  | hypothesis => "hypothesis"
  | relation => "relation"
  | offByOne => "off-by-one"
  | constant => "constant"
  | operation => "operation"
  | «variable» => "variable"
  | order => "order"
  | quantifier => "quantifier"
  | converse => "converse"

/-- All kinds, in the order in which they take turns: those that few theorems have a place for come first. -/
def Kind.all : List Kind := [hypothesis, converse, quantifier, relation, constant, operation, order, offByOne, «variable»]

instance : FromJson Kind where
  fromJson? json := do
    let name ← json.getStr?
    let some kind := Kind.all.find? (·.toString == name) | throw s!"`{name}` is no kind of change"
    return kind

/-- A statement with one thing changed. -/
structure Change where
  /-- What was changed. -/
  kind : Kind
  /-- Where: `⊢`, or the name of the hypothesis. -/
  place : String
  /-- How, for a reader. -/
  what : MessageData
  /-- The new statement, closed. -/
  type : Expr

/-- Functions and constants by the namespace that they are in: those of one type may be taken for each other. -/
structure Siblings where
  /-- Names by their namespace. -/
  names : Std.HashMap Name (Array Name)

/-- Collects the definitions and constructors of an environment that people use. -/
def Siblings.build (env : Environment) : Siblings :=
  { names := env.constants.map₁.fold (init := {}) fun names name info =>
      if isCandidate name info then names.alter name.getPrefix fun known => some ((known.getD #[]).push name) else names }
where
  isCandidate (name : Name) (info : ConstantInfo) : Bool :=
    (info matches .defnInfo _ | .ctorInfo _ | .opaqueInfo _) && !name.getPrefix.isAnonymous && Mutate.isPublicName name &&
      !isInstanceCore env name && !isClass env name && !isMatcherCore env name && !isImplementation name.getString! && !Linter.isDeprecated env name
  /-- Whether a name says that this is how another function is computed. -/
  isImplementation (last : String) : Bool := ["TR", "Impl", "Unsafe", "Fast", "Aux"].any fun ending => last.endsWith ending || last.startsWith "inst" || last == "ctorIdx"

/-- Constants that may be taken for another one: of the same namespace and type. -/
private def Siblings.of (siblings : Siblings) (name : Name) : MetaM (Array Name) := do
  let env ← getEnv
  let some info := env.find? name | return #[]
  let type := sameUniverses info.type
  let known := siblings.names.getD name.getPrefix #[]
  let same := known.filter fun other => other != name && (env.find? other).any fun i => i.levelParams.length == info.levelParams.length && sameUniverses i.type == type
  return same.qsort Name.lt

/-- What changes are collected with. -/
private structure Reading where
  siblings : Siblings
  /-- Numerals of the statement. -/
  numerals : Array Expr
  /-- Whether the whole is the conclusion or a hypothesis. -/
  place : String

private abbrev ChangeM := ReaderT Reading (StateRefT (Array Change) MetaM)

/-- Makes the whole statement out of a changed part. -/
private abbrev Rebuild := Expr → MetaM Expr

/-- Keeps a change if it makes sense. -/
private def keep (kind : Kind) (old : Expr) (make : MetaM Expr) (rebuild : Rebuild) (says : Expr → MessageData := fun new => m!"{old} becomes {new}") : ChangeM Unit := do
  let place := (← read).place
  let change? : Option Change ← (do
    try
      let new ← make
      if new == old then return none
      let type ← instantiateMVars (← rebuild new)
      if type.hasMVar || type.hasFVar then return none
      let what ← addMessageContextFull (says new)
      return some { kind, place, what, type }
    catch e =>
      if e.isInterrupt then throw e
      return none : MetaM _)
  if let some change := change? then modify (·.push change)

/-- Groups of operations on the same operands. -/
private def operations : List (List Name) := [
  [``HAdd.hAdd, ``HSub.hSub, ``HMul.hMul, ``HDiv.hDiv, ``HMod.hMod], [``HAnd.hAnd, ``HOr.hOr, ``HXor.hXor], [``HShiftLeft.hShiftLeft, ``HShiftRight.hShiftRight],
  [``Min.min, ``Max.max], [``And, ``Or], [``and, ``or, ``xor], [``Union.union, ``Inter.inter, ``SDiff.sdiff]]

/-- Operations and relations of which it makes no difference which operand comes first, where they are used as a rule. -/
private def commutative : List Name := [``HAdd.hAdd, ``HMul.hMul, ``HAnd.hAnd, ``HOr.hOr, ``HXor.hXor, ``Min.min, ``Max.max, ``And, ``Or, ``Iff, ``Eq, ``Ne, ``HEq, ``and, ``or, ``xor, ``BEq.beq, ``bne]

/-- Relations that may be taken for each other. -/
private def relations (name : Name) : List Name :=
  if name == ``LT.lt then [``LE.le, ``Eq] else if name == ``LE.le then [``LT.lt, ``Eq] else if name == ``GT.gt then [``GE.ge] else if name == ``GE.ge then [``GT.gt]
  else if name == ``Eq then [``Ne, ``LE.le, ``LT.lt] else if name == ``Ne then [``Eq] else if name == ``BEq.beq then [``bne] else if name == ``bne then [``BEq.beq] else []

private def isNumeral (e : Expr) : Bool := e.isAppOfArity ``OfNat.ofNat 3

/-- The number that a numeral writes. -/
private def written? (e : Expr) : Option Nat := do
  guard (isNumeral e)
  let .lit (.natVal n) := e.getArg! 1 | none
  return n

/-- Types whose terms are counted with. -/
private def isNumeric (type : Expr) : Bool := type.isConstOf ``Nat || type.isConstOf ``Int

/-- Changes of a term at its top. -/
private def changeHere (e : Expr) (rebuild : Rebuild) (isCounted : Bool) : ChangeM Unit := do
  let { siblings, numerals, .. } ← read
  if let some n := written? e then
    let type ← inferType e
    keep .offByOne e (mkNumeral type (n + 1)) rebuild
    if n > 0 then keep .offByOne e (mkNumeral type (n - 1)) rebuild
    for other in numerals do
      if (← inferType other) == type then keep .constant e (return other) rebuild
    return
  if e.isFVar then
    let type ← inferType e
    for decl in ← getLCtx do
      unless decl.isImplementationDetail || decl.fvarId == e.fvarId! do
        if decl.type == type && !decl.binderInfo.isInstImplicit then keep .«variable» e (return decl.toExpr) rebuild
  if isCounted && isNumeric (← inferType e) then
    keep .offByOne e (do mkAppM ``HAdd.hAdd #[e, ← mkNumeral (← inferType e) 1]) rebuild
  match e with
  | .const name levels => for other in ← siblings.of name do keep .constant e (return .const other levels) rebuild
  | .app .. => ofApplication siblings
  | .forallE name domain body info =>
    -- An implication is no quantifier.
    unless ← isProp domain do
      if info.isExplicit then
        keep .quantifier e (do mkAppM ``Exists #[.lam name domain body .default]) rebuild
  | _ => return
where
  ofApplication (siblings : Siblings) : ChangeM Unit := do
    let .const name levels := e.getAppFn | return
    let args := e.getAppArgs
    let operands := args.extract (args.size - 2) args.size
    for other in relations name do keep .relation e (mkAppM other operands) rebuild
    if name == ``Membership.mem && args.size == 5 then keep .relation e (return mkNot e) rebuild
    if name == ``Not then keep .relation e (return args[0]!) rebuild
    if name == ``Iff then keep .operation e (do mkAppM ``And operands) rebuild
    for group in operations do
      if group.contains name && args.size ≥ 2 then
        for other in group do
          if other != name then keep .operation e (do let new ← mkAppM other operands; guardType new; return new) rebuild
    for other in ← siblings.of name do keep .operation e (return mkAppN (.const other levels) args) rebuild
    if name == ``Exists then
      if let .lam x domain body _ := args[1]! then
        keep .quantifier e (return .forallE x domain body .default) rebuild
        if let .forallE y inner rest _ := body then
          unless inner.hasLooseBVars || (← isProp inner) do
            keep .quantifier e (do swapQuantifiers x domain y inner rest) rebuild
    unless commutative.contains name do swapped name args
  guardType (new : Expr) : MetaM Unit := do
    unless ← isDefEq (← inferType new) (← inferType e) do throwError "of another type"
  /-- `∃ x, ∀ y, p` becomes `∀ y, ∃ x, p`. -/
  swapQuantifiers (x : Name) (domain : Expr) (y : Name) (inner rest : Expr) : MetaM Expr :=
    withLocalDeclD y inner fun b => withLocalDeclD x domain fun a => do
      mkForallFVars #[b] (← mkAppM ``Exists #[← mkLambdaFVars #[a] (rest.instantiateRev #[a, b])])
  /-- Explicit arguments of one type, next to each other, change places. -/
  swapped (name : Name) (args : Array Expr) : ChangeM Unit := do
    let explicit ← (do
      let info ← getFunInfoNArgs e.getAppFn args.size
      return (Array.range args.size).filter fun i => (info.paramInfo[i]?).any (·.isExplicit) : MetaM _)
    if name == ``OfNat.ofNat then return
    for i in explicit, j in explicit.extract 1 explicit.size do
      let (a, b) := (args[i]!, args[j]!)
      if a == b then continue
      let type ← inferType a
      if type.isSort || (← isProof a) then continue
      if type == (← inferType b) then keep .order e (return mkAppN e.getAppFn ((args.set! i b).set! j a)) rebuild

/-- The application with another argument, and the instances that depend on it looked up again. -/
private def withArgument (f : Expr) (info : FunInfo) (args : Array Expr) (i : Nat) (new : Expr) : MetaM Expr := do
  let mut args := args.set! i new
  for parameter in info.paramInfo, j in [0 : args.size] do
    if i < j && parameter.isInstImplicit && parameter.backDeps.contains i then
      let .forallE _ domain _ _ ← whnf (← inferType (mkAppN f (args.extract 0 j))) | throwError "not a function"
      args := args.set! j (← synthInstance domain)
  return mkAppN f args

/-- Changes of a term at all its places: where a reader sees something, so neither in implicit arguments nor in types of variables. -/
private partial def changeIn (e : Expr) (rebuild : Rebuild) (isCounted : Bool := false) : ChangeM Unit := do
  Core.checkSystem "change"
  changeHere e rebuild isCounted
  if isNumeral e then return
  match e with
  | .app .. =>
    let f := e.getAppFn
    let args := e.getAppArgs
    let info ← (getFunInfoNArgs f args.size : MetaM _)
    let relates := f.constName?.any fun name => !(relations name).isEmpty || name == ``Dvd.dvd
    for parameter in info.paramInfo, arg in args, i in [0 : args.size] do
      unless parameter.isExplicit do continue
      let type ← inferType arg
      if type.isSort && !type.isProp || (← isProof arg) then continue
      changeIn arg (fun new => do rebuild (← withArgument f info args i new)) (relates || arg.isFVar)
  | .forallE name domain body info =>
    if ← isProp domain then changeIn domain fun new => rebuild (.forallE name new body info)
    withLocalDecl name info domain fun x => do
      changeIn (body.instantiate1 x) fun new => do rebuild (← mkForallFVars #[x] new)
  | .lam name domain body info =>
    withLocalDecl name info domain fun x => do
      changeIn (body.instantiate1 x) fun new => do rebuild (← mkLambdaFVars #[x] new)
  | .mdata m inner => changeIn inner (fun new => rebuild (.mdata m new)) isCounted
  | _ => return

/-- The numerals in a term, each once. -/
private partial def numeralsIn (e : Expr) : Array Expr :=
  ((go e).run #[]).2
where
  go (e : Expr) : StateM (Array Expr) Unit := do
    if (written? e).isSome then
      modify fun found => if found.contains e || e.hasLooseBVars then found else found.push e
    else match e with
      | .app f a => go f; go a
      | .lam _ t b _ | .forallE _ t b _ => go t; go b
      | .mdata _ e | .proj _ _ e => go e
      | _ => return

/-- Changes that drop a hypothesis, or take it for the conclusion. -/
private def changeHypothesis (xs : Array Expr) (conclusion : Expr) (i : Nat) : ChangeM Unit := do
  let x := xs[i]!.fvarId!
  let used ← (do
    if conclusion.containsFVar x then return true
    (xs.extract (i + 1) xs.size).anyM fun y => return (← inferType y).containsFVar x : MetaM _)
  if used then return
  let hypothesis ← inferType xs[i]!
  let others := xs.eraseIdx! i
  keep .hypothesis hypothesis (return conclusion) (fun _ => mkForallFVars others conclusion) fun _ => m!"{hypothesis} is dropped"
  unless conclusion.isFalse do
    let converse : Rebuild := fun _ => do
      withLocalDeclD (← x.getUserName) conclusion fun h => do mkForallFVars (others.push h) hypothesis
    keep .converse hypothesis (return conclusion) converse fun _ => m!"{hypothesis} and {conclusion} change places"

/-- All changes of a statement with typable names. -/
def changes (siblings : Siblings) (type : Expr) : MetaM (Array Change) :=
  forallTelescope type fun xs conclusion => do
    let numerals := numeralsIn type
    let act : ChangeM Unit := do
      for x in xs, i in [0 : xs.size] do
        let decl ← (x.fvarId!.getDecl : MetaM _)
        if decl.binderInfo.isInstImplicit || !(← isProp decl.type) then continue
        withReader ({ · with place := decl.userName.toString }) do
          changeHypothesis xs conclusion i
          changeIn decl.type fun new => do
            let rest ← mkForallFVars (xs.extract (i + 1) xs.size) conclusion
            mkForallFVars (xs.extract 0 i) (.forallE decl.userName new (rest.abstract #[x]) decl.binderInfo)
      changeIn conclusion fun new => mkForallFVars xs new
    let ((), found) ← (act.run { siblings, numerals, place := "⊢" }).run #[]
    return found

/-- Whether what was made is a proposition. -/
def Change.isProposition (change : Change) : MetaM Bool := do
  try
    check change.type
    isProp change.type
  catch e =>
    if e.isInterrupt then throw e
    return false

end LemmaForge.Refute
