module

public import LemmaForge.Protocol
public import LemmaForge.Limits
public import LemmaForge.Frontend
public import LemmaForge.Goal
public import LemmaForge.Statement
public import LemmaForge.Check
public import LemmaForge.Premise.Lookup
public import LemmaForge.Server

/-!
# LemmaForge, the Lean side

A program that elaborates, proves and checks on request. Read in this order:

* `Protocol`: what travels between Python and Lean;
* `Limits`: heartbeats, clock, cancellation;
* `Frontend`: elaborating source text;
* `Goal`: proof states and tactics; `Statement`: from text to a theorem to prove;
* `Check`: the kernel's word on a finished proof;
* `Premise.Lookup`: which lemmas fit a goal;
* `Server`: all of it behind a line of JSON.

It depends on Lean's own library alone: whatever else a user's project brings in is imported at run time.
-/
