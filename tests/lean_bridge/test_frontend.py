from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest

from lean_bridge.errors import InputError, ServerDied
from lean_bridge.frontend import run_files
from lean_bridge.toolchain import Toolchain
from lean_bridge.toolchain.jobs import Frontend, FrontendProcess, Job

METAPROGRAM = """\
import Std
import Lean

open Lean Elab Tactic

elab "close_it" : tactic => do
  logInfo "closing"
  evalTactic (← `(tactic| omega))

macro "twice! " t:term : term => `($t + $t)

def sumTo (n : Nat) : Nat := Id.run do
  let mut total := 0
  for i in [0:n + 1] do
    total := total + i
  return total

initialize counter : IO.Ref Nat ← IO.mkRef 5

#eval sumTo 100
#eval twice! 21
#eval IO.print "no line end"
example (n : Nat) : n + 1 > n := by close_it
#eval (({} : Std.HashMap Nat String).insert 1 "one")[1]?
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(toolchain: Toolchain, *files: str, json: bool = False) -> tuple[int, str, str]:
    said: list[str] = []
    complained: list[str] = []
    code = run_files(
        toolchain, [Path(file) for file in files], write=said.append, write_error=complained.append, json=json
    )
    return code, "".join(said), "".join(complained)


def test_metaprograms_loops_and_the_standard_library_print_what_lean_prints(toolchain: Toolchain, folder: Path) -> None:
    (folder / "meta.lean").write_text(METAPROGRAM)
    code, said, _ = run(toolchain, "meta.lean")
    assert said == '5050\n42\nno line end\nclosing\nsome "one"\n'
    assert code == 0
    assert [file.name for file in folder.iterdir()] == ["meta.lean"]  # no profile, no compiled module


def test_errors_come_with_their_places_and_exit_code_1_and_later_files_still_run(
    toolchain: Toolchain, folder: Path
) -> None:
    (folder / "bad.lean").write_text("example : 1 = 2 := by decide\n")
    (folder / "unknown.lean").write_text("import No.Such.Module\n")
    (folder / "empty.lean").write_text("")
    (folder / "good.lean").write_text("#eval 1 + 1\n")
    code, said, _ = run(toolchain, "bad.lean", "unknown.lean", "empty.lean", "good.lean")
    assert code == 1
    assert said.startswith("bad.lean:1:22: error: Tactic `decide` proved that the proposition\n")
    assert "unknown.lean:1:0: error: unknown module prefix 'No'" in said
    assert said.endswith("\n2\n")


def test_messages_as_json_are_one_object_a_line(toolchain: Toolchain, folder: Path) -> None:
    (folder / "bad.lean").write_text("#eval 1\nexample : 1 = 2 := by decide\n")
    code, said, _ = run(toolchain, "bad.lean", json=True)
    messages = [json.loads(line) for line in said.splitlines()]
    assert code == 1
    assert [message["severity"] for message in messages] == ["information", "error"]
    assert messages[1]["pos"] == {"line": 2, "column": 22}


def test_what_is_no_lean_file_is_refused_before_anything_runs(toolchain: Toolchain, folder: Path) -> None:
    (folder / "good.lean").write_text("#eval 1\n")
    (folder / "binary.lean").write_bytes(b"\x7fELF\xff\xfe")
    for wrong, why in (("missing.lean", "No such file"), ("binary.lean", "not UTF-8"), (".", "directory")):
        said: list[str] = []
        with pytest.raises(InputError, match=why):
            run_files(toolchain, [Path("good.lean"), Path(wrong)], write=said.append)
        assert said == []


def test_a_program_that_prints_the_hosts_line_is_not_believed(toolchain: Toolchain, folder: Path) -> None:
    (folder / "forge.lean").write_text(
        '#eval IO.println "0123456789abcdef {\\"done\\": 0}"\nexample : False := by trivial\n'
    )
    code, said, _ = run(toolchain, "forge.lean")
    assert code == 1
    assert said.startswith('0123456789abcdef {"done": 0}\n')


def test_a_lean_that_dies_is_reported_as_that_and_started_again(toolchain: Toolchain, folder: Path) -> None:
    (folder / "good.lean").write_text("#eval 1\n")
    (folder / "deadly.lean").write_text("#eval (IO.Process.exit 7 : IO Unit)\n")
    said: list[str] = []
    with Frontend(toolchain.frontend()) as frontend:
        with pytest.raises(ServerDied, match=r"deadly\.lean"):
            frontend.run(Job(str(folder / "deadly.lean"), "deadly.lean", "_stdin"), said.append)
        assert frontend.run(Job(str(folder / "good.lean"), "good.lean", "_stdin"), said.append) == 0
    assert said == ["1", "\n"] or "".join(said) == "1\n"


def test_no_process_is_left_behind(toolchain: Toolchain, folder: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    process = FrontendProcess(toolchain.frontend())
    assert set(psutil.Process().children(recursive=True)) - before
    process.kill()
    assert set(psutil.Process().children(recursive=True)) <= before


def test_a_job_of_a_long_series_is_as_the_first(toolchain: Toolchain, tmp_path: Path) -> None:
    """What a job registers, allocates or imports is nothing to the next one: the same text gives the same bytes."""
    (tmp_path / "Mark.lean").write_text(
        "import Lean\nopen Lean\ninitialize seen : NameSet ← pure {}\n"
        'initialize mark : TagAttribute ← registerTagAttribute `mark "a mark"\n'
    )
    (tmp_path / "Other.lean").write_text(
        "import Lean\nopen Lean\ninitialize other : SimpleScopedEnvExtension Nat Nat ← registerSimpleScopedEnvExtension "
        "{ addEntry := (· + ·), initial := 0 }\n#eval (Array.range 2000000).size\n"
    )
    kept, written = [], []
    with FrontendProcess(toolchain.frontend()) as process:
        for module in ("Mark", "Other", "Mark", "Other"):
            olean = tmp_path / f"{module}.olean"
            job = Job(str(tmp_path / f"{module}.lean"), f"{module}.lean", module, str(olean))
            assert process.run(job, lambda text: None) == 0
            kept.append(process.heap_bytes)
            written.append(olean.read_bytes())
    assert written[:2] == written[2:]
    assert kept[0] == kept[3] > 100_000_000  # `import Lean` was read once
