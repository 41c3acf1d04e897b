from __future__ import annotations

from pathlib import Path

import pytest
import torch

from prover.errors import BadTraining
from prover.train.model import LowRank, add_adapters, load_model, merge_adapters, new_model, trained_weights
from prover.train.presets import PRESETS, Preset
from prover.train.tokenizer import (
    COMPLETION,
    PROMPT,
    SMALLEST,
    borders,
    encoder_of,
    load_tokenizer,
    train_tokenizer,
)

pytestmark = pytest.mark.lm

LEAN = """\
theorem Nat.foo {α : Type u} (h₁ : ∀ ε > 0, ‖x - y‖ ≤ ε) : x = y ∧ ¬ False ↔ ⟨𝓞, ℝ≥0∞⟩ := by
  simp only [Nat.succ_eq_add_one, ← h₁]
\texact fun ⟨_, hb⟩ ↦ (hb ▸ rfl) -- größer\r
"""


def test_every_lean_text_can_be_read_back(tmp_path: Path) -> None:
    tokenizer = train_tokenizer([LEAN] * 3, 400)
    tokenizer.save_pretrained(str(tmp_path))
    for one in (tokenizer, load_tokenizer(tmp_path)):
        for text in (LEAN, "𝔸 ⊣ 日本  \n\n  x", " ", "", "\0\x7f"):
            [ids] = encoder_of(one)([text])
            assert one.decode(ids) == text
    assert encoder_of(load_tokenizer(tmp_path))([LEAN]) == encoder_of(tokenizer)([LEAN])


def test_equal_texts_give_an_equal_tokenizer_of_the_wanted_size() -> None:
    texts = [f"{LEAN} lemma number_{i} uses {i * i}" for i in range(100)]
    one, other = (train_tokenizer(texts, 400) for _ in range(2))
    assert one.get_vocab() == other.get_vocab()
    assert len(one) == 400
    assert len(encoder_of(one)([LEAN])[0]) < len(LEAN.encode()) / 2


def test_a_vocabulary_without_room_for_the_bytes_is_refused() -> None:
    with pytest.raises(BadTraining, match="no room for all bytes"):
        train_tokenizer([LEAN], SMALLEST - 1)


def test_borders_are_single_tokens_that_no_text_has() -> None:
    tokenizer = train_tokenizer([LEAN], 300)
    marks = borders(tokenizer, encoder=False)
    assert tokenizer.encode(f"{PROMPT}x{COMPLETION}", add_special_tokens=False)[::2] == [
        *marks.prompt,
        *marks.completion,
    ]
    assert not {*marks.prompt, *marks.completion, *marks.end} & set(encoder_of(tokenizer)([LEAN])[0])


@pytest.mark.parametrize(
    ("name", "least", "most"), [("tiny", 0.8e6, 1.2e6), ("small", 10e6, 14e6), ("medium", 30e6, 40e6)]
)
def test_presets_have_the_sizes_that_they_say(name: str, least: float, most: float) -> None:
    assert least < PRESETS[name].parameters < most


def made() -> torch.nn.Module:
    torch.manual_seed(0)
    return new_model(Preset(300, 32, 2, 2, 64), train_tokenizer([LEAN], 300), 64)


def test_adapters_begin_at_nothing_train_alone_and_merge_into_the_same_map() -> None:
    model, ids = made(), torch.arange(20)[None]
    before = model(input_ids=ids).logits
    names = {name for name, _ in model.named_parameters()}
    assert add_adapters(model, rank=4, alpha=8.0) == 2 * 7
    assert torch.equal(model(input_ids=ids).logits, before)
    assert all(name.endswith((".up", ".down")) for name in trained_weights(model))
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.5)
    for _ in range(3):
        torch.autograd.backward(model(input_ids=ids, labels=ids).loss)
        optimizer.step()
    changed = model(input_ids=ids).logits
    assert not torch.allclose(changed, before, atol=1e-3)
    merge_adapters(model)
    assert {name for name, _ in model.named_parameters()} == names
    assert not any(isinstance(module, LowRank) for module in model.modules())
    torch.testing.assert_close(model(input_ids=ids).logits, changed, rtol=1e-4, atol=1e-5)


def test_adapters_need_linear_layers() -> None:
    with pytest.raises(BadTraining, match="which --lora needs"):
        add_adapters(torch.nn.Sequential(torch.nn.Embedding(3, 4)), 2, 4.0)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadTraining, match=r"has no config\.json"):
        load_model(tmp_path)
    with pytest.raises(BadTraining, match="no tokenizer that transformers can load"):
        load_tokenizer(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "nothing-known"}')
    with pytest.raises(BadTraining, match="no model that transformers can load"):
        load_model(tmp_path)
