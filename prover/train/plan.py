"""What a training is to be: the settings on which its outcome depends, all of them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from prover.errors import BadTraining
from prover.train.presets import PRESETS

SETTINGS = "training.json"
"""The file in which a training keeps its settings."""

OPTIONS = {"data": "DATA", "origin": "--from", "lora_rank": "--lora"}
"""What settings are called on the command line where that is not their own name."""

LOSSES = ("ce", "dco", "dco-step", "ua")
"""As `prover.train.losses.Loss`, whose module loads torch."""

PRECISIONS = ("float32", "bfloat16")
"""The names are torch's."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or the files of a folder, by content."""

    path: str
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Source:
        """Reads a file, or the files of a folder in the order of their names.

        Raises:
            BadTraining: it cannot be read.
        """
        hashed = hashlib.sha256()
        try:
            for file in sorted(found for found in path.iterdir() if found.is_file()) if path.is_dir() else [path]:
                with file.open("rb") as content:
                    hashed.update(hashlib.file_digest(content, "sha256").digest())
        except OSError as error:
            raise BadTraining(f"{path} cannot be read ({error.strerror}); check the name.") from error
        return cls(str(path), hashed.hexdigest())


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of a training. Equal plans give equal models on one machine.

    Attributes:
        data: the files of pairs.
        preset: the size of a model that is made from scratch; empty where `origin` is given.
        origin: the folder of a model to go on from; None for a new one.
        loss: `ce`, `dco`, `dco-step` or `ua`; `prover.train.losses` has the formulas.
        n: attempts, as the loss means them.
        lora_rank: rank of the adapters that are trained in place of the model; 0 trains all of it.
        lora_alpha: their scale is `lora_alpha / lora_rank`.
        steps: updates of the weights, at most.
        batch: rows of `context` tokens to an update.
        micro_batch: rows that are in memory at a time; their gradients are added up.
        context: tokens in a row.
        lr: the highest learning rate.
        warmup: updates over which it rises from 0 to that; a cosine leads back to a tenth of it.
        weight_decay: of matrices, as AdamW has it.
        clip: the largest norm of a gradient; longer ones are shortened to it.
        validation: share of the pairs that are kept back and measured.
        eval_every: updates between two measurements, and between two checkpoints.
        patience: measurements in a row without a gain that end the training; 0 for never.
        seed: of weights, order and split.
        device: `cpu` or `cuda`.
        precision: `float32` or `bfloat16`, of the products in the model; weights and losses are float32 either way.
    """

    data: tuple[Source, ...]
    preset: str = "small"
    origin: Source | None = None
    loss: str = "ce"
    n: float = 1.0
    lora_rank: int = 0
    lora_alpha: float = 0.0
    steps: int = 1000
    batch: int = 16
    micro_batch: int = 16
    context: int = 512
    lr: float = 1e-3
    warmup: int = 100
    weight_decay: float = 0.1
    clip: float = 1.0
    validation: float = 0.05
    eval_every: int = 100
    patience: int = 0
    seed: int = 0
    device: str = "cpu"
    precision: str = "float32"

    def __post_init__(self) -> None:
        for wrong, said in (
            (not self.data, "no files of pairs are given; name some, `lemma export sft` makes them"),
            (self.loss not in LOSSES, f"--loss {self.loss}: there is no such loss; choose one of {', '.join(LOSSES)}"),
            (self.n < 1, f"--n {self.n:g}: fewer than one attempt finds nothing; give 1 or more"),
            (self.loss == "ce" and self.n != 1, "--n is for --loss dco, dco-step and ua; leave it out, or choose one"),
            (self.origin is None and self.preset not in PRESETS, f"--preset takes one of {', '.join(PRESETS)}"),
            (
                self.origin is None and self.lora_rank > 0,
                "--lora is for a model that is there already; add --from PATH",
            ),
            (
                self.precision not in PRECISIONS,
                f"--precision {self.precision}: there is no such choice; give one of {', '.join(PRECISIONS)}",
            ),
            (self.context < 16, f"--context {self.context}: nothing fits in there; give at least 16"),
            (not 0 < self.lr < math.inf, f"--lr {self.lr:g}: give a number above 0"),
            (
                self.warmup >= self.steps,
                f"--warmup {self.warmup} does not end before --steps {self.steps} do; lower it",
            ),
        ):
            if wrong:
                raise BadTraining(f"{said}.")

    def document(self) -> dict[str, Any]:
        """As JSON."""
        found: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return found

    def learning_rate(self, step: int) -> float:
        """Of the update `step`, counted from 0: a straight line up, then a cosine down to a tenth.

        Source: Loshchilov and Hutter, "SGDR" (arXiv 1608.03983), equation 5, for one period.
        """
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        passed = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.lr * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * passed)))


def differences(plan: Plan, earlier: Mapping[str, Any]) -> list[str]:
    """Which settings differ from those of an earlier training, in words."""
    now = plan.document()
    return [
        f"{option(key)} was {shown(earlier.get(key))} and is {shown(now.get(key))}"
        for key in now
        if content(now.get(key)) != content(earlier.get(key))
    ]


def option(setting: str) -> str:
    """What a setting is called on the command line."""
    return OPTIONS.get(setting, "--" + setting.replace("_", "-"))


def content(value: Any) -> Any:
    """A setting without the places of files: a file that was moved is the same file."""
    if isinstance(value, Mapping) and "sha256" in value:
        return value["sha256"]
    return [content(one) for one in value] if isinstance(value, Sequence) and not isinstance(value, str) else value


def shown(value: Any) -> str:
    """A setting, to be read."""
    if isinstance(value, Mapping) and "sha256" in value:
        return f"{value['path']} ({value['sha256'][:12]})"
    if isinstance(value, list):
        return " ".join(map(shown, value))
    return "not given" if value is None or value == "" else str(value)
