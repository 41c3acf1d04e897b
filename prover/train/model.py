"""The model that is trained: a new decoder, one from a folder, or adapters in front of one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from prover.errors import BadTraining
from prover.train.presets import Preset

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ATTENTION = "sdpa"
"""torch's own attention, which takes any mask."""


def new_model(preset: Preset, tokenizer: PreTrainedTokenizerBase, context: int) -> nn.Module:
    """A Llama decoder with weights drawn by torch's generator.

    Args:
        preset: its size.
        tokenizer: its vocabulary is that of the model.
        context: the longest text.
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    settings: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": preset.width,
        "num_hidden_layers": preset.layers,
        "num_attention_heads": preset.heads,
        "intermediate_size": preset.inner,
        "max_position_embeddings": context,
        "tie_word_embeddings": True,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "attn_implementation": ATTENTION,
    }
    made: nn.Module = LlamaForCausalLM(LlamaConfig(**settings))
    return made


def load_model(folder: Path) -> nn.Module:
    """The decoder, or encoder with decoder, in a folder, in single precision.

    Raises:
        BadTraining: there is none.
    """
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    if not (folder / "config.json").is_file():
        raise BadTraining(
            f"{folder} is no folder of a model: it has no config.json. Give the folder itself with --from."
        )
    try:
        encoder = bool(AutoConfig.from_pretrained(str(folder), local_files_only=True).is_encoder_decoder)
        kind: Any = AutoModelForSeq2SeqLM if encoder else AutoModelForCausalLM
        # An encoder's own mask has two dimensions, which every attention takes.
        chosen: dict[str, Any] = {} if encoder else {"attn_implementation": ATTENTION}
        found: nn.Module = kind.from_pretrained(str(folder), local_files_only=True, **chosen)
    except (OSError, ValueError, KeyError) as error:
        line = str(error).strip().partition("\n")[0][:300]
        raise BadTraining(f"{folder} has no model that transformers can load for training: {line}") from error
    return found.float()


def has_encoder(model: nn.Module) -> bool:
    """Whether it has an encoder beside its decoder."""
    config: Any = model.config
    return bool(config.is_encoder_decoder)


class LowRank(nn.Module):
    """A linear map W with a low-rank change beside it: y = W x + b + (alpha / r) B A x. W and b are not trained.

    Source: Hu et al., "LoRA" (arXiv 2106.09685), section 4.1, with their initial values: A drawn, B zero, so that the change begins
    at nothing.
    """

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.base = base.requires_grad_(requires_grad=False)
        self.scale = alpha / rank
        self.down = nn.Parameter(torch.empty(rank, base.in_features, dtype=base.weight.dtype))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank, dtype=base.weight.dtype))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        """[..., inputs] to [..., outputs]."""
        below = nn.functional.linear(nn.functional.linear(x, self.down), self.up)
        whole: Tensor = self.base(x) + self.scale * below
        return whole

    def merged(self) -> nn.Linear:
        """One linear map that does the same; it takes the place of the base, whose weights change."""
        with torch.no_grad():
            self.base.weight += self.scale * (self.up @ self.down)
        return self.base.requires_grad_()


def add_adapters(model: nn.Module, rank: int, alpha: float) -> int:
    """Puts an adapter beside each linear layer but the output's, and stops the training of all else. Returns how many there are.

    Raises:
        BadTraining: the model has no linear layers of torch's kind.
    """
    places = list(_linear_layers(model))
    if not places:
        raise BadTraining("The model has no layers of the kind torch.nn.Linear, which --lora needs; train all of it.")
    model.requires_grad_(requires_grad=False)
    for parent, name, layer in places:
        setattr(parent, name, LowRank(layer, rank, alpha))
    return len(places)


def merge_adapters(model: nn.Module) -> None:
    """Adds what the adapters have learnt to the weights beside them, and takes them away."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LowRank):
                setattr(parent, name, child.merged())


def trained_weights(model: nn.Module) -> dict[str, Tensor]:
    """What changes in training, by name, on the processor. Tied weights come once."""
    return {name: p.detach().cpu().clone() for name, p in model.named_parameters() if p.requires_grad}


def put_weights(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Puts back what `trained_weights` gave."""
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, values in weights.items():
            own[name].copy_(values)


def _linear_layers(model: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Linear]]:
    outputs: Any = getattr(model, "get_output_embeddings", lambda: None)()
    for parent in model.modules():
        for name, child in parent.named_children():
            if isinstance(child, nn.Linear) and child is not outputs:
                yield parent, name, child
