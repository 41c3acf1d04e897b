"""Builds a Lake project and the packages that it needs with the embedded Lean, without Lake (which starts other programs, and WebAssembly cannot).

Each module is compiled after those that it imports, several at a time, and only where its text or that of something it imports has changed. All that is
compiled, of all packages, goes into the project's own folder; the folders of the packages stay as they are.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from lean_bridge.errors import InputError, ServerDied, ToolchainError
from lean_bridge.lakefile import LakeProject
from lean_bridge.overlays import Overlay
from lean_bridge.toolchain.base import Toolchain
from lean_bridge.toolchain.embedded import EmbeddedToolchain
from lean_bridge.toolchain.jobs import Frontend, Write, absolute
from lean_bridge.toolchain.library import Library
from lean_bridge.toolchain.modules import SourceModule, compile_order, fingerprints, module_graph
from lean_bridge.toolchain.provenance import read_origin, write_origin
from lean_bridge.toolchain.storage import Progress
from lean_bridge.workspace import Scope, Sources, read_workspace

if TYPE_CHECKING:
    import networkx as nx

_ALL: Final = Scope()
_BESIDE_TEXT: Final = 10_000
"""What a module's imports cost to load, in bytes of text to compile: a module of so many bytes takes twice as long as an empty one."""
_OUTSIDE: Final = ("Mathlib", "Batteries", "Aesop", "Qq", "ProofWidgets", "Plausible", "ImportGraph")


@dataclass(frozen=True, slots=True)
class FailedModule:
    """A module that Lean did not accept."""

    module: str
    file: Path
    messages: str
    """What Lean said, as it prints it."""


