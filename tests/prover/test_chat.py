"""The client of OpenAI-compatible servers, against a real HTTP server."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random

import pytest

from prover.chat import ChatClient, Completion, Message, Patience, public_address
from prover.errors import ChatFailed, ChatRefused
from tests.fake_model import Answer, fake_model, in_turn

QUESTION = [Message("system", "Be brief."), Message("user", "Is 91 prime?")]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Waits(list[float]):
    """The seconds that a client would have waited."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def client(url: str, waits: Waits, key: str | None = None, **options: float) -> ChatClient:
    patience = Patience(tries=3, first=1.0, longest=30.0)
    return ChatClient(
        url, "m", chance=Random(0), api_key=key, patience=patience, sleep=waits, now=lambda: NOON, **options
    )


async def asked(url: str, waits: Waits | None = None, messages: Sequence[Message] = QUESTION) -> Completion:
    async with client(url, Waits() if waits is None else waits) as model:
        return await model.complete(messages, max_tokens=50)


async def test_a_completion_says_its_text_its_end_and_its_tokens() -> None:
    with fake_model(in_turn(Answer("No: 7 · 13.", finish="length"))) as server:
        async with client(server.url, Waits(), key="sk-1") as model:
            found = await model.complete(QUESTION, max_tokens=50, temperature=0.5, seed=3)
    assert found == Completion("No: 7 · 13.", "length", 7, 5)
    assert found.truncated
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Is 91 prime?"}]
    assert server.asked == [{"model": "m", "messages": messages, "max_tokens": 50, "temperature": 0.5, "seed": 3}]
    assert server.keys == ["Bearer sk-1"]


async def test_without_a_key_and_a_seed_none_is_sent() -> None:
    with fake_model(in_turn(Answer("No"))) as server:
        await asked(server.url + "/")
    assert server.keys == [None]
    assert "seed" not in server.asked[0]


async def test_a_reply_without_text_or_counts_is_an_empty_completion() -> None:
    raw = b'{"choices": [{"message": {"content": null}, "finish_reason": "length"}]}'
    with fake_model(in_turn(Answer(raw=raw))) as server:
        assert await asked(server.url) == Completion("", "length", None, None)


@pytest.mark.parametrize("fault", [Answer("busy", 500), Answer("busy", 503), Answer("x", cut=True)], ids=str)
async def test_what_may_pass_is_tried_again_after_a_growing_wait(fault: Answer) -> None:
    waits = Waits()
    with fake_model(in_turn(fault, fault, Answer("No"))) as server:
        assert (await asked(server.url, waits)).text == "No"
    assert len(server.asked) == 3
    assert 0.5 <= waits[0] <= 1.0 <= waits[1] <= 2.0


@pytest.mark.parametrize("value", ["17", "17.0", "Thu, 01 Jan 2026 12:00:17 GMT"])
async def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(value: str) -> None:
    waits = Waits()
    with fake_model(in_turn(Answer("slow down", 429, {"Retry-After": value}), Answer("No"))) as server:
        await asked(server.url, waits)
    assert waits == [17.0]


async def test_a_server_that_asks_for_more_patience_than_there_is_is_not_waited_for() -> None:
    waits = Waits()
    with (
        fake_model(in_turn(Answer("quota", 429, {"Retry-After": "3600"}))) as server,
        pytest.raises(ChatFailed, match=r"quota; it asks to be left alone for 3600 s: ask again later"),
    ):
        await asked(server.url, waits)
    assert (len(server.asked), waits) == (1, [])


async def test_a_fault_that_does_not_pass_is_told_after_the_last_try() -> None:
    with (
        fake_model(in_turn(Answer("out of memory", 500))) as server,
        pytest.raises(
            ChatFailed, match=r"status 500: out of memory, 3 times in a row; see whether it is up"
        ) as failure,
    ):
        await asked(server.url)
    assert len(server.asked) == 3
    assert not isinstance(failure.value, ChatRefused)
    assert server.url in str(failure.value)


async def test_a_server_that_is_down_is_asked_less_often_until_it_answers() -> None:
    down = Answer("down", 500)
    patience = Patience(tries=3, tries_when_down=1)
    with fake_model(in_turn(down, down, down, down, Answer("No"), down, down, down)) as server:
        async with ChatClient(server.url, "m", chance=Random(0), patience=patience, sleep=Waits()) as model:
            for asked_so_far, answers in ((3, False), (4, False), (5, True), (8, False)):
                if answers:
                    await model.complete(QUESTION, max_tokens=1)
                else:
                    with pytest.raises(ChatFailed, match="down"):
                        await model.complete(QUESTION, max_tokens=1)
                assert len(server.asked) == asked_so_far


@pytest.mark.parametrize(
    ("status", "cure"), [(401, "check the API key"), (403, "may use"), (404, "check the base URL"), (402, "credit")]
)
async def test_a_refusal_of_the_caller_is_told_at_once_with_the_cure(status: int, cure: str) -> None:
    with fake_model(in_turn(Answer("no", status))) as server, pytest.raises(ChatRefused, match=cure):
        await asked(server.url)
    assert len(server.asked) == 1


async def test_a_refusal_of_the_request_is_told_at_once_and_is_no_refusal_of_the_caller() -> None:
    with (
        fake_model(in_turn(Answer("context too long", 400))) as server,
        pytest.raises(
            ChatFailed, match="status 400: context too long; the server does not take the request"
        ) as failure,
    ):
        await asked(server.url)
    assert not isinstance(failure.value, ChatRefused)
    assert len(server.asked) == 1


@pytest.mark.parametrize("raw", [b"<html>hello</html>", b"[]", b'{"choices": []}', b'{"choices": [{"message": 1}]}'])
async def test_a_server_of_something_else_is_named_as_such(raw: bytes) -> None:
    with (
        fake_model(in_turn(Answer(raw=raw))) as server,
        pytest.raises(ChatFailed, match=r"this is no completion: .*OpenAI-compatible"),
    ):
        await asked(server.url)


async def test_no_server_at_all_is_told_after_the_last_try() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    waits = Waits()
    with pytest.raises(ChatFailed, match=r"no answer \(ConnectError.*3 times in a row"):
        await asked(f"http://127.0.0.1:{port}/v1", waits)
    assert len(waits) == 2


async def test_a_silent_server_is_given_up() -> None:
    with fake_model(in_turn(Answer("late", seconds=0.5))) as server:
        async with client(server.url, Waits(), seconds=0.05) as model:
            with pytest.raises(ChatFailed, match="ReadTimeout"):
                await model.complete(QUESTION, max_tokens=1)


async def test_the_key_is_in_no_message() -> None:
    with fake_model(in_turn(Answer("wrong key sk-secret", 401))) as server:
        async with client(server.url, Waits(), key="sk-secret") as model:
            with pytest.raises(ChatRefused, match=r"wrong key \*\*\*"):
                await model.complete(QUESTION, max_tokens=1)


@pytest.mark.parametrize("url", ["localhost:8000/v1", "ftp://host/v1", "http://", "", "http://[::1"])
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(ChatRefused, match="give one such as http://localhost:8000/v1"):
        client(url, Waits())


def test_a_key_that_no_header_can_carry_is_refused_and_not_shown() -> None:
    with pytest.raises(ChatRefused, match="holds characters that no header can carry") as failure:
        client("http://localhost/v1", Waits(), key="sk-gehe\u00efm")
    assert "sk-" not in str(failure.value)


def test_an_address_in_a_record_holds_no_secret() -> None:
    assert public_address("https://me:pass@host:8000/v1/?key=1#x") == "https://host:8000/v1"
