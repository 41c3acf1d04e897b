"""Completions by a language model behind an OpenAI-compatible server: vLLM, llama.cpp, Ollama, OpenAI and most others.

::

    async with ChatClient("http://localhost:8000/v1", "my-model", chance=Random(0)) as model:
        completion = await model.complete([Message("user", "Is 91 prime?")], max_tokens=100)

`complete` is one `POST {base}/chat/completions`; whoever needs another request makes it with `post`. What may pass (no connection, a connection that is cut, status 429 and 5xx) is
tried again; everything else is told at once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from typing import Any, Final, Literal, Self, TypeVar

import httpx

from prover.errors import ChatFailed, ChatRefused

T = TypeVar("T")

CONNECT_SECONDS: Final = 10.0

EXCERPT: Final = 300
"""Characters of a server's answer that an error message repeats."""

CURES: Final[Mapping[int, str]] = {
    401: "check the API key",
    402: "the account has no credit left",
    403: "check what the API key may use",
    404: "check the base URL (most end in /v1) and the name of the model",
}
"""What to do about a status that no other request will change."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one side says."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model answered."""

    text: str
    """Empty where the server sends none, as for a model that was stopped while it was reasoning."""
    finish_reason: str
    """`stop`, `length` (the limit of tokens was reached), or what else the server says; empty if it says nothing."""
    prompt_tokens: int | None
    """None where the server does not count."""
    completion_tokens: int | None

    @property
    def truncated(self) -> bool:
        """Whether the limit of tokens ended it."""
        return self.finish_reason == "length"


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is made, and how long to wait between.

    Before try n + 1 the wait is drawn evenly from the upper half of `min(longest, first * 2^(n-1))` seconds, or is what the
    server asks for if that is longer. A server that asks for more than `longest` is not waited for.
    """

    tries: int = 6
    first: float = 1.0
    longest: float = 60.0
    tries_when_down: int | None = None
    """As `tries`, from when a request was given up until one is answered; None: no fewer."""


class ChatClient:
    """One model of one server. May be asked from many tasks at a time.

    Args:
        base_url: what comes before `/chat/completions` and `/completions`, such as `http://localhost:8000/v1`.
        model: its name on that server.
        api_key: sent as a bearer token; it appears in no message.
        seconds: how long the server may be silent during a request.
        patience: how often to try.
        chance: draws the waits.
        sleep: waits so many seconds.
        now: the time, for a `Retry-After` that is a date.

    Raises:
        ChatRefused: the address or the key cannot be used at all.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        chance: Random,
        api_key: str | None = None,
        seconds: float = 600.0,
        patience: Patience = Patience(),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.model = model
        self.place = public_address(base_url)
        self._key = api_key
        self._patience = patience
        self._chance = chance
        self._sleep = sleep
        self._now = now
        self._down = False
        if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
            raise ChatRefused("the API key holds characters that no header can carry; check how it was copied.")
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(seconds, connect=CONNECT_SECONDS),
            # The caller bounds how many requests there are; a second bound would only time out.
            limits=httpx.Limits(max_connections=None),
        )
        self._base = httpx.URL(base_url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def complete(
        self, messages: Sequence[Message], *, max_tokens: int, temperature: float = 0.0, seed: int | None = None
    ) -> Completion:
        """The model's next message.

        Args:
            messages: the talk so far, the oldest first.
            max_tokens: after so many the answer is cut off.
            temperature: 0 takes the likeliest token.
            seed: for servers that draw with one; None sends none.

        Raises:
            ChatRefused: the server refuses every request of this client (status 401, 402, 403, 404).
            ChatFailed: it refuses this one, does not answer after all tries, or answers something else than a completion.
        """
        body = {
            "model": self.model,
            "messages": [asdict(message) for message in messages],
            "max_tokens": max_tokens,
            "temperature": temperature,
            **({} if seed is None else {"seed": seed}),
        }
        return await self.post("/chat/completions", body, _completion)

    async def post(self, path: str, body: Mapping[str, object], read: Callable[[Any], T]) -> T:
        """Makes a request, as often as it takes.

        Args:
            path: behind the base URL.
            body: sent as JSON.
            read: makes what is wanted of the JSON document that is answered. What it raises where the document is not as it should be
                (ValueError, LookupError, TypeError, AttributeError) becomes the failure to give a completion.

        Raises:
            ChatRefused: as of `complete`.
            ChatFailed: as of `complete`.
        """
        address = self._base.copy_with(path=self._base.path.rstrip("/") + path)
        content = json.dumps(body).encode()
        tries = (self._down and self._patience.tries_when_down) or self._patience.tries
        tried = 1
        while True:
            try:
                reply = await self._asked(address, content)
                self._down = False
                return self._read(reply, read)
            except _Passing as fault:
                wait = self._wait(tried, fault)
                if tried >= tries:
                    self._down = True
                    cure = "see whether it is up, and ask again later"
                    raise ChatFailed(f"{self.place}: {fault}, {tried} times in a row; {cure}.") from fault
            await self._sleep(wait)
            tried += 1

    async def _asked(self, address: httpx.URL, content: bytes) -> httpx.Response:
        try:
            reply = await self._http.post(address, content=content, headers={"Content-Type": "application/json"})
        except httpx.RequestError as error:
            raise _Passing(
                self._without_key(f"no answer ({type(error).__name__}: {error})".replace(": )", ")"))
            ) from error
        if reply.is_success:
            return reply
        words = self._without_key(f"status {reply.status_code}: {_excerpt(reply)}")
        if reply.status_code == 429 or reply.is_server_error:
            raise _Passing(words, self._retry_after(reply))
        if reply.status_code in CURES:
            raise ChatRefused(f"{self.place}: {words}; {CURES[reply.status_code]} (model {self.model!r}).")
        cure = "the server does not take the request: check the model, its limits and the options"
        raise ChatFailed(f"{self.place}: {words}; {cure} (model {self.model!r}).")

    def _read(self, reply: httpx.Response, read: Callable[[Any], T]) -> T:
        try:
            return read(reply.json())
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            words = self._without_key(f"this is no completion: {_excerpt(reply)}")
            raise ChatFailed(f"{self.place}: {words}; give the base URL of an OpenAI-compatible server.") from error

    def _wait(self, tried: int, fault: _Passing) -> float:
        """Seconds to wait after so many tries."""
        longest = self._patience.longest
        if fault.retry_after > longest:
            words = f"it asks to be left alone for {fault.retry_after:.0f} s"
            raise ChatFailed(f"{self.place}: {fault}; {words}: ask again later.") from fault
        backoff = min(longest, self._patience.first * 2.0 ** (tried - 1)) * self._chance.uniform(0.5, 1.0)
        return max(backoff, fault.retry_after)

    def _retry_after(self, reply: httpx.Response) -> float:
        """The seconds that `Retry-After` asks for (RFC 9110, section 10.2.3: a number or a date), 0 if it does not."""
        value = reply.headers.get("Retry-After", "").strip()
        if value.replace(".", "", 1).isdecimal():
            return float(value)
        try:
            return max(0.0, (parsedate_to_datetime(value) - self._now()).total_seconds())
        except (ValueError, TypeError):
            return 0.0

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


def _completion(document: Any) -> Completion:
    choice = document["choices"][0]
    text = choice["message"].get("content") or ""
    usage = document.get("usage") or {}
    counts = [usage.get("prompt_tokens"), usage.get("completion_tokens")]
    return Completion(str(text), str(choice.get("finish_reason") or ""), *counts)


class _Passing(Exception):
    """A fault that may be gone the next time, and the seconds that the server asks to wait."""

    def __init__(self, words: str, retry_after: float = 0.0) -> None:
        super().__init__(words)
        self.retry_after = retry_after


def public_address(base_url: str) -> str:
    """A base URL without user, password, query and fragment, which may be secrets: for records and messages.

    Raises:
        ChatRefused: it is no address of a server.
    """
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ChatRefused(f"{base_url!r} is no URL ({error}); give one such as http://localhost:8000/v1.") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise ChatRefused(f"{base_url!r} is no address of a server; give one such as http://localhost:8000/v1.")
    return str(url.copy_with(userinfo=b"", query=None, fragment=None)).rstrip("/")


def _excerpt(reply: httpx.Response) -> str:
    """What a server said: the message of an error in OpenAI's form, else the beginning of the text, on one line."""
    text = reply.text
    try:
        error = reply.json()["error"]
        text = error if isinstance(error, str) else error["message"]
    except (ValueError, LookupError, TypeError):
        pass
    words = " ".join(str(text).split())
    return words[:EXCERPT] + ("…" if len(words) > EXCERPT else "") or "nothing"
