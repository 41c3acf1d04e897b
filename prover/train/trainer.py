"""The loop: updates, measurements, checkpoints, and the finished model.

A training is a function of its plan: what an update takes is a function of its number, the learning rate too, and a checkpoint has
everything else (weights, the optimiser's moments, torch's generators, what was measured best). Killed at any moment, it goes on
from its last checkpoint and gives the curve of a training that was never stopped; on a processor to the last bit, with the
same number of threads.

Of an update's figures in `metrics.jsonl`, `loss` is what is minimised and `nll` is cross-entropy, both in nats for each token of a
completion; `weight` is the mean of F over units, which tells how much of the batch is still learnt from (1 for `ce`); `norm` is the
length of the gradient before it is clipped.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from prover.core import Clock
from prover.errors import BadTraining
from prover.train.batches import Batch, causal_batch, seq2seq_batch
from prover.train.folder import TrainingFolder
from prover.train.losses import IGNORED, Loss, attempts, coverage_loss, summed, token_log_probs, weight
from prover.train.material import Material
from prover.train.model import has_encoder, put_weights, trained_weights
from prover.train.plan import Plan
from prover.train.rows import Order, Row
from prover.train.tokenizer import padding_of

MEASURED_ROWS = 256
"""Rows of the validation set that are measured, at most: enough for two digits, and no training waits long for them."""

BETAS = (0.9, 0.95)
"""Of AdamW, as is usual for language models (Brown et al. 2020, arXiv 2005.14165, appendix B)."""

Figures = dict[str, Any]
"""A line of `metrics.jsonl`."""


@dataclass(slots=True)
class Standing:
    """How far a training is.

    Attributes:
        step: updates that are done.
        best_step: the update after which `val_loss` was lowest; 0 before any measurement.
        best_loss: what it was then.
        worse: measurements since.
    """

    step: int = 0
    best_step: int = 0
    best_loss: float = math.inf
    worse: int = 0


@dataclass(slots=True)
class Sums:
    """Figures of several batches, added up."""

    loss: float = 0.0
    nll: float = 0.0
    weight: float = 0.0
    units: int = 0
    learnt: int = 0
    tokens: int = 0

    def figures(self, prefix: str = "") -> Figures:
        """Means."""
        return {f"{prefix}loss": self.loss / self.learnt, f"{prefix}nll": self.nll / self.learnt}


@dataclass(slots=True)
class Trainer:
    """A training that is begun or taken up with `run`.

    Attributes:
        plan: its settings.
        folder: where it is kept.
        material: what it is about. The model is moved to the plan's device, and changed.
        clock: for the seconds in the metrics.
        told: is told the figures of each update.
        standing: how far it is.
    """

    plan: Plan
    folder: TrainingFolder
    material: Material
    clock: Clock
    told: Callable[[Figures], None]
    standing: Standing = field(default_factory=Standing)
    _optimizer: torch.optim.Optimizer = field(init=False)
    _best: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.model.to(self.device)
        # Decay pulls matrices to zero; for the gains of norms and for biases it has no use.
        matrices = [p for p in self._parameters() if p.dim() >= 2]
        rest = [p for p in self._parameters() if p.dim() < 2]
        groups = [
            {"params": matrices, "weight_decay": self.plan.weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ]
        self._optimizer = torch.optim.AdamW([group for group in groups if group["params"]], betas=BETAS)

    def resume(self) -> int:
        """Goes back to the last checkpoint if there is one. Returns the number of updates that are done."""
        if self.folder.checkpoint.exists():
            state = torch.load(self.folder.checkpoint, weights_only=True, map_location="cpu")
            self.standing = Standing(**state["standing"])
            self._best = state["best"]
            put_weights(self.model, state["weights"])
            self._optimizer.load_state_dict(state["optimizer"])
            torch.set_rng_state(state["generator"])
            if state["device_generator"] is not None:
                torch.cuda.set_rng_state(state["device_generator"])
        self.folder.metrics_until(self.standing.step)
        return self.standing.step

    def run(self, stop: Callable[[], bool]) -> bool:
        """Trains to the end, or until `stop` says so, which is asked after each update and leaves a checkpoint.

        Returns:
            Whether it is at its end. The model then has the weights that are kept: those measured best, or the last ones where
            nothing is measured.

        Raises:
            BadTraining: the loss is no number any more, or memory does not suffice.
        """
        order = Order(len(self.material.train), self.plan.batch, self.plan.seed)
        with self.folder.metrics.open("a") as metrics:
            while not self.ended:
                if stop():
                    self._save()
                    return False
                try:
                    figures = self._advance([self.material.train[i] for i in order.step(self.standing.step)])
                except torch.cuda.OutOfMemoryError as error:
                    cure = "lower --micro-batch or --context, with another --out"
                    raise BadTraining(f"{self.device} has too little memory; {cure}.") from error
                metrics.write(json.dumps(figures) + "\n")
                metrics.flush()
                if self._due:
                    self._save()
                self.told(figures)
        put_weights(self.model, self._best)
        return True

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do."""
        patience = self.plan.patience
        return self.standing.step >= self.plan.steps or 0 < patience <= self.standing.worse

    @property
    def model(self) -> nn.Module:
        """What is trained."""
        return self.material.model

    @property
    def device(self) -> torch.device:
        """Where it is trained."""
        return torch.device(self.plan.device)

    @property
    def _due(self) -> bool:
        return self.standing.step % self.plan.eval_every == 0 or self.standing.step == self.plan.steps

    def _advance(self, rows: Sequence[Row]) -> Figures:
        figures = self._update(rows)
        self.standing.step += 1
        measured = self._measure() if self._due and self.material.validation else {}
        return {"step": self.standing.step, **figures, **measured}

    def _update(self, rows: Sequence[Row]) -> Figures:
        began = self.clock()
        rate = self.plan.learning_rate(self.standing.step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        self.model.train()
        sums, learnt = Sums(), sum(example.learnt for row in rows for unit in row for example in unit.examples)
        for batch in self._batches(rows):
            torch.autograd.backward(self._losses(batch, sums).sum() / learnt)
        norm = float(nn.utils.clip_grad_norm_(self._parameters(), self.plan.clip))
        if not math.isfinite(norm):
            raise BadTraining(
                f"The gradient is no number any more at update {self.standing.step + 1}; lower --lr or raise --warmup, with "
                "another --out."
            )
        self._optimizer.step()
        return {
            **sums.figures(),
            "weight": sums.weight / sums.units,
            "lr": rate,
            "norm": norm,
            "tokens": sums.tokens,
            "seconds": round(self.clock() - began, 4),
        }

    def _measure(self) -> Figures:
        """Measures on the validation rows and notes whether that is the best so far."""
        self.model.eval()
        sums = Sums()
        with torch.no_grad():
            for batch in self._batches(self.material.validation[:MEASURED_ROWS]):
                self._losses(batch, sums)
        figures = sums.figures("val_")
        if figures["val_loss"] < self.standing.best_loss:
            self.standing.best_step, self.standing.best_loss = self.standing.step, figures["val_loss"]
            self.standing.worse = 0
            self._best = trained_weights(self.model)
        else:
            self.standing.worse += 1
        return figures

    def _losses(self, batch: Batch, sums: Sums) -> Tensor:
        """The loss of each unit of a batch, whose figures are added to `sums`."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.plan.precision == "bfloat16"):
            logits = self.model(**batch.inputs, use_cache=False).logits
        learnt = batch.labels != IGNORED
        tokens = token_log_probs(logits[learnt], batch.labels[learnt])
        log_p = summed(tokens, batch.groups[learnt], len(batch.steps))
        n = attempts(Loss(self.plan.loss), self.plan.n, batch.steps)
        losses = coverage_loss(log_p, n)
        sums.loss += float(losses.detach().sum())
        sums.nll -= float(log_p.detach().sum())
        sums.weight += float(weight(log_p, n).sum())
        sums.units += len(batch.steps)
        sums.learnt += batch.learnt
        sums.tokens += batch.tokens
        return losses

    def _batches(self, rows: Sequence[Row]) -> Iterator[Batch]:
        padding = padding_of(self.material.tokenizer)
        for first in range(0, len(rows), self.plan.micro_batch):
            part = rows[first : first + self.plan.micro_batch]
            if has_encoder(self.model):
                config: Any = self.model.config
                yield seq2seq_batch(part, padding, int(config.decoder_start_token_id)).to(self.device)
            else:
                yield causal_batch(part, padding).to(self.device)

    def _parameters(self) -> list[nn.Parameter]:
        return [p for p in self.model.parameters() if p.requires_grad]

    def _save(self) -> None:
        # One object where both are the same: torch then writes it once.
        just_measured = self._best and self.standing.best_step == self.standing.step
        state = {
            "standing": asdict(self.standing),
            "weights": self._best if just_measured else trained_weights(self.model),
            "best": self._best,
            "optimizer": self._optimizer.state_dict(),
            "generator": torch.get_rng_state(),
            "device_generator": torch.cuda.get_rng_state() if self.device.type == "cuda" else None,
        }
        self.folder.write(self.folder.checkpoint, lambda place: torch.save(state, place))
