/-
Overlay
Replaces: Batteries.Control.Lemmas
Text: 28db32250844c2ec1640ea43066ddb1b426f7692c0c71a58e74135add290e106
Why: what `failure` and `<|>` are for `ReaderT` and `StateT` is private in Lean's library.
Leaves out: ReaderT.run_failure, ReaderT.run_orElse, StateT.run_failure, StateT.run_orElse.
-/
--= 1-15
--= 21-42
--= 48-
