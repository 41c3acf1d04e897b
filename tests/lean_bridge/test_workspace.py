"""Projects of several packages: built, broken in each way, packed, and used where there are no sources."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lean_bridge.build import BuildReport, build_project
from lean_bridge.errors import InputError
from lean_bridge.frontend import run_files
from lean_bridge.overlays import read_overlays, shipped
from lean_bridge.packing import write_pack
from lean_bridge.toolchain import Toolchain
from lean_bridge.toolchain.embedded import EmbeddedToolchain
from lean_bridge.toolchain.packs import MANIFEST, install_pack, installed_packs
from lean_bridge.toolchain.provenance import Origin, source_commit
from lean_bridge.workspace import Scope

MANIFEST_OF_LAKE = {
    "packagesDir": ".lake/packages",
    "packages": [{"name": "marks", "type": "git", "rev": "0123456789abcdef", "subDir": None}],
}
PROJECT = {
    "lakefile.lean": (
        "import Lake\nopen Lake DSL\n\nabbrev common := #[\n  ⟨`autoImplicit, false⟩, -- as Mathlib has it\n  ⟨`maxRecDepth, .ofNat 600⟩] ++ computed\n\n"
        "package demo\n\n@[default_target]\nlean_lib Demo where\n  leanOptions := common\n"
    ),
    "lake-manifest.json": json.dumps(MANIFEST_OF_LAKE),
    "LICENSE": "Our own.\n",
    "Demo.lean": "module\n\npublic import Demo.Use\npublic import Demo.Control\n",
    # What a package registers is there for those that import it: attribute, extension, simproc, tactic, alias.
    "Demo/Use.lean": (
        "module\n\npublic import Marks.Basic\npublic meta import Marks.Attr\npublic import Steps\n\npublic section\n\n"
        "@[marked] theorem five_eq : five = 5 := by simp only [reduceFive]\n\n"
        "theorem by_steps : 2 + 2 = 4 := by in_steps\n\n"
        'run_meta do\n  Lean.logInfo m!"{marks.getState (← Lean.getEnv)}"\n'
        'run_meta Lean.logInfo m!"depth {Lean.maxRecDepth.get (← Lean.getOptions)}"\n'
        "\nexample : Nat := old_five\n"
    ),
    "Demo/Control.lean": (
        "module\n\nimport all Init.Control.State\n\n"
        "example {σ α m} [Monad m] [Alternative m] (s : σ) : (failure : StateT σ m α).run s = failure := (rfl)\n"
    ),
    "Demo/Other.lean": "module\n\npublic import Marks.Attr\n",
    ".lake/packages/marks/lakefile.toml": 'name = "marks"\n\n[leanOptions]\nautoImplicit = false\n\n[[lean_lib]]\nname = "Marks"\n',
    ".lake/packages/marks/LICENSE": "Theirs.\n",
    ".lake/packages/marks/Marks/Attr.lean": (
        "module\n\npublic import Lean\n\npublic section\n\nopen Lean\n\n"
        "initialize marks : SimplePersistentEnvExtension Name (List Name) ← registerSimplePersistentEnvExtension {\n"
        "  addEntryFn := fun names name => name :: names\n  addImportedFn := fun _ => [] }\n\n"
        "initialize\n  registerBuiltinAttribute {\n"
        '    name := `marked, descr := "marks a theorem"\n'
        "    add := fun name _ _ => modifyEnv (marks.addEntry · name) }\n"
    ),
    ".lake/packages/marks/Marks/Basic.lean": (
        "module\n\npublic import Lean\npublic meta import Lean\n\npublic section\n\n"
        '@[expose] def five : Nat := 5\n\n@[deprecated five (since := "2025-12-26")] abbrev old_five := five\n\n'
        "open Lean Meta in\nsimproc_decl reduceFive (five) := fun e => do\n"
        "  return .done { expr := mkNatLit 5, proof? := mkApp2 (mkConst ``Eq.refl [1]) (mkConst ``Nat) e }\n\n"
        'def script : String := include_str "../.lake/build/js/widget.js"\n'
    ),
    "elsewhere/Steps.lean": 'module\n\npublic meta import Lean\n\npublic section\n\nmacro "in_steps" : tactic => `(tactic| decide)\n',
    "elsewhere/LICENSE": "Theirs, too.\n",
    "overlays/Demo/Control.lean": (
        "/-\nOverlay\nReplaces: Demo.Control\nWhy: what `failure` is for StateT is private.\nLeaves out: the example.\n-/\nmodule\n"
    ),
}


@dataclass(frozen=True, slots=True)
class Built:
    folder: Path
    scope: Scope
    report: BuildReport
    said: str
    toolchain: EmbeddedToolchain


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, toolchain: Toolchain) -> Built:
    assert isinstance(toolchain, EmbeddedToolchain)
    folder = tmp_path_factory.mktemp("several") / "demo"
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    scope = Scope(packages={"steps": folder / "elsewhere"}, overlays=(folder / "overlays",))
    said: list[str] = []
    report = build_project(folder, toolchain, scope=scope, write=said.append)
    return Built(folder, scope, report, "".join(said), toolchain)


@pytest.mark.slow
def test_a_project_is_built_with_its_packages_options_and_overlays(built: Built) -> None:
    report = built.report
    assert report.ok, report.failed
    assert set(report.built) == {"Demo", "Demo.Control", "Demo.Use", "Marks.Attr", "Marks.Basic", "Steps"}
    assert report.output.joinpath("Marks", "Attr.olean").is_file()
    assert "[five_eq]" in built.said
    assert "depth 600" in built.said  # from the list that lakefile.lean names
    assert "old_five` has been deprecated" in built.said
    assert [(o.target, o.replaces, o.leaves_out) for o in report.overlays] == [("Demo.Control", True, "the example.")]
    widget = built.folder / ".lake" / "packages" / "marks" / ".lake" / "build" / "js" / "widget.js"
    assert report.place_holders == (widget.resolve(),)

    # What it was made of is said wherever it is used; a change since the commit as well.
    [origin] = built.toolchain.over(report.output).origins()
    assert origin.sources == {"demo": "", "marks": "0123456789abcdef", "steps": ""}
    assert origin.overlays == {"Demo.Control": "the example."}

    # A target of its own is built without what the lakefile wants; what is up to date stays.
    other = build_project(built.folder, built.toolchain, scope=replace(built.scope, targets=("Demo.Other",)))
    assert (other.built, other.up_to_date) == (("Demo.Other",), ("Marks.Attr",))

    # The overlay is part of what is built: without it the module is compiled again, and fails, and nothing else is tried.
    stopped = build_project(
        built.folder, built.toolchain, scope=replace(built.scope, overlays=()), keep_going=False, workers=1
    )
    assert [failure.module for failure in stopped.failed] == ["Demo.Control"]
    assert "not exposed" in stopped.failed[0].messages
    assert [blocked.module for blocked in stopped.blocked] == ["Demo"]
    assert build_project(built.folder, built.toolchain, scope=built.scope).ok


def test_the_overlays_of_the_package_say_what_they_do_and_assume_nothing() -> None:
    overlays = [overlay for folder in shipped().iterdir() for overlay in read_overlays(folder)]
    assert {overlay.replaces for overlay in overlays} == {True, False}
    for overlay in overlays:
        assert overlay.why
        assert overlay.leaves_out
        assert overlay.replaces == (overlay.digest is not None)
        assert not re.search(
            r"\b(axiom|sorry|unsafe|extern|implemented_by|native_decide)\b", overlay.source.text.decode()
        )


def _gone(folder: Path) -> Scope:
    shutil.rmtree(folder / ".lake" / "packages" / "marks")
    return Scope()


def _no_manifest(folder: Path) -> Scope:
    (folder / "lake-manifest.json").write_text("[]")
    return Scope()


def _no_header(folder: Path) -> Scope:
    (folder / "overlays" / "Demo" / "Control.lean").write_text("module\n")
    return Scope(overlays=(folder / "overlays",))


def _misplaced(folder: Path) -> Scope:
    overlay = folder / "overlays" / "Demo" / "Control.lean"
    overlay.rename(overlay.with_name("Moved.lean"))
    return Scope(overlays=(folder / "overlays",))


def _keeps_of_any(folder: Path) -> Scope:
    overlay = folder / "overlays" / "Demo" / "Control.lean"
    overlay.write_text(overlay.read_text() + "--= 1-2\n")
    return Scope(overlays=(folder / "overlays",))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_gone, "package marks is not in .*--package marks=DIR"),
        (_no_manifest, "lake-manifest.json is not a manifest"),
        (lambda _: Scope(targets=("Demo.Missing",)), "no module Demo.Missing"),
        (_no_header, "Control.lean is no overlay"),
        (_misplaced, "belongs in Demo/Control.lean"),
        (_keeps_of_any, "Text: SHA256"),
        (lambda folder: Scope(overlays=(folder / "nowhere",)), "not a folder"),
    ],
)
def test_what_is_wrong_with_a_workspace_is_said_before_anything_is_compiled(
    tmp_path: Path, toolchain: Toolchain, damage: Callable[[Path], Scope], says: str
) -> None:
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=says):
        build_project(tmp_path, toolchain, scope=damage(tmp_path))


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server of a folder's files; of `cut…` it sends less than it announces."""

    class Files(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            file = folder / self.path.removeprefix("/").replace("cut", "demo")
            if not file.is_file():
                self.send_error(404)
                return
            content = file.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if "cut" in self.path else content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_commit_of_a_checkout_is_told_with_whether_it_was_changed(tmp_path: Path) -> None:
    assert source_commit(tmp_path) == ""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=us", "-c", "user.email=us@example.org"]
    (tmp_path / "A.lean").write_text("module\n")
    for command in (["init", "-q"], ["add", "A.lean"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    commit = source_commit(tmp_path)
    assert re.fullmatch(r"[0-9a-f]{40}", commit)
    (tmp_path / "A.lean").write_text("module\n\n")
    assert source_commit(tmp_path) == f"{commit}+changes"
    assert str(Origin("demo", {"demo": f"{commit}+changes"})) == f"demo (demo {commit[:12]}+changes)"


@pytest.mark.slow
def test_a_pack_is_installed_where_there_are_no_sources_and_a_changed_one_is_refused(
    built: Built, tmp_path: Path
) -> None:
    tell: Callable[[str, float | None], None] = lambda what, fraction: None  # noqa: E731
    file, cache = tmp_path / "demo.tar.xz", tmp_path / "cache"
    build_project(built.folder, built.toolchain, scope=built.scope)
    made = write_pack(built.folder, built.toolchain, file, built.scope, tell, revision="fedcba")
    assert made.sources == {"demo": "fedcba", "marks": "0123456789abcdef", "steps": ""}
    assert set(made.modules) == {"Demo", "Demo.Control", "Demo.Use", "Marks.Attr", "Marks.Basic", "Steps"}

    with tarfile.open(file) as archive:
        members = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    assert members["licences/marks.txt"] == b"Theirs.\n"
    changed = tmp_path / "changed.tar.xz"
    for name, change, says in (
        ("lean/Marks/Basic.olean", lambda content: content[:-1] + b"!", "is damaged: lean/Marks/Basic.olean"),
        ("lean/Demo.olean", lambda content: None, "lacks lean/Demo.olean"),
        (MANIFEST, lambda content: content.replace(made.toolchain.encode(), b"other"), "another build of Lean"),
        (MANIFEST, lambda content: content.replace(b'"lean/Demo.olean"', b'"../Demo.olean"'), "outside it"),
    ):
        with tarfile.open(changed, "w:xz", preset=0) as archive:
            for member, content in {**members, name: change(members[name])}.items():
                if content is not None:
                    entry = tarfile.TarInfo(member)
                    entry.size = len(content)
                    archive.addfile(entry, io.BytesIO(content))
        with pytest.raises(InputError, match=says):
            install_pack(str(changed), cache, built.toolchain.key, tell)
    whole = file.read_bytes()
    middle = len(whole) // 2
    for content in (whole[:-1000], whole[:middle] + bytes(100) + whole[middle + 100 :]):
        changed.write_bytes(content)
        with pytest.raises(InputError, match="damaged"):
            install_pack(str(changed), cache, built.toolchain.key, tell)
    assert installed_packs(cache, built.toolchain.key) == []

    with served(tmp_path) as address:
        for name, says in (("cut.tar.xz", "cannot fetch .*cut.tar.xz"), ("missing.tar.xz", "cannot fetch .*404")):
            with pytest.raises(InputError, match=says):
                install_pack(f"{address}/{name}", cache, built.toolchain.key, tell)
        assert installed_packs(cache, built.toolchain.key) == []
        install_pack(f"{address}/{file.name}", cache, built.toolchain.key, tell)
    assert not list(cache.glob(".pack-*"))
    elsewhere = replace(built.toolchain, packs=tuple(installed_packs(cache, built.toolchain.key)))
    [origin] = elsewhere.origins()
    commits = "demo fedcba, marks 0123456789ab, steps of unknown commit"
    assert str(origin) == f"pack demo-{made.digest} ({commits}; 1 overlays)"
    assert f"6 modules: {origin}" in next(fact.value for fact in elsewhere.facts() if fact.name == "pack demo")
    user = tmp_path / "user" / "User.lean"
    user.parent.mkdir()
    user.write_text("import Demo\n\n@[marked] theorem mine : five = 5 := by in_steps\n\n#eval five\n")
    said: list[str] = []
    assert run_files(elsewhere, [user], write=said.append) == 0
    assert "".join(said) == "5\n"
    assert build_project(user.parent, elsewhere).ok
