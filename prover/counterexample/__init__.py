"""Counterexamples: statements shown to be false by a proof of their negation."""
