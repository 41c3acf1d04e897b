"""`lemma train`: train a language model on pairs of prompt and completion."""

from __future__ import annotations

import importlib.util
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lean_bridge.errors import InputError
from prover.precision import usual_precision
from workbench.cli.options import JsonOption, print_json
from workbench.cli.progress import count_shown, progress_shown

if TYPE_CHECKING:
    from prover.train.material import Material
    from prover.train.plan import Plan
    from prover.train.trainer import Figures

PACKAGES = ("torch", "transformers", "tokenizers", "safetensors")


def train(
    data: Annotated[
        list[Path], typer.Argument(metavar="DATA...", help="Files of pairs, as `lemma export sft` writes them.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder of the training.")],
    origin: Annotated[
        Path | None,
        typer.Option("--from", metavar="PATH", help="Go on from the model in this folder, in place of a new one."),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(metavar="tiny|small|medium", help="Size of a new model: about 1, 12 or 36 million parameters."),
    ] = "small",
    loss: Annotated[
        str, typer.Option(metavar="ce|dco|dco-step|ua", help="What is minimised; docs/training.md has the formulas.")
    ] = "ce",
    n: Annotated[
        float | None, typer.Option("--n", help="Attempts that the search will have; for all losses but ce.")
    ] = None,
    lora: Annotated[
        int, typer.Option(min=0, metavar="R", help="With --from: train adapters of this rank in place of the model.")
    ] = 0,
    lora_alpha: Annotated[
        float | None, typer.Option(min=0.0, help="Scale of the adapters, times R.", show_default="2 R")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Updates of the weights, at most.")] = 1000,
    batch: Annotated[int, typer.Option(min=1, help="Rows to an update.")] = 16,
    micro_batch: Annotated[
        int | None, typer.Option(min=1, help="Rows in memory at a time.", show_default="as --batch")
    ] = None,
    context: Annotated[int, typer.Option(min=1, help="Tokens in a row.")] = 512,
    lr: Annotated[
        float | None,
        typer.Option(help="The highest learning rate.", show_default="1e-3; 2e-5 with --from; 2e-4 with --lora"),
    ] = None,
    warmup: Annotated[
        int | None,
        typer.Option(min=0, help="Updates over which the rate rises.", show_default="a twentieth of --steps"),
    ] = None,
    validation: Annotated[
        float, typer.Option(min=0.0, max=0.9, help="Share of the theorems to keep back and measure with.")
    ] = 0.05,
    eval_every: Annotated[
        int, typer.Option(min=1, help="Updates between measurements, and between checkpoints.")
    ] = 100,
    patience: Annotated[
        int, typer.Option(min=0, help="End after so many measurements without a gain; 0 for never.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and split.")] = 0,
    device: Annotated[
        str | None, typer.Option(metavar="cpu|cuda", help="Where to train.", show_default="cuda if there is one")
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="float32|bfloat16",
            help="Of products; weights and losses are float32.",
            show_default="bfloat16 where the device has instructions for it",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train a language model on pairs of prompt and completion, from scratch or from a model in a folder.

    What is learnt are completions alone. DIR/model is a model that transformers loads, with its tokenizer and a card;
    DIR/metrics.jsonl has a line for each update. Of all measurements the best one's weights are kept. A training that was
    interrupted or killed is taken up by the same command and comes to the same end. Needs the packages torch and transformers.

    [bold]Examples[/bold]

        lemma export sft --pairs tactics --out data/sft && lemma train data/sft/tactics.jsonl --out models/first

        lemma train data/sft/tactics.jsonl --out models/wide --loss dco-step --n 8 --steps 5000 --patience 5

        lemma train data/sft/*.jsonl --out models/tuned --from models/base --lora 16 --lr 1e-4 --micro-batch 2 --json
    """
    require_packages()
    if lora_alpha is not None and not lora:
        raise InputError("--lora-alpha is for --lora R; add that, or leave it out.")
    if loss != "ce" and n is None:
        raise InputError(f"--loss {loss} needs the number of attempts; add --n, with 8 say.")
    if device not in {None, "cpu", "cuda"}:
        raise InputError(f"--device is {device!r}; give cpu or cuda.")
    import torch

    from prover.train.plan import Plan, Source

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    plan = Plan(
        data=tuple(map(Source.of, data)),
        preset="" if origin else preset,
        origin=Source.of(origin) if origin else None,
        loss=loss,
        n=1.0 if n is None else n,
        lora_rank=lora,
        lora_alpha=2.0 * lora if lora_alpha is None else lora_alpha,
        steps=steps,
        batch=batch,
        micro_batch=min(batch, micro_batch or batch),
        context=context,
        lr=lr if lr is not None else 1e-3 if origin is None else 2e-4 if lora else 2e-5,
        warmup=steps // 20 if warmup is None else warmup,
        validation=validation,
        eval_every=eval_every,
        patience=patience,
        seed=seed,
        device=device,
        precision=precision or usual_precision(device),
    )
    card = carry_out(plan, out)
    if as_json:
        print_json({"out": str(out), **card})
    else:
        print_card(card, out)


def require_packages() -> None:
    """Refuses to begin without the packages that training needs.

    Raises:
        InputError: one is missing.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"`lemma train` needs {', '.join(missing)}; install with: pip install 'lemmaforge[lm]'")


def carry_out(plan: Plan, out: Path) -> dict[str, Any]:
    """Trains, shows how it goes, and returns the card of the model.

    Raises:
        typer.Exit: it was interrupted; a checkpoint is left.
    """
    from transformers.utils import logging

    from prover.train.run import Watch
    from prover.train.run import train as run_training

    quiet: Callable[[], None] = logging.disable_progress_bar
    quiet()
    done = 0
    with ExitStack() as screen:
        asked, show = Interruption(), None

        def begun(step: int, material: Material) -> None:
            nonlocal done, show
            done = step
            screen.close()
            typer.echo(described(step, material), err=True)
            screen.enter_context(asked.caught())
            show = screen.enter_context(count_shown("training", "updates", step, plan.steps, first="first update"))

        def updated(figures: Figures) -> None:
            nonlocal done
            done = figures["step"]
            if show is not None:
                show(done, in_words(figures))

        preparing = screen.enter_context(progress_shown())
        card = run_training(plan, out, time.monotonic, Watch(preparing, begun, updated, lambda: asked.made))
    if card is None:
        typer.echo(f"interrupted: {done} of {plan.steps} updates are in {out}; the same command goes on.", err=True)
        raise typer.Exit(130)
    return card


class Interruption:
    """Whether Ctrl-C was pressed. The second time it ends the process at once."""

    def __init__(self) -> None:
        self.made = False

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Meanwhile Ctrl-C is noted and raises nothing."""
        before = signal.signal(signal.SIGINT, self._note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self.made:
            raise KeyboardInterrupt
        self.made = True
        typer.echo("interrupted: the update at work is finished and kept; press Ctrl-C again to drop it", err=True)


def described(step: int, material: Material) -> str:
    """What is trained on what, in words."""
    counts, parameters = material.trained, sum(p.numel() for p in material.model.parameters() if p.requires_grad)
    cut = f"; {counts.cut:,} prompts are cut at their beginning" if counts.cut else ""
    left_out = f"; {counts.left_out:,} pairs do not fit into a row and are left out" if counts.left_out else ""
    goes_on = f"goes on after update {step}: " if step else ""
    return (
        f"{goes_on}{parameters:,} parameters learn from {counts.pairs:,} pairs ({counts.learnt:,} of {counts.tokens:,} tokens) in "
        f"{len(material.train):,} rows; {material.measured.pairs:,} pairs are kept back{cut}{left_out}"
    )


def in_words(figures: Figures) -> str:
    """The figures of an update."""
    measured = f", validation {figures['val_loss']:.4f}" if "val_loss" in figures else ""
    return f"loss {figures['loss']:.4f}{measured}, {figures['tokens'] / max(figures['seconds'], 1e-9):,.0f} tokens/s"


def print_card(card: dict[str, Any], out: Path) -> None:
    """Prints what came of a training."""
    kept, settings = card["kept"], card["settings"]
    measured = f", on what was kept back {kept['val_loss']:.4f}" if "val_loss" in kept else ""
    early = f" (ended early: {settings['patience']} measurements without a gain)" if card["ended_early"] else ""
    typer.echo(f"{card['updates']} updates{early}, {card['tokens']:,} tokens, {card['seconds']:.0f} s")
    typer.echo(f"kept: update {kept['step']}, loss {kept['loss']:.4f}{measured}")
    typer.echo(f"the model is in {out / 'model'}; {out / 'model' / 'README.md'} describes it")
