"""What Lean knows of libraries and files: the methods `trace.*` of docs/protocol.md.

Use the calls with `LeanServer.ask`::

    environment = await server.open_environment(("Init",))
    page = await server.ask(read_theorems(environment.id, ["Init.Data.List.Basic"]))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lean_bridge import decoding
from lean_bridge.decoding import Fields
from lean_bridge.errors import ProtocolError
from lean_bridge.protocol import Message, Place, ProofState
from lean_bridge.wire import Call

PAGE: Final = 500
"""Theorems in a reply: about 0.2 MB, and two seconds of the embedded Lean."""


@dataclass(frozen=True, slots=True)
class Range:
    """From a place in a source text up to another."""

    start: Place
    end: Place


@dataclass(frozen=True, slots=True)
class ModuleEntry:
    """An imported module.

    Attributes:
        name: its name.
        digest: changes with the names and types of its constants and with the digests of its imports.
        imports: the modules that it names itself.
        theorems: how many theorems and axioms it holds for others to use.
    """

    name: str
    digest: str
    imports: tuple[str, ...]
    theorems: int


@dataclass(frozen=True, slots=True)
class LibraryTheorem:
    """A theorem of an imported module.

    Attributes:
        name: its full name.
        module: where it is declared.
        kind: `theorem` or `axiom`.
        statement: as Lean prints it, fit to stand behind its name.
        canonical: 128 bits in hexadecimal; equal for the same statement.
        constants: those that the statement mentions, sorted.
        span: its declaration in the module's source, where the library files tell it.
    """

    name: str
    module: str
    kind: str
    statement: str
    canonical: str
    constants: tuple[str, ...]
    span: Range | None = None


@dataclass(frozen=True, slots=True)
class Unprinted:
    """A theorem whose statement Lean could not print."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class TheoremPage:
    """Some theorems of modules. `next` is where the next page begins; None: this is the last."""

    theorems: tuple[LibraryTheorem, ...]
    failed: tuple[Unprinted, ...]
    total: int
    next: int | None


@dataclass(frozen=True, slots=True)
class Reference:
    """An identifier in a tactic that stands for a constant.

    Attributes:
        name: the constant's full name.
        start: where the identifier begins in the tactic's text, in code points.
        end: where it ends.
        module: where the constant is declared.
        defined: the place of its name there, where it is known.
    """

    name: str
    start: int
    end: int
    module: str
    defined: Range | None


@dataclass(frozen=True, slots=True)
class Step:
    """A tactic of a proof: its text, the goals before and after it as Lean prints them, and what it refers to."""

    before: str
    tactic: str
    after: str
    span: Range
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Declared:
    """A constant that a file declares.

    Attributes:
        name: its full name.
        kind: the keyword of its declaration, or `constructor` or `field`.
        span: where it is declared.
        code: the source text there.
        head: the same up to the proof, for a theorem.
        statement: for a theorem, as of `LibraryTheorem`; None for other constants, as are the rest.
        canonical: as of `LibraryTheorem`.
        constants: as of `LibraryTheorem`.
        steps: of its proof, in the order of the source.
    """

    name: str
    kind: str
    span: Range
    code: str
    head: str
    statement: str | None = None
    canonical: str | None = None
    constants: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class FileTrace:
    """What a file declares. `ok`: no message is an error."""

    messages: tuple[Message, ...]
    ok: bool
    declarations: tuple[Declared, ...]


def list_modules(env: int, modules: Sequence[str]) -> Call[tuple[ModuleEntry, ...]]:
    """`trace.list`: the modules of these names and all below them."""
    params = {"env": env, "modules": list(modules)}
    return Call("trace.list", params, lambda raw: Fields("result", raw).each("modules", _module))


def read_theorems(
    env: int, modules: Sequence[str], *, start: int = 0, limit: int = PAGE, below: bool = False
) -> Call[TheoremPage]:
    """`trace.modules`: theorems of these modules, and of all below them with `below`."""
    params = {"env": env, "modules": list(modules), "from": start, "limit": limit, "below": below}
    return Call("trace.modules", params, _page)


