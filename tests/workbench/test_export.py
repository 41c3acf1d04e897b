"""`lemma export` on a real store: what is written loads back, is the same every time, and is never half there."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from db.records import Mutant, MutationKind, MutationStep
from db.store import Store
from tests.db.export.samples import digest, library
from tests.db.export.stores import add_project, add_run, make_store, numbered
from workbench.testing import Lemma

FORMATS = ("jsonl", "parquet", "lean", "cpt", "sft", "leandojo")
HELD_OUT = "thm_3"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("store") / "lemma.db")


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stored(store: Path) -> list[Mutant]:
    with Store.open(store, create=False) as opened:
        return list(opened.mutants())


def test_every_mutant_comes_out_of_jsonl_as_it_is_in_the_store(filled: Path, lemma: Lemma, tmp_path: Path) -> None:
    run = lemma("export", "jsonl", "--store", filled, "--out", "out")
    assert run.code == 0
    rows = rows_of(tmp_path / "out" / "mutants.jsonl")
    again = [
        Mutant(
            row["canonical"],
            row["parent"],
            tuple(MutationStep(**{**step, "kind": MutationKind(step["kind"])}) for step in row["lineage"]),
            row["statement"],
            row["proof"],
            tuple(row["marks"]),
            row["size"],
        )
        for row in rows
    ]
    mutants = stored(filled)
    assert again == mutants
    assert [row["name"] for row in rows] == [mutant.name for mutant in mutants]
    assert {tuple(row["imports"]) for row in rows[:300]} == {("Init",)}
    assert {tuple(row["imports"]) for row in rows[300:]} == {("Proj",)}


def test_parquet_has_the_rows_of_jsonl_in_typed_columns(filled: Path, lemma: Lemma, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    for name in ("jsonl", "parquet"):
        assert lemma("export", name, "--store", filled, "--out", name).code == 0
    table = pq.read_table(tmp_path / "parquet" / "mutants.parquet")
    assert table.to_pylist() == rows_of(tmp_path / "jsonl" / "mutants.jsonl")
    assert table.schema.field("depth").type == pa.int32()
    assert table.schema.field("marks").type == pa.list_(pa.string())
    assert [field.name for field in table.schema.field("lineage").type.value_type] == [
        *("kind", "place", "lemma", "reverse", "detail")
    ]


def test_parquet_without_pyarrow_tells_the_cure(
    filled: Path, lemma: Lemma, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "pyarrow.py").write_text("raise ImportError('hidden')")
    monkeypatch.setenv("PYTHONPATH", str(hidden))
    run = lemma("export", "parquet", "--store", filled, "--out", "out")
    assert (run.code, run.out) == (2, "")
    assert "pip install 'lemmaforge[export]'" in run.err
    assert not (tmp_path / "out").exists()


def test_pre_training_text_has_all_declarations_but_those_held_out(filled: Path, lemma: Lemma, tmp_path: Path) -> None:
    assert lemma("export", "cpt", "--store", filled, "--out", "json", "--shard", "150").code == 0
    assert lemma("export", "cpt", "--store", filled, "--out", "text", "--plain").code == 0
    files = sorted((tmp_path / "json").glob("*.jsonl"))
    assert [path.name for path in files] == ["cpt-00000.jsonl", "cpt-00001.jsonl", "cpt-00002.jsonl"]
    assert [len(rows_of(path)) for path in files] == [150, 150, 137]
    texts = [row["text"] for path in files for row in rows_of(path)]
    assert "\n\n".join(texts) + "\n\n" == (tmp_path / "text" / "cpt-00000.txt").read_text()
    assert texts[-400:] == [mutant.declaration for mutant in stored(filled)]
    assert not any(text.startswith(f"theorem {HELD_OUT} ") for text in texts)
    card = json.loads((tmp_path / "json" / "card.json").read_text())
    assert card["held_out"] == [HELD_OUT]
    assert card["left_out"] == {
        "traced theorems that were held out": 1,
        "traced theorems without source text": 1,
        "traced theorems that are fields of structures": 1,
    }


@pytest.mark.parametrize("layout", ["plain", "alpaca", "sharegpt"])
def test_pairs_of_both_kinds_are_exported(layout: str, filled: Path, lemma: Lemma, tmp_path: Path) -> None:
    assert lemma("export", "sft", "--store", filled, "--format", layout, "--out", "out").code == 0
    tactics = rows_of(tmp_path / "out" / "tactics.jsonl")
    proofs = rows_of(tmp_path / "out" / "proofs.jsonl")
    # Of 40 theorems 8 have no tactics, one is held out; each of the others has three tactics that begin with a goal.
    assert (len(tactics), len(proofs)) == (93, 437)
    keys = {
        "plain": {"prompt", "completion", "theorem", "state_after"},
        "alpaca": {"instruction", "input", "output"},
        "sharegpt": {"conversations"},
    }[layout]
    assert {key for row in tactics for key in row} == keys
    assert not any(row.get("theorem") == HELD_OUT for row in (*tactics, *proofs))


def test_reprover_prompts_are_for_tactics_alone(filled: Path, lemma: Lemma, tmp_path: Path) -> None:
    assert lemma("export", "sft", "--store", filled, "--format", "reprover", "--out", "out").code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["CARD.md", "card.json", "tactics.jsonl"]
    assert all(row["prompt"].startswith("[GOAL]\n") for row in rows_of(tmp_path / "out" / "tactics.jsonl"))
    run = lemma("export", "sft", "--store", filled, "--format", "reprover", "--pairs", "proofs", "--out", "other")
    assert run.code == 2
    assert "for tactics alone" in run.err


def test_the_benchmark_has_the_layout_and_the_types_of_leandojos(filled: Path, lemma: Lemma, tmp_path: Path) -> None:
    assert lemma("export", "leandojo", "--store", filled, "--val", "5", "--test", "15%", "--out", "out").code == 0
    out = tmp_path / "out"
    corpus = rows_of(out / "corpus.jsonl")
    assert [file["path"] for file in corpus][1:] == ["Proj/Basic.lean", "Proj/Main.lean", "Proj.lean"]
    known: set[str] = set()
    for file in corpus:
        assert set(file) == {"path", "imports", "premises"}
        assert set(file["imports"]) <= known
        known.add(file["path"])
        for premise in file["premises"]:
            assert set(premise) == {"full_name", "code", "start", "end", "kind"}
            assert all(isinstance(premise[key], str) for key in ("full_name", "code", "kind"))
            assert_place(premise["start"])
            assert_place(premise["end"])
    metadata = json.loads((out / "metadata.json").read_text())
    assert set(metadata) >= {"dataset_name", "creation_time", "from_repo", "leandojo_version"}
    assert set(metadata["from_repo"]) == {"url", "commit"}
    for strategy in ("random", "novel_premises"):
        parts = {name: json.loads((out / strategy / f"{name}.json").read_text()) for name in ("train", "val", "test")}
        assert (len(parts["val"]), len(parts["test"]) >= 5) == (5, True)
        names = [theorem["full_name"] for part in parts.values() for theorem in part]
        assert sorted(names) == sorted(f"thm_{number}" for number in range(40) if number != 8)
        for theorem in (theorem for part in parts.values() for theorem in part):
            assert_traced(theorem, known)


def test_the_benchmark_brings_the_license_of_the_project_along(lemma: Lemma, tmp_path: Path) -> None:
    project = tmp_path / "proj"
    project.mkdir()
    with Store.open(tmp_path / "lemma.db") as store:
        add_project(store, lib=library("proj", root=str(project), imports=("Proj",)))
    sizes = ("--val", "2", "--test", "2")

    assert lemma("export", "leandojo", *sizes, "--out", "without").code == 0
    (project / "LICENSE.txt").write_text("do as you like\n", encoding="utf-8")
    assert lemma("export", "leandojo", *sizes, "--out", "with").code == 0

    assert [path.name for path in (tmp_path / "without/licenses").iterdir()] == ["README.md"]
    assert "no license file" in (tmp_path / "without/licenses/README.md").read_text()
    assert (tmp_path / "with/licenses/proj").read_text() == "do as you like\n"
    assert "is the license of proj" in (tmp_path / "with/licenses/README.md").read_text()


def assert_traced(theorem: dict[str, Any], paths: set[str]) -> None:
    assert set(theorem) == {"url", "commit", "file_path", "full_name", "start", "end", "traced_tactics"}
    assert all(isinstance(theorem[key], str) for key in ("url", "commit", "file_path", "full_name"))
    assert theorem["file_path"] in paths
    assert_place(theorem["start"])
    assert_place(theorem["end"])
    for tactic in theorem["traced_tactics"]:
        assert set(tactic) == {"tactic", "annotated_tactic", "state_before", "state_after"}
        assert tactic["state_before"] != "no goals"
        assert "·" not in tactic["tactic"]
        text, provenances = tactic["annotated_tactic"]
        assert re.sub(r"</?a>", "", text) == tactic["tactic"]
        assert text.count("<a>") == len(provenances)
        for provenance in provenances:
            assert set(provenance) == {"full_name", "def_path", "def_pos", "def_end_pos"}
            assert provenance["def_path"] in paths
            assert_place(provenance["def_pos"])


def assert_place(place: Any) -> None:
    assert isinstance(place, list)
    assert len(place) == 2
    assert all(isinstance(number, int) and number >= 1 for number in place)


def test_each_test_theorem_uses_a_premise_that_training_never_saw(filled: Path, lemma: Lemma, tmp_path: Path) -> None:
    assert lemma("export", "leandojo", "--store", filled, "--val", "4", "--test", "4", "--out", "out").code == 0
    with Store.open(filled, create=False) as store:
        [project] = [lib for lib in store.libraries() if lib.name == "proj"]
        premises = {theorem.name: set(theorem.constants) for theorem in store.theorems(project.digest)}
        for theorem, steps in store.steps(project.digest):
            premises[theorem.name] |= {use.name for step in steps for use in step.premises}
    parts = {
        name: [t["full_name"] for t in json.loads((tmp_path / f"out/novel_premises/{name}.json").read_text())]
        for name in ("train", "val", "test")
    }
    seen = set().union(*(premises[name] for name in parts["train"]))
    assert parts["val"]
    assert parts["test"]
    assert all(premises[name] - seen for name in (*parts["val"], *parts["test"]))


@pytest.mark.parametrize("name", FORMATS)
def test_equal_stores_and_options_give_equal_bytes(name: str, lemma: Lemma, tmp_path: Path) -> None:
    options = [] if name == "leandojo" else ["--sample", "120", "--seed", "5"]
    for copy in ("a", "b"):
        (tmp_path / copy).mkdir()
        make_store(tmp_path / copy / "lemma.db")
        run = lemma("export", name, "--store", tmp_path / copy / "lemma.db", "--out", f"{copy}/out", *options)
        assert run.code == 0
    first = content(tmp_path / "a" / "out")
    assert first == content(tmp_path / "b" / "out")
    assert str(tmp_path).encode() not in b"".join(first.values())
    if name != "leandojo":
        lemma("export", name, "--store", "a/lemma.db", "--out", "other", "--sample", "120", "--seed", "6")
        assert content(tmp_path / "other") != first


@pytest.mark.parametrize("name", FORMATS)
def test_the_card_tells_counts_hashes_and_how_to_make_it_again(
    name: str, filled: Path, lemma: Lemma, tmp_path: Path
) -> None:
    run = lemma("export", name, "--store", filled, "--out", "out", "--json")
    told = run.json()
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert told == {"out": "out", **card}
    for file in card["files"]:
        data = (tmp_path / "out" / file["name"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    prose = (tmp_path / "out" / "CARD.md").read_text()
    assert all(file["sha256"] in prose for file in card["files"])
    if name != "leandojo":
        assert card["mutants"]["total"] == 400
        for table in ("by_kind", "by_depth"):
            assert sum(card["mutants"][table].values()) == 400
        assert [entry["config"] for entry in card["runs"]] == [
            {"seed": 11, "holdout": []},
            {"seed": 11, "holdout": [HELD_OUT]},
        ]
        assert "Theorems that the runs held out: 1 (`thm_3`)" in prose
    before = content(tmp_path / "out")
    again = card["command"].replace("STORE", str(filled)).replace("OUT", "again").split()
    assert lemma(*again[1:]).code == 0
    assert content(tmp_path / "again") == before


def test_a_mutant_of_a_held_out_theorem_is_told(lemma: Lemma, tmp_path: Path) -> None:
    with Store.open(tmp_path / "lemma.db") as store:
        add_run(store, library(), numbered(0, 50), holdout=("Nat.parent_1",))
    run = lemma("export", "jsonl")
    assert run.code == 0
    assert "warning: 25 mutants have to do with theorems that a run held out" in run.err
    assert json.loads((tmp_path / "exports/jsonl/card.json").read_text())["mutants_of_held_out"] == 25


@pytest.mark.parametrize(
    ("options", "passes"),
    [
        (["--kind", "rw"], lambda m: m.kind == "rw"),
        (["--kind", "rw", "--kind", "apply"], lambda m: m.kind in {"rw", "apply"}),
        (["--depth", "2"], lambda m: m.depth == 2),
        (["--with", "side-goals"], lambda m: "side-goals" in m.marks),
        (["--without", "trivial:simp", "--without", "trivial:omega"], lambda m: not m.marks),
        (
            ["--kind", "unfold", "--depth", "1", "--without", "trivial:simp"],
            lambda m: m.kind == "unfold" and m.depth == 1 and "trivial:simp" not in m.marks,
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_filters_choose_mutants(options: list[str], passes: Any, filled: Path, lemma: Lemma, tmp_path: Path) -> None:
    assert lemma("export", "jsonl", "--store", filled, "--out", "out", *options).code == 0
    names = [row["name"] for row in rows_of(tmp_path / "out" / "mutants.jsonl")]
    assert names == [mutant.name for mutant in stored(filled) if passes(mutant)]
    assert names


def test_runs_limits_and_samples_choose_mutants(filled: Path, lemma: Lemma, tmp_path: Path) -> None:
    names = [mutant.name for mutant in stored(filled)]

    def exported(out: str, *options: str) -> list[str]:
        assert lemma("export", "jsonl", "--store", filled, "--out", out, *options).code == 0
        return [row["name"] for row in rows_of(tmp_path / out / "mutants.jsonl")]

    assert exported("run", "--run", "2") == names[300:]
    assert exported("limit", "--limit", "310") == names[:310]
    sample = exported("sample", "--sample", "150", "--seed", "4")
    assert len(sample) == 150
    assert [name for name in names if name in set(sample)] == sample
    assert exported("all", "--sample", "1000") == names


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("make", "complaint"),
    [(False, "no store"), (True, "lemma mutate run|lemma trace")],
    ids=["missing store", "empty store"],
)
def test_a_store_without_what_is_wanted_is_refused(
    name: str, make: bool, complaint: str, lemma: Lemma, tmp_path: Path
) -> None:
    if make:
        Store.open(tmp_path / "lemma.db").close()
    run = lemma("export", name)
    assert (run.code, run.out) == (2, "")
    assert re.search(complaint, run.err, re.IGNORECASE), run.err
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("lemma.db")) == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["jsonl", "--run", "99"], "99"),
        (["jsonl", "--run", "3"], "makes no mutants"),
        (["jsonl", "--kind", "rewrite"], "--kind is 'rewrite'; give one of rw, apply"),
        (["jsonl", "--limit", "3", "--sample", "3"], "exclude each other"),
        (["jsonl", "--with", "no-such-mark"], "loosen"),
        (["sft", "--format", "chatml"], "--format is 'chatml'; give one of plain"),
        (["sft", "--pairs", "both"], "--pairs is 'both'"),
        (["cpt", "--content", "none"], "--content is 'none'"),
        (["cpt", "--library", "Mathlib"], "No library is called 'Mathlib'"),
        (["leandojo", "--library", "Init"], "trace the folder of a project"),
        (["leandojo", "--val", "ten"], "'ten' is no size of a split"),
        (["leandojo", "--val", "20", "--test", "20"], "leave none of 39 to train on"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_named_with_its_cure(arguments: list[str], complaint: str, lemma: Lemma, tmp_path: Path) -> None:
    store = make_store(tmp_path / "lemma.db", mutants=50)
    with Store.open(store) as opened:
        add_run(opened, library(), [], command="trace")
    run = lemma("export", *arguments)
    assert (run.code, run.out) == (2, "")
    assert complaint in run.err
    assert not (tmp_path / "exports").exists() or list((tmp_path / "exports").iterdir()) == []


def test_an_export_is_not_written_over_another(filled: Path, lemma: Lemma, tmp_path: Path) -> None:
    arguments = ["export", "jsonl", "--store", str(filled), "--out", "out"]
    assert lemma(*arguments).code == 0
    run = lemma(*arguments, "--kind", "rw")
    assert run.code == 2
    assert "--force" in run.err
    assert len(rows_of(tmp_path / "out" / "mutants.jsonl")) == 400
    assert lemma(*arguments, "--kind", "rw", "--force").code == 0
    assert len(rows_of(tmp_path / "out" / "mutants.jsonl")) < 60


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_export_leaves_no_half_data_set(stop: signal.Signals, lemma: Lemma, tmp_path: Path) -> None:
    with Store.open(tmp_path / "lemma.db") as store:
        add_run(store, library(), numbered(0, 30_000))
    argv = [str(lemma.path), "export", "jsonl", "--out", "out"]
    with subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as command:
        draft = tmp_path / ".out.partial" / "mutants.jsonl"
        end = time.monotonic() + 60
        while not (draft.exists() and draft.stat().st_size > 100_000) and time.monotonic() < end:
            time.sleep(0.002)
        command.send_signal(stop)
        out, err = command.communicate(timeout=30)
    assert command.returncode == (130 if stop == signal.SIGINT else -stop), err
    assert "Traceback" not in err
    assert out == ""
    assert not (tmp_path / "out").exists()
    assert (tmp_path / ".out.partial").exists() == (stop == signal.SIGKILL)
    assert lemma("export", "jsonl", "--out", "out").code == 0
    assert len(rows_of(tmp_path / "out" / "mutants.jsonl")) == 30_000
    assert not (tmp_path / ".out.partial").exists()


def test_mutants_as_lean_files_are_accepted_by_lean(lemma: Lemma, tmp_path: Path) -> None:
    step = (MutationStep(MutationKind.symmetry, "⊢"),)
    sums = [
        Mutant(
            digest(str(n))[:32], "Nat.add_comm", step, f" (a : Nat) : {n} + a = a + {n}", "by\n  exact Nat.add_comm .."
        )
        for n in range(7)
    ]
    with Store.open(tmp_path / "lemma.db") as store:
        add_run(store, library(), sums)
    assert lemma("export", "lean", "--per-file", "3", "--out", "out").code == 0
    files = sorted((tmp_path / "out" / "Mutants").iterdir())
    assert [path.name for path in files] == ["Part00000.lean", "Part00001.lean", "Part00002.lean"]
    assert sum(path.read_text().count("theorem Nat.add_comm.mutant_") for path in files) == 7
    run = lemma("lean", "run", *files)
    assert run.code == 0, run.out + run.err
    assert lemma("lean", "build", "out").code == 0


MEASURED = """
import resource, sys
from workbench.cli.app import app
try:
    app(sys.argv[1:], standalone_mode=True)
