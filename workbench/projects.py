"""Lean projects for the store: their modules with the digests of their sources, traced from those sources."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from db.records import Library, Module
from lean_bridge import tracing
from lean_bridge.build import build_project, project_modules
from lean_bridge.errors import InputError
from lean_bridge.lakefile import read_project
from lean_bridge.toolchain.embedded import EmbeddedToolchain
from lean_bridge.toolchain.modules import compile_order, fingerprints, module_graph
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
    from collections.abc import Mapping

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
        sources: its modules, each after those that it imports.
        failed: those that do not build, and why.
    """

    project: LakeProject
    toolchain: Toolchain
    sources: Mapping[str, SourceModule]
    failed: tuple[FailedTrace, ...]


def built_project(folder: Path, toolchain: Toolchain, *, workers: int, progress: Progress) -> BuiltProject:
    """Reads a project. The embedded Lean builds what has changed in it; a native one has Lake for that.

    Raises:
        InputError: it is no project, has no Lean files, imports what nobody has, or imports in a circle.
    """
    project = read_project(folder)
    sources = project_modules(project)
    order = compile_order(module_graph(sources))
    failed: tuple[FailedTrace, ...] = ()
    if isinstance(toolchain, EmbeddedToolchain):
        report = build_project(folder, toolchain, workers=workers, progress=progress)
        failed = (
            *(FailedTrace(f.module, f"it does not build:\n{f.messages}", crashed=False) for f in report.failed),
            *(
                FailedTrace(b.module, f"it imports {', '.join(b.by)}, which does not build", crashed=False)
                for b in report.blocked
            ),
        )
        toolchain = replace(toolchain, libraries=(project.output,))
    elif not project.output.is_dir():
        raise InputError(f"{folder} is not built: run `lake build` there, or use `--lean embedded`.")
    return BuiltProject(project, toolchain, {name: sources[name] for name in order}, failed)


def project_plan(built: BuiltProject, toolchain: str) -> TracePlan:
    """What to trace of a project; `toolchain` is Lean's version and commit."""
    order = list(built.sources)
    marks = fingerprints(built.sources, order, f"{FORMAT} {toolchain}")
    folder = built.project.folder.resolve()
    broken = {failure.module for failure in built.failed}
    modules = [
        Module(name, marks[name], _relative(source.file, folder), tuple(i.module for i in source.header.imports))
        for name, source in built.sources.items()
        if name not in broken
    ]
    roots = [name for name in built.project.roots or () if name in built.sources]
    library = Library(
        name=folder.name,
        toolchain=toolchain,
        digest=digest_of(folder.name, str(folder), toolchain, *(f"{name} {marks[name]}" for name in sorted(order))),
        imports=tuple(roots or order),
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

    async with LeanPool(built.toolchain, min(workers, len(built.sources)), 0) as pool:
        async with pool.lease() as server:
            plan = project_plan(built, server.hello.toolchain)
        report = await trace(plan, pool, store, workers=workers, progress=progress)
    report.failed += built.failed
    return report


async def _read_file(server: LeanServer, source: SourceModule) -> Contents:
    call = tracing.trace_file(source.text.decode(), file=str(source.file), module=source.name, seconds=FILE_SECONDS)
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
