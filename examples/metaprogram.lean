import Lean
import Std

/-!
A file of macros, commands and programs:

    lemma lean run examples/metaprogram.lean
-/

open Lean Elab Command

/-- `count_to n` prints the numbers from 1 to `n`. -/
elab "count_to " n:num : command => do
  for i in [0:n.getNat] do
    logInfo m!"{i + 1}"

count_to 3

/-- `x squared` is `x * x`. -/
macro:max x:term:max " squared" : term => `($x * $x)

#eval 12 squared

/-- `close_it` tries three tactics in turn. -/
macro "close_it" : tactic => `(tactic| first | rfl | omega | simp_all)

theorem doubled (n : Nat) : n + n = 2 * n := by close_it

#check @doubled

/-- How often each word stands in a text. -/
def countWords (text : String) : Std.HashMap String Nat := Id.run do
  let mut counts : Std.HashMap String Nat := {}
  for word in text.splitOn " " do
    counts := counts.insert word (counts.getD word 0 + 1)
  return counts

/-- The primes below `n`, by the sieve of Eratosthenes. -/
def primesBelow (n : Nat) : Array Nat := Id.run do
  let mut composite := Array.replicate n false
  let mut primes := #[]
  for i in [2:n] do
    unless composite[i]! do
      primes := primes.push i
      let mut multiple := i * i
      while multiple < n do
        composite := composite.set! multiple true
        multiple := multiple + i
  return primes

#eval (countWords "to be or not to be").toList.mergeSort (fun a b => a.1 ≤ b.1)

#eval primesBelow 50

/-- Prints the statement of a theorem, and what it rests on. -/
elab "account_for " name:ident : command => do
  let declaration ← liftCoreM <| realizeGlobalConstNoOverloadWithInfo name
  let info ← getConstInfo declaration
  logInfo m!"{name} : {info.type}\nuses {info.value?.map (·.getUsedConstants.size) |>.getD 0} constants"

account_for doubled