except SystemExit as end:
    assert not end.code, end.code
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_mutants(lemma: Lemma, tmp_path: Path) -> None:
    with Store.open(tmp_path / "lemma.db") as store:
        for part in range(5):
            add_run(store, library(), numbered(12_000 * part, 12_000))

    def peak(name: str, *options: str) -> float:
        arguments = ["export", name, "--out", f"{name}{len(options)}", *options]
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return int(done.stdout.splitlines()[-1]) / 1024

    for name in ("jsonl", "parquet", "cpt", "sft", "lean"):
        # A sample is taken from all rows, so that SQLite's page cache of 64 MiB is as full as for the whole.
        small, large = peak(name, "--sample", "12000"), peak(name)
        assert json.loads((tmp_path / f"{name}0" / "card.json").read_text())["mutants"]["total"] == 60_000
        assert large - small < 8, (name, small, large)
        if name == "jsonl":
            assert large - peak(name, "--limit", "3000", "--force") < 64 + 20


def test_the_store_of_a_data_set_is_not_changed(filled: Path, lemma: Lemma) -> None:
    before = hashlib.sha256(filled.read_bytes()).hexdigest()
    for name in FORMATS:
        assert lemma("export", name, "--store", filled).code == 0
    assert hashlib.sha256(filled.read_bytes()).hexdigest() == before


def test_a_project_alone_can_be_exported(lemma: Lemma, tmp_path: Path) -> None:
    with Store.open(tmp_path / "lemma.db") as store:
        add_project(store)
    for name in ("cpt", "sft", "leandojo"):
        assert lemma("export", name).code == 0
    assert lemma("export", "jsonl").code == 2
