"""The folder of a training: what is in it at any moment is enough to go on from.

===================  ==========================================================================================================
`training.json`      the settings (`prover.train.plan.Plan`), written first; a folder with other settings is refused
`tokenizer/`         for a new model, the tokenizer that was learnt
`metrics.jsonl`      one object an update, from 1: `step`, `loss`, `nll`, `weight`, `lr`, `norm`, `tokens`, `seconds`; where it was
                     measured `val_loss` and `val_nll` (`prover.train.trainer` says what they are)
`checkpoint.pt`      the state after an update, with the best weights so far, until the training is finished
`model/`             the finished model, with its tokenizer, a `README.md` and `training.json`, its card for machines
===================  ==========================================================================================================

Files and folders are written beside their place and renamed, so a process may be killed at any moment.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from prover.errors import BadTraining
from prover.train.plan import SETTINGS, Plan, differences


class TrainingFolder:
    """A folder as described above. Make one with `opened`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metrics = path / "metrics.jsonl"
        self.checkpoint = path / "checkpoint.pt"
        self.tokenizer = path / "tokenizer"
        self.model = path / "model"

    @classmethod
    @contextmanager
    def opened(cls, path: Path, plan: Plan) -> Iterator[TrainingFolder]:
        """Begins the folder, or takes it up; no other process has it meanwhile.

        Raises:
            BadTraining: it cannot be written, belongs to something else or to other settings, or is in use.
        """
        folder = cls(path)
        try:
            if (
                path.is_dir()
                and any(path.iterdir())
                and not (path / SETTINGS).exists()
                and not (path / ".lock").exists()
            ):
                raise BadTraining(f"{path} is not empty and holds no training; choose another --out.")
            path.mkdir(parents=True, exist_ok=True)
            with FileLock(path / ".lock", timeout=0):
                folder._settle(plan)
                yield folder
        except Timeout:
            raise BadTraining(f"Another process trains in {path}; wait for it, or choose another --out.") from None
        except OSError as error:
            raise BadTraining(
                f"{error.filename or path} cannot be written ({error.strerror}); free some space, or choose another --out."
            ) from error

    def _settle(self, plan: Plan) -> None:
        settings = self.path / SETTINGS
        if not settings.exists():
            self.write(settings, lambda place: place.write_text(json.dumps(plan.document(), indent=2) + "\n"))
            return
        try:
            earlier = json.loads(settings.read_text())
        except ValueError as error:
            raise BadTraining(f"{settings} is no JSON ({error}); choose another --out.") from error
        if differing := differences(plan, earlier):
            raise BadTraining(
                f"{self.path} holds a training with other settings: {'; '.join(differing)}. Give the same ones to go on with "
                "it, or choose another --out."
            )

    def write(self, place: Path, writing: Callable[[Path], object]) -> None:
        """Has a file or folder written beside its place, brings it to the disk and puts it there."""
        partial = place.with_name(f".{place.name}.partial")
        if partial.is_dir():
            shutil.rmtree(partial)
        writing(partial)
        for file in partial.rglob("*") if partial.is_dir() else [partial]:
            with file.open("rb+") as written:
                os.fsync(written.fileno())
        partial.replace(place)

    def metrics_until(self, step: int) -> list[dict[str, Any]]:
        """The lines of `metrics.jsonl` up to an update; what a killed process wrote after that is dropped from the file."""
        if not self.metrics.exists():
            return []
        kept: list[dict[str, Any]] = []
        length = 0
        with self.metrics.open("rb+") as file:
            for line in file:
                if not line.endswith(b"\n") or len(kept) == step:
                    break
                kept.append(json.loads(line))
                length += len(line)
            file.truncate(length)
        return kept

    def clear(self) -> None:
        """Removes what is needed for going on alone."""
        self.checkpoint.unlink(missing_ok=True)
