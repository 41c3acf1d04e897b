"""Local models, on tiny ones that are made here. Without torch and transformers none of it is tested, and the summary says so."""

from __future__ import annotations

import asyncio
import math
import time
from pathlib import Path
from typing import Any

import pytest

from lean_bridge.errors import InputError
from prover.chat import Message
from prover.core import Goal, Premise, Query
from prover.errors import ModelFailed
from prover.generators.hf import HuggingFaceModel
from prover.generators.language import Sampling
from prover.generators.named import opened

pytestmark = pytest.mark.lm

STATE = "⊢ True"
DRAWN = Sampling(samples=4, temperature=1.0, max_tokens=12)
NEEDED = "LOCAL MODELS ARE NOT TESTED: they need torch and transformers; install the extra `lm`"


@pytest.fixture(scope="module")
def torch() -> Any:
    pytest.importorskip("transformers", reason=NEEDED)
    torch = pytest.importorskip("torch", reason=NEEDED)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return torch


@pytest.fixture(scope="module")
def byt5(torch: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder-decoder over bytes, with weights as they are drawn."""
    from transformers import ByT5Tokenizer, T5Config, T5ForConditionalGeneration

    folder = tmp_path_factory.mktemp("byt5")
    config = T5Config(
        vocab_size=384, d_model=32, d_kv=8, d_ff=32, num_layers=2, num_heads=2, decoder_start_token_id=0, pad_token_id=0
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)
    ByT5Tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def llama(torch: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A decoder that has learnt to say `trivial` or `simp`, and then the end, of the state `STATE`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("llama")
    pairs = Tokenizer(models.BPE())
    pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pairs.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=270, special_tokens=["<eos>"], initial_alphabet=alphabet, show_progress=False
    )
    pairs.train_from_iterator(["⊢ True trivial simp"] * 3, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=pairs, eos_token="<eos>")
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=96,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    model = LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    rows = [tokenizer(STATE + tactic + "<eos>", return_tensors="pt")["input_ids"] for tactic in ("trivial", "simp")]
    for _ in range(60):
        loss = sum(model(input_ids=row, labels=row).loss for row in rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def small(llama: Path) -> Any:
    model = HuggingFaceModel.load(str(llama))
    yield model
    model.close()


async def test_completions_are_drawn_with_their_own_log_probabilities(torch: Any, small: HuggingFaceModel) -> None:
    sampling = Sampling(samples=16, temperature=0.5, top_p=0.9, max_tokens=12)
    (answer,) = await small.generate([STATE], sampling, 1)
    assert {generation.text for generation in answer.generations} == {"trivial", "simp"}
    model, tokenizer = small._model, small._tokenizer
    prompt = tokenizer(STATE)["input_ids"]
    assert answer.prompt_tokens == len(prompt)
    for generation in answer.generations:
        written = tokenizer(generation.text + "<eos>")["input_ids"]
        logits = model(torch.tensor([prompt + written])).logits[0, len(prompt) - 1 : -1]
        forced = logits.log_softmax(-1).gather(1, torch.tensor(written)[:, None]).sum().item()
        assert generation.log_probability == pytest.approx(forced, abs=1e-3)
        assert (generation.tokens, generation.finish) == (len(written), "stop")


async def test_a_longer_prompt_beside_it_changes_nothing_of_an_answer(small: HuggingFaceModel) -> None:
    beams = Sampling(samples=2, temperature=0.0, max_tokens=12)
    (alone,) = await small.generate([STATE], beams, 0)
    _, beside = await small.generate(["a b : Nat\n⊢ a = b ∨ True", STATE], beams, 0)
    assert [generation.text for generation in alone.generations] == [g.text for g in beside.generations]
    assert {generation.text for generation in alone.generations} == {"trivial", "simp"}
    for one, other in zip(alone.generations, beside.generations, strict=True):
        assert one.log_probability == pytest.approx(other.log_probability, abs=1e-3)


async def test_equal_seeds_draw_the_same_and_others_something_else(small: HuggingFaceModel) -> None:
    hot = Sampling(samples=8, temperature=5.0, max_tokens=6)
    first, again, other = [await small.generate(["x", STATE], hot, seed) for seed in (3, 3, 4)]
    assert first == again != other


async def test_a_completion_ends_before_a_stop_string(small: HuggingFaceModel) -> None:
    (answer,) = await small.generate([STATE], Sampling(16, 0.5, 0.9, 12, ("via", "mp")), 1)
    assert {(generation.text, generation.finish) for generation in answer.generations} == {
        ("tri", "stop"),
        ("si", "stop"),
    }


async def test_a_completion_of_too_many_tokens_was_cut_off(small: HuggingFaceModel) -> None:
    (answer,) = await small.generate([STATE], Sampling(2, 0.5, 0.9, 1), 1)
    assert {(generation.finish, generation.tokens) for generation in answer.generations} == {("length", 1)}


async def test_a_prompt_that_fills_the_context_gets_no_completion_and_the_others_do(small: HuggingFaceModel) -> None:
    sampling = Sampling(samples=2, temperature=0.5, top_p=0.9, max_tokens=12)
    full, answer = await small.generate(["x" * 200, STATE], sampling, 1)
    assert [(g.text, g.finish) for g in full.generations] == [("", "length")] * 2
    assert {generation.finish for generation in answer.generations} == {"stop"}


async def test_more_rows_than_fit_are_made_one_after_the_other(llama: Path) -> None:
    loaded = HuggingFaceModel.load(str(llama))
    narrow = HuggingFaceModel(loaded._model, loaded._tokenizer, rows=3)
    answers = await narrow.generate([STATE] * 3, Sampling(2, 0.5, 0.9, 12), 1)
    assert [len(answer.generations) for answer in answers] == [2, 2, 2]


async def test_byt5_answers_with_the_beams_and_their_scores(byt5: Path) -> None:
    model = HuggingFaceModel.load(str(byt5))
    short, long = await model.generate([STATE, "a b : Nat\n⊢ a + b = b + a"], Sampling(4, 0.0, 1.0, 8), 0)
    model.close()
    assert (short.prompt_tokens, long.prompt_tokens) == (
        len(STATE.encode()) + 1,
        len("a b : Nat\n⊢ a + b = b + a".encode()) + 1,
    )
    for answer in (short, long):
        scores = [generation.log_probability or 0.0 for generation in answer.generations]
        assert len(scores) == 4
        assert all(-8 * math.log(384) * 2 < score < 0 for score in scores)
        assert scores == sorted(scores, reverse=True)


async def test_byt5_is_drawn_from_at_a_temperature(byt5: Path) -> None:
    model = HuggingFaceModel.load(str(byt5))
    (answer,) = await model.generate([STATE], DRAWN, 0)
    model.close()
    assert len({generation.text for generation in answer.generations}) > 1


async def test_the_event_loop_is_free_and_who_does_not_wait_any_more_ends_the_work(small: HuggingFaceModel) -> None:
    endless = Sampling(samples=32, temperature=5.0, max_tokens=90)
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await small.generate([STATE] * 200, endless, 0)
    await small.generate([STATE], Sampling(1, 1.0, 1.0, 1), 0)
    assert time.monotonic() - started < 3


async def test_a_talk_needs_a_template(small: HuggingFaceModel, llama: Path) -> None:
    talk = (Message("user", STATE),)
    assert not small.chats
    with pytest.raises(ModelFailed, match="no chat template"):
        await small.generate([talk], DRAWN, 0)
    with pytest.raises(InputError, match="has no chat template, and the format kimina-prover is a chat"):
        async with opened(f"hf:{llama}?format=kimina-prover", lambda variable: None):
            pass
    small._tokenizer.chat_template = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    beams = Sampling(samples=2, temperature=0.0, max_tokens=12)
    (answer,) = await small.generate([talk], beams, 0)
    assert {generation.text for generation in answer.generations} == {"trivial", "simp"}


async def test_a_talk_begins_with_the_marks_of_its_template_alone(byt5: Path) -> None:
    model = HuggingFaceModel.load(str(byt5))
    model._tokenizer.chat_template = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    (talk,) = await model.generate([(Message("user", STATE),)], DRAWN, 0)
    (text,) = await model.generate([STATE], DRAWN, 0)
    model.close()
    assert (talk.prompt_tokens, text.prompt_tokens) == (len(STATE.encode()), len(STATE.encode()) + 1)


async def test_an_error_of_torch_is_a_failure_of_the_model(
    small: HuggingFaceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**options: Any) -> None:
        raise RuntimeError("CUDA error: out of memory\nand more")

    monkeypatch.setattr(small._model, "generate", fails)
    with pytest.raises(ModelFailed, match=r"failed \(CUDA error: out of memory\); if its memory is too small"):
        await small.generate([STATE], DRAWN, 0)


async def test_a_name_opens_a_generator_and_records_weights_and_libraries(llama: Path, torch: Any) -> None:
    async def no_premises(uses: Any, limit: int, statements: bool = False) -> list[Premise]:
        return []

    async with opened(f"hf:{llama}?samples=8&temperature=0.5&top_p=0.9&max_tokens=12", lambda variable: None) as found:
        (answer,) = await found.generator.propose([Query((Goal(STATE, "k"),), 0, 0, (), no_premises)])
    assert {item.tactic for item in answer.items} == {"trivial", "simp"}
    assert all(0 < item.cost < 2 for item in answer.items)
    assert found.name.startswith(f"hf:{llama}?format=plain&samples=8&temperature=0.5&top_p=0.9&max_tokens=12 (")
    assert f"torch {torch.__version__}" in found.name


async def test_other_weights_are_another_version(llama: Path, tmp_path: Path, torch: Any) -> None:
    import shutil

    before = HuggingFaceModel.load(str(llama)).version
    copy = tmp_path / "copy"
    shutil.copytree(llama, copy)
    assert HuggingFaceModel.load(str(copy)).version == before
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    assert HuggingFaceModel.load(str(copy)).version != before


@pytest.mark.usefixtures("torch")
def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model can be loaded: .*give the folder of a model"):
        HuggingFaceModel.load(str(tmp_path))
