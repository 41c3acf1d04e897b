"""The small model as a `LanguageModel`.

All prompts that wait, whoever asked for them, are one batch: new ones enter it between two tokens, and rows that have ended leave it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from threadpoolctl import ThreadpoolController

from lean_bridge.errors import InputError
from prover.digest import folder_digest
from prover.errors import ModelFailed
from prover.generators.language import Answer, Generation, Prompt, Sampling
from prover.small.choosing import BeamSearch, Chooser, Completion, Drawing
from prover.small.decoder import Continuations, Decoder, Integers
from prover.small.tokens import Tokenizer
from prover.small.weights import PACKAGED, Floats, read_shape, read_weights

ROWS = 128
"""Completions that are written at the same time: more are hardly faster."""

PREFIXES = 16
"""Prompts that stay read, as a search may ask for the same again with another seed; some megabytes each."""

RESERVED = 8
"""A prompt leaves this share of the context to its completion: 64 tokens of 512, and few tactics have more."""


class SmallModel:
    """A decoder of `lemma train` on the processor, in single precision. Its work is done in one thread, so that the event loop is free.

    Attributes:
        version: what the completions depend on beside the prompts.
    """

    def __init__(self, decoder: Decoder, tokenizer: Tokenizer, *, version: str = "", rows: int = ROWS) -> None:
        """Args: rows: completions that are written at the same time; those of one prompt are never divided."""
        self.version = version
        self._decoder = decoder
        self._tokenizer = tokenizer
        self._rows = rows
        self._read = lru_cache(PREFIXES)(decoder.read)
        self._waiting: deque[_Job] = deque()
        self._limits = ExitStack()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="small-model", initializer=self._keep_to_one_processor)

    @classmethod
    def load(cls, folder: Path = PACKAGED) -> SmallModel:
        """Loads a folder as `lemma train` writes it to DIR/model.

        Raises:
            InputError: there is no such model, or it is of another kind.
        """
        if folder == PACKAGED and not (folder / "config.json").exists():
            raise InputError("small: this installation has no model in it; name the folder of one, as in small:DIR.")
        shape, tokenizer = read_shape(folder), Tokenizer.load(folder)
        if tokenizer.size > shape.vocabulary:
            raise InputError(
                f"{folder}: the tokenizer has {tokenizer.size} tokens and the network {shape.vocabulary}; "
                "they are of two models."
            )
        decoder = Decoder(shape, read_weights(folder, shape))
        return cls(decoder, tokenizer, version=f"{folder_digest(folder)[:12]}, numpy {np.__version__}")

    def close(self) -> None:
        """Ends the thread, when it has done what somebody waits for."""
        # Limits are taken back by the thread that has set them.
        self._thread.submit(self._limits.close)
        self._thread.shutdown(wait=True)

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seed: int) -> list[Answer]:
        """Completes prompts. What is drawn depends on the seed and the prompt, and on the rest of the batch by rounding alone.

        A prompt that is too long loses its beginning, as in training.

        Raises:
            ModelFailed: a prompt is a talk, or there is not enough memory.
        """
        texts = [prompt for prompt in prompts if isinstance(prompt, str)]
        if len(texts) < len(prompts):
            raise ModelFailed("the small model knows no talks; choose a format that is no chat, such as plain.")
        jobs = [_Job(text, sampling, seed) for text in texts]
        self._waiting.extend(jobs)
        # It finds nothing to do where the work that is going on has taken these up.
        self._thread.submit(self._work)
        return await asyncio.gather(*(asyncio.wrap_future(job.answer) for job in jobs))

    def _keep_to_one_processor(self) -> None:
        """Lean has the others: where these are busy, threads that share a product wait for each other five times as long as it takes one."""
        self._limits.enter_context(ThreadpoolController().limit(limits=1, user_api="blas"))

    def _work(self) -> None:
        """Writes until nobody waits any more."""
        batch: list[_Job] = []
        try:
            while True:
                batch = [job for job in batch if not job.answer.done()]
                self._admit(batch)
                if not batch:
                    return
                self._step(batch)
        except BaseException as error:
            fault = ModelFailed("the small model has not enough memory; ask for fewer samples.")
            for job in batch:
                job.settle(fault if isinstance(error, MemoryError) else error)
            raise

    def _admit(self, batch: list[_Job]) -> None:
        """Begins those that wait, as many as there is room for; one that needs more than there is comes in alone."""
        while self._waiting:
            rows = sum(job.rows.rows for job in batch)
            if batch and rows + self._waiting[0].sampling.samples > self._rows:
                return
            job = self._waiting.popleft()
            if not job.answer.cancelled():
                batch.append(job)
                self._begin(job)
                if job.answer.done():
                    batch.pop()

    def _begin(self, job: _Job) -> None:
        tokens = self._framed(job.text, job.sampling)
        prefix = self._read(tokens)
        limit = min(job.sampling.max_tokens, self._decoder.shape.context - len(tokens))
        end, drawn = self._tokenizer.end, job.sampling.temperature > 0
        job.prompt_tokens = len(tokens)
        job.chooser = (
            Drawing(job.sampling, limit, end, self._stopped(job.sampling.stop), job.own_seed)
            if drawn
            else BeamSearch(job.sampling, limit, end)
        )
        job.rows = Continuations(prefix, job.sampling.samples)
        self._advance(job, np.repeat(prefix.logits[None], job.chooser.rows, axis=0))

    def _step(self, batch: Sequence[_Job]) -> None:
        borders = np.cumsum([job.rows.rows for job in batch])
        logits = self._decoder.step([job.rows for job in batch], np.concatenate([job.tokens for job in batch]))
        for job, own in zip(batch, np.split(logits, borders[:-1]), strict=True):
            self._advance(job, own)

    def _advance(self, job: _Job, logits: Floats) -> None:
        parents, job.tokens = job.chooser.choose(logits)
        if len(parents):
            job.rows.choose(parents)
        else:
            found = job.chooser.completions()
            generations = tuple(self._generation(completion, job.sampling.stop) for completion in found)
            job.settle(Answer(generations, job.prompt_tokens))

    def _framed(self, text: str, sampling: Sampling) -> tuple[int, ...]:
        """The tokens of a prompt with the marks around it, without those at its beginning that there is no room for."""
        context = self._decoder.shape.context
        room = context - 2 - max(1, min(sampling.max_tokens, context // RESERVED))
        tokens = self._tokenizer.encode(text)
        return (self._tokenizer.prompt, *tokens[max(0, len(tokens) - room) :], self._tokenizer.completion)

    def _stopped(self, stop: tuple[str, ...]) -> Callable[[Integers], bool] | None:
        if not stop:
            return None
        # A token has at least one byte, so that a text of n bytes that has just been completed is in the last n tokens.
        tail = max(len(text.encode()) for text in stop)

        def stopped(tokens: Integers) -> bool:
            written = self._tokenizer.decode(tokens[-tail:].tolist())
            return any(text in written for text in stop)

        return stopped

    def _generation(self, completion: Completion, stop: tuple[str, ...]) -> Generation:
        text = self._tokenizer.decode(completion.tokens)
        cut = min((text.find(end) for end in stop if end in text), default=len(text))
        finish: Literal["stop", "length"] = "stop" if completion.ended or cut < len(text) else "length"
        return Generation(text[:cut], completion.log_probability, len(completion.tokens), finish)


class _Job:
    """A prompt that waits or is being completed.

    Attributes:
        answer: what is waited for; it is cancelled by who does not wait any more.
        own_seed: of what is drawn for this prompt.
        prompt_tokens, chooser, rows: since it was begun.
        tokens: [rows], that are to be written next.
    """

    prompt_tokens: int
    chooser: Chooser
    rows: Continuations
    tokens: Integers

    def __init__(self, text: str, sampling: Sampling, seed: int) -> None:
        self.text = text
        self.sampling = sampling
        self.own_seed = int.from_bytes(hashlib.sha256(f"{seed}\0{text}".encode(errors="replace")).digest())
        self.answer: Future[Answer] = Future()

    def settle(self, outcome: Answer | BaseException) -> None:
        """Answers, if it is still waited for."""
        if self.answer.done() or not self.answer.set_running_or_notify_cancel():
            return
        if isinstance(outcome, Answer):
            self.answer.set_result(outcome)
        else:
            self.answer.set_exception(outcome)
