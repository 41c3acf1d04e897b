"""Conjectures as a data set: which ones, what a record says, and what the card tells."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db import testing
from db.export.card import Card
from db.export.conjecture_choice import ConjectureChoice, Members, balanced, split_of_parents
from db.export.conjectures import export_conjectures, lean_text
from db.export.errors import ExportError
from db.export.order import Order
from db.export.splits import Share, Sizes
from db.records import ChangeKind, Conjecture, Difficulty, Module, Standing
from db.store import Store
from tests.db.export.samples import library, theorem
from tests.db.export.stores import PROJECT, add_conjectures, add_run, numbered

TEN_PERCENT = Sizes(Share(10, True), Share(20, True))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, over `Init` with a theorem that was held out, and over a project; and mutants, which are none of ours."""
    path = tmp_path_factory.mktemp("store") / "lemma.db"
    with Store.open(path) as store:
        add_run(store, library(), numbered(0, 50))
        add_conjectures(store, library(), made(0, 240), holdout=("Nat.parent_1",))
        add_conjectures(store, PROJECT, made(240, 120))
    return path


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path) as store:
        yield store


def made(first: int, number: int) -> list[Conjecture]:
    """Six conjectures to a parent."""
    return [
        testing.conjecture(one, f"Nat.parent_{one // 6}", form=10_000 + one) for one in range(first, first + number)
    ]


