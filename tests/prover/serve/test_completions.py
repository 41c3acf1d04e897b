"""What is written, over real HTTP: the same as by transformers, alone or in a crowd."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from prover.chat import ChatClient, Message
from prover.errors import BadServing
from prover.generators.language import Sampling
from prover.generators.openai import OpenAIModel
from prover.precision import Precision
from prover.serve.engine import Engine, Limits
from prover.serve.figures import Figures
from prover.serve.requests import Request
from prover.serve.running import load

pytestmark = pytest.mark.lm

PROMPTS = ("theorem", "example : 1 + 1 = 2 := by\n  ", "⊢ True", "x")


def greedy(model: Any, tokenizer: Any, prompt: str, tokens: int) -> list[int]:
    """The completion that transformers makes."""
    encoded = tokenizer(prompt, return_tensors="pt", return_token_type_ids=False)
    output = model.generate(**encoded, do_sample=False, max_new_tokens=tokens, pad_token_id=0)
    found: list[int] = output[0, encoded["input_ids"].shape[1] :].tolist()
    return found


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_the_likeliest_tokens_are_those_of_transformers(kind: str, serve: Any, folders: dict[str, Path]) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = (one.from_pretrained(folders[kind]) for one in (AutoModelForCausalLM, AutoTokenizer))
    with serve(kind) as client:
        choices = client.choices(prompt=list(PROMPTS), temperature=0, max_tokens=20)
    expected = [greedy(model.eval(), tokenizer, prompt, 20) for prompt in PROMPTS]
    assert [choice["text"] for choice in choices] == [
        tokenizer.decode(row, skip_special_tokens=True) for row in expected
    ]
    assert [choice["index"] for choice in choices] == list(range(len(PROMPTS)))


def test_a_completion_ends_with_the_models_end(serve: Any, reference: Any) -> None:
    model, tokenizer = reference
    row = greedy(model, tokenizer, PROMPTS[0], 20)
    end = next(token for place, token in enumerate(row) if place >= 3 and token not in row[:place])

    def ends_there(loaded: Any) -> None:
        loaded.generation_config.eos_token_id = [0, end]

    with serve(change=ends_there) as client:
        answer = client.ask(prompt=PROMPTS[0], temperature=0, max_tokens=20).json()
    (choice,) = answer["choices"]
    assert (choice["finish_reason"], answer["usage"]["completion_tokens"]) == ("stop", row.index(end) + 1)


@pytest.mark.parametrize(("precision", "within"), [(Precision.float32, 1e-3), (Precision.bfloat16, 0.25)])
def test_log_probabilities_are_those_of_teacher_forcing(
    precision: Precision, within: float, folders: dict[str, Path], torch: Any
) -> None:
    model, words = load(str(folders["llama"]), precision)
    prompt = words.of_text(PROMPTS[1])
    with closing(Engine(model, words, Limits(), Figures(), now=time.monotonic)) as engine:
        drawn = Request(prompt, samples=3, temperature=0.6, top_p=0.8, max_tokens=15, seed=4)
        longer = Request(prompt * 3, samples=2, max_tokens=5)
        shared = Request(prompt, samples=6, max_tokens=15)
        samples, _, more = [future.result() for future in engine.submit([drawn, longer, shared])]
    for sample in samples + more:
        logits = model(torch.tensor([prompt + sample.tokens])).logits[0, len(prompt) - 1 : -1].float()
        forced = logits.log_softmax(-1).gather(1, torch.tensor(sample.tokens)[:, None]).squeeze(1)
        assert list(sample.log_probabilities) == pytest.approx(forced.tolist(), abs=within)
        assert len(sample.tokens) == 15


def test_a_crowd_changes_nothing_of_what_a_request_gets(llama: Any) -> None:
    chance = Random(1)
    asked = [
        {
            "prompt": "theorem x : " * chance.randrange(1, 20),
            "n": chance.randrange(1, 4),
            "max_tokens": chance.randrange(1, 40),
            "temperature": chance.choice([0, 0.7, 1.3]),
            "top_p": chance.choice([0.5, 1]),
            "seed": number,
            "logprobs": 1,
        }
        for number in range(24)
    ]
    alone = [llama.choices(**body) for body in asked]
    with ThreadPoolExecutor(len(asked)) as pool:
        crowd = list(pool.map(lambda body: llama.choices(**body), asked))
    for one, other in zip(alone, crowd, strict=True):
        assert [choice["text"] for choice in one] == [choice["text"] for choice in other]
        for choice, same in zip(one, other, strict=True):
            assert choice["logprobs"]["tokens"] == same["logprobs"]["tokens"]
            expected = pytest.approx(choice["logprobs"]["token_logprobs"], abs=1e-3)
            assert same["logprobs"]["token_logprobs"] == expected


def test_samples_differ_and_their_prompt_is_read_once(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from prover.serve.batch import Batch

    read: list[int] = []
    prefill = Batch.prefill

    def noted(batch: Any, tokens: Any) -> Any:
        read.append(len(tokens))
        return prefill(batch, tokens)

    monkeypatch.setattr(Batch, "prefill", noted)
    with serve() as client:
        read.clear()
        answer = client.ask(prompt=PROMPTS[1], n=8, max_tokens=12, seed=1).json()
        again = client.ask(prompt=PROMPTS[1], n=8, max_tokens=12, seed=1).json()
        other = client.ask(prompt=PROMPTS[1], n=8, max_tokens=12, seed=2).json()
    texts = [choice["text"] for choice in answer["choices"]]
    assert len(set(texts)) == 8
    assert read == [answer["usage"]["prompt_tokens"]] * 3
    assert texts == [choice["text"] for choice in again["choices"]] != [choice["text"] for choice in other["choices"]]


def test_draws_have_the_probabilities_of_the_model(torch: Any) -> None:
    from prover.serve.sampling import Draw, choose

    logits = torch.tensor([[2.0, 0.0, 1.0, -1.0]])
    evenly = [(place + 0.5) / 1000 for place in range(1000)]

    def shares(temperature: float, top_p: float) -> list[float]:
        tokens, logs = choose(logits.expand(1000, -1), [Draw(temperature, top_p, chance) for chance in evenly])
        assert logs == pytest.approx(logits[0].log_softmax(-1)[tokens].tolist())
        return [tokens.count(token) / 1000 for token in range(4)]

    assert shares(1.0, 1.0) == pytest.approx(logits[0].softmax(-1).tolist(), abs=2e-3)
    assert shares(0.5, 1.0) == pytest.approx((2 * logits[0]).softmax(-1).tolist(), abs=2e-3)
    kept = logits[0, [0, 2]].softmax(-1).tolist()
    assert shares(1.0, 0.7) == pytest.approx([kept[0], 0, kept[1], 0], abs=2e-3)
    assert shares(1.0, 1e-9) == [1, 0, 0, 0]


def test_a_completion_ends_before_a_stop_string(llama: Any) -> None:
    (whole,) = llama.choices(prompt=PROMPTS[0], temperature=0, max_tokens=30)
    stop = whole["text"][8:11]
    answer = llama.ask(prompt=PROMPTS[0], temperature=0, max_tokens=30, stop=["never there", stop]).json()
    (choice,) = answer["choices"]
    assert choice["text"] == whole["text"][: whole["text"].index(stop)]
    assert choice["finish_reason"] == "stop"
    assert answer["usage"]["completion_tokens"] < 30


def test_what_is_longer_than_asked_for_or_than_the_context_is_cut_off(serve: Any) -> None:
    with serve("gpt2") as client:
        answer = client.ask(prompt="x" * 60, temperature=0, max_tokens=1000).json()
        short = client.ask(prompt="x" * 60, temperature=0, max_tokens=2).json()
    read, made = (answer["usage"][key] for key in ("prompt_tokens", "completion_tokens"))
    assert (read + made, answer["choices"][0]["finish_reason"]) == (64, "length")
    assert (short["usage"]["completion_tokens"], short["choices"][0]["finish_reason"]) == (2, "length")


def test_a_talk_is_laid_out_by_the_template(llama: Any, reference: Any) -> None:
    model, tokenizer = reference
    talk = [{"role": "system", "content": "Prove."}, {"role": "user", "content": "⊢ True"}]
    answer = llama.ask("/chat/completions", messages=talk, temperature=0, max_tokens=10, logprobs=True).json()
    (choice,) = answer["choices"]
    expected = greedy(model, tokenizer, "[system]Prove.[user]⊢ True[assistant]", 10)
    assert choice["message"] == {"role": "assistant", "content": tokenizer.decode(expected, skip_special_tokens=True)}
    assert len(choice["logprobs"]["content"]) == answer["usage"]["completion_tokens"] == len(expected)


async def test_our_own_generator_talks_to_it(llama: Any) -> None:
    sampling = Sampling(samples=4, temperature=1.0, max_tokens=8)
    async with ChatClient(llama.url, "llama", chance=Random(0)) as client:
        model = OpenAIModel(client)
        text, talk = "⊢ True", (Message("user", "⊢ True"),)
        for prompt in (text, talk):
            answers = await model.generate([prompt], sampling, 3)
            assert answers == await model.generate([prompt], sampling, 3)
            (answer,) = answers
            assert len({generation.text for generation in answer.generations}) == 4
            assert all(generation.log_probability is not None for generation in answer.generations)
            assert all(0 < generation.tokens <= 8 for generation in answer.generations)


def test_an_error_of_torch_is_an_answer_and_the_server_goes_on(serve: Any) -> None:
    def breaks_once(loaded: Any) -> None:
        forward: Callable[..., Any] = loaded.model.forward

        def failing(*arguments: Any, **named: Any) -> Any:
            if named["input_ids"].shape[1] == 5:
                raise RuntimeError("out of memory\nand more")
            return forward(*arguments, **named)

        loaded.model.forward = failing

    with serve(change=breaks_once) as client:
        failed = client.ask(prompt="vwxyz", max_tokens=4)
        assert failed.status_code == 500
        assert "RuntimeError: out of memory)" in failed.json()["error"]["message"]
        assert client.ask(prompt="vwxy", max_tokens=4).status_code == 200


def streamed(client: Any, path: str = "/completions", **body: Any) -> list[Any]:
    """The documents of a stream, in order."""
    with client.http.stream("POST", path, json={**body, "stream": True}) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        events = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
    assert events.pop() == "[DONE]"
    return [json.loads(event) for event in events]


def test_a_stream_tells_the_same_text_piece_by_piece(llama: Any) -> None:
    asked: dict[str, Any] = {"prompt": list(PROMPTS[:2]), "n": 2, "max_tokens": 40, "seed": 5}
    whole = llama.choices(**asked)
    pieces = streamed(llama, **asked, stream_options={"include_usage": True})
    assert pieces.pop()["usage"]["completion_tokens"] <= 160
    choices = [piece["choices"][0] for piece in pieces]
    for place, choice in enumerate(whole):
        own = [piece for piece in choices if piece["index"] == place]
        assert "".join(piece["text"] for piece in own) == choice["text"]
        assert [piece["finish_reason"] for piece in own] == [None] * (len(own) - 1) + [choice["finish_reason"]]
        assert len(own) > 5


def test_a_stream_never_tells_the_beginning_of_a_stop_string(llama: Any) -> None:
    (whole,) = llama.choices(prompt=PROMPTS[0], temperature=0, max_tokens=30)
    asked: dict[str, Any] = {"prompt": PROMPTS[0], "temperature": 0, "max_tokens": 30, "stop": whole["text"][8:14]}
    (stopped,) = llama.choices(**asked)
    told = "".join(piece["choices"][0]["text"] for piece in streamed(llama, **asked))
    assert told == stopped["text"] != whole["text"]


def test_a_talk_is_streamed_as_messages(llama: Any) -> None:
    asked: dict[str, Any] = {"messages": [{"role": "user", "content": "⊢ True"}], "temperature": 0, "max_tokens": 10}
    (choice,) = llama.ask("/chat/completions", **asked).json()["choices"]
    pieces = streamed(llama, "/chat/completions", **asked)
    assert "".join(piece["choices"][0]["delta"]["content"] for piece in pieces) == choice["message"]["content"]
    assert {piece["object"] for piece in pieces} == {"chat.completion.chunk"}


SMALL = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": 0,
}


def test_a_model_that_sees_a_window_sees_it_in_a_padded_row_too(folders: dict[str, Path], torch: Any) -> None:
    from transformers import MistralConfig, MistralForCausalLM

    _, words = load(str(folders["llama"]))
    model = MistralForCausalLM(MistralConfig(sliding_window=8, initializer_range=0.3, **SMALL)).eval()
    requests = [Request(tuple(range(1, 3 + 4 * place)), temperature=0, max_tokens=20 - place) for place in range(6)]
    with closing(Engine(model, words, Limits(), Figures(), now=time.monotonic)) as engine:
        answers = [future.result() for future in engine.submit(requests)]
    for request, (sample,) in zip(requests, answers, strict=True):
        prompt = torch.tensor([request.tokens])
        mask = torch.ones_like(prompt)
        row = model.generate(prompt, attention_mask=mask, do_sample=False, max_new_tokens=request.max_tokens)[0]
        assert row[len(request.tokens) :].tolist()[: len(sample.tokens)] == list(sample.tokens)


@pytest.mark.usefixtures("torch")
def test_a_model_with_another_kind_of_memory_is_refused(folders: dict[str, Path]) -> None:
    from transformers import JambaConfig, JambaForCausalLM, MambaConfig, MambaForCausalLM

    _, words = load(str(folders["llama"]))
    jamba = JambaConfig(attn_layer_period=2, attn_layer_offset=1, num_experts=2, **SMALL)
    for model in (
        JambaForCausalLM(jamba),
        MambaForCausalLM(MambaConfig(vocab_size=64, hidden_size=32, num_hidden_layers=1)),
    ):
        with pytest.raises(BadServing, match=r"Mamba|Jamba"):
            Engine(model, words, Limits(), Figures(), now=time.monotonic)
