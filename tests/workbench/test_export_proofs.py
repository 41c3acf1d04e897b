"""`lemma export proofs`: what a benchmark proved becomes Lean files, and these become training pairs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from db.records import Attempt, Outcome, Task
from db.store import Store
from prover.judge import Statement
from tests.db.export.samples import library
from workbench.testing import Lemma

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

SQUARE = "def sq (n : Nat) : Nat := n * n\n\n"
FIRST = "theorem sq_one : sq 1 = 1 := by sorry"
SECOND = "theorem sq_two : sq 2 = 4 := by\n  sorry"


def task(header: str, statement: str, name: str = "t") -> Task:
    return Task(Statement(statement, header).hash, statement, header, name)


def restated(name: str, signature: str) -> Task:
    """A theorem of a library, as `lemma bench run` states it."""
    return task(f"import Init\nattribute [-simp] {name}\n", f"theorem {name}.restated{signature} := by sorry", name)


NIL = restated("List.append_nil", ".{u} {α : Type u} (l : List α) : l ++ [] = l")
PROVED = {
    NIL: ["by\n  induction l\n  · rfl\n  · simp [*]", "by\n  induction l <;> simp_all"],
    # Its name is short for `List.append_assoc` in the namespace that the name of the statement opens.
    restated("List.nil_append", " (k l : List Nat) : k ++ l ++ [] = k ++ (l ++ [])"): ["by\n  rw [append_assoc]"],
    restated("List.append_nil", " (l : List Nat) : l ++ [] = l"): ["by\n  exact List.append_nil l"],
    task("import Init\nopen Nat (succ_le_of_lt)\n", "theorem t (a b : Nat) (h : a < b) : a + 1 ≤ b := by sorry"): [
        "by\n  exact succ_le_of_lt h"
    ],
    task("import Init\n", "theorem u : ∀ n : Nat, 0 + n = n := by sorry"): ["| 0 => rfl\n  | n + 1 => by omega"],
    task(SQUARE, FIRST): ["by\n  rfl"],
    task(f"{SQUARE}{FIRST}\n\n", SECOND): ["by\n  decide"],
    task("def sq (n : Nat) : Nat := n ^ 2\n", FIRST): ["by\n  simp [sq]"],
    restated("Nat.succ_pos", " : ∀ {n : Nat}, 0 < n + 1"): ["by\n  intro n\n  exact Nat.succ_pos n"],
}


def add_bench(store: Store, proved: Mapping[Task, list[str]], without: Mapping[str, list[str]] | None = None) -> int:
    """A run that proved these tasks, and failed and refuted as well."""
    store.save_library(library())
    config = {"generator": "rules", "search": "best-first", "without": without or {}}
    run = store.start_run("bench", config, library().digest, library().toolchain, [], NOON).id
    for one, proofs in proved.items():
        store.save_task(one)
        for at, proof in enumerate(proofs):
            store.save_attempt(Attempt(one.digest, Outcome.proved, NOON + timedelta(seconds=at), proof, run=run))
        store.save_attempt(Attempt(one.digest, Outcome.failed, NOON, run=run))
    false = task("", "theorem t : 1 = 2 := by sorry")
    store.save_task(false)
    store.save_attempt(Attempt(false.digest, Outcome.refuted, NOON, verdict={"refutation": {"proof": "x"}}, run=run))
    return run


def test_what_was_proved_is_traced_and_gives_pairs(lemma: Lemma, tmp_path: Path) -> None:
    with Store.open(tmp_path / "lemma.db") as store:
        add_bench(store, PROVED)
    exported = lemma("export", "proofs", "--out", "found", "--json")
    assert exported.code == 0, exported.err
    card = exported.json()
    assert card["counts"] == {"proofs": 9, "attempts of the runs": 20, "accepted attempts": 10}
    assert card["left_out"] == {"further accepted attempts at the same tasks": 1}
    assert "generator `rules`" in (tmp_path / "found" / "CARD.md").read_text()
    again = card["command"].replace("STORE", "lemma.db").replace("OUT", "again").split()
    assert lemma(*again[1:]).code == 0
    for file in card["files"]:
        assert (tmp_path / "again" / file["name"]).read_bytes() == (tmp_path / "found" / file["name"]).read_bytes()

    traced = lemma("trace", "found", "--json")
    assert traced.code == 0, traced.out + traced.err
    assert lemma("export", "sft", "--pairs", "tactics", "--library", "found", "--out", "sft").code == 0
    rows = [json.loads(line) for line in (tmp_path / "sft" / "tactics.jsonl").read_text().splitlines()]
    pairs = {(row["theorem"], row["prompt"].rpartition("⊢ ")[2], row["completion"]) for row in rows}
    assert {
        ("List.append_nil.restated", "l ++ [] = l", "induction l <;> simp_all"),
        ("List.append_nil.restated", "l ++ [] = l", "exact List.append_nil l"),
        ("List.nil_append.restated", "k ++ l ++ [] = k ++ (l ++ [])", "rw [append_assoc]"),
        ("Nat.succ_pos.restated", "∀ {n : Nat}, 0 < n + 1", "intro n"),
        ("t", "a + 1 ≤ b", "exact succ_le_of_lt h"),
        ("sq_one", "sq 1 = 1", "rfl"),
        ("sq_one", "sq 1 = 1", "simp [sq]"),
        ("sq_two", "sq 2 = 4", "decide"),
    } <= pairs


def test_theorems_of_one_lean_file_are_one_file_again(lemma: Lemma, tmp_path: Path) -> None:
    with Store.open(tmp_path / "lemma.db") as store:
        add_bench(store, {task(SQUARE, FIRST): ["by\n  rfl"], task(f"{SQUARE}{FIRST}\n\n", SECOND): ["by\n  decide"]})
    assert lemma("export", "proofs", "--out", "found").code == 0
    [file] = (tmp_path / "found" / "Found").iterdir()
    assert (
        file.read_text()
        == f"{SQUARE}theorem sq_one : sq 1 = 1 := by\n  rfl\n\ntheorem sq_two : sq 2 = 4 := by\n  decide\n"
    )


def test_what_has_to_do_with_a_held_out_theorem_stays_away(lemma: Lemma, tmp_path: Path) -> None:
    twin = restated("List.append_nil'", " (l : List Nat) : l ++ [] = l")
    mentioning = restated("List.foo", " (l : List Nat) : l ++ [] = l")
    clean = restated("Nat.zero_le", " (n : Nat) : 0 ≤ n")
    proved = {
        NIL: ["by\n  simp"],
        twin: ["by\n  simp"],
        mentioning: ["by\n  exact append_nil l"],
        clean: ["by\n  simp"],
    }
    with Store.open(tmp_path / "lemma.db") as store:
        add_bench(store, proved, {twin.digest: ["List.append_nil", "List.append_nil'"]})
        add_bench(store, {})
    (tmp_path / "test.txt").write_text("List.append_nil  # of the test set\n")
    exported = lemma("export", "proofs", "--run", "1", "--holdout", "test.txt", "--out", "found", "--json")
    assert exported.code == 0, exported.err
    card = exported.json()
    assert card["left_out"] == {
        "proofs of theorems that are held out, or that state the same as one": 2,
        "proofs that mention a theorem that is held out, or whose task does": 1,
    }
    assert (card["rows"], card["held_out"]) == (1, ["List.append_nil"])
    assert "append_nil" not in (tmp_path / "found" / "Found" / "Part00000.lean").read_text()
    assert "`List.append_nil`" in (tmp_path / "found" / "CARD.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "no run of `lemma bench run` proved anything"),
        (["--run", "9"], "9"),
        (["--run", "2"], "makes no proofs; name one of `lemma bench run`"),
        (["--holdout", "missing.txt"], "missing.txt cannot be read"),
        (["--store", "missing.db"], "missing.db"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_named_with_its_cure(arguments: list[str], complaint: str, lemma: Lemma, tmp_path: Path) -> None:
    with Store.open(tmp_path / "lemma.db") as store:
        add_bench(store, {})
        store.start_run("mutate", {}, library().digest, library().toolchain, [], NOON)
    run = lemma("export", "proofs", *arguments)
    assert (run.code, run.out) == (2, "")
    assert complaint in run.err
    assert not (tmp_path / "exports").exists()
