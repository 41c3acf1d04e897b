"""Runs a mutation over a library: units of theorems, several Lean processes, one store.

Each worker has a Lean process with the lemma index in it. It leases a unit, has Lean mutate the unit's theorems, looks at what came back and
stores it in one transaction. A worker whose process dies starts another one and goes on with the theorems one by one, so that the one that
kills Lean is known by name. Whatever is interrupted, by Ctrl-C or by a power cut, is taken up by the next call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Final

from db import working
from db.records import Harvest, Mutant, MutationKind, MutationStep, Rejects, Run, Unit
from lean_bridge import mutating
from lean_bridge.client import LeanServer, Limits
from lean_bridge.errors import ServerDied
from lean_bridge.mutating import MutationLimits
from mutation.errors import OtherLean, UnknownModules
from mutation.hygiene import check_hygiene, held_forms

if TYPE_CHECKING:
    from db.store import Store
    from lean_bridge.toolchain.base import Toolchain

ROOM_BYTES: Final = 1350 * 2**20
"""A process that takes less is never replaced."""

GROWTH_BYTES: Final = 256 * 2**20
"""What a process may take beyond what it had with its index, before it is replaced between units; WebAssembly gives none back."""

COMMAND: Final = "mutate"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be mutated, and how. Equal plans over equal libraries give equal mutants.

    Attributes:
        library: digest of a traced library.
        imports: what a Lean process imports.
        theorems: full names of the parents, in order.
        limits: what is made of each.
        holdout: full names that nothing may touch; sorted.
        seconds: soft limit for each theorem; past it the theorem is booked as `timeout`.
        note: more that belongs into the run's record, such as the modules that were asked for.
    """

    library: str
    imports: tuple[str, ...]
    theorems: tuple[str, ...]
    limits: MutationLimits
    holdout: tuple[str, ...] = ()
    seconds: float = 120.0
    note: Mapping[str, object] = field(default_factory=dict)

    def config(self) -> dict[str, object]:
        """What the run is recorded with: all that its results depend on."""
        return {
            **self.note,
            **asdict(self.limits),
            "kinds": list(self.limits.kinds),
            "imports": list(self.imports),
            "holdout": list(self.holdout),
            "theorems": len(self.theorems),
            "seconds": self.seconds,
        }

    def units(self) -> list[tuple[str, ...]]:
        """The theorems in pieces of work."""
        return working.units_of(self.theorems)


def chosen_theorems(
    store: Store, library: str, modules: Sequence[str], *, sample: int | None, seed: int
) -> tuple[str, ...]:
    """The theorems of these modules and those below them; `sample` of them, drawn with the seed, in the library's order.

    Raises:
        UnknownModules: there are none.
    """
    names = [
        theorem.name
        for theorem in store.theorems(library)
        if theorem.kind != "axiom" and any(theorem.module == m or theorem.module.startswith(f"{m}.") for m in modules)
    ]
    if not names:
        raise UnknownModules(
            f"no theorems of {', '.join(modules)} are in the store; run `lemma trace {' '.join(modules)}` first"
        )
    if sample is None or sample >= len(names):
        return tuple(names)
    kept = set(Random(seed).sample(range(len(names)), sample))
    return tuple(name for i, name in enumerate(names) if i in kept)


def begun(store: Store, plan: Plan, toolchain: str, now: datetime) -> tuple[Run, bool]:
    """The run of a plan, and whether it was begun before: an unfinished one of the same plan is taken up."""
    return working.begun(store, COMMAND, plan.config(), plan.library, toolchain, plan.units(), now)


