"""CounterMATH (Li et al. 2025, arXiv 2502.10454): statements of mathematics that a model judges true or false, with examples.

Nothing here is checked by Lean: the labels are of the benchmark's authors, and examples are judged by another model.
"""