def trace_file(
    text: str,
    *,
    file: str,
    module: str,
    options: Sequence[tuple[str, str]] = (),
    heartbeats: int | None = None,
    seconds: float | None = None,
) -> Call[FileTrace]:
    """`trace.file`: elaborates a file that is the source of `module`, with the options of its lakefile."""
    limits: dict[str, object] = {"heartbeats": heartbeats, "seconds": seconds}
    params: dict[str, object] = {"text": text, "file": file, "module": module}
    params |= {"options": dict(options)} if options else {}
    params |= {name: value for name, value in limits.items() if value is not None}
    return Call("trace.file", params, _file)


@dataclass(frozen=True, slots=True)
class StepPlace:
    """Names a step of a file: its place, and the goals before it, as a place where a tactic runs twice has two."""

    span: Range
    before: str


def open_steps(
    text: str,
    places: Sequence[StepPlace],
    *,
    file: str,
    module: str,
    options: Sequence[tuple[str, str]] = (),
    seconds: float | None = None,
) -> Call[tuple[ProofState | None, ...]]:
    """`trace.open`: the proof states before steps of a file, in the order of `places`; None where there is no such step."""
    wanted = [{"span": _corners(place.span), "before": place.before} for place in places]
    params: dict[str, object] = {"text": text, "file": file, "module": module, "places": wanted}
    params |= {"options": dict(options)} if options else {}
    if seconds is not None:
        params["seconds"] = seconds

    def decode(raw: object) -> tuple[ProofState | None, ...]:
        states = Fields("result", raw).each("states", lambda item: None if item is None else decoding.state(item))
        if len(states) != len(places):
            raise ProtocolError("`states` must hold one state, or null, for each place")
        return states

    return Call("trace.open", params, decode)


def _corners(span: Range) -> list[int]:
    return [span.start.line, span.start.column, span.end.line, span.end.column]


def _range(raw: object) -> Range:
    match raw:
        case [int(line), int(column), int(last), int(last_column)]:
            return Range(Place(line, column), Place(last, last_column))
    raise ProtocolError(f"a range must be four whole numbers, not {raw!r}")


def _range_or_none(raw: object) -> Range | None:
    return None if raw is None else _range(raw)


def _module(raw: object) -> ModuleEntry:
    fields = Fields("module", raw)
    return ModuleEntry(
        fields.text("name"), fields.text("digest"), fields.texts("imports"), theorems=fields.whole("theorems")
    )


def _theorem(raw: object) -> LibraryTheorem:
    fields = Fields("theorem", raw)
    return LibraryTheorem(
        name=fields.text("name"),
        module=fields.text("module"),
        kind=fields.text("kind"),
        statement=fields.text("statement"),
        canonical=fields.text("canonical"),
        constants=fields.texts("constants"),
        span=_range_or_none(fields.raw.get("span")),
    )


def _unprinted(raw: object) -> Unprinted:
    fields = Fields("failure", raw)
    return Unprinted(fields.text("name"), fields.text("message"))


def _page(raw: object) -> TheoremPage:
    fields = Fields("result", raw)
    return TheoremPage(
        theorems=fields.each("theorems", _theorem),
        failed=fields.each("failed", _unprinted),
        total=fields.whole("total"),
        next=fields.whole_or_none("next"),
    )


def _reference(raw: object) -> Reference:
    match raw:
        case [str(name), int(start), int(end), str(module), defined]:
            return Reference(name, start, end, module, _range_or_none(defined))
    raise ProtocolError(f"a premise must be a name, two numbers, a module and a range, not {raw!r}")


def _step(raw: object) -> Step:
    fields = Fields("step", raw)
    return Step(
        before=fields.text("before"),
        tactic=fields.text("tactic"),
        after=fields.text("after"),
        span=_range(fields.raw.get("span")),
        references=fields.each("premises", _reference),
    )


def _declared(raw: object) -> Declared:
    fields = Fields("declaration", raw)
    code, theorem = fields.text("code"), "statement" in fields.raw
    return Declared(
        name=fields.text("name"),
        kind=fields.text("kind"),
        span=_range(fields.raw.get("span")),
        code=code,
        head=fields.text_or_none("head") or code,
        statement=fields.text("statement") if theorem else None,
        canonical=fields.text("canonical") if theorem else None,
        constants=fields.texts("constants") if theorem else (),
        steps=fields.each("steps", _step) if theorem else (),
    )


def _file(raw: object) -> FileTrace:
    fields = Fields("result", raw)
    return FileTrace(
        messages=fields.each("messages", decoding.message),
        ok=fields.flag("ok"),
        declarations=fields.each("declarations", _declared),
    )
