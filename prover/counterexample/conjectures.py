"""Makes statements that are nearly true out of the theorems of a library, and finds out which of them are false.

A unit of theorems is given to Lean, which changes one thing in each at a time, refutes what values refute and proves what simple tactics
prove. What it leaves open the prover and its opponent race for. Only what the judge accepts counts: a conjecture is `refuted`,
`proved` or `vacuous` by an accepted proof, and `open` otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from db import working
from db.records import ChangeKind, Conjecture, Harvest, Rejects, Run, Standing, Unit, WitnessValue
from lean_bridge.conjecturing import ConjectureLimits, FoundConjecture, TheoremConjectures, make_conjectures
from lean_bridge.errors import InputError, ServerDied
from prover.core import Budget
from prover.counterexample.race import race
from prover.engine import Plan
from prover.judge import Proof, Statement, judge
from prover.workplace import Task

if TYPE_CHECKING:
    from db.store import Store
    from lean_bridge.client import LeanServer
    from lean_bridge.pool import LeanPool
    from prover.engine import ProofAttempt

COMMAND: Final = "conjecture"


@dataclass(frozen=True, slots=True)
class ConjecturePlan:
    """What is made. Equal plans over equal libraries give equal conjectures, except where a limit of time decides what stays open.

    Attributes:
        library: digest of a traced library.
        imports: what a Lean process imports.
        theorems: full names of the parents, in order.
        limits: what is made of each.
        holdout: full names that nothing may touch; sorted.
        effort: seconds of the race for a conjecture that Lean leaves open; 0 for none.
        seconds: soft limit for each theorem; past it the theorem is booked as `timeout`.
        note: more that belongs into the run's record, such as the modules that were asked for.
    """

    library: str
    imports: tuple[str, ...]
    theorems: tuple[str, ...]
    limits: ConjectureLimits
    holdout: tuple[str, ...] = ()
    effort: float = 2.0
    seconds: float = 120.0
    note: Mapping[str, object] = field(default_factory=dict)

    @property
    def header(self) -> str:
        """What stands before a conjecture in a file."""
        return "".join(f"import {module}\n" for module in self.imports)

    def config(self) -> dict[str, object]:
        """What the run is recorded with: all that its results depend on."""
        return {
            **self.note,
            **asdict(self.limits),
            "kinds": list(self.limits.kinds),
            "imports": list(self.imports),
            "holdout": list(self.holdout),
            "theorems": len(self.theorems),
            "effort": self.effort,
            "seconds": self.seconds,
        }

    def units(self) -> list[tuple[str, ...]]:
        """The theorems in pieces of work."""
        return working.units_of(self.theorems)


def begun(store: Store, plan: ConjecturePlan, toolchain: str, now: datetime) -> tuple[Run, bool]:
    """The run of a plan, and whether it was begun before: an unfinished one of the same plan is taken up."""
    return working.begun(store, COMMAND, plan.config(), plan.library, toolchain, plan.units(), now)


class ConjectureRun:
    """Carries out a run.

    Args:
        pool: Lean processes, as many as there are workers.
        store: where everything goes.
        run: an unfinished run.
        plan: its plan.
        refused: why a conjecture may not be kept, such as that it touches a held-out theorem; None if it may.
        clock: the time, in UTC.
        report: is told of each unit that was stored.
    """

    def __init__(
        self,
        pool: LeanPool,
        store: Store,
        run: Run,
        plan: ConjecturePlan,
        *,
        clock: Callable[[], datetime],
        refused: Callable[[Conjecture], str | None] = lambda conjecture: None,
        report: Callable[[working.UnitReport], None] = lambda report: None,
    ) -> None:
        self._pool = pool
        self._store = store
        self._run = run
        self._plan = plan
        self._refused = refused
        self._clock = clock
        self._report = report

    async def go(self, workers: int, owner: str) -> bool:
        """Works until no unit is left; returns whether the run is finished. Arguments as of `work_through`.

        Raises:
            StoreError: the store cannot be written.
            ToolchainError: Lean cannot be started.
        """
        return await working.work_through(self._store, self._run, [self] * workers, owner, self._clock)

    async def do(self, unit: Unit) -> None:
        """Makes the conjectures of a unit's theorems, and stores them."""
        made = await working.isolated(unit.payload, self._made, ServerDied)
        harvests = [self._kept(harvest) for harvest in made]
        stored = await asyncio.to_thread(self._store.finish_unit, unit, harvests)
        self._report(working.UnitReport(unit, stored, tuple(harvests)))

    async def stop(self) -> None:
        """The pool belongs to the caller."""

    async def _made(self, theorems: Sequence[str]) -> list[Harvest]:
        plan = self._plan
        async with self._pool.lease() as server:
            env = (await server.open_environment(plan.imports)).id
            call = make_conjectures(env, theorems, plan.limits, seconds=plan.seconds)
            found = await server.ask(call, plan.seconds * len(theorems))
            harvests = [await self._judged(server, env, one) for one in found]
        return [await self._with_effort(harvest) for harvest in harvests]

    async def _judged(self, server: LeanServer, env: int, found: TheoremConjectures) -> Harvest:
        made = [await self._standing(server, env, found.theorem, one) for one in found.conjectures]
        stages = found.stages
        rejects = tuple(Rejects(r.stage, r.reason, r.count, r.example) for r in stages.rejects)
        return Harvest(
            found.theorem,
            conjectures=tuple(made),
            rejects=rejects,
            counts=stages.counts,
            seconds=stages.seconds,
            failure=found.failure,
        )

    async def _standing(self, server: LeanServer, env: int, parent: str, found: FoundConjecture) -> Conjecture:
        """What the judge says to what Lean found."""
        counterexample = found.found
        conjecture = Conjecture(
            canonical=found.canonical,
            parent=parent,
            kind=ChangeKind(found.kind),
            place=found.place,
            detail=found.detail,
            statement=found.statement,
            size=found.size,
            standing=Standing.open,
            evaluations=counterexample.evaluations if counterexample else 0,
            seconds=counterexample.ms / 1000 if counterexample else 0.0,
            note=counterexample.on if counterexample else "",
        )
        if found.proof is not None:
            known = replace(conjecture, standing=Standing.proved, proof=found.proof, way="tactic", note="")
            claim = conjecture.declaration
        elif counterexample is not None and counterexample.proof is not None:
            values = tuple(WitnessValue(w.name, w.type, w.value) for w in counterexample.witnesses)
            standing = Standing.refuted if counterexample.outcome == "refuted" else Standing.vacuous
            claim = counterexample.claim
            proof = counterexample.proof
            known = replace(
                conjecture, standing=standing, claim=claim, proof=proof, witnesses=values, way="values", note=""
            )
        else:
            return conjecture
        try:
            verdict = await judge(server, env, Statement(claim, self._plan.header), Proof(known.proof))
        except InputError as error:
            return replace(conjecture, note=f"what is claimed of it does not elaborate: {error}")
        if verdict.accepted:
            return known
        return replace(conjecture, note=f"the judge does not accept what was found: {verdict.message}")

    async def _with_effort(self, harvest: Harvest) -> Harvest:
        """The harvest, after a race for each conjecture that is open."""
        if not self._plan.effort:
            return harvest
        conjectures = [await self._raced(one) if one.standing is Standing.open else one for one in harvest.conjectures]
        return replace(harvest, conjectures=tuple(conjectures))

    async def _raced(self, conjecture: Conjecture) -> Conjecture:
        task = Task.stated(conjecture.name, Statement(conjecture.declaration, self._plan.header))
        try:
            attempt = await race(self._pool, task, plan=Plan(budget=Budget(seconds=self._plan.effort)))
        except InputError as error:
            return replace(conjecture, note=f"as a theorem of its own it does not elaborate: {error}")
        return _after_race(conjecture, attempt)

    def _kept(self, harvest: Harvest) -> Harvest:
        """The harvest without the conjectures that may not be kept, which are counted."""
        kept, rejects = [], list(harvest.rejects)
        for conjecture in harvest.conjectures:
            reason = self._refused(conjecture)
            if reason is None:
                kept.append(conjecture)
            else:
                rejects.append(Rejects("holdout", reason, 1, conjecture.statement))
        return replace(harvest, conjectures=tuple(kept), rejects=tuple(rejects))


def _after_race(conjecture: Conjecture, attempt: ProofAttempt) -> Conjecture:
    refutation = attempt.refutation
    if attempt.outcome == "proved" and attempt.proof is not None:
        return replace(conjecture, standing=Standing.proved, proof=attempt.proof, way="proof", note="")
    if refutation is None or refutation.claim is None or refutation.proof is None:
        return conjecture
    return replace(
        conjecture,
        standing=Standing.refuted if refutation.outcome == "refuted" else Standing.vacuous,
        claim=refutation.claim.text,
        proof=refutation.proof,
        witnesses=tuple(WitnessValue(w.name, w.type, w.value) for w in refutation.witnesses),
        way=refutation.way or "",
        note="",
    )
