module

public import LemmaForge
public import Lean.Util.Path
public import Std.Sync.Mutex

/-!
# The server as a native program

Three threads. The main one elaborates. One reads standard input, so that a cancel request is seen while a tactic runs, and ends the process when the
client is gone. One looks at the deadline of the running step and sets its cancel token.

Lines of our own start with the token that the client's first line brings (`docs/protocol.md`, "Framing"); it lives in local variables of
`main` alone. Code under test reads an empty standard input.
-/

public section

open Lean LemmaForge

namespace LemmaForge.Main

/-- Requests that wait, in order. -/
structure Queue where
  /-- The lines. -/
  lines : Std.Mutex (Array String)
  /-- Signalled when a line came in. -/
  arrived : Std.Condvar

private def Queue.push (q : Queue) (line : String) : BaseIO Unit := do
  q.lines.atomically (modify (·.push line))
  q.arrived.notifyOne

private def Queue.pop (q : Queue) : BaseIO String :=
  q.lines.atomicallyOnce q.arrived (return !(← get).isEmpty) do
    let lines ← get
    set (lines.extract 1 lines.size)
    return lines[0]!

/-- What the reading thread shares with the main one. -/
structure Shared where
  /-- Clock, token and cancel switch of the running step. -/
  control : Control
  /-- Requests that wait. -/
  queue : Queue
  /-- The request that runs. -/
  running : IO.Ref (Option Nat)
  /-- Requests that were cancelled before they ran. -/
  dropped : IO.Ref (Array Nat)

private def Shared.cancel (s : Shared) (id : Nat) : BaseIO Unit := do
  if (← s.running.get) == some id then
    s.control.cancelled.set true
    (← s.control.token.get).set
  else s.dropped.modify (·.push id)

/-- Reads requests until the input ends, and the process with it. -/
private partial def read (stdin : IO.FS.Stream) (s : Shared) : IO Unit := do
  let line ← stdin.getLine
  if line.isEmpty then IO.Process.exit 0
  match Request.ofLine line with
  | .ok { method := "cancel", params, .. } =>
    if let .ok id := params.getObjValAs? Nat "request" then s.cancel id
  | _ => s.queue.push line
  read stdin s

/-- Interrupts steps that are past their deadline. `startedAt` is when the server's clock started. -/
private partial def watch (control : Control) (startedAt : Nat) : IO Unit := do
  IO.sleep 20
  let deadline ← control.deadline.get
  if deadline > 0 && (← IO.monoMsNow) - startedAt > deadline then (← control.token.get).set
  watch control startedAt

private partial def serve (stdout : IO.FS.Stream) (token : String) (s : Shared) (answer : String → BaseIO String) : IO Unit := do
  let line ← s.queue.pop
  let id := (Request.ofLine line).toOption.map (·.id)
  s.control.cancelled.set false
  s.running.set id
  if let some id := id then
    if (← s.dropped.get).contains id then s.cancel id
  let reply ← answer line
  s.running.set none
  stdout.putStr s!"\n{token} {reply}\n"
  stdout.flush
  serve stdout token s answer

end LemmaForge.Main

open LemmaForge.Main in
/-- Serves requests from standard input until it ends. -/
unsafe def main (_ : List String) : IO UInt32 := do
  initSearchPath (← findSysroot)
  enableInitializersExecution
  let stdin ← IO.getStdin
  let stdout ← IO.getStdout
  let some token := ((Json.parse (← stdin.getLine)).bind (·.getObjValAs? String "token")).toOption
    | IO.eprintln "the first line on standard input must be {\"token\": ...}"; return 2
  let _ ← IO.setStdin (IO.FS.Stream.ofBuffer (← IO.mkRef {}))
  let control : Control := {
    token := ← IO.mkRef (← IO.CancelToken.new), deadline := ← IO.mkRef 0, cancelled := ← IO.mkRef false }
  let shared : Shared := {
    control, queue := { lines := ← Std.Mutex.new #[], arrived := ← Std.Condvar.new }, running := ← IO.mkRef none, dropped := ← IO.mkRef #[] }
  let startedAt ← IO.monoMsNow
  let answer ← Server.startAs "native" control
  let _ ← IO.asTask (prio := .dedicated) (watch control startedAt)
  let _ ← IO.asTask (prio := .dedicated) (LemmaForge.Main.read stdin shared)
  stdout.putStr s!"\n{token} {← answer ""}\n"
  stdout.flush
  LemmaForge.Main.serve stdout token shared answer
  return 0
