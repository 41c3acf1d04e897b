"""The one place that may call a theorem proved.

A search only ever believes that it is done, and a file that compiles may mean anything. The judge starts from the trusted
statement, which comes from the user or the store and never from whoever wrote the proof, hands it and the submission to
Lean in a request of its own, and looks at what the kernel accepted for that statement and which axioms it rests on.
docs/trust.md says what that is worth.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from weakref import WeakKeyDictionary

from lean_bridge.client import LeanServer
from lean_bridge.errors import InputError, MemoryExceeded, ProtocolError, RequestFailed, ServerDied, WallClockExceeded
from lean_bridge.pool import LeanPool
from lean_bridge.protocol import Allowance, FileTheorem, Hello, Place, ProofVerdict
from lean_bridge.wire import failure_messages
from prover.checkers import Checker, Evidence, Opinion
from prover.errors import UnknownTheorem

ALLOWED_AXIOMS = frozenset({"propext", "Classical.choice", "Quot.sound"})
"""Lean's own three; everything else, `sorryAx` and `Lean.ofReduceBool` first of all, is refused."""

ENVIRONMENTS = 8
"""How many headers a process keeps elaborated for a judge."""

_STOPPED = frozenset({"timeout", "cancelled"})
"""Reasons that say nothing about the proof."""

_SUSPECT = frozenset({"kernel", "axiom"})
"""Rejections of what Lean's elaborator had let pass: the process that it happened in judges nothing else."""

_CALLERS_FAULTS = frozenset({"unknown_module", "parse_error", "elaboration_error", "not_a_proposition"})


