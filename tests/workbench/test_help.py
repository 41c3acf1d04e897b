from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from workbench.cli.app import app
from workbench.testing import Lemma


def commands(group: typer.Typer, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    own = [(*path, c.name or c.callback.__name__) for c in group.registered_commands if c.callback]
    below = [commands(g.typer_instance, (*path, str(g.name))) for g in group.registered_groups if g.typer_instance]
    return own + [found for group_commands in below for found in group_commands]


@pytest.mark.parametrize("path", commands(app), ids=" ".join)
def test_the_help_of_every_command_shows_examples(path: tuple[str, ...], lemma: Lemma) -> None:
    shown = lemma(*path, "--help")
    assert shown.code == 0
    assert "Examples" in shown.out
    assert f"lemma {' '.join(path)}" in shown.out
    assert lemma(*path, "-h").out == shown.out


def test_lemma_alone_shows_the_commands(lemma: Lemma) -> None:
    shown = lemma()
    assert all(name in shown.out + shown.err for name in ("prove", "lean", "doctor", "Exit codes"))


def test_lemma_says_its_version(lemma: Lemma) -> None:
    assert lemma("--version").out == "lemma 0.1.0\n"


def test_python_dash_m_workbench_is_the_same_command(lemma: Lemma) -> None:
    done = subprocess.run([sys.executable, "-m", "workbench", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == lemma("--version").out


def test_the_page_of_the_command_line_is_fresh(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, repository / "docs/generate_cli.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
