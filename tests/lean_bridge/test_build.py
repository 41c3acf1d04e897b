from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lean_bridge.build import build_project
from lean_bridge.errors import InputError, ToolchainError
from lean_bridge.frontend import run_files
from lean_bridge.lakefile import read_project
from lean_bridge.toolchain import Command, Fact, Toolchain
from lean_bridge.toolchain.embedded import EmbeddedToolchain

PROJECT = {
    "lakefile.toml": 'name = "demo"\nsrcDir = "src"\n\n[[lean_lib]]\nname = "Demo"\n',
    "src/Demo.lean": "import Demo.Theorems\nimport Demo.Report\n",
    "src/Demo/Basic.lean": "/-- Twice something. -/\ndef Even (n : Nat) : Prop := ∃ k, n = 2 * k\n\nprivate def secret := 3\n\ndef open_ := secret\n",
    "src/Demo/Tactic.lean": (
        'import Lean\nimport Demo.Basic\n\nopen Lean Elab Tactic\n\ndef greeting (n : Nat) : String := s!"even {n}"\n\n'
        "initialize seen : IO.Ref Nat ← IO.mkRef 7\n\n"
        'elab "even_by " t:term : tactic => do\n  logInfo (greeting (← seen.get))\n  evalTactic (← `(tactic| exact ⟨$t, by omega⟩))\n'
    ),
    "src/Demo/Theorems.lean": "import Demo.Tactic\n\ntheorem even_four : Even 4 := by even_by 2\n",
    "src/Demo/Report.lean": "import Demo.Theorems\n\n#eval greeting open_\n\n#print axioms even_four\n",
    "src/Demo/Modern.lean": "module\n\npublic import Lean\n\npublic section\n\n@[expose] def modern : Nat := 5\n\ndef sealed (n : Nat) : Nat := n + 1\n",
    "src/Unwanted.lean": "this is not Lean\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.slow
def test_a_project_is_built_once_then_only_what_changed_then_only_what_failed(
    project: Path, toolchain: Toolchain
) -> None:
    said: list[str] = []
    report = build_project(project, toolchain, write=said.append)
    assert report.ok
    assert report.built == ("Demo.Basic", "Demo.Tactic", "Demo.Theorems", "Demo.Report", "Demo")
    assert f"{project}/src/Demo/Theorems.lean" not in "".join(said)  # an info, which Lean prints without a place
    assert "even 7\n" in said

    again = build_project(project, toolchain)
    assert (again.built, again.up_to_date) == ((), report.built)
    assert again.seconds < 1

    theorems = project / "src" / "Demo" / "Theorems.lean"
    theorems.write_text(theorems.read_text() + "\ntheorem even_six : Even 6 := by even_by 3\n")
    changed = build_project(project, toolchain)
    assert changed.built == ("Demo.Theorems", "Demo.Report", "Demo")
    assert changed.up_to_date == ("Demo.Basic", "Demo.Tactic")

    theorems.write_text(theorems.read_text() + "\ntheorem wrong : Even 7 := by even_by 3\n")
    failed = build_project(project, toolchain)
    assert not failed.ok
    assert [failure.module for failure in failed.failed] == ["Demo.Theorems"]
    assert failed.failed[0].file == theorems
    assert f"{theorems}:7:" in failed.failed[0].messages
    assert [(blocked.module, blocked.by) for blocked in failed.blocked] == [
        ("Demo.Report", ("Demo.Theorems",)),
        ("Demo", ("Demo.Theorems",)),
    ]

    # Both files find the project's modules, and have their initializers run.
    scratch = [project / "one.lean", project / "two.lean"]
    for file in scratch:
        file.write_text("import Demo.Tactic\nexample : Even 8 := ⟨4, rfl⟩\n#eval open_\n#eval seen.get\n")
    printed: list[str] = []
    assert run_files(toolchain, scratch, write=printed.append) == 0
    assert "".join(printed) == "3\n7\n" * 2
    assert not list(project.rglob("*.profraw"))
    assert not list(project.rglob(".new-*"))


def test_modules_old_files_and_import_all_see_of_each_other_what_they_see_elsewhere(
    project: Path, toolchain: Toolchain
) -> None:
    (project / "src" / "Demo.lean").write_text("import Demo.All\nimport Demo.Old\nimport Demo.New\n")
    (project / "src" / "Demo" / "Old.lean").write_text(
        "import Demo.Modern\nimport Demo.Basic\n\nexample : sealed modern = 6 := rfl\n\n#eval sealed open_\n"
    )
    (project / "src" / "Demo" / "All.lean").write_text(
        "module\n\nimport all Demo.Modern\n\nexample : sealed modern = 6 := rfl\n"
    )
    new = project / "src" / "Demo" / "New.lean"
    new.write_text(
        "module\n\nimport Demo.Modern\n\nexample : modern = 5 := rfl\n\nexample : sealed modern = 6 := rfl\n"
    )
    said: list[str] = []
    report = build_project(project, toolchain, write=said.append)
    assert [failure.module for failure in report.failed] == ["Demo.New"]
    assert f"{new}:7:" in report.failed[0].messages
    assert f"{new}:5:" not in report.failed[0].messages
    assert "4\n" in said


@pytest.mark.slow
def test_a_module_in_which_a_recursive_function_was_unfolded_can_be_imported(
    tmp_path: Path, toolchain: Toolchain
) -> None:
    unfolded = "theorem fact_zero : fact 0 = 1 := by\n  unfold fact\n  rfl\n"
    (tmp_path / "Fact.lean").write_text(
        f"def fact : Nat → Nat\n  | 0 => 1\n  | n + 1 => (n + 1) * fact n\n\n{unfolded}"
    )
    (tmp_path / "Use.lean").write_text("import Fact\n\ntheorem use : fact 0 = 1 := fact_zero\n")
    report = build_project(tmp_path, toolchain)
    assert report.ok, report.failed


def test_a_circle_of_imports_is_reported_with_its_lines(project: Path, toolchain: Toolchain) -> None:
    (project / "src" / "Demo" / "Basic.lean").write_text("import Init\nimport Demo.Theorems\n")
    with pytest.raises(InputError, match=r"circle") as found:
        build_project(project, toolchain)
    assert f"{project}/src/Demo/Basic.lean:2: Demo.Basic imports Demo.Theorems" in str(found.value)


def test_missing_imports_are_all_reported_before_anything_is_compiled(project: Path, toolchain: Toolchain) -> None:
    (project / "src" / "Demo" / "Basic.lean").write_text("import Demo.Gone\nimport Mathlib.Data.Nat.Basic\n")
    with pytest.raises(InputError) as found:
        build_project(project, toolchain)
    assert f"{project}/src/Demo/Basic.lean:1: no module Demo.Gone" in str(found.value)
    assert "Basic.lean:2: no module Mathlib.Data.Nat.Basic (the embedded Lean comes without Mathlib" in str(found.value)
    assert not (project / ".lake").exists()


def test_folders_that_cannot_be_built_are_refused(tmp_path: Path, toolchain: Toolchain) -> None:
    with pytest.raises(InputError, match="not a folder"):
        build_project(tmp_path / "missing", toolchain)
    with pytest.raises(InputError, match="no Lean files"):
        build_project(tmp_path, toolchain)
    (tmp_path / "lakefile.toml").write_text("not = [toml")
    with pytest.raises(InputError, match="not valid TOML"):
        build_project(tmp_path, toolchain)


def test_what_lake_built_is_left_alone(project: Path, toolchain: Toolchain) -> None:
    output = project / ".lake" / "build" / "lib" / "lean"
    output.mkdir(parents=True)
    (output / "Demo.trace").write_text("{}")
    with pytest.raises(InputError, match="was made by Lake"):
        build_project(project, toolchain)
    assert [file.name for file in output.iterdir()] == ["Demo.trace"]


def test_a_native_toolchain_is_sent_to_lake(project: Path) -> None:
    class Native:
        backend = "native"

        def server(self) -> Command:
            raise AssertionError("a native toolchain is refused before it is started")

        def frontend(self) -> Command:
            raise AssertionError("a native toolchain is refused before it is started")

        def facts(self) -> list[Fact]:
            return []

    with pytest.raises(ToolchainError, match="lake build"):
        build_project(project, Native())  # type: ignore[arg-type]


BUILD = """
import sys
from pathlib import Path
from lean_bridge.build import build_project
from lean_bridge.toolchain.embedded import EmbeddedToolchain
from lean_bridge.toolchain.node import find_node
project, home, forge = map(Path, sys.argv[1:])
build_project(project, EmbeddedToolchain(find_node(), home, forge), progress=lambda what, fraction: print(what, flush=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_build_that_is_stopped_breaks_nothing(
    project: Path, toolchain: Toolchain, repository: Path, how: signal.Signals
) -> None:
    assert isinstance(toolchain, EmbeddedToolchain)
    argv = [sys.executable, "-c", BUILD, str(project), str(toolchain.home), str(toolchain.forge)]
    with subprocess.Popen(
        argv, cwd=repository, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()  # the first module is done, others are being compiled
        process.send_signal(how)
        assert process.wait(timeout=20) != 0
    report = build_project(project, toolchain)
    assert report.ok
    assert "Demo.Basic" in report.up_to_date
    assert not list(project.rglob(".new-*"))


def test_a_lakefile_is_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    (tmp_path / "lakefile.lean").write_text(
        'import Lake\nopen Lake DSL\n\npackage demo where\n  srcDir := "lean"\n\n-- lean_lib Commented\n'
        "@[default_target]\nlean_lib Demo where\n  roots := #[`Demo, `Demo.Extra]\n\n"
        'lean_lib «Other» where\n  srcDir := "other"\n\nlean_exe tool where\n  root := `Main\n'
    )
    project = read_project(tmp_path)
    assert project.roots == ("Demo", "Demo.Extra", "Other", "Main")
    assert set(project.sources) == {tmp_path / "lean", tmp_path / "lean" / "other"}
