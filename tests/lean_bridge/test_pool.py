from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable

import psutil
import pytest

from lean_bridge.client import LeanServer
from lean_bridge.errors import RequestFailed, ServerDied, ToolchainError, WallClockExceeded
from lean_bridge.pool import LeanPool, Recycling
from lean_bridge.protocol import Attempt
from lean_bridge.toolchain.base import Toolchain

ENDLESS = "partial def spin (n : Nat) : Nat := spin (n + 1)\n#eval spin 0"
ENDLESS_TACTIC = "set_option maxRecDepth 100000000 in repeat (have := trivial)"


def children() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


async def all_warm(pool: LeanPool) -> None:
    async with asyncio.timeout(60):
        while pool.idle < 2:  # noqa: ASYNC110 - a pool tells nobody when it is warm
            await asyncio.sleep(0.1)


async def pid_of(server: LeanServer) -> int:
    return server.pid


async def test_leases_are_given_in_the_order_in_which_they_were_asked_for(pair: LeanPool) -> None:
    order: list[int] = []

    async def work(number: int) -> None:
        async with pair.lease() as server:
            order.append(number)
            await server.stats()

    await asyncio.gather(*(work(number) for number in range(12)))
    assert order == list(range(12))


async def test_a_process_is_lent_to_one_at_a_time(pair: LeanPool) -> None:
    lent: set[int] = set()

    async def work() -> None:
        async with pair.lease() as server:
            assert server.pid not in lent
            lent.add(server.pid)
            await server.stats()
            lent.remove(server.pid)

    await asyncio.gather(*(work() for _ in range(12)))


async def test_a_waiting_lease_can_be_given_up(pair: LeanPool) -> None:
    async def hold(seconds: float) -> None:
        async with pair.lease():
            await asyncio.sleep(seconds)

    holders = [asyncio.create_task(hold(0.3)) for _ in range(2)]
    await asyncio.sleep(0.05)
    waiting = asyncio.create_task(hold(0.0))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.gather(*holders, hold(0.0))


async def test_what_a_lease_left_behind_is_released(pair: LeanPool) -> None:
    async def work(server: LeanServer) -> tuple[int, int, int]:
        before = await server.stats()
        env = (await server.open_environment()).id
        await server.start_goal(env, statement="True")
        await server.check_file("theorem t : 1 = 1 := sorry", open=True)
        return server.pid, before.states, before.envs

    seen = [await pair.run(work) for _ in range(4)]
    assert {states for _, states, _ in seen} == {0}
    assert len({(pid, envs) for pid, _, envs in seen}) == len({pid for pid, _, _ in seen})


async def test_a_spare_takes_the_place_of_a_process_that_dies(mortal: LeanPool) -> None:
    await all_warm(mortal)
    async with mortal.lease() as server:
        victim = server.pid
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(ServerDied):
            await server.stats()
    begin = time.monotonic()
    assert await mortal.run(pid_of) != victim
    assert time.monotonic() - begin < 0.5


async def test_an_idle_process_that_dies_is_not_lent(mortal: LeanPool) -> None:
    await all_warm(mortal)
    victim = await mortal.run(pid_of)
    os.kill(victim, signal.SIGKILL)
    await asyncio.sleep(0.2)
    assert await mortal.run(pid_of) != victim


async def test_work_is_done_again_when_its_process_dies(mortal: LeanPool) -> None:
    seen: list[int] = []

    async def work(server: LeanServer) -> int:
        seen.append(server.pid)
        if len(seen) == 1:
            os.kill(server.pid, signal.SIGKILL)
        return (await server.stats()).requests

    assert await mortal.run(work) > 0
    assert len(set(seen)) == 2


async def test_work_that_kills_two_processes_is_an_infrastructure_error(mortal: LeanPool) -> None:
    seen: list[int] = []

    async def work(server: LeanServer) -> None:
        seen.append(server.pid)
        os.kill(server.pid, signal.SIGKILL)
        await server.stats()

    with pytest.raises(ServerDied, match="SIGKILL"):
        await mortal.run(work)
    assert len(set(seen)) == 2


async def test_work_that_breaks_its_limit_is_not_done_again(mortal: LeanPool) -> None:
    seen: list[int] = []

    async def work(server: LeanServer) -> None:
        seen.append(server.pid)
        env = (await server.open_environment()).id
        state = (await server.start_goal(env, statement="True")).state.id
        await server.run_tactics([Attempt(state, (ENDLESS_TACTIC,))], seconds=0, heartbeats=0, wall=0.2)

    with pytest.raises(WallClockExceeded):
        await mortal.run(work)
    assert len(seen) == 1


async def test_a_process_is_replaced_after_its_last_request(toolchain: Toolchain) -> None:
    async with LeanPool(toolchain, size=1, spares=0, recycling=Recycling(requests=4)) as pool:
        first = await pool.run(pid_of)
        assert await pool.run(pid_of) == first
        await pool.run(LeanServer.stats)
        assert await pool.run(pid_of) != first


async def test_a_process_that_grew_is_replaced(toolchain: Toolchain) -> None:
    async def grow(server: LeanServer) -> int:
        assert (await server.check_file("#eval (Array.replicate 50000000 0).size")).ok
        return server.pid

    async with LeanPool(toolchain, size=1, spares=0, recycling=Recycling(growth_bytes=100 * 2**20)) as pool:
        first = await pool.run(pid_of)
        assert await pool.run(grow) == first
        assert await pool.run(pid_of) != first


async def test_an_environment_that_cannot_be_opened_is_told_and_not_tried_again(toolchain: Toolchain) -> None:
    async with LeanPool(toolchain, size=1, spares=1, environments=[(("No.Such.Module",), "")]) as pool:
        with pytest.raises(RequestFailed) as failed:
            await pool.run(pid_of)
    assert failed.value.kind == "unknown_module"


async def test_a_pool_can_be_closed_while_it_starts(toolchain: Toolchain) -> None:
    before = children()
    async with LeanPool(toolchain, size=2, spares=1):
        await asyncio.sleep(0.5)
        assert len(children() - before) == 2
    assert children() <= before


async def test_closing_tells_who_waits_and_who_works(toolchain: Toolchain) -> None:
    before = children()
    pool = LeanPool(toolchain, size=1, spares=0)
    async with pool:
        leased = asyncio.Event()

        async def work(server: LeanServer) -> None:
            leased.set()
            await server.check_file(ENDLESS, seconds=60)

        working = asyncio.create_task(pool.run(work))
        waiting = asyncio.create_task(pool.run(pid_of))
        await leased.wait()
        await asyncio.sleep(0.1)
    assert [type(outcome) for outcome in await asyncio.gather(working, waiting, return_exceptions=True)] == [
        ServerDied
    ] * 2
    assert children() <= before


async def test_a_lean_that_never_starts_is_given_up(program: Callable[[str], Toolchain]) -> None:
    async with LeanPool(program("sys.exit('the cache is damaged')"), size=2, spares=1) as pool:
        with pytest.raises(ToolchainError, match=r"3 times in a row.*the cache is damaged"):
            await pool.run(pid_of)
