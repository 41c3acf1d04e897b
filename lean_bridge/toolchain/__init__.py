"""Finds a Lean to work with: the embedded one, which is installed when it is missing, or a native one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from lean_bridge.toolchain.base import Backend, Command, Fact, Toolchain
from lean_bridge.toolchain.storage import Progress

__all__ = ["Backend", "Command", "Fact", "Kind", "Progress", "Toolchain", "cache_folder", "find_toolchain", "is_native"]

Kind = Literal["embedded", "native", "auto"]


def cache_folder() -> Path:
    """Where the embedded Lean is kept: `LEMMAFORGE_CACHE`, or else LemmaForge's folder in the user's cache."""
    chosen = os.environ.get("LEMMAFORGE_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("lemmaforge")


def is_native(kind: Kind, project: Path | None = None, lake: Path | None = None) -> bool:
    """Whether it is a native Lean that `find_toolchain` would find."""
    from lean_bridge.toolchain import native

    return kind == "native" or (kind == "auto" and native.is_usable(project, lake))


def find_toolchain(
    kind: Kind = "auto", project: Path | None = None, progress: Progress | None = None, lake: Path | None = None
) -> Toolchain:
    """A Lean that can be started.

    Args:
        kind: which one; `auto` takes the native one if `project` is a Lake project and `lake` is found, else the embedded one.
        project: a Lake project, in whose environment a native Lean runs.
        progress: told what is being done where the embedded Lean has to be installed.
        lake: Lake's program, or the folder that it lies in, where it is not on PATH.

    Raises:
        ToolchainError: there is none; the message says what to do.
    """
    from lean_bridge.toolchain import native, provision

    if is_native(kind, project, lake):
        return native.find(project, cache_folder(), provision.lean_sources(), progress, lake)
    return provision.install(cache_folder(), progress)
