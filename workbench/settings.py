"""What the user's environment says about how LemmaForge is to run.

==================== ===============================================================================
`LEMMAFORGE_LEAN`    `embedded`, `native` or `auto`: which Lean to take where `--lean` is not given
`LEMMAFORGE_WORKERS` how many Lean processes to run where `--workers` is not given
`LEMMAFORGE_CACHE`   where the embedded Lean is kept (read by `lean_bridge.toolchain.cache_folder`)
`OPENAI_API_KEY`     the key for a model's server where no other variable is named
==================== ===============================================================================
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lean_bridge.errors import InputError

WORKER_BYTES = 3 * 2**29
"""Memory to count for one Lean process: 1.3 GiB are resident after a search, and there is the node program beside it."""


class DriverKind(StrEnum):
    """Who drives Lean: our own server, or LeanDojo."""

    server = "server"
    leandojo = "leandojo"


class LeanKind(StrEnum):
    """Which Lean is to run."""

    embedded = "embedded"
    native = "native"
    auto = "auto"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user did not say on the command line."""

    lean: LeanKind
    workers: int
    """Lean processes at a time."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Reads the settings.

        Raises:
            InputError: a variable has a value that it cannot have.
        """
        lean = environment.get("LEMMAFORGE_LEAN", LeanKind.auto)
        if lean not in list(LeanKind):
            raise InputError(f"LEMMAFORGE_LEAN is {lean!r}; set it to one of {', '.join(LeanKind)}, or unset it.")
        workers = environment.get("LEMMAFORGE_WORKERS")
        if workers is None:
            return cls(LeanKind(lean), affordable_workers())
        if not workers.isdecimal() or int(workers) == 0:
            raise InputError(f"LEMMAFORGE_WORKERS is {workers!r}; set it to a number from 1, or unset it.")
        return cls(LeanKind(lean), int(workers))


def api_key(variable: str | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """The key in a variable that the user named, or in OPENAI_API_KEY if there is one; None for a server that needs none.

    Raises:
        InputError: the variable that was named is not set, or empty.
    """
    key = environment.get(variable or "OPENAI_API_KEY", "").strip()
    if variable and not key:
        raise InputError(f"{variable} is not set; put the API key into it, or name the variable that has it.")
    return key or None


def serving_token(variable: str | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """The token that clients of a server must send, from the variable that the user named; None: none is asked for.

    Raises:
        InputError: the variable is not set, or empty, or holds what no header can carry.
    """
    if variable is None:
        return None
    token = environment.get(variable, "").strip()
    if not token or not (token.isascii() and token.isprintable()):
        raise InputError(f"{variable} holds no token; set it to one of printable ASCII characters.")
    return token


def with_variables(more: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of this process and more, for one that takes its place."""
    return {**environment, **more}


def affordable_workers() -> int:
    """How many Lean processes this machine can run at a time: one a core, as far as memory goes, and at least one."""
    import psutil

    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    memory: int = psutil.virtual_memory().available
    return max(1, min(cores, memory // WORKER_BYTES))
