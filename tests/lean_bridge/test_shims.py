from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import termios
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from lean_bridge.errors import InputError
from lean_bridge.shims import Shims, write_shims
from lean_bridge.shims.lean import read_command_line
from lean_bridge.toolchain.base import Toolchain
from lean_bridge.toolchain.embedded import EmbeddedToolchain

PROGRAM = """\
import Lean
def main (arguments : List String) : IO UInt32 := do
  let stdin ← IO.getStdin
  IO.println s!"{arguments} {← IO.currentDir} {← stdin.isTty}"
  IO.eprintln "  to standard error"
  IO.println s!"{(← stdin.getLine).trimAscii} / {← stdin.readToEnd}"
  IO.FS.writeFile "written" "here"
  for file in ["/lemmaforge", "/etc/lemmaforge"] do
    try IO.FS.writeFile file "" catch error => IO.println error
  try discard <| IO.Process.run { cmd := "true" } catch error => IO.println error
  Lean.initSearchPath (← Lean.findSysroot) ["more modules"]
  let environment ← Lean.importModules #[{ module := `Copied }] {}
  IO.println (environment.contains ``Nat)
  return 7
"""
CONVERSATION = """\
import Lean.Elab.Tactic

open Lean Elab Tactic in
elab "converse" : tactic => do
  repeat
    let line ← (← IO.getStdin).getLine
    if line.isEmpty then break
    IO.println s!"heard {line.trimAscii}, {(← getGoals).length} goal"
  evalTactic (← `(tactic| omega))

theorem t (a : Nat) : a + 0 = a := by converse
#eval show IO Unit from do IO.println s!"a command reads {(← (← IO.getStdin).getLine).length} bytes"
"""
LAKEFILE = """\
import Lake
open Lake DSL
package project
@[default_target] lean_lib Numbers
lean_exe count where root := `Count
"""
COUNT = """\
import Numbers
def main (words : List String) : IO UInt32 := do
  IO.println (words.length + one)
  return 3
"""


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs commands with the shims first on PATH."""

    shims: Shims
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": f"{self.shims.folder}{os.pathsep}{os.environ['PATH']}"}

    def __call__(self, *argv: str | Path, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            list(map(str, argv)),
            cwd=self.folder,
            env={**self.environment, **variables},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def start(
        self, *argv: str, stdin: int | None = None, stdout: int | None = None, stderr: int | None = None
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            argv,
            cwd=self.folder,
            env=self.environment,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )


@pytest.fixture(scope="module")
def shims(toolchain: Toolchain, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Shims:
    assert isinstance(toolchain, EmbeddedToolchain)
    return write_shims(tmp_path_factory.mktemp("shims") / "with a space", toolchain, cache)


@pytest.fixture
def shell(shims: Shims, tmp_path: Path) -> Shell:
    folder = tmp_path / "working folder"
    folder.mkdir()
    return Shell(shims, folder)


def test_version_and_prefix_are_told_without_lean(shell: Shell, tmp_path: Path) -> None:
    no_lean = {"LEMMAFORGE_CACHE": "/dev/null"}
    assert shell("lean", "--version", **no_lean).stdout == f"{shell.shims.version}\n"
    assert shell("lean", "--print-prefix", **no_lean).stdout == f"{shell.shims.prefix}\n"

    copied = tmp_path / "second"
    shutil.copytree(shutil.copytree(shell.shims.prefix, tmp_path / "first"), copied)  # which follows links
    assert sum(file.stat().st_size for file in copied.rglob("*")) < 50_000
    assert shell(copied / "bin" / "lean", "--version", **no_lean).stdout == f"{shell.shims.version}\n"


def test_the_command_line_is_read_as_getopt_reads_it() -> None:
    command = read_command_line(["--mem=32768", "-M", "500", "-oA.olean", "A.lean", "-D", "-M", "--i=x/A.ilean"])
    assert command.arguments == ("-oA.olean", "A.lean", "-D", "-M", "--i=x/A.ilean")
    assert command.memory == 500
    assert read_command_line(["-M", "500", "--memory", "32768"]).memory is None
    assert command.file == Path("A.lean")
    assert command.outputs == {"o": Path("A.olean").absolute(), "i": Path("x/A.ilean").absolute()}
    program = read_command_line(["--run", "B.lean", "-M", "32768", "-o", "x"])
    assert program.arguments == ("--run", "B.lean", "-M", "32768", "-o", "x")
    assert (program.file, program.outputs) == (Path("B.lean"), {})
    with pytest.raises(InputError, match=r"--server: .*language server"):
        read_command_line(["--server"])


def test_a_module_is_compiled_and_found_by_the_next_file(shell: Shell, tmp_path: Path) -> None:
    (shell.folder / "A.lean").write_text("def hidden (n : Nat) := n + 1\n")
    output = tmp_path / "modules of its own"
    output.mkdir()
    compiled = shell("lean", "-o", output / "A.olean", f"--i={output / 'A.ilean'}", "A.lean")
    assert (compiled.returncode, compiled.stdout, compiled.stderr) == (0, "", "")
    assert json.loads((output / "A.ilean").read_text())["module"] == "A"

    (shell.folder / "B.lean").write_text(
        "import A\n#eval hidden 1\n#check 1 + 1\ntheorem t : hidden 1 = 3 := by decide\n"
    )
    argv = ("lean", "--json", "-j1", "--memory=32768", "-Dpp.notation=false", "B.lean")
    used = shell(*argv, LEAN_PATH=str(output))
    messages = [json.loads(line) for line in used.stdout.splitlines()]
    assert [message["severity"] for message in messages] == ["information", "information", "error"]
    assert [message["data"] for message in messages[:2]] == ["2", "HAdd.hAdd 1 1 : Nat"]
    assert used.returncode == 1


def test_a_program_has_its_arguments_streams_search_path_and_exit_code(shell: Shell) -> None:
    (shell.folder / "Main.lean").write_text(PROGRAM)
    (shell.folder / "more modules").mkdir()
    library = Path(shell("lean", "--print-libdir").stdout.rstrip("\n"))
    shutil.copyfile(library / "Init" / "Prelude.olean", shell.folder / "more modules" / "Copied.olean")
    run = shell("lean", "--run", "Main.lean", "a b", "--json", stdin="first\nsecond\nthird")
    arguments, first, rest, *errors = run.stdout.splitlines()
    assert arguments == f"[a b, --json] {shell.folder} false"
    assert (first, rest) == ("first / second", "third")
    assert "ermission denied" in errors[0], errors
    assert "read-only file system" in errors[2]
    assert "function not implemented" in errors[4]
    assert errors[5] == "true"
    assert run.stderr == "  to standard error\n"
    assert (shell.folder / "written").read_text() == "here"
    assert run.returncode == 7


def test_a_proof_talks_over_a_terminal_while_it_is_elaborated(shell: Shell) -> None:
    (shell.folder / "lakefile.toml").write_text('name = "p"\n[[lean_lib]]\nname = "P"\n')
    (shell.folder / "Talk.lean").write_text(CONVERSATION)
    ours, theirs = pty.openpty()
    settings = termios.tcgetattr(theirs)
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(theirs, termios.TCSANOW, settings)
    lean = shell.start("lake", "env", "lean", "--threads=1", "Talk.lean", stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        for word in ("one", "two", "∀"):
            os.write(ours, f"{word}\n".encode())
            assert read_line(ours) == f"heard {word}, 1 goal"
        os.write(ours, b"\x04")  # the end of input
        assert read_line(ours) == "a command reads 0 bytes"
        assert lean.wait(timeout=60) == 0
    finally:
        lean.kill()
        lean.wait()
        os.close(ours)


def read_line(terminal: int) -> str:
    line = b""
    while not line.endswith(b"\n"):
        assert select.select([terminal], [], [], 60)[0], f"nothing more after {line!r}"
        line += os.read(terminal, 1)
    return line.decode().rstrip("\r\n")


def test_an_interrupted_program_leaves_nothing_behind(shell: Shell) -> None:
    (shell.folder / "lakefile.lean").write_text("package p\n")
    (shell.folder / "Loop.lean").write_text('def main : IO Unit := do\n  IO.println "begun"\n  repeat IO.sleep 1\n')
    with shell.start("lake", "env", "lean", "--run", "Loop.lean", stdout=subprocess.PIPE) as lean:
        assert lean.stdout is not None
        assert lean.stdout.readline() == b"begun\n"
        family = [psutil.Process(lean.pid), *psutil.Process(lean.pid).children(recursive=True)]
        os.killpg(lean.pid, signal.SIGINT)  # as a terminal does on Ctrl-C
        assert lean.wait(timeout=10) == -signal.SIGINT
        assert not psutil.wait_procs(family, timeout=5)[1]


def test_a_program_without_anyone_to_read_ends_with_an_error(shell: Shell) -> None:
    (shell.folder / "Talk.lean").write_text(
        "def main : IO Unit := do\n"
        '  IO.eprintln s!"{(← (← IO.getStdin).getLine).length}"\n'
        '  repeat do IO.println "is anyone there?"; IO.sleep 10\n'
    )
    argv = ("sh", "-c", "exec lean --run Talk.lean <&-")
    with shell.start(*argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as lean:
        assert lean.stdout is not None
        assert lean.stderr is not None
        lean.stdout.close()
        assert lean.stderr.read().splitlines()[0] == b"0"
        assert lean.wait(timeout=60) == 1


def test_a_program_that_takes_too_much_memory_is_ended(shell: Shell) -> None:
    ended = shell("lean", "--stdin", "-M", "300", stdin="#eval 1")
    assert ended.returncode == 1
    assert ended.stderr == "excessive memory consumption detected: --memory=300 (megabytes)\n"


def test_lake_builds_and_runs_what_the_lakefile_declares(shell: Shell) -> None:
    (shell.folder / "lakefile.lean").write_text(LAKEFILE)
    (shell.folder / "Numbers.lean").write_text("def one := 1\n")
    (shell.folder / "Count.lean").write_text(COUNT)
    inside = shell.folder / "sub folder"
    inside.mkdir()
    run = shell("lake", "--dir", inside, "exe", "count", "a", "b")
    assert (run.returncode, run.stdout) == (3, "3\n"), run.stderr
    assert (shell.folder / ".lake/build/lib/lean/Numbers.olean").exists()
    assert not (shell.folder / ".lake/build/lib/lean/Count.olean").exists()

    with (shell.folder / "lakefile.lean").open("a") as lakefile:
        lakefile.write("\nlean_lib Late {\n\n}\n")
    (shell.folder / "Late.lean").write_text("import Numbers\ntheorem wrong : one = 2 := by decide\n")
    late = shell("lake", "build", "Late")
    assert late.returncode == 1
    assert "Late.lean:2:" in late.stdout
    assert late.stderr.endswith("- Late\nerror: build failed\n")
    assert shell("lake", "build", "Numbers", "+Numbers:olean").stdout == "Build completed successfully (1 jobs).\n"
    assert "unknown target `Nothing`" in shell("lake", "build", "Nothing").stderr


def test_lake_sets_the_variables_that_lake_sets(shell: Shell) -> None:
    (shell.folder / "lakefile.toml").write_text('name = "p"\nsrcDir = "src"\n[[lean_lib]]\nname = "P"\n')
    printed = shell("lake", "env", LEAN_PATH="/more").stdout
    assert shell("lake", "env", "sh", "-c", 'echo "LEAN_PATH=$LEAN_PATH"', LEAN_PATH="/more").stdout in printed
    variables = dict(line.split("=", 1) for line in printed.splitlines())
    assert variables["LEAN_PATH"] == f"{shell.folder}/.lake/build/lib/lean:/more"
    assert variables["LEAN_SRC_PATH"] == f"{shell.folder}/src"
    assert variables["LEAN_SYSROOT"] == str(shell.shims.prefix)
    assert variables["PATH"].startswith(f"{shell.shims.folder}:")
    assert shell("lake", "env", "no-such-program").returncode == 255


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("exe", "cache", "get"), "no cache of compiled modules"),
        (("exe", "nothing"), "unknown executable target `nothing`"),
        (("update",), "`lake update` is not for the embedded Lean"),
        (("--bogus", "build"), "unknown long option '--bogus'"),
        (("build", "--bogus"), "unknown option '--bogus'"),
        (("build", "P:shared"), "unknown facet `shared`"),
    ],
)
def test_lake_refuses_what_it_cannot_do(arguments: tuple[str, ...], said: str, shell: Shell) -> None:
    (shell.folder / "lakefile.toml").write_text('name = "p"\n[[lean_lib]]\nname = "P"\n')
    refused = shell("lake", *arguments)
    assert refused.returncode == 1
    assert said in refused.stderr


def test_lake_says_where_it_looked_for_a_project(shell: Shell) -> None:
    started = time.monotonic()
    assert f"{shell.folder}: no configuration file" in shell("lake", "build").stderr
    assert time.monotonic() - started < 10