def export(store: Store, out: Path, choice: ConjectureChoice, **options: Any) -> tuple[list[dict[str, Any]], Card]:
    card = export_conjectures(Order(store, out, "lemma export counterexample"), choice, **options)
    lines = (out / "conjectures.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines], card


def test_a_record_says_what_is_known_and_proves_it(store: Store, tmp_path: Path) -> None:
    rows, _ = export(store, tmp_path / "out", ConjectureChoice())
    settled = list(store.conjectures(standings=[Standing.refuted, Standing.proved]))
    assert [row["name"] for row in rows] == [one.name for one in settled]
    assert [row["truth"] for row in rows] == [one.standing is Standing.proved for one in settled]
    assert {row["header"] for row in rows[:120]} == {"import Init\n"}
    assert {row["header"] for row in rows[120:]} == {"import Proj\n"}
    both = {
        "name",
        "header",
        "formal_statement",
        "truth",
        "kind",
        "parent",
        "place",
        "detail",
        "difficulty",
        "canonical",
    }
    for row, one in zip(rows, settled, strict=True):
        assert row["formal_statement"] == one.declaration
        assert (row["kind"], row["place"], row["detail"]) == (one.kind, one.place, one.detail)
        assert (row["difficulty"], row["canonical"]) == (one.difficulty, one.canonical)
        if one.standing is Standing.proved:
            assert set(row) == {*both, "proof"}
            assert row["proof"] == one.proof
        else:
            assert set(row) == {*both, "negation", "refutation", "witnesses"}
            assert (row["negation"], row["refutation"]) == (one.claim, one.proof)
            assert row["witnesses"][1] == {"name": "m", "type": "Nat", "value": "0"}


def test_conjectures_without_a_truth_come_when_they_are_asked_for(store: Store, tmp_path: Path) -> None:
    rows, _ = export(store, tmp_path / "out", ConjectureChoice(standings=(Standing.open, Standing.vacuous)))
    assert Counter(row["standing"] for row in rows) == {"open": 90, "vacuous": 90}
    assert not any({"truth", "proof", "negation", "split"} & set(row) for row in rows)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["CARD.md", "card.json", "conjectures.jsonl"]


def test_runs_kinds_and_a_limit_choose_conjectures(store: Store, tmp_path: Path) -> None:
    choice = ConjectureChoice(runs=(3,), kinds=(ChangeKind.hypothesis, ChangeKind.order), limit=7)
    rows, _ = export(store, tmp_path / "out", choice)
    settled = store.conjectures(runs=[3], kinds=choice.kinds, standings=choice.standings)
    assert [row["name"] for row in rows] == [one.name for one in settled][:7]


def test_balanced_classes_have_the_size_of_the_smallest(store: Store, tmp_path: Path) -> None:
    choice = ConjectureChoice(runs=(2,), balance=True, seed=3)
    rows, _ = export(store, tmp_path / "a", choice)
    classes = Counter((row["kind"], row["truth"]) for row in rows)
    assert len(classes) == 18
    [size] = set(classes.values())
    assert size == min(
        Counter((o.kind, o.standing) for o in store.conjectures(runs=[2], standings=choice.standings)).values()
    )
    order = [one.name for one in store.conjectures()]
    assert [row["name"] for row in rows] == sorted((row["name"] for row in rows), key=order.index)
    assert export(store, tmp_path / "b", choice)[0] == rows
    assert export(store, tmp_path / "c", replace(choice, seed=4))[0] != rows


MEMBERS = st.dictionaries(st.sampled_from(["easy", "medium", "hard"]), st.integers(1, 9), min_size=1)


@given(
    st.dictionaries(st.tuples(st.sampled_from(ChangeKind), st.sampled_from(Standing)), MEMBERS, min_size=1, max_size=9),
    st.none() | st.integers(9, 200),
    st.integers(0, 9),
)
def test_classes_are_as_equal_as_their_sizes_and_the_limit_allow(
    sizes: dict[tuple[ChangeKind, Standing], dict[Difficulty, int]], limit: int | None, seed: int
) -> None:
    classes: dict[tuple[ChangeKind, Standing], Members] = {
        of: {level: [f"{of} {level} {one}" for one in range(size)] for level, size in members.items()}
        for of, members in sizes.items()
    }
    chosen = balanced(classes, limit, Random(seed))
    taken = {
        of: {level: sum(form in chosen for form in forms) for level, forms in members.items()}
        for of, members in classes.items()
    }
    totals = {of: sum(levels.values()) for of, levels in taken.items()}
    number = max(totals.values())
    available = {of: sum(levels.values()) for of, levels in sizes.items()}
    assert totals == {of: min(number, size) for of, size in available.items()}
    if limit is None:
        assert number == min(available.values())
    else:
        assert sum(totals.values()) <= limit
        more = sum(min(number + 1, size) for size in available.values())
        assert more > limit or number == max(available.values())
    for of, levels in taken.items():
        # Nobody who has more got fewer, but for the last turn.
        unspent = [count for level, count in levels.items() if count < sizes[of][level]]
        assert all(count <= least + 1 for least in unspent for count in levels.values())


def test_a_limit_below_the_number_of_classes_is_refused_with_its_cure(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"17 conjectures cannot be shared among 18 classes.*--limit 18 or more"):
        export(store, tmp_path / "out", ConjectureChoice(balance=True, limit=17))
    assert not (tmp_path / "out").exists()


def test_conjectures_of_one_parent_are_in_one_split(store: Store, tmp_path: Path) -> None:
    rows, card = export(store, tmp_path / "out", ConjectureChoice(seed=5, splits=TEN_PERCENT))
    splits: dict[str, set[str]] = {}
    for row in rows:
        splits.setdefault(row["parent"], set()).add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    assert Counter(split for [split] in splits.values()) == {"train": 42, "val": 6, "test": 12}
    assert card.counts == {
        f"conjectures of {split}": number for split, number in Counter(row["split"] for row in rows).items()
    }
    again, _ = export(store, tmp_path / "again", ConjectureChoice(seed=5, splits=TEN_PERCENT))
    other, _ = export(store, tmp_path / "other", ConjectureChoice(seed=6, splits=TEN_PERCENT))
    assert again == rows
    assert [row["split"] for row in other] != [row["split"] for row in rows]


def test_parents_that_state_the_same_are_in_one_split(tmp_path: Path) -> None:
    twins = [theorem("Nat.parent_0"), replace(theorem("Nat.parent_7"), canonical=theorem("Nat.parent_0").canonical)]
    with Store.open(tmp_path / "lemma.db") as store:
        store.save_library(library())
        store.save_module(library().digest, Module("Proj.Basic", "0" * 64), twins)
        add_conjectures(store, library(), made(0, 60))
        for seed in range(20):
            choice = ConjectureChoice(seed=seed, splits=Sizes(Share(2, False), Share(2, False)))
            rows, _ = export(store, tmp_path / str(seed), choice)
            assert len({row["split"] for row in rows if row["parent"] in {"Nat.parent_0", "Nat.parent_7"}}) == 1


def test_a_name_that_two_modules_declare_ties_all_that_either_states() -> None:
    forms = [("a", "1"), ("a", "2"), ("b", "2"), ("c", "1"), ("d", "a"), ("stranger", "3")]
    for seed in range(20):
        splits = split_of_parents(["a", "b", "c", "d", "e"], forms, Sizes(Share(1, False), Share(1, False)), seed)
        assert splits["a"] == splits["b"] == splits["c"]
        assert sorted({splits["a"], splits["d"], splits["e"]}) == ["test", "train", "val"]
        assert "stranger" not in splits


def test_splits_that_leave_nothing_to_train_on_are_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="leave none of 60 to train on"):
        export(store, tmp_path / "out", ConjectureChoice(splits=Sizes(Share(30, False), Share(30, False))))


