"""`lemma export counterexample` on a real store."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from db import testing
from db.records import ChangeKind, Conjecture, Standing, WitnessValue
from db.store import Store
from tests.db.export.samples import library
from tests.db.export.stores import add_conjectures, add_run, numbered
from workbench.testing import Lemma


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Sixty theorems with six conjectures each, two runs; one theorem was held out."""
    made = [testing.conjecture(one, f"Nat.parent_{one // 6}", form=10_000 + one) for one in range(360)]
    path = tmp_path / "lemma.db"
    with Store.open(path) as store:
        add_conjectures(store, library(), made[:240], holdout=("Nat.parent_1",))
        add_conjectures(store, library(), made[240:])
        add_run(store, library(), numbered(0, 5))
    return path


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_options_choose_and_the_card_tells_how_to_make_it_again(store: Path, lemma: Lemma, tmp_path: Path) -> None:
    before = hashlib.sha256(store.read_bytes()).hexdigest()
    options = ["--run", "1", "--kind", "order", "--kind", "off-by-one", "--standing", "refuted", "--standing", "proved"]
    options += ["--balance", "--limit", "12", "--val", "10%", "--test", "2", "--per-file", "5", "--seed", "7"]
    run = lemma("export", "counterexample", "--out", "out", "--json", *options)
    assert run.code == 0, run.err
    card = run.json()
    rows = [json.loads(line) for line in (tmp_path / "out" / "conjectures.jsonl").read_text().splitlines()]
    assert len(rows) == card["conjectures"]["total"] == 12
    assert {(row["kind"], row["truth"]) for row in rows} == {
        (k, t) for k in ("order", "off-by-one") for t in (True, False)
    }
    assert sum(row["split"] == "test" for row in rows) >= 2
    assert len(list((tmp_path / "out" / "Conjectures").iterdir())) == 3
    again = card["command"].replace("STORE", "lemma.db").replace("OUT", "again").split()
    assert lemma(*again[1:]).code == 0
    assert content(tmp_path / "again") == content(tmp_path / "out")
    assert hashlib.sha256(store.read_bytes()).hexdigest() == before


def test_without_options_all_that_is_settled_is_exported(store: Path, lemma: Lemma, tmp_path: Path) -> None:
    run = lemma("export", "counterexample", "--store", store)
    assert run.code == 0
    assert "warning: 2 conjectures have to do with theorems that a run held out" in run.err
    rows = (tmp_path / "exports" / "counterexample" / "conjectures.jsonl").read_text().splitlines()
    assert len(rows) == 180
    assert "split" not in json.loads(rows[0])
    assert lemma("export", "counterexample", "--store", store).code == 2
    assert lemma("export", "counterexample", "--store", store, "--force", "--standing", "open").code == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--run", "99"], "99"),
        (["--run", "3"], "makes no conjectures"),
        (["--kind", "rw"], "--kind is 'rw'; give one of hypothesis, relation"),
        (["--standing", "false"], "--standing is 'false'; give one of refuted, proved"),
        (["--limit", "0"], "--limit"),
        (["--balance", "--limit", "3"], "cannot be shared among 18 classes"),
        (["--val", "some"], "'some' is no size of a split"),
        (["--val", "30", "--test", "30"], "leave none of 60 to train on"),
        (["--store", "missing.db"], "missing.db"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_named_with_its_cure(
    arguments: list[str], complaint: str, store: Path, lemma: Lemma, tmp_path: Path
) -> None:
    run = lemma("export", "counterexample", *arguments)
    assert store.exists()
    assert (run.code, run.out) == (2, "")
    assert complaint in run.err
    assert not (tmp_path / "exports").exists()


def real() -> list[Conjecture]:
    """Conjectures as Lean refutes and proves them."""
    base = Conjecture("", "", ChangeKind.operation, "⊢", "", "", 9, Standing.refuted, evaluations=2, way="values")

    def refuted(parent: str, form: int, statement: str, meaning: str, proof: str, *values: WitnessValue) -> Conjecture:
        made = replace(base, canonical=testing.canonical(form), parent=parent, statement=statement, detail="-/ a /- b")
        claim = f"theorem {made.name}.refuted : ¬ ({meaning}) := by sorry"
        return replace(made, claim=claim, proof=proof, witnesses=values)

    return [
        refuted(
            *("Nat.add_comm", 1, " (n m : Nat) : n + m = m - n", "∀ (n m : Nat), n + m = m - n"),
            "fun h => absurd (@h (1 : Nat) (0 : Nat)) (by decide)",
            *(WitnessValue("n", "Nat", "1"), WitnessValue("m", "Nat", "0")),
        ),
        refuted(
            *("List.append_nil", 2, ".{u} {α : Type u} (l k : List α) : l ++ k = k ++ l"),
            "∀ {α : Type} (l k : List α), l ++ k = k ++ l",
            "by\n  intro h\n  exact absurd (@h Nat [0] [1]) (by simp)",
            WitnessValue("α", "Type", "Nat"),
        ),
        replace(
            base,
            canonical=testing.canonical(3),
            parent="Nat.le_succ",
            statement=" (n m : Nat) (h : n ≤ m) : n ≤ m + 1",
            standing=Standing.proved,
            proof="by\n  omega",
            way="tactic",
        ),
    ]


def test_the_proofs_are_accepted_by_lean(lemma: Lemma, tmp_path: Path) -> None:
    with Store.open(tmp_path / "lemma.db") as store:
        add_conjectures(store, library(), real())
    assert lemma("export", "counterexample", "--per-file", "2", "--out", "out").code == 0
    files = sorted((tmp_path / "out" / "Conjectures").iterdir())
    assert [path.name for path in files] == ["Part00000.lean", "Part00001.lean"]
    run = lemma("lean", "run", *files)
    assert run.code == 0, run.out + run.err
    assert "warning" not in run.out
    wrong = files[0].read_text().replace("(1 : Nat) (0 : Nat)", "(0 : Nat) (0 : Nat)")
    files[0].write_text(wrong)
    assert lemma("lean", "run", files[0]).code == 1
