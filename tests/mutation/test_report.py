"""The report of a run that the test has put into a real store: its counts, its renderings, and the page in a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from db import testing
from db.errors import StoreError
from db.records import Harvest, Mutant, MutationKind, MutationStep, Rejects, Run, Theorem
from db.store import Store
from lean_bridge.errors import InputError
from mutation.report import Report, document, make_report
from workbench.cli.mutate_report import report as command
from workbench.pages.mutation_page import page
from workbench.pages.mutation_text import markdown, terminal
from workbench.pages.plots import binned
from workbench.pages.text import percent

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVIL = "</pre><script>alert(1)</script><img src=x onerror=alert(2)> & \"quoted\" 'a' ]]> `tick` ``two`` | [red]bar[/red]\x00"
"""Text that would do harm where it is not escaped."""

CONFIG = {"seed": 7, "kinds": ["rw", "symm"], "limit": 8, "holdout": ["List.held_1", "List.held_2"]}


def mutant(number: int, parent: str, kind: MutationKind, *, depth: int = 1, marks: tuple[str, ...] = ()) -> Mutant:
    first = MutationStep(MutationKind.rewrite, "h", "Nat.add_comm", reverse=True, detail="a + b")
    steps = (*[first] * (depth - 1), MutationStep(kind, "⊢", "Nat.mul_comm"))
    return Mutant(testing.canonical(number), parent, steps, f" (n : Nat) : n = n + {number}", "by omega", marks, 20)


def harvests() -> list[Harvest]:
    counts = {"propose": 1, "build": 10, "kernel": 8, "text": 8, "trivial": 5}
    seconds = {"propose": 0.5, "build": 1.0, "kernel": 0.5, "text": 2.0}
    first = (
        mutant(1, "T.a", MutationKind.rewrite),
        mutant(2, "T.a", MutationKind.rewrite, marks=("trivial:simp",)),
        mutant(3, "T.a", MutationKind.symmetry, depth=2, marks=("side-goals", "trivial:simp")),
    )
    rejects = (Rejects("build", "no match", 2, "rw [x]"), Rejects("text", "does not read back", 3, EVIL))
    return [
        Harvest("T.a", first, rejects, counts, seconds),
        Harvest("T.b", (mutant(4, "T.b", MutationKind.rewrite),), (Rejects("build", "no match", 1),), counts, seconds),
        Harvest("T.c", (), (), {"propose": 1}, {"propose": 0.25}),
        Harvest("T.d", failure=f"crash: {EVIL}"),
    ]


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(tmp_path / "lemma.db")


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with Store.open(place) as store:
        yield store


def fill(store: Store, units: list[list[Harvest]], done: int | None = None) -> Run:
    store.save_library(testing.LIBRARY)
    theorem = Theorem(
        "T.a", "Init.Data.List", f" (n : Nat) : n = n -- {EVIL}".replace("\x00", ""), testing.canonical(-1)
    )
    store.save_module(testing.LIBRARY.digest, testing.module(), [theorem])
    run = store.start_run(
        "mutate",
        CONFIG,
        testing.LIBRARY.digest,
        testing.LIBRARY.toolchain,
        [[harvest.theorem for harvest in unit] for unit in units],
        NOON,
    )
    for unit, content in list(zip(store.units(run.id), units, strict=True))[:done]:
        store.finish_unit(unit, content)
    if done is None:
        store.finish_run(run.id, NOON + timedelta(seconds=90))
    return run


@pytest.fixture
def report(store: Store) -> Report:
    all_of_them = harvests()
    run = fill(store, [all_of_them[:2], all_of_them[2:]])
    return make_report(store, run.id)


def test_the_figures_are_those_of_the_run(report: Report) -> None:
    found: dict[str, Any] = json.loads(json.dumps(document(report)))
    assert (found["theorems"], found["mutants"], found["candidates"], found["complete"]) == (4, 4, 20, True)
    assert found["conversion"] == pytest.approx(4 / 20)
    assert found["core_seconds"] == pytest.approx(8.25)
    assert found["mutants_per_core_second"] == pytest.approx(4 / 8.25)
    assert found["run"]["seed"] == 7
    assert found["run"]["wall_seconds"] == 90
    assert found["run"]["holdout"] == ["List.held_1", "List.held_2"]
    assert found["run"]["config"] == {"seed": 7, "kinds": ["rw", "symm"], "limit": 8}
    assert found["run"]["toolchain"] == testing.LIBRARY.toolchain
    assert found["kinds"] == [{"kind": "rw", "mutants": 3}, {"kind": "symm", "mutants": 1}]
    assert found["depths"] == [{"depth": 1, "mutants": 3}, {"depth": 2, "mutants": 1}]
    assert found["marks"] == [{"mark": "side-goals", "mutants": 1}, {"mark": "trivial:simp", "mutants": 2}]
    assert found["histogram"] == [{"mutants": n, "theorems": 1} for n in (0, 1, 3)]
    assert found["failures"] == [{"theorem": "T.d", "why": f"crash: {EVIL}"}]
    assert found["rejects"][0] == {"stage": "build", "reason": "no match", "count": 3, "example": "rw [x]"}


def test_stages_stand_in_the_order_in_which_a_candidate_passes_them(report: Report) -> None:
    lines = {line.name: line for line in report.stages}
    assert list(lines) == ["propose", "build", "kernel", "text", "trivial"]
    build, text = lines["build"], lines["text"]
    assert (build.entered, build.rejected, build.seconds, build.conversion) == (20, 3, 2.0, 1.0)
    assert text.share == pytest.approx(4 / 8.25)
    assert text.conversion == pytest.approx(16 / 20)
    assert lines["propose"].conversion is None, "statements, not candidates, enter it"
    assert sum(line.share for line in report.stages) == pytest.approx(1)
    assert report.funnel == (("build", 20), ("kernel", 16), ("text", 16), ("trivial", 10), ("stored", 4))


def test_examples_have_parent_lineage_and_proof(report: Report) -> None:
    [symmetry] = report.examples[MutationKind.symmetry]
    assert symmetry.parent.startswith(" (n : Nat) : n = n")
    shown = next(e for e in document(report)["examples"] if e["kind"] == "symm")  # type: ignore[attr-defined]
    assert shown["lineage"] == ["rw ← Nat.add_comm at h (a + b)", "symm Nat.mul_comm at ⊢"]
    assert shown["proof"] == "by omega"
    rewrites = [example.mutant.parent for example in report.examples[MutationKind.rewrite]]
    assert sorted(rewrites) == ["T.a", "T.b"], "one of each parent"
    assert not any(example.mutant.marks for example in report.examples[MutationKind.rewrite])


def test_a_rare_kind_at_the_end_of_a_long_run_has_its_example(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mutation.report.LOOKED_AT", 2)
    monkeypatch.setattr("mutation.report.RARE", 3)
    long = [
        Harvest(f"T.{n}", tuple(mutant(10 * n + k, f"T.{n}", MutationKind.rewrite) for k in range(5)))
        for n in range(20)
    ]
    last = Harvest("T.last", (mutant(500, "T.last", MutationKind.unfold),))
    found = make_report(store, fill(store, [long, [last]]).id).examples
    assert [example.mutant.parent for example in found[MutationKind.unfold]] == ["T.last"]
    assert [example.mutant.parent for example in found[MutationKind.rewrite]] == ["T.0"]


def test_a_run_without_a_mutant_and_one_at_work_are_reported(store: Store) -> None:
    run = fill(store, [[Harvest("T.a")], [Harvest("T.b")]], done=1)
    empty = make_report(store, run.id)
    assert (empty.complete, empty.wall, empty.rate, empty.conversion) == (False, None, 0.0, 0.0)
    assert empty.funnel == (("stored", 0),)
    assert "not finished" in page(empty)
    assert "not finished" in markdown(empty)
    assert document(empty)["examples"] == []


def test_a_run_that_is_not_there_is_an_error(store: Store) -> None:
    with pytest.raises(StoreError):
        make_report(store, 99)


def test_the_terminal_shows_lean_text_as_it_is(report: Report) -> None:
    console = Console(width=160, record=True, file=StringIO())
    console.print(terminal(report))
    text = console.export_text()
    assert "[red]bar[/red]" in " ".join(text.split()) or "[red]bar" in text
    for word in ("mutants per core-second", "does not read back", "T.d", "trivial:simp", "2 theorems"):
        assert word in text


def test_markdown_is_not_broken_by_what_lean_prints(report: Report) -> None:
    text = markdown(report, "lemma mutate run Init --seed 7")
    assert "lemma mutate run Init --seed 7" in text
    assert "| mutants per core-second | `0.5` |" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    for line in tables:
        outside = re.sub(r"(`+).*?(?<!`)\1(?!`)", "", line.replace("\\|", ""))
        assert "<script>" not in outside, line
    rows = [line for line in tables if "does not read back" in line]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [5]
    fences = re.findall(r"^(`{3,})(\w*)$", text, re.MULTILINE)
    assert len(fences) % 2 == 0
    assert "### symm" in text


class Elements(HTMLParser):
    """Names and attributes of all elements, and all text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_holds_text_of_lean_as_text_and_nothing_from_elsewhere(report: Report) -> None:
    text = page(report)
    elements = Elements()
    elements.feed(text)
    assert {"script", "img", "link", "iframe"}.isdisjoint(name for name, _ in elements.found)
    assert not any(name.startswith("on") or name in {"src", "href"} for _, attrs in elements.found for name in attrs)
    assert "<script>alert(1)</script>" in elements.text
    assert "\x00" not in text
    assert not re.search(r"https?://", text)