def test_the_card_counts_kinds_standings_and_difficulties(store: Store, tmp_path: Path) -> None:
    choice = ConjectureChoice(standings=tuple(Standing), balance=False, seed=9, splits=TEN_PERCENT)
    rows, _ = export(store, tmp_path / "out", choice)
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    everything = list(store.conjectures())
    assert card["conjectures"]["total"] == len(rows) == len(everything)
    counted = Counter((one.kind.value, one.standing.value, one.difficulty) for one in everything)
    by_kind = card["conjectures"]["by_kind"]
    assert counted == {
        (kind, standing, difficulty): number
        for kind, standings in by_kind.items()
        for standing, difficulties in standings.items()
        for difficulty, number in difficulties.items()
    }
    assert list(by_kind["constant"]["refuted"]) == ["easy", "medium", "hard"]
    assert card["seed"] == 9
    assert [run["id"] for run in card["runs"]] == [2, 3]
    for file in card["files"]:
        data = (tmp_path / "out" / file["name"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    prose = (tmp_path / "out" / "CARD.md").read_text()
    numbers = by_kind["constant"]["refuted"].values()
    assert f"| constant | refuted | {' | '.join(map(str, numbers))} |" in prose
    assert "| conjectures | 360 |" in prose
    assert "Sizes asked for, in theorems: val 10%, test 20%." in prose


def test_what_has_to_do_with_a_theorem_that_was_held_out_is_told(tmp_path: Path) -> None:
    plain, of_it, by_it, by_part = made(0, 4)
    of_it = replace(of_it, parent="Nat.held")
    by_it = replace(by_it, standing=Standing.proved, proof="by simp [Nat.held]")
    by_part = replace(by_part, standing=Standing.proved, proof="(@Nat.held.symm 1)")
    plain = replace(plain, standing=Standing.proved, proof="by exact Nat.held_not")
    with Store.open(tmp_path / "lemma.db") as store:
        add_conjectures(store, library(), [plain, of_it, by_it, by_part], holdout=("Nat.held",))
        rows, _ = export(store, tmp_path / "out", ConjectureChoice())
    assert len(rows) == 4
    assert json.loads((tmp_path / "out" / "card.json").read_text())["conjectures_of_held_out"] == 3
    assert "Conjectures that come from one, or whose proof names one: **3**." in (tmp_path / "out/CARD.md").read_text()


def test_lean_files_hold_the_proofs_so_many_to_a_file(store: Store, tmp_path: Path) -> None:
    export(store, tmp_path / "out", ConjectureChoice(), per_file=50)
    files = sorted((tmp_path / "out" / "Conjectures").iterdir())
    assert [file.name for file in files] == [f"Part0000{number}.lean" for number in range(5)]
    texts = [file.read_text(encoding="utf-8") for file in files]
    assert [text.splitlines()[0] for text in texts] == ["import Init"] * 3 + ["import Proj"] * 2
    assert sum(text.count("\ntheorem ") for text in texts) == 180
    assert "sorry" not in "".join(line for text in texts for line in text.splitlines() if not line.startswith("--"))
    assert (tmp_path / "out" / "Conjectures.lean").read_text().splitlines()[4] == "import Conjectures.Part00004"
    assert 'name = "conjectures"' in (tmp_path / "out" / "lakefile.toml").read_text()
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert card["rows"] == 180
    assert [file["rows"] for file in card["files"]] == [50, 50, 20, 50, 10, 180, 180]


def test_a_refuted_conjecture_is_a_comment_with_the_theorem_of_its_negation() -> None:
    refuted = testing.conjecture(4, "Nat.add_comm")
    assert lean_text(replace(refuted, detail="a -/ b\nc")).splitlines() == [
        "-- operation (easy) of Nat.add_comm at ⊢: a -/ b",
        "-- c",
        "-- refuted by n : Nat := 4, m : Nat := 0",
        f"-- {refuted.declaration}",
        f"theorem {refuted.name}.refuted : ¬ (∀ (n m : Nat), n ≤ 4 → n + m < m + n) := {refuted.proof}",
    ]
    assert "-- refuted by a proof without values" in lean_text(replace(refuted, witnesses=()))


def test_a_proved_conjecture_is_a_theorem_with_its_proof() -> None:
    proved = testing.conjecture(5, "Nat.add_comm")
    assert lean_text(proved).splitlines()[1:] == [f"theorem {proved.name}{proved.statement} := by", "  omega"]


def test_a_store_without_conjectures_has_nothing_to_export(tmp_path: Path) -> None:
    with Store.open(tmp_path / "lemma.db") as store:
        run = add_run(store, library(), numbered(0, 5))
        with pytest.raises(ExportError, match=r"of 0 conjectures .* make some with `lemma tasks counterexample`"):
            export(store, tmp_path / "out", ConjectureChoice())
        with pytest.raises(
            ExportError, match=r"a run of `mutate`, which makes no conjectures; name one of `lemma tasks"
        ):
            export(store, tmp_path / "out", ConjectureChoice(runs=(run.id,)))
        add_conjectures(store, library(), made(0, 8))
        with pytest.raises(ExportError, match=r"of 8 conjectures .* loosen --run, --kind and --standing"):
            export(store, tmp_path / "out", ConjectureChoice(kinds=(ChangeKind.converse,)))
    assert not (tmp_path / "out").exists()
