"""A small task that a tiny model learns in a hundred updates: which tactic closes a goal of which form."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from prover.train.plan import Plan, Source

TACTICS = {"=": "rfl", "<": "omega", "∧": "constructor", "→": "intro h"}


def written(path: Path, pairs: int = 300) -> Path:
    """A file of pairs whose completion follows from the sign in the prompt. Two pairs are of one theorem."""
    random = Random(1)
    with path.open("w") as file:
        for number in range(pairs):
            sign, name = random.choice(list(TACTICS)), random.choice("abcdefgh")
            row = {"prompt": f"{name} : Nat\n⊢ {name} {sign} {name}", "completion": TACTICS[sign]}
            file.write(json.dumps({**row, "theorem": f"t{number // 2}", "state_after": "no goals"}) + "\n")
    return path


def planned(path: Path, **settings: Any) -> Plan:
    """A training of a tiny model on it, which takes a tenth of a second an update."""
    chosen = {"preset": "tiny", "steps": 12, "batch": 4, "micro_batch": 2, "context": 64, "warmup": 2, "eval_every": 3}
    return Plan(data=(Source.of(path),), **{**chosen, **settings})


def curve(path: Path) -> list[dict[str, Any]]:
    """The figures of a file of metrics, without what depends on the clock."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]
