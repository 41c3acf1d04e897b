"""LeanDojo as a program of its own, which does what `dojo_process.py` asks for. Nothing else imports `lean_dojo`.

It is a process apart because LeanDojo reads its settings when it is imported, changes the working folder of its process and holds Lean by a terminal:
whoever is not content with an answer kills the process, and Lean with it.

Run as `python -m lean_bridge.dojo CONFIG`, with LeanDojo's settings in the environment. CONFIG is a JSON object:

    {"lean": "v4.28.0", "extractor": ".../ExtractData.lean", "session": ".../Lean4Repl.lean", "stub": "..."}

No function of LeanDojo is changed. What it gets are other *values* in places that it looks at: the two Lean files, and, for the connection to a code host,
an object that answers every question with a repository made here (`stub`), which has the tag that LeanDojo asks for.

Requests and replies are JSON objects, one a line, on the streams that the process began with; what LeanDojo itself prints goes to standard error.

    {"method": "trace", "params": {"project": DIR}}      {"file": {…}} for each file, then {"result": {}}
    {"method": "open", "params": {"project": DIR, "file": "A/B.lean", "theorem": "foo"}}
                                                         {"copy": PATH}, then the result
    {"method": "run", "params": {"state": 0, "tactic": "intro n", "heartbeats": 10000}}
    {"method": "release", "params": {"states": [3, 4]}}
    {"method": "close", "params": {}}

A refusal is `{"error": KIND, "message": TEXT}`; KIND is `init` (LeanDojo cannot open this theorem), `crash` (Lean is gone) or `leandojo` (it fails itself).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import tty
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import git
import pexpect
from lean_dojo import Dojo, DojoCrashError, DojoInitError, LeanGitRepo, Theorem, TracedFile
from lean_dojo import trace as trace_repository
from lean_dojo.data_extraction import lean as repositories
from lean_dojo.data_extraction import trace as tracing
from lean_dojo.data_extraction.ast import IdentNode
from lean_dojo.interaction.dojo import DojoTacticTimeoutError

_FOREVER: Final = 1_000_000
"""Seconds that LeanDojo waits: limits are the business of who can kill this process."""

_LAST_WORDS: Final = 20
"""Lines that Lean printed, kept for a message."""

_SIGNATURE: Final = git.Actor("LemmaForge", "lemmaforge@localhost")


class OfflineHost:
    """Stands where LeanDojo keeps its connection to a code host, and knows one repository for every name."""

    def __init__(self, folder: Path, tag: str) -> None:
        """Makes the repository, if it is not there: one commit, with a tag."""
        self._folder = folder
        if not (folder / ".git").is_dir():
            repository = git.Repo.init(folder)
            repository.index.commit("A repository to be asked for tags", author=_SIGNATURE, committer=_SIGNATURE)
        repository = git.Repo(folder)
        if tag not in [known.name for known in repository.tags]:
            repository.create_tag(tag)

    def get_repo(self, name: str) -> git.Repo:
        """The repository, whichever is asked for."""
        del name
        return git.Repo(self._folder)


class Session(Dojo):  # type: ignore[misc]  # LeanDojo has no types
    """A `Dojo` whose terminal passes lines of any length, and whose answers are read as they come.

    LeanDojo's own reader takes the output letter by letter (18 seconds for a state of 40 kB), waits 50 ms before each request, and its terminal cuts a request at 4,095 bytes.
    """

    def __init__(self, theorem: Theorem, announce: Callable[[str], None]) -> None:
        super().__init__(theorem, timeout=_FOREVER, build_deps=False)
        self._announce = announce
        self._unread = ""
        self._ready = False
        self._printed: deque[str] = deque(maxlen=_LAST_WORDS)
        self.reply: dict[str, Any] = {}
        """The last one, with what LeanDojo does not read of it."""

    def begin(self) -> None:
        """Opens the session; `reply` is the first state.

        Raises:
            DojoInitError: LeanDojo cannot open it.
        """
        try:
            self.__enter__()
        except AssertionError as error:
            # LeanDojo takes goals apart by their turnstiles, and fails where one stands inside a term. The session is open all the same.
            if self.reply.get("tacticState") in (None, "no goals"):
                raise DojoInitError(f"{type(error).__name__}: {error}") from error
        except DojoInitError as error:
            raise DojoInitError("\n".join([str(error), *self._printed])) from error

    def end(self) -> None:
        """Ends Lean, and removes the copy of the file, as far as LeanDojo came to make them."""
        if hasattr(self, "proc"):
            self.__exit__(None, None, None)
        elif hasattr(self, "modified_file"):
            self.modified_file.close()

    def ask(self, request: Mapping[str, object]) -> dict[str, Any]:
        """Sends a request and takes the reply to it.

        Raises:
            DojoCrashError: Lean is gone.
        """
        try:
            self._submit_request(json.dumps(request, ensure_ascii=False))
        except DojoCrashError as error:
            raise DojoCrashError("\n".join([str(error), *self._printed])) from error
        return self.reply

    def _modify_file(self, traced_file: TracedFile) -> None:
        """Tells where LeanDojo put its copy of the file: whoever kills this process has to remove it."""
        super()._modify_file(traced_file)
        self._announce(self.modified_file.name)

    def _read_next_line(self) -> tuple[str, str]:
        """Takes the place of LeanDojo's reader: the next reply, and what was printed before it."""
        if not self._ready:
            self.proc.delaybeforesend = None
            # Raw, so that no line is too long and no letter is a command.
            tty.setraw(self.proc.child_fd)
            self._ready = True
        printed: list[str] = []
        while True:
            line = self._next_line()
            before, mark, reply = line.partition("REPL> ")
            if mark:
                self.reply = json.loads(reply)
                return reply, "\n".join([*printed, before])
            printed.append(line)
            self._printed.append(line)

    def _next_line(self) -> str:
        pieces = [self._unread]
        while "\n" not in pieces[-1]:
            try:
                pieces.append(self.proc.read_nonblocking(1 << 16, timeout=self.timeout))
            except pexpect.EOF:
                self._printed.extend("".join(pieces).splitlines())
                raise EOFError from None
            except pexpect.TIMEOUT:
                raise DojoTacticTimeoutError from None
        line, _, self._unread = "".join(pieces).partition("\n")
        return line.rstrip("\r")


