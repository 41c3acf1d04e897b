module

public import LemmaForge.Protocol
public import LemmaForge.Limits
public import LemmaForge.Stages
public import LemmaForge.Frontend
public import LemmaForge.Releases
public import LemmaForge.Declarations
public import LemmaForge.Canonical
public import LemmaForge.Signature
public import LemmaForge.Judge.Syntax
public import LemmaForge.Judge.Libraries
public import LemmaForge.Goal
public import LemmaForge.Statement
public import LemmaForge.Judge.Kernel
public import LemmaForge.Judge.Code
public import LemmaForge.Judge.Export
public import LemmaForge.Check
public import LemmaForge.Mutate.Kind
public import LemmaForge.Mutate.Index
public import LemmaForge.Premise.Relevance
public import LemmaForge.Premise.Lookup
public import LemmaForge.Refute.Values
public import LemmaForge.Refute.Evaluate
public import LemmaForge.Refute.Search
public import LemmaForge.Refute.Text
public import LemmaForge.Refute.Change
public import LemmaForge.Refute.Conjecture
public import LemmaForge.Mutate.Candidate
public import LemmaForge.Mutate.Rewrite
public import LemmaForge.Mutate.Shape
public import LemmaForge.Mutate.Text
public import LemmaForge.Mutate.Filter
public import LemmaForge.Mutate.Harvest
public import LemmaForge.Trace.Modules
public import LemmaForge.Trace.Steps
public import LemmaForge.Trace.File
public import LemmaForge.Trace.Open
public import LemmaForge.Server.Context
public import LemmaForge.Server.Library
public import LemmaForge.Server

/-!
# LemmaForge, the Lean side

A program that elaborates, proves and checks on request. Read in this order:

* `Protocol`: what travels between Python and Lean;
* `Limits`: heartbeats, clock, cancellation; `Stages`: where the time of a longer work goes;
* `Frontend`: elaborating source text;
* `Declarations`: constants on their way from one environment to another;
* `Releases`: what is spelt differently in different releases of Lean;
* `Canonical`: when two statements are the same; `Signature`: statements as text;
* `Goal`: proof states and tactics; `Statement`: from text to a theorem to prove;
* `Check`: from a submission to a verdict, with `Judge.Syntax` and `Judge.Libraries` (what a submission may be made of), `Judge.Code` (its code is not run), `Judge.Kernel` (what
  the kernel says, and on which axioms) and `Judge.Export` (declarations for a second opinion);
* `Premise.Lookup`: which lemmas fit a goal, and (`Premise.Relevance`) which are about the same things;
* `Refute.Search`: counterexamples, with `Refute.Values` (what is tried), `Refute.Evaluate` (what is true of it) and `Refute.Text` (the negation and its proof as text); `Refute.Conjecture`: statements that are nearly true (`Refute.Change`), and what is found out about them;
* `Trace.Modules`: theorems of a library; `Trace.File`: what a file declares, and its tactic proofs step by step (`Trace.Steps`); `Trace.Open`: into the middle of such a proof;
* `Mutate.Harvest`: all mutants of a theorem, with `Mutate.Index` (which lemmas can change it), `Mutate.Candidate`, `Mutate.Rewrite` and `Mutate.Shape` (how they do), `Mutate.Text` (what is
  written is read back) and `Mutate.Filter` (what is worth having);
* `Server`: all of it behind a line of JSON, with `Server.Context` (what it works with) and `Server.Library` (methods about a whole library).

It depends on Lean's own library alone: whatever else a user's project brings in is imported at run time.
-/
