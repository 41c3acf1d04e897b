"""Fills the store with what Lean knows of a library or of a project, module by module.

A module is stored in one transaction, so a run that is killed goes on where it stopped. A module whose digest is the one
that is stored is left alone; one that an older version of the same library holds under the same digest is copied from there.

The pieces, from Lean to the store::

    library_plans(server, ["Init.Data.List"]) ──┐
                                                ├──> TracePlan ──> trace(plan, pool, store) ──> TraceReport
    project_plan(project, toolchain) ───────────┘
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from db.records import Library, Module, Position, Premise, PremiseUse, Span, TacticStep, Theorem
from lean_bridge import tracing
from lean_bridge.errors import InputError, RequestFailed, ServerDied, ToolchainError

if TYPE_CHECKING:
    from db.store import Store
    from lean_bridge.client import LeanServer
    from lean_bridge.pool import LeanPool

T = TypeVar("T")

Progress = Callable[[str, float | None], None]

FORMAT: Final = 1
"""To be raised when the same module gives other records than before: what is stored is then traced again."""


STOPPED: Final = frozenset({"timeout", "heartbeats", "cancelled", "internal"})
"""Error kinds of docs/protocol.md that say nothing about what was asked."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a module holds. `unprinted`: theorems whose statement Lean could not print."""

    theorems: tuple[Theorem, ...]
    premises: tuple[Premise, ...] = ()
    steps: tuple[TacticStep, ...] = ()
    unprinted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TracePlan:
    """A library, its modules, and how one of them is traced."""

    library: Library
    modules: tuple[Module, ...]
    read: Callable[[LeanServer, Module], Awaitable[Contents]]


@dataclass(frozen=True, slots=True)
class FailedTrace:
    """A module that could not be traced. `crashed`: Lean itself failed, so nothing is known about the module."""

    module: str
    message: str
    crashed: bool


@dataclass(slots=True)
class TraceReport:
    """What a run did.

    Attributes:
        library: what was traced.
        traced: modules that were traced now.
        unchanged: modules that were in the store already, or in an older version of the library.
        failed: modules that are not in the store.
        theorems: how many theorems the traced modules hold.
        steps: how many tactic steps.
        unprinted: theorems left out, as Lean could not print their statements.
        seconds: how long it took.
    """

    library: Library
    traced: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: list[FailedTrace] = field(default_factory=list)
    theorems: int = 0
    steps: int = 0
    unprinted: list[str] = field(default_factory=list)
    seconds: float = 0.0


def digest_of(*parts: str) -> str:
    """SHA-256 of texts, in hexadecimal, and of the format of what is stored of them."""
    return hashlib.sha256("\0".join([str(FORMAT), *parts]).encode()).hexdigest()


async def library_plans(server: LeanServer, names: Sequence[str]) -> list[TracePlan]:
    """Plans for modules that come compiled: one for each library that they belong to, `Init` and `Std` for example.

    Args:
        server: where they can be imported.
        names: of modules; each stands for all below it, too.

    Raises:
        RequestFailed: there is no such module (`unknown_module`).
    """
    roots: dict[str, list[str]] = {}
    for name in names:
        roots.setdefault(name.partition(".")[0], []).append(name)
    return [await _library_plan(server, root, below) for root, below in roots.items()]


async def _library_plan(server: LeanServer, root: str, names: Sequence[str]) -> TracePlan:
    imports = await _imports(server, root, names)
    environment = await server.open_environment(imports)
    entries = await server.ask(tracing.list_modules(environment.id, [root]))
    chosen = await server.ask(tracing.list_modules(environment.id, names))
    toolchain = server.hello.toolchain
    digest = digest_of(root, toolchain, *(f"{entry.name} {entry.digest}" for entry in entries))

    async def read(server: LeanServer, module: Module) -> Contents:
        environment = await server.open_environment(imports)
        return await _read_module(server, environment.id, module.name)

    modules = [Module(e.name, digest_of(toolchain, e.digest), imports=e.imports) for e in chosen]
    return TracePlan(Library(root, toolchain, digest, imports), tuple(modules), read)


async def _imports(server: LeanServer, root: str, names: Sequence[str]) -> tuple[str, ...]:
    """What to import: the library as a whole, or the modules themselves where no module imports all of it."""
    try:
        await server.open_environment((root,))
    except RequestFailed as failure:
        if failure.kind != "unknown_module" or root in names:
            raise
        return tuple(names)
    return (root,)


async def _read_module(server: LeanServer, env: int, module: str) -> Contents:
    theorems: list[Theorem] = []
    unprinted: list[str] = []
    start: int | None = 0
    while start is not None:
        page = await server.ask(tracing.read_theorems(env, [module], start=start))
        theorems += [_library_theorem(theorem) for theorem in page.theorems]
        unprinted += [failure.name for failure in page.failed]
        start = page.next
    return Contents(tuple(theorems), unprinted=tuple(unprinted))


