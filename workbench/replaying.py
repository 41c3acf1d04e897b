"""Does what a trace says happen? Runs each tactic of a traced file on the goals that stand before it, and compares what comes of it.

::

    source = read_module("Algebra.Logic", Path("Algebra/Logic.lean"))
    assert not await replay(server, source, steps)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from db.records import Span, TacticStep
from lean_bridge.client import LeanServer
from lean_bridge.protocol import Advanced, Attempt, Place, ProofState
from lean_bridge.toolchain.modules import SourceModule
from lean_bridge.tracing import Range, StepPlace, open_steps

FINISHED: Final = "no goals"
"""How a trace writes that nothing is left to prove."""

FILE_SECONDS: Final = 900.0
"""How long the elaboration of one file may take."""

_METAVARIABLE: Final = re.compile(r"\?[mu]\.\d+")


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A step that does not do what the trace says. `found`: what it led to instead, or why it led nowhere."""

    step: TacticStep
    found: str


async def replay(
    server: LeanServer, source: SourceModule, steps: Sequence[TacticStep], *, seconds: float = 60.0
) -> tuple[Discrepancy, ...]:
    """Runs steps of one file again, each from its own goals, by its text.

    Args:
        server: a Lean that finds the modules which the file imports.
        source: the file as it was traced.
        steps: those of its proofs.
        seconds: the limit of each tactic.

    Returns:
        The steps that lead elsewhere than the trace says; names of metavariables do not matter.
    """
    placed = [step for step in steps if step.span is not None]
    places = [StepPlace(_range(step.span), step.before) for step in placed if step.span is not None]
    call = open_steps(
        source.text.decode(),
        places,
        file=str(source.file),
        module=source.name,
        options=source.options,
        seconds=FILE_SECONDS,
    )
    states = await server.ask(call, FILE_SECONDS)
    found = [Discrepancy(step, "there is no such step in the file") for step in steps if step.span is None]
    for step, state in zip(placed, states, strict=True):
        outcome = "there is no such step in the file" if state is None else await _after(server, state, step, seconds)
        if _same_names(outcome) != _same_names(step.after):
            found.append(Discrepancy(step, outcome))
    await server.release_states(state.id for state in states if state is not None)
    return tuple(found)


async def _after(server: LeanServer, state: ProofState, step: TacticStep, seconds: float) -> str:
    attempt = Attempt(state.id, (step.tactic,))
    [[outcome]] = await server.run_tactics([attempt], heartbeats=0, seconds=seconds)
    if not isinstance(outcome, Advanced):
        return f"{outcome.kind}: {outcome.message}"
    await server.release_states([outcome.state.id])
    return "\n\n".join(goal.text for goal in outcome.state.goals) or FINISHED


def _same_names(goals: str) -> str:
    numbers: dict[str, int] = {}
    return _METAVARIABLE.sub(lambda match: f"?{numbers.setdefault(match[0], len(numbers))}", goals)


def _range(span: Span) -> Range:
    return Range(Place(span.start.line, span.start.column), Place(span.end.line, span.end.column))
