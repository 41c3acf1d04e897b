from __future__ import annotations

import os
from pathlib import Path

import pytest

from lean_bridge.doctor import Check, check_installation
from lean_bridge.toolchain import Toolchain


def checks(cache: Path, *, prove: bool = False) -> dict[str, Check]:
    return {check.name: check for check in check_installation(cache=cache, prove=prove)}


def test_a_whole_installation_passes_every_required_check_and_proves_something(
    toolchain: Toolchain, cache: Path
) -> None:
    assert toolchain.backend == "embedded"
    found = checks(cache, prove=True)
    assert {name for name, check in found.items() if check.required and not check.ok} == set()
    assert "proved a + b = b + a" in found["server"].detail
    assert all((check.cure == "") == check.ok for check in found.values())


def test_an_empty_cache_is_found_and_the_cure_is_to_set_it_up(tmp_path: Path) -> None:
    found = checks(tmp_path / "cache", prove=True)
    assert found["cache folder"].ok
    assert not found["embedded Lean"].ok
    assert found["embedded Lean"].cure == "run `lemma lean setup`"
    assert "server" not in found


def test_a_cache_that_cannot_be_written_is_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = checks(tmp_path / "file" / "cache")
    assert not found["cache folder"].ok
    assert "LEMMAFORGE_CACHE" in found["cache folder"].cure
    assert not found["embedded Lean"].ok


def test_a_full_disk_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lean_bridge.toolchain.provision.NEEDED_BYTES", 10**18)
    assert not checks(tmp_path)["disk space"].ok


def test_a_missing_native_lean_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    native = checks(tmp_path)["native Lean"]
    assert not native.ok
    assert not native.required


@pytest.mark.parametrize(
    ("version", "detail", "cure"),
    [
        ("4.9.0", "4.9.0 is too old", "4.28.0 or newer"),
        ("4.30.0-rc2", "4.30.0: read, never run", "4.33.1 is free of"),
        ("4.33.1", "4.33.1: read, never run", ""),
    ],
)
def test_a_native_release_is_known_or_not(
    version: str, detail: str, cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("lean", "lake"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho 'Lean (version {version}, aarch64-apple-darwin, Release)'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    release = checks(tmp_path)["native release"]
    assert detail in release.detail
    assert cure in release.cure
    assert release.ok == (cure == "")
    assert not release.required
