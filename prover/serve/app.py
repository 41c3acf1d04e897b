"""The server's addresses: OpenAI's `/v1/completions`, `/v1/chat/completions` and `/v1/models`, and `/health` and `/metrics`."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from prover.errors import ModelFailed, RequestRefused
from prover.serve.bodies import (
    Asked,
    chat_document,
    completion_document,
    error_document,
    read_chat,
    read_completion,
)
from prover.serve.engine import Engine
from prover.serve.figures import Figures
from prover.serve.requests import Sample
from prover.serve.words import Words

RETRY_SECONDS: Final = 1
"""What clients are told to wait when the queue is full."""

GONE: Final = 499
"""The status that is counted for a client that has gone; nginx's, as HTTP has none."""

Read = Callable[[Any, Words, int, Random], Asked]
Document = Callable[[Asked, Sequence[Sequence[Sample]], Words], dict[str, Any]]


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
        return app

    async def completions(self, request: Request) -> Response:
        """Continues texts."""
        return await self._counted(request, read_completion, completion_document, "cmpl")

    async def chat(self, request: Request) -> Response:
        """Answers a talk."""
        return await self._counted(request, read_chat, chat_document, "chatcmpl")

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

    async def _counted(self, request: Request, read: Read, document: Document, kind: str) -> Response:
        self.running += 1
        try:
            response = await self._answer(request, read, document, kind)
        except RequestRefused as error:
            response = await _refusal(request, error)
        except ModelFailed as error:
            response = await _refusal(request, RequestRefused(500, f"{error} Ask again later."))
        finally:
            self.running -= 1
        self._figures.answered(response.status_code)
        return response

    async def _answer(self, request: Request, read: Read, document: Document, kind: str) -> Response:
        self._authorise(request)
        if self.draining:
            raise RequestRefused(503, "The server is shutting down; ask again when it is back.")
        body = await self._body(request)
        wanted = body.get("model") if isinstance(body, dict) else None
        if wanted not in {None, self._serving.name}:
            raise RequestRefused(404, f"There is no model {wanted!r} here; this server has {self._serving.name!r}.")
        asked = read(body, self._words, self._engine.limits.max_tokens, self._chance)
        answers = await self._samples(request, asked)
        head = {
            "id": f"{kind}-{self._chance.getrandbits(96):024x}",
            "created": int(datetime.now(UTC).timestamp()),
            "model": self._serving.name,
        }
        return JSONResponse({**head, **document(asked, answers, self._words)})

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
            seconds = f"{self._serving.seconds:g} s"
            raise RequestRefused(
                504, f"The completions were not made within {seconds}; ask for fewer, or shorter ones."
            )
        finally:
            gone.cancel()
            work.cancel()
            for future in futures:
                future.cancel()

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
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise RequestRefused(400, f"The body is no JSON document: {error}.") from error


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
