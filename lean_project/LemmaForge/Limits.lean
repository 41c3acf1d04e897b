module

public import Lean.CoreM
public import LemmaForge.Protocol

/-!
# Limits

A step of the server (a tactic, a proof, a file) runs under three limits. *Heartbeats* are counted by Lean itself. The *wall clock* and a
*cancel request* come from outside the thread that elaborates: whoever hosts the server watches a deadline and sets a cancel token, which
Lean's elaborators and its kernel look at often. On the embedded Lean that watcher is JavaScript writing into WebAssembly memory, natively it is a thread
(`Main.lean`); both share the `Control` below.

A step that never looks at its token cannot be stopped this way; the client then kills the process.
-/

public section

namespace LemmaForge

open Lean

/-- Where the host and the server meet. The fields are read and written by both sides at any time.

The host on the JavaScript side knows this layout: three references in this order. -/
structure Control where
  /-- The token of the running step. A token that was set is replaced and never freed, as the host may still point at it. -/
  token : IO.Ref IO.CancelToken
  /-- Milliseconds since the server started at which the running step must stop; 0 when there is no limit. -/
  deadline : IO.Ref Nat
  /-- The client wants the running request to stop. The host clears it before it hands over a request. -/
  cancelled : IO.Ref Bool

/-- The clock of the server and the tokens that were used up. -/
structure Clock where
  /-- Shared with the host. -/
  control : Control
  /-- `IO.monoMsNow` when the server started. -/
  startedAt : Nat
  /-- Tokens that were set. Kept, so that a late write of the host meets a live object. -/
  spent : IO.Ref (Array IO.CancelToken)

/-- A clock that starts now. -/
def Clock.start (control : Control) : BaseIO Clock := do
  return { control, startedAt := ← IO.monoMsNow, spent := ← IO.mkRef #[] }

/-- Milliseconds since the server started. -/
def Clock.now (clock : Clock) : BaseIO Nat := do
  return (← IO.monoMsNow) - clock.startedAt

/-- What a step may use. -/
structure StepLimits where
  /-- Lean's `maxHeartbeats` (thousands of small allocations); 0 is no limit. -/
  heartbeats : Nat := 200000
  /-- Wall clock, milliseconds; 0 is no limit. -/
  milliseconds : Nat := 0
  deriving Inhabited

/-- How a step ended that did not run to its end by itself. -/
inductive Stop where
  /-- Past its wall clock limit. -/
  | timeout
  /-- The client asked to stop. -/
  | cancelled
  deriving BEq

/-- The error kind of a stop. -/
def Stop.kind : Stop → ErrorKind
  | timeout => .timeout
  | cancelled => .cancelled

/-- Runs `step` once with a fresh deadline, and says whether it was stopped from outside; its result then means nothing. -/
private def Clock.attempt {α : Type} (clock : Clock) (limits : StepLimits) (step : IO.CancelToken → BaseIO α) :
    BaseIO (α × Option Stop × Nat) := do
  let { token, deadline, cancelled } := clock.control
  let begun ← clock.now
  if limits.milliseconds > 0 then deadline.set (begun + limits.milliseconds)
  let result ← step (← token.get)
  deadline.set 0
  let elapsed := (← clock.now) - begun
  unless ← (← token.get).isSet do return (result, none, elapsed)
  clock.spent.modify (·.push (← token.swap (← IO.CancelToken.new)))
  return (result, some (if ← cancelled.get then .cancelled else .timeout), elapsed)

/-- Runs `step` with a fresh deadline. The second component says whether it was stopped from outside (its result then means nothing), the
third how many milliseconds it took.

The host may set the token a moment after the step that it was meant for has ended; a step that still had time left was hit
by mistake and runs again. -/
def Clock.runStep {α : Type} (clock : Clock) (limits : StepLimits) (step : IO.CancelToken → BaseIO α) :
    BaseIO (α × Option Stop × Nat) := do
  let first ← clock.attempt limits step
  match first with
  | (_, some .timeout, elapsed) => if limits.milliseconds == 0 || elapsed < limits.milliseconds then clock.attempt limits step else return first
  | _ => return first

/-- Whether the client asked to stop the running request. -/
def Clock.isCancelled (clock : Clock) : BaseIO Bool :=
  clock.control.cancelled.get

end LemmaForge
