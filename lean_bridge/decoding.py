"""Reads the values of docs/protocol.md out of JSON.

Reading is strict about what it uses: a missing field or one of the wrong kind is a `ProtocolError` that names it.
Fields beyond those of the protocol are let pass, so that a newer server of the same protocol version may say more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TypeVar, cast, get_args

from lean_bridge.errors import ProtocolError
from lean_bridge.protocol import (
    Advanced,
    Certificate,
    Counterexample,
    CounterexampleOutcome,
    Environment,
    FailureKind,
    FileReport,
    FileTheorem,
    Goal,
    GoalStart,
    Hypothesis,
    Message,
    Place,
    Premise,
    PremiseUse,
    ProofPlace,
    ProofState,
    ProofVerdict,
    RejectionReason,
    ServerStats,
    Severity,
    Span,
    TacticFailed,
    TacticOutcome,
    Witness,
)

T = TypeVar("T")
L = TypeVar("L", bound=str)

_SEVERITIES: tuple[Severity, ...] = get_args(Severity)
_FAILURES: tuple[FailureKind, ...] = get_args(FailureKind)
_REJECTIONS: tuple[RejectionReason, ...] = get_args(RejectionReason)
_USES: tuple[PremiseUse, ...] = get_args(PremiseUse)
_COUNTEREXAMPLE_OUTCOMES: tuple[CounterexampleOutcome, ...] = get_args(CounterexampleOutcome)


class Fields:
    """A JSON object under strict reading. Every method raises ProtocolError naming the field."""

    __slots__ = ("raw", "what")

    def __init__(self, what: str, raw: object) -> None:
        if type(raw) is not dict:
            raise ProtocolError(f"the {what} must be an object, not {_shown(raw)}")
        self.what = what
        self.raw = raw

    def _bad(self, name: str, expected: str) -> ProtocolError:
        found = _shown(self.raw[name]) if name in self.raw else "missing"
        return ProtocolError(f"`{name}` of the {self.what} must be {expected}, but is {found}")

    def text(self, name: str) -> str:
        """A string."""
        value = self.raw.get(name)
        if type(value) is not str:
            raise self._bad(name, "a string")
        return value

    def text_or_none(self, name: str) -> str | None:
        """A string; None when it is absent or null."""
        return None if self.raw.get(name) is None else self.text(name)

    def whole(self, name: str) -> int:
        """An integer."""
        value = self.raw.get(name)
        if type(value) is not int:
            raise self._bad(name, "a whole number")
        return value

    def whole_or_none(self, name: str) -> int | None:
        """An integer; None when it is absent or null."""
        return None if self.raw.get(name) is None else self.whole(name)

    def number(self, name: str) -> float:
        """An integer or a float."""
        value = self.raw.get(name)
        if type(value) is not float and type(value) is not int:
            raise self._bad(name, "a number")
        return float(value)

    def flag(self, name: str, default: bool | None = None) -> bool:
        """A boolean."""
        value = self.raw.get(name, default)
        if type(value) is not bool:
            raise self._bad(name, "true or false")
        return value

    def choice(self, name: str, allowed: tuple[L, ...]) -> L:
        """One of some strings."""
        value = self.raw.get(name)
        if value not in allowed:
            raise self._bad(name, "one of " + ", ".join(allowed))
        return cast(L, value)

    def items(self, name: str) -> list[object]:
        """A list of anything."""
        value = self.raw.get(name)
        if type(value) is not list:
            raise self._bad(name, "a list")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        values = self.items(name)
        if not all(type(value) is str for value in values):
            raise self._bad(name, "a list of strings")
        return cast(tuple[str, ...], tuple(values))

    def each(self, name: str, decode: Callable[[object], T], *, optional: bool = False) -> tuple[T, ...]:
        """A list, each item read by `decode`."""
        if optional and self.raw.get(name) is None:
            return ()
        return tuple([decode(item) for item in self.items(name)])

    def maybe(self, name: str, decode: Callable[[object], T]) -> T | None:
        """What `decode` reads; None when it is absent or null."""
        value = self.raw.get(name)
        return None if value is None else decode(value)

    def inner(self, name: str, what: str) -> Fields:
        """An object, called `what` in errors."""
        value = self.raw.get(name)
        if type(value) is not dict:
            raise self._bad(name, "an object")
        return Fields(what, value)

    def mapping(self, name: str) -> Mapping[str, object] | None:
        """An object as it is; None when it is absent or null."""
        return None if self.raw.get(name) is None else self.inner(name, name).raw


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."


def list_of(what: str, raw: object) -> list[object]:
    """`raw`, which must be a list."""
    if type(raw) is not list:
        raise ProtocolError(f"each of `{what}` must be a list, not {_shown(raw)}")
    return raw


def message(raw: object) -> Message:
    """Reads a message."""
    fields = Fields("message", raw)
    return Message(
        severity=fields.choice("severity", _SEVERITIES),
        text=fields.text("text"),
        line=fields.whole("line"),
        column=fields.whole("column"),
        end_line=fields.whole_or_none("endLine"),
        end_column=fields.whole_or_none("endColumn"),
    )


def _hypothesis(raw: object) -> Hypothesis:
    fields = Fields("hypothesis", raw)
    return Hypothesis(
        names=fields.texts("names"),
        type=fields.text("type"),
        value=fields.text_or_none("value"),
        proof=fields.flag("proof"),
    )


def _goal(raw: object) -> Goal:
    fields = Fields("goal", raw)
    return Goal(
        key=fields.text("key"),
        shared=fields.flag("shared"),
        text=fields.text_or_none("text") or "",
        case=fields.text_or_none("case"),
        target=fields.text_or_none("target"),
        hypotheses=fields.each("hypotheses", _hypothesis) if "hypotheses" in fields.raw else None,
    )


def state(raw: object) -> ProofState:
    """Reads a proof state."""
    fields = Fields("state", raw)
    return ProofState(fields.whole("id"), fields.each("goals", _goal))


def outcome(raw: object) -> TacticOutcome:
    """Reads what a tactic did: its `error` or its `state` tells which."""
    fields = Fields("outcome", raw)
    if "state" in fields.raw:
        return Advanced(state(fields.raw["state"]), fields.number("ms"))
    return TacticFailed(fields.choice("error", _FAILURES), fields.text("message"), fields.number("ms"))


def environment(raw: object) -> Environment:
    """Result of `env.open`."""
    fields = Fields("result", raw)
    return Environment(
        id=fields.whole("env"),
        constants=fields.whole("constants"),
        seconds=fields.number("seconds"),
        messages=fields.each("messages", message),
    )


def released(raw: object) -> int:
    """Result of `env.release` and `goal.release`."""
    return Fields("result", raw).whole("released")


def _theorem(raw: object) -> FileTheorem:
    fields = Fields("theorem", raw)
    return FileTheorem(
        name=fields.text("name"),
        kind=fields.text("kind"),
        statement=fields.text("statement"),
        line=fields.whole("line"),
        column=fields.whole("column"),
        span=_span(fields.raw.get("range")),
        sorry=fields.flag("sorry"),
        axioms=fields.texts("axioms"),
        proof=None if fields.raw.get("proof") is None else _place(fields.raw["proof"]),
        env=fields.whole_or_none("env"),
        declaration=fields.text_or_none("declaration"),
    )


def _span(raw: object) -> Span:
    fields = Fields("range", raw)
    return Span(fields.whole("start"), fields.whole("stop"))


def _place(raw: object) -> ProofPlace:
    fields = Fields("proof", raw)
    return ProofPlace(fields.whole("start"), fields.whole("stop"), fields.text("text"))


def file_report(raw: object) -> FileReport:
    """Result of `file.check`."""
    fields = Fields("result", raw)
    return FileReport(fields.each("messages", message), fields.flag("ok"), fields.each("theorems", _theorem))


def goal_start(raw: object) -> GoalStart:
    """Result of `goal.start`."""
    fields = Fields("result", raw)
    return GoalStart(
        state=state(fields.raw.get("state")),
        name=fields.text("name"),
        statement=fields.text("statement"),
        universes=fields.texts("universes"),
    )


def certificate(raw: object) -> Certificate:
    """Result of `goal.finish`."""
    fields = Fields("result", raw)
    script, axioms = fields.texts("script"), fields.texts("axioms")
    if not fields.flag("accepted"):
        return Certificate(False, script, axioms, reason=_reason(fields), message=fields.text("message"))
    size, opaque_theorems = fields.whole("size"), fields.whole("opaqueTheorems")
    return Certificate(True, script, axioms, size=size, opaque_theorems=opaque_theorems)


def verdict(raw: object) -> ProofVerdict:
    """Result of `proof.check` and `proof.replay`."""
    fields = Fields("result", raw)
    messages, ms, axioms = fields.each("messages", message), fields.number("ms"), fields.texts("axioms")
    if not fields.flag("accepted"):
        line, column = fields.whole_or_none("line"), fields.whole_or_none("column")
        place = None if line is None or column is None else Place(line, column)
        reason, words = _reason(fields), fields.text("message")
        return ProofVerdict(False, messages, ms, axioms, reason=reason, message=words, place=place)
    return ProofVerdict(
        True,
        messages,
        ms,
        axioms,
        constants=fields.texts("constants"),
        size=fields.whole("size"),
        opaque_theorems=fields.whole("opaqueTheorems"),
        declarations=fields.text_or_none("declarations"),
        not_exported=fields.text_or_none("notExported"),
    )


def _reason(fields: Fields) -> RejectionReason:
    return fields.choice("reason", _REJECTIONS)


def premise(raw: object) -> Premise:
    """Reads one premise."""
    fields = Fields("premise", raw)
    return Premise(
        use=fields.choice("use", _USES),
        name=fields.text("name"),
        tactic=fields.text("tactic"),
        score=fields.number("score"),
        reverse=fields.flag("reverse", default=False),
        at=fields.text_or_none("at"),
        statement=fields.text_or_none("statement"),
    )


def counterexample(raw: object) -> Counterexample:
    """Result of `refute.find`."""
    fields = Fields("result", raw)
    return Counterexample(
        outcome=fields.choice("outcome", _COUNTEREXAMPLE_OUTCOMES),
        claim=fields.text("claim"),
        proof=fields.text_or_none("proof"),
        witnesses=fields.each("witnesses", _witness, optional=True),
        on=fields.text("on"),
        evaluations=fields.whole("evaluations"),
        ms=fields.number("ms"),
    )


def _witness(raw: object) -> Witness:
    fields = Fields("witness", raw)
    return Witness(fields.text("name"), fields.text("type"), fields.text("value"))


def stats(raw: object) -> ServerStats:
    """Result of `server.stats`."""
    fields = Fields("result", raw)
    return ServerStats(
        requests=fields.whole("requests"),
        envs=fields.whole("envs"),
        states=fields.whole("states"),
        seconds=fields.number("seconds"),
    )
