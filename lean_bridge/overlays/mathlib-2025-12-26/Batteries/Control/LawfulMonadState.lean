/-
Overlay
Replaces: Batteries.Control.LawfulMonadState
Text: 97ee21483dc4f207a218c13f2daecba0b0610b7ed0380e17aff3bf3770d55312
Why: what `StateRefT'` does to lift an action is private in Lean's library.
Leaves out: the instance of LawfulMonadStateOf for StateRefT'.
-/
--= 1-221