def test_each_picture_of_the_page_has_a_title_and_a_text(report: Report) -> None:
    text = page(report)
    pictures = re.findall(r'<svg [^>]*role="img" aria-labelledby="(\S+) (\S+)">', text)
    assert len(pictures) == text.count("<svg") == 8
    names = [name for pair in pictures for name in pair]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.search(rf'<(title|desc) id="{name}">[^<]+<', text), name
    assert "build: 20; kernel: 16; text: 16; trivial: 10; stored: 4" in text


def test_a_histogram_keeps_to_few_columns_and_loses_nothing() -> None:
    counts = {0: 5, 3: 1, 999: 2}
    bins = binned(counts)
    assert len(bins) <= 40
    assert sum(count for _, _, count in bins) == 8
    assert bins[0] == (0, 24, 6)
    assert binned({}) == []
    assert binned({2: 7}) == [(0, 0, 0), (1, 1, 0), (2, 2, 7)]


@pytest.mark.parametrize(("share", "shown"), [(0.0, "0.0%"), (0.125, "12.5%"), (1.0, "100.0%"), (0.00012, "0.012%")])
def test_small_shares_are_not_shown_as_none(share: float, shown: str) -> None:
    assert percent(share) == shown


PROBE = """<!doctype html><meta charset="utf-8"><body><iframe width="%d" height="800" srcdoc="%s"></iframe><script>
onload = () => setTimeout(() => {
  const page = document.querySelector("iframe").contentDocument, root = page.documentElement;
  const wide = [...page.querySelectorAll("svg")].map((svg) => svg.getBoundingClientRect());
  const letters = [...page.querySelectorAll("svg text")].map((t) => t.getBoundingClientRect().height);
  const cut = [...page.querySelectorAll("svg")].filter((svg) => [...svg.querySelectorAll("text")].some((t) => {
    const a = t.getBoundingClientRect(), b = svg.getBoundingClientRect();
    return a.left < b.left - 1 || a.right > b.right + 1 || a.bottom > b.bottom + 1 || a.top < b.top - 1; }));
  const found = {scroll: root.scrollWidth, client: root.clientWidth, pictures: wide.filter((r) => r.width > 200 && r.height > 20).length,
    letters: Math.min(...letters), cut: cut.map((svg) => svg.getAttribute("aria-labelledby")), paper: getComputedStyle(page.body).backgroundColor,
    articles: page.querySelectorAll("article").length, scripts: page.scripts.length, title: page.title};
  document.body.textContent = "FOUND" + JSON.stringify(found) + "END";
}, 300);
</script>"""


