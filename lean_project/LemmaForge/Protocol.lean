module

public import Lean.Data.Json
public import Lean.Message

/-!
# What travels between Python and Lean

One JSON object a line in each direction; `docs/protocol.md` is the contract and this file is its Lean side: the only
place that knows how a request is taken apart, how an error is named, and how a message looks on the wire.

A request names its method; a reply is either a result or an error with a *kind*, never something to be guessed from the fields that
happen to be there.
-/

public section

namespace LemmaForge

open Lean

/-- The version of the protocol, said in the greeting. It changes when a client written for the old one would misread the new one. -/
def protocolVersion : Nat := 1

/-- The version of the server program. -/
def serverVersion : String := "0.1.0"

/-- Why a request could not be answered. The names on the wire are those of `ErrorKind.toString`. -/
inductive ErrorKind where
  /-- The request is not of the protocol's form. -/
  | badRequest
  /-- No such method. -/
  | unknownMethod
  /-- No environment of that number, or it was released. -/
  | unknownEnv
  /-- No proof state of that number, or it was released. -/
  | unknownState
  /-- An import that is nowhere on the search path. -/
  | unknownModule
  /-- The text does not parse. -/
  | parse
  /-- The text parses, but does not elaborate. -/
  | elaboration
  /-- The statement is well formed, but it is not a proposition. -/
  | notAProposition
  /-- The step ran past its wall clock limit. -/
  | timeout
  /-- The step ran past its heartbeat limit. -/
  | heartbeats
  /-- The client asked to stop. -/
  | cancelled
  /-- A fault of this program. -/
  | internal
  deriving BEq, Inhabited

/-- The name of an error kind on the wire. -/
def ErrorKind.toString : ErrorKind → String
  | badRequest => "bad_request"
  | unknownMethod => "unknown_method"
  | unknownEnv => "unknown_env"
  | unknownState => "unknown_state"
  | unknownModule => "unknown_module"
  | parse => "parse_error"
  | elaboration => "elaboration_error"
  | notAProposition => "not_a_proposition"
  | timeout => "timeout"
  | heartbeats => "heartbeats"
  | cancelled => "cancelled"
  | internal => "internal"

/-- A request that failed: what it is called, what people read, and what came with it. -/
structure RequestError where
  /-- What kind of failure. -/
  kind : ErrorKind
  /-- What a person reads. -/
  message : String
  /-- Further data, for example the messages of the elaborator. -/
  data : Json := .null
  deriving Inhabited

/-- The monad of request handlers: `IO` with errors that have a kind. -/
abbrev RequestM := ExceptT RequestError IO

/-- Fails the request. -/
def fail {α : Type} (kind : ErrorKind) (message : String) (data : Json := .null) : RequestM α :=
  throw { kind, message, data }

/-- A request as it came in. -/
structure Request where
  /-- Chosen by the client, given back with the reply. -/
  id : Nat
  /-- Which method. -/
  method : String
  /-- Its arguments, an object. -/
  params : Json

/-- Takes a line apart. -/
def Request.ofLine (line : String) : Except String Request := do
  let json ← Json.parse line
  let id ← json.getObjValAs? Nat "id"
  let method ← json.getObjValAs? String "method"
  let params := (json.getObjVal? "params").toOption.getD (Json.mkObj [])
  return { id, method, params }

/-- The argument `name`, which must be there. -/
def Request.arg (r : Request) (α : Type) [FromJson α] (name : String) : RequestM α :=
  match r.params.getObjValAs? α name with
  | .ok value => return value
  | .error e => fail .badRequest s!"{r.method}: argument `{name}`: {e}"

/-- The argument `name`, or `none` when it is absent or null. -/
def Request.arg? (r : Request) (α : Type) [FromJson α] (name : String) : RequestM (Option α) :=
  match r.params.getObjVal? name with
  | .error _ | .ok .null => return none
  | .ok value =>
    match fromJson? value with
    | .ok value => return some value
    | .error e => fail .badRequest s!"{r.method}: argument `{name}`: {e}"

/-- The line that answers request `id`. -/
def replyLine (id : Nat) : Except RequestError Json → String
  | .ok result => (Json.mkObj [("id", id), ("result", result)]).compress
  | .error e =>
    let fields : List (String × Json) := [("kind", e.kind.toString), ("message", e.message)]
    let fields := if e.data.isNull then fields else fields ++ [("data", e.data)]
    (Json.mkObj [("id", id), ("error", Json.mkObj fields)]).compress

/-- A time in seconds, exactly: the embedded Lean's library loses zeros when it writes a `Float`. -/
def secondsJson (nanoseconds : Nat) : Json := .num { mantissa := nanoseconds, exponent := 9 }

/-- A time in milliseconds, exactly. -/
def millisecondsJson (nanoseconds : Nat) : Json := .num { mantissa := nanoseconds, exponent := 6 }

/-- The name of a severity on the wire. -/
def severityName : MessageSeverity → String
  | .error => "error"
  | .warning => "warning"
  | .information => "info"

/-- A message of the elaborator: severity, text, and where it points to (lines from 1, columns from 0 in code points). -/
def messageJson (m : Message) : BaseIO Json := do
  let text ← m.data.toString
  let last := match m.endPos with
    | some p => [("endLine", (p.line : Json)), ("endColumn", (p.column : Json))]
    | none => []
  return Json.mkObj <| [("severity", (severityName m.severity : Json)), ("text", text.trimAsciiEnd.toString),
    ("line", m.pos.line), ("column", m.pos.column)] ++ last

/-- All messages of a log, in the order of their making, as JSON. -/
def messagesJson (log : MessageLog) : BaseIO Json := do
  return .arr (← (log.toList.filter (!·.isSilent)).toArray.mapM (messageJson ·))

end LemmaForge
