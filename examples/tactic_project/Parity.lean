module

public import Parity.Basic
public import Parity.Lemmas
public import Parity.Tactic.Search
public import Parity.Tactic.Parity
public import Parity.Square
public import Parity.Report

/-! Even and odd numbers, with a tactic of their own. -/
