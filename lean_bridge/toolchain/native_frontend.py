"""Gives a native `lean` the interface of `host.cjs` in mode "frontend": one job a line on standard input, see `jobs.py`.

Run as a program: `native_frontend.py LAKE PROJECT`. It imports nothing of LemmaForge.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def main(lake: str, project: str) -> None:
    """Reads jobs until the end of standard input."""
    token = json.loads(sys.stdin.readline())["token"]
    answer = subprocess.run([lake, "env"], cwd=project, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        sys.stderr.write(answer.stderr)
        raise SystemExit(answer.returncode)
    environment = variables(answer.stdout)
    for line in sys.stdin:
        code = _run(Path(lake).with_name("lean"), json.loads(line), environment)
        sys.stdout.write(f"\n{token} {json.dumps({'done': code, 'heapBytes': 0})}\n")
        sys.stdout.flush()


def variables(said: str) -> dict[str, str]:
    """The variables that `lake env` lists, `LEAN_PATH` above all. It also lists those that it leaves unset, as empty ones."""
    pairs = [line.split("=", 1) for line in said.splitlines() if "=" in line]
    return {name: value for name, value in pairs if value}


def _run(lean: Path, job: Mapping[str, object], environment: Mapping[str, str]) -> int:
    argv = [
        str(lean),
        *(["--json"] if job["json"] else []),
        *(["-o", str(job["olean"])] if job["olean"] else []),
        str(job["name"]),
    ]
    extra = job["leanPath"] if isinstance(job["leanPath"], list) else []
    path = os.pathsep.join([*map(str, extra), *filter(None, [environment.get("LEAN_PATH")])])
    return subprocess.run(
        argv, env={**os.environ, **environment, "LEAN_PATH": path}, stdin=subprocess.DEVNULL, check=False
    ).returncode


if __name__ == "__main__":
    main(*sys.argv[1:])
