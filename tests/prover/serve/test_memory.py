"""Rows of a batch get what they would get alone, wherever the memory puts them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from prover.precision import Precision
from prover.serve import memory, shared
from prover.serve.batch import Batch
from prover.serve.running import load

pytestmark = pytest.mark.lm

ROWS = 10


@pytest.fixture
def model(folders: dict[str, Path], torch: Any) -> Iterator[Any]:
    with torch.inference_mode():
        yield load(str(folders["llama"]), Precision.float32)[0]


def spare(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr(memory, "SPARE", columns)


@pytest.mark.parametrize("columns", [1, 3, memory.SPARE])
def test_rows_that_come_and_go_see_what_they_see_alone(
    columns: int, model: Any, torch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare(monkeypatch, columns)
    chance = Random(columns)
    batch = Batch(model, ROWS)
    rows: list[list[int]] = []
    expected: list[Any] = []
    found: list[Any] = []
    for _ in range(60):
        entering = []
        for _ in range(chance.randrange(3)):
            prompt = [chance.randrange(200) for _ in range(chance.choice([1, 2, 9, 40]))]
            samples = min(chance.randrange(7), ROWS - len(rows))
            entering.append((batch.prefill(prompt)[1], samples))
            rows += [list(prompt) for _ in range(samples)]
        batch.join(entering)
        assert len(batch) == len(rows)
        if rows:
            for row in rows:
                row.append(chance.randrange(200))
            found += batch.step([row[-1] for row in rows])
            expected += [model(torch.tensor([row])).logits[0, -1] for row in rows]
        if chance.randrange(3) == 0:
            staying = [place for place in range(len(rows)) if chance.randrange(3)]
            order = batch.keep(staying)
            assert sorted(order) == staying
            rows = [rows[place] for place in order]
    assert len(found) > 200
    torch.testing.assert_close(torch.stack(found), torch.stack(expected), atol=1e-3, rtol=1e-3)


def test_steps_copy_nothing_until_the_room_is_used_up(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    spare(monkeypatch, 5)
    kept = memory.Memory(ROWS)
    kept.join([(Batch(model, ROWS).prefill([1, 2, 3])[1].layers, 3, 2)])
    buffers = []
    for _ in range(15):
        buffers.append(kept.cache().layers[0].keys)
        kept.advance()
    assert [buffer is earlier for earlier, buffer in pairwise(buffers)] == [place % 5 != 0 for place in range(1, 15)]


def test_what_a_long_row_took_is_given_up_after_it(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    spare(monkeypatch, 5)
    kept = memory.Memory(ROWS)
    batch = Batch(model, ROWS)
    kept.join([(batch.prefill([1] * 100)[1].layers, 100, 9), (batch.prefill([1])[1].layers, 1, 1)])
    assert kept.cache().layers[0].keys.shape[::2] == (10, 105)
    assert kept.keep([9]) == [9]
    for _ in range(6):
        kept.cache()
        kept.advance()
    layers = kept.cache().layers
    assert {part.shape[::2] for layer in layers for part in (layer.keys, layer.values)} == {(2, 11)}
    assert kept.keep([]) == []


def test_numbers_that_are_not_finite_stay_in_their_row(model: Any, torch: Any) -> None:
    kept = memory.Memory(2)
    batch = Batch(model, 2)
    kept.join([(batch.prefill([1] * 20)[1].layers, 20, 2)])
    for layer in kept.cache().layers:
        for part in (layer.keys, layer.values):
            part[1] = torch.nan
    kept.keep([0])
    kept.join([(batch.prefill([1])[1].layers, 1, 1)])
    for layer in kept.cache().layers:
        for part in (layer.keys, layer.values):
            assert part[:, :, :20].isfinite().all()


def test_attention_to_a_shared_prompt_is_that_to_a_copy_for_each_row(torch: Any) -> None:
    heads, size, before, own = 2, 8, 7, 5
    rows = [[4, 0], [2]]
    query = torch.randn(6, 3 * heads, 1, size)
    keys, values = (torch.randn(6, heads, own, size) for _ in range(2))
    mask = torch.arange(own)[None] >= torch.tensor([0, 1, 2, 3, 4, 0])[:, None]
    kept = [[torch.randn(heads, before + place, size) for _ in range(2)] for place in range(2)]
    prompts = [shared.Prompt([tuple(part)], torch.tensor(those)) for part, those in zip(kept, rows, strict=True)]
    layer = SimpleNamespace(layer_idx=0)
    found, _ = shared.attend(layer, query, keys, values, mask[:, None, None], prompts=prompts)
    for row in range(6):
        parts = [part for part, those in zip(kept, rows, strict=True) if row in those]
        seen = [
            torch.cat([*(part[which] for part in parts), whole[row][:, mask[row]]], dim=1).repeat_interleave(3, dim=0)
            for which, whole in enumerate((keys, values))
        ]
        expected = torch.nn.functional.scaled_dot_product_attention(query[row], *seen)
        torch.testing.assert_close(found[row, 0], expected[:, 0])


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_samples_share_their_prompt_where_the_models_attention_is_known(
    kind: str, folders: dict[str, Path], torch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, _ = load(str(folders[kind]))
    with torch.inference_mode():
        assert Batch(model, ROWS).shares
        assert not Batch(model, 2).shares
        monkeypatch.setattr(model.config, "sliding_window", 8, raising=False)
        assert not Batch(model, ROWS).shares


@pytest.mark.parametrize("change", [{"softcap": 50.0}, {"scaling": 0.1}])
def test_where_attention_is_another_rows_have_their_own_prompts(
    change: dict[str, float], model: Any, torch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    attend = shared.attend
    monkeypatch.setattr(shared, "attend", lambda *arguments, **named: attend(*arguments, **{**named, **change}))
    batch = Batch(model, ROWS)
    assert not batch.shares
    batch.join([(batch.prefill([1, 2, 3])[1], 5)])
    expected = model(torch.tensor([[1, 2, 3, 4]])).logits[0, -1]
    torch.testing.assert_close(batch.step([4] * 5), expected.expand(5, -1), atol=1e-3, rtol=1e-3)
    assert model.config._attn_implementation == "sdpa"