class Pipeline:
    """Carries out a run with some Lean processes.

    Args:
        toolchain: the Lean to run.
        store: where everything goes.
        run: an unfinished run.
        plan: its plan.
        clock: the time, in UTC.
        report: is told of each unit that was stored.
    """

    def __init__(
        self,
        toolchain: Toolchain,
        store: Store,
        run: Run,
        plan: Plan,
        *,
        clock: Callable[[], datetime],
        report: Callable[[working.UnitReport], None] = lambda _: None,
    ) -> None:
        self._toolchain = toolchain
        self._store = store
        self._run = run
        self._plan = plan
        self._clock = clock
        self._report = report
        held = set(plan.holdout)
        self._held = held
        self._held_forms = held_forms(store, plan.library, held)

    async def go(self, workers: int, owner: str) -> bool:
        """Works until no unit is left to take; returns whether the run is finished.

        Args:
            workers: Lean processes.
            owner: names this process in the leases of units; workers add a number to it.

        Raises:
            Leak: a mutant touches a held-out theorem.
            OtherLean: the library was traced with another Lean.
            ToolchainError: Lean cannot be started.
            StoreError: the store cannot be written.
        """
        hands = [_Worker(self._new_server(), self._finish) for _ in range(workers)]
        return await working.work_through(self._store, self._run, hands, owner, self._clock)

    def _new_server(self) -> _IndexedServer:
        return _IndexedServer(self._toolchain, self._plan, self._run.toolchain)

    async def _finish(self, unit: Unit, harvests: list[Harvest]) -> None:
        check_hygiene(harvests, self._held, self._held_forms)
        stored = await asyncio.to_thread(self._store.finish_unit, unit, harvests)
        self._report(working.UnitReport(unit, stored, tuple(harvests)))


class _Worker:
    """Mutates the theorems of units with one Lean process."""

    def __init__(self, process: _IndexedServer, finish: Callable[[Unit, list[Harvest]], Awaitable[None]]) -> None:
        self._process = process
        self._finish = finish

    async def do(self, unit: Unit) -> None:
        await self._finish(unit, await working.isolated(unit.payload, self._process.mutate, ServerDied))

    async def stop(self) -> None:
        await self._process.stop()


class _IndexedServer:
    """A Lean process with a lemma index, started when it is needed and replaced when it has died or grown."""

    def __init__(self, toolchain: Toolchain, plan: Plan, traced_with: str) -> None:
        self._toolchain = toolchain
        self._plan = plan
        self._traced_with = traced_with
        self._server: LeanServer | None = None
        self._index = 0
        self._limit_bytes = ROOM_BYTES

    async def mutate(self, theorems: Sequence[str]) -> list[Harvest]:
        server = await self._ready()
        call = mutating.mutate(self._index, theorems, self._plan.limits, seconds=self._plan.seconds)
        found = await server.ask(call, self._plan.seconds * len(theorems))
        return [_recorded(harvest) for harvest in found]

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.close()
            self._server = None

    async def _ready(self) -> LeanServer:
        server = self._server
        if server is not None and server.alive and server.resident_bytes() < self._limit_bytes:
            return server
        await self.stop()
        self._server = server = await LeanServer.start(self._toolchain, limits=Limits(seconds=600.0))
        refuse_other_lean(self._traced_with, server.hello.toolchain)
        environment = await server.open_environment(self._plan.imports)
        opened = mutating.open_index(environment.id, self._plan.limits.kinds, holdout=self._plan.holdout)
        self._index = (await server.ask(opened)).number
        self._limit_bytes = max(ROOM_BYTES, server.resident_bytes() + GROWTH_BYTES)
        return server


def refuse_other_lean(traced_with: str, running: str) -> None:
    """Refuses to work on a library with another Lean than the one that traced it.

    Raises:
        OtherLean: it is another one.
    """
    if running != traced_with:
        raise OtherLean(
            f"the library was traced with Lean {traced_with}, and this is Lean {running}: "
            "run `lemma trace` again, or choose that Lean with --lean."
        )


def _recorded(found: mutating.TheoremHarvest) -> Harvest:
    mutants = tuple(
        Mutant(
            canonical=mutant.canonical,
            parent=found.theorem,
            steps=tuple(
                MutationStep(MutationKind(step.kind), step.place, step.lemma, step.reverse, step.detail)
                for step in mutant.steps
            ),
            statement=mutant.statement,
            proof=mutant.proof,
            marks=tuple(sorted(mutant.marks)),
            size=mutant.size,
        )
        for mutant in found.mutants
    )
    stages = found.stages
    rejects = tuple(Rejects(r.stage, r.reason, r.count, r.example) for r in stages.rejects)
    return Harvest(found.theorem, mutants, rejects, stages.counts, stages.seconds, found.failure)
