"""Mutants as a Parquet file with the columns of `db.export.jsonl`, in row groups. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from db.export.errors import PackageMissing
from db.export.folder import Sink
from db.export.jsonl import COLUMNS
from db.records import Mutant

ROW_GROUP = 5_000
"""Rows of a row group: with 20,000, pyarrow's pool still grew after ten groups, by 34 MB; with 5,000 by 2, and the file is as large."""


def pyarrow() -> Any:
    """The package, imported now.

    Raises:
        PackageMissing: it is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise PackageMissing(
            "Parquet needs the package pyarrow, which is not installed: pip install 'lemmaforge[export]', "
            "or use `lemma export jsonl`."
        ) from error
    return pa


def schema() -> Any:
    """The `pyarrow.Schema` of the file.

    Raises:
        PackageMissing: pyarrow is not installed.
    """
    pa = pyarrow()
    text, texts = pa.string(), pa.list_(pa.string())
    step = pa.struct(
        [("kind", text), ("place", text), ("lemma", text), ("reverse", pa.bool_()), ("detail", text)],
    )
    types = {
        "depth": pa.int32(),
        "size": pa.int64(),
        "lineage": pa.list_(step),
        "marks": texts,
        "imports": texts,
    }
    return pa.schema([(column, types.get(column, text)) for column in COLUMNS])


class Table:
    """A Parquet file that grows by row groups; one is in memory at a time.

    Raises:
        PackageMissing: pyarrow is not installed.
    """

    def __init__(self, sink: Sink, *, row_group: int = ROW_GROUP) -> None:
        self._pa = pyarrow()
        self._schema = schema()
        self._sink = sink
        self._row_group = row_group
        self._writer = self._pa.parquet.ParquetWriter(sink, self._schema, compression="zstd")

    def append(self, mutants: Iterable[Mutant], imports: Iterable[str]) -> Iterator[int]:
        """Appends mutants; yields the size of each row group once it is written."""
        source, needed = iter(mutants), list(imports)
        while group := list(islice(source, self._row_group)):
            columns = _columns(group, needed)
            arrays = [self._pa.array(columns[field.name], field.type) for field in self._schema]
            self._writer.write_table(self._pa.Table.from_arrays(arrays, schema=self._schema))
            self._sink.rows += len(group)
            yield len(group)

    def close(self) -> None:
        """Writes the footer."""
        self._writer.close()


def _columns(group: list[Mutant], imports: list[str]) -> dict[str, list[Any]]:
    return {
        "name": [m.name for m in group],
        "parent": [m.parent for m in group],
        "kind": [m.kind.value for m in group],
        "depth": [m.depth for m in group],
        "statement": [m.statement for m in group],
        "proof": [m.proof for m in group],
        "lineage": [
            [
                {"kind": s.kind.value, "place": s.place, "lemma": s.lemma, "reverse": s.reverse, "detail": s.detail}
                for s in m.steps
            ]
            for m in group
        ],
        "marks": [list(m.marks) for m in group],
        "size": [m.size for m in group],
        "canonical": [m.canonical for m in group],
        "imports": [imports] * len(group),
    }
