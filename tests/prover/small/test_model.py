"""The small model: what it answers, to whom, and when it stops."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from lean_bridge.errors import InputError
from lean_bridge.pool import LeanPool
from prover.chat import Message
from prover.core import Budget
from prover.engine import Plan, Task, prove
from prover.errors import ModelFailed
from prover.generators.language import Answer, Sampling
from prover.generators.named import opened
from prover.small.choosing import drawn
from prover.small.model import SmallModel
from prover.small.weights import PACKAGED, read_shape, read_weights, tensors_as_bytes
from tests.prover.small.toy import COMPLETION, END, PROMPT, slow_log_probability, slow_logits, written

STATE = "n : Nat\n⊢ n = n"
OTHERS = ["⊢ True", "", "p q : Prop\nh : p ∧ q\n⊢ q ∧ p"]
DRAWN = Sampling(samples=6, temperature=1.0, max_tokens=10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("small"))


@pytest.fixture
def model(folder: Path) -> Iterator[SmallModel]:
    model = SmallModel.load(folder)
    yield model
    model.close()


@pytest.fixture(scope="module")
def told(folder: Path) -> Callable[[str, list[int]], float]:
    """The log-probability of a completion of a prompt, the slow way."""
    shape = read_shape(folder)
    weights = read_weights(folder, shape)
    tokenizer = SmallModel.load(folder)._tokenizer
    return lambda text, tokens: slow_log_probability(
        shape, weights, [PROMPT, *tokenizer.encode(text), COMPLETION], tokens
    )


@pytest.fixture
def seen(model: SmallModel, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The tokens of every completion, in the order of the answers' generations."""
    tokens: list[tuple[int, ...]] = []
    generation = model._generation

    def noted(completion: Any, stop: tuple[str, ...]) -> Any:
        tokens.append(completion.tokens)
        return generation(completion, stop)

    monkeypatch.setattr(model, "_generation", noted)
    return tokens


async def test_completions_are_drawn_with_their_own_log_probabilities(
    model: SmallModel, seen: list[tuple[int, ...]], told: Callable[[str, list[int]], float]
) -> None:
    sampling = Sampling(samples=40, temperature=1.5, top_p=0.95, max_tokens=10)
    (answer,) = await model.generate([STATE], sampling, 1)
    assert answer.prompt_tokens == len(model._tokenizer.encode(STATE)) + 2
    assert len(answer.generations) == 40
    finishes = {generation.finish for generation in answer.generations}
    assert finishes == {"stop", "length"}, "the weights of this test end some completions and not others"
    for generation, tokens in zip(answer.generations, seen, strict=True):
        assert generation.log_probability == pytest.approx(told(STATE, list(tokens)), abs=1e-3)
        assert generation.tokens == len(tokens) <= 10
        assert (generation.finish == "stop") == (tokens[-1] == END)
        assert END not in tokens[:-1]
        assert generation.text == model._tokenizer.decode(tokens)


async def test_what_is_drawn_has_the_probabilities_of_the_temperature(model: SmallModel, folder: Path) -> None:
    shape = read_shape(folder)
    prompt = [PROMPT, *model._tokenizer.encode(STATE), COMPLETION]
    logits = slow_logits(shape, read_weights(folder, shape), prompt)[-1] / 0.7
    likely = np.exp(logits - logits.max())
    likely /= likely.sum()
    (answer,) = await model.generate([STATE], Sampling(samples=4000, temperature=0.7, max_tokens=1), 0)
    best = int(likely.argmax())
    share = np.mean([generation.text == model._tokenizer.decode([best]) for generation in answer.generations])
    assert share == pytest.approx(likely[best], abs=4 * np.sqrt(likely[best] * (1 - likely[best]) / 4000))


def test_tokens_beyond_the_share_that_is_asked_for_are_never_drawn() -> None:
    told = np.log(np.array([[0.1, 0.5, 0.15, 0.25]], np.float32))
    chances = np.linspace(0, 1, 1000, endpoint=False)

    def counts(top_p: float) -> list[int]:
        tokens = drawn(np.repeat(told, 1000, 0), 1.0, top_p, chances).tolist()
        return [tokens.count(token) for token in range(4)]

    assert counts(1.0) == pytest.approx([100, 500, 150, 250], abs=1)
    assert counts(0.7) == pytest.approx([0, 667, 0, 333], abs=1)
    assert counts(0.8) == pytest.approx([0, 556, 167, 278], abs=1)
    assert counts(1e-6) == [0, 1000, 0, 0]


