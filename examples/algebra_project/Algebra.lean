import Algebra.Logic
import Algebra.Sum
import Algebra.Group
import Algebra.Sequence
import Algebra.Tree

/-!
# A small library of algebra

Sixty theorems and more with tactic proofs in many styles, over Lean's core library alone. `lemma trace` reads them, goals and tactics, into a store:

    lemma trace examples/algebra_project
-/
