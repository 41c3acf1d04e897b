from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from db.errors import StoreError
from db.records import Library, Premise, TacticStep, Theorem
from db.store import Store
from lean_bridge.client import LeanServer
from lean_bridge.errors import RequestFailed
from lean_bridge.lakefile import read_project
from lean_bridge.toolchain import Toolchain
from lean_bridge.toolchain.embedded import EmbeddedToolchain
from lean_bridge.toolchain.modules import SourceModule
from lean_bridge.workspace import Scope, read_workspace
from workbench.cli.app import exit_code, explained
from workbench.replaying import replay
from workbench.testing import Lemma
from workbench.tracing import library_plans

MODULES = ["Algebra.Group", "Algebra.Logic", "Algebra.Sum", "Algebra.Sequence", "Algebra.Tree", "Algebra"]

Records = dict[str, tuple[list[Theorem], list[Premise], list[TacticStep]]]


def stored(path: Path, library: Library | None = None) -> Records:
    """All that a store holds of a library, by module."""
    with Store.open(path, create=False) as store:
        library = library or store.libraries()[-1]
        found: Records = {module.name: ([], [], []) for module in store.modules(library.digest)}
        for theorem in store.theorems(library.digest):
            found[theorem.module][0].append(theorem)
        for premise in store.premises(library.digest):
            found[premise.module][1].append(premise)
        for theorem, steps in store.steps(library.digest):
            found[theorem.module][2].extend(steps)
    return found


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def project(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("projects") / "algebra_project"
    shutil.copytree(repository / "examples/algebra_project", folder, ignore=shutil.ignore_patterns(".lake"))
    return folder


@pytest.fixture(scope="module")
def whole(project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The store of an unbroken run over the example project, and its report."""
    path = tmp_path_factory.mktemp("stores") / "whole.db"
    done = Lemma(path.parent)(
        "trace", os.path.relpath(project, path.parent), "--store", path, "--workers", "2", "--json"
    )
    assert done.code == 0, done.out + done.err
    [report] = done.json()["libraries"]
    return path, report


@pytest.fixture(scope="module")
async def project_server(project: Path, whole: tuple[Path, Any], toolchain: Toolchain) -> AsyncIterator[LeanServer]:
    assert whole
    assert isinstance(toolchain, EmbeddedToolchain)
    finding = replace(toolchain, libraries=(read_project(project).output,))
    async with await LeanServer.start(finding) as server:
        yield server


@pytest.fixture(scope="module")
def sources(project: Path) -> dict[str, SourceModule]:
    return dict(read_workspace(project, Scope()).sources().modules)


def test_a_project_is_traced_with_all_its_theorems(project: Path, whole: tuple[Path, Any]) -> None:
    path, report = whole
    assert report["traced"] == [name for name in MODULES if name in report["traced"]]
    assert sorted(report["traced"]) == sorted(MODULES)
    assert (report["unchanged"], report["failed"], report["unprinted"]) == ([], [], [])
    with Store.open(path, create=False) as store:
        [library] = store.libraries()
        assert (library.name, library.imports, library.root) == ("algebra_project", ("Algebra",), str(project))
        modules = {module.name: module for module in store.modules(library.digest)}
        proved = [theorem.name for theorem, steps in store.steps(library.digest) if steps]
    assert modules["Algebra.Tree"].imports == ("Algebra.Sum", "Algebra.Sequence")
    assert modules["Algebra.Tree"].path == "Algebra/Tree.lean"
    assert len(proved) >= 60
    assert report["theorems"] == sum(len(theorems) for theorems, _, _ in stored(path).values())
    assert report["steps"] == sum(len(steps) for _, _, steps in stored(path).values()) > 300


def test_places_point_at_the_text_that_is_stored(whole: tuple[Path, Any], sources: dict[str, SourceModule]) -> None:
    checked = 0
    for module, (theorems, _, steps) in stored(whole[0]).items():
        lines = sources[module].text.decode().split("\n")
        records: list[Theorem | TacticStep] = [*theorems, *steps]
        for record in records:
            assert record.span is not None
            start, end = record.span.start, record.span.end
            [*first, last] = lines[start.line - 1 : end.line]
            text = "\n".join([*first, last[: end.column]])[start.column :]
            kept = record.code if isinstance(record, Theorem) else record.tactic
            assert kept is not None
            assert [line.strip() for line in text.split("\n")] == [line.strip() for line in kept.split("\n")]
            checked += 1
        for step in steps:
            for use in step.premises:
                written = step.tactic[use.start : use.end]
                assert use.name.endswith(written.removeprefix(".")) or written in ("1", "2")  # `h.1` is `And.left h`
    assert checked > 400


def test_premises_lead_to_the_declarations_of_the_project(whole: tuple[Path, Any]) -> None:
    records = stored(whole[0])
    declared = {(premise.module, premise.name): premise for _, premises, _ in records.values() for premise in premises}
    uses = [use for _, _, steps in records.values() for step in steps for use in step.premises]
    own = [use for use in uses if use.module in MODULES]
    assert {"Algebra.gauss", "Algebra.Group.mul_left_cancel", "Algebra.sum_congr"} <= {use.name for use in own}
    for use in own:
        premise = declared[use.module, use.name]
        assert use.defined is not None
        assert premise.span.start <= use.defined.start < use.defined.end <= premise.span.end
    assert "Nat.mul_comm" in {use.name for use in uses}


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES[:-1])
async def test_every_tactic_run_on_its_goals_leads_to_the_goals_after_it(
    module: str, whole: tuple[Path, Any], sources: dict[str, SourceModule], project_server: LeanServer
) -> None:
    _, _, steps = stored(whole[0])[module]
    assert len(steps) > 50
    assert not await replay(project_server, sources[module], steps)


@pytest.mark.slow
async def test_a_replay_finds_what_is_wrong(
    whole: tuple[Path, Any], sources: dict[str, SourceModule], project_server: LeanServer
) -> None:
    _, _, [first, second, third, fourth, *_] = stored(whole[0])["Algebra.Logic"]
    wrong = [
        replace(first, after="no goals"),
        replace(second, tactic="exact hp"),
        replace(third, before="⊢ False"),
        fourth,
    ]
    found = await replay(project_server, sources["Algebra.Logic"], wrong)
    assert [discrepancy.step for discrepancy in found] == wrong[:3]
    assert found[0].found == first.after
    assert found[1].found.startswith("tactic: ")
    assert found[2].found == "there is no such step in the file"


@pytest.mark.slow
def test_some_modules_of_a_project_are_traced_alone(
    project: Path, whole: tuple[Path, Any], lemma: Lemma, tmp_path: Path
) -> None:
    done = lemma("trace", project, "--target", "Algebra.Logic", "--store", tmp_path / "some.db", "--json")
    assert done.code == 0, done.out + done.err
    [report] = done.json()["libraries"]
    assert report["traced"] == ["Algebra.Logic"]
    assert stored(tmp_path / "some.db")["Algebra.Logic"] == stored(whole[0])["Algebra.Logic"]
    with Store.open(tmp_path / "some.db") as store:
        assert store.libraries()[-1].imports == ("Algebra.Logic",)


def test_only_what_changed_and_what_imports_it_is_traced_again(
    project: Path, whole: tuple[Path, Any], lemma: Lemma, tmp_path: Path
) -> None:
    path = tmp_path / "copy.db"
    shutil.copy(whole[0], path)
    [again] = lemma("trace", project, "--store", path, "--json").json()["libraries"]
    assert (again["traced"], sorted(again["unchanged"])) == ([], sorted(MODULES))

    edited = project.parent / "edited" / "algebra_project"
    shutil.copytree(project, edited)
    with Store.open(path) as store:  # the same project, had it always lain there
        [library] = store.libraries()
        moved = replace(library, root=str(edited), digest="0" * 64)
        store.save_library(moved)
        for module in store.modules(library.digest):
            kept = stored(path, library)[module.name]
            store.save_module(moved.digest, module, *kept)
    with (edited / "Algebra/Sequence.lean").open("a") as file:
        file.write("\ntheorem Algebra.one_more : 1 + 1 = 2 := by\n  rfl\n")
    [after] = lemma("trace", edited, "--store", path, "--json").json()["libraries"]
    assert sorted(after["traced"]) == ["Algebra", "Algebra.Sequence", "Algebra.Tree"]
    assert sorted(after["unchanged"]) == ["Algebra.Group", "Algebra.Logic", "Algebra.Sum"]
    old, new = stored(path, library), stored(path)
    assert {name: records == old[name] for name, records in new.items()} == {
        name: name != "Algebra.Sequence" for name in new
    }
    assert "Algebra.one_more" in {theorem.name for theorem in new["Algebra.Sequence"][0]}


@pytest.mark.slow
def test_a_run_that_was_stopped_again_and_again_goes_on_where_it_was(
    project: Path, whole: tuple[Path, Any], lemma: Lemma, tmp_path: Path
) -> None:
    path = tmp_path / "broken.db"
    command = [str(lemma.path), "trace", str(project), "--store", str(path)]
    done = 0
    for how, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            done = wait_for_modules(path, done + 1)
            process.send_signal(how)
            assert process.wait(30) == code
            assert process.stderr is not None
            assert "Traceback" not in process.stderr.read()
        assert 0 < done < len(MODULES)
    [report] = lemma("trace", project, "--store", path, "--json").json()["libraries"]
    assert len(report["unchanged"]) >= done
    assert len(report["unchanged"]) + len(report["traced"]) == len(MODULES)
    assert report["traced"]
    assert stored(path) == stored(whole[0])


def wait_for_modules(path: Path, count: int, seconds: float = 120.0) -> int:
    """Waits until a store holds so many modules, and says how many there are."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with Store.open(path, create=False) as store:
                for library in store.libraries():
                    if (done := len(store.traced_modules(library.digest))) >= count:
                        return done
        except StoreError:
            pass
        time.sleep(0.1)
    raise AssertionError("nothing was stored")


@pytest.mark.slow
def test_a_file_that_kills_lean_is_named_and_the_others_are_traced(lemma: Lemma, tmp_path: Path) -> None:
    folder = tmp_path / "deadly"
    # Lean can see the file while it compiles it; the process that traces has no business with the folder.
    deadly = (
        f'#eval show IO Unit from do unless ← System.FilePath.pathExists "{folder / "Deadly.lean"}" do IO.Process.exit 7\n'
        "theorem after_death : 1 = 1 := by rfl\n"
    )
    write_files(
        folder,
        {
            "Deadly.lean": deadly,
            "First.lean": "theorem first : 1 = 1 := by rfl\n",
            "Last.lean": "import First\nimport Deadly\ntheorem last : 2 = 2 := by exact rfl\n",
        },
    )
    done = lemma("trace", folder, "--store", "deadly.db", "--json")
    assert done.code == 3, done.out + done.err
    [report] = done.json()["libraries"]
    [failure] = report["failed"]
    assert (failure["module"], failure["crashed"]) == ("Deadly", True)
    assert "Lean process" in failure["message"]
    assert sorted(report["traced"]) == ["First", "Last"]
    assert {name: [t.name for t in records[0]] for name, records in stored(tmp_path / "deadly.db").items()} == {
        "First": ["first"],
        "Last": ["last"],
    }


@pytest.mark.slow
def test_a_module_that_does_not_build_is_named_with_what_lean_says(lemma: Lemma, tmp_path: Path) -> None:
    folder = write_files(
        tmp_path / "faulty",
        {
            "Fine.lean": "theorem fine : 1 = 1 := by rfl\n",
            "Faulty.lean": "theorem faulty : 1 = 2 := by rfl\n",
            "Needs.lean": "import Faulty\n",
        },
    )
    done = lemma("trace", folder, "--store", "faulty.db")
    assert done.code == 1, done.out + done.err
    assert "Faulty is not traced: it does not build" in done.out
    assert "Faulty.lean:1:29: error" in done.out
    assert "Needs is not traced: it imports Faulty" in done.out
    assert "1 modules traced, 0 unchanged, 2 failed" in done.out
    assert [theorem.name for theorem in stored(tmp_path / "faulty.db")["Fine"][0]] == ["fine"]


@pytest.mark.slow
def test_modules_of_the_library_are_traced_once(lemma: Lemma, tmp_path: Path) -> None:
    first = lemma("trace", "Init.Data.List.Nat", "Std.Data.HashSet.Basic", "--store", "library.db", "--json")
    assert first.code == 0, first.out + first.err
    init, std = first.json()["libraries"]
    assert (init["name"], std["name"], std["traced"]) == ("Init", "Std", ["Std.Data.HashSet.Basic"])
    assert "Init.Data.List.Nat.Basic" in init["traced"]
    with Store.open(tmp_path / "library.db") as store:
        library = next(library for library in store.libraries() if library.name == "Init")
        assert (library.imports, library.root) == (("Init",), None)
        theorems = list(store.theorems(library.digest))
    assert len(theorems) == init["theorems"] > 200
    assert {theorem.kind for theorem in theorems} == {"theorem"}
    more = ("Init.Data.List.Nat", "Init.Data.List.Count")
    [again] = lemma("trace", *more, "--store", "library.db", "--json").json()["libraries"]
    assert again["digest"] == init["digest"]
    assert sorted(again["unchanged"]) == sorted(init["traced"])
    assert again["traced"] == ["Init.Data.List.Count"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("no/such/folder",), "neither a folder nor a module"),
        (("Init..Core",), "neither a folder nor a module"),
        (("First.lean",), "neither a folder nor a module"),
        (("./empty",), "no Lean files"),
        (("Init.Core", "--store", "text.db"), "text.db"),
        (("Init.Core", "--store", "no/folder/lemma.db"), "no/folder"),
        (("Init.Core", "--target", "Init.Core"), "--target is for the folders of projects"),
        (("./one", "--target", "Two"), "no module Two in one, and none below it"),
    ],
)
def test_bad_input_ends_in_a_message(arguments: tuple[str, ...], complaint: str, lemma: Lemma, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_files(tmp_path, {"one/One.lean": ""})
    (tmp_path / "text.db").write_text("this is no store" * 100)
    done = lemma("trace", *arguments)
    assert done.code == 2, done.out + done.err
    assert done.err.startswith("error: ") or "\nerror: " in done.err
    assert complaint in done.err


async def test_an_unknown_module_is_named(server: LeanServer) -> None:
    with pytest.raises(RequestFailed) as refused:
        await library_plans(server, ["Init.Nonsense"])
    assert exit_code(refused.value) == 2
    assert "Init.Nonsense" in explained(refused.value)
