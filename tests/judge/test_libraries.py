"""A library's own tactics and notation, as the judge takes them: a Mathlib of our own, of three small modules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from lean_bridge.build import build_project
from lean_bridge.client import LeanServer
from lean_bridge.toolchain import Toolchain
from lean_bridge.toolchain.embedded import EmbeddedToolchain
from prover.judge import Proof, Statement, WholeFile, judge

LIBRARY = {
    "lakefile.toml": 'name = "mathlib"\n\n[[lean_lib]]\nname = "Mathlib"\n\n[[lean_lib]]\nname = "Other"\n',
    "Mathlib.lean": "import Mathlib.Tactic.Obvious\nimport Mathlib.Tactic.Eval\nimport Mathlib.Tactic.Command\n",
    "Mathlib/Tactic/Obvious.lean": (
        'notation "ℕ" => Nat\n\nsyntax parts := "with" term\n\nsyntax "obviously" (parts)? : tactic\n\n'
        "macro_rules\n  | `(tactic| obviously) => `(tactic| first | rfl | omega)\n"
        "  | `(tactic| obviously with $t) => `(tactic| exact $t)\n"
    ),
    "Mathlib/Tactic/Eval.lean": (
        'import Lean\n\nopen Lean Elab Tactic\n\nelab "evaluate " t:term : tactic => do\n'
        '  let n ← unsafe Term.evalTerm Nat (mkConst ``Nat) t\n  logInfo m!"{n}"\n  evalTactic (← `(tactic| rfl))\n'
    ),
    "Mathlib/Tactic/Command.lean": 'macro "now " : command => `(theorem now_true : True := trivial)\n',
    "Other.lean": 'import Mathlib\n\nmacro "elsewhere" : tactic => `(tactic| rfl)\n',
}


@pytest.fixture(scope="module")
async def library(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LeanServer]:
    folder = tmp_path_factory.mktemp("library")
    for name, text in LIBRARY.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    report = build_project(folder, toolchain)
    assert report.ok
    assert isinstance(toolchain, EmbeddedToolchain)
    async with await LeanServer.start(replace(toolchain, libraries=(report.output,))) as server:
        yield server


@pytest.mark.parametrize(
    ("proof", "reason"),
    [
        ("by obviously", None),
        ("by obviously with (fun n : ℕ => rfl : ∀ n : ℕ, n + 0 = n) n", None),
        ("by evaluate 1", "syntax"),
        ("by elsewhere", "syntax"),
    ],
)
async def test_what_a_library_declares_for_proofs_is_allowed_unless_it_runs_what_it_is_given(
    library: LeanServer, proof: str, reason: str | None
) -> None:
    env = (await library.open_environment(("Other",))).id
    verdict = await judge(
        library, env, Statement("theorem t (n : ℕ) : n + 0 = n := by sorry", "import Other"), Proof(proof)
    )
    assert verdict.reason == reason, verdict.message


async def test_a_librarys_commands_are_not_for_submissions(library: LeanServer) -> None:
    env = (await library.open_environment(("Other",))).id
    file = "import Other\n\nnow \n\ntheorem t (n : ℕ) : n + 0 = n := by obviously\n"
    verdict = await judge(
        library, env, Statement("theorem t (n : ℕ) : n + 0 = n := by sorry", "import Other"), WholeFile(file)
    )
    assert verdict.reason == "syntax", verdict.message
