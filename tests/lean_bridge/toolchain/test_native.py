"""The native toolchain against programs that behave as `lean` and `lake` do, since no machine needs a native Lean to run the tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lean_bridge.errors import SetupError, ToolchainError
from lean_bridge.toolchain import find_toolchain, native
from lean_bridge.toolchain.jobs import FrontendProcess, Job

LEAN = """#!{python}
import os, sys
if "--version" in sys.argv:
    print("Lean (version {version}, x86_64-unknown-linux-gnu, commit abc, Release)")
    sys.exit()
print("LEAN_PATH", os.environ.get("LEAN_PATH"))
print("arguments", sys.argv[1:], end="")
sys.exit(1 if "bad.lean" in sys.argv[-1] else 0)
"""

LAKE = """#!{python}
import os, pathlib, sys
if sys.argv[1:] == ["env"]:
    print("LEAN_PATH=/project/library")
elif sys.argv[1] == "env":
    os.environ["LAKE_HOME"] = "yes"
    os.execv(sys.argv[2], sys.argv[2:])
elif sys.argv[1] == "build":
    if "broken" in pathlib.Path("LemmaForge.lean").read_text():
        print("error: LemmaForge.lean:1:0"); sys.exit(1)
    program = pathlib.Path(".lake/build/bin/lemmaforge-server")
    program.parent.mkdir(parents=True)
    program.write_text("#!{python}\\nimport os; print(os.getcwd(), os.environ['LAKE_HOME'])")
    program.chmod(0o755)
"""


def install(folder: Path, version: str = "4.29.1") -> Path:
    """Puts `lean` and `lake` into a folder; returns `lake`."""
    folder.mkdir(exist_ok=True)
    for name, text in (("lean", LEAN), ("lake", LAKE)):
        (folder / name).write_text(text.replace("{python}", sys.executable).replace("{version}", version))
        (folder / name).chmod(0o755)
    return folder / "lake"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "lean_project"
    folder.mkdir()
    (folder / "Main.lean").write_text("import LemmaForge")
    (folder / "LemmaForge.lean").write_text("")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "lean-toolchain").write_text("leanprover/lean4:v4.29.1")
    return folder


def test_the_server_is_compiled_once_and_runs_in_the_projects_environment(
    tmp_path: Path, sources: Path, project: Path
) -> None:
    lake = install(tmp_path / "bin")
    said: list[str] = []
    toolchain = native.find(project, tmp_path / "cache", sources, lambda what, _fraction: said.append(what), lake)
    again = native.find(project, tmp_path / "cache", sources, lambda what, _fraction: said.append(what), lake)
    assert again == toolchain
    assert len(said) == 1
    command = toolchain.server()
    assert command.cwd == project
    output = subprocess.run(command.argv, cwd=command.cwd, capture_output=True, text=True, check=True).stdout
    assert output == f"{project} yes\n"
    assert "4.29.1" in {fact.name: fact.value for fact in toolchain.facts()}["Lean"]


def test_other_sources_or_another_lean_compile_another_server(tmp_path: Path, sources: Path, project: Path) -> None:
    first = native.find(project, tmp_path / "cache", sources, lake=install(tmp_path / "bin"))
    newer = native.find(project, tmp_path / "cache", sources, lake=install(tmp_path / "newer", "4.30.0"))
    (sources / "Main.lean").write_text("import LemmaForge.Server")
    edited = native.find(project, tmp_path / "cache", sources, lake=tmp_path / "bin")
    assert len({first.program, newer.program, edited.program}) == 3


def test_a_server_that_does_not_compile_is_an_error_and_leaves_nothing(
    tmp_path: Path, sources: Path, project: Path
) -> None:
    (sources / "LemmaForge.lean").write_text("broken")
    with pytest.raises(SetupError, match=r"LemmaForge\.lean:1:0"):
        native.find(project, tmp_path / "cache", sources, lake=install(tmp_path / "bin"))
    assert list((tmp_path / "cache" / "native").iterdir()) == []


def test_an_old_lean_is_refused_with_a_cure(tmp_path: Path, sources: Path, project: Path) -> None:
    with pytest.raises(ToolchainError, match=r"version 4\.9\.0.*needs 4\.28\.0.*lean-toolchain"):
        native.find(project, tmp_path / "cache", sources, lake=install(tmp_path / "bin", "4.9.0"))


def test_without_lake_the_message_says_what_to_do(
    tmp_path: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ToolchainError, match="install Lean with elan"):
        native.find(None, tmp_path / "cache", sources)
    with pytest.raises(ToolchainError, match="install Lean with elan"):
        native.find(None, tmp_path / "cache", sources, lake=tmp_path / "nowhere")


def test_auto_takes_the_native_lean_for_a_lake_project_alone(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = install(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{lake.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LEMMAFORGE_CACHE", str(tmp_path / "cache"))
    assert find_toolchain("auto", project).backend == "native"
    assert not native.is_usable(None)
    assert not native.is_usable(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not native.is_usable(project)


def test_the_front_end_runs_lean_with_the_projects_search_path(tmp_path: Path, sources: Path, project: Path) -> None:
    toolchain = native.find(project, tmp_path / "cache", sources, lake=install(tmp_path / "bin"))
    said: list[str] = []
    with FrontendProcess(toolchain.frontend()) as process:
        assert process.run(Job("/x/good.lean", "good.lean", "_stdin", json=True, leanPath=["/mine"]), said.append) == 0
        assert "".join(said) == "LEAN_PATH /mine:/project/library\narguments ['--json', 'good.lean']"
        assert process.run(Job("/x/bad.lean", "bad.lean", "_stdin"), said.append) == 1


def test_the_lakefile_that_the_server_is_built_with_is_valid() -> None:
    import tomllib

    assert (
        json.dumps(tomllib.loads(native._LAKEFILE)["lean_exe"])
        == '[{"name": "lemmaforge-server", "root": "Main", "supportInterpreter": true}]'
    )
