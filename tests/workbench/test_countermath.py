"""`lemma countermath` from end to end: the command in a process of its own, a server over real HTTP, a process that is killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fake_model import Answer, FakeModel, fake_model, in_turn
from tests.prover.countermath.rows import ROWS, row, written
from workbench.testing import Lemma, Run


def even_is_true(body: Any) -> Answer:
    number = re.search(r"Statement (\d+)", body["messages"][-1]["content"])
    assert number is not None
    return Answer(f"Judgement: {int(number[1]) % 2 == 0}")


def slowly(body: Any) -> Answer:
    return Answer(even_is_true(body).text, seconds=0.1)


def arguments(server: FakeModel, *options: str) -> list[str]:
    return ["countermath", "run", "items.jsonl", "--model", "m", "--base-url", server.url, *options]


def started(argv: list[str], folder: Path) -> subprocess.Popen[str]:
    command = [str(Path(sys.executable).with_name("lemma")), *argv]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(met: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def answers(path: Path) -> int:
    return path.read_text(encoding="utf-8").count('"kind": "answer"') if path.exists() else 0


def report(lemma: Lemma, path: Path) -> Any:
    found = lemma("countermath", "report", path, "--json").json()
    return {key: value for key, value in found.items() if key != "settings"}


def test_a_run_is_made_and_reported(lemma: Lemma, tmp_path: Path) -> None:
    written(tmp_path, [*ROWS, ROWS[0]])
    verdict = Answer("Examples: 2\nConsistent: 1")
    with fake_model(even_is_true) as server, fake_model(in_turn(verdict)) as judge:
        judging = ("--judge-model", "j", "--judge-base-url", judge.url)
        made = lemma(*arguments(server, *judging, "--out", "p.jsonl", "--prompt", "hint", "--json"))
    assert made.code == 0, made.err
    assert "statements that stand there twice: 1" in made.err
    assert "without a label: 1" in made.err
    assert "rule ours: accuracy 50.0%" in made.err
    document = made.json()
    assert (document["answered"], document["scored"], document["missing"]) == (9, 8, 0)
    assert document["settings"]["prompt"] == "hint"
    assert document["settings"]["judge_model"] == "j"
    assert document["rules"]["ours"]["accuracy"] == 0.5
    assert document["examples"] == {"judged": 9, "with_examples": 9, "strict": 0, "loose": 9}
    assert report(lemma, tmp_path / "p.jsonl").items() <= document.items()

    shown = lemma("countermath", "report", "p.jsonl")
    assert shown.code == 0, shown.err
    assert "CounterMATH: m on items.jsonl" in shown.out
    for line in (
        r"always True +100.0% +62.5% +38.5% +38.5%",
        r"always False +100.0% +37.5% +27.3% +27.3%",
        r"topology +3 +0 +3 +100.0% +66.7% +80.0% +0.0%",
        r"Loose %: at least one consistent +9 +9 +100.0%",
        r"cut off by the limit of tokens +0",
        r"scored +8; 1 labels are hidden",
    ):
        assert re.search(line, shown.out), line


def test_a_run_of_hidden_labels_is_recorded_and_not_scored(lemma: Lemma, tmp_path: Path) -> None:
    written(tmp_path, [row(1, None), row(2, None)])
    with fake_model(even_is_true) as server:
        made = lemma(*arguments(server, "--json"))
    assert made.code == 0, made.err
    document = made.json()
    assert (document["scored"], document["rules"]) == (0, {})
    assert [one["answers"]["ours"] for one in document["predictions"]] == [False, True]
    assert lemma("countermath", "report", "predictions.jsonl").code == 0


def test_chinese_statements_and_a_sample(lemma: Lemma, tmp_path: Path) -> None:
    written(tmp_path)
    with fake_model(in_turn(Answer("结论：正确"))) as server:
        made = lemma(*arguments(server, "--language", "zh", "--sample", "3", "--seed", "5", "--json"))
    assert made.code == 0, made.err
    assert made.json()["answered"] == 3
    assert all("陈述" in prompt for prompt in server.prompts)


def test_a_run_that_is_killed_goes_on_without_asking_again_what_was_answered(lemma: Lemma, tmp_path: Path) -> None:
    written(tmp_path, [row(number, number % 3 > 0) for number in range(1, 21)])
    out = tmp_path / "p.jsonl"
    with fake_model(slowly) as server:
        argv = arguments(server, "--out", "p.jsonl", "--concurrency", "2")
        with started(argv, tmp_path) as command:
            wait_for(lambda: answers(out) >= 4)
            os.kill(command.pid, signal.SIGKILL)
        kept = answers(out)
        assert 4 <= kept < 20
        # A kill in the middle of a write.
        with out.open("a", encoding="utf-8") as file:
            file.write('{"item": 20, "kind": "answer", "label": tr')
        server.asked.clear()
        again = lemma(*argv)
        assert again.code == 0, again.err
        assert f"20 statements of items.jsonl, {kept} answered before" in again.err
        assert "half a line at its end was dropped" in again.err
        assert len(server.asked) == 20 - kept
        unbroken = lemma(*arguments(server, "--out", "whole.jsonl"))
    assert unbroken.code == 0
    assert report(lemma, out) == report(lemma, tmp_path / "whole.jsonl")


def test_an_interrupted_run_leaves_a_good_file_and_says_how_to_go_on(lemma: Lemma, tmp_path: Path) -> None:
    written(tmp_path, [row(number, True) for number in range(1, 21)])
    out = tmp_path / "predictions.jsonl"
    with fake_model(slowly) as server:
        argv = arguments(server, "--concurrency", "2")
        with started(argv, tmp_path) as command:
            wait_for(lambda: answers(out) >= 2)
            command.send_signal(signal.SIGINT)
            said, complaint = command.communicate(timeout=10)
        assert (command.returncode, said) == (130, "")
        assert "Traceback" not in complaint
        assert f"interrupted: predictions.jsonl has {answers(out)} replies; the same command goes on" in complaint
        assert all(json.loads(line) for line in out.read_text(encoding="utf-8").splitlines())
        assert "not finished" in lemma("countermath", "report", out).out
        assert lemma(*argv).code == 0
    assert answers(out) == 20


def test_a_connection_that_is_cut_and_a_busy_server_cost_nothing_but_time(lemma: Lemma, tmp_path: Path) -> None:
    written(tmp_path, ROWS[:2])
    right = Answer("Judgement: True")
    busy = Answer("slow down", 429, {"Retry-After": "1"})
    with fake_model(in_turn(Answer("x", cut=True), right, busy, right)) as server:
        made = lemma(*arguments(server, "--concurrency", "1", "--json"))
    assert (made.code, len(server.asked)) == (0, 4), made.err
    assert made.json()["rules"]["ours"]["accuracy"] == 1.0


def test_statements_without_a_reply_are_errors_and_no_wrong_answers(lemma: Lemma, tmp_path: Path) -> None:
    written(tmp_path, ROWS[:3])
    right = Answer("Judgement: True")
    with fake_model(in_turn(Answer("context too long", 400), right)) as server:
        made = lemma(*arguments(server, "--concurrency", "1", "--json"))
        assert made.code == 3
        assert "1 statements got no reply; the same command asks again" in made.err
        assert (made.json()["scored"], made.json()["rules"]["ours"]["accuracy"]) == (2, 1.0)
        assert "context too long" in lemma("countermath", "report", "predictions.jsonl").out
        assert lemma(*arguments(server)).code == 0


def refused(run: Run, *words: str) -> None:
    assert (run.code, run.out) == (2, ""), run.err
    for word in words:
        assert word in run.err


def test_a_wrong_key_and_a_server_that_is_not_there_are_told(
    lemma: Lemma, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path)
    monkeypatch.setenv("MY_KEY", "sk-mine")
    with fake_model(in_turn(Answer("no such key: sk-mine", 401))) as server:
        made = lemma(*arguments(server, "--api-key-variable", "MY_KEY", "--concurrency", "1"))
        refused(made, f"error: {server.url}: status 401: no such key: ***; check the API key")
        assert server.keys == ["Bearer sk-mine"]
        refused(lemma(*arguments(server, "--api-key-variable", "OTHER_KEY")), "OTHER_KEY is not set; put the API key")
        refused(lemma(*arguments(FakeModel("localhost:80"))), "'localhost:80' is no address of a server; give one")
        assert len(server.asked) == 1


def test_other_settings_are_refused_and_named(lemma: Lemma, tmp_path: Path) -> None:
    written(tmp_path)
    with fake_model(even_is_true) as server:
        assert lemma(*arguments(server)).code == 0
        before = (tmp_path / "predictions.jsonl").read_bytes()
        refused(
            lemma(*arguments(server, "--temperature", "0.7")),
            "is of a run with other settings",
            "temperature: 0.0 there, 0.7 here",
        )
    assert (tmp_path / "predictions.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--prompt", "loud"], "--prompt loud: there is no such thing; choose one of plain, hint, strict-format"),
        (["--judge-prompt", "loud"], "choose one of judge-1"),
        (["--limit", "1", "--sample", "1"], "exclude each other"),
        (["--judge-base-url", "http://h"], "name it with --judge-model"),
        (["--out", "items.jsonl"], "this is no file of predictions; give another name"),
        (["--out", "nowhere/p.jsonl"], "there is no folder nowhere; make it first"),
        (["--language", "de"], "'en', 'zh'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_cannot_be_met_are_refused_before_anything_is_asked(
    options: list[str], complaint: str, lemma: Lemma, tmp_path: Path
) -> None:
    path = written(tmp_path)
    before = path.read_bytes()
    with fake_model(even_is_true) as server:
        refused(lemma(*arguments(server, *options)), complaint)
        assert server.asked == []
    assert path.read_bytes() == before


def test_files_that_are_not_what_they_should_be_are_refused(lemma: Lemma, tmp_path: Path) -> None:
    (tmp_path / "items.jsonl").write_text('{"statement": "S", "judgement": "yes"}\n')
    with fake_model(even_is_true) as server:
        refused(lemma(*arguments(server)), 'items.jsonl:1: `judgement` is "yes"; write true or false')
    refused(lemma("countermath", "report", "items.jsonl"), "items.jsonl:1: this is no file of predictions")
    refused(lemma("countermath", "report", "missing.jsonl"), "missing.jsonl cannot be read: No such file")
