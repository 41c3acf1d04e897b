"""What leaves the store: frozen values, never rows that are tied to a session.

Places in source files are `Position`s: lines from 1, columns from 0 in code points, as Lean prints them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal


class MutationKind(StrEnum):
    """How a mutant comes from its parent."""

    rewrite = "rw"
    apply = "apply"
    forward = "forward"
    specialize = "specialize"
    contrapose = "contrapose"
    split = "split"  # type: ignore[assignment]  # nobody splits a kind of mutation
    symmetry = "symm"
    unfold = "unfold"
    generalize = "generalize"


class ChangeKind(StrEnum):
    """What was changed in a theorem to make a conjecture."""

    hypothesis = "hypothesis"
    """One was dropped."""
    relation = "relation"
    off_by_one = "off-by-one"
    constant = "constant"
    operation = "operation"
    variable = "variable"
    order = "order"
    quantifier = "quantifier"
    converse = "converse"


class Standing(StrEnum):
    """What Lean found out about a conjecture."""

    refuted = "refuted"
    """Its negation has a proof."""
    proved = "proved"
    """The change left it true."""
    vacuous = "vacuous"
    """Its hypotheses contradict each other."""
    open = "open"


class Outcome(StrEnum):
    """How an attempt at a task ended."""

    proved = "proved"
    refuted = "refuted"
    """The negation of the task has a proof."""
    failed = "failed"
    timeout = "timeout"
    error = "error"
    unstatable = "unstatable"
    """The toolchain cannot state the task: a module or a definition is missing, or the text is no statement."""


class UnitStatus(StrEnum):
    """How far a unit of work is."""

    waiting = "waiting"
    leased = "leased"
    done = "done"
    failed = "failed"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a source file."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Span:
    """From a place in a source file up to another."""

    start: Position
    end: Position


@dataclass(frozen=True, slots=True)
class Library:
    """A library, or a project, in one version.

    Attributes:
        name: what the user calls it: `Init`, or the name of a project.
        toolchain: version and commit of its Lean, as `4.28.0-pre 38f3c0c`.
        digest: SHA-256 of its content, in hexadecimal.
        imports: what a file must import to stand on it.
        root: the folder of a project; None for modules that come with Lean.
    """

    name: str
    toolchain: str
    digest: str
    imports: tuple[str, ...]
    root: str | None = None


@dataclass(frozen=True, slots=True)
class Module:
    """A module of a library. `digest` is that of its source, or of its compiled form; a changed one is traced again."""

    name: str
    digest: str
    path: str | None = None
    imports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Theorem:
    """A theorem of a library.

    Attributes:
        name: its full name.
        module: where it is declared.
        statement: as Lean prints it, from binders to conclusion, fit to stand behind a name: `.{u} {α : Type u} (a : α) : a = a`.
        canonical: 128 bits in hexadecimal, equal for statements that are the same up to names of variables and universes and
            the choice of decidability instances.
        kind: `theorem`, `lemma`, `axiom` or what else the keyword was.
        constants: those that the statement mentions.
        span: the whole declaration in its source.
        code: its source text.
    """

    name: str
    module: str
    statement: str
    canonical: str
    kind: str = "theorem"
    constants: tuple[str, ...] = ()
    span: Span | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Premise:
    """Anything that a proof can refer to. `kind` is Lean's: `theorem`, `def`, `inductive`, `instance` and so on."""

    name: str
    module: str
    kind: str
    code: str
    span: Span


@dataclass(frozen=True, slots=True)
class PremiseUse:
    """A piece of a tactic that refers to a premise. `start` and `end` count code points of the tactic's text."""

    name: str
    start: int
    end: int
    module: str
    defined: Span | None


