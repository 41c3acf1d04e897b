"""What can go wrong with an export.

::

    StoreError
    └── ExportError        the options or the store cannot give the data set that was asked for
        ├── OutputExists   the folder to write is there already, or another export is writing it
        ├── WriteFailed    the operating system refused: disk full, no permission, …
        └── PackageMissing an optional package is not installed

Every message says what is wrong and what to do about it.
"""

from __future__ import annotations

from db.errors import StoreError


class ExportError(StoreError):
    """Raised when the options or the store cannot give the data set that was asked for."""


class OutputExists(ExportError):
    """Raised when the folder to write is there already, or when another export is writing it."""


class WriteFailed(ExportError):
    """Raised when the operating system refuses to write; nothing is left of the export."""


class PackageMissing(ExportError):
    """Raised when a format needs a package that is not installed."""
