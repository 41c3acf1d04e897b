"""Requests and answers in the form of OpenAI's API: https://platform.openai.com/docs/api-reference, completions and chat."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeVar, cast

from prover.errors import RequestRefused
from prover.serve.requests import Request, Sample
from prover.serve.words import Words

T = TypeVar("T")

MOST_STOPS: Final = 16

KNOWN: Final = frozenset(
    {"model", "prompt", "messages", "n", "temperature", "top_p", "stop", "max_tokens", "max_completion_tokens", "seed", "logprobs", "user",
     "stream", "stream_options"}
)  # fmt: skip

NEUTRAL: Final[Mapping[str, object]] = {
    "echo": False,
    "best_of": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "top_logprobs": 0,
}
"""Fields that are not offered, with the values that ask for nothing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a body asks for."""

    requests: tuple[Request, ...]
    """One a prompt."""
    log_probabilities: bool
    stream: bool
    """Whether the text is to be told while it is made."""
    stream_usage: bool
    """Whether the counts of tokens are to be told at its end."""


def read_completion(body: Any, words: Words, most: int, chance: Random) -> Asked:
    """Reads a body of `/v1/completions`.

    Args:
        body: a JSON document.
        words: the model's.
        most: tokens that a completion may have; it has 16 where the body does not say, as with OpenAI.
        chance: draws a seed where none is given.

    Raises:
        RequestRefused: it is not as it should be (400).
    """
    fields = _checked(body)
    prompt = fields.get("prompt")
    prompts = [prompt] if isinstance(prompt, str) else prompt
    if not isinstance(prompts, list) or not prompts or not all(isinstance(text, str) for text in prompts):
        raise RequestRefused(400, "prompt: give a text, or a list of texts.")
    wanted = fields.get("logprobs")
    if wanted is not None and not (_is_whole(wanted) and 0 <= wanted <= 1):
        raise RequestRefused(400, "logprobs: give 0 or 1; only those of the tokens that were chosen are told.")
    requests = _requests(fields, [words.of_text(text) for text in prompts], min(16, most), chance)
    return _asked(fields, requests, wanted is not None)


def read_chat(body: Any, words: Words, most: int, chance: Random) -> Asked:
    """Reads a body of `/v1/chat/completions`; as `read_completion`. A completion may have `most` tokens where the body does not say."""
    fields = _checked(body)
    messages = fields.get("messages")
    if not isinstance(messages, list) or not messages or not all(map(_is_message, messages)):
        raise RequestRefused(400, "messages: give a list of objects with the texts role and content.")
    if not words.chats:
        raise RequestRefused(400, "The model has no chat template; ask for /v1/completions.")
    try:
        tokens = words.of_talk([{"role": message["role"], "content": message["content"]} for message in messages])
    except ValueError as error:
        raise RequestRefused(400, f"messages: the model's chat template does not take them: {error}") from error
    wanted = _value(fields, "logprobs", False, _is_truth, "true or false")
    return _asked(fields, _requests(fields, [tokens], most, chance), wanted)


def completion_document(asked: Asked, answers: Sequence[Sequence[Sample]], words: Words) -> dict[str, Any]:
    """The choices of all prompts, in order, and the counts of tokens."""
    samples = [sample for answer in answers for sample in answer]
    choices = [
        {
            "index": place,
            "text": sample.text,
            "finish_reason": sample.finish,
            "logprobs": _text_logs(sample, words) if asked.log_probabilities else None,
        }
        for place, sample in enumerate(samples)
    ]
    return {"object": "text_completion", "choices": choices, "usage": usage(asked, samples)}


def chat_document(asked: Asked, answers: Sequence[Sequence[Sample]], words: Words) -> dict[str, Any]:
    """As `completion_document`, with messages."""
    samples = [sample for answer in answers for sample in answer]
    choices = [
        {
            "index": place,
            "message": {"role": "assistant", "content": sample.text},
            "finish_reason": sample.finish,
            "logprobs": {"content": _chat_logs(sample, words)} if asked.log_probabilities else None,
        }
        for place, sample in enumerate(samples)
    ]
    return {"object": "chat.completion", "choices": choices, "usage": usage(asked, samples)}


def completion_piece(place: int, text: str, finish: str | None) -> dict[str, Any]:
    """A piece of a stream: what was added to one choice, and why it ended, if it did."""
    choice = {"index": place, "text": text, "finish_reason": finish, "logprobs": None}
    return {"object": "text_completion", "choices": [choice]}


def chat_piece(place: int, text: str, finish: str | None) -> dict[str, Any]:
    """As `completion_piece`, of a message."""
    choice = {"index": place, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}
    return {"object": "chat.completion.chunk", "choices": [choice]}


def usage(asked: Asked, samples: Sequence[Sample]) -> dict[str, int]:
    """The counts of tokens."""
    read = sum(len(request.tokens) for request in asked.requests)
    made = sum(len(sample.tokens) for sample in samples)
    return {"prompt_tokens": read, "completion_tokens": made, "total_tokens": read + made}


def error_document(status: int, words: str) -> dict[str, Any]:
    """An error in OpenAI's form."""
    kinds = {401: "authentication_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": words, "type": kind, "param": None, "code": status}}


