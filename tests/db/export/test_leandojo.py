"""The parts of a benchmark, against what LeanDojo's own script writes and ReProver's loaders accept."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from db.export.folder import Draft
from db.export.leandojo import (
    Dropped,
    Origin,
    Paths,
    Spool,
    TheoremSpool,
    annotated,
    corpus_lines,
    import_order,
    premise_record,
    premises_of,
    theorem_record,
)
from db.records import Module, Theorem
from tests.db.export.samples import premise, project_modules, step, theorem, use

ORIGIN = Origin("https://example.org/proj", "0123abcd")
PATHS = Paths(project_modules())


def test_premises_are_marked_in_the_text_of_a_tactic_with_where_they_are_defined() -> None:
    tactic = "rw [add_comm b, ← foo, h]"
    uses = [
        use("foo", tactic, "Proj.Basic"),
        use("add_comm", tactic, "Init.Core"),
        use("h", tactic, defined=False, after=20),
    ]
    assert annotated(step("t", 0, "⊢ a", tactic, "no goals", uses), PATHS) == [
        "rw [<a>add_comm</a> b, ← <a>foo</a>, h]",
        [
            {
                "full_name": "add_comm",
                "def_path": ".lake/packages/lean4/src/lean/Init/Core.lean",
                "def_pos": [7, 5],
                "def_end_pos": [9, 15],
            },
            {"full_name": "foo", "def_path": "Proj/Basic.lean", "def_pos": [7, 5], "def_end_pos": [9, 15]},
        ],
    ]


def test_premises_are_placed_by_code_points() -> None:
    tactic = "exact 𝔸.foo α.bar"
    marked, _ = annotated(step("t", 0, "⊢ a", tactic, "no goals", [use("α.bar", tactic)]), PATHS)
    assert marked == "exact 𝔸.foo <a>α.bar</a>"


def test_of_overlapping_premises_the_first_is_marked() -> None:
    tactic = "exact a.b"
    marked, [first] = annotated(step("t", 0, "⊢ a", tactic, "no goals", [use("a.b", tactic), use("b", tactic)]), PATHS)
    assert marked == "exact <a>a.b</a>"
    assert first["full_name"] == "a.b"


def test_a_theorem_has_the_fields_of_the_original() -> None:
    steps = [step("t", 0, "n : Nat\n⊢ n = n", "cases n", "⊢ 0 = 0\n\nn : Nat\n⊢ n + 1 = n + 1")]
    record = theorem_record(theorem("t", module="Proj.Main", line=4), steps, PATHS, ORIGIN, Dropped())
    assert record == {
        "url": "https://example.org/proj",
        "commit": "0123abcd",
        "file_path": "Proj/Main.lean",
        "full_name": "t",
        "start": [4, 1],
        "end": [6, 11],
        "traced_tactics": [
            {
                "tactic": "cases n",
                "annotated_tactic": ["cases n", []],
                "state_before": "n : Nat\n⊢ n = n",
                "state_after": "⊢ 0 = 0\n\nn : Nat\n⊢ n + 1 = n + 1",
            }
        ],
    }


def test_tactics_are_dropped_as_the_original_drops_them() -> None:
    steps = [
        step("t", 0, "⊢ a", "simp", "⊢ b"),
        step("t", 1, "⊢ a", "simp", "⊢ b"),
        step("t", 2, "no goals", "skip", "no goals"),
        step("t", 3, "⊢ b", "· rfl", "no goals"),
        step("t", 4, "⊢ b", "rfl", "no goals"),
    ]
    dropped = Dropped()
    record = theorem_record(theorem("t"), steps, PATHS, ORIGIN, dropped)
    assert [tactic["tactic"] for tactic in record["traced_tactics"]] == ["simp", "rfl"]
    assert (dropped.without_goal, dropped.focused) == (1, 1)


def test_statement_and_tactics_both_count_as_using_a_premise() -> None:
    tactic = "rw [foo, h]"
    steps = [step("t", 0, "⊢ a", tactic, "no goals", [use("foo", tactic), use("h", tactic, defined=False)])]
    assert premises_of(theorem("t", constants=("Nat", "t", "HAdd")), steps) == {"Nat", "HAdd", "foo", "h"}


def test_a_module_comes_behind_all_that_it_imports() -> None:
    rng = random.Random(7)
    names = [f"M{number:02}" for number in range(40)]
    rank = rng.sample(range(40), 40)
    modules = [
        Module(
            name, "", None, tuple(other for other in names if rank[names.index(other)] < rank[n] and rng.random() < 0.2)
        )
        for n, name in enumerate(names)
    ]
    ordered = [module.name for module in import_order(modules, [])]
    assert sorted(ordered) == names
    for module in modules:
        assert all(ordered.index(name) < ordered.index(module.name) for name in module.imports)
    assert ordered == [module.name for module in import_order(rng.sample(modules, 40), [])]


def test_the_corpus_is_one_that_reprover_reads() -> None:
    ordered = import_order(project_modules(), ["Init"])
    premises = {"Proj.Basic": [json.dumps(premise_record(premise("foo"))).encode()]}
    files = [json.loads(line) for line in corpus_lines(ordered, PATHS, premises)]
    assert [file["path"] for file in files] == [
        ".lake/packages/lean4/src/lean/Init.lean",
        "Proj/Basic.lean",
        "Proj/Main.lean",
        "Proj.lean",
    ]
    known: set[str] = set()
    for file in files:
        # ReProver's Corpus asserts exactly this of each line.
        assert set(file["imports"]) <= known
        assert file["path"] not in known
        known.add(file["path"])
    assert files[1]["premises"] == [
        {
            "full_name": "foo",
            "code": "def foo : Nat := 0",
            "start": [7, 5],
            "end": [9, 15],
            "kind": "commanddeclaration",
        }
    ]
    assert files[3]["imports"] == [files[n]["path"] for n in (0, 1, 2)]


@pytest.mark.parametrize(
    ("module", "path"),
    [
        ("Init.Data.Nat", ".lake/packages/lean4/src/lean/Init/Data/Nat.lean"),
        ("Lake.Load", ".lake/packages/lean4/src/lean/lake/Lake/Load.lean"),
        ("Mathlib.Order", ".lake/packages/mathlib/Mathlib/Order.lean"),
        ("Proj.Basic", "Proj/Basic.lean"),
    ],
)
def test_modules_lie_where_leandojo_sees_them(module: str, path: str) -> None:
    assert PATHS[module] == path


def test_theorems_are_written_in_any_order_as_one_list(tmp_path: Path) -> None:
    with Spool() as records, Draft(tmp_path / "data") as draft:
        theorems = TheoremSpool(records, PATHS, ORIGIN)
        for number in range(100):
            theorems.append(theorem(f"α{number}" * (number % 5 + 1)), [])
            if number % 10 == 0:
                assert json.loads(records[number // 2])["file_path"] == "Proj/Basic.lean"
        theorems.append(Theorem("unplaced", "Proj.Basic", " : True", "0" * 32), [])
        order = random.Random(1).sample(range(100), 100)
        for name, numbers in (("all.json", order), ("none.json", [])):
            with draft.open(name) as sink:
                theorems.write(numbers, sink)
    assert theorems.unplaced == 1
    names = [record["full_name"] for record in json.loads((tmp_path / "data" / "all.json").read_bytes())]
    assert names == [f"α{number}" * (number % 5 + 1) for number in order]
    assert json.loads((tmp_path / "data" / "none.json").read_bytes()) == []
