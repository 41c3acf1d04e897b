"""Runs against a server that answers by the statement it is asked about."""

from __future__ import annotations

import json
import re
import time
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest

from prover.chat import ChatClient, Patience
from prover.countermath.items import Benchmark, Language
from prover.countermath.predictions import Predictions, open_predictions, read_predictions
from prover.countermath.prompts import ANSWERING, JUDGING
from prover.countermath.report import document, make_report
from prover.countermath.run import Asking, Plan, Run
from prover.errors import BadPredictions, ChatFailed, ChatRefused
from tests.fake_model import Answer, FakeModel, fake_model, in_turn
from tests.prover.countermath.rows import ROWS, benchmark, row


def number_of(body: Any) -> int:
    """Which statement a request is about."""
    found = re.search(r"(?:Statement|陈述) (\d+)", body["messages"][-1]["content"])
    assert found is not None
    return int(found[1])


def even_is_true(body: Any) -> Answer:
    return Answer(f"Thus.\nJudgement: {number_of(body) % 2 == 0}")


async def no_wait(seconds: float) -> None:
    """For a test that does not."""


def asking(server: FakeModel, prompt: str = "plain", model: str = "m", max_tokens: int = 64) -> Asking:
    client = ChatClient(server.url, model, chance=Random(0), patience=Patience(tries=2), sleep=no_wait)
    return Asking(client, {**ANSWERING, **JUDGING}[prompt], 0.0, max_tokens, 0)


def planned(server: FakeModel, source: Benchmark, *, judge: FakeModel | None = None, **changes: Any) -> Plan:
    judging = asking(judge, "judge-1", "j") if judge else None
    values: dict[str, Any] = {"language": Language.en, "limit": None, "sample": None, "version": "1"}
    return Plan(**{"benchmark": source, "answering": asking(server), "judging": judging, **values, **changes})


async def carried_out(plan: Plan, path: Path, concurrency: int = 3) -> Predictions:
    async with AsyncExitStack() as stack:
        for who in filter(None, (plan.answering, plan.judging)):
            await stack.enter_async_context(who.model)
        file = stack.enter_context(open_predictions(path, plan.header()))
        await Run(file, plan).go(concurrency)
    return read_predictions(path)


async def test_every_item_is_asked_once_and_scored_by_its_label(tmp_path: Path) -> None:
    with fake_model(even_is_true) as server:
        found = await carried_out(planned(server, benchmark(tmp_path)), tmp_path / "p.jsonl")
    assert sorted(map(number_of, server.asked)) == list(range(1, 9))
    assert {(body["model"], body["max_tokens"], body["temperature"], body["seed"]) for body in server.asked} == {
        ("m", 64, 0.0, 0)
    }
    report = make_report(found, Random(0))
    # True: 1 to 4, answered True at 2 and 4. False: 5 to 7, answered False at 5 and 7. The label of 8 is hidden.
    assert (report.scored, report.missing, report.header.hidden) == (7, 0, 1)
    counts = report.rules["ours"].counts
    assert (counts.true_as_true, counts.true_as_false, counts.false_as_true, counts.false_as_false) == (2, 2, 1, 2)
    assert report.rules["ours"].accuracy == pytest.approx(4 / 7)
    assert report.by_field["topology"].accuracy == pytest.approx(2 / 3)
    assert report.baselines["always True"].accuracy == pytest.approx(4 / 7)
    assert report.tokens == 8 * 12
    assert report.answered[-1].answers == {"ours": True, "paper": True}
    assert report.answered[-1].label is None


async def test_chinese_statements_are_asked_in_chinese(tmp_path: Path) -> None:
    plan_of = benchmark(tmp_path, language=Language.zh)
    with fake_model(lambda body: Answer("判断：错误")) as server:
        found = await carried_out(planned(server, plan_of, language=Language.zh), tmp_path / "p.jsonl")
    assert "陈述 1：每个有 1 个元素的集合都是有限集。" in "".join(server.prompts)
    report = make_report(found, Random(0))
    assert report.rules["ours"].parse_rate == 1.0
    assert report.rules["paper"].parse_rate == 0.0
    assert found.header.settings["language"] == "zh"