async def trace(
    plan: TracePlan, pool: LeanPool, store: Store, *, workers: int, progress: Progress = lambda *_: None
) -> TraceReport:
    """Traces what the store does not have yet.

    Args:
        plan: what to trace.
        pool: the Lean processes.
        store: where it goes.
        workers: modules at a time.
        progress: told what is done, and which fraction of it.

    Raises:
        ToolchainError: Lean cannot be started.
        StoreError: the store cannot be written.
    """
    began = time.monotonic()
    report = TraceReport(plan.library)
    store.save_library(plan.library)
    todo = _missing(plan, store, report)
    work = _Work(plan, pool, store, report, progress, len(todo))
    waiting = iter(todo)

    async def take() -> None:
        for module in waiting:
            await work.one(module)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(workers, len(todo))):
                group.create_task(take())
    except ExceptionGroup as group:
        # Not `except*`: what is raised in one comes out in a group again, in some releases of Python.
        raise group.exceptions[0] from None
    order = {module.name: place for place, module in enumerate(plan.modules)}
    report.traced.sort(key=order.__getitem__)
    report.failed.sort(key=lambda failure: order[failure.module])
    report.seconds = time.monotonic() - began
    return report


@dataclass(frozen=True, slots=True)
class _Work:
    """Tracing under way."""

    plan: TracePlan
    pool: LeanPool
    store: Store
    report: TraceReport
    progress: Progress
    total: int

    async def one(self, module: Module) -> None:
        """Traces and stores one module."""
        self._tell()
        try:
            contents = await self.pool.run(lambda server: self.plan.read(server, module))
        except ToolchainError:
            raise
        except (ServerDied, RequestFailed, InputError) as error:
            self.report.failed.append(FailedTrace(module.name, str(error), _is_crash(error)))
        else:
            self.store.save_module(
                self.plan.library.digest, module, contents.theorems, contents.premises, contents.steps
            )
            self.report.traced.append(module.name)
            self.report.theorems += len(contents.theorems)
            self.report.steps += len(contents.steps)
            self.report.unprinted += contents.unprinted
        self._tell()

    def _tell(self) -> None:
        done = len(self.report.traced) + len(self.report.failed)
        self.progress(f"tracing {self.plan.library.name}", done / max(self.total, 1))


def _is_crash(error: Exception) -> bool:
    """Whether nothing is known about a module: Lean died over it, or was stopped."""
    return isinstance(error, ServerDied) or (isinstance(error, RequestFailed) and error.kind in STOPPED)


def _missing(plan: TracePlan, store: Store, report: TraceReport) -> list[Module]:
    """The modules to trace. What an older version of the library has of the others is copied."""
    stored = store.traced_modules(plan.library.digest)
    missing = [module for module in plan.modules if stored.get(module.name) != module.digest]
    for older in _older_versions(plan.library, store):
        if not missing:
            break
        known = store.traced_modules(older.digest)
        same = [module for module in missing if known.get(module.name) == module.digest]
        if same:
            _copy(store, older, plan.library, same)
            missing = [module for module in missing if module not in same]
    left = {module.name for module in missing}
    report.unchanged = [module.name for module in plan.modules if module.name not in left]
    return missing


def _older_versions(library: Library, store: Store) -> list[Library]:
    """Other versions of a library, the newest first."""
    others = [other for other in store.libraries() if other.digest != library.digest]
    return [other for other in reversed(others) if (other.name, other.root) == (library.name, library.root)]


def _copy(store: Store, source: Library, target: Library, modules: Sequence[Module]) -> None:
    names = [module.name for module in modules]
    theorems = _by_module(names, store.theorems(source.digest, modules=names), lambda theorem: theorem.module)
    premises = _by_module(names, store.premises(source.digest), lambda premise: premise.module)
    steps: dict[str, list[TacticStep]] = {name: [] for name in names}
    for theorem, of_theorem in store.steps(source.digest):
        if theorem.module in steps:
            steps[theorem.module] += of_theorem
    for module in modules:
        name = module.name
        store.save_module(target.digest, module, theorems[name], premises[name], steps[name])


def _by_module(names: Sequence[str], items: Iterable[T], module_of: Callable[[T], str]) -> Mapping[str, list[T]]:
    sorted_out: dict[str, list[T]] = {name: [] for name in names}
    for item in items:
        if module_of(item) in sorted_out:
            sorted_out[module_of(item)].append(item)
    return sorted_out


# From lean_bridge's values to those of the store.


def _span(span: tracing.Range) -> Span:
    start, end = span.start, span.end
    return Span(Position(start.line, start.column), Position(end.line, end.column))


def _span_or_none(span: tracing.Range | None) -> Span | None:
    return None if span is None else _span(span)


def _library_theorem(theorem: tracing.LibraryTheorem) -> Theorem:
    return Theorem(
        name=theorem.name,
        module=theorem.module,
        statement=theorem.statement,
        canonical=theorem.canonical,
        kind=theorem.kind,
        constants=theorem.constants,
        span=_span_or_none(theorem.span),
    )


def _use(reference: tracing.Reference) -> PremiseUse:
    return PremiseUse(
        reference.name, reference.start, reference.end, reference.module, _span_or_none(reference.defined)
    )


def file_contents(module: str, traced: tracing.FileTrace) -> Contents:
    """The records of a traced file."""
    theorems: list[Theorem] = []
    premises: list[Premise] = []
    steps: list[TacticStep] = []
    for found in traced.declarations:
        span = _span(found.span)
        premises.append(Premise(found.name, module, found.kind, found.head, span))
        if found.statement is None or found.canonical is None:
            continue
        theorems.append(
            Theorem(found.name, module, found.statement, found.canonical, found.kind, found.constants, span, found.code)
        )
        steps += [
            TacticStep(
                theorem=found.name,
                index=index,
                before=step.before,
                tactic=step.tactic,
                after=step.after,
                premises=tuple(_use(reference) for reference in step.references),
                span=_span(step.span),
            )
            for index, step in enumerate(found.steps)
        ]
    return Contents(tuple(theorems), tuple(premises), tuple(steps))
