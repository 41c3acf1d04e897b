"""How fast mutants are exported to JSON Lines, and where the time goes.

python benchmarks/export.py                      200,000 mutants, made up, three rounds
python benchmarks/export.py --rows 1000000
python benchmarks/export.py --store lemma.db     those of a store
python benchmarks/export.py --json out.json

In one process, taking turns: reading the records and dropping them, turning records in memory into lines with `json.dumps`
(the baseline) and with `db.export.jsonl`, and the whole of `lemma export jsonl`, hashes and card included. Seconds are those
of the processor where they are called so, so that other work on the machine counts less.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from db.export import jsonl
from db.export.datasets import export_jsonl, export_parquet
from db.export.order import Order
from db.export.sft import PromptFormat
from db.export.training import Content, Pairs, export_cpt, export_sft
from db.records import Mutant
from db.store import Store
from tests.db.export.samples import library
from tests.db.export.stores import add_run, numbered

IN_MEMORY = 50_000
"""Records for the two ways to make lines: enough to time, few enough to hold."""


def dumped(mutants: list[Mutant]) -> Iterator[str]:
    """The baseline: what one would write."""
    for mutant in mutants:
        row = {
            "name": mutant.name,
            "parent": mutant.parent,
            "kind": mutant.kind,
            "depth": mutant.depth,
            "statement": mutant.statement,
            "proof": mutant.proof,
            "lineage": [
                {"kind": s.kind, "place": s.place, "lemma": s.lemma, "reverse": s.reverse, "detail": s.detail}
                for s in mutant.steps
            ],
            "marks": mutant.marks,
            "size": mutant.size,
            "canonical": mutant.canonical,
            "imports": ["Init"],
        }
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock and on the processor."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def drain(lines: Iterator[object]) -> int:
    """Uses an iterator up."""
    return sum(1 for _ in lines)


def measure(store: Store, folder: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Rows a second of each, by the clock and by the processor: medians of the rounds."""
    total = store.mutant_count()
    some = list(islice(store.mutants(), IN_MEMORY))
    gc.freeze()  # an export holds no records, so the garbage collector must not look through these while it is timed

    def exported(export: Callable[[Order], object]) -> Callable[[], object]:
        def work() -> None:
            shutil.rmtree(folder, ignore_errors=True)
            export(Order(store, folder, "lemma export"))

        return work

    contents: dict[str, tuple[int, Callable[[], object]]] = {
        "json.dumps of records in memory": (len(some), lambda: drain(dumped(some))),
        "db.export.jsonl of records in memory": (len(some), lambda: drain(jsonl.lines(some, ["Init"]))),
        "reading records": (total, lambda: drain(store.mutants())),
        "lemma export jsonl": (total, exported(export_jsonl)),
        "lemma export cpt": (total, exported(lambda order: export_cpt(order, Content.mutants))),
        "lemma export sft": (
            total,
            exported(lambda order: export_sft(order, Content.mutants, Pairs.proofs, PromptFormat.plain)),
        ),
        "lemma export parquet": (total, exported(export_parquet)),
    }
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in contents}
    for _ in range(rounds):
        for name, (_, work) in contents.items():
            seconds[name].append(timed(work))
    return {
        name: {
            "rows": rows,
            "rows_a_second": round(rows / statistics.median(wall for wall, _ in seconds[name])),
            "rows_a_processor_second": round(rows / statistics.median(cpu for _, cpu in seconds[name])),
        }
        for name, (rows, _) in contents.items()
    }


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = arguments.store or Path(folder) / "lemma.db"
        with Store.open(place, create=arguments.store is None) as store:
            if arguments.store is None:
                add_run(store, library(), numbered(0, arguments.rows))
            figures = measure(store, Path(folder) / "out", arguments.rounds)
    machine = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "python": platform.python_version()}
    print(
        f"{machine['cores']} cores, load {machine['load']:.1f}, Python {machine['python']}; medians of {arguments.rounds}"
    )
    for name, figure in figures.items():
        print(f"{name:<40}{figure['rows_a_second']:>10,} rows/s{figure['rows_a_processor_second']:>12,} rows/cpu-s")
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine, "figures": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
