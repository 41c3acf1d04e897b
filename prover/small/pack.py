"""Makes the folder that is shipped out of a trained model: weights in float16, which take half the room, and the card with them.

python -m prover.small.pack DIR/model [OUT]
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lean_bridge.errors import InputError
from prover.small.model import SmallModel
from prover.small.weights import PACKAGED, TENSORS, Floats, read_json, read_shape, read_weights, tensors_as_bytes

CARD, RECORD = "README.md", "training.json"


def pack(model: Path, out: Path) -> None:
    """Writes the float16 copy of a model. Files of JSON are carried along; the card and its record say what was done.

    Args:
        model: a folder as `lemma train` writes it to DIR/model.
        out: a folder; one that is there is replaced when the new one is complete.

    Raises:
        InputError: `model` cannot be run or has no card, a weight is beyond float16, or `out` is `model`.
    """
    if out.resolve() == model.resolve():
        raise InputError(f"{out} is the model itself; choose another place for the copy.")
    SmallModel.load(model).close()
    if not (model / CARD).is_file():
        raise InputError(f"{model} has no {CARD}; a model is not passed on without its card.")
    record = read_json(model / RECORD)
    weights = read_weights(model, read_shape(model))
    rounded = {name: _rounded(name, values) for name, values in weights.items()}
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for path in model.glob("*.json"):
        shutil.copy(path, partial)
    (partial / TENSORS).write_bytes(tensors_as_bytes(rounded))
    _write_json(partial / RECORD, {**record, "weights": "float16"})
    _write_json(partial / "config.json", {**read_json(model / "config.json"), "dtype": "float16"})
    (partial / CARD).write_text(_card((model / CARD).read_text(encoding="utf-8"), weights, rounded), encoding="utf-8")
    shutil.rmtree(out, ignore_errors=True)
    partial.rename(out)


def _rounded(name: str, values: Floats) -> NDArray[np.float16]:
    with np.errstate(over="ignore"):
        found = values.astype(np.float16)
    if not np.isfinite(found).all():
        raise InputError(f"{name} has numbers beyond float16, or such as are none; this model cannot be packed.")
    return found


def _card(card: str, weights: dict[str, Floats], rounded: dict[str, NDArray[np.float16]]) -> str:
    largest = max(float(np.abs(rounded[name] - values).max()) for name, values in weights.items())
    return f"""{card.rstrip()}

## Rounded weights

The weights of this copy were rounded to float16 after the training, each by at most {largest:.1e}; the figures above are those of the
weights before that. `lemma prove --generator small:DIR` runs it from its folder in single precision, without torch.
"""


def _write_json(path: Path, document: dict[str, object]) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """The command of the module's description."""
    parser = argparse.ArgumentParser(prog="python -m prover.small.pack", description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path, metavar="DIR/model", help="the folder of a trained model")
    parser.add_argument(
        "out", type=Path, nargs="?", default=PACKAGED, metavar="OUT", help="the copy; by default that of the package"
    )
    options = parser.parse_args()
    try:
        pack(options.model, options.out)
    except InputError as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
