"""What works on the embedded Lean, on a project with a Lean of its own: `pytest -m native`, with elan or `lake` on PATH.

`.github/workflows/native.yml` runs this for each release of the table in docs/native.md. The Lean is that of `examples/algebra_project/lean-toolchain`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import find_toolchain, native, releases
from prover.judge import Judge, Terms
from tests.judge.cases import Attack, Honest, attacks, honest
from workbench.testing import Lemma, Run

pytestmark = [
    pytest.mark.native,
    pytest.mark.slow,
    pytest.mark.skipif(native.find_lake() is None, reason="needs elan, or `lake` on PATH"),
]

PROBLEM = """\
import Algebra

open Algebra Group

theorem inv_is_unique {α : Type} [Group α] {a b : α} (h : a ⬝ b = 𝟙) : b = aⁱ := by
  sorry

theorem add_swap (a b c : Nat) : a + (b + c) = b + (a + c) := by
  sorry
"""


@pytest.fixture(scope="module")
def project(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example project, built, in a folder with a space in its name."""
    folder = tmp_path_factory.mktemp("native") / "an algebra_project"
    shutil.copytree(repository / "examples/algebra_project", folder, ignore=shutil.ignore_patterns(".lake"))
    lake = native.find_lake()
    assert lake is not None
    built = subprocess.run([str(lake), "build"], cwd=folder, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.fixture(scope="module")
def on_project(project: Path, repository: Path) -> Lemma:
    """The command, in the folder of the examples."""
    setup = Lemma(repository / "examples", seconds=1800)
    done = setup("lean", "setup", "--lean", "native", "--project", project)
    assert done.code == 0, done.err
    return setup


def run(lemma: Lemma, project: Path, *arguments: str | Path) -> Run:
    return lemma(*arguments, "--lean", "native", "--project", project)


def test_the_server_is_compiled_by_the_projects_lean(on_project: Lemma, project: Path) -> None:
    info = run(on_project, project, "lean", "info", "--json").json()
    version = releases.version_of(info["facts"]["Lean"])
    assert info["backend"] == "native"
    assert version is not None
    assert (project / "lean-toolchain").read_text().strip().endswith(f"v{releases.written(version)}")
    checks = {
        check["name"]: check
        for check in on_project("doctor", "--project", project, "--quick", "--json").json()["checks"]
    }
    assert checks["native Lean"]["ok"]
    assert checks["native release"]["ok"] == (releases.concerns(version) == ())


def test_files_are_elaborated_with_the_projects_modules(on_project: Lemma, project: Path, tmp_path: Path) -> None:
    file = tmp_path / "uses.lean"
    file.write_text("import Algebra\n#check @Algebra.Group.mul_inv\n#eval 6 * 7\nexample : 1 = 2 := by rfl\n")
    done = run(on_project, project, "lean", "run", file, "--json")
    messages = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 1
    assert [message["severity"] for message in messages] == ["information", "information", "error"]
    assert "42" in messages[1]["data"]


def test_proofs_are_judged(on_project: Lemma, project: Path) -> None:
    honest_one = run(on_project, project, "check", "attempt.lean", "--against", "statement.lean")
    assert honest_one.code == 0, honest_one.out + honest_one.err
    assert run(on_project, project, "check", "cheat.lean", "--against", "statement.lean").code == 1


def test_theorems_over_the_project_are_proved(on_project: Lemma, project: Path, tmp_path: Path) -> None:
    file = tmp_path / "problem.lean"
    file.write_text(PROBLEM)
    done = run(on_project, project, "prove", file, "--json")
    assert done.code == 0, done.out + done.err
    assert [theorem["outcome"] for theorem in done.json()["theorems"]] == ["proved", "proved"]


def test_the_project_is_traced(on_project: Lemma, project: Path, tmp_path: Path) -> None:
    done = run(on_project, project, "trace", project, "--store", tmp_path / "store.db", "--json")
    assert done.code == 0, done.out + done.err
    [report] = done.json()["libraries"]
    assert len(report["traced"]) == 6
    assert report["failed"] == report["unprinted"] == []
    assert report["theorems"] == 82
    assert report["steps"] > 300


async def test_no_attack_is_accepted_and_no_honest_proof_refused(project: Path, on_project: Lemma) -> None:
    assert on_project.folder.is_dir()  # and with it the server is there
    toolchain = find_toolchain("native", project)
    async with LeanPool(toolchain, size=1, spares=0) as pool:
        judge = Judge(pool, Terms(seconds=20.0))

        async def outcome(case: Attack | Honest) -> str:
            return (await judge.check(case.statement, case.submission)).outcome

        # An attack that never ends costs its whole time limit.
        tried = [attack for attack in attacks() if attack.error is None]
        fooled = [attack.id for attack in tried if await outcome(attack) == "accepted"]
        refused = [case.id for case in honest() if await outcome(case) != "accepted"]
    assert fooled == []
    assert refused == []
