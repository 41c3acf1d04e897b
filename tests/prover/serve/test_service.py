"""How requests enter, leave and are refused, over real HTTP."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from prover.errors import BadServing
from prover.serve.engine import Limits
from prover.serve.running import Place, drained, listening, load
from workbench.testing import Lemma

pytestmark = pytest.mark.lm

LONG = {"prompt": "theorem", "temperature": 0, "max_tokens": 900}


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def test_a_short_request_overtakes_a_long_one(llama: Any) -> None:
    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(llama.ask, **LONG)
        until(lambda: llama.figure("lemma_rows_running") == 1)
        assert llama.ask(prompt="x", max_tokens=3).status_code == 200
        assert not long.done()
        assert long.result().status_code == 200


def test_a_client_that_goes_frees_its_rows(llama: Any) -> None:
    with pytest.raises(httpx.ReadTimeout):
        llama.http.post("/completions", json={**LONG, "n": 16}, timeout=0.3)
    until(lambda: llama.figure("lemma_rows_running") == 0, 2)
    assert llama.figure('lemma_requests_total{status="499"}') >= 1
    assert llama.ask(prompt="x", max_tokens=3).status_code == 200


def test_a_client_that_leaves_a_stream_frees_its_rows(llama: Any) -> None:
    with llama.http.stream("POST", "/completions", json={**LONG, "n": 16, "stream": True}) as answer:
        next(answer.iter_lines())
        until(lambda: llama.figure("lemma_rows_running") == 16, 2)
    until(lambda: llama.figure("lemma_rows_running") == 0, 2)
    until(lambda: llama.service.running == 0, 2)


def test_a_stream_that_takes_too_long_ends_with_an_error(serve: Any) -> None:
    with serve(seconds=0.2) as client:
        answer = client.ask(**LONG, n=16, stream=True)
        last = json.loads(answer.text.strip().splitlines()[-1].removeprefix("data: "))
        assert last["error"]["code"] == 504
        until(lambda: client.figure("lemma_rows_running") == 0, 2)


def test_a_request_that_takes_too_long_is_ended_and_frees_its_rows(serve: Any) -> None:
    with serve(seconds=0.2) as client:
        answer = client.ask(**LONG, n=16)
        assert answer.status_code == 504
        assert "not made within 0.2 s" in answer.json()["error"]["message"]
        until(lambda: client.figure("lemma_rows_running") == 0, 2)


def test_a_full_queue_says_when_to_come_back(serve: Any) -> None:
    with serve(limits=Limits(rows=1, queue=1)) as client, ThreadPoolExecutor(2) as pool:
        asked: list[Future[Any]] = [pool.submit(client.ask, **LONG)]
        until(lambda: client.figure("lemma_rows_running") == 1)
        asked.append(pool.submit(client.ask, prompt="x", max_tokens=1))
        until(lambda: client.figure("lemma_queue_length") == 1)
        refused = client.ask(prompt="x", max_tokens=1)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert client.ask(prompt=["x", "y"], max_tokens=1).status_code == 400
        assert [one.result().status_code for one in asked] == [200, 200]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"prompt": "x" * 2000}, r"has \d+ tokens.*a prompt may have 1023"),
        ({"prompt": ""}, "no tokens"),
        ({"prompt": 3}, "prompt: give a text"),
        ({"prompt": "x", "n": 65}, "at most 64"),
        ({"prompt": "x", "n": True}, "n is True; give a whole number from 1"),
        ({"prompt": "x", "max_tokens": 5000}, "at most 2048"),
        ({"prompt": "x", "temperature": -1}, "temperature is -1; give a number from 0 to 100"),
        ({"prompt": "x", "temperature": 10**400}, "give a number from 0 to 100"),
        ({"prompt": "x", "logprobs": [1]}, "logprobs: give 0 or 1"),
        ({"prompt": "x", "top_p": 0}, "top_p is 0; give"),
        ({"prompt": "x", "stop": [""]}, "stop: give a text that is not empty"),
        ({"prompt": "x", "logprobs": 5}, "logprobs: give 0 or 1"),
        ({"prompt": "x", "seed": 1.5}, "seed is 1.5"),
        ({"prompt": "x", "seed": 2**63}, "below 2\\^63"),
        ({"prompt": "x", "stream": True, "logprobs": 1}, "they are not told in a stream"),
        ({"prompt": "x", "best_of": 4}, "best_of: this server does not offer it"),
        ([], "no JSON object"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused_with_the_cure(llama: Any, body: Any, words: str) -> None:
    answer = llama.http.post("/completions", json=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert re.search(words, error["message"])
    assert (error["type"], error["code"]) == ("invalid_request_error", 400)


def test_what_is_no_json_too_large_unknown_or_elsewhere_is_refused(serve: Any) -> None:
    with serve(body_bytes=1000) as client:
        for content in (b"{", b'{"prompt": "\\ud800"}', b'{"prompt": "x", "stop": "\\ud800"}', b"\xff"):
            assert client.http.post("/completions", content=content).status_code == 400
        assert client.ask(prompt="x", model=["other"]).status_code == 404
        assert client.ask(prompt="x", temperature=1e-320).status_code == 200
        assert client.ask(prompt="x" * 1000).status_code == 413
        assert client.ask(prompt="x", model="other").status_code == 404
        missing = client.http.get("/nowhere")
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, 404)
        assert client.http.get("/completions").status_code == 405


def test_a_talk_needs_a_template(serve: Any) -> None:
    with serve("gpt2") as client:
        answer = client.ask("/chat/completions", messages=[{"role": "user", "content": "x"}])
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        400,
        "The model has no chat template; ask for /v1/completions.",
    )


def test_a_token_is_asked_for_everywhere_but_for_the_health(serve: Any) -> None:
    with serve(token="sesame") as client:
        root = client.url.removesuffix("/v1")
        for path in ("/v1/models", "/metrics"):
            assert client.http.get(root + path).status_code == 401
            assert client.http.get(root + path, headers={"Authorization": "Bearer sesam"}).status_code == 401
            assert client.http.get(root + path, headers={"Authorization": "Bearer sesame"}).status_code == 200
        refused = client.ask(prompt="x")
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert refused.json()["error"]["type"] == "authentication_error"
        assert client.http.get(root + "/health").json() == {"status": "ok"}


def test_the_model_is_listed(llama: Any) -> None:
    (model,) = llama.http.get("/models").json()["data"]
    assert (model["id"], model["max_model_len"]) == ("llama", 1024)


def test_figures_count_what_was_done(serve: Any) -> None:
    with serve() as client:
        usage = client.ask(prompt=["x", "theorem"], n=3, temperature=0, max_tokens=7).json()["usage"]
        client.ask(prompt="")
        assert client.figure("lemma_prompt_tokens_total") == usage["prompt_tokens"]
        assert client.figure("lemma_completion_tokens_total") == usage["completion_tokens"] == 2 * 3 * 7
        assert client.figure('lemma_requests_total{status="200"}') == 1
        assert client.figure('lemma_requests_total{status="400"}') == 1
        assert client.figure("lemma_first_token_seconds_count") == 2
        assert client.figure('lemma_first_token_seconds_bucket{le="+Inf"}') == 2
        assert client.figure("lemma_tokens_per_second") > 0
        assert (client.figure("lemma_queue_length"), client.figure("lemma_rows_running")) == (0, 0)


def test_who_is_draining_finishes_what_runs_and_takes_nothing_new(serve: Any) -> None:
    with serve() as client, ThreadPoolExecutor(2) as pool:
        long = pool.submit(client.ask, **LONG)
        until(lambda: client.figure("lemma_rows_running") == 1)
        ending = pool.submit(drained, client.service, 30.0, threading.Event())
        until(lambda: client.service.draining)
        refused = client.ask(prompt="x")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert client.http.get(client.url.removesuffix("/v1") + "/health").status_code == 503
        assert ending.result()
        assert long.result().status_code == 200


def test_what_is_not_finished_when_the_server_ends_gets_an_error(serve: Any) -> None:
    with ThreadPoolExecutor(1) as pool:
        with serve() as client:
            long = pool.submit(httpx.post, client.url + "/completions", json={**LONG, "n": 16}, timeout=20)
            until(lambda: client.figure("lemma_rows_running") == 16)
            assert not drained(client.service, 0.05, threading.Event())
        assert long.result().status_code == 500


def test_other_machines_are_let_in_with_a_token_alone_or_when_told_so() -> None:
    with pytest.raises(BadServing, match="lets other machines in, and no token is asked of them"):
        listening(Place("0.0.0.0", 0), None)
    listening(Place("0.0.0.0", 0), "sesame").close()
    listening(Place("0.0.0.0", 0, open_to_all=True), None).close()


def test_a_port_that_is_taken_is_refused_with_the_cure() -> None:
    with listening(Place(port=0), None) as taken, pytest.raises(BadServing, match=r"cannot be listened at: .*--port"):
        listening(Place(port=taken.getsockname()[1]), None)


def test_what_is_no_causal_model_is_refused(tmp_path: Path) -> None:
    from transformers import T5Config

    with pytest.raises(BadServing, match=r"no model can be loaded: .*give the folder"):
        load(str(tmp_path))
    T5Config().save_pretrained(tmp_path)
    with pytest.raises(BadServing, match="has an encoder beside its decoder"):
        load(str(tmp_path))


def test_the_command_tells_where_it_listens_and_drains_on_sigterm(folders: dict[str, Path]) -> None:
    command = [str(Lemma(Path()).path), "serve", str(folders["llama"]), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        lines: list[str] = []
        while not lines or lines[-1].strip() not in {"}", ""}:
            lines.append(server.stdout.readline())
        document = json.loads("".join(lines))
        assert (document["model"], document["pid"]) == (str(folders["llama"]), server.pid)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(httpx.post, document["url"] + "/completions", json=LONG, timeout=30)
            metrics = document["url"].removesuffix("/v1") + "/metrics"
            until(lambda: "lemma_rows_running 1" in httpx.get(metrics).text)
            server.send_signal(signal.SIGTERM)
            until(lambda: httpx.post(document["url"] + "/completions", json={"prompt": "x"}).status_code == 503, 2)
            assert asked.result().status_code == 200
        assert server.wait(20) == 0
        assert "Traceback" not in server.stderr.read()