@dataclass(frozen=True, slots=True)
class BlockedModule:
    """A module that was not tried, since something that it imports failed."""

    module: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did, module by module, in the order in which they can be compiled."""

    built: tuple[str, ...]
    up_to_date: tuple[str, ...]
    failed: tuple[FailedModule, ...]
    blocked: tuple[BlockedModule, ...]
    seconds: float
    output: Path
    left: tuple[str, ...] = ()
    """Modules that were not tried, since the build was to stop at the first failure."""
    overlays: tuple[Overlay, ...] = ()
    """Those that took the place of modules."""
    place_holders: tuple[Path, ...] = ()
    """Files that modules include and other tools make, which were not there."""

    @property
    def ok(self) -> bool:
        """Whether all modules are there."""
        return not self.failed


def build_project(
    folder: Path,
    toolchain: Toolchain,
    *,
    workers: int = 2,
    progress: Progress | None = None,
    write: Write | None = None,
    scope: Scope = _ALL,
    keep_going: bool = True,
) -> BuildReport:
    """Compiles what has changed in a project and its packages into the project's `.lake/build/lib/lean`.

    Interrupted or killed, the next call goes on where it stopped.

    Args:
        folder: the project: a folder with a lakefile, or with Lean files alone.
        toolchain: the embedded Lean.
        workers: how many Lean processes at a time, each up to 2 GB.
        progress: told which module was done last, how many are done and left, and how long these will take.
        write: takes the messages of modules that have any, one module at a time.
        scope: which modules, and where packages and overlays are.
        keep_going: whether what does not need a failed module is still compiled.

    Raises:
        InputError: no Lean files, an import that nobody has, a circle of imports, a folder that Lake built.
        ToolchainError: the toolchain is not an embedded one.
    """
    started = time.monotonic()
    if not isinstance(toolchain, EmbeddedToolchain):
        raise ToolchainError(
            f"`lemma lean build` is for the embedded Lean; in a project with its own Lean, run `lake build` in {folder}"
        )
    workspace = read_workspace(folder, scope)
    project, sources = workspace.root, workspace.sources(scope.targets)
    toolchain = toolchain.apart_from({name.partition(".")[0] for name in sources.modules})
    packs = (pack.library for pack in toolchain.packs)
    _refuse_missing(sources.modules, workspace.files(), (toolchain.home / "lib" / "lean", toolchain.forge, *packs))
    graph = module_graph(sources.modules)
    order = compile_order(graph)
    marks = fingerprints(sources.modules, order, toolchain.salt)
    _refuse_native(project.output)
    library = Library(project.output)
    build = _Build(sources, graph, marks, library, toolchain, progress, write)

    def stale() -> list[str]:
        return [name for name in order if not library.holds(name, marks[name])]

    # What is whole needs no lock: another build of other modules may be at work.
    todo = stale()
    if todo or read_origin(project.output) is None:
        with _alone(project, progress):
            todo = stale()
            write_origin(project.output, workspace.origin(sources))
            build.run(todo, workers, keep_going=keep_going)
    tried, given = {*build.built, *build.failed, *build.blocked}, set(todo)
    return BuildReport(
        built=tuple(name for name in order if name in build.built),
        up_to_date=tuple(name for name in order if name not in given),
        failed=tuple(build.failed[name] for name in order if name in build.failed),
        blocked=tuple(BlockedModule(name, build.blockers(name)) for name in order if name in build.blocked),
        seconds=time.monotonic() - started,
        output=project.output,
        left=tuple(name for name in todo if name not in tried),
        overlays=sources.overlays,
        place_holders=sources.place_holders,
    )


def _refuse_missing(modules: Mapping[str, SourceModule], files: Container[str], libraries: Sequence[Path]) -> None:
    missing = [
        f"{module.file}:{imported.line}: no module {imported.module}{_hint(imported.module)}"
        for module in modules.values()
        for imported in module.header.imports
        if imported.module not in modules
        and imported.module not in files
        and not any(
            library.joinpath(*imported.module.split(".")).with_suffix(".olean").is_file() for library in libraries
        )
    ]
    if missing:
        raise InputError("imports that are neither in the project nor in Lean:\n  " + "\n  ".join(sorted(missing)))


def _hint(module: str) -> str:
    if module.partition(".")[0] not in _OUTSIDE:
        return ""
    return (
        " (the embedded Lean comes without Mathlib and its kin: name a checkout with --package NAME=DIR, or install a pack, as docs/mathlib.md tells; "
        "or use --lean native in a project that has them)"
    )


def _refuse_native(output: Path) -> None:
    """Lake trusts its trace files: modules of another Lean beside them would break its next build."""
    if any(output.rglob("*.trace")):
        raise InputError(
            f"{output} was made by Lake with a native Lean: use `--lean native` there, or build a copy of the project"
        )


@contextlib.contextmanager
def _alone(project: LakeProject, progress: Progress | None) -> Iterator[None]:
    """One build at a time in a project; removes what a killed one left."""
    project.output.mkdir(parents=True, exist_ok=True)
    lock = FileLock(project.output / ".build.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if progress is not None:
            progress(f"another build is at work in {project.folder}; waiting for it", None)
        lock.acquire()
    try:
        for leftover in project.output.rglob(".new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield
    finally:
        lock.release()


@dataclass(frozen=True, slots=True)
class _Outcome:
    accepted: bool
    messages: str


class _Build:
    """One run over the modules that are not up to date."""

    def __init__(
        self,
        sources: Sources,
        graph: nx.DiGraph[str],
        marks: Mapping[str, str],
        library: Library,
        toolchain: EmbeddedToolchain,
        progress: Progress | None,
        write: Write | None,
    ) -> None:
        self.built: set[str] = set()
        self.failed: dict[str, FailedModule] = {}
        self.blocked: set[str] = set()
        self._modules = sources.modules
        self._graph = graph
        self._marks = marks
        self._library = library
        self._toolchain = toolchain
        self._progress = progress
        self._write = write
        self._own = threading.local()
        self._frontends: list[Frontend] = []

    def run(self, stale: Sequence[str], workers: int, *, keep_going: bool) -> None:
        """Compiles the modules of `stale`, which are in compile order."""
        started = time.monotonic()
        weights = {name: _BESIDE_TEXT + len(self._modules[name].text) for name in stale}
        urgency = self._urgency(stale, weights)
        waiting = {name: {before for before in self._graph.predecessors(name) if before in weights} for name in stale}
        running: dict[Future[_Outcome], str] = {}
        workers = max(1, min(workers, len(stale)))
        with ThreadPoolExecutor(max_workers=workers) as executor:
            try:
                while (waiting and (keep_going or not self.failed)) or running:
                    ready = sorted((name for name, before in waiting.items() if not before), key=urgency.__getitem__)
                    for name in ready[len(running) - workers :] if keep_going or not self.failed else ():
                        del waiting[name]
                        running[executor.submit(self._compile, name)] = name
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        name = running.pop(future)
                        self._finish(name, future.result(), waiting)
                        left = sum(weights[name] for name in (*waiting, *running.values()))
                        self._tell(name, len(stale), time.monotonic() - started, left / sum(weights.values()))
            finally:
                executor.shutdown(wait=False, cancel_futures=True)
                for frontend in self._frontends:
                    frontend.stop()

    def _urgency(self, stale: Sequence[str], weights: Mapping[str, int]) -> dict[str, int]:
        """How much is to be compiled, one module after the other, from each module on to the last of those that wait for it."""
        found: dict[str, int] = {}
        for name in reversed(stale):
            after = (found[other] for other in self._graph.successors(name) if other in found)
            found[name] = weights[name] + max(after, default=0)
        return found

    def _finish(self, name: str, outcome: _Outcome, waiting: dict[str, set[str]]) -> None:
        import networkx as nx

        if outcome.messages and self._write is not None:
            self._write(outcome.messages)
        if outcome.accepted:
            self.built.add(name)
            for before in waiting.values():
                before.discard(name)
            return
        self.failed[name] = FailedModule(name, self._modules[name].file, outcome.messages)
        for blocked in nx.descendants(self._graph, name) & waiting.keys():
            del waiting[blocked]
            self.blocked.add(blocked)

    def _tell(self, name: str, total: int, seconds: float, share_left: float) -> None:
        if self._progress is None:
            return
        done = len(self.built) + len(self.failed) + len(self.blocked)
        time_left = _spoken(seconds * share_left / max(1 - share_left, 1e-3))
        left = f", {total - done} left, about {time_left}" if done < total else ""
        self._progress(f"compiling modules ({done} of {total}{left}): {name}", done / total)

    def _compile(self, name: str) -> _Outcome:
        module = self._modules[name]
        said: list[str] = []
        try:
            accepted = self._library.compile(
                module,
                self._marks[name],
                self._frontend(),
                name=_named(module.file),
                path=absolute([self._library.root]),
                json=False,
                write=said.append,
                seen=self._seen(module),
            )
        except ServerDied as death:
            said.append(f"{module.file}: {death}\n")
            accepted = False
        return _Outcome(accepted, "".join(said))

    def _seen(self, module: SourceModule) -> list[str] | None:
        """The modules whose private parts a module needs: those that it has with `import all`, and what they have so."""
        if not module.header.is_module:
            return None
        seen: set[str] = set()
        todo = [module]
        while todo:
            for imported in todo.pop().header.imports:
                if imported.all and imported.module in self._modules and imported.module not in seen:
                    seen.add(imported.module)
                    todo.append(self._modules[imported.module])
        return sorted(seen)

    def _frontend(self) -> Frontend:
        """This thread's own."""
        frontend: Frontend | None = getattr(self._own, "frontend", None)
        if frontend is None:
            frontend = self._own.frontend = Frontend(self._toolchain.frontend())
            self._frontends.append(frontend)
        return frontend

    def blockers(self, name: str) -> tuple[str, ...]:
        """The failed modules that a module could not be compiled without."""
        import networkx as nx

        return tuple(sorted(nx.ancestors(self._graph, name) & self.failed.keys()))


def _named(file: Path) -> str:
    """What messages call a file: its path, and never a bare name, which has no folder that `include_str` could start from."""
    return str(file) if file.parent.name else f"./{file}"


def _spoken(seconds: float) -> str:
    """A time in words."""
    minutes = round(seconds / 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{round(seconds)} s"
