"""The folder of a Llama decoder: its shape and its weights, read and written with `json` and numpy.

The format of the weights is safetensors (https://huggingface.co/docs/safetensors): eight bytes with the length of a header, the
header, which is JSON, and the numbers that it describes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lean_bridge.errors import InputError

Floats = NDArray[np.float32]

PACKAGED = Path(__file__).parent / "weights"
"""The folder of the model that is shipped."""

TENSORS = "model.safetensors"

_TYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2")}


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a decoder, and the two numbers that its formulas have.

    Attributes:
        vocabulary: tokens.
        width: of the stream between layers.
        layers: how many.
        heads: of attention in each.
        groups: heads that have keys and values of their own; `heads` is a multiple of it.
        head: width of a head, an even number.
        inner: width inside the feed-forward part.
        context: the longest text, in tokens.
        epsilon: is added to a mean square before its root is taken.
        theta: base of the wavelengths of rotary positions.
        tied: whether the output has the weights of the embedding.
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    groups: int
    head: int
    inner: int
    context: int
    epsilon: float
    theta: float
    tied: bool

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Which weights there are, by transformers' names."""
        queries, keys = self.heads * self.head, self.groups * self.head
        found: dict[str, tuple[int, ...]] = {
            "model.embed_tokens.weight": (self.vocabulary, self.width),
            "model.norm.weight": (self.width,),
        }
        if not self.tied:
            found["lm_head.weight"] = (self.vocabulary, self.width)
        for number in range(self.layers):
            of_layer = {
                "input_layernorm": (self.width,),
                "self_attn.q_proj": (queries, self.width),
                "self_attn.k_proj": (keys, self.width),
                "self_attn.v_proj": (keys, self.width),
                "self_attn.o_proj": (self.width, queries),
                "post_attention_layernorm": (self.width,),
                "mlp.gate_proj": (self.inner, self.width),
                "mlp.up_proj": (self.inner, self.width),
                "mlp.down_proj": (self.width, self.inner),
            }
            found |= {f"model.layers.{number}.{name}.weight": size for name, size in of_layer.items()}
        return found


def read_json(path: Path) -> dict[str, Any]:
    """A file with one JSON object.

    Raises:
        InputError: there is none.
    """
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        cure = "name the folder of a model, as `lemma train` writes it to DIR/model"
        raise InputError(f"{path} cannot be read ({error.strerror}); {cure}.") from error
    except ValueError as error:
        raise InputError(f"{path} is no JSON ({error}); fetch or write the model again.") from error
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no object; fetch or write the model again.")
    return found


def read_shape(folder: Path) -> Shape:
    """What the configuration of a folder says.

    Raises:
        InputError: it cannot be read, or is that of another kind of network.
    """
    path = folder / "config.json"
    config = read_json(path)
    # Before version 5 transformers wrote the two on their own.
    rope = config.get("rope_parameters") or {
        "rope_theta": config.get("rope_theta", 10_000.0),
        **(config.get("rope_scaling") or {}),
    }
    for name, value, only in (
        ("model_type", config.get("model_type"), "llama"),
        ("hidden_act", config.get("hidden_act", "silu"), "silu"),
        ("attention_bias", bool(config.get("attention_bias")), False),
        ("mlp_bias", bool(config.get("mlp_bias")), False),
        ("rope_type", rope.get("rope_type", rope.get("type", "default")), "default"),
    ):
        if value != only:
            raise InputError(
                f"{path}: {name} is {value}, and only {only} is known here; transformers may run it, as hf:{folder}."
            )
    try:
        width, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
        shape = Shape(
            vocabulary=int(config["vocab_size"]),
            width=width,
            layers=int(config["num_hidden_layers"]),
            heads=heads,
            groups=int(config.get("num_key_value_heads") or heads),
            head=int(config.get("head_dim") or width // heads),
            inner=int(config["intermediate_size"]),
            context=int(config["max_position_embeddings"]),
            epsilon=float(config.get("rms_norm_eps", 1e-6)),
            theta=float(rope.get("rope_theta", 10_000.0)),
            tied=bool(config.get("tie_word_embeddings", False)),
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise InputError(f"{path} does not tell the sizes of a network ({error!r}); write the model again.") from error
    if shape.head % 2 or shape.groups < 1 or shape.heads % shape.groups:
        raise InputError(f"{path}: {shape.heads} heads of width {shape.head} in {shape.groups} groups cannot be.")
    return shape


def read_tensors(path: Path) -> dict[str, Floats]:
    """All tensors of a file in single precision, by name.

    Raises:
        InputError: it cannot be read, is not whole, or has numbers of another type than float32 and float16.
    """
    try:
        content = path.read_bytes()
        size = int.from_bytes(content[:8], "little")
        header: dict[str, Any] = json.loads(content[8 : 8 + size])
        header.pop("__metadata__", None)
        return {name: _tensor(path, name, entry, memoryview(content)[8 + size :]) for name, entry in header.items()}
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); name the folder of a model.") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is no whole file of weights ({error}); fetch or write the model again.") from error


def _tensor(path: Path, name: str, entry: Mapping[str, Any], numbers: memoryview) -> Floats:
    if entry["dtype"] not in _TYPES:
        raise InputError(f"{path}: {name} is {entry['dtype']}, and only {' and '.join(_TYPES)} are known here.")
    begin, end = entry["data_offsets"]
    values: Floats = np.frombuffer(numbers[begin:end], _TYPES[entry["dtype"]]).astype(np.float32)
    return values.reshape(entry["shape"])


def read_weights(folder: Path, shape: Shape) -> dict[str, Floats]:
    """The weights that a decoder of that shape has, and no others.

    Raises:
        InputError: the file cannot be read, or a tensor is missing or of another size.
    """
    path = folder / TENSORS
    there = read_tensors(path)
    for name, size in shape.tensors().items():
        if name not in there:
            raise InputError(f"{path} has no {name}, which config.json wants; fetch or write the model again.")
        if there[name].shape != size:
            raise InputError(f"{path}: {name} is of size {there[name].shape}, and config.json wants {size}.")
    return {name: there[name] for name in shape.tensors()}


def tensors_as_bytes(tensors: Mapping[str, NDArray[np.floating[Any]]]) -> bytes:
    """A file of weights. Equal tensors in equal order give an equal file.

    Args:
        tensors: by name, in float32 or float16.
    """
    names = {kind: name for name, kind in _TYPES.items()}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    place = 0
    for name, values in tensors.items():
        header[name] = {
            "dtype": names[values.dtype],
            "shape": values.shape,
            "data_offsets": (place, place + values.nbytes),
        }
        place += values.nbytes
    described = json.dumps(header).encode()
    # The numbers begin at a multiple of eight bytes.
    described += b" " * (-len(described) % 8)
    return b"".join(
        [len(described).to_bytes(8, "little"), described, *(values.tobytes() for values in tensors.values())]
    )
