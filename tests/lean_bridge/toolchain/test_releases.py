from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from lean_bridge.toolchain.releases import OLDEST, RELEASES, SOUNDEST, concerns, version_of


def test_the_table_has_no_gaps_and_holds_the_versions_that_the_rules_speak_of() -> None:
    assert all(newer.minor == (older.minor[0], older.minor[1] + 1) for older, newer in pairwise(RELEASES))
    versions = [version_of(f"version {release.newest.removeprefix('v')}") for release in RELEASES]
    assert [version and version[:2] for version in versions] == [release.minor for release in RELEASES]
    assert RELEASES[0].minor == OLDEST[:2]
    assert versions[-1] is not None
    assert versions[-1] >= SOUNDEST
    assert concerns(versions[-1]) == ()


def test_the_documentation_and_the_public_ci_have_the_same_table(repository: Path) -> None:
    rows = re.findall(
        r"^\| (\d+)\.(\d+) \| (v\S+) \| (.*) \|$", (repository / "docs/native.md").read_text(), re.MULTILINE
    )
    table = [((int(major), int(minor)), newest, tried) for major, minor, newest, tried in rows]
    assert table == [(release.minor, release.newest, release.tried) for release in RELEASES]
    workflow = (repository / ".github/workflows/native.yml").read_text()
    matrix = re.search(r"release: \[(.*)\]", workflow)
    assert matrix is not None
    assert matrix[1].split(", ") == [release.newest for release in RELEASES]
    assert set(re.findall(r"lean4:(v[\d.]+)|rev = \"(v[\d.]+)\"", workflow)) == {
        (RELEASES[-1].newest, ""),
        ("", RELEASES[-1].newest),
    }