@dataclass(frozen=True, slots=True)
class TacticStep:
    """A tactic of a traced proof.

    Attributes:
        theorem: the full name of the theorem.
        index: its place among the theorem's steps, from 0.
        before: the goals, as Lean shows them, blank lines between them.
        tactic: its text.
        after: the goals left, `no goals` when there is none.
        premises: what it refers to, in order.
        span: its place in the source.
    """

    theorem: str
    index: int
    before: str
    tactic: str
    after: str
    premises: tuple[PremiseUse, ...] = ()
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class MutationStep:
    """One step of a mutant's lineage.

    Attributes:
        kind: which.
        lemma: the lemma used; None for kinds that need none.
        reverse: an equation was used from right to left.
        place: `⊢` for the conclusion, or the name of the hypothesis.
        detail: which subterm, which value, as text.
    """

    kind: MutationKind
    place: str
    lemma: str | None = None
    reverse: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A theorem made from another one, checked by Lean's kernel.

    Attributes:
        canonical: as of `Theorem`; no two mutants of a store share it.
        parent: the full name of the library's theorem that it comes from.
        steps: how, in order; as many as its depth.
        statement: as of `Theorem`; `theorem NAME` + statement + ` := ` + proof is a declaration that Lean accepts.
        proof: a tactic block, `by …`.
        marks: what else is known: `trivial:simp`, `trivial:omega`, `side-goals`, …; sorted.
        size: nodes of the statement's term.
    """

    canonical: str
    parent: str
    steps: tuple[MutationStep, ...]
    statement: str
    proof: str
    marks: tuple[str, ...] = ()
    size: int = 0

    @property
    def name(self) -> str:
        """A name of its own, in the namespace of its parent."""
        return f"{self.parent}.mutant_{self.canonical[:12]}"

    @property
    def kind(self) -> MutationKind:
        """The kind of its last step."""
        return self.steps[-1].kind

    @property
    def depth(self) -> int:
        """How many steps it is away from its parent."""
        return len(self.steps)

    @property
    def declaration(self) -> str:
        """The source text of the whole theorem."""
        return f"theorem {self.name}{self.statement} := {self.proof}"


@dataclass(frozen=True, slots=True)
class WitnessValue:
    """The value of a variable in a counterexample, and its type, as Lean prints them."""

    name: str
    type: str
    value: str


Difficulty = Literal["easy", "medium", "hard"]


@dataclass(frozen=True, slots=True)
class Conjecture:
    """A statement made from a theorem by one change that may have made it false, and what Lean found out about it.

    Attributes:
        canonical: as of `Theorem`; no two conjectures of a store share it, and no mutant had it when it was stored.
        parent: the full name of the library's theorem that it comes from.
        kind: what was changed.
        place: where: `⊢` for the conclusion, or the name of the hypothesis.
        detail: the change as text: `x < y becomes x ≤ y`.
        statement: as of `Theorem`.
        size: nodes of the statement's term.
        standing: what is known about it.
        claim: what `proof` proves when it is refuted or vacuous: a declaration of the negation, or of the statement with `False`
            for its conclusion, ending in `:= by sorry`; "" otherwise.
        proof: the text to put for `by sorry`, in `claim` or, when it is proved, in `declaration`; "" when it is open.
        witnesses: the values that refute it; none when a proof did without.
        evaluations: propositions that the search for values evaluated; unlike seconds the same on every machine.
        seconds: how long that search took.
        way: how it was refuted (`values` or `proof`) or proved (`tactic` or `proof`); "" otherwise.
        note: what stood in the way when it is open.
    """

    canonical: str
    parent: str
    kind: ChangeKind
    place: str
    detail: str
    statement: str
    size: int
    standing: Standing
    claim: str = ""
    proof: str = ""
    witnesses: tuple[WitnessValue, ...] = ()
    evaluations: int = 0
    seconds: float = 0.0
    way: str = ""
    note: str = ""

    @property
    def name(self) -> str:
        """A name of its own, in the namespace of its parent."""
        return f"{self.parent}.conjecture_{self.canonical[:12]}"

    @property
    def declaration(self) -> str:
        """The source text of the statement, with its proof left out."""
        return f"theorem {self.name}{self.statement} := by sorry"

    @property
    def difficulty(self) -> Difficulty:
        """How hard it was to settle.

        A refuted one is easy when at most 10 evaluations gave the values, medium up to 100, else hard, as when it took a proof
        without values. A proved one is easy when a single tactic did it, else hard. Vacuous and open ones are hard.
        """
        if self.standing is Standing.proved:
            return "easy" if self.way == "tactic" else "hard"
        if self.standing is not Standing.refuted or self.way != "values" or self.evaluations > 100:
            return "hard"
        return "easy" if self.evaluations <= 10 else "medium"


@dataclass(frozen=True, slots=True)
class Rejects:
    """How many candidates of one theorem fell out at one stage, for one reason, and one of them as an example."""

    stage: str
    reason: str
    count: int
    example: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that fills the store, and all that is needed to make it again.

    Attributes:
        id: its number; 0 before it is stored.
        command: `mutate`, `conjecture`, `trace`, …
        config: everything that its results depend on, seed included.
        library: the digest of the library that it is about.
        toolchain: as of `Library`.
        started: when, in UTC.
        finished: when its last unit was done; None until then.
    """

    id: int
    command: str
    config: Mapping[str, object]
    library: str
    toolchain: str
    started: datetime
    finished: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a run that is done, or done again, as a whole. `payload` says what, the names of theorems say."""

    id: int
    run: int
    position: int
    payload: tuple[str, ...]
    status: UnitStatus = UnitStatus.waiting
    message: str = ""


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one theorem gave: mutants or, in a run of the other kind, conjectures.

    Attributes:
        theorem: its full name.
        mutants: those that passed every stage, in the order of their making.
        rejects: the others, counted.
        counts: candidates that entered each stage, by its name.
        seconds: how long Lean worked on each stage, by its name.
        failure: why there is no result (`crash`, `timeout`, …); "" when there is one.
        conjectures: those that passed every stage, in the order of their making.
    """

    theorem: str
    mutants: tuple[Mutant, ...] = ()
    rejects: tuple[Rejects, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    failure: str = ""
    conjectures: tuple[Conjecture, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A statement to be proved or refuted.

    Attributes:
        digest: a hash of header and statement, in hexadecimal; the store holds a task once.
        statement: a declaration with its proof left out, as the judge takes it.
        header: what stands before it in its file: imports, options, definitions.
        name: what to call it.
        source: where it is from: a benchmark, a file, a run.
    """

    digest: str
    statement: str
    header: str = ""
    name: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a task.

    Attributes:
        task: the digest of the task.
        outcome: how it ended; Lean's and the machine's faults are `error`, never `failed`.
        made: when it ended, in UTC.
        proof: its text; None when there is none.
        verdict: what the judge said, as JSON can hold it.
        seconds: how long it took.
        run: the number of its run; None outside of one.
    """

    task: str
    outcome: Outcome
    made: datetime
    proof: str | None = None
    verdict: Mapping[str, object] = field(default_factory=dict)
    seconds: float = 0.0
    run: int | None = None
