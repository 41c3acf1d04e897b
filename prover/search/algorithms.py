"""The algorithms by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from prover.search.best_first import LENGTH_NORMALISED, BestFirst
from prover.search.deepening import Deepening
from prover.search.hyper_tree import HyperTree
from prover.search.mcts import Mcts
from prover.search.portfolio import Portfolio
from prover.search.rmax import RMax
from prover.search.sampling import Sampling
from prover.search.strategy import Algorithm

DEFAULT: Algorithm = Portfolio()

_ALL: tuple[Algorithm, ...] = (
    DEFAULT,
    BestFirst(),
    LENGTH_NORMALISED,
    Mcts(),
    RMax(),
    HyperTree(),
    Sampling(),
    Deepening(),
)

ALGORITHMS: Mapping[str, Algorithm] = MappingProxyType({algorithm.name: algorithm for algorithm in _ALL})
"""With their standard settings; the first is `DEFAULT`."""
