from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from lean_bridge.errors import InputError
from workbench.cli import serve
from workbench.settings import serving_token, with_variables
from workbench.testing import Lemma


def test_missing_packages_are_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in {"torch", "uvicorn"} else object())
    with pytest.raises(InputError, match=r"needs torch, uvicorn; install with: pip install 'lemmaforge\[lm,serve\]'"):
        serve.require_packages()


def test_a_token_is_that_of_the_variable_that_was_named() -> None:
    assert serving_token("MINE", {"MINE": " sesame\n", "OPENAI_API_KEY": "sk-theirs"}) == "sesame"
    assert serving_token(None, {"OPENAI_API_KEY": "sk-theirs"}) is None
    assert with_variables({"b": "2"}, {"a": "1"}) == {"a": "1", "b": "2"}


@pytest.mark.parametrize("value", [None, " ", "tök"])
def test_a_variable_without_a_token_is_refused(value: str | None) -> None:
    with pytest.raises(InputError, match="MINE holds no token; set it"):
        serving_token("MINE", {} if value is None else {"MINE": value})


@pytest.mark.skipif(shutil.which("vllm") is not None, reason="vLLM is installed")
def test_vllm_that_is_not_installed_is_asked_for(lemma: Lemma) -> None:
    run = lemma("serve", "some/model", "--engine", "vllm", "--port", "0")
    assert (run.code, run.out) == (2, "")
    assert "--engine vllm needs vLLM: pip install vllm" in run.err


def test_vllm_takes_the_place_of_this_process_and_its_token_is_no_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(os, "execve", lambda *arguments: done.extend(arguments))
    serve.become_vllm("some/model", "127.0.0.1", 0, 8, "sesame", open_to_all=False)
    program, arguments, variables = done
    assert program == "/bin/vllm"
    assert arguments == ["vllm", "serve", "some/model", "--host", "127.0.0.1", "--port", "0", "--max-num-seqs", "8"]
    assert variables["VLLM_API_KEY"] == "sesame"


@pytest.mark.lm
@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in serve.PACKAGES),
    reason="THE COMMAND lemma serve IS NOT TESTED: a package is missing; pip install 'lemmaforge[lm,serve]'",
)
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["nowhere"], "nowhere: no model can be loaded"),
        (["nowhere", "--host", "0.0.0.0"], "name the variable that has one with --token-variable, or add --insecure"),
        (["nowhere", "--token-variable", "LEMMA_NO_SUCH"], "LEMMA_NO_SUCH holds no token"),
    ],
)
def test_what_cannot_be_served_is_refused(lemma: Lemma, tmp_path: Path, options: list[str], words: str) -> None:
    (tmp_path / "nowhere").mkdir()
    run = lemma("serve", *options, "--port", "0")
    assert (run.code, run.out) == (2, "")
    assert words in run.err
