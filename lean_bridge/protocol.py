"""The values that travel between Python and Lean: docs/protocol.md as types. `wire.py` turns them into lines and back.

Ids (`env`, `state`) are plain integers and mean something to the process that gave them only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PROTOCOL = 1
"""The version of docs/protocol.md that this client speaks."""

Detail = Literal["none", "text", "full"]
"""How much of a goal is printed: only key and sharing, Lean's own text, or its parts as well."""

Severity = Literal["error", "warning", "info"]
FailureKind = Literal[
    "tactic", "parse", "syntax", "heartbeats", "timeout", "recursion", "sorry", "forbidden", "cancelled"
]
RejectionReason = Literal[
    "parse",
    "syntax",
    "header",
    "elaboration",
    "missing",
    "kind",
    "statement",
    "sorry",
    "axiom",
    "kernel",
    "heartbeats",
    "timeout",
    "cancelled",
]
PremiseUse = Literal["rw", "apply", "exact", "simp", "grind"]
CounterexampleOutcome = Literal["refuted", "vacuous", "exhausted", "spent", "stuck"]
"""`exhausted`: all values within reach were tried; `spent`: the budget was; `stuck`: something cannot be evaluated."""

Export = Literal[False, True, "closure"]
"""Nothing, what was declared on top of the trusted environment, or all that a theorem is made of."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The greeting of a server."""

    protocol: int
    server: str
    """Version of the Lean side of LemmaForge."""
    lean: str
    commit: str
    backend: str
    platform: str

    @property
    def toolchain(self) -> str:
        """Version and commit, as stores name a Lean: what is the same on every backend."""
        return f"{self.lean} {self.commit[:7]}"


@dataclass(frozen=True, slots=True)
class Message:
    """Something that Lean said about a source text."""

    severity: Severity
    text: str
    line: int
    """From 1."""
    column: int
    """From 0, in code points."""
    end_line: int | None = None
    end_column: int | None = None


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """Variables of one type in the context of a goal."""

    names: tuple[str, ...]
    type: str
    value: str | None
    """The body of a `let` variable."""
    proof: bool
    """The type is a proposition."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal of a proof state. `case`, `target` and `hypotheses` are there with `detail="full"`."""

    key: str
    """Equal for goals that are the same up to names of variables."""
    shared: bool
    """It has metavariables in common with another goal of its state: the two cannot be proved apart."""
    text: str = ""
    """As Lean prints it; empty with `detail="none"`."""
    case: str | None = None
    target: str | None = None
    hypotheses: tuple[Hypothesis, ...] | None = None


@dataclass(frozen=True, slots=True)
class ProofState:
    """What is left to prove. It never changes, and lives in its process until it is released."""

    id: int
    goals: tuple[Goal, ...]

    @property
    def finished(self) -> bool:
        """Nothing is left to prove."""
        return not self.goals


@dataclass(frozen=True, slots=True)
class Environment:
    """An opened environment: imports and a prelude on top of them."""

    id: int
    constants: int
    seconds: float
    """How long it took to open."""
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a source text, in UTF-8 bytes."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class ProofPlace:
    """Where the proof of a theorem stands in its file."""

    start: int
    """UTF-8 byte offset."""
    stop: int
    text: str


@dataclass(frozen=True, slots=True)
class FileTheorem:
    """One theorem of a checked file."""

    name: str
    kind: str
    """`theorem`, `lemma` or `example`."""
    statement: str
    line: int
    column: int
    span: Span
    """Where its command stands, doc comment and modifiers included."""
    sorry: bool
    """Its proof uses `sorry`."""
    axioms: tuple[str, ...]
    proof: ProofPlace | None = None
    env: int | None = None
    """With `open=True`, for a theorem whose whole proof is `sorry`: the environment just before it."""
    declaration: str | None = None
    """With `env`: its source text, for `start_goal(env, declaration=...)`."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """What Lean made of a whole file."""

    messages: tuple[Message, ...]
    ok: bool
    """No message is an error."""
    theorems: tuple[FileTheorem, ...]


@dataclass(frozen=True, slots=True)
class GoalStart:
    """A statement that was understood, and the state in which its proof begins."""

    state: ProofState
    name: str
    statement: str
    universes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """Tactics to try on one state, each for itself."""

    state: int
    tactics: tuple[str, ...]
    goal: int | None = None
    """The only goal that the tactics see, from 0; None: all goals of the state."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """A tactic succeeded."""

    state: ProofState
    ms: float


@dataclass(frozen=True, slots=True)
class TacticFailed:
    """A tactic failed: an ordinary outcome."""

    kind: FailureKind
    message: str
    ms: float


TacticOutcome = Advanced | TacticFailed


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the kernel says about a finished state."""

    accepted: bool
    script: tuple[str, ...]
    """The tactics from the start to this state."""
    axioms: tuple[str, ...]
    """What it rests on; when refused, as far as it was seen."""
    size: int | None = None
    """Distinct subterms of the proof term, when accepted."""
    opaque_theorems: int | None = None
    """Imported theorems used whose proofs the library files do not hold, when accepted."""
    reason: RejectionReason | None = None
    """Why not, when refused."""
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a submission may use."""

    axioms: tuple[str, ...] = ("Classical.choice", "Quot.sound", "propext")
    syntax: tuple[str, ...] = ()
    """Syntax kinds beyond those of core Lean, such as a library's tactics."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a source text."""

    line: int
    """From 1."""
    column: int
    """From 0, in code points."""


@dataclass(frozen=True, slots=True)
class ProofVerdict:
    """What Lean says about a submission."""

    accepted: bool
    messages: tuple[Message, ...]
    ms: float
    axioms: tuple[str, ...]
    """What it rests on; when refused, as far as it was seen."""
    constants: tuple[str, ...] = ()
    """Constants before the theorem that the proof mentions, when accepted."""
    size: int | None = None
    """Distinct subterms of the proof term, when accepted."""
    opaque_theorems: int | None = None
    """How many of `constants` are imported theorems whose proofs the library files do not hold, when accepted."""
    declarations: str | None = None
    """What was declared on top of the trusted environment, for `replay_proof`, or all that the theorem is made of; when accepted and asked for."""
    not_exported: str | None = None
    """Why there are no declarations, when accepted and asked for."""
    reason: RejectionReason | None = None
    """Why not, when refused."""
    message: str | None = None
    place: Place | None = None
    """Where in the submission, when refused and known."""


@dataclass(frozen=True, slots=True)
class Premise:
    """A lemma that can be used at a goal, and the tactic that uses it."""

    use: PremiseUse
    name: str
    tactic: str
    score: float
    reverse: bool = False
    """Rewrites from right to left."""
    at: str | None = None
    """The hypothesis to rewrite; None: the target."""
    statement: str | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """A value for a variable of a statement, as Lean prints it."""

    name: str
    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Counterexample:
    """How a search for a counterexample ended. What it found is not checked yet."""

    outcome: CounterexampleOutcome
    claim: str
    """The negation of the statement; when `vacuous`, the statement with `False` for its conclusion. A proposition or a declaration,
    as the statement was."""
    proof: str | None = None
    """Of the claim, when `refuted` or `vacuous`."""
    witnesses: tuple[Witness, ...] = ()
    """When `refuted`: the values of the variables, in their order."""
    on: str = ""
    """When `stuck`: what it was that could not be evaluated first."""
    evaluations: int = 0
    """Propositions that were evaluated: how hard the search was, on any machine."""
    ms: float = 0.0


@dataclass(frozen=True, slots=True)
class ServerStats:
    """What a process holds."""

    requests: int
    envs: int
    states: int
    seconds: float
    """Since it started."""
