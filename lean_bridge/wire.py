"""Lines of docs/protocol.md: how each request is written and how its reply is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from lean_bridge import decoding
from lean_bridge.decoding import Fields
from lean_bridge.errors import InputError, ProtocolError, RequestFailed
from lean_bridge.protocol import (
    PROTOCOL,
    Allowance,
    Attempt,
    Certificate,
    Counterexample,
    Detail,
    Environment,
    Export,
    FileReport,
    GoalStart,
    Hello,
    Message,
    Premise,
    PremiseUse,
    ProofState,
    ProofVerdict,
    ServerStats,
    TacticOutcome,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request without its id, and how to read the result of its reply."""

    method: str
    params: Mapping[str, object]
    decode: Callable[[object], T]


def request_line(request: int, method: str, params: Mapping[str, object]) -> bytes:
    """One request as the server reads it, line feed included.

    Raises:
        InputError: a text holds a lone surrogate, which no UTF-8 file can.
    """
    # Not escaped to ASCII: Lean's reader takes a pair of surrogate escapes for two characters.
    text = json.dumps({"id": request, "method": method, "params": params}, separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError as error:
        raise InputError(f"the text holds {text[error.start]!r}, which is not a character: read it as UTF-8") from error


def read_reply(line: bytes) -> Mapping[str, object]:
    """Reads the JSON object of a reply line (without token).

    Raises:
        ProtocolError: it is not a JSON object.
    """
    try:
        reply = json.loads(line)
    except ValueError as error:
        raise ProtocolError(f"the server sent a line that is not JSON ({error}): {line[:200]!r}") from error
    if not isinstance(reply, dict):
        raise ProtocolError(f"the server sent a line that is not a JSON object: {line[:200]!r}")
    return reply


def read_hello(reply: Mapping[str, object]) -> Hello:
    """Reads the greeting and compares protocol versions.

    Raises:
        ProtocolError: it is no greeting, or one of another protocol.
    """
    fields = Fields("greeting", reply.get("hello"))
    hello = Hello(
        protocol=fields.whole("protocol"),
        server=fields.text("server"),
        lean=fields.text("lean"),
        commit=fields.text("commit"),
        backend=fields.text("backend"),
        platform=fields.text("platform"),
    )
    if hello.protocol != PROTOCOL:
        raise ProtocolError(
            f"the Lean server {hello.server} speaks protocol {hello.protocol}, this LemmaForge speaks {PROTOCOL}: "
            "set the server up again with `lemma lean setup`"
        )
    return hello


def read_id(reply: Mapping[str, object]) -> int:
    """The request that a reply answers."""
    return Fields("reply", reply).whole("id")


def read_result(call: Call[T], reply: Mapping[str, object]) -> T:
    """Reads the result of a reply to `call`.

    Raises:
        RequestFailed: the server answered with an error.
        ProtocolError: the reply is not one to this method.
    """
    if "result" in reply:
        try:
            return call.decode(reply["result"])
        except ProtocolError as error:
            raise ProtocolError(f"reply to {call.method}: {error}") from error
    failure = Fields(f"reply to {call.method}", reply).inner("error", "error")
    raise RequestFailed(failure.text("kind"), failure.text("message"), failure.mapping("data"))


def failure_messages(failure: RequestFailed) -> tuple[Message, ...]:
    """The messages with positions that came with a `parse_error` or `elaboration_error`; empty when none came.

    Raises:
        ProtocolError: `data.messages` is not a list of messages.
    """
    return Fields("error", failure.data).each("messages", decoding.message, optional=True)


def open_environment(imports: Sequence[str], prelude: str) -> Call[Environment]:
    """`env.open`."""
    return Call("env.open", {"imports": list(imports), "prelude": prelude}, decoding.environment)


def open_header(header: str) -> Call[Environment]:
    """`env.open` with the head of a file."""
    return Call("env.open", {"header": header}, decoding.environment)


def release_environments(envs: Iterable[int]) -> Call[int]:
    """`env.release`."""
    return Call("env.release", {"envs": list(envs)}, decoding.released)


def check_file(
    text: str, *, file: str, open_holes: bool, heartbeats: int | None, seconds: float | None
) -> Call[FileReport]:
    """`file.check`."""
    params = {"text": text, "file": file, "open": open_holes, "heartbeats": heartbeats, "seconds": seconds}
    return Call("file.check", _given(params), decoding.file_report)


def start_goal(env: int, *, statement: str | None, declaration: str | None) -> Call[GoalStart]:
    """`goal.start`."""
    return Call("goal.start", {"env": env, **_theorem(statement, declaration)}, decoding.goal_start)


def run_tactics(
    attempts: Sequence[Attempt],
    *,
    heartbeats: int,
    seconds: float,
    detail: Detail,
    strict: bool,
    without: Sequence[str] = (),
) -> Call[list[list[TacticOutcome]]]:
    """`goal.run`."""
    params: dict[str, object] = {
        "attempts": [_given({"state": a.state, "goal": a.goal, "tactics": a.tactics}) for a in attempts],
        "heartbeats": heartbeats,
        "seconds": seconds,
        "detail": detail,
        "strict": strict,
    }
    if without:
        params["without"] = list(without)
    counts = [len(attempt.tactics) for attempt in attempts]

    def decode(raw: object) -> list[list[TacticOutcome]]:
        results = [decoding.list_of("results", item) for item in Fields("result", raw).items("results")]
        if [len(result) for result in results] != counts:
            raise ProtocolError("`results` must hold one outcome for each tactic of each attempt")
        return [[decoding.outcome(item) for item in result] for result in results]

    return Call("goal.run", params, decode)


def view_states(states: Iterable[int], *, detail: Detail) -> Call[tuple[ProofState, ...]]:
    """`goal.view`."""
    params = {"states": list(states), "detail": detail}
    return Call("goal.view", params, lambda raw: Fields("result", raw).each("states", decoding.state))


def release_states(states: Iterable[int] | None) -> Call[int]:
    """`goal.release`; None releases all."""
    return Call("goal.release", {"all": True} if states is None else {"states": list(states)}, decoding.released)


def finish(state: int, *, axioms: Sequence[str] | None, seconds: float | None) -> Call[Certificate]:
    """`goal.finish`."""
    return Call("goal.finish", _given({"state": state, "axioms": axioms, "seconds": seconds}), decoding.certificate)


def check_proof(
    env: int,
    *,
    statement: str,
    proof: str | None,
    file: str | None,
    allow: Allowance,
    heartbeats: int | None,
    seconds: float | None,
    export: Export,
) -> Call[ProofVerdict]:
    """`proof.check`."""
    if (proof is None) == (file is None):
        raise ValueError("give either a proof or a file")
    params: dict[str, object] = {
        "env": env,
        "statement": statement,
        "proof": proof,
        "file": file,
        "axioms": allow.axioms,
        "syntax": allow.syntax,
        "heartbeats": heartbeats,
        "seconds": seconds,
        "export": export,
    }
    return Call("proof.check", _given(params), decoding.verdict)


def replay_proof(
    env: int,
    *,
    declarations: str,
    statement: str,
    axioms: Sequence[str] | None,
    seconds: float | None,
    export: Export = False,
) -> Call[ProofVerdict]:
    """`proof.replay`."""
    params = {
        "env": env,
        "declarations": declarations,
        "statement": statement,
        "axioms": axioms,
        "seconds": seconds,
        "export": export or None,
    }
    return Call("proof.replay", _given(params), decoding.verdict)


def find_premises(
    state: int,
    *,
    goal: int,
    uses: Sequence[PremiseUse],
    limit: int,
    hypotheses: bool,
    statements: bool,
    heartbeats: int | None,
) -> Call[list[Premise]]:
    """`premise.find`."""
    params = {
        "state": state,
        "goal": goal,
        "uses": list(uses),
        "limit": limit,
        "hypotheses": hypotheses,
        "statements": statements,
        "heartbeats": heartbeats,
    }
    return Call(
        "premise.find", _given(params), lambda raw: list(Fields("result", raw).each("premises", decoding.premise))
    )


def find_counterexample(
    env: int, *, statement: str, evaluations: int | None, seconds: float | None
) -> Call[Counterexample]:
    """`refute.find`."""
    params = {"env": env, "statement": statement, "evaluations": evaluations, "seconds": seconds}
    return Call("refute.find", _given(params), decoding.counterexample)


def stats() -> Call[ServerStats]:
    """`server.stats`."""
    return Call("server.stats", {}, decoding.stats)


def _given(params: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in params.items() if value is not None}


def _theorem(statement: str | None, declaration: str | None) -> dict[str, object]:
    if (statement is None) == (declaration is None):
        raise ValueError("give either a statement or a declaration")
    return {"declaration": declaration} if statement is None else {"statement": statement}
