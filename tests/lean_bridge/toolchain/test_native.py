"""The native toolchain against programs that behave as `lean` and `lake` do, since no machine needs a native Lean to run the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from lean_bridge.errors import InputError, SetupError, ToolchainError
from lean_bridge.toolchain import find_toolchain, native
from lean_bridge.toolchain.jobs import FrontendProcess, Job

LEAN = """#!{python}
import os, pathlib, sys
if "--version" in sys.argv:
    print("Lean (version {version}, x86_64-unknown-linux-gnu, commit abc, Release)")
    sys.exit()
if "--print-prefix" in sys.argv:
    print(pathlib.Path(__file__).parents[1])
    sys.exit()
print("LEAN_PATH", os.environ.get("LEAN_PATH"), "LEAN_CC", os.environ.get("LEAN_CC"))
print("{version} arguments", sys.argv[1:], end="")
sys.exit(1 if "bad.lean" in sys.argv[-1] else 0)
"""

LAKE = """#!{python}
import os, pathlib, sys
if sys.argv[1:] == ["env"]:
    print("LEAN_CC=\\nLEAN_PATH=/project/library")
elif sys.argv[1] == "env":
    os.environ["LAKE_HOME"] = "of {version}"
    os.execv(sys.argv[2], sys.argv[2:])
elif sys.argv[1] == "build":
    if "broken" in pathlib.Path("LemmaForge.lean").read_text():
        print("error: LemmaForge.lean:1:0"); sys.exit(1)
    pathlib.Path("seen").write_text(f"{os.environ.get('LEAN_PATH')} {os.environ.get('LAKE_ARTIFACT_CACHE')}")
    program = pathlib.Path(".lake/build/bin/lemmaforge-server")
    program.parent.mkdir(parents=True)
    program.write_text("#!{python}\\nimport os; print('built by {version}'); print(os.getcwd()); print(os.environ['LAKE_HOME'])")
    program.chmod(0o755)
"""

ELAN = """#!{python}
import os, pathlib, sys
here = pathlib.Path.cwd()
files = [folder / "lean-toolchain" for folder in (here, *here.parents)]
name = next((file.read_text().strip() for file in files if file.is_file()), "the default")
program = pathlib.Path(__file__).parents[1] / "toolchains" / name / "bin" / pathlib.Path(__file__).name
print("info: syncing channel updates for", name, file=sys.stderr)
if not program.exists():
    sys.exit(f"error: could not download {name}")
os.execv(program, [str(program), *sys.argv[1:]])
"""


def install(folder: Path, version: str = "4.29.1") -> Path:
    """Puts `lean` and `lake` into a folder; returns `lake`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("lean", LEAN), ("lake", LAKE)):
        (folder / name).write_text(text.replace("{python}", sys.executable).replace("{version}", version))
        (folder / name).chmod(0o755)
    return folder / "lake"


def install_elan(folder: Path, **versions: str) -> Path:
    """An elan with toolchains by name; returns its stand-in for `lake`."""
    for name, version in versions.items():
        install(folder / "toolchains" / name / "bin", version)
    (folder / "bin").mkdir()
    for name in ("lean", "lake"):
        (folder / "bin" / name).write_text(ELAN.replace("{python}", sys.executable))
        (folder / "bin" / name).chmod(0o755)
    return folder / "bin" / "lake"


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


