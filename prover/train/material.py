"""What a model is trained on, in rows, and the model itself as it is before the first update."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from torch import nn

from prover.errors import BadTraining
from prover.train.folder import TrainingFolder
from prover.train.model import add_adapters, has_encoder, load_model, new_model
from prover.train.pairs import Split, read_proofs, split
from prover.train.plan import Plan
from prover.train.presets import PRESETS
from prover.train.rows import Counts, Packer, Row
from prover.train.tokenizer import borders, encoder_of, load_tokenizer, train_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Told = Callable[[str, float | None], None]
"""Is told what is being done, and which part of it is done where that is known."""


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that the trainer needs.

    Attributes:
        model: as it is before the first update, adapters included.
        tokenizer: its tokenizer.
        train: rows to learn from, at least one.
        validation: rows to measure with.
        trained: what became of the pairs to learn from.
        measured: what became of the pairs to measure with.
    """

    model: nn.Module
    tokenizer: PreTrainedTokenizerBase
    train: Sequence[Row]
    validation: Sequence[Row]
    trained: Counts
    measured: Counts


def prepare(plan: Plan, folder: TrainingFolder, told: Told) -> Material:
    """Reads the pairs, makes or loads tokenizer and model, and packs.

    The model's weights are drawn by torch's generator, which the caller seeds.

    Raises:
        BadPairs: a file of pairs is not what it should be.
        BadTraining: the model cannot be loaded, or nothing fits into a row.
    """
    told("reading pairs", None)
    pairs = split(read_proofs([Path(source.path) for source in plan.data]), plan.validation, plan.seed)
    if not pairs.train:
        raise BadTraining("All pairs are kept back for validation; give more pairs, or --validation 0.")
    told("preparing tokenizer and model", None)
    if plan.origin is not None:
        model = load_model(Path(plan.origin.path))
        tokenizer = load_tokenizer(Path(plan.origin.path))
    else:
        tokenizer = _new_tokenizer(plan, folder, pairs)
        model = new_model(PRESETS[plan.preset], tokenizer, plan.context)
    if plan.lora_rank:
        add_adapters(model, plan.lora_rank, plan.lora_alpha)
    _refuse_context(plan, model)
    told("packing pairs into rows", None)
    marks = borders(tokenizer, encoder=has_encoder(model))
    trainer = Packer(encoder_of(tokenizer), marks, plan.context, whole=plan.loss == "dco")
    measurer = Packer(encoder_of(tokenizer), marks, plan.context, whole=plan.loss == "dco")
    rows = trainer.rows(pairs.train, Random(f"{plan.seed}:rows"))
    if not rows:
        raise BadTraining(f"No pair fits into --context {plan.context}; raise it.")
    kept = measurer.rows(pairs.validation, Random(f"{plan.seed}:validation"))
    if plan.patience and not kept:
        raise BadTraining(
            "--patience has nothing to measure: no pair is kept back; raise --validation, or leave it out."
        )
    return Material(model, tokenizer, rows, kept, trainer.counts, measurer.counts)


def _new_tokenizer(plan: Plan, folder: TrainingFolder, pairs: Split) -> PreTrainedTokenizerBase:
    if not folder.tokenizer.exists():
        texts = (text for proof in pairs.train for pair in proof for text in (pair.prompt, pair.completion))
        made = train_tokenizer(texts, PRESETS[plan.preset].vocabulary)
        folder.write(folder.tokenizer, made.save_pretrained)
    return load_tokenizer(folder.tokenizer)


def _refuse_context(plan: Plan, model: nn.Module) -> None:
    most = getattr(model.config, "max_position_embeddings", None) or getattr(model.config, "n_positions", None)
    if isinstance(most, int) and plan.context > most and not has_encoder(model):
        raise BadTraining(f"--context {plan.context}: the model reads {most} tokens at most; lower it.")
