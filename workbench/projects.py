"""Lean projects for the store: their modules with the digests of their sources, traced from those sources."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from db.records import Library, Module
from lean_bridge import tracing
from lean_bridge.build import build_project
from lean_bridge.errors import InputError
from lean_bridge.toolchain.embedded import EmbeddedToolchain
from lean_bridge.toolchain.modules import compile_order, fingerprints, module_graph
from lean_bridge.workspace import Scope, read_workspace
from workbench.problems import describe
from workbench.tracing import (
    FORMAT,
    Contents,
    FailedTrace,
    TracePlan,
    TraceReport,
    digest_of,
    file_contents,
    trace,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.store import Store
    from lean_bridge.client import LeanServer
    from lean_bridge.lakefile import LakeProject
    from lean_bridge.toolchain import Toolchain
    from lean_bridge.toolchain.modules import SourceModule
    from workbench.tracing import Progress

FILE_SECONDS: Final = 900.0
"""How long the elaboration of one file may take."""


@dataclass(frozen=True, slots=True)
class BuiltProject:
    """A project whose modules can be imported, but for those that do not build.

    Attributes:
        project: the folder and what its lakefile says.
        toolchain: a Lean that finds the project's modules.
        sources: the modules to trace, and all that they import of the project and its packages, each after those that it imports.
        traced: the modules to trace, in that order.
        imports: what a file imports to have them all.
        failed: those that do not build, and why.
    """

    project: LakeProject
    toolchain: Toolchain
    sources: Mapping[str, SourceModule]
    traced: tuple[str, ...]
    imports: tuple[str, ...]
    failed: tuple[FailedTrace, ...]


def built_project(
    folder: Path, toolchain: Toolchain, *, workers: int, progress: Progress, targets: Sequence[str] = ()
) -> BuiltProject:
    """Reads a project. The embedded Lean builds what has changed in it; a native one has Lake for that.

    Args:
        folder: the project's.
        toolchain: what it is to be traced with.
        workers: modules to build at a time.
        progress: told how the build goes.
        targets: the modules to trace, each with all below it; none: those that the project's lakefile wants built.

    Raises:
        InputError: it is no project, has no Lean files or none of these modules, imports what nobody has, or imports in a circle.
    """
    workspace = read_workspace(folder, Scope())
    project = workspace.root
    wanted = workspace.own(targets)
    sources = workspace.sources(wanted).modules
    order = compile_order(module_graph(sources))
    failed: tuple[FailedTrace, ...] = ()
    if isinstance(toolchain, EmbeddedToolchain):
        report = build_project(folder, toolchain, workers=workers, progress=progress, scope=Scope(wanted))
        failed = (
            *(FailedTrace(f.module, f"it does not build:\n{f.messages}", crashed=False) for f in report.failed),
            *(
                FailedTrace(b.module, f"it imports {', '.join(b.by)}, which does not build", crashed=False)
                for b in report.blocked
            ),
        )
        toolchain = toolchain.over(project.output)
    elif not project.output.is_dir():
        raise InputError(f"{folder} is not built: run `lake build` there, or use `--lean embedded`.")
    chosen = set(wanted or project.files())
    traced = tuple(name for name in order if name in chosen)
    roots = tuple(name for name in project.roots or () if name in sources)
    imports = wanted or roots or traced
    return BuiltProject(project, toolchain, {name: sources[name] for name in order}, traced, imports, failed)


def project_plan(built: BuiltProject, toolchain: str) -> TracePlan:
    """What to trace of a project; `toolchain` is Lean's version and commit."""
    order = list(built.sources)
    marks = fingerprints(built.sources, order, f"{FORMAT} {toolchain}")
    folder = built.project.folder.resolve()
    broken = {failure.module for failure in built.failed}
    chosen = [built.sources[name] for name in built.traced if name not in broken]
    modules = [
        Module(s.name, marks[s.name], _relative(s.file, folder), tuple(i.module for i in s.header.imports))
        for s in chosen
    ]
    library = Library(
        name=folder.name,
        toolchain=toolchain,
        digest=digest_of(
            folder.name, str(folder), toolchain, *(f"{name} {marks[name]}" for name in sorted(built.traced))
        ),
        imports=built.imports,
        root=str(folder),
    )

    async def read(server: LeanServer, module: Module) -> Contents:
        return await _read_file(server, built.sources[module.name])

    return TracePlan(library, tuple(modules), read)


async def trace_project(
    built: BuiltProject, store: Store, *, workers: int, progress: Progress = lambda *_: None
) -> TraceReport:
    """Traces what has changed in a project since the store heard of it; the rest as `tracing.trace`."""
    from lean_bridge.pool import LeanPool

    async with LeanPool(built.toolchain, min(workers, len(built.traced)), 0) as pool:
        async with pool.lease() as server:
            plan = project_plan(built, server.hello.toolchain)
        report = await trace(plan, pool, store, workers=workers, progress=progress)
    report.failed += built.failed
    return report


async def _read_file(server: LeanServer, source: SourceModule) -> Contents:
    call = tracing.trace_file(
        source.text.decode(), file=str(source.file), module=source.name, options=source.options, seconds=FILE_SECONDS
    )
    traced = await server.ask(call, FILE_SECONDS)
    _refuse_errors(source.file, traced)
    return file_contents(source.name, traced)


def _refuse_errors(file: Path, traced: tracing.FileTrace) -> None:
    """Lets only a file pass in which Lean found no error.

    Raises:
        InputError: the message lists the errors.
    """
    errors = [describe(file, message) for message in traced.messages if message.severity == "error"]
    if errors:
        raise InputError("Lean finds errors in it:\n" + "\n".join(errors))


def _relative(file: Path, folder: Path) -> str:
    file = file.resolve()
    return file.relative_to(folder).as_posix() if file.is_relative_to(folder) else str(file)
