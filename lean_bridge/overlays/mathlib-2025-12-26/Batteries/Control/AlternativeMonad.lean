/-
Overlay
Replaces: Batteries.Control.AlternativeMonad
Text: 5ef74bd0ce77434ebd4c026f1b66d11808e54e586768ce1a7d17328ed9ab26fd
Why: what `failure` and `<|>` are for `ReaderT`, `StateT` and `StateRefT'` is private in Lean's library.
Leaves out: the instances of LawfulAlternative and LawfulAlternativeLift for ReaderT, StateT and StateRefT'.
-/
--= 1-159
--= 174-179
--= 192-197
--= 205
