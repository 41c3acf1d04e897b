"""`--driver leandojo`: the same project traced by LeanDojo and by us, and proofs found in LeanDojo's sessions."""

from __future__ import annotations

import importlib.util
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from workbench.testing import Lemma

INSTALLED = importlib.util.find_spec("lean_dojo") is not None

needs_leandojo = pytest.mark.skipif(not INSTALLED, reason="LeanDojo is NOT tested: pip install 'lemmaforge[leandojo]'")

Tactic = tuple[str, str, str]

BEYOND_OURS = {
    # Parts of what runs its parts in a way of its own, which is one step to us.
    "Algebra.Tree.map_mirror": {"done", "rfl"},
    "Algebra.and_or_distrib": {"refine ⟨hp, ?_⟩"},
    "Algebra.map_append'": {"rw [List.cons_append]"},
    # What chooses a goal, which is no step to us.
    "Algebra.Tree.height_le_size": {"case leaf => exact Nat.le_refl 0"},
    "rooted": {"case left => exact hp", "next => exact hq"},
}
"""The tactics that only LeanDojo has, by theorem, but for those that the layout leaves out for their `·`."""

PRIVATE = {"A.B.five", "twice_one"}
"""Theorems that only LeanDojo has."""


def exported(lemma: Lemma, library: str, out: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Theorems by name and modules by path, as the benchmark's layout has them."""
    options = ("--url", "here", "--commit", "now", "--val", "0", "--test", "0")
    run = lemma("export", "leandojo", "--store", "both.db", "--library", library, "--out", out, *options)
    assert run.code == 0, run.err
    theorems = json.loads((lemma.folder / out / "random" / "train.json").read_text())
    modules = [json.loads(line) for line in (lemma.folder / out / "corpus.jsonl").read_text().splitlines()]
    return {theorem["full_name"]: theorem for theorem in theorems}, {module["path"]: module for module in modules}


def tactics(theorem: Mapping[str, Any]) -> dict[Tactic, list[Any]]:
    """The annotated form of each tactic."""
    return {
        (t["tactic"], t["state_before"], t["state_after"]): t["annotated_tactic"] for t in theorem["traced_tactics"]
    }


def without_projections(annotated: str) -> str:
    """As LeanDojo marks premises: not where they stand behind a dot, as in `l.map`."""
    return re.sub(r"(?<=[\w)'✝]\.)<a>([^<]*)</a>", r"\1", annotated)


@pytest.mark.leandojo
@pytest.mark.slow
@needs_leandojo
def test_leandojo_traces_what_we_trace_but_for_the_differences_that_the_docs_list(
    lemma: Lemma, repository: Path
) -> None:
    syntax = repository / "tests" / "lean_bridge" / "dojo_project"
    for folder in (repository / "examples" / "algebra_project", syntax):
        for driver in ("leandojo", "server"):
            run = lemma("trace", folder, "--driver", driver, "--store", "both.db")
            assert run.code == 0, run.err
        ours, our_modules = exported(lemma, folder.name, Path(f"{folder.name}-ours"))
        theirs, their_modules = exported(lemma, f"{folder.name}@leandojo", Path(f"{folder.name}-theirs"))
        assert theirs.keys() - ours.keys() == PRIVATE & theirs.keys()
        assert ours.keys() <= theirs.keys()
        for name, theorem in ours.items():
            compare_theorems(name, theorem, theirs[name])
        assert list(our_modules) == list(their_modules)
        for path, module in our_modules.items():
            compare_modules(module, their_modules[path])


def compare_theorems(name: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    for field in ("url", "commit", "file_path", "full_name", "start", "end"):
        assert ours[field] == theirs[field], (name, field)
    own, other = tactics(ours), tactics(theirs)
    assert own.keys() <= other.keys(), name
    assert {tactic for tactic, _, _ in other.keys() - own.keys()} == BEYOND_OURS.get(name, set()), name
    for tactic, (annotated, premises) in own.items():
        assert without_projections(annotated) == other[tactic][0]
        assert all(premise in premises for premise in other[tactic][1])


def compare_modules(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    assert ours["imports"] == theirs["imports"]
    own, other = ({premise["full_name"]: premise for premise in m["premises"]} for m in (ours, theirs))
    assert other.keys() - own.keys() == PRIVATE & other.keys()
    for name in other.keys() & own.keys():
        # LeanDojo takes `--` for a comment wherever it stands.
        assert own[name] == other[name] or name == "string_with_dashes"


@pytest.mark.leandojo
@pytest.mark.slow
@needs_leandojo
def test_leandojo_runs_over_the_lean_that_is_on_path(
    lemma: Lemma, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Commands that look like elan's: what a native Lean is asked for here is what the shims answer.
    assert lemma("lean", "shims", "bin").code == 0
    monkeypatch.setenv("PATH", str(lemma.folder / "bin"), prepend=os.pathsep)
    (lemma.folder / "small").mkdir()
    (lemma.folder / "small" / "Small.lean").write_text("theorem small : 1 + 1 = 2 := by\n  rfl\n")
    (lemma.folder / "small" / "lean-toolchain").write_text("leanprover/lean4:v4.28.0\n")
    run = lemma("trace", "small", "--driver", "leandojo", "--lean", "native", "--store", "small.db", "--json")
    assert run.code == 0, run.err
    (library,) = run.json()["libraries"]
    assert (library["theorems"], library["steps"]) == (1, 1)
    (lemma.folder / "small" / "lean-toolchain").write_text("my-own-lean\n")
    refused = lemma("trace", "small", "--driver", "leandojo", "--lean", "native")
    assert refused.code == 2
    assert "LeanDojo reads only `leanprover/lean4:VERSION`" in refused.err


@pytest.mark.leandojo
@pytest.mark.slow
@needs_leandojo
def test_proofs_are_found_in_leandojos_sessions_and_judged_as_all_are(lemma: Lemma, repository: Path) -> None:
    (lemma.folder / "Three.lean").write_text(
        "def total : List Nat → Nat\n  | [] => 0\n  | x :: xs => x + total xs\n\n"
        "theorem and_swap (p q : Prop) (h : p ∧ q) : q ∧ p := by sorry\n\n"
        "theorem total_append (xs ys : List Nat) : total (xs ++ ys) = total xs + total ys := by sorry\n\n"
        "theorem wrong (n : Nat) : n = n + 1 := by sorry\n"
    )
    arguments = ("--driver", "leandojo", "--seconds", "20", "--json", "--search", "best-first")
    run = lemma("prove", "Three.lean", *arguments)
    assert run.code == 1, run.err
    found = {result["name"]: result for result in run.json()["theorems"]}
    assert [found[name]["outcome"] for name in ("and_swap", "total_append")] == ["proved", "proved"]
    assert found["wrong"]["outcome"] in {"failed", "timeout"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trace", "Init", "--driver", "leandojo"), "LeanDojo traces projects; name the folder of one"),
        (("prove", "1 = 1", "--driver", "leandojo"), "--driver leandojo proves the theorems of a file"),
        (("prove", "one.lean", "--race", "--driver", "leandojo"), "without --race"),
    ],
)
def test_what_leandojo_cannot_do_is_refused(lemma: Lemma, arguments: tuple[str, ...], message: str) -> None:
    (lemma.folder / "one.lean").write_text("theorem one : 1 = 1 := by sorry\n")
    run = lemma(*arguments)
    assert run.code == 2
    assert message in run.err


@pytest.mark.skipif(INSTALLED, reason="LeanDojo is installed")
def test_without_leandojo_its_driver_says_what_to_install(lemma: Lemma, repository: Path) -> None:
    run = lemma("trace", repository / "examples" / "algebra_project", "--driver", "leandojo")
    assert run.code == 2
    assert "LeanDojo is not installed; run `pip install 'lemmaforge[leandojo]'`" in run.err
