"""Rows of a batch get what they would get alone, wherever the memory puts them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from prover.serve import memory
from prover.serve.batch import Batch
from prover.serve.running import load

pytestmark = pytest.mark.lm

ROWS = 10


@pytest.fixture
def model(folders: dict[str, Path], torch: Any) -> Iterator[Any]:
    with torch.inference_mode():
        yield load(str(folders["llama"]))[0]


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
            samples = min(chance.randrange(4), ROWS - len(rows))
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
    kept.join([(Batch(model, ROWS).prefill([1, 2, 3])[1], 2)])
    buffers = []
    for _ in range(15):
        buffers.append(kept.cache().layers[0].keys)
        kept.advance()
    assert [buffer is earlier for earlier, buffer in pairwise(buffers)] == [place % 5 != 0 for place in range(1, 15)]


def test_what_a_long_row_took_is_given_up_after_it(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    spare(monkeypatch, 5)
    kept = memory.Memory(ROWS)
    batch = Batch(model, ROWS)
    kept.join([(batch.prefill([1] * 100)[1], 9), (batch.prefill([1])[1], 1)])
    assert kept.cache().layers[0].keys.shape[::2] == (10, 105)
    assert kept.keep([9]) == [9]
    for _ in range(6):
        kept.advance()
        layers = kept.cache().layers
    assert {part.shape[::2] for layer in layers for part in (layer.keys, layer.values)} == {(2, 11)}
    assert kept.keep([]) == []


def test_numbers_that_are_not_finite_stay_in_their_row(model: Any, torch: Any) -> None:
    kept = memory.Memory(2)
    batch = Batch(model, 2)
    kept.join([(batch.prefill([1] * 20)[1], 2)])
    for layer in kept.cache().layers:
        for part in (layer.keys, layer.values):
            part[1] = torch.nan
    kept.keep([0])
    kept.join([(batch.prefill([1])[1], 1)])
    for layer in kept.cache().layers:
        for part in (layer.keys, layer.values):
            assert part[:, :, :20].isfinite().all()
