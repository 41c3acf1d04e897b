"""In what numbers a model computes."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Precision(StrEnum):
    """The names are torch's."""

    float32 = "float32"
    bfloat16 = "bfloat16"


def usual_precision(device: str) -> Precision:
    """bfloat16 where that is faster: on GPUs, and on processors with instructions for it.

    Args:
        device: `cuda` or `cpu`.
    """
    import torch

    has: Callable[[], bool] = torch.cpu._is_avx512_bf16_supported  # torch has no public name for it
    return Precision.bfloat16 if device == "cuda" or has() else Precision.float32
