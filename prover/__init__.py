"""Finding proofs: search over Lean's proof states, tactics from rules or models, and a judge who has the last word.

Begin with `prover.engine.prove`. `prover.core` holds what the parts say to each other.
"""
