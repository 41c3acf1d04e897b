"""Every mistake gets a message that says what is wrong, where, and what to do; exit code 2; and nothing is changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from lean_bridge.client import LeanServer
from lean_bridge.errors import BridgeError
from lean_bridge.toolchain import Toolchain
from lean_bridge.toolchain.embedded import EmbeddedToolchain
from workbench.cli.app import exit_code, explained
from workbench.problems import LeanFile, problems_in_file
from workbench.testing import Lemma

OPEN = "theorem t (n : Nat) : n = n := by sorry\n"


@pytest.mark.parametrize(
    ("content", "complaint", "cure"),
    [
        (b"", "is empty", "write a theorem"),
        (b" \n\t\n", "is empty", "write a theorem"),
        (b"theorem t : True := by sorry\n\0\0", "is a binary file", "give a Lean source file"),
        (b"\x7fELF\xff\xfe\x00\x01", "is not UTF-8 text (byte 4)", "give a Lean source file"),
    ],
    ids=["empty", "blank", "zero bytes", "not UTF-8"],
)
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_a_file_that_is_no_lean_source_is_refused(
    content: bytes, complaint: str, cure: str, options: list[str], lemma: Lemma, tmp_path: Path
) -> None:
    path = tmp_path / "input.lean"
    path.write_bytes(content)
    run = lemma("prove", path, *options)
    assert run.code == 2
    assert run.out == ""
    assert f"error: {path} {complaint}" in run.err
    assert cure in run.err
    assert path.read_bytes() == content


def test_a_missing_file_is_refused(lemma: Lemma) -> None:
    run = lemma("prove", "missing.lean")
    assert (run.code, run.out) == (2, "")
    assert "missing.lean: no such file; check the name" in run.err


def test_a_folder_is_refused(lemma: Lemma, tmp_path: Path) -> None:
    run = lemma("prove", tmp_path)
    assert (run.code, run.out) == (2, "")
    assert f"{tmp_path} is a folder; name a Lean file in it" in run.err


def test_an_empty_statement_is_refused(lemma: Lemma) -> None:
    run = lemma("prove", " ")
    assert (run.code, run.out) == (2, "")
    assert "The statement is empty; give one" in run.err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--import", "Std"], "write the imports at the head of"),
        (["--tree", "search.png"], "must end in one of .html, .svg, .json, .dot"),
        (["--tree", "nowhere/search.svg"], "there is no folder nowhere; make it first"),
        (["--write-to", "nowhere/out.lean"], "there is no folder nowhere; make it first"),
        (["--write-to", "input.lean"], "input.lean is the input itself; choose another name"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_cannot_be_met_are_refused_before_any_work(
    options: list[str], complaint: str, lemma: Lemma, tmp_path: Path
) -> None:
    (tmp_path / "input.lean").write_text(OPEN)
    run = lemma("prove", "input.lean", *options)
    assert (run.code, run.out) == (2, "")
    assert complaint in run.err
    assert (tmp_path / "input.lean").read_text() == OPEN


@pytest.mark.parametrize("options", [["--write"], ["--theorem", "t"]], ids=" ".join)
def test_options_for_files_are_refused_for_a_statement(options: list[str], lemma: Lemma) -> None:
    run = lemma("prove", "1 = 1", *options)
    assert (run.code, run.out) == (2, "")
    assert "this is a statement; is the name of the file right?" in run.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["prove"],
        ["prove", "1 = 1", "--workers", "0"],
        ["prove", "1 = 1", "--seconds", "soon"],
        ["prove", "1 = 1", "--lean", "coq"],
        ["prove", "1 = 1", "--what"],
        ["what"],
        ["lean", "what"],
        ["lean", "run"],
        ["lean", "build", ".", "--jobs", "0"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_refused(arguments: list[str], lemma: Lemma) -> None:
    run = lemma(*arguments)
    assert (run.code, run.out) == (2, "")
    assert run.err


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("theorem t : 1 = 1 := by sorry\n\nthearem u : 2 = 2\n", ["bad.lean:3:0: error: ", "errors of its own"]),
        ("import No.Such.Module\n\n" + OPEN, ["'No'", "Check the name of the import."]),
        ("theorem t (n : Nat) : n + n := by sorry\n", ["bad.lean:1:", "error: "]),
        ("theorem t : 1 = 1 := rfl\n", ["bad.lean: every theorem has a proof already; replace"]),
    ],
    ids=["unparsable", "unknown import", "no proposition", "no sorry"],
)
async def test_a_file_with_nothing_that_can_be_proved_is_refused(
    text: str, complaints: list[str], server: LeanServer
) -> None:
    with pytest.raises(BridgeError) as refused:
        await problems_in_file(server, LeanFile(Path("bad.lean"), text), ())
    assert exit_code(refused.value) == 2
    for complaint in complaints:
        assert complaint in explained(refused.value)


def test_a_file_that_is_refused_is_left_alone_and_not_copied(lemma: Lemma, tmp_path: Path) -> None:
    text = "import No.Such.Module\n\n" + OPEN
    path = tmp_path / "bad.lean"
    path.write_text(text)
    run = lemma("prove", "bad.lean", "--write")
    assert (run.code, run.out) == (2, "")
    assert "Check the name of the import." in run.err
    assert [p.name for p in tmp_path.iterdir()] == ["bad.lean"]
    assert path.read_text() == text


def test_imports_that_do_not_fit_into_a_32_bit_lean_are_refused_with_what_to_do(
    lemma: Lemma, toolchain: Toolchain, tmp_path: Path
) -> None:
    assert isinstance(toolchain, EmbeddedToolchain)
    largest = max((toolchain.home / "lib" / "lean").rglob("*.olean"), key=lambda file: file.stat().st_size)
    names = [f"Large{i}" for i in range(2**31 // largest.stat().st_size + 1)]
    output = tmp_path / "large" / ".lake" / "build" / "lib" / "lean"
    output.mkdir(parents=True)
    for name in names:
        (output / f"{name}.olean").symlink_to(largest)
    (tmp_path / "all.lean").write_text("".join(f"import {name}\n" for name in names) + "\n" + OPEN)
    run = lemma("prove", "all.lean", "--lean", "embedded", "--project", "large")
    assert (run.code, run.out) == (2, "")
    assert "do not fit into the 2 GiB that a 32-bit Lean has" in run.err
    assert "import the modules that are needed in the place of all" in run.err
    assert "Check the name" not in run.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["Nat"], "proposition"),
        (["1 = = 2"], "error: "),
        (["1 = 1", "--import", "No.Such.Module"], "Check the name of the import."),
    ],
    ids=["no proposition", "unparsable", "unknown import"],
)
def test_a_statement_that_lean_cannot_take_is_refused(arguments: list[str], complaint: str, lemma: Lemma) -> None:
    run = lemma("prove", *arguments)
    assert (run.code, run.out) == (2, "")
    assert complaint in run.err


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"], ids=["missing", "binary"])
def test_lean_run_refuses_what_is_no_lean_source(content: bytes | None, lemma: Lemma, tmp_path: Path) -> None:
    path = tmp_path / "input.lean"
    if content is not None:
        path.write_bytes(content)
    run = lemma("lean", "run", path)
    assert (run.code, run.out) == (2, "")


def test_lean_build_refuses_a_folder_without_lean_files(lemma: Lemma, tmp_path: Path) -> None:
    run = lemma("lean", "build", tmp_path)
    assert (run.code, run.out) == (2, "")
    assert str(tmp_path) in run.err
