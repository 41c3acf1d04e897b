from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lean_bridge.errors import SetupError
from lean_bridge.toolchain import wasm
from lean_bridge.toolchain.node import Node


@pytest.fixture(scope="module")
def published(package: Path) -> bytes:
    return (package / "lean.wasm").read_bytes()


def test_patches_replace_bytes_inside_four_functions_and_node_accepts_the_result(
    published: bytes, node: Node, tmp_path: Path
) -> None:
    patched = bytearray(published)
    patches = wasm.patches(published)
    for patch in patches:
        patched[patch.offset : patch.offset + len(patch.data)] = patch.data
    assert len(patched) == len(published)
    assert sum(len(patch.data) for patch in patches) < 12_000
    (tmp_path / "lean.wasm").write_bytes(patched)
    valid = "process.exit(WebAssembly.validate(require('fs').readFileSync(process.argv[1])) ? 0 : 1)"
    subprocess.run([node.executable, "-e", valid, tmp_path / "lean.wasm"], check=True)


@pytest.mark.parametrize(
    "name", [b"_ZN4lean12task_manager8run_task", b"_ZN4lean18get_num_heartbeatsEv", b"l_Lean_Elab_processHeaderCore"]
)
def test_a_module_without_a_needed_function_is_refused_and_the_function_named(published: bytes, name: bytes) -> None:
    with pytest.raises(SetupError, match="does not export") as refused:
        wasm.patches(published.replace(name, name[:-1] + b"?"))
    assert name.decode() in str(refused.value)


def test_a_function_that_reads_its_switch_elsewhere_is_refused(published: bytes) -> None:
    with pytest.raises(SetupError, match="switch"):
        wasm.patches(published.replace(wasm._READ_SWITCH, b"\1" * len(wasm._READ_SWITCH)))


@pytest.mark.parametrize("data", [b"", b"\0asm\2\0\0\0", b"<html>"])
def test_what_is_no_webassembly_is_refused(data: bytes) -> None:
    with pytest.raises(SetupError, match="not a WebAssembly module"):
        wasm.patches(data)


def test_a_module_without_code_is_refused() -> None:
    with pytest.raises(SetupError, match="has no section"):
        wasm.patches(b"\0asm\1\0\0\0")