class Program:
    """Answers requests, one session at a time."""

    def __init__(self, tell: Callable[[Mapping[str, object]], None]) -> None:
        self._tell = tell
        self._session: Session | None = None

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, object]:
        """The reply to a request."""
        methods: dict[str, Callable[..., Mapping[str, object]]] = {
            "trace": self._trace,
            "open": self._open,
            "run": self._run,
            "release": self._release,
            "close": self._close,
        }
        try:
            return {"result": methods[request["method"]](**request["params"])}
        except DojoInitError as error:
            return {"error": "init", "message": str(error)}
        except (DojoCrashError, EOFError, OSError, DojoTacticTimeoutError) as error:
            return {"error": "crash", "message": str(error) or type(error).__name__}
        except Exception as error:  # noqa: BLE001  # LeanDojo raises what Python has, AssertionError above all
            return {"error": "leandojo", "message": f"{type(error).__name__}: {error}"}

    def _trace(self, project: str) -> dict[str, object]:
        repository = trace_repository(LeanGitRepo.from_path(project), build_deps=False)
        for file in sorted(repository.traced_files, key=lambda file: str(file.path)):
            self._tell({"file": file_record(file)})
        return {}

    def _open(self, project: str, file: str, theorem: str) -> dict[str, object]:
        self._close()
        session = self._session = Session(
            Theorem(LeanGitRepo.from_path(project), Path(file), theorem), lambda copy: self._tell({"copy": copy})
        )
        try:
            session.begin()
        except BaseException:
            self._close()
            raise
        return session.reply

    def _run(self, state: int, tactic: str, heartbeats: int) -> dict[str, Any]:
        assert self._session is not None
        return self._session.ask({"sid": state, "cmd": tactic, "heartbeats": heartbeats})

    def _release(self, states: Sequence[int]) -> dict[str, object]:
        assert self._session is not None
        self._session.ask({"release": list(states)})
        return {}

    def _close(self) -> dict[str, object]:
        session, self._session = self._session, None
        if session is not None:
            session.end()
        return {}