async def test_a_judge_sees_the_answer_and_the_rationale_and_counts_examples(tmp_path: Path) -> None:
    counts = {1: (0, 0), 2: (1, 1), 3: (2, 1)}

    def judge(body: Any) -> Answer:
        examples, consistent = counts.get(number_of(body), (1, 5))
        return Answer(f"Examples: {examples}\nConsistent: {consistent}")

    source = benchmark(tmp_path, [*ROWS[:3], row(4, True), row(5, True, rationale=None)])
    with fake_model(even_is_true) as server, fake_model(judge) as second:
        found = await carried_out(planned(server, source, judge=second), tmp_path / "p.jsonl")
    assert len(second.asked) == 4
    seen = next(prompt for prompt in second.prompts if "Statement 2" in prompt)
    assert "Rationale 2: count them." in seen
    assert "Judgement: True" in seen
    report = make_report(found, Random(0))
    assert report.judged == 4
    shares = report.examples
    assert (shares.judged, shares.with_examples, shares.strict, shares.loose) == (3, 2, 1, 2)


async def test_what_was_answered_is_not_asked_again_and_errors_are(tmp_path: Path) -> None:
    path, source = tmp_path / "p.jsonl", benchmark(tmp_path)

    def failing(body: Any) -> Answer:
        return Answer("too long", 400) if number_of(body) in {2, 5} else even_is_true(body)

    with fake_model(failing) as server:
        first = await carried_out(planned(server, source), path)
        assert sorted(first.errors) == [2, 5]
        assert "status 400: too long" in first.errors[2]
        report = make_report(first, Random(0))
        assert (report.scored, report.missing) == (5, 2)
        assert report.rules["ours"].counts.unread == 0
        server.asked.clear()
        again = await carried_out(planned(server, source), path)
    assert sorted(map(number_of, server.asked)) == [2, 5]
    assert sorted(again.errors) == [2, 5]


async def test_an_error_that_is_made_good_is_gone(tmp_path: Path) -> None:
    path, source = tmp_path / "p.jsonl", benchmark(tmp_path, ROWS[:1])
    with fake_model(in_turn(Answer("too long", 400), Answer("Judgement: True"))) as server:
        assert (await carried_out(planned(server, source), path)).errors
        found = await carried_out(planned(server, source), path)
    assert (found.errors, list(found.answers)) == ({}, [1])


async def test_a_judge_that_fails_costs_no_answer(tmp_path: Path) -> None:
    path, source = tmp_path / "p.jsonl", benchmark(tmp_path, ROWS[:2])
    verdict = Answer("Examples: 1\nConsistent: 1")
    with fake_model(even_is_true) as server, fake_model(in_turn(Answer("no", 400), verdict)) as judge:
        plan = planned(server, source, judge=judge)
        found = await carried_out(plan, path, concurrency=1)
        assert (sorted(found.answers), sorted(found.verdicts), list(found.errors)) == ([1, 2], [2], [1])
        found = await carried_out(planned(server, source, judge=judge), path)
    assert (len(server.asked), sorted(found.verdicts), found.errors) == (2, [1, 2], {})


async def test_a_reply_that_the_limit_of_tokens_cuts_off_is_marked(tmp_path: Path) -> None:
    with fake_model(lambda body: Answer("Let us see", finish="length")) as server:
        found = await carried_out(planned(server, benchmark(tmp_path)), tmp_path / "p.jsonl")
    report = make_report(found, Random(0))
    assert all(one.truncated for one in report.answered)
    assert document(report)["truncated"] == 8
    assert report.rules["ours"].parse_rate == 0.0


async def test_a_wrong_key_ends_the_run_at_once(tmp_path: Path) -> None:
    with fake_model(in_turn(Answer("wrong key", 401))) as server:
        with pytest.raises(ChatRefused, match="check the API key"):
            await carried_out(planned(server, benchmark(tmp_path)), tmp_path / "p.jsonl", concurrency=1)
        assert len(server.asked) == 1
    assert read_predictions(tmp_path / "p.jsonl").errors == {}


async def test_a_server_that_is_down_ends_the_run_and_its_faults_are_kept(tmp_path: Path) -> None:
    source = benchmark(tmp_path, [row(number, True) for number in range(30)])
    with (
        fake_model(in_turn(Answer("out of memory", 500))) as server,
        pytest.raises(ChatFailed, match=r"10 items in a row got no reply; the last time: .*out of memory"),
    ):
        await carried_out(planned(server, source), tmp_path / "p.jsonl", concurrency=1)
    assert len(read_predictions(tmp_path / "p.jsonl").errors) == 10


async def test_no_more_items_are_asked_at_a_time_than_is_said(tmp_path: Path) -> None:
    running, most = 0, 0

    def slow(body: Any) -> Answer:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.03)
        running -= 1
        return even_is_true(body)

    with fake_model(slow) as server:
        await carried_out(planned(server, benchmark(tmp_path)), tmp_path / "p.jsonl", concurrency=3)
    assert most == 3


