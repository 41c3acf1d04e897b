"""Models of a few thousand weights that nobody trained, and the slow way to run them, written for itself from the formulas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prover.small.tokens import _letters
from prover.small.weights import Shape, tensors_as_bytes

MARKS = ("<|pad|>", "<|prompt|>", "<|completion|>", "<|end|>")
PROMPT, COMPLETION, END = 1, 2, 3
BYTE = len(MARKS)
"""The token of the byte 0."""

MERGES = (("t", "r"), ("s", "i"), ("tr", "i"), ("Ġ", "â"), ("â", "Ĭ"), ("Ġ", "n"), ("i", "v"))


def tokenizer_document() -> dict[str, Any]:
    """A `tokenizer.json` of all bytes and a few merges."""
    tokens = [*MARKS, *_letters(), *(first + second for first, second in MERGES)]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": number,
                "content": mark,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for number, mark in enumerate(MARKS)
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: number for number, token in enumerate(tokens)},
            "merges": [list(merge) for merge in MERGES],
        },
    }


def written(folder: Path, *, groups: int = 2, tied: bool = True, seed: int = 0, context: int = 96) -> Path:
    """A folder as `lemma train` writes it, with drawn weights that make some tokens much likelier than others."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizer_document()
    config: dict[str, Any] = {
        "model_type": "llama",
        "vocab_size": len(tokenizer["model"]["vocab"]),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": groups,
        "intermediate_size": 24,
        "max_position_embeddings": context,
        "rms_norm_eps": 1e-5,
        "rope_parameters": {"rope_theta": 500.0, "rope_type": "default"},
        "tie_word_embeddings": tied,
        "hidden_act": "silu",
    }
    shape = Shape(config["vocab_size"], 16, 2, 4, groups, 4, 24, context, 1e-5, 500.0, tied)
    random = np.random.default_rng(seed)
    weights = {
        name: (random.standard_normal(size) * (0.5 if len(size) > 1 else 0.2) + (len(size) == 1)).astype(np.float32)
        for name, size in shape.tensors().items()
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "model.safetensors").write_bytes(tensors_as_bytes(weights))
    (folder / "README.md").write_text("# A model\n\nOf a test.\n")
    (folder / "training.json").write_text('{"settings": {"seed": 0}}\n')
    return folder


def slow_logits(
    shape: Shape, weights: dict[str, NDArray[np.float32]], tokens: list[int]
) -> NDArray[np.float64]:  # [tokens, vocabulary]
    """The whole text through the network, head by head and in double precision."""
    w = {name: values.astype(np.float64) for name, values in weights.items()}

    def norm(x: Any, scale: Any) -> Any:
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + shape.epsilon) * scale

    def turn(x: Any) -> Any:
        found = np.empty_like(x)
        half = shape.head // 2
        for place in range(len(x)):
            for pair in range(half):
                angle = place / shape.theta ** (2 * pair / shape.head)
                a, b = x[place, pair], x[place, pair + half]
                found[place, pair] = a * np.cos(angle) - b * np.sin(angle)
                found[place, pair + half] = b * np.cos(angle) + a * np.sin(angle)
        return found

    x = w["model.embed_tokens.weight"][tokens]
    for layer in range(shape.layers):

        def part(name: str, layer: int = layer) -> Any:
            return w[f"model.layers.{layer}.{name}.weight"]

        y = norm(x, part("input_layernorm"))
        q, k, v = (y @ part(f"self_attn.{name}_proj").T for name in "qkv")
        heads = []
        for head in range(shape.heads):
            mine = slice(head * shape.head, (head + 1) * shape.head)
            group = head // (shape.heads // shape.groups)
            shared = slice(group * shape.head, (group + 1) * shape.head)
            scores = turn(q[:, mine]) @ turn(k[:, shared]).T / np.sqrt(shape.head)
            scores[np.triu_indices(len(tokens), 1)] = -np.inf
            likely = np.exp(scores - scores.max(1, keepdims=True))
            heads.append(likely / likely.sum(1, keepdims=True) @ v[:, shared])
        x = x + np.concatenate(heads, axis=1) @ part("self_attn.o_proj").T
        y = norm(x, part("post_attention_layernorm"))
        gate = y @ part("mlp.gate_proj").T
        x = x + (gate / (1 + np.exp(-gate)) * (y @ part("mlp.up_proj").T)) @ part("mlp.down_proj").T
    output = w["model.embed_tokens.weight" if shape.tied else "lm_head.weight"]
    found: NDArray[np.float64] = norm(x, w["model.norm.weight"]) @ output.T
    return found


def slow_log_probability(
    shape: Shape, weights: dict[str, NDArray[np.float32]], prompt: list[int], completion: list[int]
) -> float:
    """Of a completion, summed over its tokens."""
    logits = slow_logits(shape, weights, prompt + completion)[len(prompt) - 1 : -1]
    told = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    return float(told[np.arange(len(completion)), completion].sum())
