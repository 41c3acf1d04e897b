module

public import LemmaForge.Judge.Syntax

/-!
# What libraries add to the language

Proofs over Mathlib are written in Mathlib's tactics and notation, and a statement about real numbers needs `ℝ`. What a library declares is trusted: it was imported before there was a submission. What matters is
whether a piece of its syntax *runs* what a submission puts into it, as core's `run_tac` does.

So the syntax of packages that were looked through is allowed, but for

* what is no term, tactic or pattern: commands and attributes bring programs along (`lemma` is `theorem` by another name);
* modules whose syntax evaluates a term of the submission, starts programs, or gives other options than those that the grammar has.

A configuration that is a term, `(config := …)`, has a kind of core's, which the grammar does not have. Of other packages' syntax what is useful in proofs is listed, kind by kind. Everything else is refused by name, and
may be allowed by the caller. A package is looked through anew when it is taken in a newer version: `grep -rn "evalTerm\|evalExpr"` over it.
-/

public section

namespace LemmaForge.Judge

open Lean Parser

/-- Packages that were looked through, at the commits that go with Mathlib of 2025-12-26. -/
private def packages : List Name := [`Mathlib, `Batteries]

/-- Categories of what a proof is made of. -/
private def categories : List Name := [`term, `tactic, `conv, `rcasesPat, `rintroPat, `binderPred, `level, `prec, `prio]

/-- Modules whose syntax runs what is put into it, and all modules below them. -/
private def runners : List Name := [
  -- evaluate a term
  `Mathlib.Tactic.ApplyWith, `Mathlib.Tactic.Eval, `Mathlib.Tactic.Sat, `Mathlib.Tactic.SuccessIfFailWithMsg, `Mathlib.Tactic.Trace,
  -- start a program, or show pages
  `Mathlib.Tactic.Polyrith, `Mathlib.Tactic.Widget,
  -- change options and names for others
  `Mathlib.Tactic.DeprecateTo, `Mathlib.Tactic.Linter, `Mathlib.Tactic.SudoSetOption, `Mathlib.Tactic.TacticAnalysis, `Mathlib.Tactic.UnsetOption]

/-- Kinds of other packages, and commands. `aesop` takes no clauses here: some of them are evaluated. -/
private def listed : List Name := [`lemma, `Aesop.Frontend.Parser.aesopTactic, `Aesop.Frontend.Parser.aesopTactic?]

/-- Whether a syntax kind is one that a library brings along for proofs, and runs nothing. -/
def isLibraryKind (env : Environment) (kind : Name) : Bool := Id.run do
  let some module := (env.getModuleIdxFor? kind).bind (env.header.moduleNames[·]?) | return false
  let state := parserExtension.getState env
  unless state.kinds.contains kind do return false
  if listed.contains kind then return true
  unless packages.contains module.getRoot && !runners.any (·.isPrefixOf module) do return false
  return state.categories.toList.all fun (name, category) => categories.contains name || !category.kinds.contains kind

/-- Whether a kind is allowed beyond the grammar: the trusted text declares it, or a library that was looked through. -/
def isTrustedKind (env : Environment) (kind : Name) : Bool := isOwnKind env kind || isLibraryKind env kind

end LemmaForge.Judge
