"""The Lean files that LeanDojo is given, without LeanDojo: run as it runs them, by commands of an elan toolchain."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from lean_bridge.shims import write_shims
from lean_bridge.toolchain import Toolchain
from lean_bridge.toolchain.embedded import EmbeddedToolchain

PROJECT = {
    "lakefile.toml": 'name = "demo"\n\n[[lean_lib]]\nname = "Demo"\n\n[[lean_lib]]\nname = "Lean4Repl"\n',
    "Demo.lean": "namespace Demo\n\ntheorem swap (p q : Prop) (h : p ∧ q) : q ∧ p := by\n  exact ⟨h.2, h.1⟩\n\nend Demo\n",
    "Open.lean": "import Lean4Repl\n\ntheorem swap (p q : Prop) (h : p ∧ q) : q ∧ p := by\n  lean_dojo_repl\n  sorry\n",
}
REQUESTS = (
    {"sid": 0, "cmd": "constructor"},
    {"sid": 1, "cmd": "exact h.2"},
    {"release": [1]},
    {"sid": 1, "cmd": "exact h.2"},
    {"sid": 2, "cmd": "exact h.1"},
    {"sid": 0, "cmd": "exact h"},
    {"sid": 0, "cmd": "grind", "heartbeats": 1},
)


@pytest.mark.slow
def test_a_project_is_extracted_and_a_proof_entered(
    toolchain: Toolchain, cache: Path, tmp_path: Path, repository: Path
) -> None:
    assert isinstance(toolchain, EmbeddedToolchain)
    project = tmp_path / "project"
    project.mkdir()
    for name, text in PROJECT.items():
        (project / name).write_text(text)
    for file in (repository / "lean_project" / "LeanDojo" / "v4.28").iterdir():
        (project / file.name).write_bytes(file.read_bytes())
    folder = write_shims(tmp_path / "shims", toolchain, cache).folder
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}

    def run(command: str, text: str = "") -> str:
        return subprocess.run(
            command.split(), cwd=project, env=environment, input=text, capture_output=True, text=True, check=True
        ).stdout

    run("lake build Demo Lean4Repl")
    run("lake env lean --threads 1 --run ExtractData.lean noDeps")
    extracted = json.loads((project / ".lake/build/ir/Demo.ast.json").read_text())
    assert [command["node"]["kind"] for command in extracted["commandASTs"]] == [
        "Lean.Parser.Module.header",
        "Lean.Parser.Command.namespace",
        "Lean.Parser.Command.declaration",
        "Lean.Parser.Command.end",
    ]
    (tactic,) = extracted["tactics"]
    assert (tactic["stateBefore"], tactic["stateAfter"]) == ("p q : Prop\nh : p ∧ q\n⊢ q ∧ p", "no goals")
    source = PROJECT["Demo.lean"].encode()
    assert source[tactic["pos"] : tactic["endPos"]].decode() == "exact ⟨h.2, h.1⟩"
    assert {premise["defPath"] for premise in extracted["premises"] if premise["fullName"] == "And"} == {
        ".lake/packages/lean4/src/lean/Init/Prelude.lean"
    }
    assert (project / ".lake/build/ir/Demo.dep_paths").read_text() == ".lake/packages/lean4/src/lean/Init.lean\n"

    lines = run("lake env lean --threads=1 Open.lean", "".join(json.dumps(request) + "\n" for request in REQUESTS))
    replies = [json.loads(line.removeprefix("REPL> ")) for line in lines.splitlines() if line.startswith("REPL> ")]
    stopped = replies.pop()
    said = [(reply["sid"], reply["tacticState"] or (reply["error"] or "")[:13]) for reply in replies]
    goal = "p q : Prop\nh : p ∧ q\n⊢ {}"
    assert said == [
        (0, goal.format("q ∧ p")),
        (1, f"case left\n{goal.format('q')}\n\ncase right\n{goal.format('p')}"),
        (2, f"case right\n{goal.format('p')}"),
        (None, ""),
        (None, "[fatal] unkno"),
        (3, "no goals"),
        (None, "Type mismatch"),
    ]
    assert "maximum number of heartbeats" in stopped["error"]
