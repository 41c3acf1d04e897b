"""Reading pairs of prompt and completion, and keeping some of them back.

A file is JSON Lines as `lemma export sft --format plain` writes it: `prompt` and `completion`, texts, and where it is known
`theorem`, a name; a pair that leads from a proof state to a tactic has `state_after` beside them. Other keys are not looked at, so
that files of ReProver's format can be read too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prover.errors import BadPairs

_DERIVED = re.compile(r"\.(?:mutant_.*|restated)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pair:
    """What a model is given, and what it ought to write."""

    prompt: str
    completion: str
    theorem: str = ""
    """Where it is from; empty where the file does not say."""
    tactic: bool = False
    """Whether the completion is one step of a proof, and not all of it."""

    @property
    def origin(self) -> str:
        """The theorem, or for a mutant or a problem of `lemma bench` the one from which it was made; empty where there is none."""
        return _DERIVED.sub("", self.theorem)


Proof = tuple[Pair, ...]
"""All tactics of a theorem, in their order, or one pair whose completion is a whole proof."""


@dataclass(frozen=True, slots=True)
class Split:
    """Proofs to learn from and proofs to measure with. No theorem is in both, nor are a theorem and its mutant."""

    train: tuple[Proof, ...]
    validation: tuple[Proof, ...]


def read_proofs(paths: Sequence[Path]) -> list[Proof]:
    """The pairs of files, those of a theorem's tactics put together where they are in one file.

    Raises:
        BadPairs: a file cannot be read, has a line that is no pair, or there is none at all.
    """
    found: list[Proof] = []
    for path in paths:
        traces: dict[str, list[Pair]] = {}
        for pair in read_pairs(path):
            if pair.tactic and pair.theorem:
                traces.setdefault(pair.theorem, []).append(pair)
            else:
                found.append((pair,))
        found += map(tuple, traces.values())
    if not found:
        raise BadPairs(f"{' '.join(map(str, paths))}: there is no pair in there; `lemma export sft` writes such files.")
    return found


def read_pairs(path: Path) -> Iterator[Pair]:
    """The pairs of a file; blank lines are passed over.

    Raises:
        BadPairs: the file cannot be read, or a line is no pair; the message has file and line.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _pair(line, f"{path}:{number}")
    except OSError as error:
        raise BadPairs(
            f"{path} cannot be read ({error.strerror}); name a file that `lemma export sft` wrote."
        ) from error


def split(proofs: Sequence[Proof], share: float, seed: int) -> Split:
    """Keeps about `share` of the proofs back.

    The SHA-256 of a theorem's name decides, so that it falls on the same side in every file and with every seed, and its mutants
    with it. A pair without a theorem goes by the SHA-256 of the seed and its prompt.
    """
    train: list[Proof] = []
    validation: list[Proof] = []
    for proof in proofs:
        key = proof[0].origin or f"{seed}\n{proof[0].prompt}"
        drawn = int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:8]) / 2**64
        (validation if drawn < share else train).append(proof)
    return Split(tuple(train), tuple(validation))


def _pair(line: bytes, place: str) -> Pair:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise BadPairs(f"{place} is no JSON ({error}); each line is to be an object of its own.") from error
    if not isinstance(row, dict):
        raise BadPairs(f"{place} is no JSON object; each line is to have the keys prompt and completion.")
    for key in ("prompt", "completion"):
        if not isinstance(row.get(key), str):
            raise BadPairs(f"{place} has no text under the key {key}{_cure(row)}.")
    if not row["completion"]:
        raise BadPairs(f"{place} has an empty completion, from which nothing is to be learnt; drop the line.")
    return Pair(row["prompt"], row["completion"], str(row.get("theorem") or ""), "state_after" in row)


def _cure(row: dict[str, Any]) -> str:
    if row.keys() & {"instruction", "conversations"}:
        return "; it is of another prompt format: write the file with `lemma export sft --format plain`"
    if "text" in row:
        return "; it is text without a prompt: write pairs with `lemma export sft`"
    return f"; it has {', '.join(map(str, row)) or 'none at all'}. `lemma export sft` writes files of pairs"