async def test_half_a_line_is_dropped_and_its_item_asked_again(tmp_path: Path) -> None:
    path, source = tmp_path / "p.jsonl", benchmark(tmp_path)
    with fake_model(even_is_true) as server:
        await carried_out(planned(server, source), path)
        whole = path.read_bytes()
        path.write_bytes(whole[:-9])
        last = json.loads(whole.splitlines()[-1])["item"]
        server.asked.clear()
        with open_predictions(path, planned(server, source).header()) as file:
            assert file.dropped == len(whole.splitlines()[-1]) + 1 - 9
        found = await carried_out(planned(server, source), path)
    assert list(map(number_of, server.asked)) == [last]
    assert len(found.answers) == 8
    assert path.read_bytes().endswith(b"}\n")


@pytest.mark.parametrize("kept", [0, 1, 40])
async def test_half_a_header_is_written_again(kept: int, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    with fake_model(even_is_true) as server:
        plan = planned(server, benchmark(tmp_path))
        path.write_bytes(plan.header().line[:kept])
        assert len((await carried_out(plan, path)).answers) == 8


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"language": Language.zh}, 'language: "en" there, "zh" here'),
        ({"limit": 3}, "limit: null there, 3 here"),
        ({"sample": 3}, "sample: null there, 3 here"),
        ({"version": "2"}, 'version: "1" there, "2" here'),
    ],
    ids=str,
)
async def test_a_file_of_other_settings_is_refused_and_says_which(
    changes: dict[str, Any], named: str, tmp_path: Path
) -> None:
    path, source = tmp_path / "p.jsonl", benchmark(tmp_path)
    with fake_model(even_is_true) as server:
        await carried_out(planned(server, source), path)
        before = path.read_bytes()
        with pytest.raises(BadPredictions, match="other settings") as failure:
            await carried_out(planned(server, source, **changes), path)
        assert str(failure.value).splitlines()[1:] == [f"  {named}"]
        with pytest.raises(BadPredictions, match=r"prompt: .*\n.*prompt_sha256: .*"):
            await carried_out(planned(server, source, answering=asking(server, "hint")), path)
        with pytest.raises(BadPredictions, match='judge_model: null there, "j" here'):
            await carried_out(planned(server, source, judge=server), path)
        with pytest.raises(BadPredictions, match="items_sha256"):
            await carried_out(planned(server, benchmark(tmp_path, ROWS[:3])), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ['{"statement": "S"}\n', "no JSON", "[]\n", '{"predictions": 1}\n'])
def test_a_file_of_something_else_is_refused_and_left_as_it_is(content: str, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(content)
    with fake_model(even_is_true) as server:
        header = planned(server, benchmark(tmp_path)).header()
    with (
        pytest.raises(BadPredictions, match="no file of predictions; give another name"),
        open_predictions(path, header),
    ):
        pass
    assert path.read_text() == content


def test_a_file_that_another_run_writes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    with fake_model(even_is_true) as server:
        header = planned(server, benchmark(tmp_path)).header()
    with (
        open_predictions(path, header),
        pytest.raises(BadPredictions, match="another run writes"),
        open_predictions(path, header),
    ):
        pass


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with fake_model(even_is_true) as server:
        header = planned(server, benchmark(tmp_path)).header()
    with pytest.raises(BadPredictions, match="make it first"), open_predictions(tmp_path / "no" / "p.jsonl", header):
        pass


async def test_the_header_says_what_replies_depend_on_and_no_secret(tmp_path: Path) -> None:
    with fake_model(even_is_true) as server:
        secret = FakeModel(server.url.replace("http://", "http://me:secret@"))
        plan = planned(server, benchmark(tmp_path), answering=asking(secret))
        await carried_out(plan, tmp_path / "p.jsonl")
    content = (tmp_path / "p.jsonl").read_text()
    assert "secret" not in content
    assert "every set with" not in content
    assert json.loads(content.splitlines()[0]) == {
        "predictions": 1,
        "benchmark": "items.jsonl",
        "items": 8,
        "duplicates": 0,
        "hidden": 1,
        "settings": {
            "version": "1",
            "items_sha256": plan.benchmark.digest,
            "language": "en",
            "limit": None,
            "sample": None,
            "model": "m",
            "base_url": server.url,
            "prompt": "plain",
            "prompt_sha256": ANSWERING["plain"].digest,
            "temperature": 0.0,
            "max_tokens": 64,
            "seed": 0,
        },
    }
