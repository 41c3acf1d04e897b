"""What can go wrong between Python and Lean.

A tactic that fails is a value, never an exception; these are the machine's, the installation's and the caller's faults.

::

    BridgeError
    ├── ToolchainError      no usable Lean: not installed, wrong node, damaged cache
    │   └── SetupError      installing the embedded Lean failed: network, disk, integrity
    ├── InputError          what the caller gave is wrong: unparsable file, unknown import, not a proposition
    ├── ProtocolError       the server said something that the protocol does not know
    ├── RequestFailed       the server answered with an error envelope
    ├── DojoError           LeanDojo cannot do what it was asked
    └── ServerDied          infrastructure: the Lean process is gone (crash, limit, kill)
        ├── WallClockExceeded
        └── MemoryExceeded

Every message says what is wrong and what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping


class BridgeError(Exception):
    """Base of everything that lean_bridge raises."""


class ToolchainError(BridgeError):
    """Raised when no usable Lean can be found or started."""


class SetupError(ToolchainError):
    """Raised when the embedded Lean cannot be installed; the cache is left as it was."""


class InputError(BridgeError):
    """Raised when the caller's file, statement or option is wrong. Commands exit with code 2 on it."""


class ProtocolError(BridgeError):
    """Raised when a reply is not one that the protocol knows."""


class RequestFailed(BridgeError):
    """Raised when the server answers a request with an error envelope.

    Attributes:
        kind: one of the error kinds of docs/protocol.md.
        data: what came with it, for example `messages` with positions.
    """

    def __init__(self, kind: str, message: str, data: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.data: Mapping[str, object] = data or {}


class DojoError(BridgeError):
    """Raised when LeanDojo cannot do what it was asked.

    Attributes:
        kind: `init`: it cannot open the theorem; `leandojo`: it fails itself.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class ServerDied(BridgeError):
    """Raised when the Lean process is gone while a request was in flight."""


class WallClockExceeded(ServerDied):
    """Raised when a request outlived its hard limit and the process was killed."""


class MemoryExceeded(ServerDied):
    """Raised when the process outgrew its memory limit and was killed."""
