"""The server's addresses: OpenAI's `/v1/completions`, `/v1/chat/completions` and `/v1/models`, and `/health` and `/metrics`."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException

from prover.errors import ModelFailed, RequestRefused
from prover.serve.bodies import (
    Asked,
    chat_document,
    chat_piece,
    completion_document,
    completion_piece,
    error_document,
    read_chat,
    read_completion,
    usage,
)
from prover.serve.engine import Engine
from prover.serve.figures import Figures
from prover.serve.requests import Sample
from prover.serve.stream import Growing
from prover.serve.words import Words

RETRY_SECONDS: Final = 1
"""What clients are told to wait when the queue is full."""

GONE: Final = 499
"""The status that is counted for a client that has gone; nginx's, as HTTP has none."""

Heard = asyncio.Queue[tuple[int, int, int] | None]
"""Tokens as the engine makes them: the number of the request, that of the sample, the token; None at the end."""


@dataclass(frozen=True, slots=True)
class Form:
    """One of OpenAI's two forms of requests and answers; the functions are those of `bodies`."""

    prefix: str
    """Of the ids of answers."""
    read: Callable[[Any, Words, int, Random], Asked]
    document: Callable[[Asked, Sequence[Sequence[Sample]], Words], dict[str, Any]]
    piece: Callable[[int, str, str | None], dict[str, Any]]


COMPLETION: Final = Form("cmpl", read_completion, completion_document, completion_piece)
CHAT: Final = Form("chatcmpl", read_chat, chat_document, chat_piece)


@dataclass(frozen=True, slots=True)
class Serving:
    """How requests are answered.

    Attributes:
        name: of the model.
        token: that clients must send; None: none.
        seconds: that a request may take.
        body_bytes: that a request may have.
    """

    name: str
    token: str | None = None
    seconds: float = 600.0
    body_bytes: int = 2**22


