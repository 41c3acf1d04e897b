from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lean_bridge.errors import SetupError
from lean_bridge.toolchain import glue
from lean_bridge.toolchain.node import Node


@pytest.fixture(scope="module")
def published(package: Path) -> bytes:
    return (package / "lean.js").read_bytes()


@pytest.fixture(scope="module")
def trimmed(published: bytes) -> bytes:
    return glue.trim(published)


def test_the_glue_shrinks_a_hundredfold_and_stays_a_program(
    trimmed: bytes, published: bytes, node: Node, tmp_path: Path
) -> None:
    assert len(trimmed) * 100 < len(published)
    (tmp_path / "lean.js").write_bytes(trimmed)
    subprocess.run([node.executable, "--check", tmp_path / "lean.js"], check=True)


def test_exports_that_the_glue_reads_are_still_assigned_and_others_are_not(trimmed: bytes) -> None:
    assert b'_malloc=wasmExports["malloc"]' in trimmed
    assert b'wasmExports["lean_mk_string"]' not in trimmed
    assert b"var pthreadPoolSize=0;" in trimmed


@pytest.mark.parametrize(
    "text",
    [
        b"var pthreadPoolSize=4;",
        b"function assignWasmExports(wasmExports){",
        b"var __dlsym_js=",
        b"mergeLibSymbols(wasmExports",
    ],
)
def test_glue_of_another_version_is_refused_and_what_is_missing_named(published: bytes, text: bytes) -> None:
    with pytest.raises(SetupError, match="not the version") as refused:
        glue.trim(published.replace(text, b"/* gone */"))
    assert text.decode() in str(refused.value)
