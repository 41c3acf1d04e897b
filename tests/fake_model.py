"""A server of a model that answers as a test says, over real HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server sends."""

    text: str = ""
    """Of the model's message, or what it continues a text with."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    finish: str = "stop"
    raw: bytes | None = None
    """The body, instead of a completion or an error."""
    seconds: float = 0.0
    """To wait before the answer."""
    cut: bool = False
    """Close the connection in the middle of the answer."""
    more: tuple[str, ...] = ()
    """What further choices say."""
    logs: tuple[tuple[float, ...], ...] = ()
    """Log-probabilities of the tokens of each choice; empty: they are not told."""

    def body(self, chat: bool) -> bytes:
        """As it is sent to who asked for a talk, or a text, to be gone on with."""
        if self.raw is not None:
            return self.raw
        if self.status != 200:
            return json.dumps({"error": {"message": self.text}}).encode()
        choices = [self._choice(place, text, chat) for place, text in enumerate((self.text, *self.more))]
        usage = {"prompt_tokens": 7, "completion_tokens": 5 * len(choices)}
        return json.dumps({"choices": choices, "usage": usage}).encode()

    def _choice(self, place: int, text: str, chat: bool) -> dict[str, object]:
        choice: dict[str, object] = {"finish_reason": self.finish}
        if chat:
            choice["message"] = {"role": "assistant", "content": text}
        else:
            choice["text"] = text
        if self.logs:
            values = self.logs[place]
            content = [{"token": "?", "logprob": value} for value in values]
            choice["logprobs"] = {"content": content} if chat else {"token_logprobs": list(values)}
        return choice


Respond = Callable[[Any], Answer]
"""From the body of a request to what is answered."""


@dataclass(slots=True)
class FakeModel:
    """The server while it runs: where it is, and what it was asked."""

    url: str
    asked: list[Any] = field(default_factory=list)
    """Bodies of the requests, in order."""
    keys: list[str | None] = field(default_factory=list)
    """Their headers `Authorization`."""
    running: int = 0
    """Requests that are being answered."""
    most: int = 0
    """So many were, at most, at the same time."""

    @property
    def prompts(self) -> list[str]:
        """The last messages of the requests, or the texts to be continued."""
        return [body["prompt"] if "prompt" in body else body["messages"][-1]["content"] for body in self.asked]


@contextmanager
def fake_model(respond: Respond) -> Iterator[FakeModel]:
    """A server on a free port."""
    model = FakeModel("")
    counting = threading.Lock()
    places = ("/v1/completions", "/v1/chat/completions")

    def count(change: int) -> None:
        with counting:
            model.running += change
            model.most = max(model.most, model.running)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet: in two, the second waits 40 ms for the client's acknowledgement of the first.
        wbufsize = 65536

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            model.asked.append(body)
            model.keys.append(self.headers["Authorization"])
            missing = Answer("no such path", 404)
            count(1)
            answer = respond(body) if self.path in places else missing
            time.sleep(answer.seconds)
            count(-1)
            sent = answer.body(self.path == places[1])
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent[: len(sent) // 2] if answer.cut else sent)
            self.close_connection = answer.cut

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that was killed is part of the test."""

    with Server(("127.0.0.1", 0), Handler) as server:
        model.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield model
        finally:
            server.shutdown()
            thread.join()


def in_turn(*answers: Answer) -> Respond:
    """Answers one after the other; the last one from then on."""
    left = list(answers)
    return lambda body: left.pop(0) if len(left) > 1 else left[0]
