/-
Overlay
Replaces: Mathlib.Data.List.Sort
Text: e4c32f873d4de56d01f6f57d39308ed7056966dbcb4de5090307386dd06eca83
Why: an example computes `mergeSort`, whose body is private in Lean's library.
Leaves out: that example.
-/
--= 1-318
--= 322-