def run_server(toolchain: native.NativeToolchain) -> list[str]:
    """What the server of the fake Lake prints: who built it, where it runs, and in whose environment."""
    command = toolchain.server()
    return subprocess.run(command.argv, cwd=command.cwd, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_server_is_compiled_once_and_runs_in_the_projects_environment(
    tmp_path: Path, sources: Path, project: Path
) -> None:
    lake = install(tmp_path / "bin")
    said: list[str] = []
    toolchain = native.find(project, tmp_path / "cache", sources, lambda what, _fraction: said.append(what), lake)
    again = native.find(project, tmp_path / "cache", sources, lambda what, _fraction: said.append(what), lake)
    assert again == toolchain
    assert [what.split()[0] for what in said] == ["asking", "compiling", "asking"]
    assert run_server(toolchain) == ["built by 4.29.1", str(project), "of 4.29.1"]
    assert "4.29.1" in {fact.name: fact.value for fact in toolchain.facts()}["Lean"]


def test_elans_choice_for_the_folder_compiles_and_runs_everything(
    tmp_path: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = install_elan(tmp_path / "elan", old="4.29.1", new="4.33.0-rc2")
    project = tmp_path / "many projects" / "one of them"  # what it is built with is written in the folder above
    project.mkdir(parents=True)
    (tmp_path / "lean-toolchain").write_text("old")
    (project.parent / "lean-toolchain").write_text("new\n")
    toolchain = native.find(project, tmp_path / "cache", sources, lake=lake)
    assert run_server(toolchain) == ["built by 4.33.0-rc2", str(project), "of 4.33.0-rc2"]
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    with FrontendProcess(toolchain.frontend()) as process:
        assert process.run(Job("/x/good.lean", "good.lean", "_stdin"), said.append) == 0
    assert "4.33.0-rc2 arguments" in "".join(said)

    (project / "lean-toolchain").write_text("leanprover/lean4:v9.0.0")
    with pytest.raises(ToolchainError, match=r"could not download .*v9\.0\.0; look at the lean-toolchain file"):
        native.find(project, tmp_path / "cache", sources, lake=lake)


def test_the_server_is_built_with_all_of_lean_and_nothing_else(
    tmp_path: Path, sources: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sources / "LemmaForge.lean").write_text("module\n\npublic import Lean.Meta.Basic\npublic import LemmaForge.Goal\n")
    monkeypatch.setenv("LEAN_PATH", "/another/project")
    toolchain = native.find(project, tmp_path / "cache", sources, lake=install(tmp_path / "bin"))
    home = toolchain.program.parents[3]
    assert (home / "LemmaForge.lean").read_text() == "module\n\npublic import Lean\npublic import LemmaForge.Goal\n"
    assert (home / "seen").read_text() == "None false"


@pytest.mark.parametrize(
    ("version", "tried", "note"),
    [
        ("4.28.0-pre", "every test", "kernel has soundness bugs that 4.33.1 is free of"),
        ("4.33.0", "never run", "kernel has soundness bugs that 4.33.1 is free of"),
        ("4.33.1", "never run", None),
        ("4.99.0-nightly-2030-01-01", "nothing: it is newer than 4.33", "newer than those that LemmaForge knows"),
    ],
)
def test_what_is_known_of_a_release_is_told(
    version: str, tried: str, note: str | None, tmp_path: Path, sources: Path, project: Path
) -> None:
    toolchain = native.find(project, tmp_path / "cache", sources, lake=install(tmp_path / "bin", version))
    facts = {fact.name: fact.value for fact in toolchain.facts()}
    assert tried in facts["tried with it"]
    assert ("note" in facts) == (note is not None)
    assert (note or "") in facts.get("note", "")


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
    with pytest.raises(InputError, match=r"no folder .*nowhere: `--project` takes"):
        native.find(tmp_path / "nowhere", tmp_path / "cache", sources)


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
        assert "".join(said) == (
            "LEAN_PATH /mine:/project/library LEAN_CC None\n4.29.1 arguments ['--json', 'good.lean']"
        )
        assert process.run(Job("/x/bad.lean", "bad.lean", "_stdin"), said.append) == 1


def test_the_lakefile_that_the_server_is_built_with_is_valid() -> None:
    lakefile = tomllib.loads(native._LAKEFILE)
    assert lakefile["lean_exe"] == [{"name": "lemmaforge-server", "root": "Main", "supportInterpreter": True}]
    assert all(option["name"].startswith("weak.") for option in lakefile["leanOptions"])
