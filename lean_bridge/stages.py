"""What a reply tells of the stages of work on a theorem: how long each took, and what fell out there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lean_bridge.decoding import Fields
from lean_bridge.errors import ProtocolError


@dataclass(frozen=True, slots=True)
class FoundRejects:
    """Candidates that fell out at one stage for one reason."""

    stage: str
    reason: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class Stages:
    """How often each stage was entered, how many seconds it took, and what fell out."""

    rejects: tuple[FoundRejects, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


NO_STAGES: Final = Stages()


def read_stages(fields: Fields) -> Stages:
    """The stages in a part of a reply.

    Raises:
        ProtocolError: they are not there, or not what they should be.
    """
    return Stages(
        fields.each("rejects", _rejects),
        {name: _whole(value) for name, value in (fields.mapping("counts") or {}).items()},
        {name: _number(value) for name, value in (fields.mapping("seconds") or {}).items()},
    )


def _rejects(raw: object) -> FoundRejects:
    fields = Fields("rejects", raw)
    return FoundRejects(fields.text("stage"), fields.text("reason"), fields.whole("count"), fields.text("example"))


def _whole(value: object) -> int:
    if type(value) is not int:
        raise ProtocolError(f"a count must be a whole number, not {value!r}")
    return value


def _number(value: object) -> float:
    if type(value) is not float and type(value) is not int:
        raise ProtocolError(f"seconds must be a number, not {value!r}")
    return float(value)
