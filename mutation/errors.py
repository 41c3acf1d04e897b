"""What can go wrong in mutation.

::

    MutationError
    ├── UnknownModules   the library holds no theorems of these modules
    ├── OtherLean        the library was traced with another Lean than the one that runs
    └── Leak             a mutant rests on a theorem that was held out

A candidate that falls out is counted, never raised; so is a theorem over which Lean crashed.
"""

from __future__ import annotations


class MutationError(Exception):
    """Base of everything that mutation raises."""


class UnknownModules(MutationError):
    """Raised when there is nothing to mutate in the modules that were named."""


class OtherLean(MutationError):
    """Raised before anything is made: what a library's trace says need not hold in another Lean."""


class Leak(MutationError):
    """Raised when a mutant rests on a held-out theorem. Nothing of its unit is stored."""
