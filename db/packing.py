"""How records lie in columns: spans, lineages, premises and witnesses as short JSON, canonical forms as bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from db.records import MutationKind, MutationStep, Position, PremiseUse, Span, WitnessValue

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)

KINDS = {kind.value: kind for kind in MutationKind}


def pack(value: object) -> str:
    """JSON without spaces, its keys sorted: equal values give equal texts.

    Raises:
        TypeError: the value holds something that JSON cannot say.
        ValueError: it holds a number that is not finite.
    """
    return _ENCODER.encode(value)


def pack_canonical(canonical: str) -> bytes:
    """The 16 bytes of a canonical form.

    Raises:
        ValueError: it is not 32 hexadecimal digits.
    """
    packed = bytes.fromhex(canonical)
    if len(packed) != 16:
        raise ValueError(f"a canonical form has 32 hexadecimal digits: {canonical!r}")
    return packed


def pack_span(span: Span | None) -> str | None:
    """A span as `[line,column,line,column]`."""
    return None if span is None else pack(_corners(span))


def unpack_span(packed: str | None) -> Span | None:
    """What `pack_span` packed."""
    return None if packed is None else _span(json.loads(packed))


def pack_steps(steps: Sequence[MutationStep], names: Mapping[str, int]) -> str:
    """A lineage as `[[kind,place,lemma,reverse,detail],…]`, each step without the defaults at its end."""
    packed = []
    for step in steps:
        fields: list[object] = [step.kind, step.place]
        if step.lemma is not None or step.reverse or step.detail:
            fields.append(None if step.lemma is None else names[step.lemma])
        if step.reverse or step.detail:
            fields.append(int(step.reverse))
        if step.detail:
            fields.append(step.detail)
        packed.append(fields)
    return pack(packed)


def lemmas_of(lineages: Sequence[Sequence[Sequence[object]]]) -> set[int]:
    """The numbers of the lemmas that lineages speak of."""
    return {step[2] for steps in lineages for step in steps if len(step) > 2 and isinstance(step[2], int)}


def unpack_steps(packed: Sequence[Sequence[Any]], names: Mapping[int, str]) -> tuple[MutationStep, ...]:
    """What `pack_steps` packed, after `json.loads`."""
    return tuple([_step(fields, names) for fields in packed])


def _step(fields: Sequence[Any], names: Mapping[int, str]) -> MutationStep:
    count = len(fields)
    if count == 2:
        return MutationStep(KINDS[fields[0]], fields[1])
    lemma = None if fields[2] is None else names[fields[2]]
    if count == 3:
        return MutationStep(KINDS[fields[0]], fields[1], lemma)
    return MutationStep(KINDS[fields[0]], fields[1], lemma, fields[3] == 1, fields[4] if count == 5 else "")


def pack_premises(premises: Sequence[PremiseUse], names: Mapping[str, int]) -> str:
    """The premises of a tactic as `[[name,start,end,module,span],…]`."""
    return pack(
        [
            [names[use.name], use.start, use.end, names[use.module], use.defined and _corners(use.defined)]
            for use in premises
        ]
    )


def unpack_premises(packed: Sequence[Sequence[Any]], names: Mapping[int, str]) -> tuple[PremiseUse, ...]:
    """What `pack_premises` packed, after `json.loads`."""
    return tuple([_premise(names, *fields) for fields in packed])


def _premise(
    names: Mapping[int, str], name: int, start: int, end: int, module: int, defined: Sequence[int] | None
) -> PremiseUse:
    return PremiseUse(names[name], start, end, names[module], None if defined is None else _span(defined))


def pack_witnesses(witnesses: Sequence[WitnessValue]) -> str:
    """Witnesses as `[[name,type,value],…]`."""
    return pack([[witness.name, witness.type, witness.value] for witness in witnesses])


def unpack_witnesses(packed: Sequence[Sequence[str]]) -> tuple[WitnessValue, ...]:
    """What `pack_witnesses` packed, after `json.loads`."""
    return tuple([WitnessValue(*fields) for fields in packed])


def _corners(span: Span) -> list[int]:
    return [span.start.line, span.start.column, span.end.line, span.end.column]


def _span(corners: Sequence[int]) -> Span:
    line, column, last_line, last_column = corners
    return Span(Position(line, column), Position(last_line, last_column))