async def test_equal_seeds_draw_the_same_in_any_company_and_others_something_else(folder: Path) -> None:
    async def answers(*calls: tuple[list[str], int], rows: int = 128) -> list[list[Answer]]:
        loaded = SmallModel.load(folder)
        model = SmallModel(loaded._decoder, loaded._tokenizer, rows=rows)
        found = await asyncio.gather(*(model.generate(prompts, DRAWN, seed) for prompts, seed in calls))
        model.close()
        return found

    def texts(answer: Answer) -> list[str]:
        return [generation.text for generation in answer.generations]

    [[alone]] = await answers(([STATE], 3))
    [beside], [_, between, _], [other] = await answers(([STATE], 3), ([OTHERS[0], STATE, OTHERS[2]], 3), ([STATE], 4))
    [[*_, last]] = await answers(([*OTHERS, STATE], 3), rows=8)
    assert texts(alone) == texts(beside) == texts(between) == texts(last) != texts(other)
    for one, same in zip(alone.generations, between.generations, strict=True):
        assert one.log_probability == pytest.approx(same.log_probability, abs=1e-4)


async def test_calls_that_wait_at_the_same_time_are_one_batch(
    model: SmallModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    step = model._decoder.step

    all_wait = threading.Event()

    def noted(batch: Any, tokens: Any) -> Any:
        all_wait.wait(10)
        sizes.append(len(batch))
        return step(batch, tokens)

    monkeypatch.setattr(model._decoder, "step", noted)
    calls = [asyncio.create_task(model.generate([text], DRAWN, 0)) for text in (STATE, *OTHERS)]
    await asyncio.sleep(0.1)
    all_wait.set()
    await asyncio.gather(*calls)
    assert max(sizes) == 4


async def test_beams_are_the_likeliest_of_all_completions(
    model: SmallModel, folder: Path, seen: list[tuple[int, ...]]
) -> None:
    shape = read_shape(folder)
    weights = read_weights(folder, shape)
    prompt = [PROMPT, *model._tokenizer.encode(STATE), COMPLETION]

    def after(tokens: list[int]) -> Any:
        logits = slow_logits(shape, weights, prompt + tokens)[-1]
        return logits - np.log(np.exp(logits).sum())

    first = after([])
    everything: dict[tuple[int, ...], float] = {(END,): float(first[END])}
    for token in set(range(shape.vocabulary)) - {END}:
        totals = first[token] + after([token])
        everything |= {(token, second): float(total) for second, total in enumerate(totals.tolist())}
    best = sorted(everything, key=lambda tokens: -everything[tokens])[: shape.vocabulary]
    (answer,) = await model.generate([STATE], Sampling(samples=shape.vocabulary, temperature=0.0, max_tokens=2), 0)
    assert set(seen) == set(best)
    scores = [generation.log_probability for generation in answer.generations]
    assert scores == pytest.approx([everything[tokens] for tokens in best], abs=1e-4)
    assert [generation.finish == "stop" for generation in answer.generations] == [t[-1] == END for t in seen]


async def test_beams_that_ended_and_cannot_be_overtaken_end_the_search(
    model: SmallModel, seen: list[tuple[int, ...]], told: Callable[[str, list[int]], float]
) -> None:
    one, other = await model.generate([STATE, OTHERS[2]], Sampling(samples=4, temperature=0.0, max_tokens=30), 0)
    [again] = await model.generate([STATE], Sampling(samples=4, temperature=0.0, max_tokens=30), 5)
    assert [generation.text for generation in one.generations] == [generation.text for generation in again.generations]
    scores = [generation.log_probability or 0.0 for generation in one.generations]
    assert len(scores) == len(other.generations) == 4
    assert scores == sorted(scores, reverse=True)
    for generation, tokens in zip(again.generations, seen[-4:], strict=True):
        assert generation.log_probability == pytest.approx(told(STATE, list(tokens)), abs=1e-3)


async def test_a_completion_ends_before_a_stop_text(model: SmallModel) -> None:
    sampling = Sampling(samples=64, temperature=1.5, max_tokens=10)
    (free,) = await model.generate([STATE], sampling, 1)
    letters = sorted({letter for generation in free.generations for letter in generation.text[1:] if letter.isalpha()})
    stop = (letters[0], letters[1] + "never")
    (answer,) = await model.generate([STATE], Sampling(64, 1.5, 1.0, 10, stop), 1)
    pairs = list(zip(free.generations, answer.generations, strict=True))
    assert any(stop[0] in whole.text for whole, _ in pairs)
    for whole, cut in pairs:
        assert cut.text == whole.text.partition(stop[0])[0]
        assert cut.tokens <= whole.tokens
        if stop[0] in whole.text:
            assert cut.finish == "stop"


async def test_who_does_not_wait_any_more_ends_the_work_and_no_other_s(tmp_path: Path) -> None:
    endless = written(tmp_path, context=4096)
    model = SmallModel.load(endless)
    model._tokenizer.end = -1
    started = time.monotonic()
    other = asyncio.create_task(model.generate([OTHERS[0]], Sampling(samples=2, max_tokens=60), 0))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await model.generate([STATE] * 30, Sampling(samples=64, max_tokens=4000), 0)
    (answer,) = await other
    model.close()
    assert [generation.tokens for generation in answer.generations] == [60, 60]
    assert time.monotonic() - started < 5
    assert not model._waiting


async def test_a_prompt_that_is_too_long_loses_its_beginning(model: SmallModel, seen: list[tuple[int, ...]]) -> None:
    end = "⊢ q ∧ p" * 20
    sampling = Sampling(samples=8, temperature=3.0, max_tokens=50)
    one, other = await model.generate(["a" * 300 + end, "b" * 900 + end], sampling, 0)
    context = model._decoder.shape.context
    assert one.prompt_tokens == other.prompt_tokens == context - context // 8
    assert max(map(len, seen)) == context // 8
    assert model._framed("a" * 300 + end, sampling) == model._framed("b" * 900 + end, sampling)
    assert len(model._framed(end[:20], sampling)) == len(model._tokenizer.encode(end[:20])) + 2


async def test_a_talk_is_refused(model: SmallModel) -> None:
    with pytest.raises(ModelFailed, match="knows no talks; choose a format that is no chat"):
        await model.generate([STATE, (Message("user", STATE),)], DRAWN, 0)


async def test_too_little_memory_is_a_failure_of_the_model_and_the_next_call_is_answered(
    model: SmallModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(model._decoder, "step", fails)
        with pytest.raises(ModelFailed, match="not enough memory; ask for fewer samples"):
            await model.generate([STATE], DRAWN, 0)
    assert len(await model.generate([STATE], DRAWN, 0)) == 1


async def test_products_take_one_processor_while_it_works(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = SmallModel.load(folder)

    def threads() -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    before, during = threads(), set[int]()
    step = model._decoder.step

    def noted(batch: Any, tokens: Any) -> Any:
        during.update(threads())
        return step(batch, tokens)

    monkeypatch.setattr(model._decoder, "step", noted)
    await model.generate([STATE], DRAWN, 0)
    model.close()
    assert during <= {1}
    assert threads() == before
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("small-model")]


def damaged(folder: Path, name: str, change: Callable[[Any], Any]) -> None:
    path = folder / name
    if path.suffix == ".json":
        path.write_text(json.dumps(change(json.loads(path.read_text()))))
    else:
        path.write_bytes(change(path.read_bytes()))


def bfloat16(content: bytes) -> bytes:
    return content.replace(b'"F32"', b'"B16"')


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        ("config.json", lambda config: [config], "holds no object"),
        ("config.json", lambda config: config | {"model_type": "gpt2"}, "model_type is gpt2, and only llama"),
        ("config.json", lambda config: config | {"rope_parameters": {"rope_type": "yarn"}}, "rope_type is yarn"),
        ("config.json", lambda config: config | {"hidden_size": None}, "does not tell the sizes"),
        ("config.json", lambda config: config | {"num_key_value_heads": 3}, "4 heads of width 4 in 3 groups"),
        (
            "config.json",
            lambda config: config | {"vocab_size": 100},
            "the tokenizer has 267 tokens and the network 100",
        ),
        (
            "config.json",
            lambda config: config | {"intermediate_size": 25},
            r"of size \(24, 16\), and config.json wants",
        ),
        ("config.json", lambda config: config | {"num_hidden_layers": 3}, "has no model.layers.2.input_layernorm"),
        ("model.safetensors", lambda content: content[:-2], "no whole file of weights"),
        ("model.safetensors", lambda content: content[:100], "no whole file of weights"),
        ("model.safetensors", lambda content: b"version https://git-lfs", "no whole file of weights"),
        ("model.safetensors", bfloat16, "is B16, and only F32 and F16"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused(tmp_path: Path, name: str, change: Any, complaint: str) -> None:
    folder = written(tmp_path)
    damaged(folder, name, change)
    with pytest.raises(InputError, match=complaint):
        SmallModel.load(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_file_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path)
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name} cannot be read"):
        SmallModel.load(folder)


def test_the_rotation_s_base_is_found_wherever_transformers_wrote_it(tmp_path: Path) -> None:
    folder = written(tmp_path)
    for words, theta in (
        ({"rope_parameters": {"rope_theta": 7.0, "rope_type": "default"}}, 7.0),
        ({"rope_theta": 8.0, "rope_scaling": None}, 8.0),
        ({}, 10_000.0),
    ):
        config = json.loads((folder / "config.json").read_text())
        for key in ("rope_parameters", "rope_theta", "rope_scaling"):
            config.pop(key, None)
        (folder / "config.json").write_text(json.dumps(config | words))
        assert read_shape(folder).theta == theta


def test_other_weights_are_another_version(tmp_path: Path) -> None:
    one, other = (SmallModel.load(written(tmp_path / str(seed), seed=seed)).version for seed in (0, 1))
    assert one != other
    assert one.endswith(f", numpy {np.__version__}")


async def test_an_installation_without_its_model_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("prover.small.weights.PACKAGED", tmp_path)
    monkeypatch.setattr("prover.small.model.PACKAGED", tmp_path)
    with pytest.raises(InputError, match="no model in it; name the folder of one, as in small:DIR"):
        async with opened("small", lambda variable: None):
            pass


@pytest.mark.skipif(not (PACKAGED / "config.json").exists(), reason="no model is in the package yet")
async def test_the_packaged_model_answers() -> None:
    model = SmallModel.load()
    (answer,) = await model.generate([STATE], Sampling(samples=8, max_tokens=32), 0)
    model.close()
    assert any(generation.finish == "stop" for generation in answer.generations)


async def test_a_search_runs_with_a_model_of_a_folder_and_counts_what_is_no_tactic(
    folder: Path, pool: LeanPool
) -> None:
    task = Task("t", declaration="theorem t (a b : Nat) : Nat.gcd a b ∣ a + b := by sorry")
    plan = Plan(budget=Budget(seconds=60))
    async with opened(f"rules+small:{folder}?samples=4&max_tokens=6", lambda variable: None) as found:
        assert found.name.startswith(
            f"rules+small:{folder}?format=plain&samples=4&temperature=1&top_p=1&max_tokens=6 ("
        )
        attempt = await prove(pool, task, plan=plan, generator=found.generator)
    assert attempt.outcome == "proved"
    assert attempt.search is not None
    assert attempt.search.statistics.malformed > 0
    assert attempt.search.statistics.tokens > 0


def test_tensors_are_read_as_they_are_written(tmp_path: Path) -> None:
    folder = written(tmp_path)
    shape = read_shape(folder)
    weights = read_weights(folder, shape)
    half = {name: values.astype(np.float16) for name, values in weights.items()}
    (folder / "model.safetensors").write_bytes(tensors_as_bytes(half))
    for name, values in read_weights(folder, shape).items():
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, half[name])
