"""Models behind a server, against a real HTTP server that says what a test wants."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from prover.chat import ChatClient, Message, Patience
from prover.core import Budget
from prover.errors import ChatFailed, ChatRefused
from prover.generators.combined import CombinedGenerator
from prover.generators.fixed import FixedGenerator
from prover.generators.language import Answer as Made
from prover.generators.language import Generation, Prompt, Sampling
from prover.generators.model import ModelGenerator
from prover.generators.openai import OpenAIModel
from prover.generators.prompts import FORMATS
from prover.search.best_first import BestFirst
from prover.search.graph import ProofGraph
from prover.search.strategy import search
from prover.testing import NumberPuzzle
from tests.fake_model import Answer, FakeModel, fake_model, in_turn

TALK = (Message("user", "Prove it."),)
TWO = Sampling(2, 0.7, 0.95, 64, ("```",))


async def at_once(seconds: float) -> None:
    """Waits for nothing."""


@asynccontextmanager
async def model_of(server: FakeModel, concurrency: int = 8) -> AsyncIterator[OpenAIModel]:
    patience = Patience(tries=2)
    async with ChatClient(
        server.url, "m", chance=Random(0), api_key="sk-1", patience=patience, sleep=at_once
    ) as client:
        yield OpenAIModel(client, concurrency=concurrency)


async def made(server: FakeModel, *prompts: Prompt, sampling: Sampling = TWO, seed: int = 5) -> list[Made]:
    async with model_of(server) as model:
        return await model.generate(prompts, sampling, seed)


async def test_a_text_is_continued_with_log_probabilities() -> None:
    answer = Answer("simp", more=("omega",), logs=((-0.5, -0.25), (-1.0,)))
    with fake_model(in_turn(answer)) as server:
        found = await made(server, "⊢ p")
    assert found == [Made((Generation("simp", -0.75, 2), Generation("omega", -1.0, 1)), 7)]
    assert server.asked == [
        {
            "model": "m",
            "n": 2,
            "temperature": 0.7,
            "top_p": 0.95,
            "max_tokens": 64,
            "seed": 5,
            "stop": ["```"],
            "prompt": "⊢ p",
            "logprobs": 1,
        }
    ]
    assert server.keys == ["Bearer sk-1"]


async def test_a_talk_is_answered_with_log_probabilities() -> None:
    with fake_model(in_turn(Answer("a", more=("b",), logs=((-0.5,), (-1.0, -2.0))))) as server:
        found = await made(server, TALK)
    assert found == [Made((Generation("a", -0.5, 1), Generation("b", -3.0, 2)), 7)]
    assert server.asked[0]["messages"] == [{"role": "user", "content": "Prove it."}]
    assert server.asked[0]["logprobs"] is True


async def test_a_server_that_tells_no_log_probabilities_still_tells_how_many_tokens() -> None:
    with fake_model(in_turn(Answer("a", more=("b",), finish="length"))) as server:
        found = await made(server, TALK)
    assert found == [Made((Generation("a", None, 5, "length"), Generation("b", None, 5, "length")), 7)]


async def test_a_server_that_does_not_know_n_is_asked_again_with_other_seeds() -> None:
    with fake_model(lambda body: Answer(f"seed {body['seed']}")) as server:
        (found,) = await made(server, TALK, sampling=Sampling(4), seed=2**31 - 1)
    assert [generation.text for generation in found.generations] == [f"seed {2**31 - 1}", "seed 0", "seed 1", "seed 2"]
    assert sorted(body["n"] for body in server.asked) == [1, 1, 1, 4]


async def test_choices_that_were_not_asked_for_are_left() -> None:
    with fake_model(in_turn(Answer("a", more=("b", "c")))) as server:
        (found,) = await made(server, TALK)
    assert len(found.generations) == 2


async def test_at_temperature_zero_one_completion_is_all_there_is() -> None:
    with fake_model(in_turn(Answer("a"))) as server:
        (found,) = await made(server, TALK, sampling=Sampling(16, 0.0))
    assert len(found.generations) == 1
    assert [body["n"] for body in server.asked] == [1]


async def test_prompts_are_asked_side_by_side_within_the_limit_and_answered_in_order() -> None:
    with fake_model(lambda body: Answer(body["prompt"].upper(), more=("",), seconds=0.05)) as server:
        async with model_of(server, concurrency=3) as model:
            found = await model.generate([*"abcdefgh"], TWO, 0)
    assert [answer.generations[0].text for answer in found] == [*"ABCDEFGH"]
    assert server.most == 3


async def test_what_passes_is_tried_again() -> None:
    with fake_model(in_turn(Answer("busy", 503), Answer("a", more=("b",)))) as server:
        await made(server, TALK)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer("down", 500), ChatFailed, "status 500: down, 2 times in a row"),
        (Answer("wrong", 401), ChatRefused, "check the API key"),
        (Answer(raw=b'{"choices": []}'), ChatFailed, "this is no completion"),
        (Answer(raw=b'{"choices": [{}]}'), ChatFailed, "this is no completion"),
    ],
)
async def test_no_completion_is_a_failure_of_the_model(answer: Answer, kind: type[ChatFailed], words: str) -> None:
    with fake_model(in_turn(answer)) as server, pytest.raises(kind, match=words):
        await made(server, TALK, TALK)


def dies_after(count: int, tactic: str) -> Any:
    """Answers so many times, and then no more."""
    return in_turn(*[Answer(tactic, more=(tactic,))] * count, Answer("gone", 500))


async def test_a_search_goes_on_without_a_server_that_dies() -> None:
    puzzle, graph = NumberPuzzle(), None
    with fake_model(dies_after(1, "half")) as server:
        async with model_of(server) as model:
            mixed = CombinedGenerator([FixedGenerator(["less", "one"]), ModelGenerator(model, FORMATS["plain"], TWO)])
            graph = ProofGraph(puzzle.start(6))
            result = await search(graph, puzzle, mixed, BestFirst(), budget=Budget(seconds=20), clock=lambda: 0.0)
    assert (result.outcome, result.script) == ("proved", "half\nless\nless\none")
    assert "status 500: gone" in result.fault


async def test_a_search_with_nothing_but_a_server_that_dies_has_no_result() -> None:
    puzzle = NumberPuzzle()
    with fake_model(dies_after(1, "half")) as server:
        async with model_of(server) as model:
            alone = ModelGenerator(model, FORMATS["plain"], TWO)
            with pytest.raises(ChatFailed, match="status 500: gone"):
                await search(
                    ProofGraph(puzzle.start(6)), puzzle, alone, BestFirst(), budget=Budget(), clock=lambda: 0.0
                )


async def test_the_share_of_the_samples_is_the_cost_where_nothing_is_told() -> None:
    with fake_model(in_turn(Answer("half", more=("less",)))) as server:
        async with model_of(server) as model:
            puzzle = NumberPuzzle()
            graph = ProofGraph(puzzle.start(6))
            alone = ModelGenerator(model, FORMATS["plain"], TWO)
            await search(graph, puzzle, alone, BestFirst(), budget=Budget(steps=2), clock=lambda: 0.0)
    assert {edge.proposal.cost for edge in map(graph.edge, graph.node(graph.root).edges)} == {math.log(2)}
