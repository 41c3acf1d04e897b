"""The copy of a model that is shipped."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from lean_bridge.errors import InputError
from prover.generators.language import Sampling
from prover.small.model import SmallModel
from prover.small.pack import main, pack
from prover.small.weights import read_shape, read_weights, tensors_as_bytes
from tests.prover.small.toy import written


async def test_the_copy_is_half_as_large_answers_and_has_the_card_with_what_was_done(tmp_path: Path) -> None:
    model, out = written(tmp_path / "model"), tmp_path / "out"
    out.mkdir()
    (out / "earlier").touch()
    pack(model, out)
    assert {path.name for path in out.iterdir()} == {path.name for path in model.iterdir()}
    assert not (tmp_path / ".out.partial").exists()
    sizes = [(folder / "model.safetensors").stat().st_size for folder in (model, out)]
    assert sizes[1] < 0.6 * sizes[0]
    card = (out / "README.md").read_text()
    assert card.startswith((model / "README.md").read_text())
    assert "rounded to float16" in card
    assert json.loads((out / "training.json").read_text()) == {"settings": {"seed": 0}, "weights": "float16"}
    shape = read_shape(out)
    for name, values in read_weights(model, shape).items():
        np.testing.assert_allclose(read_weights(out, shape)[name], values, rtol=1e-3, atol=1e-6)
    packed = SmallModel.load(out)
    (answer,) = await packed.generate(["⊢ True"], Sampling(samples=2, max_tokens=4), 0)
    packed.close()
    assert len(answer.generations) == 2


def test_equal_models_make_equal_copies(tmp_path: Path) -> None:
    model = written(tmp_path / "model")
    versions = []
    for name in ("a", "b"):
        pack(model, tmp_path / name)
        versions.append(SmallModel.load(tmp_path / name).version)
    assert versions[0] == versions[1]


def test_a_model_without_its_card_is_not_packed(tmp_path: Path) -> None:
    model = written(tmp_path / "model")
    (model / "README.md").unlink()
    with pytest.raises(InputError, match=r"has no README\.md"):
        pack(model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_weights_that_float16_cannot_hold_are_refused(tmp_path: Path) -> None:
    model = written(tmp_path / "model")
    weights = read_weights(model, read_shape(model))
    weights["model.norm.weight"][3] = 1e6
    (model / "model.safetensors").write_bytes(tensors_as_bytes(weights))
    with pytest.raises(InputError, match=r"model\.norm\.weight has numbers beyond float16"):
        pack(model, tmp_path / "out")


def test_the_command_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = written(tmp_path / "model")
    monkeypatch.setattr(sys, "argv", ["pack", str(model), str(model)])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "is the model itself" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["pack", str(model), str(tmp_path / "out")])
    main()
    assert (tmp_path / "out" / "config.json").is_file()


@pytest.mark.lm
def test_transformers_reads_the_copy(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy", reason="NOT READ BY SAFETENSORS: install the extra `lm`")
    model = written(tmp_path / "model")
    pack(model, tmp_path / "out")
    theirs = safetensors.load_file(tmp_path / "out" / "model.safetensors")
    ours = read_weights(tmp_path / "out", read_shape(tmp_path / "out"))
    assert theirs.keys() == ours.keys()
    for name, values in ours.items():
        np.testing.assert_array_equal(theirs[name], values)
