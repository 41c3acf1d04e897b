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
    """Of the model's message."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    finish: str = "stop"
    raw: bytes | None = None
    """The body, instead of a completion or an error."""
    seconds: float = 0.0
    """To wait before the answer."""
    cut: bool = False
    """Close the connection in the middle of the answer."""

    @property
    def body(self) -> bytes:
        """As it is sent."""
        if self.raw is not None:
            return self.raw
        if self.status != 200:
            return json.dumps({"error": {"message": self.text}}).encode()
        choice = {"message": {"role": "assistant", "content": self.text}, "finish_reason": self.finish}
        return json.dumps({"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 5}}).encode()


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

    @property
    def prompts(self) -> list[str]:
        """The last messages of the requests."""
        return [body["messages"][-1]["content"] for body in self.asked]


@contextmanager
def fake_model(respond: Respond) -> Iterator[FakeModel]:
    """A server on a free port."""
    model = FakeModel("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet: in two, the second waits 40 ms for the client's acknowledgement of the first.
        wbufsize = 65536

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            model.asked.append(body)
            model.keys.append(self.headers["Authorization"])
            missing = Answer("no such path", 404)
            answer = respond(body) if self.path == "/v1/chat/completions" else missing
            time.sleep(answer.seconds)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body[: len(answer.body) // 2] if answer.cut else answer.body)
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
