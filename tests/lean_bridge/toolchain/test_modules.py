from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lean_bridge.errors import InputError
from lean_bridge.toolchain.modules import (
    Import,
    SourceModule,
    compile_order,
    fingerprints,
    module_graph,
    read_header,
    read_module,
)


def imports(text: str) -> list[tuple[str, int]]:
    return [(found.module, found.line) for found in read_header(text).imports]


def source(name: str, text: str) -> SourceModule:
    return SourceModule(name, Path(f"{name}.lean"), text.encode(), read_header(text))


def sources(**texts: str) -> dict[str, SourceModule]:
    return {name: source(name, text) for name, text in texts.items()}


def test_every_kind_of_import_is_read_with_its_line() -> None:
    text = "module\n\nprelude\npublic import A\nmeta import B.C\npublic meta import D\nimport all E\nimport «F-g».h\n\ndef x := 1\nimport Z\n"
    assert imports(text) == [("A", 4), ("B.C", 5), ("D", 6), ("E", 7), ("F-g.h", 8)]
    assert read_header(text).is_module


def test_comments_are_skipped_wherever_they_stand_and_nest() -> None:
    text = "/- a /- nested import X -/\n-/\n-- import Y\nimport /- in between -/ A -- and after\nimport B\n"
    assert imports(text) == [("A", 4), ("B", 5)]


def test_a_documentation_comment_ends_the_header() -> None:
    assert imports("import A\n/-! essay -/\nimport B\n") == [("A", 1)]


@pytest.mark.parametrize(
    "text", ["", "\n\n", "-- nothing", "/- never closed import A", "#eval 1", "theorem import : True := trivial"]
)
def test_a_file_without_imports_has_none(text: str) -> None:
    assert imports(text) == []


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    read_header(text)


def test_each_module_comes_after_its_imports() -> None:
    modules = sources(A="import B\nimport C", B="import C\nimport Lean", C="", D="")
    order = compile_order(module_graph(modules))
    assert order == ["C", "B", "A", "D"]


def test_a_circle_is_reported_with_files_and_lines() -> None:
    modules = sources(A="-- first\nimport B", B="import C", C="import A")
    with pytest.raises(InputError) as found:
        module_graph(modules)
    assert "A.lean:2: A imports B" in str(found.value)
    assert "C.lean:1: C imports A" in str(found.value)


def test_a_fingerprint_changes_with_the_text_the_salt_and_far_imports_alone() -> None:
    before = sources(A="import B", B="import C", C="def c := 1", D="")
    after = {**before, "C": source("C", "def c := 2")}
    order = compile_order(module_graph(before))
    old, new = fingerprints(before, order, "lean"), fingerprints(after, order, "lean")
    assert {name for name in old if old[name] != new[name]} == {"A", "B", "C"}
    assert set(fingerprints(before, order, "other").values()).isdisjoint(old.values())


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.lean").write_bytes(b"\xff\xfe\0")
    with pytest.raises(InputError, match="not UTF-8"):
        read_module("binary", tmp_path / "binary.lean")
    with pytest.raises(InputError, match="cannot read"):
        read_module("missing", tmp_path / "missing.lean")


def test_an_import_is_a_value() -> None:
    assert Import("A", 1) == Import("A", 1)
