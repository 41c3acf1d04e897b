"""Libraries and what was traced in them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from db.database import AnyRow, AnySelect, Database, insert_rows
from db.errors import UnknownRecord
from db.models import LibraryRow, ModuleRow, NameRow, PremiseRow, StepRow, TheoremRow
from db.packing import pack, pack_canonical, pack_premises, pack_span, unpack_premises, unpack_span
from db.records import Library, Module, Premise, TacticStep, Theorem

# Rows that are in memory at a time while a table is streamed.
BATCH = 1000


class Libraries(Database):
    """The part of the store that holds libraries, modules, theorems, premises and traced proofs.

    What is streamed comes from one state of the store, in the order of the modules' names and of the declarations in them.
    """

    def save_library(self, library: Library) -> None:
        """Stores a library; one of the same digest takes the new name, root and imports.

        Raises:
            StoreError: the store cannot be written.
        """
        values = {
            "name": library.name,
            "toolchain": library.toolchain,
            "imports": pack(library.imports),
            "root": library.root,
        }
        with self.writing() as connection:
            changed = connection.execute(
                update(LibraryRow).where(LibraryRow.digest == library.digest).values(**values)
            ).rowcount
            if not changed:
                connection.execute(insert(LibraryRow).values(digest=library.digest, **values))

    def libraries(self) -> tuple[Library, ...]:
        """Every library, in the order of their first being stored."""
        with self.reading() as connection:
            return tuple([_library(row) for row in connection.execute(_LIBRARIES)])

    def library(self, digest: str) -> Library:
        """The library of that digest.

        Raises:
            UnknownRecord: there is none.
        """
        with self.reading() as connection:
            row = connection.execute(_LIBRARIES.where(LibraryRow.digest == digest)).one_or_none()
        if row is None:
            raise _unknown(digest)
        return _library(row)

    def traced_modules(self, library: str) -> dict[str, str]:
        """The digest of each module of a library that has been traced, by name: what of it need not be traced again."""
        return {module.name: module.digest for module in self.modules(library)}

    def save_module(
        self,
        library: str,
        module: Module,
        theorems: Iterable[Theorem],
        premises: Iterable[Premise] = (),
        steps: Iterable[TacticStep] = (),
    ) -> None:
        """Stores what was traced in a module, in place of what the store had of it.

        Raises:
            UnknownRecord: the library, a digest, was not stored before.
            ValueError: a step is of a theorem that is not among `theorems`, or a canonical form is none.
            StoreError: the store cannot be written.
        """
        theorems, premises, steps = tuple(theorems), tuple(premises), tuple(steps)
        with self.writing() as connection:
            library_id = library_number(connection, library)
            mentioned = {module.name, *[premise.name for premise in premises]}
            for theorem in theorems:
                mentioned.update((theorem.name, *theorem.constants))
            for step in steps:
                mentioned.update(name for use in step.premises for name in (use.name, use.module))
            names = self.names.ids(connection, mentioned)
            module_id = _replace(connection, library_id, module, names[module.name])
            insert_rows(connection, TheoremRow, [_theorem_row(module_id, i, t, names) for i, t in enumerate(theorems)])
            insert_rows(connection, PremiseRow, [_premise_row(module_id, i, p, names) for i, p in enumerate(premises)])
            rows = select(NameRow.text, TheoremRow.id).join_from(TheoremRow, NameRow, TheoremRow.name_id == NameRow.id)
            numbers = dict(connection.execute(rows.where(TheoremRow.module_id == module_id)).all())
            insert_rows(connection, StepRow, [_step_row(numbers, step, names) for step in steps])

    def modules(self, library: str) -> Iterator[Module]:
        """The modules of a library, by name. `library` is a digest, here and below; an unknown one has none."""
        with self.reading() as connection:
            found = _modules(connection, library)
        for module, _ in found:
            yield module

    def theorems(self, library: str, *, modules: Sequence[str] | None = None) -> Iterator[Theorem]:
        """The theorems of a library, or of some of its modules."""
        columns = select(
            NameRow.text,
            TheoremRow.statement,
            TheoremRow.canonical,
            TheoremRow.kind,
            TheoremRow.constants,
            TheoremRow.span,
            TheoremRow.code,
        ).join_from(TheoremRow, NameRow, TheoremRow.name_id == NameRow.id)
        with self.reading() as connection:
            for module, number in _modules(connection, library, modules):
                query = columns.where(TheoremRow.module_id == number).order_by(TheoremRow.position)
                for rows in _batches(connection, query):
                    constants = [json.loads(row.constants) for row in rows]
                    names = self.names.texts(connection, {name for some in constants for name in some})
                    for row, some in zip(rows, constants, strict=True):
                        yield _theorem(module.name, row, tuple([names[name] for name in some]))

    def theorem_names(self, library: str, modules: Sequence[str] | None = None) -> list[str]:
        """The names of the theorems of a library, or of some of its modules."""
        query = select(NameRow.text).join_from(TheoremRow, NameRow, TheoremRow.name_id == NameRow.id)
        names: list[str] = []
        with self.reading() as connection:
            for _, number in _modules(connection, library, modules):
                rows = query.where(TheoremRow.module_id == number).order_by(TheoremRow.position)
                names.extend(connection.execute(rows).scalars())
        return names

    def premises(self, library: str) -> Iterator[Premise]:
        """What the proofs of a library can refer to."""
        columns = select(NameRow.text, PremiseRow.kind, PremiseRow.code, PremiseRow.span).join_from(
            PremiseRow, NameRow, PremiseRow.name_id == NameRow.id
        )
        with self.reading() as connection:
            for module, number in _modules(connection, library):
                query = columns.where(PremiseRow.module_id == number).order_by(PremiseRow.position)
                for rows in _batches(connection, query):
                    for row in rows:
                        span = unpack_span(row.span)
                        assert span is not None
                        yield Premise(row.text, module.name, row.kind, row.code, span)

    def steps(self, library: str) -> Iterator[tuple[Theorem, tuple[TacticStep, ...]]]:
        """The theorems of a library whose proofs have traced tactics, each with them in order."""
        columns = (
            select(NameRow.text, StepRow)
            .join_from(TheoremRow, NameRow, TheoremRow.name_id == NameRow.id)
            .join(StepRow, StepRow.theorem_id == TheoremRow.id)
        )
        with self.reading() as connection:
            for module, number in _modules(connection, library):
                query = columns.where(TheoremRow.module_id == number).order_by(TheoremRow.position, StepRow.position)
                rows = connection.execute(query).all()
                packed = [json.loads(row.premises) for row in rows]
                names = self.names.texts(
                    connection, {number for uses in packed for use in uses for number in (use[0], use[3])}
                )
                steps = [_step(row, unpack_premises(uses, names)) for row, uses in zip(rows, packed, strict=True)]
                grouped = {name: tuple(some) for name, some in groupby(steps, lambda step: step.theorem)}
                if grouped:
                    for theorem in self.theorems(library, modules=[module.name]):
                        if theorem.name in grouped:
                            yield theorem, grouped[theorem.name]


_LIBRARIES = select(
    LibraryRow.name, LibraryRow.toolchain, LibraryRow.digest, LibraryRow.imports, LibraryRow.root
).order_by(LibraryRow.id)


def library_number(connection: Connection, digest: str) -> int:
    """The key of a library.

    Raises:
        UnknownRecord: there is none of that digest.
    """
    number = connection.execute(select(LibraryRow.id).where(LibraryRow.digest == digest)).scalar_one_or_none()
    if number is None:
        raise _unknown(digest)
    return number


def _unknown(digest: str) -> UnknownRecord:
    return UnknownRecord(f"the store holds no library with the digest {digest}; trace it first")


def _library(row: AnyRow) -> Library:
    return Library(row.name, row.toolchain, row.digest, tuple(json.loads(row.imports)), row.root)


def _modules(connection: Connection, library: str, wanted: Sequence[str] | None = None) -> list[tuple[Module, int]]:
    """Modules with their keys, sorted here because databases do not agree on the order of texts."""
    query = (
        select(NameRow.text, ModuleRow.digest, ModuleRow.path, ModuleRow.imports, ModuleRow.id)
        .join_from(ModuleRow, NameRow, ModuleRow.name_id == NameRow.id)
        .join(LibraryRow, LibraryRow.id == ModuleRow.library_id)
        .where(LibraryRow.digest == library)
    )
    chosen = None if wanted is None else set(wanted)
    found = [
        (Module(row.text, row.digest, row.path, tuple(json.loads(row.imports))), row.id)
        for row in connection.execute(query)
        if chosen is None or row.text in chosen
    ]
    return sorted(found, key=lambda pair: pair[0].name)


def _batches(connection: Connection, query: AnySelect) -> Iterator[Sequence[AnyRow]]:
    yield from connection.execute(query, execution_options={"yield_per": BATCH}).partitions()


def _replace(connection: Connection, library_id: int, module: Module, name_id: int) -> int:
    connection.execute(delete(ModuleRow).where(ModuleRow.library_id == library_id, ModuleRow.name_id == name_id))
    row = insert(ModuleRow).values(
        library_id=library_id, name_id=name_id, digest=module.digest, path=module.path, imports=pack(module.imports)
    )
    return connection.execute(row.returning(ModuleRow.id)).scalar_one()


def _theorem_row(module_id: int, position: int, theorem: Theorem, names: Mapping[str, int]) -> dict[str, object]:
    return {
        "module_id": module_id,
        "position": position,
        "name_id": names[theorem.name],
        "canonical": pack_canonical(theorem.canonical),
        "kind": theorem.kind,
        "constants": pack([names[name] for name in theorem.constants]),
        "span": pack_span(theorem.span),
        "statement": theorem.statement,
        "code": theorem.code,
    }


def _theorem(module: str, row: AnyRow, constants: tuple[str, ...]) -> Theorem:
    span = unpack_span(row.span)
    return Theorem(row.text, module, row.statement, row.canonical.hex(), row.kind, constants, span, row.code)


def _premise_row(module_id: int, position: int, premise: Premise, names: Mapping[str, int]) -> dict[str, object]:
    return {
        "module_id": module_id,
        "position": position,
        "name_id": names[premise.name],
        "kind": premise.kind,
        "span": pack_span(premise.span),
        "code": premise.code,
    }


def _step_row(theorems: Mapping[str, int], step: TacticStep, names: Mapping[str, int]) -> dict[str, object]:
    if step.theorem not in theorems:
        raise ValueError(f"a step of {step.theorem}, which is not among the theorems of its module")
    return {
        "theorem_id": theorems[step.theorem],
        "position": step.index,
        "before": step.before,
        "tactic": step.tactic,
        "after": step.after,
        "premises": pack_premises(step.premises, names),
        "span": pack_span(step.span),
    }


def _step(row: AnyRow, premises: tuple[Any, ...]) -> TacticStep:
    span = unpack_span(row.span)
    return TacticStep(row.text, row.position, row.before, row.tactic, row.after, premises, span)
