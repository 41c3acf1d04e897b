module

public import Lean.Meta.AppBuilder
public import Lean.Meta.WHNF
public import Lean.Meta.SynthInstance

/-!
# Values to try

For a closed type, a list of closed terms of it, simple ones first: numbers by size (those that the statement mentions, and their neighbours, early), lists by
length, functions that are constant or differ from a constant at one point, members of other inductive types by what their constructors are given. The list is short; what makes
a search succeed is that the right value is early in it, not that it is long.
-/

public section

namespace LemmaForge.Refute

open Lean Meta

/-- What values are made from. -/
structure Source where
  /-- Numbers that the statement mentions. -/
  numbers : Array Nat := #[]
  /-- Large numbers at which something changes: the ends of machine integers, `2 ^ 31`. -/
  great : Array Nat := #[]
  /-- At most this many values of a type. -/
  most : Nat := 40

/-- The numbers without repetition, each where it comes first. -/
private def distinct (numbers : Array Nat) : Array Nat :=
  numbers.foldl (init := (#[] : Array Nat)) fun found n => if found.contains n then found else found.push n

/-- Numbers in the order in which they are tried: the first few, those that the statement mentions with their neighbours, then more. -/
private def Source.naturals (source : Source) : Array Nat :=
  let near := source.numbers.flatMap fun n => #[n, n + 1, n - 1]
  let few := source.numbers.extract 0 4
  let between := few.flatMap fun m => few.flatMap fun n => #[m - n, m + n]
  distinct (#[0, 1, 2, 3] ++ near ++ #[4, 5, 6, 7, 8, 9, 10] ++ source.great ++ between ++ #[12, 15, 16, 20, 31, 32, 64, 100])

/-- The numeral of an integer in a type that has numerals and, for negative ones, a negation. -/
def numeral (type : Expr) (n : Int) : MetaM Expr := do
  let size ← mkNumeral type n.natAbs
  if n < 0 then mkAppM ``Neg.neg #[size] else return size

/-- The numerals of natural numbers. -/
private def numerals (type : Expr) (numbers : Array Nat) : MetaM (Array Expr) :=
  numbers.mapM fun (n : Nat) => numeral type (n : Int)

/-- A closed value, or a type with values in it, as text that reads back. -/
def valueText (value : Expr) : MetaM String := do
  withLocalDeclD byDecide (mkConst ``True) fun proof => do
    let shown ← Meta.transform value (pre := fun e => return if ← isProof e then .done proof else .continue)
    let text := (← ppExpr shown).pretty (width := 100000)
    return text.replace byDecide.toString "(by decide)"
where
  /-- What is written for a proof inside a value. -/
  byDecide : Name := `lemmaforgeByDecide

/-- The natural number that a closed term is. -/
def natural? (e : Expr) : MetaM (Option Nat) := do
  match ← evalNat e with
  | some n => return some n
  | none =>
    match ← whnfD e with
    | .lit (.natVal n) => return some n
    | _ => return none

/-- A proof of a closed proposition that is decided by computation. -/
def decided? (p : Expr) : MetaM (Option Expr) := do
  let some inst ← synthInstance? (mkApp (mkConst ``Decidable) p) | return none
  unless (← whnfD (mkApp2 (mkConst ``Decidable.decide) p inst)).isConstOf ``true do return none
  return some (mkApp3 (mkConst ``of_decide_eq_true) p inst (← mkEqRefl (mkConst ``true)))

/-- All lists over three elements up to length two, those of length three over two, some longer ones, and the others of length three. -/
private def someLists (elements : Array Expr) : Array (List Expr) := Id.run do
  let few := elements.extract 0 3 |>.toList
  let lists (elements : List Expr) (length : Nat) : List (List Expr) :=
    length.fold (init := [[]]) fun _ _ lists => lists.flatMap fun list => elements.map fun e => list ++ [e]
  let short := (lists few 0 ++ lists few 1 ++ lists few 2 ++ lists (few.take 2) 3).toArray
  let long := #[4, 5, 8].map fun length => (elements.extract 0 length).toList
  return short ++ long ++ ((lists few 3).filter (!short.contains ·)).toArray

/-- Some lists of length `n`: of one element, and with another one at one place, and of different ones. -/
private def listsOf (n : Nat) (elements : Array Expr) : Array (List Expr) := Id.run do
  let some a := elements[0]? | return if n == 0 then #[[]] else #[]
  let mut found := #[List.replicate n a]
  for b in elements.extract 1 3 do
    for i in [0 : min n 8] do found := found.push ((List.replicate n a).set (n - 1 - i) b)
  if n > 1 && elements.size ≥ n then found := found.push (elements.extract 0 n).toList |>.push (elements.extract 0 n).toList.reverse
  return found

/-- Types that stand for any type, those with the most structure first. -/
def someTypes : Array Expr :=
  #[mkConst ``Nat, mkConst ``Bool, mkConst ``UInt8, mkConst ``Unit, mkConst ``Int, mkConst ``Rat, mkConst ``Empty]

/-- Functions from types to types that stand for any such function, monads for instance. -/
def someTypeFunctions : Array Expr :=
  #[``Option, ``List, ``Id].map fun name => mkConst name [0]

/-- Mathlib's real numbers and what is made of them. Nothing computes them; their equality and order are decided by the axiom of choice. -/
def realTypes : List Name := [`Real, `NNReal, `ENNReal, `Complex]

/-- Machine integers: their sizes, at least, and whether they have a sign. -/
private def machineIntegers : List (Name × Nat × Bool) := [
  (``UInt8, 8, false), (``UInt16, 16, false), (``UInt32, 32, false), (``UInt64, 64, false), (``USize, 32, false),
  (``Int8, 8, true), (``Int16, 16, true), (``Int32, 32, true), (``Int64, 64, true), (``ISize, 32, true)]

/-- Large numbers at which something may change in a statement: ends of the machine integers in it, and what its powers and constants amount to. -/
partial def greatNumbers (type : Expr) : MetaM (Array Nat) := do
  let names := type.getUsedConstants
  let ends := machineIntegers.toArray.flatMap fun (name, size, _) =>
    if names.any (·.getRoot == name) then #[2 ^ (size - 1), 2 ^ size] else #[]
  let (_, amounts) ← (visit type).run #[]
  return distinct ((amounts ++ ends).qsort (· < ·))
where
  visit (e : Expr) : StateRefT (Array Nat) MetaM Unit := do
    match e with
    | .app f a =>
      if e.isAppOf ``HPow.hPow && e.getAppNumArgs == 6 then amount e else do visit f; visit a
    | .const name _ => unless name == ``Nat do amount e
    | .lam _ t b _ | .forallE _ t b _ => visit t; visit b
    | .letE _ t v b _ => visit t; visit v; visit b
    | .mdata _ e | .proj _ _ e => visit e
    | _ => return
  amount (e : Expr) : StateRefT (Array Nat) MetaM Unit := do
    if e.hasLooseBVars || e.hasFVar then return
    unless (← inferType e).isConstOf ``Nat do return
    if let some n ← natural? e then
      if n > 100 then modify (·.push n)

private def fun' (name : Name) (domain : Expr) (body : Expr → MetaM Expr) : MetaM Expr :=
  withLocalDeclD name domain fun x => do mkLambdaFVars #[x] (← body x)

/-- Values that were made, by type and depth. -/
abbrev Made := Std.HashMap (Expr × Nat) (Array Expr)

/-- Values of `type`, a closed type, simple ones first; none when none are known. `depth` bounds how deep types are looked into. -/
partial def values (source : Source) (type : Expr) (depth : Nat := 4) : StateRefT Made MetaM (Array Expr) := do
  if depth == 0 then return #[]
  let type ← whnfR type
  if let some known := (← get)[(type, depth)]? then return known
  let found := (← valuesOf type).extract 0 source.most
  modify (·.insert (type, depth) found)
  return found
where
  valuesOf (type : Expr) : StateRefT Made MetaM (Array Expr) := do
    match type with
    | .sort level =>
      if level.isZero then return #[mkConst ``True, mkConst ``False]
      return if level == 1 then someTypes else #[]
    | .forallE name domain codomain _ =>
      if codomain == .sort 1 then return (if domain == .sort 1 then someTypeFunctions else #[]) ++ (← functions name domain codomain)
      if codomain.hasLooseBVars || (← isProp domain) then return #[]
      functions name domain codomain
    | _ =>
      let some head := type.getAppFn.constName? | return #[]
      let found ← members type head
      -- A type that is defined as another one has the values of that.
      if found.isEmpty then
        if let some unfolded ← withDefault (unfoldDefinition? type) then return ← values source unfolded (depth - 1)
      return found
  /-- Values of a type that is a constant applied to arguments. -/
  members (type : Expr) (head : Name) : StateRefT Made MetaM (Array Expr) := do
    let argument (i : Nat) : Expr := type.getAppArgs[i]!
    let naturals := source.naturals
    if head == ``Nat then return ← numerals type naturals
    if head == ``Int then
      let signed := naturals.flatMap fun (n : Nat) => if n == 0 then #[(0 : Int)] else #[(n : Int), -(n : Int)]
      return ← signed.mapM (numeral type ·)
    if head == ``Rat then return ← numbers type
    if realTypes.contains head then
      let unit := if head == `Complex then #[mkConst `Complex.I] else #[]
      let numbers ← numbers type
      return numbers.extract 0 2 ++ unit ++ numbers.extract 2 numbers.size
    if head == ``Char then
      return #['a', 'b', ' ', '0', 'A'].map toExpr
    if head == ``String then return #["", "a", "b", "ab", "aa", " ", "abc"].map mkStrLit
    if head == ``Fin then
      let some n ← natural? (argument 0) | return #[]
      return ← numerals type ((distinct (#[0, 1, n - 1] ++ naturals)).filter (· < n))
    if head == ``BitVec then
      let some w ← natural? (argument 0) | return ← numerals type #[0, 1, 2, 3]
      if w > 128 then return #[]
      let corners := if w == 0 then #[] else #[2 ^ w - 1, 2 ^ (w - 1), 2 ^ (w - 1) - 1]
      return ← numerals type ((distinct (#[0, 1] ++ corners ++ naturals)).filter (· < 2 ^ w))
    if let some (size, signed) := machineIntegers.lookup head then
      let half := (2 : Int) ^ (size - 1)
      let ends := if signed then #[-1, -half, half - 1, 2, -2] else #[2 * half - 1, half, 2]
      let others := naturals.filter fun n => 2 < n && n < half.toNat
      return ← ((#[0, 1] ++ ends) ++ others.map Int.ofNat).mapM (numeral type ·)
    if head == ``Vector then
      let some n ← natural? (argument 1) | return #[]
      if n > 100 then return #[]
      let lists := listsOf n (← values source (argument 0) (depth - 1))
      return ← lists.mapM fun list => do
        let proof ← mkDecideProof (← mkEq (← mkAppM ``Array.size #[← mkArrayLit (argument 0) list]) (toExpr n))
        mkAppOptM ``Vector.mk #[argument 0, argument 1, ← mkArrayLit (argument 0) list, proof]
    if head == ``List || head == ``Array then
      let lists := someLists (← values source (argument 0) (depth - 1))
      return ← lists.mapM fun list => if head == ``List then mkListLit (argument 0) list else mkArrayLit (argument 0) list
    constructed type head
  /-- Numbers of a type that has numerals: natural ones, with a negation whole ones, with a division halves. -/
  numbers (type : Expr) : StateRefT Made MetaM (Array Expr) := do
    let made (signed : Array Int) (make : Int → MetaM Expr) : MetaM (Array Expr) :=
      signed.filterMapM fun n => try some <$> make n catch e => if e.isInterrupt then throw e else return none
    let whole ← made #[0, 1, -1, 2, -2, 3] (numeral type ·)
    if whole.isEmpty then return #[]
    let halves ← made #[1, -1, 3] fun n => do mkAppM ``HDiv.hDiv #[← numeral type n, ← numeral type 2]
    return whole ++ halves ++ (← made ((source.naturals.extract 4 20).map Int.ofNat) (numeral type ·))
  /-- What the constructors of an inductive type make. -/
  constructed (type : Expr) (head : Name) : StateRefT Made MetaM (Array Expr) := do
    let some (.inductInfo info) := (← getEnv).find? head | return #[]
    if info.numIndices > 0 || isClass (← getEnv) head then return #[]
    let .const _ levels := type.getAppFn | return #[]
    let parameters := type.getAppArgs
    let mut found : Array Expr := #[]
    for places in [0:12] do
      for constructor in info.ctors do
        if found.size ≥ source.most then return found
        let start := mkAppN (mkConst constructor levels) parameters
        found := found ++ (← filled start (← inferType start) places)
    return found
  /-- A constructor with all its fields, of places that add up to `places`, given the type of what is still missing. -/
  filled (made : Expr) (type : Expr) (places : Nat) : StateRefT Made MetaM (Array Expr) := do
    let .forallE _ domain body _ ← whnfR type | return if places == 0 then #[made] else #[]
    if ← isProp domain then
      let some proof ← decided? domain | return #[]
      return ← filled (mkApp made proof) (body.instantiate1 proof) places
    let arguments ← values source domain (depth - 1)
    let mut found : Array Expr := #[]
    for i in [0 : min arguments.size (places + 1)] do
      found := found ++ (← filled (mkApp made arguments[i]!) (body.instantiate1 arguments[i]!) (places - i))
    return found
  /-- Functions: constant, the identity, some arithmetic, and constants with one point changed. -/
  functions (name : Name) (domain codomain : Expr) : StateRefT Made MetaM (Array Expr) := do
    let name := if name.hasMacroScopes || name.isInternal then `x else name.eraseMacroScopes
    let outer ← (← values source codomain (depth - 1)).mapM fun value => fun' name domain fun _ => return value
    let few := outer.extract 0 2
    let mut found := few ++ (← projections (.forallE name domain codomain .default))
    if ← isDefEq domain codomain then
      found := found.push (← fun' name domain fun x => return x)
      if domain.isConstOf ``Nat || domain.isConstOf ``Int then
        found := found.push (← fun' name domain fun x => do mkAppM ``HAdd.hAdd #[x, ← numeral domain 1])
        found := found.push (← fun' name domain fun x => do mkAppM ``HMul.hMul #[x, x])
    if codomain.isProp then
      for a in (← values source domain (depth - 1)).extract 0 3 do
        found := found.push (← fun' name domain fun x => mkEq x a)
      return found
    if let .forallE _ domain' codomain' _ := codomain then
      if codomain'.isProp && (← isDefEq domain domain') then
        found := found.push (← fun' `x domain fun x => fun' `y domain fun y => mkEq x y)
        for relation in [``LE.le, ``LT.lt] do
          try found := found.push (← fun' `x domain fun x => fun' `y domain fun y => mkAppM relation #[x, y])
          catch _ => continue
      if codomain' == domain && domain' == domain && (domain.isConstOf ``Nat || domain.isConstOf ``Int) then
        for operation in [``HAdd.hAdd, ``HSub.hSub] do
          found := found.push (← fun' `x domain fun x => fun' `y domain fun y => mkAppM operation #[x, y])
      return found ++ outer.extract 2 8
    found := found ++ (← embeddings name domain codomain)
    let points ← try pointwise name domain codomain catch _ => pure #[]
    return found ++ points ++ outer.extract 2 8
  /-- Functions of several arguments that give one of them back. -/
  projections (type : Expr) : StateRefT Made MetaM (Array Expr) := do
    forallTelescope (renamed type 0) fun xs result => do
      if xs.size < 2 then return #[]
      xs.filterMapM fun x => do if (← inferType x) == result then some <$> mkLambdaFVars xs x else return none
  /-- With names for the arguments that can be typed. -/
  renamed (type : Expr) (n : Nat) : Expr :=
    match type with
    | .forallE _ t b i => .forallE ((`x).appendIndexAfter n) t (renamed b (n + 1)) i
    | e => e
  /-- Constructors with one field, as functions: `some`, for example. -/
  embeddings (name : Name) (domain codomain : Expr) : StateRefT Made MetaM (Array Expr) := do
    let .const head levels := (← whnfR codomain).getAppFn | return #[]
    let some (.inductInfo info) := (← getEnv).find? head | return #[]
    let mut found := #[]
    if head == ``List then found := found.push (← fun' name domain fun x => mkListLit domain [x])
    for constructor in info.ctors do
      let start := mkAppN (mkConst constructor levels) (codomain.getAppArgs.extract 0 info.numParams)
      let .forallE _ field result _ ← whnfR (← inferType start) | continue
      if field == domain && (← pure !result.hasLooseBVars) && result == codomain then
        found := found.push (← fun' name domain fun x => return mkApp start x)
    return found
  pointwise (name : Name) (domain codomain : Expr) : StateRefT Made MetaM (Array Expr) := do
    let points := (← values source domain (depth - 1)).extract 0 3
    let images := (← values source codomain (depth - 1)).extract 0 3
    points.flatMapM fun a => do
      let mut found := #[]
      for b in images do
        for c in images do
          unless b == c do found := found.push (← fun' name domain fun x => do mkAppM ``ite #[← mkEq x a, b, c])
      return found

/-- A function that has the given values at some points, and `other` elsewhere. -/
def withPoints (domain : Expr) (points : Array (Expr × Expr)) (other : Expr) : MetaM Expr :=
  fun' `x domain fun x => (points.filter (·.2 != other)).foldrM (init := other) fun (a, b) rest => do mkAppM ``ite #[← mkEq x a, b, rest]

end LemmaForge.Refute
