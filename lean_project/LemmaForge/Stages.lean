module

public import LemmaForge.Protocol

/-!
# Stages of a work

What is made of a theorem passes through stages, and much of it falls out on the way. How long each stage took, and what fell out where and why, is counted and reported with the results.
-/

public section

namespace LemmaForge

open Lean

/-- How often each stage was entered, and how long it took. -/
structure Stopwatch where
  /-- Times entered and nanoseconds, by stage. -/
  laps : IO.Ref (Std.HashMap String (Nat × Nat))

/-- Nothing measured yet. -/
def Stopwatch.new : BaseIO Stopwatch := return { laps := ← IO.mkRef {} }

/-- Adds a time to a stage. -/
def Stopwatch.add (watch : Stopwatch) (stage : String) (nanoseconds : Nat) : BaseIO Unit :=
  watch.laps.modify fun laps => laps.alter stage fun lap =>
    let (n, t) := lap.getD (0, 0)
    some (n + 1, t + nanoseconds)

/-- Measures `act` as a part of `stage`. Stages do not contain each other, so that times add up. -/
@[specialize] def Stopwatch.measure {m : Type → Type} {α : Type} [Monad m] [MonadLiftT BaseIO m] (watch : Stopwatch) (stage : String) (act : m α) : m α := do
  let began ← (IO.monoNanosNow : BaseIO Nat)
  let result ← act
  watch.add stage ((← (IO.monoNanosNow : BaseIO Nat)) - began)
  return result

/-- Candidates that fell out. -/
structure Rejected where
  /-- How many. -/
  count : Nat
  /-- One of them. -/
  example_ : String

/-- What fell out, by stage and reason. -/
abbrev Rejects := Std.HashMap (String × String) Rejected

/-- Counts a candidate that falls out. The first of its kind is told as an example, which is made only then. -/
def Rejects.add {m : Type → Type} [Monad m] (rejects : Rejects) (stage reason : String) (example_ : m String) : m Rejects := do
  let rejected ← match rejects[(stage, reason)]? with
    | some r => pure { r with count := r.count + 1 }
    | none => pure { count := 1, example_ := ← example_ }
  return rejects.insert (stage, reason) rejected

/-- Stages and rejects as a reply has them: how often each stage was entered and for how many seconds; how many fell out. -/
def stagesJson (laps : Std.HashMap String (Nat × Nat)) (rejects : Rejects) : List (String × Json) := [
  ("rejects", .arr (rejects.toArray.map fun ((stage, reason), r) =>
    Json.mkObj [("stage", stage), ("reason", reason), ("count", r.count), ("example", .str (r.example_.take 500).toString)])),
  ("counts", Json.mkObj (laps.toList.map fun (stage, n, _) => (stage, (n : Json)))),
  ("seconds", Json.mkObj (laps.toList.map fun (stage, _, t) => (stage, secondsJson t)))]

end LemmaForge
