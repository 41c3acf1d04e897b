"""What holds for the project as a whole: its layers, sizes, import times, and that a wheel of it works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import venv
import zipfile
from pathlib import Path

import pytest

HEAVY = {"torch", "transformers", "safetensors", "ray", "lean_dojo", "pyarrow", "matplotlib", "scipy", "numpy"}
SLOW_TO_IMPORT = HEAVY | {"networkx", "sqlalchemy", "httpx", "fastapi", "psutil"}
LARGEST_FILE = 500


def listed(repository: Path, *patterns: str) -> list[Path]:
    """Files of the project on disk, without what git ignores and without virtual environments."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout.splitlines()
    environments = {config.parent.name for config in repository.glob("*/pyvenv.cfg")}
    own = sorted({name for name in names if name.partition("/")[0] not in environments})
    return [repository / name for name in own if (repository / name).is_file()]


def test_the_import_contracts_hold(repository: Path) -> None:
    code = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports())"
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "module", ["workbench", "workbench.cli.app", "lean_bridge", "prover.core", "prover.search", "db", "mutation"]
)
def test_importing_a_package_is_quick_and_pulls_in_nothing_heavy(module: str) -> None:
    code = (
        "import json, sys, time; before = time.perf_counter(); "
        f"import {module}; print(json.dumps([time.perf_counter() - before, list(sys.modules)]))"
    )

    def seconds_and_modules() -> tuple[float, list[str]]:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        seconds, modules = json.loads(done.stdout)
        return seconds, modules

    runs = [seconds_and_modules() for _ in range(3)]
    assert min(seconds for seconds, _ in runs) < 0.3
    assert not SLOW_TO_IMPORT & {name.partition(".")[0] for name in runs[0][1]}


def test_every_file_has_one_subject(repository: Path) -> None:
    sizes = {path: len(path.read_text().splitlines()) for path in listed(repository, "*.py", "*.lean", "*.cjs")}
    assert len(sizes) > 20
    assert not {str(path.relative_to(repository)): n for path, n in sizes.items() if n > LARGEST_FILE}


def test_the_tree_in_the_readme_is_the_tree_on_disk(repository: Path) -> None:
    block = re.search(r"## Layout\n.*?```\n(.*?)```", (repository / "README.md").read_text(), re.DOTALL)
    assert block is not None
    named = {line.split()[0].rstrip("/") for line in block[1].splitlines() if line and not line.startswith(" ")}
    files = [path.relative_to(repository).parts for path in listed(repository)]
    folders = {parts[0] for parts in files if len(parts) > 1}
    assert folders <= named
    assert not {name for name in named if not (repository / name).exists()}


@pytest.mark.slow
def test_a_wheel_works_in_an_environment_of_its_own(repository: Path, tmp_path: Path, cache: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(repository)]
    subprocess.run(build, check=True)
    [wheel] = tmp_path.glob("lemmaforge-*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    outside = listed(repository, "lean_project", "prover/small/weights", "*.py", "*.cjs", "*.html", "*.json", "*.typed")
    shipped = ("lean_project", "lean_bridge", "prover", "mutation", "db", "workbench")
    wanted = {str(p.relative_to(repository)) for p in outside if p.relative_to(repository).parts[0] in shipped}
    assert {"lean_project/Main.lean", "lean_bridge/toolchain/host.cjs"} <= wanted
    assert not wanted - inside
    assert not {name for name in inside if name.startswith(("tests", "docs", "examples", "benchmarks"))}

    environment = tmp_path / "environment"
    venv.create(environment)
    python = environment / "bin" / "python"
    subprocess.run([*pip, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)], check=True)
    [packages] = environment.glob("lib/python*/site-packages")
    # The dependencies are those of this environment; a .pth file found through another one is not read, so the
    # editable installation stays out.
    (packages / "dependencies.pth").write_text(next(p for p in sys.path if p.endswith("site-packages")) + "\n")
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    where = subprocess.run(
        [python, "-c", "import lean_bridge; print(lean_bridge.__file__)"],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(where.stdout).is_relative_to(packages)
    command = [str(environment / "bin" / "lemma"), "prove", "∀ n : Nat, n + 0 = n"]
    before = time.monotonic()
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - before < 60
    assert cache.is_dir()
