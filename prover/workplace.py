"""What is to be proved, and a leased Lean process in which its environment is open."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from lean_bridge.client import LeanServer
from lean_bridge.errors import InputError, RequestFailed
from lean_bridge.pool import LeanPool
from lean_bridge.protocol import GoalStart
from prover.errors import UnknownTheorem
from prover.judge import Statement, blamed, statement_of

_IMPORT = re.compile(r"^import\s+(\S+)\s*$")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A Lean file that leaves theorems open."""

    text: str
    path: str = "input.lean"
    """As it is shown in messages."""


@dataclass(frozen=True, slots=True)
class Task:
    """A theorem to prove. Exactly one of `statement`, `declaration` and `file` is given."""

    name: str
    """For reports; with `file` also which theorem is meant."""
    statement: str | None = None
    """A proposition, `∀ n : Nat, n = n`."""
    declaration: str | None = None
    """Source text, `theorem foo (n : Nat) : n = n := by sorry`."""
    file: SourceFile | None = None
    """The theorem is taken from here, with everything that stands before it."""
    imports: tuple[str, ...] = ("Init",)
    """Modules under a statement or declaration; a file has its own."""
    prelude: str = ""
    """Source text between the imports and a statement or declaration."""
    without: frozenset[str] = frozenset()
    """Constants that the proof may not rest on, such as the library's own theorem of this statement."""

    @classmethod
    def stated(cls, name: str, statement: Statement, without: frozenset[str] = frozenset()) -> Task:
        """The task that a statement under a header poses; the header's imports stand on lines of their own."""
        lines = statement.header.splitlines()
        imports = tuple(found.group(1) for line in lines if (found := _IMPORT.match(line)))
        prelude = "\n".join(line for line in lines if not _IMPORT.match(line)).strip()
        return cls(name, declaration=statement.text, imports=imports or ("Init",), prelude=prelude, without=without)

    def __post_init__(self) -> None:
        given = [part for part in (self.statement, self.declaration, self.file) if part is not None]
        if len(given) != 1:
            raise ValueError(f"task {self.name}: give one of statement, declaration and file, not {len(given)}")


class Workplace:
    """A lease on a server of the pool with a task's environment open. Ids of the old process are void after `renew`.

    Attributes:
        name: the theorem's, as the task has it.
        server: the process.
        env: the environment in which the task is stated.
        statement: what is to be proved.
        unproved: theorems of the task's file that rest on `sorry`, and so prove nothing.
        without: constants that the proof may not rest on.
    """

    server: LeanServer
    env: int
    statement: Statement

    def __init__(self, pool: LeanPool, task: Task) -> None:
        self._pool = pool
        self._task = task
        self._lease = AsyncExitStack()
        self.name = task.name
        self.unproved: frozenset[str] = frozenset()
        self.without = task.without

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._lease.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._lease.aclose()

    async def renew(self) -> None:
        """Exchange a process that died for another one, in which the environment is open again."""
        await self._lease.aclose()
        self._lease = AsyncExitStack()
        await self._open()

    async def start(self) -> GoalStart:
        """Open the task's goal.

        Raises:
            InputError: the statement does not elaborate, or is not a proposition.
        """
        try:
            return await self.server.start_goal(self.env, statement=self.statement.text)
        except RequestFailed as error:
            raise self.blamed(error) from error

    async def _open(self) -> None:
        self.server = await self._lease.enter_async_context(self._pool.lease())
        try:
            if self._task.file is None:
                await self._open_text(self._task.statement or self._task.declaration or "")
            else:
                await self._open_file(self._task.file)
        except RequestFailed as error:
            raise self.blamed(error) from error

    async def _open_text(self, text: str) -> None:
        self.env = (await self.server.open_environment(self._task.imports, self._task.prelude)).id
        imports = "".join(f"import {module}\n" for module in self._task.imports)
        self.statement = Statement(text, imports + self._task.prelude)

    async def _open_file(self, file: SourceFile) -> None:
        report = await self.server.check_file(file.text, file=file.path, open=True)
        self.unproved = frozenset(theorem.name for theorem in report.theorems if theorem.sorry)
        for theorem in report.theorems:
            if theorem.name == self._task.name and theorem.env is not None:
                self.env = theorem.env
                self.statement = statement_of(file.text, theorem)
                return
        known = ", ".join(theorem.name for theorem in report.theorems if theorem.env is not None) or "none"
        raise UnknownTheorem(f"{file.path} leaves no theorem `{self._task.name}` open; open theorems: {known}")

    def blamed(self, error: RequestFailed) -> InputError | RequestFailed:
        """The error as the mistake of whoever gave the task, if it is one."""
        fault = blamed(error)
        return InputError(f"{self._task.name}: {fault}") if isinstance(fault, InputError) else fault
