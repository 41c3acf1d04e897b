"""`lemma lean shims`."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from workbench.testing import Lemma


def test_shims_are_written_and_written_again(lemma: Lemma, tmp_path: Path) -> None:
    assert lemma("lean", "shims", "bin").code == 0
    report = lemma("lean", "shims", "bin", "--json").json()
    assert re.match(r"Lean \(version (\S+?),", report["version"])
    assert report["folder"] == str(tmp_path / "bin")
    unknown = subprocess.run([tmp_path / "bin" / "lean", "--bogus"], capture_output=True, text=True, check=False)
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("lean: unrecognized option: bogus\nUnknown command line option\n")


def test_a_lean_that_is_no_shim_stays(lemma: Lemma, tmp_path: Path) -> None:
    (tmp_path / "lean").write_text("mine")
    refused = lemma("lean", "shims", tmp_path)
    assert refused.code == 2
    assert f"{tmp_path / 'lean'} is there already and is no shim" in refused.err
    assert (tmp_path / "lean").read_text() == "mine"
    assert "cannot write to" in lemma("lean", "shims", tmp_path / "lean").err