@pytest.mark.parametrize(("width", "dark"), [(360, False), (360, True), (1200, False)])
def test_a_browser_shows_the_page_on_a_telephone_and_on_a_desk(
    report: Report, tmp_path: Path, width: int, dark: bool
) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    if browser is None:
        pytest.skip("NOT TESTED IN A BROWSER: none is installed")
    quoted = page(report).replace("&", "&amp;").replace('"', "&quot;")
    (tmp_path / "probe.html").write_text(PROBE % (width, quoted), encoding="utf-8")
    theme = ["--blink-settings=preferredColorScheme=0"] if dark else ["--blink-settings=preferredColorScheme=1"]
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", *theme]
    shot = [*options, "--window-size=1300,900", "--virtual-time-budget=3000", "--dump-dom"]
    done = subprocess.run(
        [browser, *shot, (tmp_path / "probe.html").as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    answer = re.search(r"FOUND(\{.*\})END", done.stdout, re.DOTALL)
    assert answer is not None, done.stdout[-500:] + done.stderr[-500:]
    found = json.loads(answer[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
    assert found["scroll"] <= found["client"], "the page is wider than the window"
    assert found["pictures"] == 8
    assert found["letters"] >= 11
    assert found["cut"] == []
    assert found["articles"] == sum(map(len, report.examples.values()))
    assert found["scripts"] == 0
    assert found["paper"] == ("rgb(20, 22, 26)" if dark else "rgb(251, 250, 247)")


app = typer.Typer()
app.command()(command)


def test_the_command_prints_and_writes_what_it_is_asked_for(report: Report, place: str, tmp_path: Path) -> None:
    html, text = tmp_path / "report.html", tmp_path / "run.md"
    run = CliRunner().invoke(
        app, ["--store", place, "--json", "--html", str(html), "--markdown", str(text), "--command", "lemma x"]
    )
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout) == json.loads(json.dumps(document(report)))
    assert html.read_text(encoding="utf-8") == page(report)
    assert text.read_text(encoding="utf-8") == markdown(report, "lemma x")
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix in {".html", ".md"}) == [
        "report.html",
        "run.md",
    ]
    tables = CliRunner().invoke(app, ["1", "--store", place])
    assert tables.exit_code == 0
    assert "Rejects by class" in tables.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["9"], "holds no mutation run 9; it has 1"),
        (["--html", "/nowhere/x.html"], "there is no folder /nowhere"),
        (["--html", "/"], "is a folder"),
        (["--command", "x"], "give --markdown OUT"),
    ],
)
def test_wrong_wishes_are_refused_with_a_cure(report: Report, place: str, arguments: list[str], words: str) -> None:
    assert report.counts.mutants
    run = CliRunner().invoke(app, ["--store", place, *arguments])
    assert isinstance(run.exception, InputError)
    assert words in str(run.exception)


def test_a_store_without_a_mutation_run_is_refused(store: Store, place: str, tmp_path: Path) -> None:
    assert store.runs() == ()
    assert "no mutation run; make one" in str(CliRunner().invoke(app, ["--store", place]).exception)
    missing = CliRunner().invoke(app, ["--store", str(tmp_path / "missing.db")])
    assert isinstance(missing.exception, StoreError)
