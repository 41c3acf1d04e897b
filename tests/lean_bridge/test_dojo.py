"""LeanDojo over the embedded Lean: what it traces, and its sessions when things go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from lean_bridge.dojo_process import DojoSession, TracedFolder
from lean_bridge.dojo_project import file_source, folder_source, traced_folder
from lean_bridge.errors import DojoError, InputError, MemoryExceeded, ServerDied, WallClockExceeded
from lean_bridge.protocol import Advanced, Attempt, TacticFailed, TacticOutcome
from lean_bridge.toolchain import Toolchain
from lean_bridge.toolchain.embedded import EmbeddedToolchain

pytestmark = [
    pytest.mark.leandojo,
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("lean_dojo") is None,
        reason="LeanDojo is NOT tested: pip install 'lemmaforge[leandojo]'",
    ),
]

PROJECT = Path(__file__).parent / "dojo_project"

Found = TypeVar("Found")
Traced = tuple[TracedFolder, Mapping[str, Mapping[str, Any]]]


@pytest.fixture(scope="module")
def embedded(toolchain: Toolchain) -> EmbeddedToolchain:
    assert isinstance(toolchain, EmbeddedToolchain)
    return toolchain


@pytest.fixture(scope="module")
async def traced(embedded: EmbeddedToolchain, tmp_path_factory: pytest.TempPathFactory) -> Traced:
    """The project, and what LeanDojo says of its files."""
    files: dict[str, Mapping[str, Any]] = {}
    folder = await traced_folder(
        folder_source(PROJECT),
        embedded,
        cache=tmp_path_factory.mktemp("cache"),
        each=lambda file: files.update({file["path"]: file}),
    )
    return folder, files


@pytest.fixture
async def session(traced: Traced) -> AsyncIterator[DojoSession]:
    session = DojoSession(traced[0], "Faults.lean", "easy")
    yield session
    await session.close()


async def outcome(session: DojoSession, state: int, tactic: str, *, wall: float = 60.0) -> TacticOutcome:
    ((found,),) = await session.run_tactics([Attempt(state, (tactic,))], heartbeats=10_000, seconds=2.0, wall=wall)
    return found


def copies(traced: Traced) -> list[str]:
    """The copies of source files that sessions left behind."""
    known = {"Faults.lean", "Modern.lean", "Syntax.lean", "Lean4Repl.lean"}
    return [file.name for file in traced[0].folder.parent.glob("traced/gitpython-*/*/*.lean") if file.name not in known]


def test_theorems_of_all_kinds_of_syntax_have_their_names(traced: Traced) -> None:
    _, files = traced
    assert not any(file["failed"] for file in files.values())
    names = [theorem["name"] for theorem in files["Syntax.lean"]["theorems"]]
    plain = "A.B.one A.B.two A.B.three A.B.five Ev.even Od.odd Base.eta string_with_dashes by_patterns with_where rooted opened"
    assert names == [*plain.split(), "«with macro»", "turnstile", "calc_", "conv_", "multi"]
    assert [theorem["name"] for theorem in files["Modern.lean"]["theorems"]] == ["twice_zero", "twice_one", "twice_two"]


def test_a_project_whose_sources_leandojo_would_not_find_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lakefile.toml").write_text('name = "x"\nsrcDir = "src"\n\n[[lean_lib]]\nname = "X"\n')
    (tmp_path / "src").mkdir()
    with pytest.raises(
        InputError, match=r"keeps its sources in .*src, and LeanDojo looks for them beside the lakefile"
    ):
        folder_source(tmp_path)


async def test_a_project_that_does_not_build_is_refused_with_what_lean_says(
    embedded: EmbeddedToolchain, tmp_path: Path
) -> None:
    source = file_source(Path("Wrong.lean"), "theorem wrong : 1 = 2 := rfl\n")
    with pytest.raises(DojoError, match=r"(?s)lake build.*Wrong.lean:1:\d+: error"):
        await traced_folder(source, embedded, cache=tmp_path)
    assert [entry.name for entry in (tmp_path / "leandojo").iterdir() if entry.name.startswith("Wrong")] == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_a_trace_that_was_stopped_leaves_nothing_and_is_done_again(
    embedded: EmbeddedToolchain, tmp_path: Path, how: signal.Signals
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "One.lean").write_text(f"theorem one : 1 = 1 := by rfl -- {how.name}\n")
    source = folder_source(tmp_path / "project")
    call = (
        "import asyncio, sys; from pathlib import Path; from lean_bridge.dojo_project import *;"
        "from lean_bridge.toolchain import find_toolchain;"
        "asyncio.run(traced_folder(folder_source(Path(sys.argv[1])), find_toolchain('embedded'), cache=Path(sys.argv[2])))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", call, tmp_path / "project", tmp_path, stderr=subprocess.DEVNULL
    )
    whole = psutil.Process(process.pid)
    worker = await soon(lambda: next((p for p in whole.children() if runs(p, "lean_bridge.dojo")), None))
    lean = await soon(lambda: next((p for p in worker.children(recursive=True) if runs(p, "host.cjs")), None))
    process.send_signal(how)
    await asyncio.wait_for(process.wait(), 30)
    await soon(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
    await soon(lambda: not lean.is_running() or lean.status() == psutil.STATUS_ZOMBIE)
    traced = await traced_folder(source, embedded, cache=tmp_path)
    assert [entry.name for entry in (tmp_path / "leandojo").iterdir() if entry.name.startswith(".")] == []
    session = DojoSession(traced, "One.lean", "one")
    assert (await session.start()).state.goals[0].text == "⊢ 1 = 1"
    await session.close()


def runs(process: psutil.Process, program: str) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return program in " ".join(process.cmdline())
    return False


async def soon(found: Callable[[], Found | None]) -> Found:
    """Waits until there is something."""
    for _ in range(1200):
        result = found()
        if result:
            return result
        await asyncio.sleep(0.05)
    pytest.fail("nothing came within a minute")


async def test_tactics_run_one_after_another_until_the_kernel_accepts_the_proof(session: DojoSession) -> None:
    root = (await session.start()).state
    (goal,) = root.goals
    assert (goal.text, goal.target) == ("p q : Prop\nh : p ∧ q\n⊢ q ∧ p", "q ∧ p")
    assert [(h.names, h.type, h.proof) for h in goal.hypotheses or ()] == [
        (("p",), "Prop", False),
        (("q",), "Prop", False),
        (("h",), "p ∧ q", True),
    ]
    split = await outcome(session, root.id, "constructor")
    assert isinstance(split, Advanced)
    assert [goal.case for goal in split.state.goals] == ["left", "right"]
    assert all(goal.shared for goal in split.state.goals)
    half = await outcome(session, split.state.id, "exact h.2")
    assert isinstance(half, Advanced)
    done = await outcome(session, half.state.id, "exact h.1")
    assert isinstance(done, Advanced)
    assert done.state.finished
    # From the first state once more: states stay.
    script = await outcome(session, root.id, "constructor\n· exact h.2\n· exact h.1")
    assert isinstance(script, Advanced)
    assert script.state.finished


@pytest.mark.parametrize(
    ("tactic", "kind", "message"),
    [
        ("exact h", "tactic", "Type mismatch"),
        ("no_such_tactic", "parse", "<stdin>:1:"),
        ("sorry", "sorry", "proof contains `sorry`"),
        ("exact easy p q h", "tactic", "refers to the theorem"),
        ("constructor\n· exact h.2\n· exact h.1\nexact", "parse", "unexpected end of input"),
    ],
)
async def test_a_tactic_that_fails_is_a_value(session: DojoSession, tactic: str, kind: str, message: str) -> None:
    root = (await session.start()).state
    failed = await outcome(session, root.id, tactic)
    assert isinstance(failed, TacticFailed)
    assert failed.kind == kind
    assert message in failed.message


async def test_after_a_tactic_that_never_ends_an_answer_is_that_to_its_own_question(
    session: DojoSession, traced: Traced
) -> None:
    root = (await session.start()).state
    with pytest.raises(WallClockExceeded, match="LeanDojo was killed: run took longer than 1 s"):
        await outcome(session, root.id, "spin", wall=1.0)
    assert copies(traced) == []
    with pytest.raises(ServerDied):
        await outcome(session, root.id, "exact ⟨h.2, h.1⟩")
    again = (await session.start()).state
    assert isinstance(await outcome(session, again.id, "exact h"), TacticFailed)
    done = await outcome(session, again.id, "exact ⟨h.2, h.1⟩")
    assert isinstance(done, Advanced)


async def test_a_lean_that_is_gone_is_told_and_replaced(session: DojoSession, traced: Traced) -> None:
    root = (await session.start()).state
    with pytest.raises(ServerDied, match="LeanDojo's Lean is gone"):
        await outcome(session, root.id, "leave")
    root = (await session.start()).state
    node = next(p for p in psutil.Process().children(recursive=True) if runs(p, "host.cjs"))
    os.kill(node.pid, signal.SIGKILL)
    with pytest.raises(ServerDied, match="LeanDojo's Lean is gone"):
        await outcome(session, root.id, "exact h")
    assert isinstance(await outcome(session, (await session.start()).state.id, "exact h"), TacticFailed)
    await session.close()
    assert copies(traced) == []


async def test_a_long_request_and_a_large_state_pass(session: DojoSession) -> None:
    root = (await session.start()).state
    failed = await outcome(session, root.id, "skip --" + "x" * 20_000 + "\nexact h")
    assert isinstance(failed, TacticFailed)
    assert "Type mismatch" in failed.message
    text = "y" * 60_000
    large = await outcome(session, root.id, f'have large : "{text}" = "{text}" := rfl')
    assert isinstance(large, Advanced)
    assert len(large.state.goals[0].text) > 2 * len(text)


async def test_a_goal_with_a_turnstile_inside_a_term_is_opened(traced: Traced) -> None:
    session = DojoSession(traced[0], "Faults.lean", "turnstile")
    try:
        root = (await session.start()).state
        assert '"⊢" = s' in root.goals[0].text
        assert isinstance(await outcome(session, root.id, "rw [h]"), Advanced)
    finally:
        await session.close()


async def test_a_process_that_takes_too_much_memory_is_killed(traced: Traced) -> None:
    session = DojoSession(traced[0], "Faults.lean", "easy", memory_bytes=300 * 2**20)
    with pytest.raises(MemoryExceeded, match=r"LeanDojo was killed: it and its Lean took \d+ MiB"):
        await session.start()
    assert copies(traced) == []


async def test_a_theorem_that_is_not_there_is_refused(traced: Traced) -> None:
    session = DojoSession(traced[0], "Faults.lean", "no_such_theorem")
    with pytest.raises(DojoError, match="no_such_theorem"):
        await session.start()
    await session.close()
