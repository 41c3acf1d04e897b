from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
    T5Config,
    T5ForConditionalGeneration,
)

from prover.errors import BadTraining
from prover.train.folder import TrainingFolder
from prover.train.plan import Plan, Source
from prover.train.run import Watch, train
from tests.prover.train.toy import TACTICS, curve, planned, written

pytestmark = [pytest.mark.lm, pytest.mark.usefixtures("one_thread")]


def watching(stop: Callable[[], bool] = lambda: False) -> Watch:
    return Watch(lambda _what, _part: None, lambda _step, _material: None, lambda _figures: None, stop)


def trained(plan: Plan, out: Path) -> dict[str, Any]:
    """Trains to the end."""
    card = train(plan, out, time.monotonic, watching())
    assert card is not None
    return card


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that has learnt the toy task."""
    folder = tmp_path_factory.mktemp("learnt")
    plan = planned(written(folder / "toy.jsonl"), steps=60, batch=4, micro_batch=4, context=128, lr=3e-3, eval_every=20)
    trained(plan, folder / "out")
    return folder / "out"


def until(lines: int, path: Path, process: subprocess.Popen[str]) -> None:
    """Waits until a file has so many lines."""
    end = time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b"\n") < lines:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def test_killed_and_interrupted_it_goes_on_to_the_same_curve_and_the_same_model(tmp_path: Path) -> None:
    data, out = written(tmp_path / "toy.jsonl"), tmp_path / "out"
    options = "--preset tiny --steps 20 --batch 4 --micro-batch 2 --context 64 --warmup 2 --eval-every 3 --device cpu --precision bfloat16"
    command = [sys.executable, "-m", "workbench", "train", "toy.jsonl", "--out", "out", *options.split()]
    err = ""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": tmp_path}
    for lines, stop in ((5, signal.SIGKILL), (10, signal.SIGINT)):
        with subprocess.Popen(command, **pipes) as process:
            until(lines, out / "metrics.jsonl", process)
            process.send_signal(stop)
            _, err = process.communicate(timeout=60)
        assert process.returncode == (-9 if stop == signal.SIGKILL else 130), err
        assert not (out / "model").exists()
    assert "goes on after update " in err
    assert "the same command goes on" in err
    assert "Traceback" not in err
    plan = planned(data, steps=20, eval_every=3, precision="bfloat16")
    broken, whole = trained(plan, out), trained(plan, tmp_path / "whole")
    assert curve(out / "metrics.jsonl") == curve(tmp_path / "whole" / "metrics.jsonl")
    assert broken["kept"] == whole["kept"]
    weights = "model/model.safetensors"
    assert (out / weights).read_bytes() == (tmp_path / "whole" / weights).read_bytes()


def test_a_tiny_model_learns_a_mapping_and_transformers_loads_and_runs_it(learnt: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(learnt / "model")
    model: Any = AutoModelForCausalLM.from_pretrained(learnt / "model")
    right = 0
    for sign, tactic in TACTICS.items():
        text = f"<|prompt|>h : Nat\n⊢ h {sign} h<|completion|>"
        given = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        told = model.generate(given, attention_mask=torch.ones_like(given), max_new_tokens=12, do_sample=False)
        right += tokenizer.decode(told[0, given.shape[1] :], skip_special_tokens=True) == tactic
    assert right == len(TACTICS)


def test_the_folder_of_a_finished_model_says_how_it_was_made(learnt: Path) -> None:
    card = json.loads((learnt / "model" / "training.json").read_text())
    text = (learnt / "model" / "README.md").read_text()
    [data] = card["settings"]["data"]
    assert data["sha256"] == Source.of(learnt.parent / "toy.jsonl").sha256
    assert data["sha256"] in text
    assert card["pairs"]["train"]["pairs"] + card["pairs"]["validation"]["pairs"] == 300
    rows = curve(learnt / "metrics.jsonl")
    assert [row["step"] for row in rows] == list(range(1, 61))
    assert card["kept"]["val_loss"] == min(row["val_loss"] for row in rows if "val_loss" in row)
    assert sorted(path.name for path in learnt.iterdir() if path.suffix == ".pt") == []


def test_a_finished_training_is_not_done_again(learnt: Path) -> None:
    plan = planned(learnt.parent / "toy.jsonl", steps=60, batch=4, micro_batch=4, context=128, lr=3e-3, eval_every=20)
    before = (learnt / "metrics.jsonl").read_bytes()
    assert trained(plan, learnt)["updates"] == 60
    assert (learnt / "metrics.jsonl").read_bytes() == before


def test_one_attempt_trains_as_cross_entropy_does_to_the_last_bit(tmp_path: Path) -> None:
    data = written(tmp_path / "toy.jsonl", 60)
    for loss in ("ce", "dco-step", "ua"):
        trained(planned(data, loss=loss, steps=4), tmp_path / loss)
    curves = [curve(tmp_path / loss / "metrics.jsonl") for loss in ("ce", "dco-step", "ua")]
    assert curves[0] == curves[1] == curves[2]


@pytest.mark.parametrize("loss", ["dco", "dco-step", "ua"])
def test_losses_of_coverage_learn_and_pay_less_heed_to_what_is_known(loss: str, tmp_path: Path) -> None:
    data = written(tmp_path / "toy.jsonl", 100)
    trained(planned(data, loss=loss, n=16.0, steps=25, batch=2, eval_every=25, lr=3e-3), tmp_path / "out")
    rows = curve(tmp_path / "out" / "metrics.jsonl")
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert rows[0]["weight"] == pytest.approx(1.0, abs=1e-3)
    assert rows[-1]["weight"] < 0.9


def test_gradients_of_parts_of_a_batch_add_up_to_that_of_the_batch(tmp_path: Path) -> None:
    data = written(tmp_path / "toy.jsonl", 60)
    for part in (1, 4):
        trained(planned(data, micro_batch=part, steps=3), tmp_path / str(part))
    one, other = (curve(tmp_path / name / "metrics.jsonl") for name in ("1", "4"))
    assert [row["norm"] for row in one] == pytest.approx([row["norm"] for row in other], rel=1e-3)
    assert [row["loss"] for row in one] == pytest.approx([row["loss"] for row in other], rel=1e-3)


def test_patience_ends_a_training_and_the_best_weights_are_kept(tmp_path: Path) -> None:
    data = written(tmp_path / "toy.jsonl", 60)
    plan = planned(data, steps=40, eval_every=1, patience=2, lr=1.0, validation=0.3)
    card = trained(plan, tmp_path / "out")
    assert card["ended_early"]
    assert card["updates"] == card["kept"]["step"] + 2
    assert card["kept"]["val_loss"] < 10 < card["last"]["val_loss"]
    model: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "out" / "model")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out" / "model")
    ids = torch.tensor(
        [tokenizer.encode("<|prompt|>a : Nat\n⊢ a = a<|completion|>rfl<|end|>", add_special_tokens=False)]
    )
    with torch.no_grad():
        assert (
            float(model(input_ids=ids, labels=ids.where(torch.arange(ids.shape[1]) > ids.shape[1] - 3, -100)).loss) < 10
        )


def test_products_in_bfloat16_give_nearly_the_curve_of_float32_and_weights_in_float32(tmp_path: Path) -> None:
    data = written(tmp_path / "toy.jsonl", 60)
    for precision in ("float32", "bfloat16"):
        trained(planned(data, precision=precision, steps=6), tmp_path / precision)
    one, other = (curve(tmp_path / precision / "metrics.jsonl") for precision in ("float32", "bfloat16"))
    assert [row["loss"] for row in other] == pytest.approx([row["loss"] for row in one], rel=0.02)
    assert one != other
    model: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "bfloat16" / "model")
    assert {p.dtype for p in model.parameters()} == {torch.float32}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_it_trains_on_a_gpu_in_half_precision_as_on_a_processor(tmp_path: Path) -> None:
    data = written(tmp_path / "toy.jsonl", 60)
    for device, precision in (("cpu", "float32"), ("cuda", "bfloat16")):
        trained(planned(data, device=device, precision=precision, steps=6), tmp_path / device)
    one, other = (curve(tmp_path / device / "metrics.jsonl") for device in ("cpu", "cuda"))
    assert [row["loss"] for row in other] == pytest.approx([row["loss"] for row in one], rel=0.05)


def test_adapters_on_a_model_are_merged_into_it(learnt: Path, tmp_path: Path) -> None:
    base = learnt / "model"
    plan = planned(learnt.parent / "toy.jsonl", preset="", origin=Source.of(base), lora_rank=4, lora_alpha=8.0, steps=4)
    trained(plan, tmp_path / "out")
    card = (tmp_path / "out" / "model" / "README.md").read_text()
    assert "The model that this one was made of was trained from scratch, with the loss `ce`" in card
    assert json.loads((tmp_path / "out" / "model" / "training.json").read_text())["before"] == json.loads(
        (base / "training.json").read_text()
    )
    before: Any = AutoModelForCausalLM.from_pretrained(base)
    after: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "out" / "model")
    names = dict(before.named_parameters())
    changed = {name for name, p in after.named_parameters() if not torch.equal(p, names[name])}
    assert len(changed) == 4 * 7
    assert all("proj" in name for name in changed)


def test_dropout_is_drawn_as_if_the_training_had_never_stopped(learnt: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    tokenizer = AutoTokenizer.from_pretrained(learnt / "model")
    tokenizer.save_pretrained(base)
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64, "resid_pdrop": 0.3}
    GPT2LMHeadModel(GPT2Config.from_dict({"vocab_size": len(tokenizer), **sizes})).save_pretrained(base)
    plan = planned(learnt.parent / "toy.jsonl", preset="", origin=Source.of(base), steps=8, eval_every=4)
    asked = iter([False] * 5 + [True])
    assert train(plan, tmp_path / "broken", time.monotonic, watching(lambda: next(asked))) is None
    torch.manual_seed(99)
    trained(plan, tmp_path / "broken")
    trained(plan, tmp_path / "whole")
    broken, whole = (curve(tmp_path / name / "metrics.jsonl") for name in ("broken", "whole"))
    assert broken == whole


def test_two_processes_cannot_train_in_one_folder(tmp_path: Path) -> None:
    plan = planned(written(tmp_path / "toy.jsonl", 20))
    with TrainingFolder.opened(tmp_path / "out", plan), pytest.raises(BadTraining, match="Another process trains in"):
        trained(plan, tmp_path / "out")


def test_an_encoder_with_a_decoder_is_trained_on(learnt: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    tokenizer = AutoTokenizer.from_pretrained(learnt / "model")
    tokenizer.save_pretrained(base)
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "decoder_start_token_id": 0}
    config = T5Config.from_dict({"vocab_size": len(tokenizer), **sizes})
    T5ForConditionalGeneration(config).save_pretrained(base)
    plan = planned(learnt.parent / "toy.jsonl", preset="", origin=Source.of(base), steps=6, lr=1e-2)
    trained(plan, tmp_path / "out")
    rows = curve(tmp_path / "out" / "metrics.jsonl")
    assert rows[-1]["loss"] < rows[0]["loss"]
    AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "out" / "model")


def test_a_folder_of_other_settings_is_refused_with_what_differs(learnt: Path) -> None:
    data = learnt.parent / "toy.jsonl"
    with pytest.raises(BadTraining, match=r"other settings: .*--lr was 0\.003 and is 0\.01;? ?.*choose another --out"):
        trained(planned(data, steps=60, batch=4, micro_batch=4, context=128, lr=0.01, eval_every=20), learnt)


def test_data_that_changed_are_other_settings_and_data_that_moved_are_not(learnt: Path, tmp_path: Path) -> None:
    settings = {"steps": 60, "batch": 4, "micro_batch": 4, "context": 128, "lr": 3e-3, "eval_every": 20}
    moved = tmp_path / "moved.jsonl"
    moved.write_bytes((learnt.parent / "toy.jsonl").read_bytes())
    assert trained(planned(moved, **settings), learnt)["updates"] == 60
    with moved.open("a") as file:
        file.write('{"prompt": "a", "completion": "b"}\n')
    with pytest.raises(BadTraining, match=r"DATA was .* and is "):
        trained(planned(moved, **settings), learnt)


def test_what_cannot_be_trained_is_refused(tmp_path: Path) -> None:
    data = written(tmp_path / "toy.jsonl", 20)
    with pytest.raises(BadTraining, match="is not empty and holds no training"):
        trained(planned(data), tmp_path)
    long = tmp_path / "long.jsonl"
    long.write_text(json.dumps({"prompt": "a", "completion": "".join(map(chr, range(200, 300)))}) + "\n")
    with pytest.raises(BadTraining, match="No pair fits into --context 16"):
        trained(planned(long, context=16, validation=0.0), tmp_path / "long")
    with pytest.raises(BadTraining, match="--patience has nothing to measure"):
        trained(planned(data, patience=1, validation=0.0), tmp_path / "patient")
    with pytest.raises(BadTraining, match="gradient is no number"):
        trained(planned(data, lr=1e30, warmup=0), tmp_path / "wild")
    with pytest.raises(BadTraining, match="has no config"):
        trained(planned(data, origin=Source.of(data.parent / "long"), preset=""), tmp_path / "other")


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"loss": "mse"}, "choose one of ce, dco"),
        ({"loss": "dco", "n": 0.5}, "give 1 or more"),
        ({"n": 8.0}, "--n is for --loss dco"),
        ({"preset": "huge"}, "--preset takes one of tiny"),
        ({"lora_rank": 4}, "add --from PATH"),
        ({"context": 8}, "give at least 16"),
        ({"lr": 0.0}, "give a number above 0"),
        ({"warmup": 12}, "does not end before --steps 12"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    settings: dict[str, Any], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(BadTraining, match=complaint):
        planned(written(tmp_path / "toy.jsonl", 2), **settings)


def test_the_rate_rises_in_a_line_and_falls_in_a_cosine(tmp_path: Path) -> None:
    plan = planned(written(tmp_path / "toy.jsonl", 2), steps=110, warmup=10, lr=1.0)
    rates = [plan.learning_rate(step) for step in range(110)]
    assert rates[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert rates[10] == 1.0
    assert rates[60] == pytest.approx(0.55)
    assert rates[-1] == pytest.approx(0.1, abs=1e-3)
