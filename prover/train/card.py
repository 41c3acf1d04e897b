"""What is said about a finished model: `README.md` for people, `training.json` for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from prover.train.material import Material
from prover.train.plan import SETTINGS, Plan, shown
from prover.train.rows import Counts
from prover.train.tokenizer import COMPLETION
from prover.train.trainer import Standing


def document(plan: Plan, material: Material, standing: Standing, metrics: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The card as JSON.

    Args:
        plan: the settings.
        material: what was trained on.
        standing: how the training ended.
        metrics: all lines of `metrics.jsonl`, at least one.
    """
    last = metrics[-1]
    measured = [line for line in metrics if "val_loss" in line]
    kept = next((line for line in measured if line["step"] == standing.best_step), last)
    return {
        **_before(plan),
        "generator": f"lemmaforge {version('lemmaforge')}",
        "packages": {name: version(name) for name in ("torch", "transformers", "tokenizers")},
        "threads": torch.get_num_threads(),
        "settings": plan.document(),
        "parameters": sum(p.numel() for p in material.model.parameters()),
        "vocabulary": len(material.tokenizer),
        "pairs": {"train": asdict(material.trained), "validation": asdict(material.measured)},
        "rows": {"train": len(material.train), "validation": len(material.validation)},
        "updates": standing.step,
        "ended_early": standing.step < plan.steps,
        "kept": {key: kept[key] for key in ("step", "loss", "nll", "val_loss", "val_nll") if key in kept},
        "last": {key: last[key] for key in ("step", "loss", "nll", "val_loss", "val_nll") if key in last},
        "tokens": sum(line["tokens"] for line in metrics),
        "seconds": round(sum(line["seconds"] for line in metrics), 1),
    }


def _before(plan: Plan) -> dict[str, Any]:
    """The card of the model that this one was made of, if that was a training of ours, too."""
    record = Path(plan.origin.path) / SETTINGS if plan.origin else None
    if record is None or not record.is_file():
        return {}
    found: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    return {"before": found} if "settings" in found else {}


def markdown(card: dict[str, Any], material: Material) -> str:
    """The card, to be read."""
    settings, kept, pairs = card["settings"], card["kept"], card["pairs"]
    origin = f"fine-tuned from {shown(settings['origin'])}" if settings["origin"] else "trained from scratch"
    measured = (
        f"On the {pairs['validation']['pairs']:,} pairs that were kept back its loss is **{kept['val_loss']:.4f}**, and its "
        f"cross-entropy {kept['val_nll']:.4f}. It was the lowest of all measurements: as the weights were chosen by it, it is a little too low."
        if "val_loss" in kept
        else "Nothing was kept back to measure it with."
    )
    data = "\n".join(f"| `{source['path']}` | `{source['sha256']}` |" for source in settings["data"])
    chosen = {key: value for key, value in settings.items() if key not in {"data", "origin"}}
    return f"""# A model for Lean 4, {origin}

A language model of {card["parameters"]:,} parameters and {card["vocabulary"]:,} tokens that completes Lean 4 proof states with tactics, or
statements with proofs, whichever it was given. It was made by `lemma train`, {card["generator"]}.

## Use

{_usage(material)}

## Figures

After update {kept["step"]:,} of {card["updates"]:,}, whose weights these are, the loss was {kept["loss"]:.4f} and the cross-entropy {kept["nll"]:.4f}, in nats for each
token of a completion. {measured} Which theorems it proves is not known from this: `lemma bench run` measures that.

{card["tokens"]:,} tokens in {card["seconds"]:,.0f} s of updates, on {settings["device"]}, products in {settings["precision"]}.

## Data

| file | SHA-256 |
|---|---|
{data}

| | pairs | prompts cut | left out | tokens | of completions |
|---|---:|---:|---:|---:|---:|
{_counts("train", material.trained)}
{_counts("validation", material.measured)}

Pairs of a theorem, and of mutants made from it, are all on one side. The data may hold theorems of public benchmarks; whoever measures this
model on one has to look.
{"".join(_earlier(card))}
## Settings

| | |
|---|---|
{chr(10).join(f"| {key.replace('_', ' ')} | {shown(value)} |" for key, value in chosen.items())}

{", ".join(f"{name} {number}" for name, number in card["packages"].items())}, {card["threads"]} threads. Equal data and settings give an equal model on one machine.

## What it is for

To propose tactics or proofs that Lean checks. What it writes is not right because it wrote it: have it judged with `lemma check`.
It knows nothing but what is in its data.
"""


def _earlier(card: dict[str, Any]) -> Iterator[str]:
    """The trainings before this one, the last one first."""
    while card := card.get("before", {}):
        settings, kept = card["settings"], card["kept"]
        made = f"from {shown(settings['origin'])}" if settings["origin"] else "from scratch"
        files = "".join(f"| `{source['path']}` | `{source['sha256']}` |\n" for source in settings["data"])
        yield f"""
## The training before

The model that this one was made of was trained {made}, with the loss `{settings["loss"]}` (n = {settings["n"]:g}), seed {settings["seed"]}: {card["tokens"]:,} tokens of
{card["pairs"]["train"]["pairs"]:,} pairs in {card["seconds"]:,.0f} s; update {kept["step"]:,} of {card["updates"]:,} was kept, whose loss was {kept["loss"]:.4f}.

| file | SHA-256 |
|---|---|
{files}"""


def _usage(material: Material) -> str:
    tokenizer = material.tokenizer
    if COMPLETION in tokenizer.get_vocab():
        begin, between, end = "<|prompt|>", COMPLETION, "<|end|>"
    elif getattr(material.model.config, "is_encoder_decoder", False):
        return "The encoder reads the prompt; the decoder writes the completion."
    else:
        begin, between, end = tokenizer.bos_token or "", "\\n", tokenizer.eos_token
    return f"""It reads `{begin}`, the prompt, `{between}`, and writes the completion and `{end}`. Prompts are cut at their beginning.

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("model")
model = AutoModelForCausalLM.from_pretrained("model")
given = tokenizer("{begin}" + "n : Nat\\n⊢ n + 0 = n" + "{between}", add_special_tokens=False, return_tensors="pt")
written = model.generate(given.input_ids, max_new_tokens=64, do_sample=True)
print(tokenizer.decode(written[0, given.input_ids.shape[1]:], skip_special_tokens=True))
```"""


def _counts(side: str, counts: Counts) -> str:
    numbers = (counts.pairs, counts.cut, counts.left_out, counts.tokens, counts.learnt)
    return f"| {side} | " + " | ".join(f"{number:,}" for number in numbers) + " |"