def file_record(file: TracedFile) -> dict[str, object]:
    """What LeanDojo knows of a file. Places are `[line, column]`, both from 1."""
    failed: list[dict[str, str]] = []
    theorems = []
    for theorem in file.get_traced_theorems():
        try:
            theorems.append(theorem_record(theorem, file))
        except Exception as error:  # noqa: BLE001  # it asserts what is not always so: that no string holds `--`, for one
            failed.append({"name": theorem.theorem.full_name, "message": f"{type(error).__name__}: {error}"})
    dependencies = file.get_direct_dependencies(file.repo)
    return {
        "path": str(file.path),
        "imports": sorted(module for module, _ in dependencies),
        "premises": file.get_premise_definitions(),
        "theorems": theorems,
        "failed": failed,
    }


def theorem_record(theorem: Any, file: TracedFile) -> dict[str, object]:
    """A theorem with its tactics."""
    return {
        "name": theorem.theorem.full_name,
        "start": list(theorem.start),
        "end": list(theorem.end),
        "statement": theorem.get_theorem_statement(),
        "code": file.lean_file[theorem.start : theorem.end],
        "private": theorem.is_private,
        "premises": theorem.get_premise_full_names(),
        "tactics": [tactic_record(tactic, file) for tactic in theorem.get_traced_tactics()],
    }


def tactic_record(tactic: Any, file: TracedFile) -> dict[str, object]:
    """A tactic, the goals before and after it, and the identifiers in it that LeanDojo could tell the meaning of."""
    uses: list[dict[str, object]] = []

    def note(node: IdentNode, _: object) -> None:
        if node.full_name is not None and node.mod_name is not None:
            defined = node.def_start is not None and node.def_end is not None
            uses.append(
                {
                    "name": node.full_name,
                    "module": node.mod_name,
                    "text": file.lean_file[node.start : node.end],
                    "start": list(node.start),
                    "defined": [*node.def_start, *node.def_end] if defined else None,
                }
            )

    tactic.ast.traverse_preorder(note, IdentNode)
    return {
        "tactic": tactic.tactic,
        "source": file.lean_file[tactic.start : tactic.end],
        "annotated": tactic.get_annotated_tactic()[0],
        "before": tactic.state_before,
        "after": tactic.state_after,
        "start": list(tactic.start),
        "end": list(tactic.end),
        "uses": uses,
    }


def set_values(config: Mapping[str, str]) -> None:
    """Gives LeanDojo the values that this file's head speaks of."""
    repositories.GITHUB = OfflineHost(Path(config["stub"]), config["lean"])
    tracing.LEAN4_DATA_EXTRACTOR_PATH = Path(config["extractor"])
    tracing.LEAN4_REPL_PATH = Path(config["session"])


def main(config: Mapping[str, str]) -> None:
    """Answers requests until standard input ends."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(value: Mapping[str, object]) -> None:
        replies.write(json.dumps(value, ensure_ascii=False) + "\n")
        replies.flush()

    set_values(config)
    program = Program(tell)
    requests: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    with contextlib.suppress(BrokenPipeError):
        while True:
            tell(program.answer(json.loads(requests.get())))


def _read(requests: SimpleQueue[str]) -> None:
    """Takes requests in. At their end nobody is left to hear an answer, so that what runs is ended, here and in the processes that LeanDojo started."""
    for line in sys.stdin:
        requests.put(line)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
