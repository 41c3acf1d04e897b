"""A training from its settings to the finished model: begun, taken up, or found finished."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from prover.core import Clock
from prover.errors import BadTraining
from prover.train.card import document, markdown
from prover.train.folder import TrainingFolder
from prover.train.material import Material, Told, prepare
from prover.train.model import merge_adapters
from prover.train.plan import SETTINGS, Plan
from prover.train.trainer import Figures, Trainer


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told what goes on, and may stop it.

    Attributes:
        told: is told what is being done before the first update.
        begun: is told once how many updates are done, and what is trained on.
        updated: is told the figures of each update.
        stop: is asked after each update whether to leave it at that.
    """

    told: Told
    begun: Callable[[int, Material], None]
    updated: Callable[[Figures], None]
    stop: Callable[[], bool]


def train(plan: Plan, out: Path, clock: Clock, watch: Watch) -> dict[str, Any] | None:
    """Trains a model into `out/model`.

    torch's generators are seeded here, since weights and dropout are drawn by them.

    Returns:
        The card of the model as JSON, that of an earlier run if it is finished already; None if the training was stopped.

    Raises:
        BadPairs: a file of pairs is not what it should be.
        BadTraining: the folder, the settings or the machine do not allow it.
    """
    if plan.device == "cuda" and not torch.cuda.is_available():
        raise BadTraining(
            "--device cuda: torch finds no such device here; leave --device out, or install torch for it."
        )
    with TrainingFolder.opened(out, plan) as folder:
        if folder.model.exists():
            folder.clear()
            found: dict[str, Any] = json.loads((folder.model / SETTINGS).read_text())
            return found
        torch.manual_seed(plan.seed)
        material = prepare(plan, folder, watch.told)
        trainer = Trainer(plan, folder, material, clock, watch.updated)
        watch.begun(trainer.resume(), material)
        return _finish(trainer) if trainer.run(watch.stop) else None


def _finish(trainer: Trainer) -> dict[str, Any]:
    plan, folder, material = trainer.plan, trainer.folder, trainer.material
    if plan.lora_rank:
        merge_adapters(material.model)
    card = document(plan, material, trainer.standing, folder.metrics_until(trainer.standing.step))

    def write(place: Path) -> None:
        model: Any = material.model.cpu()
        model.save_pretrained(place)
        material.tokenizer.save_pretrained(place)
        (place / "README.md").write_text(markdown(card, material), encoding="utf-8")
        (place / SETTINGS).write_text(json.dumps(card, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")

    folder.write(folder.model, write)
    folder.clear()
    return card
