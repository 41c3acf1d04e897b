from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lean_bridge.client import LeanServer, Limits
from lean_bridge.errors import ProtocolError, RequestFailed, ServerDied, ToolchainError, WallClockExceeded
from lean_bridge.process import KEPT_BYTES, ReplySplitter, Tail
from lean_bridge.protocol import Attempt, TacticFailed
from lean_bridge.toolchain.base import Backend, Command, Fact, Toolchain
from lean_bridge.toolchain.provenance import Origin

ENDLESS = "set_option maxRecDepth 100000000 in repeat (have := trivial)"


@given(
    parts=st.lists(st.one_of(st.tuples(st.just("reply"), st.binary()), st.tuples(st.just("printed"), st.binary()))),
    size=st.integers(1, 9),
)
def test_replies_and_output_come_apart_however_the_stream_is_cut(parts: list[tuple[str, bytes]], size: int) -> None:
    token = "deadbeefdeadbeef"
    stream = b""
    replies: list[bytes] = []
    printed = b""
    for kind, data in parts:
        if kind == "reply":
            line = data.replace(b"\n", b"")
            replies.append(line)
            stream += f"\n{token} ".encode() + line + b"\n"
        else:
            printed += data
            stream += data
    end = b"\n%s \n" % token.encode()
    tail = Tail()
    splitter = ReplySplitter(token, tail)
    stream += end
    found = [reply for at in range(0, len(stream), size) for reply in splitter.feed(stream[at : at + size])]
    assert found == [*replies, b""]
    assert tail.text() == printed.decode(errors="replace")


def test_only_the_end_of_long_output_is_kept() -> None:
    tail = Tail()
    for number in range(100_000):
        tail.add(b"%06d\n" % number)
    assert len(tail.text()) == KEPT_BYTES
    assert tail.text().endswith("099999\n")


async def test_a_server_greets(server: LeanServer) -> None:
    assert server.hello.protocol == 1
    assert server.hello.lean.startswith("4.")
    assert server.alive
    assert server.resident_bytes() > 2**20


async def test_requests_in_flight_are_answered_in_order(server: LeanServer) -> None:
    env = (await server.open_environment()).id
    order: list[int] = []

    async def ask(number: int) -> None:
        await server.start_goal(env, statement=f"{number} = {number}")
        order.append(number)

    await asyncio.gather(*(ask(number) for number in range(20)))
    assert order == list(range(20))


async def test_a_refused_request_leaves_the_server_as_it_was(server: LeanServer) -> None:
    with pytest.raises(RequestFailed) as refused:
        await server.start_goal(10_000, statement="True")
    assert refused.value.kind == "unknown_env"
    assert (await server.stats()).requests > 0


async def test_a_cancelled_task_cancels_its_request(server: LeanServer) -> None:
    env = (await server.open_environment()).id
    state = (await server.start_goal(env, statement="True")).state.id
    endless = asyncio.create_task(server.run_tactics([Attempt(state, (ENDLESS,))], seconds=60, heartbeats=0))
    await asyncio.sleep(0.3)
    endless.cancel()
    with pytest.raises(asyncio.CancelledError):
        await endless
    begin = time.monotonic()
    await server.stats()
    assert time.monotonic() - begin < 1.5


async def test_a_request_can_be_cancelled_by_its_id(server: LeanServer) -> None:
    env = (await server.open_environment()).id
    state = (await server.start_goal(env, statement="True")).state.id
    both = asyncio.create_task(server.run_tactics([Attempt(state, (ENDLESS, "trivial"))], seconds=60, heartbeats=0))
    await asyncio.sleep(0.3)
    assert server.running is not None
    server.cancel(server.running)
    outcomes = (await both)[0]
    assert [outcome.kind for outcome in outcomes if isinstance(outcome, TacticFailed)] == ["cancelled", "cancelled"]


async def test_a_long_message_arrives_whole(server: LeanServer) -> None:
    text = "import Lean\nrun_cmd Lean.logInfo (\"\".pushn 'y' 1000000)"
    report = await server.check_file(text, seconds=60)
    assert [len(message.text) for message in report.messages] == [1_000_000]


async def test_a_reply_of_tens_of_megabytes_arrives_whole(program: Callable[[str], Toolchain]) -> None:
    body = """
greet()
sys.stdin.readline()
message = {"severity": "info", "text": "y" * 40_000_000, "line": 1, "column": 0}
say(json.dumps({"id": 1, "result": {"messages": [message], "ok": True, "theorems": []}}))
"""
    async with await LeanServer.start(program(body)) as server:
        report = await server.check_file("")
    assert len(report.messages[0].text) == 40_000_000


async def test_closing_ends_the_process(toolchain: Toolchain) -> None:
    async with await LeanServer.start(toolchain) as server:
        process = psutil.Process(server.pid)
    assert not process.is_running()
    with pytest.raises(ServerDied, match="closed"):
        await server.stats()


