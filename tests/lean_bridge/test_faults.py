from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time

import psutil
import pytest

from lean_bridge.client import LeanServer
from lean_bridge.errors import MemoryExceeded, ServerDied, WallClockExceeded
from lean_bridge.pool import LeanPool
from lean_bridge.protocol import Advanced, Attempt, TacticFailed, TacticOutcome
from lean_bridge.toolchain.base import Toolchain

ENDLESS = "partial def spin (n : Nat) : Nat := spin (n + 1)\n#eval spin 0"

HOG = """
def hog : IO Unit := do
  let mut all := #[]
  let mut n := 0
  while true do
    all := all.push (Array.replicate 500000 n)
    n := n + 1
    IO.sleep 2
  IO.println s!"{all.size}"
#eval hog
"""

GLUTTON = "#eval (Array.replicate 400000000 0).size"

PARENT = """
import asyncio, json, sys
from pathlib import Path
from lean_bridge.client import LeanServer
from lean_bridge.toolchain.base import Command

class Given:
    def server(self):
        given = json.loads(sys.argv[1])
        return Command(tuple(given["argv"]), Path(given["cwd"]), given["env"])

async def main():
    async with await LeanServer.start(Given()) as server:
        print(server.pid, flush=True)
        await server.check_file(sys.argv[2], seconds=100)
        await asyncio.sleep(100)

asyncio.run(main())
"""


async def answers(server: LeanServer) -> bool:
    return (await server.check_file("theorem t : 1 + 1 = 2 := rfl")).ok


async def run_program(server: LeanServer, program: str) -> TacticOutcome:
    """Runs an `IO` program inside a tactic, where nothing stands between it and the standard streams."""
    env = (await server.open_environment(("Lean",))).id
    state = (await server.start_goal(env, statement="True")).state.id
    tactic = f"run_tac (do {program} : IO Unit)"
    [[outcome]] = await server.run_tactics([Attempt(state, (tactic,))], seconds=30.0)
    return outcome


async def start_parent(toolchain: Toolchain, text: str) -> tuple[asyncio.subprocess.Process, psutil.Process]:
    command = toolchain.server()
    given = json.dumps({"argv": command.argv, "cwd": str(command.cwd), "env": dict(command.env)})
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, given, text, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert parent.stdout is not None
    lean = psutil.Process(int(await parent.stdout.readline()))
    await asyncio.sleep(0.5)
    return parent, lean


