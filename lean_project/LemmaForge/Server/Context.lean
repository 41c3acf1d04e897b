module

public import LemmaForge.Check
public import LemmaForge.Premise.Lookup
public import LemmaForge.Refute.Conjecture
public import LemmaForge.Mutate.Harvest

/-!
# What the server works with

The state behind the methods is a table of environments and a table of proof states, both by number, both emptied only on request. What methods have in common is here: limits, the
environments and the theorem that a request names, and running as one step.
-/

public section

namespace LemmaForge.Server

open Lean Elab

/-- What the server remembers between requests. -/
structure State where
  /-- Imported modules, by import list, and what is known of the axioms in them; never released. -/
  imports : Std.HashMap String (Environment × IO.Ref Judge.Imported) := {}
  /-- Open environments, by number. -/
  environments : Std.HashMap Nat Command.State := {}
  /-- Numbers of environments opened by `env.open`, by imports and prelude. -/
  opened : Std.HashMap (String × String) Nat := {}
  /-- Proof states, by number. -/
  states : Std.HashMap Nat ProofState := {}
  /-- Lemmas indexed for mutation, and the environments that they are of, by number. -/
  indexes : Std.HashMap Nat (Command.State × Mutate.Index × Canonical) := {}
  /-- What lemmas are about, for the modules of the latest look-up. -/
  relevance : Array Name × Relevance := ({}, {})
  /-- Constants that may be taken for each other, for the modules of the latest conjectures. -/
  siblings : Array Name × Refute.Siblings := ({}, { names := {} })
  /-- The next number to give. -/
  next : Nat := 1
  /-- Requests answered. -/
  requests : Nat := 0

/-- What a handler can reach. -/
structure Context where
  /-- Clock and interrupts. -/
  clock : Clock
  /-- The tables. -/
  state : IO.Ref State
  /-- `embedded` or `native`. -/
  backend : String
  /-- What submissions may be made of. -/
  grammar : Judge.Grammar

/-- A method of the protocol. -/
abbrev Handler := Context → Request → RequestM Json

/-- A number for something new. -/
def Context.fresh (c : Context) : BaseIO Nat :=
  c.state.modifyGet fun s => (s.next, { s with next := s.next + 1 })

def Context.environment (c : Context) (id : Nat) : RequestM Command.State := do
  let some env := (← c.state.get).environments[id]? | fail .unknownEnv s!"no environment {id}"
  return env

def Context.proofState (c : Context) (id : Nat) : RequestM ProofState := do
  let some state := (← c.state.get).states[id]? | fail .unknownState s!"no proof state {id}"
  return state

def Context.keep (c : Context) (state : ProofState) : BaseIO Nat := do
  let id ← c.fresh
  c.state.modify fun s => { s with states := s.states.insert id state }
  return id

def Context.keepEnvironment (c : Context) (env : Command.State) : BaseIO Nat := do
  let id ← c.fresh
  c.state.modify fun s => { s with environments := s.environments.insert id env }
  return id

/-- The limits that a request asks for. -/
def limitsOf (r : Request) (seconds : JsonNumber) (heartbeats : Nat := 200000) : RequestM StepLimits := do
  let seconds := (← r.arg? JsonNumber "seconds").getD seconds
  return { heartbeats := (← r.arg? Nat "heartbeats").getD heartbeats, milliseconds := (seconds.toFloat * 1000).toUInt64.toNat }

/-- Runs a request as one step: the reply is an error when it was stopped from outside. -/
def Context.asStep {α : Type} (c : Context) (limits : StepLimits) (act : IO.CancelToken → RequestM α) : RequestM α := do
  match ← c.clock.runStep limits fun token => (act token).run.toBaseIO with
  | (_, some stop, _) => fail stop.kind (match stop with | .timeout => "stopped at its time limit" | .cancelled => "cancelled")
  | (.ok (.ok value), none, _) => return value
  | (.ok (.error e), none, _) => throw e
  | (.error e, none, _) => throw (ε := RequestError) { kind := .internal, message := e.toString }

/-- The environment of an import list, imported once. -/
def Context.importsOf (c : Context) (imports : Array Import) : RequestM (Environment × IO.Ref Judge.Imported) := do
  let key := " ".intercalate (imports.map toString).toList
  if let some found := (← c.state.get).imports[key]? then return found
  let imported := (← importEnvironment imports, ← IO.mkRef {})
  c.state.modify fun s => { s with imports := s.imports.insert key imported }
  return imported

/-- The theorem that a request states: by `statement`, a proposition or a declaration, or by `declaration`. -/
def targetOf (c : Context) (r : Request) (token : IO.CancelToken) : RequestM Target := do
  let before ← c.environment (← r.arg Nat "env")
  match ← r.arg? String "statement", ← r.arg? String "declaration" with
  | some text, none => Target.ofText before text token
  | none, some text => Target.ofDeclaration before text token
  | _, _ => fail .badRequest "give either `statement` or `declaration`"

def stateJson (c : Context) (id : Nat) (state : ProofState) (detail : Detail) : RequestM Json := do
  return Json.mkObj [("id", id), ("goals", ← state.goalsJson detail (← c.clock.control.token.get))]

/-- What the lemmas of the modules under an environment are about; found out once as long as the modules stay the same. -/
def Context.relevance (c : Context) (env : Environment) : BaseIO Relevance := do
  let modules := env.header.moduleNames
  let (known, relevance) := (← c.state.get).relevance
  if known == modules then return relevance
  let relevance := Relevance.build env
  c.state.modify fun s => { s with relevance := (modules, relevance) }
  return relevance

/-- Constants that may be taken for each other; found out once as long as the modules stay the same. -/
def Context.siblings (c : Context) (env : Environment) : BaseIO Refute.Siblings := do
  let modules := env.header.moduleNames
  let (known, siblings) := (← c.state.get).siblings
  if known == modules then return siblings
  let siblings := Refute.Siblings.build env
  c.state.modify fun s => { s with siblings := (modules, siblings) }
  return siblings

end LemmaForge.Server
