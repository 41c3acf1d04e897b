"""Sizes of models that are made from scratch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Preset:
    """A decoder of the Llama kind, with tied embeddings.

    Attributes:
        vocabulary: tokens, at most: small data give fewer.
        width: of the stream between layers.
        layers: how many.
        heads: of attention in each; `width` is a multiple of it.
        inner: width inside the feed-forward part, which has three matrices.
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    inner: int

    @property
    def parameters(self) -> int:
        """Numbers in all matrices; the norms have a few thousand more."""
        return self.vocabulary * self.width + self.layers * self.width * (4 * self.width + 3 * self.inner)


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "tiny": Preset(vocabulary=1024, width=128, layers=4, heads=4, inner=384),
        "small": Preset(vocabulary=4096, width=384, layers=6, heads=6, inner=1024),
        "medium": Preset(vocabulary=8192, width=512, layers=10, heads=8, inner=1408),
    }
)
"""About 1, 12 and 36 million parameters. The smallest is for trying things out."""
