"""Mutants as JSON Lines, all columns.

====================  ==================================================================================================
`name`                its own full name
`parent`              the theorem that it comes from
`kind`, `depth`       the kind of its last step; how many steps there are
`statement`, `proof`  `theorem NAME` + statement + ` := ` + proof is a declaration that Lean accepts
`lineage`             the steps, in order, each with `kind`, `place`, `lemma` (or null), `reverse`, `detail`
`marks`               what else is known, sorted: `trivial:simp`, …
`size`                nodes of the statement's term
`canonical`           32 hexadecimal digits, equal for statements that are the same up to names of variables
`imports`             what a file must import for the declaration
====================  ==================================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring as quoted  # the C function that json.dumps itself calls for text

from db.records import Mutant, MutationStep

COLUMNS = (
    "name",
    "parent",
    "kind",
    "depth",
    "statement",
    "proof",
    "lineage",
    "marks",
    "size",
    "canonical",
    "imports",
)
"""The columns of a row, in order; `db.export.parquet` has the same."""


def lines(mutants: Iterable[Mutant], imports: Iterable[str]) -> Iterator[str]:
    """One line a mutant, without its end of line.

    The line is put together by hand: `json.dumps` spends three quarters of its time on finding out what it is given.
    """
    end = f',"imports":{texts(imports)}}}'
    # Marks come in a handful of combinations, while steps hardly repeat.
    marks: dict[tuple[str, ...], str] = {}
    for mutant in mutants:
        steps = mutant.steps
        if (marked := marks.get(mutant.marks)) is None:
            marked = marks[mutant.marks] = texts(mutant.marks)
        yield (
            f'{{"name":{quoted(mutant.name)},"parent":{quoted(mutant.parent)},"kind":"{steps[-1].kind}"'
            f',"depth":{len(steps)},"statement":{quoted(mutant.statement)},"proof":{quoted(mutant.proof)}'
            f',"lineage":[{",".join([lineage(step) for step in steps])}],"marks":{marked},"size":{mutant.size}'
            f',"canonical":"{mutant.canonical}"{end}'
        )


def lineage(step: MutationStep) -> str:
    """A step as a JSON object."""
    lemma = "null" if step.lemma is None else quoted(step.lemma)
    return (
        f'{{"kind":"{step.kind}","place":{quoted(step.place)},"lemma":{lemma}'
        f',"reverse":{"true" if step.reverse else "false"},"detail":{quoted(step.detail)}}}'
    )


def texts(values: Iterable[str]) -> str:
    """A JSON array of texts."""
    return f"[{','.join(map(quoted, values))}]"
