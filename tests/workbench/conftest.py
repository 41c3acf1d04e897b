from __future__ import annotations

from pathlib import Path

import pytest

from workbench.testing import Lemma


@pytest.fixture
def lemma(tmp_path: Path) -> Lemma:
    return Lemma(tmp_path)