class Service:
    """One model behind HTTP.

    Args:
        engine: it stays the caller's.
        words: the model's tokenizer.
        figures: those of the engine.
        serving: how requests are answered.
        chance: draws ids, and seeds for requests that bring none.
    """

    def __init__(self, engine: Engine, words: Words, figures: Figures, serving: Serving, chance: Random) -> None:
        self.draining = False
        self.running = 0
        """Requests that are being answered."""
        self._streams: set[asyncio.Future[None]] = set()
        """Watchers, which the event loop would not keep alive."""
        self._engine = engine
        self._words = words
        self._figures = figures
        self._serving = serving
        self._chance = chance

    def app(self) -> Any:
        """The application, for a server of the kind ASGI."""
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        app.add_api_route("/v1/completions", self.completions, methods=["POST"], response_model=None)
        app.add_api_route("/v1/chat/completions", self.chat, methods=["POST"], response_model=None)
        app.add_api_route("/v1/models", self.models, methods=["GET"], response_model=None)
        app.add_api_route("/health", self.health, methods=["GET"], response_model=None)
        app.add_api_route("/metrics", self.metrics, methods=["GET"], response_model=None)
        app.add_exception_handler(RequestRefused, _refusal)
        app.add_exception_handler(HTTPException, _no_such_place)
        app.add_exception_handler(Exception, _mistake)
        return app

    async def completions(self, request: Request) -> Response:
        """Continues texts."""
        return await self._counted(request, COMPLETION)

    async def chat(self, request: Request) -> Response:
        """Answers a talk."""
        return await self._counted(request, CHAT)

    async def models(self, request: Request) -> Response:
        """The one model."""
        self._authorise(request)
        model = {
            "id": self._serving.name,
            "object": "model",
            "owned_by": "lemmaforge",
            "max_model_len": self._engine.context,
        }
        return JSONResponse({"object": "list", "data": [model]})

    async def health(self) -> Response:
        """Whether new requests are taken; no token is asked for."""
        return JSONResponse({"status": "draining" if self.draining else "ok"}, 503 if self.draining else 200)

    async def metrics(self, request: Request) -> Response:
        """The figures."""
        self._authorise(request)
        text = self._figures.text(self._engine.waiting, self._engine.rows)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    async def _counted(self, request: Request, form: Form) -> Response:
        self.running += 1
        try:
            response = await self._answer(request, form)
        except RequestRefused as error:
            response = await _refusal(request, error)
        except ModelFailed as error:
            response = await _refusal(request, RequestRefused(500, f"{error} Ask again later."))
        finally:
            self.running -= 1
        self._figures.answered(response.status_code)
        return response

    async def _answer(self, request: Request, form: Form) -> Response:
        self._authorise(request)
        if self.draining:
            raise RequestRefused(503, "The server is shutting down; ask again when it is back.")
        body = await self._body(request)
        wanted = body.get("model") if isinstance(body, dict) else None
        if wanted is not None and wanted != self._serving.name:
            raise RequestRefused(404, f"There is no model {wanted!r} here; this server has {self._serving.name!r}.")
        asked = form.read(body, self._words, self._engine.limits.max_tokens, self._chance)
        head = {
            "id": f"{form.prefix}-{self._chance.getrandbits(96):024x}",
            "created": int(datetime.now(UTC).timestamp()),
            "model": self._serving.name,
        }
        if asked.stream:
            return self._streamed(request, asked, form, head)
        answers = await self._samples(request, asked)
        return JSONResponse({**head, **form.document(asked, answers, self._words)})

    def _streamed(self, request: Request, asked: Asked, form: Form, head: dict[str, Any]) -> Response:
        """Tells texts while they are made, as server-sent events."""
        loop = asyncio.get_running_loop()
        heard: Heard = asyncio.Queue()
        futures = self._engine.submit(asked.requests, lambda *made: loop.call_soon_threadsafe(heard.put_nowait, made))
        work = asyncio.gather(*map(asyncio.wrap_future, futures))
        work.add_done_callback(lambda _: heard.put_nowait(None))
        # A server of the kind ASGI tells of the end of a response as of a client that goes. Nobody closes the generator below for
        # certain, so what must be done at the end is not done there.
        gone = asyncio.ensure_future(_gone(request))
        self._streams.add(gone)
        self.running += 1

        def ended(_: object) -> None:
            self._streams.discard(gone)
            self.running -= 1
            work.cancel()
            for future in futures:
                future.cancel()

        gone.add_done_callback(ended)
        return StreamingResponse(self._events(asked, form, head, heard, work), media_type="text/event-stream")

    async def _events(
        self, asked: Asked, form: Form, head: dict[str, Any], heard: Heard, work: asyncio.Future[list[Any]]
    ) -> AsyncGenerator[str, None]:
        """An error, too, is an event: the status has been sent."""
        rows = [(place, sample) for place, one in enumerate(asked.requests) for sample in range(one.samples)]
        numbers = {row: number for number, row in enumerate(rows)}
        growing = [Growing(self._words, asked.requests[place].stop) for place, _ in rows]
        clock = asyncio.get_running_loop().time
        end = clock() + self._serving.seconds
        try:
            while (made := await asyncio.wait_for(heard.get(), end - clock())) is not None:
                number = numbers[made[:2]]
                if text := growing[number].add(made[2]):
                    yield _event({**head, **form.piece(number, text, None)})
            samples = [sample for answer in await work for sample in answer]
            for number, sample in enumerate(samples):
                yield _event({**head, **form.piece(number, growing[number].rest(sample.text), sample.finish)})
            if asked.stream_usage:
                counts = {"choices": [], "usage": usage(asked, samples)}
                yield _event({**head, **form.piece(0, "", None), **counts})
            yield "data: [DONE]\n\n"
        except TimeoutError:
            yield _event(error_document(504, self._too_long()))
        except ModelFailed as error:
            yield _event(error_document(500, str(error)))

    async def _samples(self, request: Request, asked: Asked) -> list[tuple[Sample, ...]]:
        """Waits for the engine, as long as the client does and the request may take."""
        futures = self._engine.submit(asked.requests)
        work = asyncio.gather(*map(asyncio.wrap_future, futures))
        gone = asyncio.ensure_future(_gone(request))
        try:
            either: set[asyncio.Future[Any]] = {work, gone}
            done, _ = await asyncio.wait(either, timeout=self._serving.seconds, return_when=asyncio.FIRST_COMPLETED)
            if work in done:
                return list(await work)
            if gone in done:
                raise RequestRefused(GONE, "The client has gone.")
            raise RequestRefused(504, self._too_long())
        finally:
            gone.cancel()
            work.cancel()
            for future in futures:
                future.cancel()

    def _too_long(self) -> str:
        return f"The completions were not made within {self._serving.seconds:g} s; ask for fewer, or shorter ones."

    def _authorise(self, request: Request) -> None:
        token = self._serving.token
        sent = request.headers.get("Authorization", "")
        if token is not None and not hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
            raise RequestRefused(401, "The token is missing or wrong; send it as `Authorization: Bearer TOKEN`.")

    async def _body(self, request: Request) -> Any:
        content, most = bytearray(), self._serving.body_bytes
        async for part in request.stream():
            content += part
            if len(content) > most:
                raise RequestRefused(413, f"The body is larger than {most} bytes; ask for fewer prompts at a time.")
        try:
            found = json.loads(content)
            # Halves of surrogate pairs can be written in JSON and not in UTF-8, which tokenizers read.
            json.dumps(found, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise RequestRefused(400, f"The body is no JSON document in UTF-8: {error}.") from error
        return found


def _event(document: dict[str, Any]) -> str:
    return f"data: {json.dumps(document)}\n\n"


async def _gone(request: Request) -> None:
    """Ends when the client has closed the connection. The body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _refusal(_request: Request, error: RequestRefused) -> Response:
    headers = {"Retry-After": str(RETRY_SECONDS)} if error.status in {429, 503} else {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(error_document(error.status, str(error)), error.status, headers)


async def _no_such_place(request: Request, error: HTTPException) -> Response:
    words = f"{request.method} {request.url.path}: {error.detail}."
    return JSONResponse(error_document(error.status_code, words), error.status_code, error.headers)


async def _mistake(_request: Request, error: Exception) -> Response:
    return JSONResponse(error_document(500, f"The server made a mistake: {type(error).__name__}."), 500)