async def test_closing_ends_a_process_that_does_not_listen(program: Callable[[str], Toolchain]) -> None:
    async with await LeanServer.start(program("greet(); time.sleep(60)")) as server:
        process = psutil.Process(server.pid)
        begin = time.monotonic()
    assert not process.is_running()
    assert time.monotonic() - begin < 4


async def test_closing_twice_is_closing_once(program: Callable[[str], Toolchain]) -> None:
    server = await LeanServer.start(program("greet(); sys.stdin.read()"))
    await server.close()
    await server.close()
    assert not server.alive


async def test_closing_fails_the_requests_in_flight(program: Callable[[str], Toolchain]) -> None:
    server = await LeanServer.start(program("greet(); sys.stdin.read()"))
    asking = asyncio.create_task(server.stats())
    await asyncio.sleep(0.05)
    await server.close()
    with pytest.raises(ServerDied, match="closed"):
        await asking


async def test_a_program_that_is_not_there_is_a_toolchain_error(tmp_path: Path) -> None:
    @dataclass(frozen=True, slots=True)
    class Missing:
        backend: Backend = "embedded"

        def server(self) -> Command:
            return Command((str(tmp_path / "node"),), cwd=tmp_path)

        def frontend(self) -> Command:
            return self.server()

        def origins(self) -> tuple[Origin, ...]:
            return ()

        def facts(self) -> list[Fact]:
            return []

    with pytest.raises(ToolchainError, match="lemma doctor"):
        await LeanServer.start(Missing())


async def test_a_process_that_dies_before_it_greets_leaves_its_last_words(program: Callable[[str], Toolchain]) -> None:
    with pytest.raises(ServerDied, match=r"exit code 3.*no memory left"):
        await LeanServer.start(program("sys.exit(print('no memory left', file=sys.stderr) or 3)"))


async def test_a_process_that_does_not_greet_is_killed(program: Callable[[str], Toolchain]) -> None:
    with pytest.raises(WallClockExceeded, match="greeting"):
        await LeanServer.start(program("sys.stdin.read()"), limits=Limits(start_seconds=0.3))


async def test_cancelling_a_start_leaves_no_process(program: Callable[[str], Toolchain]) -> None:
    before = set(psutil.Process().children())
    starting = asyncio.create_task(LeanServer.start(program("sys.stdin.read()")))
    await asyncio.sleep(0.2)
    started = set(psutil.Process().children()) - before
    assert len(started) == 1
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not any(process.is_running() for process in started)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("greet(protocol=2)", "protocol 2"),
        ("say('{')", "not JSON"),
        ('say(\'{"hello": {"protocol": 1}}\')', "server"),
    ],
)
async def test_a_bad_greeting_is_a_protocol_error(
    program: Callable[[str], Toolchain], body: str, complaint: str
) -> None:
    with pytest.raises(ProtocolError, match=complaint):
        await LeanServer.start(program(body + "; sys.stdin.read()"))


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        ("not json", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"id": 99, "result": {}}', "99"),
        ('{"result": {}}', "id"),
        ('{"id": 1, "result": {"requests": []}}', "requests"),
        ('{"id": 1, "outcome": {}}', "error"),
    ],
)
async def test_a_malformed_reply_is_a_protocol_error(
    program: Callable[[str], Toolchain], reply: str, complaint: str
) -> None:
    server_program = program(f"greet(); sys.stdin.readline(); say({json.dumps(reply)}); sys.stdin.read()")
    async with await LeanServer.start(server_program) as server:
        with pytest.raises(ProtocolError, match=complaint):
            await server.stats()


async def test_a_server_that_closes_its_output_is_dead(program: Callable[[str], Toolchain]) -> None:
    body = "import os; greet(); sys.stdin.readline(); os.close(1); sys.stdin.read()"
    async with await LeanServer.start(program(body)) as server:
        with pytest.raises(ServerDied):
            await server.stats()


async def test_only_the_running_request_pays_for_the_limit_and_its_time_counts_from_its_turn(
    program: Callable[[str], Toolchain],
) -> None:
    body = """
greet()
for line in sys.stdin:
    request = json.loads(line)
    time.sleep(0.5 if request["id"] < 3 else 60)
    say(json.dumps({"id": request["id"], "result": {"released": 0}}))
"""
    async with await LeanServer.start(program(body), limits=Limits(seconds=1.0)) as server:
        outcomes = await asyncio.gather(*(server.release_states(None) for _ in range(4)), return_exceptions=True)
    assert outcomes[:2] == [0, 0]
    assert type(outcomes[2]) is WallClockExceeded
    assert type(outcomes[3]) is ServerDied


async def test_an_answer_that_came_while_python_was_busy_counts(program: Callable[[str], Toolchain]) -> None:
    body = 'greet(); sys.stdin.readline(); time.sleep(0.2); say(\'{"id": 1, "result": {"released": 7}}\'); sys.stdin.read()'
    async with await LeanServer.start(program(body), limits=Limits(seconds=0.5)) as server:
        asking = asyncio.create_task(server.release_states(None))
        await asyncio.sleep(0.05)
        time.sleep(1.0)  # noqa: ASYNC251 - the loop is kept busy on purpose
        assert await asking == 7
