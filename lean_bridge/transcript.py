"""Conversations with a Lean server in files, to be replayed without Lean.

A transcript is JSON Lines: the greeting, `{"hello": …}`, then an exchange a line,
`{"request": {"method": …, "params": …}, "reply": {"result": …}}` (or `"error"`), without ids and without cancellations.

`python -m lean_bridge.transcript FILE` is a server that knows one transcript: it speaks docs/protocol.md, and refuses
every request but the one that comes next in the file.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from lean_bridge.client import LeanServer
from lean_bridge.errors import InputError, RequestFailed, ToolchainError
from lean_bridge.toolchain.base import Backend, Command, Fact
from lean_bridge.toolchain.provenance import Origin
from lean_bridge.wire import Call


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its reply, without their id."""

    method: str
    params: dict[str, object]
    reply: dict[str, object]
    """`{"result": …}` or `{"error": …}`."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A whole conversation."""

    hello: dict[str, object]
    exchanges: tuple[Exchange, ...]


def read_transcript(path: Path) -> Transcript:
    """Reads a transcript.

    Raises:
        InputError: the file is none.
    """
    try:
        greeting, *rest = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        exchanges = [Exchange(item["request"]["method"], item["request"]["params"], item["reply"]) for item in rest]
        return Transcript(greeting["hello"], tuple(exchanges))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a transcript: {error!r}") from error


async def repeat(transcript: Transcript, server: LeanServer) -> None:
    """Asks a server all that a transcript asks. The replies go to the server's tap, refusals too."""
    for exchange in transcript.exchanges:
        with contextlib.suppress(RequestFailed):
            await server.ask(Call(exchange.method, exchange.params, lambda raw: raw))


class Recorder:
    """Writes what a server is asked and answers to a file: pass it as `tap` to `LeanServer.start`, and close it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")

    def __call__(self, request: bytes, reply: bytes) -> None:
        """Adds an exchange."""
        answer = json.loads(reply)
        if request:
            asked = json.loads(request)
            answer = {
                "request": {"method": asked["method"], "params": asked["params"]},
                "reply": {name: value for name, value in answer.items() if name != "id"},
            }
        self._file.write(json.dumps(answer, ensure_ascii=False) + "\n")
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the file."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class Replay:
    """A toolchain whose servers know one transcript."""

    path: Path
    backend: Backend = "embedded"

    def server(self) -> Command:
        """A process that answers from the transcript."""
        return Command((sys.executable, "-m", "lean_bridge.transcript", str(self.path)), cwd=Path.cwd())

    def frontend(self) -> Command:
        """There is none.

        Raises:
            ToolchainError: always.
        """
        raise ToolchainError("a transcript cannot elaborate files")

    def origins(self) -> tuple[Origin, ...]:
        """None."""
        return ()

    def facts(self) -> list[Fact]:
        """Where the transcript is."""
        return [Fact("transcript", str(self.path))]


def _answers(transcript: Transcript, lines: Iterator[str]) -> Iterator[dict[str, object]]:
    yield {"hello": transcript.hello}
    coming = iter(transcript.exchanges)
    for line in lines:
        request = json.loads(line)
        number = request.pop("id")
        if request["method"] == "cancel":
            continue
        exchange = next(coming, None)
        if exchange is not None and request == {"method": exchange.method, "params": exchange.params}:
            yield {"id": number, **exchange.reply}
        else:
            expected = "nothing more" if exchange is None else f"{exchange.method} {exchange.params}"
            yield {"id": number, "error": {"kind": "bad_request", "message": f"the transcript expects {expected}"}}


def _main() -> None:
    transcript = read_transcript(Path(sys.argv[1]))
    token = json.loads(sys.stdin.readline())["token"]
    for answer in _answers(transcript, iter(sys.stdin.readline, "")):
        sys.stdout.write(f"{token} {json.dumps(answer, ensure_ascii=False)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
