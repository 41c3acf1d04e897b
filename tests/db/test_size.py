"""The store is small on disk, and what is streamed from it is small in memory."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db import testing
from db.store import Store

LIBRARY = testing.LIBRARY
THEOREMS = 400
MUTANTS = 25


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten thousand mutants of four hundred theorems."""
    path = tmp_path_factory.mktemp("filled") / "lemma.db"
    with Store.open(path) as store:
        store.save_library(LIBRARY)
        payloads = [[f"T{unit}.{i}" for i in range(20)] for unit in range(THEOREMS // 20)]
        now = datetime(2026, 3, 1, tzinfo=UTC)
        run = store.start_run("mutate", {}, LIBRARY.digest, LIBRARY.toolchain, payloads, now)
        for unit in store.units(run.id):
            first = unit.position * 20 * MUTANTS
            store.finish_unit(
                unit,
                [
                    testing.harvest(name, [testing.mutant(first + i * MUTANTS + j, name) for j in range(MUTANTS)])
                    for i, name in enumerate(unit.payload)
                ],
            )
    return path


def test_a_mutant_takes_less_than_a_kilobyte_all_told(filled: Path) -> None:
    with Store.open(filled) as store:
        assert store.mutant_count() == THEOREMS * MUTANTS
    # The log is gone once the last connection is closed.
    assert [file.name for file in filled.parent.iterdir()] == ["lemma.db"]
    assert filled.stat().st_size / (THEOREMS * MUTANTS) < 1024


def test_streaming_holds_few_mutants_in_memory(filled: Path) -> None:
    with Store.open(filled) as store:
        next(store.mutants())
        tracemalloc.start()
        try:
            count = sum(1 for _ in store.mutants())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert count == THEOREMS * MUTANTS
    # All of them at once take more than ten megabytes.
    assert peak < 4_000_000
