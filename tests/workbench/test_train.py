from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from lean_bridge.errors import InputError
from workbench.cli import train
from workbench.testing import Lemma

needs_packages = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in train.PACKAGES),
    reason="THE COMMAND lemma train IS NOT TESTED: torch or transformers is missing; pip install 'lemmaforge[lm]'",
)


def test_missing_packages_are_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(InputError, match=r"needs torch; install with: pip install 'lemmaforge\[lm\]'"):
        train.require_packages()


@pytest.mark.lm
@needs_packages
def test_pairs_become_a_model_and_a_document(lemma: Lemma, tmp_path: Path) -> None:
    pair = {"prompt": "⊢ True", "completion": "trivial", "theorem": "t", "state_after": "no goals"}
    rows = [json.dumps({**pair, "theorem": f"t{number}"}) for number in range(40)]
    (tmp_path / "pairs.jsonl").write_text("\n".join(rows))
    options = "--preset tiny --steps 2 --batch 1 --context 32 --loss ua --n 4 --device cpu --json"
    run = lemma("train", "pairs.jsonl", "--out", "models/first", *options.split())
    assert run.code == 0, run.err
    assert "pairs are kept back" in run.err
    document = run.json()
    assert (document["updates"], document["settings"]["loss"], document["settings"]["n"]) == (2, "ua", 4.0)
    assert (tmp_path / "models" / "first" / "model" / "model.safetensors").is_file()


@pytest.mark.lm
@needs_packages
def test_a_file_of_no_pairs_is_refused_by_file_and_line(lemma: Lemma, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"prompt": "a", "completion": "b"}\n{"prompt": "a"}\n')
    run = lemma("train", "bad.jsonl", "--out", "models")
    assert (run.code, run.out) == (2, "")
    assert "error: bad.jsonl:2 has no text under the key completion" in run.err


@pytest.mark.lm
@needs_packages
def test_a_loss_that_needs_attempts_asks_for_them(lemma: Lemma, tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl").write_text('{"prompt": "a", "completion": "b"}\n')
    run = lemma("train", "pairs.jsonl", "--out", "models", "--loss", "dco")
    assert (run.code, run.out) == (2, "")
    assert "--loss dco needs the number of attempts; add --n" in run.err
    assert not (tmp_path / "models").exists()