@dataclass(frozen=True, slots=True)
class Statement:
    """A trusted statement."""

    text: str
    """A declaration, whose own proof is ignored (`theorem foo (n : Nat) : n + 0 = n := sorry`), or a proposition."""
    header: str = ""
    """What stands before it in its file: imports, definitions, open namespaces."""

    @property
    def hash(self) -> str:
        """SHA-256 of header, a zero byte, and text, in hexadecimal digits."""
        return hashlib.sha256(f"{self.header}\0{self.text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Proof:
    """A submission that is the body of a proof."""

    text: str
    """A term (`by …` for tactics), or what may follow a signature: `:= …`, `| 0 => …`, with `where` and `termination_by`."""


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A submission that is a file, with imports, which declares a theorem of the statement's full name."""

    text: str


Submission = Proof | WholeFile


@dataclass(frozen=True, slots=True)
class Terms:
    """What the judge allows."""

    seconds: float = 60.0
    """Wall clock for each submission."""
    heartbeats: int | None = None
    """Lean's `maxHeartbeats`; what holds where the statement stands when None, 0 for no limit."""
    axioms: frozenset[str] = ALLOWED_AXIOMS
    syntax: tuple[str, ...] = ()
    """Syntax kinds beyond those of core Lean, such as a library's tactics."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge found."""

    outcome: Literal["accepted", "rejected", "error"]
    """`error` says nothing about the proof: Lean could not be asked, or was stopped."""
    statement_hash: str
    lean: str
    """Version, commit and backend of the Lean that judged."""
    reason: str | None = None
    """Class of a rejection (docs/trust.md), or `timeout`, `cancelled`, `memory`, `crash`, `checker` or `internal`."""
    message: str = ""
    place: Place | None = None
    """Where in the submission."""
    axioms: tuple[str, ...] = ()
    """What the proof rests on, sorted."""
    constants: tuple[str, ...] = ()
    """Constants before the theorem that an accepted proof mentions, sorted."""
    heartbeats: int | None = None
    """`Terms.heartbeats` under which it was judged."""
    seconds: float = 0.0
    """That Lean took."""
    opinions: tuple[Opinion, ...] = ()
    """Second opinions, of an accepted proof."""

    @property
    def accepted(self) -> bool:
        """The submission proves the statement."""
        return self.outcome == "accepted"


async def judge(
    server: LeanServer, env: int, statement: Statement, submission: Submission, terms: Terms | None = None
) -> Verdict:
    """Judge one submission in a process that one has.

    Args:
        server: a Lean process; it is trusted, the submission is not. It should not be used on when it is `retired` afterwards.
        env: the environment of the statement's header in that process.
        statement: what is to be proved.
        submission: what is said to prove it.
        terms: limits, axioms and syntax that are allowed.

    Raises:
        InputError: the statement itself does not elaborate.
        BridgeError: Lean could not be asked. That says nothing about the proof.
    """
    return (await _judged(server, env, statement, submission, terms or Terms(), export=False))[0]


async def statement_in_file(server: LeanServer, text: str, theorem: str) -> Statement:
    """The statement of a theorem of a trusted file, whatever its proof is.

    Raises:
        InputError: the file has errors of its own.
        UnknownTheorem: it has no theorem of that name.
        BridgeError: Lean could not be asked.
    """
    try:
        report = await server.check_file(text)
    except RequestFailed as error:
        raise blamed(error) from error
    errors = [f"{m.line}:{m.column}: {m.text}" for m in report.messages if m.severity == "error"]
    if errors:
        raise InputError("\n".join(["the statement's file has errors of its own", *errors]))
    for found in report.theorems:
        if found.name == theorem:
            return statement_of(text, found)
    known = ", ".join(t.name for t in report.theorems) or "none"
    raise UnknownTheorem(f"the statement's file has no theorem `{theorem}`; it has: {known}")


def statement_of(text: str, theorem: FileTheorem) -> Statement:
    """The statement of a theorem of a file that was checked."""
    source = text.encode()
    span = theorem.span
    return Statement(source[span.start : span.stop].decode(), source[: span.start].decode())


class Judge:
    """Judges submissions on the processes of a pool, each afresh.

    A crash is tried once more, in another process; headers that come up often are kept elaborated.
    """

    def __init__(
        self,
        pool: LeanPool,
        terms: Terms | None = None,
        *,
        second: LeanPool | None = None,
        checkers: Sequence[Checker] = (),
    ) -> None:
        """Makes a judge.

        Args:
            pool: where submissions are elaborated and judged.
            terms: what is allowed.
            second: where accepted proofs are checked again, from their declarations; submissions never run there.
            checkers: asked about accepted proofs after that; each has `terms.seconds`. They need `second`.
        """
        if checkers and second is None:
            raise ValueError("checkers see what a second process exports; give one")
        self._pool = pool
        self._terms = terms or Terms()
        self._second = second
        self._checkers = tuple(checkers)
        self._headers = _Headers()
        self._lean = ""

    async def check(self, statement: Statement, submission: Submission) -> Verdict:
        """Judges one submission.

        Raises:
            InputError: the statement itself does not elaborate.
            ToolchainError: Lean cannot be started.
        """

        async def on(server: LeanServer) -> tuple[Verdict, str | None]:
            self._lean = described(server.hello)
            env = await self._headers.env(server, statement.header)
            export = self._second is not None
            return await _judged(server, env, statement, submission, self._terms, export=export)

        try:
            verdict, declarations = await self._pool.run(on)
        except (ServerDied, RequestFailed, ProtocolError) as error:
            kind, words = _kind(error), str(error)
            return Verdict("error", statement.hash, self._lean, kind, words, heartbeats=self._terms.heartbeats)
        if self._second is None or not verdict.accepted:
            return verdict
        assert declarations is not None
        verdict, evidence = await self._asked_again(self._second, statement, submission, verdict, declarations)
        if evidence is None:
            return verdict
        asked = [checker for checker in self._checkers if checker.takes(evidence)]
        opinions = [await checker.opinion(evidence, self._terms.seconds) for checker in asked]
        return _with_opinions(verdict, opinions)

    async def negation(self, statement: Statement) -> Statement:
        """What is to be proved to refute a statement: a declaration or a proposition, as Lean says it.

        Raises:
            InputError: the statement does not elaborate.
            RequestFailed: it has no negation that Lean reads as one, or the time is over.
            ServerDied, ToolchainError: see `LeanPool.run`.
        """

        async def on(server: LeanServer) -> str:
            env = await self._headers.env(server, statement.header)
            try:
                # Lean says the negation when it looks for values that refute the statement; the values are not wanted here.
                found = await server.find_counterexample(
                    env, statement.text, evaluations=1, seconds=self._terms.seconds
                )
            except RequestFailed as error:
                raise blamed(error) from error
            if found.outcome == "vacuous" or not found.claim:
                why = found.on or "its hypotheses contradict each other"
                raise RequestFailed("elaboration_error", f"the statement is not to be refuted: {why}")
            return found.claim

        return Statement(await self._pool.run(on), statement.header)

    async def _asked_again(
        self, pool: LeanPool, statement: Statement, submission: Submission, verdict: Verdict, declarations: str
    ) -> tuple[Verdict, Evidence | None]:
        """The verdict with the word of the second process, and what further checkers may see if that is a yes."""

        async def on(server: LeanServer) -> ProofVerdict:
            env = await self._headers.env(server, statement.header)
            return await server.replay_proof(
                env,
                declarations=declarations,
                statement=statement.text,
                axioms=sorted(self._terms.axioms),
                seconds=self._terms.seconds,
                export="closure" if any(checker.reads_export for checker in self._checkers) else False,
            )

        checker = "kernel in a process of its own"
        try:
            answer = await pool.run(on)
        except (ServerDied, RequestFailed, ProtocolError) as error:
            return replace(verdict, outcome="error", reason=_kind(error), message=f"{checker}: {error}"), None
        verdict = _with_opinions(verdict, [Opinion(checker, answer.accepted, answer.message or "")])
        evidence = Evidence(
            header=statement.header,
            statement=statement.text,
            file=submission.text if isinstance(submission, WholeFile) else None,
            closure=answer.declarations,
            not_exported=answer.not_exported or "",
            axioms=self._terms.axioms,
        )
        return verdict, evidence if verdict.accepted else None


def _with_opinions(verdict: Verdict, opinions: Sequence[Opinion]) -> Verdict:
    """A verdict that is accepted only if all who were asked accept; a no weighs more than silence."""
    verdict = replace(verdict, opinions=(*verdict.opinions, *opinions))
    against = [opinion for opinion in opinions if not opinion.accepted]
    if not against:
        return verdict
    first = next((opinion for opinion in against if not opinion.error), against[0])
    words = f"{first.checker}: {first.message}"
    if first.error:
        return replace(verdict, outcome="error", reason="checker", message=words)
    return replace(verdict, outcome="rejected", reason="replay", message=words)


@dataclass(slots=True)
class _Headers:
    """Environments of headers in processes; the ones used least recently are released."""

    _open: WeakKeyDictionary[LeanServer, OrderedDict[str, int]] = field(default_factory=WeakKeyDictionary)

    async def env(self, server: LeanServer, header: str) -> int:
        """The environment of a header in a process.

        Raises:
            InputError: the header does not elaborate.
        """
        envs = self._open.setdefault(server, OrderedDict())
        if header in envs:
            envs.move_to_end(header)
            return envs[header]
        try:
            envs[header] = (await server.open_header(header)).id
        except RequestFailed as error:
            raise blamed(error) from error
        if len(envs) > ENVIRONMENTS:
            await server.release_environments([envs.popitem(last=False)[1]])
        return envs[header]


async def _judged(
    server: LeanServer, env: int, statement: Statement, submission: Submission, terms: Terms, *, export: bool
) -> tuple[Verdict, str | None]:
    try:
        answer = await server.check_proof(
            env,
            statement=statement.text,
            proof=submission.text if isinstance(submission, Proof) else None,
            file=submission.text if isinstance(submission, WholeFile) else None,
            allow=Allowance(tuple(sorted(terms.axioms)), terms.syntax),
            heartbeats=terms.heartbeats,
            seconds=terms.seconds,
            export=export,
        )
    except RequestFailed as error:
        raise blamed(error) from error
    if answer.reason in _SUSPECT:
        server.retired = True
    verdict = Verdict(
        outcome=_outcome(answer),
        statement_hash=statement.hash,
        lean=described(server.hello),
        reason=answer.reason,
        message=answer.message or "",
        place=answer.place,
        axioms=tuple(sorted(answer.axioms)),
        constants=tuple(sorted(answer.constants)),
        heartbeats=terms.heartbeats,
        seconds=answer.ms / 1000,
    )
    return _only_allowed_axioms(verdict, terms), answer.declarations


def _outcome(answer: ProofVerdict) -> Literal["accepted", "rejected", "error"]:
    if answer.accepted:
        return "accepted"
    return "error" if answer.reason in _STOPPED else "rejected"


def _only_allowed_axioms(verdict: Verdict, terms: Terms) -> Verdict:
    """Lean has compared the axioms already; a certificate that says otherwise is not believed."""
    extra = sorted(set(verdict.axioms) - terms.axioms)
    if not verdict.accepted or not extra:
        return verdict
    return replace(verdict, outcome="rejected", reason="axiom", message=f"the proof rests on {', '.join(extra)}")


def _kind(error: ServerDied | RequestFailed | ProtocolError) -> str:
    match error:
        case WallClockExceeded():
            return "timeout"
        case MemoryExceeded():
            return "memory"
        case ServerDied():
            return "crash"
        case RequestFailed():
            return error.kind
    return "internal"


def described(hello: Hello) -> str:
    """Which Lean a process is."""
    return f"Lean {hello.lean}, commit {hello.commit}, {hello.backend}"


def blamed(error: RequestFailed) -> InputError | RequestFailed:
    """The error as one of whoever gave the statement, if it is."""
    if error.kind not in _CALLERS_FAULTS:
        return error
    errors = [m for m in failure_messages(error) if m.severity == "error" and m.text not in str(error)]
    details = [f"{m.line}:{m.column}: {m.text}" for m in errors]
    return InputError("\n".join([str(error), *details]))