def _checked(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise RequestRefused(400, "The body is no JSON object.")
    for name, value in body.items():
        if name in KNOWN or value is None or (name in NEUTRAL and value == NEUTRAL[name]):
            continue
        raise RequestRefused(400, f"{name}: this server does not offer it; leave it out.")
    return body


def _asked(fields: Mapping[str, Any], requests: tuple[Request, ...], log_probabilities: bool) -> Asked:
    stream = _value(fields, "stream", False, _is_truth, "true or false")
    options: dict[str, Any] = _value(fields, "stream_options", {}, lambda value: isinstance(value, dict), "an object")
    if stream and log_probabilities:
        raise RequestRefused(400, "logprobs: they are not told in a stream; leave one of the two out.")
    return Asked(requests, log_probabilities, stream, bool(options.get("include_usage")))


def _requests(
    fields: Mapping[str, Any], prompts: Sequence[tuple[int, ...]], tokens: int, chance: Random
) -> tuple[Request, ...]:
    limit = "max_completion_tokens" if fields.get("max_completion_tokens") is not None else "max_tokens"
    seed = _value(fields, "seed", chance.randrange(2**31), _is_seed, "a whole number below 2^63")
    samples = _value(fields, "n", 1, _is_count, "a whole number from 1")
    most = _value(fields, limit, tokens, _is_count, "a whole number from 1")
    temperature = _value(
        fields, "temperature", 1.0, lambda value: _is_number(value) and 0 <= value <= 100, "a number from 0 to 100"
    )
    top_p = _value(
        fields, "top_p", 1.0, lambda value: _is_number(value) and 0 < value <= 1, "a number above 0 and up to 1"
    )
    stop = _stops(fields.get("stop"))
    return tuple(
        Request(prompt, samples, temperature, top_p, most, stop, seed + place) for place, prompt in enumerate(prompts)
    )


def _value(fields: Mapping[str, Any], name: str, default: T, right: Callable[[Any], bool], wanted: str) -> T:
    value = fields.get(name)
    if value is None:
        return default
    if not right(value):
        raise RequestRefused(400, f"{name} is {value!r}; give {wanted}.")
    return cast("T", value)


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_whole(value) and value >= 1


def _is_seed(value: Any) -> bool:
    return _is_whole(value) and abs(value) < 2**63


def _is_number(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def _stops(value: Any) -> tuple[str, ...]:
    stops = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or len(stops) > MOST_STOPS or not all(isinstance(s, str) and s for s in stops):
        raise RequestRefused(400, f"stop: give a text that is not empty, or a list of up to {MOST_STOPS}.")
    return tuple(stops)


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role"), str) and isinstance(value.get("content"), str)


def _text_logs(sample: Sample, words: Words) -> dict[str, Any]:
    return {
        "tokens": words.pieces(sample.tokens),
        "token_logprobs": list(sample.log_probabilities),
        "top_logprobs": None,
    }


def _chat_logs(sample: Sample, words: Words) -> list[dict[str, Any]]:
    pieces = words.pieces(sample.tokens)
    return [
        {"token": piece, "logprob": log, "bytes": None, "top_logprobs": []}
        for piece, log in zip(pieces, sample.log_probabilities, strict=True)
    ]
