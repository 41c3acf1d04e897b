module

public import Lean.Meta.Tactic.Grind
public import LemmaForge.Mutate.Index

/-!
# Which lemmas are about the same things

Shape says which lemmas can be applied at once. What `simp` and `grind` are given may be used deep inside, so it is chosen by what it is about: a lemma is relevant
to a goal when the symbols of its statement occur in the goal, rare symbols above all (Meng and Paulson, *Lightweight relevance filtering for machine-generated
resolution problems*, 2009; rarity after Kaliszyk and Urban, *Stronger automation for Flyspeck by feature weighting and strategy evolution*, 2013).

The weight of a symbol that `n` of `N` lemmas mention is `log (N / n)`. Let `g` be the weight of those symbols of a lemma that the goal has, and `t` that of all its symbols.
A lemma scores `g * (g / t)`: it should share much with the goal, and bring little else. The paper's rounds, in which accepted lemmas make further symbols relevant, are left
out: search comes back with the goals that the first lemmas led to.
-/

public section

namespace LemmaForge

open Lean Meta

/-- What the lemmas of a library are about. Symbols and lemmas are numbers here. -/
structure Relevance where
  /-- The lemmas. -/
  lemmas : Array Name := #[]
  /-- The symbols of each. -/
  symbols : Array (Array Nat) := #[]
  /-- The number of a symbol; `none` for an instance, which is none. -/
  numbers : NameMap (Option Nat) := {}
  /-- The lemmas that mention a symbol, by its number. -/
  occurrences : Array (Array Nat) := #[]
  /-- `8 * log2 (N / n)` of a symbol, rounded down. -/
  weights : Array Nat := #[]

/-- The constants of a statement that say what it is about: all but instances. -/
private def symbolsOf (env : Environment) (e : Expr) : Array Name :=
  e.getUsedConstants.filter fun name => !isInstanceCore env name

/-- Symbols that more than one in so many lemmas mention tell nothing apart, and cost the most. -/
private def common : Nat := 6

/-- The weight of a symbol that `occurrences` of `total` lemmas mention. -/
private def weight (total occurrences : Nat) : Nat :=
  if occurrences * common > total then 0 else (total ^ 8 / occurrences ^ 8).log2

/-- Adds a lemma. A symbol that is new with it gets the weight of one that is mentioned once. -/
private def Relevance.add (index : Relevance) (env : Environment) (name : Name) (type : Expr) : Relevance := Id.run do
  let mut { lemmas, symbols, numbers, occurrences, weights } := index
  let mut numbered := #[]
  for symbol in type.getUsedConstants do
    match numbers.find? symbol with
    | some (some number) =>
      occurrences := occurrences.modify number (·.push lemmas.size)
      numbered := numbered.push number
    | some none => continue
    | none =>
      if isInstanceCore env symbol then numbers := numbers.insert symbol none; continue
      numbers := numbers.insert symbol (some occurrences.size)
      numbered := numbered.push occurrences.size
      occurrences := occurrences.push #[lemmas.size]
      weights := weights.push (weight lemmas.size 1)
  return { lemmas := lemmas.push name, symbols := symbols.push numbered, numbers, occurrences, weights }

/-- Whether a lemma may be proposed. -/
private def isLemma (env : Environment) (name : Name) (info : ConstantInfo) : Bool :=
  Mutate.isTheorem env info && Mutate.isPublicName name && !Linter.isDeprecated env name

/-- Reads the lemmas of all imported modules. -/
def Relevance.build (env : Environment) : Relevance := Id.run do
  let mut index : Relevance := {}
  for (name, info) in env.constants.map₁ do
    if isLemma env name info then index := index.add env name info.type
  let total := index.lemmas.size
  return { index with weights := index.occurrences.map (weight total ·.size) }

/-- Adds the lemmas that are declared on top of the imported modules. -/
def Relevance.withLocal (index : Relevance) (env : Environment) : Relevance :=
  env.constants.map₂.foldl (init := index) fun index name info =>
    if isLemma env name info then index.add env name info.type else index

/-- A lemma and its score. -/
private abbrev Ranked := Array (Nat × Nat)

/-- Puts a lemma in its place among the `count` best ones. -/
private def Ranked.insert (best : Ranked) (count lemma score : Nat) : Ranked := Id.run do
  if best.size ≥ count && best.back!.2 ≥ score then return best
  let mut best := if best.size ≥ count then best.pop else best
  best := best.push (lemma, score)
  let mut place := best.size - 1
  while place > 0 && best[place - 1]!.2 < score do
    best := best.swapIfInBounds place (place - 1)
    place := place - 1
  return best

/-- The `count` lemmas that have most in common with these symbols, best first. -/
def Relevance.rank (index : Relevance) (symbols : Array Name) (count : Nat) : Array (Name × Nat) := Id.run do
  let mut gains := Array.replicate index.lemmas.size 0
  let mut touched := #[]
  for symbol in symbols do
    let some (some number) := index.numbers.find? symbol | continue
    let weight := index.weights[number]!
    if weight == 0 then continue
    for lemma in index.occurrences[number]! do
      if gains[lemma]! == 0 then touched := touched.push lemma
      gains := gains.modify lemma (· + weight)
  let mut best : Ranked := #[]
  for lemma in touched do
    let gain := gains[lemma]!
    -- The score is at most the gain: most lemmas fall out here, unseen.
    if best.size ≥ count && best.back!.2 ≥ gain then continue
    let total := index.symbols[lemma]!.foldl (fun sum number => sum + index.weights[number]!) 0
    best := best.insert count lemma (gain * gain / total)
  return best.map fun (lemma, score) => (index.lemmas[lemma]!, score)

/-- The symbols of a goal and of its hypotheses. -/
def goalSymbols (goal : MVarId) : MetaM (Array Name) := goal.withContext do
  let env ← getEnv
  let mut found := symbolsOf env (← instantiateMVars (← goal.getType))
  for decl in ← getLCtx do
    unless decl.isImplementationDetail do
      found := found ++ symbolsOf env (← instantiateMVars decl.type)
  return found.toList.eraseDups.toArray

/-- Whether `simp` can use a lemma that it does not use already, and makes terms smaller by it: what makes them greater, or turns them around, rarely comes to an end. -/
def isNewToSimp (name : Name) : MetaM Bool := do
  if (← getSimpTheorems).isLemma (.decl name) then return false
  forallTelescope (← getConstInfo name).type fun _ conclusion =>
    match conclusion.eqOrIff? with
    | some (left, right) => return right.sizeWithoutSharing < left.sizeWithoutSharing
    | none => return conclusion.isAppOfArity ``Not 1

/-- Whether `grind` can use a lemma that it does not use already: there must be a pattern by which it knows where to use it. -/
def isNewToGrind (name : Name) : MetaM Bool := do
  if (Grind.grindExt.getState (← getEnv)).ematch.contains (.decl name) then return false
  try
    discard <| Grind.mkEMatchTheoremForDecl name (.default false) (← Grind.getGlobalSymbolPriorities)
    return true
  catch e =>
    if e.isRuntime || e.isInterrupt then throw e
    return false

/-- The first `count` lemmas that are relevant to a closed proposition and new to `grind`. -/
def Relevance.forGrind (index : Relevance) (proposition : Expr) (count : Nat) : MetaM (Array Name) := do
  let ranked := index.rank (symbolsOf (← getEnv) proposition) (2 * count)
  return (← ranked.filterMapM fun (name, _) => return if ← isNewToGrind name then some name else none).extract 0 count

end LemmaForge
