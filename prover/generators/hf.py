"""A language model on this machine, by transformers and torch (the extra `lm`).

At a temperature above 0 completions are drawn; at 0 they are the beams of a beam search with a beam for each of them and without a
penalty for length, as ReProver decodes (`HuggingFaceGenerator` in its `prover/tactic_generator.py`).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lean_bridge.errors import InputError
from prover.digest import folder_digest
from prover.errors import ModelFailed
from prover.generators.language import Answer, Generation, Prompt, Sampling

if TYPE_CHECKING:
    import torch

ROWS = 64
"""Completions that are made at the same time."""

INSTALL = "install them with `pip install 'lemmaforge[lm]'`"


class HuggingFaceModel:
    """A `LanguageModel` in this process. Its work is done in one thread, one call after the other, so that the event loop is free.

    Attributes:
        version: what the completions depend on beside the prompts: the weights, the numbers that are computed with, the libraries.
    """

    def __init__(self, model: Any, tokenizer: Any, *, version: str = "", rows: int = ROWS) -> None:
        """Args: transformers' model and tokenizer, and `version`; rows: completions that are made at the same time."""
        self.version = version
        self._model = model
        self._tokenizer = tokenizer
        self._rows = rows
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="language-model")
        self._encodes = bool(model.config.is_encoder_decoder)
        tokenizer.padding_side = "right" if self._encodes else "left"
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token

    @classmethod
    def load(cls, name: str) -> HuggingFaceModel:
        """Loads a model: in bfloat16 onto the GPU where there is one, else in float32.

        Args:
            name: a folder, or a repository of the Hugging Face hub.

        Raises:
            InputError: the packages are missing, or there is no such model.
        """
        try:
            import torch
            import transformers
        except ImportError as error:
            raise InputError(
                f"hf:{name} needs transformers and torch, and {error.name} is missing; {INSTALL}."
            ) from error
        device, dtype = ("cuda", torch.bfloat16) if torch.cuda.is_available() else ("cpu", torch.float32)
        try:
            config = transformers.AutoConfig.from_pretrained(name)
            kind = (
                transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
            )
            tokenizer = transformers.AutoTokenizer.from_pretrained(name)
            model = kind.from_pretrained(name, dtype=dtype).to(device).eval()
        except (OSError, ValueError) as error:
            cure = "give the folder of a model, or its name on the Hugging Face hub as OWNER/NAME"
            raise InputError(f"hf:{name}: no model can be loaded: {_first_line(error)}; {cure}.") from error
        libraries = f"torch {torch.__version__}, transformers {transformers.__version__}"
        weights = folder_digest(Path(name)) if Path(name).is_dir() else str(getattr(config, "_commit_hash", None))
        return cls(
            model, tokenizer, version=f"{weights[:12]} {device} {str(dtype).removeprefix('torch.')}, {libraries}"
        )

    @property
    def chats(self) -> bool:
        """Whether the model knows how a talk is laid out."""
        return bool(self._tokenizer.chat_template)

    def close(self) -> None:
        """Ends the thread, when it has done what it is doing."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seed: int) -> list[Answer]:
        """Completes prompts. What is drawn depends on the seed and on all prompts of the call.

        A prompt that leaves no room for a completion gets empty ones that were cut off.

        Raises:
            ModelFailed: it ran out of memory or failed otherwise, or a talk was asked of a model that knows none.
        """
        given_up = threading.Event()
        work = asyncio.get_running_loop().run_in_executor(
            self._thread, self._generate, list(prompts), sampling, seed, given_up
        )
        try:
            return await work
        finally:
            given_up.set()

    def _generate(
        self, prompts: Sequence[Prompt], sampling: Sampling, seed: int, given_up: threading.Event
    ) -> list[Answer]:
        import torch

        texts = [self._text(prompt) for prompt in prompts]
        # A talk that is laid out has its marks already; a second mark at its beginning would be none that the model has seen.
        encode = partial(
            self._tokenizer,
            return_tensors="pt",
            padding=True,
            add_special_tokens=isinstance(prompts[0], str),
            return_token_type_ids=False,
        )
        at_a_time = max(1, self._rows // sampling.samples)
        answers: list[Answer] = []
        try:
            with torch.inference_mode(), _seeded(seed, self._model.device):
                for start in range(0, len(texts), at_a_time):
                    if not given_up.is_set():
                        answers += self._batch(encode, texts[start : start + at_a_time], sampling, given_up)
        except RuntimeError as error:
            cure = "if its memory is too small, ask for fewer samples or tokens"
            raise ModelFailed(f"the language model failed ({_first_line(error)}); {cure}.") from error
        return answers

    def _text(self, prompt: Prompt) -> str:
        if isinstance(prompt, str):
            return prompt
        talk = [asdict(message) for message in prompt]
        if not self.chats:
            raise ModelFailed("the model has no chat template; choose a format that is no chat.")
        return str(self._tokenizer.apply_chat_template(talk, tokenize=False, add_generation_prompt=True))

    def _batch(
        self, encode: Callable[[list[str]], Any], texts: list[str], sampling: Sampling, given_up: threading.Event
    ) -> list[Answer]:
        encoded = encode(texts).to(self._model.device)
        lengths = encoded["attention_mask"].sum(dim=1).tolist()
        room = sampling.max_tokens if self._encodes else self._context() - encoded["input_ids"].shape[1]
        if room < sampling.max_tokens and len(texts) > 1:
            # The longest of them shall not leave less room to the others.
            return [answer for text in texts for answer in self._batch(encode, [text], sampling, given_up)]
        if room < 1:
            return [Answer((Generation("", None, 0, "length"),) * sampling.samples, lengths[0])]
        tokens = min(room, sampling.max_tokens)
        complete = self._drawn if sampling.temperature else self._beams
        found = complete(encoded, sampling, tokens, given_up)
        each = sampling.samples
        return [Answer(tuple(found[place * each : (place + 1) * each]), length) for place, length in enumerate(lengths)]

    def _context(self) -> int:
        """How many tokens prompt and completion may have together."""
        return int(getattr(self._model.config, "max_position_embeddings", None) or 2**31)

    def _drawn(self, encoded: Any, sampling: Sampling, max_tokens: int, given_up: threading.Event) -> list[Generation]:
        told = _LogProbabilities()
        output = self._model.generate(
            **encoded,
            do_sample=True,
            num_beams=1,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=0,
            repetition_penalty=1.0,
            num_return_sequences=sampling.samples,
            max_new_tokens=max_tokens,
            pad_token_id=self._tokenizer.pad_token_id,
            logits_processor=[told],
            stopping_criteria=[self._stopping(sampling.stop, given_up, self._begun(encoded))],
        )
        written = self._written(output, encoded)
        each = told.finished(output)
        return [
            self._generation(row, sampling, sum(values[: self._length(row)]), max_tokens)
            for row, values in zip(written, each, strict=True)
        ]

    def _beams(self, encoded: Any, sampling: Sampling, max_tokens: int, given_up: threading.Event) -> list[Generation]:
        output = self._model.generate(
            **encoded,
            do_sample=False,
            num_beams=max(2, sampling.samples),
            num_return_sequences=sampling.samples,
            length_penalty=0.0,
            early_stopping=False,
            max_new_tokens=max_tokens,
            pad_token_id=self._tokenizer.pad_token_id,
            output_scores=True,
            return_dict_in_generate=True,
            stopping_criteria=[self._stopping((), given_up, 0)],
        )
        written = self._written(output.sequences, encoded)
        scores = output.sequences_scores.tolist()
        return [self._generation(row, sampling, score, max_tokens) for row, score in zip(written, scores, strict=True)]

    def _written(self, sequences: torch.Tensor, encoded: Any) -> list[list[int]]:
        """The tokens of the completions alone."""
        rows: list[list[int]] = sequences[:, self._begun(encoded) :].tolist()
        return rows

    def _begun(self, encoded: Any) -> int:
        """Where completions begin: an encoder-decoder puts a mark before them, another model its prompt."""
        return 1 if self._encodes else int(encoded["input_ids"].shape[1])

    def _length(self, row: list[int]) -> int:
        """Tokens of a completion, its end mark included and the padding behind it not."""
        ends = self._ends()
        for place, token in enumerate(row):
            if token in ends:
                return place + 1
        while row and row[-1] == self._tokenizer.pad_token_id:
            row = row[:-1]
        return len(row)

    def _ends(self) -> frozenset[int]:
        end = self._model.generation_config.eos_token_id
        return frozenset(end if isinstance(end, list) else [end])

    def _generation(self, row: list[int], sampling: Sampling, log_probability: float, max_tokens: int) -> Generation:
        length = self._length(row)
        text = str(self._tokenizer.decode(row[:length], skip_special_tokens=True))
        cut = min((text.find(stop) for stop in sampling.stop if stop in text), default=len(text))
        ended = cut < len(text) or bool(length and row[length - 1] in self._ends())
        return Generation(text[:cut], log_probability, length, "stop" if ended or length < max_tokens else "length")

    def _stopping(self, stop: tuple[str, ...], given_up: threading.Event, begun: int) -> Any:
        """Ends a row behind one of the texts, and all rows when nobody waits for them any more."""
        import torch

        def ended(rows: torch.Tensor, scores: object, **_: object) -> torch.Tensor:
            if given_up.is_set() or not stop:
                return torch.full((len(rows),), given_up.is_set(), device=rows.device)
            # A token has at least one byte, so that a text of n bytes that has just been completed is in the last n tokens.
            tail = max(len(text.encode()) for text in stop)
            texts = self._tokenizer.batch_decode(rows[:, max(begun, rows.shape[1] - tail) :], skip_special_tokens=True)
            return torch.tensor([any(end in text for end in stop) for text in texts], device=rows.device)

        return ended


class _LogProbabilities:
    """A processor of logits that changes none, and keeps the log-probabilities of the tokens that are chosen.

    It runs before temperature and top-p, so that these are the model's own. Only the last step is held whole.
    """

    def __init__(self) -> None:
        self._last: torch.Tensor | None = None
        self._chosen: list[torch.Tensor] = []

    def __call__(self, rows: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        self._keep(rows)
        self._last = scores.float().log_softmax(dim=-1)
        return scores

    def finished(self, rows: torch.Tensor) -> list[list[float]]:
        """One list a row, one number a token, those behind its end included."""
        import torch

        self._keep(rows)
        found: list[list[float]] = torch.stack(self._chosen, dim=1).tolist()
        return found

    def _keep(self, rows: torch.Tensor) -> None:
        if self._last is not None:
            self._chosen.append(self._last.gather(1, rows[:, -1:]).squeeze(1))


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Draws with a seed, and leaves torch's generators as they were."""
    import torch

    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
