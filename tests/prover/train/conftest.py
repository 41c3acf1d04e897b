from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

NEEDED = ("torch", "transformers", "tokenizers", "safetensors")


def pytest_pycollect_makemodule(module_path: Path) -> None:
    """Without the extra `lm` no file here can even be imported; the summary says so in one line for each."""
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        cure = "pip install 'lemmaforge[lm]'"
        pytest.skip(f"TRAINING IS NOT TESTED: {', '.join(missing)} missing; {cure} ({module_path.name})")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums come out equal to the last bit only where they are split in the same way."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