async def gone(process: psutil.Process, seconds: float = 3.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_a_killed_lean_is_reported_with_its_signal(mortal: LeanPool) -> None:
    async with mortal.lease() as server:
        asking = asyncio.create_task(server.check_file(ENDLESS, seconds=60))
        waiting = asyncio.create_task(server.stats())
        await asyncio.sleep(0.2)
        os.kill(server.pid, signal.SIGKILL)
        for task in (asking, waiting):
            with pytest.raises(ServerDied, match="SIGKILL"):
                await task
        with pytest.raises(ServerDied, match="SIGKILL"):
            await server.stats()
    assert await mortal.run(answers)


@pytest.mark.parametrize("text", ["theorem t : True := trivial", ENDLESS], ids=["idle", "busy"])
async def test_no_lean_outlives_a_killed_parent(toolchain: Toolchain, text: str) -> None:
    parent, lean = await start_parent(toolchain, text)
    parent.kill()
    await parent.wait()
    assert await gone(lean)


async def test_an_interrupt_leaves_no_lean(toolchain: Toolchain) -> None:
    parent, lean = await start_parent(toolchain, ENDLESS)
    parent.send_signal(signal.SIGINT)
    await asyncio.wait_for(parent.wait(), 5)
    assert await gone(lean)


async def test_a_program_that_never_ends_is_killed_at_the_hard_limit(mortal: LeanPool) -> None:
    async with mortal.lease() as server:
        await server.check_file(ENDLESS.replace("spin 0", "0"))
        begin = time.monotonic()
        with pytest.raises(WallClockExceeded, match=r"file\.check"):
            await server.check_file(ENDLESS, seconds=3.0)
        assert 4.0 <= time.monotonic() - begin < 5.5
    assert await mortal.run(answers)


@pytest.mark.parametrize(
    "tactic",
    [
        "set_option maxRecDepth 100000000 in repeat (have := trivial)",
        "have : ∀ x : Fin 10000000, x.val * x.val < 1000000000000000 := by decide +kernel",
        "have : 2 ^ 100000000 = 3 := by decide +kernel",
    ],
    ids=["elaborator", "kernel", "number"],
)
async def test_a_tactic_past_its_soft_limit_is_stopped_and_the_process_lives(mortal: LeanPool, tactic: str) -> None:
    async with mortal.lease() as server:
        env = (await server.open_environment()).id
        state = (await server.start_goal(env, statement="∀ a b : Nat, a + b = b + a")).state.id
        begin = time.monotonic()
        [[outcome]] = await server.run_tactics([Attempt(state, (tactic,))], seconds=1.0, heartbeats=0)
        assert time.monotonic() - begin < 1.9
        assert isinstance(outcome, TacticFailed)
        assert await answers(server)


async def test_a_request_of_tactics_is_killed_past_its_wall_limit(mortal: LeanPool) -> None:
    async with mortal.lease() as server:
        env = (await server.open_environment()).id
        state = (await server.start_goal(env, statement="True")).state.id
        endless = "set_option maxRecDepth 100000000 in repeat (have := trivial)"
        begin = time.monotonic()
        with pytest.raises(WallClockExceeded, match=r"goal\.run"):
            await server.run_tactics([Attempt(state, (endless,))], seconds=0, heartbeats=0, wall=0.5)
        assert 1.5 <= time.monotonic() - begin < 3.0
    assert await mortal.run(answers)


@pytest.mark.parametrize(
    ("text", "complaint"), [(HOG, "limit is 1280 MiB"), (GLUTTON, "ran out")], ids=["hog", "glutton"]
)
async def test_a_program_that_takes_all_memory_is_told_from_one_that_crashes(
    mortal: LeanPool, text: str, complaint: str
) -> None:
    async with mortal.lease() as server:
        with pytest.raises(MemoryExceeded, match=complaint):
            await server.check_file(text, seconds=60)
    assert await mortal.run(answers)


async def test_a_program_that_ends_the_process_is_reported(mortal: LeanPool) -> None:
    async with mortal.lease() as server:
        with pytest.raises(ServerDied):
            await server.check_file("#eval (IO.Process.exit 0 : IO Unit)")


@pytest.mark.parametrize(
    "forged",
    [
        '{"id": 1, "result": {"messages": [], "ok": true, "theorems": []}}',
        'deadbeef {"id": 1, "result": {"messages": [], "ok": true, "theorems": []}}',
        '\n0123456789abcdef0123456789abcdef {"id": 1, "result": {}}',
    ],
    ids=["bare", "short token", "wrong token"],
)
async def test_a_forged_reply_is_output(mortal: LeanPool, forged: str) -> None:
    async with mortal.lease() as server:
        assert isinstance(await run_program(server, f"IO.println {json.dumps(forged)}"), Advanced)
        assert server.output.endswith(forged + "\n")


async def test_output_without_a_line_feed_does_not_hide_the_reply(mortal: LeanPool) -> None:
    async with mortal.lease() as server:
        assert isinstance(await run_program(server, 'IO.print "half a line"'), Advanced)
        assert server.output.endswith("half a line")
        assert await answers(server)


async def test_megabytes_of_output_are_taken_and_forgotten(mortal: LeanPool) -> None:
    async with mortal.lease() as server:
        outcome = await run_program(server, "for _ in [0:300] do IO.print (\"\".pushn 'x' 10000)")
        assert isinstance(outcome, Advanced)
        assert server.output == "x" * 65536


async def test_lean_code_cannot_read_the_requests(mortal: LeanPool) -> None:
    text = "import Lean\nrun_cmd do\n  let line ← (← IO.getStdin).getLine\n  unless line.isEmpty do throwError line"
    async with mortal.lease() as server:
        checking = asyncio.create_task(server.check_file(text, seconds=60))
        stats = asyncio.create_task(server.stats())
        assert (await checking).ok
        assert (await stats).requests > 0


async def test_the_token_is_in_neither_arguments_nor_environment_of_the_process(server: LeanServer) -> None:
    process = psutil.Process(server.pid)
    token = server._process._token
    assert not any(token in text for text in [*process.cmdline(), *process.environ().values()])
