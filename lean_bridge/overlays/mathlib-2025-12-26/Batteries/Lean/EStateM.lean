/-
Overlay
Replaces: Batteries.Lean.EStateM
Text: 5d482d62a0dc77ec8ffe55079e9cb732e7f389b643167ba4ffe527e39d11a7b2
Why: what `EStateM.fromStateM` does is private in Lean's library.
Leaves out: EStateM.run_fromStateM, EStateM.run'_fromStateM.
-/
--= 1-191
--= 198-
