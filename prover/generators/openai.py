"""A language model behind an OpenAI-compatible server, asked for many completions at a time.

Texts to be continued go to `/completions`, talks to `/chat/completions`. Log-probabilities are asked for; what is made of an answer
without them is `costs_of`'s to say. A server that gives fewer completions than it was asked for, as those do that do not know `n`,
is asked again for the rest. At temperature 0 all would be the same, and one is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import asdict
from typing import Any, Final

from prover.chat import ChatClient
from prover.generators.language import Answer, Generation, Prompt, Sampling

SEEDS: Final = 2**31
"""Seeds are taken modulo this, as some servers take no larger ones."""


class OpenAIModel:
    """A `LanguageModel` over a client, which belongs to the caller.

    Args:
        client: the model and its server.
        concurrency: requests at a time.
    """

    def __init__(self, client: ChatClient, *, concurrency: int = 8) -> None:
        self._client = client
        self._free = asyncio.Semaphore(concurrency)

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seed: int) -> list[Answer]:
        """Completes prompts, each by requests of its own.

        Raises:
            ChatFailed: a request got no completion; the others are given up.
        """
        return await _all([self._answer(prompt, sampling, seed) for prompt in prompts])

    async def _answer(self, prompt: Prompt, sampling: Sampling, seed: int) -> Answer:
        samples = sampling.samples if sampling.temperature else 1
        first = await self._ask(prompt, sampling, samples, seed)
        missing = samples - len(first.generations)
        more = await _all([self._ask(prompt, sampling, 1, seed + number) for number in range(1, missing + 1)])
        answers = [first, *more]
        generations = tuple(generation for answer in answers for generation in answer.generations)
        return Answer(generations[:samples], sum(answer.prompt_tokens for answer in answers))

    async def _ask(self, prompt: Prompt, sampling: Sampling, samples: int, seed: int) -> Answer:
        body: dict[str, object] = {
            "model": self._client.model,
            "n": samples,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "seed": seed % SEEDS,
        }
        if sampling.stop:
            body["stop"] = list(sampling.stop)
        if isinstance(prompt, str):
            path, body = "/completions", {**body, "prompt": prompt, "logprobs": 1}
        else:
            talk = [asdict(message) for message in prompt]
            path, body = "/chat/completions", {**body, "messages": talk, "logprobs": True}
        async with self._free:
            return await self._client.post(path, body, _answer)


async def _all(asked: Sequence[Coroutine[Any, Any, Answer]]) -> list[Answer]:
    """The answers in order; when one fails, the others are given up."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in asked]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _answer(document: Any) -> Answer:
    usage = document.get("usage") or {}
    choices = document["choices"]
    if not choices:
        raise ValueError("no choices")
    # A server that does not tell tokens apart counts those of all completions together.
    share = int(usage.get("completion_tokens") or 0) // len(choices)
    return Answer(tuple(_generation(choice, share) for choice in choices), int(usage.get("prompt_tokens") or 0))


def _generation(choice: Any, tokens: int) -> Generation:
    text = choice["text"] if "text" in choice else choice["message"].get("content")
    told = _log_probabilities(choice.get("logprobs") or {})
    return Generation(
        str(text or ""),
        sum(told) if told else None,
        len(told) or tokens,
        "length" if choice.get("finish_reason") == "length" else "stop",
    )


def _log_probabilities(told: Any) -> list[float]:
    """Of the tokens; empty if there are none. Chats have them in `content`, continuations in `token_logprobs`."""
    if told.get("content") is not None:
        return [float(token["logprob"]) for token in told["content"]]
    return [float(value) for value in told.get("token_logprobs") or () if value is not None]
