from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from db.export import jsonl
from db.records import Mutant, MutationKind, MutationStep
from tests.db.export.samples import mutant

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
STEPS = st.builds(MutationStep, st.sampled_from(MutationKind), TEXT, st.none() | TEXT, st.booleans(), TEXT)
MUTANTS = st.builds(
    Mutant,
    st.integers(0, 2**128 - 1).map(lambda n: f"{n:032x}"),
    TEXT,
    st.lists(STEPS, min_size=1, max_size=3).map(tuple),
    TEXT,
    TEXT,
    st.lists(TEXT, max_size=3).map(tuple),
    st.integers(0, 10**9),
)


@given(MUTANTS)
def test_a_line_is_what_json_would_write_of_all_columns(one: Mutant) -> None:
    row = {
        "name": one.name,
        "parent": one.parent,
        "kind": one.kind.value,
        "depth": one.depth,
        "statement": one.statement,
        "proof": one.proof,
        "lineage": [
            {"kind": s.kind.value, "place": s.place, "lemma": s.lemma, "reverse": s.reverse, "detail": s.detail}
            for s in one.steps
        ],
        "marks": list(one.marks),
        "size": one.size,
        "canonical": one.canonical,
        "imports": ["Init", "Std"],
    }
    [line] = jsonl.lines([one], ["Init", "Std"])
    assert line == json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    assert tuple(row) == jsonl.COLUMNS


def test_a_line_has_no_line_break_inside() -> None:
    lines = list(jsonl.lines(map(mutant, range(50)), ["Init"]))
    assert len(lines) == 50
    assert not any("\n" in line for line in lines)
