"""Continuous batching: requests enter a running batch and leave it between any two of its steps.

One thread does all work with the model. A step makes one token for each running completion; then what is finished or given up leaves, and
waiting requests enter in their order, as far as rows are free. A prompt is read once, however many completions it gets. What a
request gets is a function of the request alone, up to rounding in the sums of attention and products, which depend on the batch's shape.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Final, Literal

from prover.errors import ModelFailed, RequestRefused
from prover.serve.figures import Figures
from prover.serve.requests import Request, Sample
from prover.serve.words import Words

if TYPE_CHECKING:
    from torch import Tensor

STEP_TOKENS: Final = 2048
"""When so many tokens of prompts are read in a step, no further prompt is: running completions wait meanwhile."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an engine does at a time."""

    rows: int = 64
    """Completions at work."""
    queue: int = 256
    """Prompts that wait for rows."""
    max_tokens: int = 2048
    """Of one completion."""


@dataclass(slots=True, eq=False)
class _Row:
    """A completion at work."""

    job: _Job
    number: int
    chance: Random
    tokens: list[int] = field(default_factory=list)
    logs: list[float] = field(default_factory=list)
    finish: Literal["stop", "length"] | None = None


@dataclass(slots=True, eq=False)
class _Job:
    """A request, and who waits for it."""

    request: Request
    asked: float
    heard: Callable[[int, int], object]
    future: Future[tuple[Sample, ...]] = field(default_factory=Future)
    rows: list[_Row] = field(default_factory=list)

    def claim(self) -> bool:
        """Whether somebody still waits; from then on nobody can give it up."""
        return not self.future.done() and self.future.set_running_or_notify_cancel()


class Engine:
    """A causal model at work in a thread of its own, until `close`.

    Args:
        model: of transformers; nobody else may use it meanwhile.
        words: its tokenizer.
        limits: how much is done at a time.
        figures: where it counts what it does.
        now: seconds of a clock that does not jump.

    Raises:
        BadServing: the model cannot be batched.
    """

    def __init__(self, model: Any, words: Words, limits: Limits, figures: Figures, *, now: Callable[[], float]) -> None:
        import torch

        from prover.serve.batch import Batch

        self.limits = limits
        self.context: int = getattr(model.config, "max_position_embeddings", None) or 2**31
        self._words = words
        self._figures = figures
        self._now = now
        end = model.generation_config.eos_token_id
        self._ends = {words.end, *(end if isinstance(end, list) else [end])}
        with torch.inference_mode():
            self._batch = Batch(model, limits.rows)
        self._rows: list[_Row] = []
        self._waiting: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Prompts in the queue."""
        return len(self._waiting)

    @property
    def rows(self) -> int:
        """Completions at work."""
        return len(self._rows)

    def submit(
        self,
        requests: Sequence[Request],
        heard: Callable[[int, int, int], object] = lambda request, sample, token: None,
    ) -> list[Future[tuple[Sample, ...]]]:
        """Puts requests into the queue, all or none.

        Args:
            requests: at least one.
            heard: called in the engine's thread with each token as it is made: the number of the request, that of the sample, the token.

        Returns:
            For each a future of its samples. Whoever cancels it frees its rows before the next step. It fails with `ModelFailed` if
            the model does, or the engine is closed.

        Raises:
            RequestRefused: one asks for more than the limits allow (400), the queue is full (429), or the engine is closed (503).
        """
        for request in requests:
            self._check(request)
        jobs = [_Job(request, self._now(), partial(heard, place)) for place, request in enumerate(requests)]
        with self._changed:
            if self._closing:
                raise RequestRefused(503, "The server is shutting down.")
            if len(jobs) > self.limits.queue:
                raise RequestRefused(400, f"{len(jobs)} prompts are more than the queue takes, {self.limits.queue}.")
            if len(self._waiting) + len(jobs) > self.limits.queue:
                raise RequestRefused(429, f"{len(self._waiting)} prompts are waiting already; ask again later.")
            self._waiting += jobs
            self._changed.notify()
        return [job.future for job in jobs]

    def close(self) -> None:
        """Ends the thread behind its step; what is not finished fails. May be called again."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _check(self, request: Request) -> None:
        prompt, limits = len(request.tokens), self.limits
        if not prompt:
            raise RequestRefused(400, "The prompt has no tokens; give some text.")
        if prompt >= self.context:
            raise RequestRefused(
                400,
                f"The prompt has {prompt} tokens, and prompt and completion have room for {self.context} together: a prompt may have "
                f"{self.context - 1}.",
            )
        if request.samples > limits.rows:
            raise RequestRefused(400, f"n is {request.samples}; this server makes at most {limits.rows} at a time.")
        if request.max_tokens > limits.max_tokens:
            raise RequestRefused(
                400, f"max_tokens is {request.max_tokens}; this server makes at most {limits.max_tokens}."
            )

    def _work(self) -> None:
        import torch

        with torch.inference_mode():
            while (admitted := self._next()) is not None:
                try:
                    self._advance(admitted)
                except Exception as error:  # noqa: BLE001  # Whatever it is, those who wait must hear of it, and others be served.
                    self._fail(admitted, f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:300]}")
        self._fail(list(self._waiting), "the server is shutting down")

    def _next(self) -> list[_Job] | None:
        """Waits until there is something to do; the requests that enter now, or None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._waiting or self._rows)
            if self._closing:
                return None
            self._waiting = deque(job for job in self._waiting if not job.future.cancelled())
            admitted: list[_Job] = []
            free, tokens = self.limits.rows - len(self._rows), 0
            while self._waiting and self._waiting[0].request.samples <= free and tokens < STEP_TOKENS:
                admitted.append(self._waiting.popleft())
                free -= admitted[-1].request.samples
                tokens += len(admitted[-1].request.tokens)
            return admitted

    def _advance(self, admitted: Sequence[_Job]) -> None:
        """One step: a token for each row, the first ones of requests that enter among them."""
        started = self._now()
        self._leave(lambda row: row.job.future.cancelled())
        made = len(self._rows)
        if self._rows:
            self._write(self._rows, self._batch.step([row.tokens[-1] for row in self._rows]))
        entering = [(job, self._begun(job)) for job in admitted]
        at_work = {id(row.job): row.job for row in self._rows}
        self._leave(lambda row: row.finish is not None)
        unfinished = [[row for row in job.rows if row.finish is None] for job in admitted]
        self._batch.join([(cache, len(rows)) for (_, cache), rows in zip(entering, unfinished, strict=True)])
        self._rows += [row for rows in unfinished for row in rows]
        self._figures.stepped(made + sum(len(job.rows) for job in admitted), self._now() - started)
        for job in (*at_work.values(), *admitted):
            if all(row.finish is not None for row in job.rows) and job.claim():
                job.future.set_result(tuple(map(self._sample, job.rows)))

    def _begun(self, job: _Job) -> Any:
        """Reads a prompt and makes its rows with their first tokens; returns what `Batch.join` takes."""
        logits, cache = self._batch.prefill(job.request.tokens)
        seed = job.request.seed
        job.rows = [_Row(job, number, Random(f"{seed} {number}")) for number in range(job.request.samples)]
        self._write(job.rows, logits.expand(len(job.rows), -1))
        self._figures.began(len(job.request.tokens), self._now() - job.asked)
        return cache

    def _leave(self, gone: Callable[[_Row], bool]) -> None:
        places = [place for place, row in enumerate(self._rows) if not gone(row)]
        if len(places) < len(self._rows):
            self._rows = [self._rows[place] for place in self._batch.keep(places)]

    def _write(self, rows: Sequence[_Row], logits: Tensor) -> None:
        from prover.serve.sampling import Draw, choose

        draws = [Draw(row.job.request.temperature, row.job.request.top_p, row.chance.random()) for row in rows]
        for row, token, log in zip(rows, *choose(logits, draws), strict=True):
            row.tokens.append(token)
            row.logs.append(log)
            row.job.heard(row.number, token)
            row.finish = self._ending(row)

    def _ending(self, row: _Row) -> Literal["stop", "length"] | None:
        request, tokens = row.job.request, row.tokens
        if tokens[-1] in self._ends:
            return "stop"
        if request.stop:
            # A token has at least one byte: a stop string that has just been completed lies in its last tokens. Some tokenizers take
            # the space from the first of a text, so that one more is looked at.
            tail = max(len(stop.encode()) for stop in request.stop) + 1
            text = self._words.text(tokens[-tail:])
            if any(stop in text for stop in request.stop):
                return "stop"
        full = min(request.max_tokens, self.context - len(request.tokens))
        return "length" if len(tokens) >= full else None

    def _sample(self, row: _Row) -> Sample:
        text = self._words.text(row.tokens)
        cut = min((text.find(stop) for stop in row.job.request.stop if stop in text), default=len(text))
        return Sample(text[:cut], tuple(row.tokens), tuple(row.logs), row.finish or "length")

    def _fail(self, jobs: Sequence[_Job], words: str) -> None:
        """Ends the given and all running requests."""
        waiting = {id(job): job for job in (*jobs, *(row.job for row in self._rows))}
        self._rows = []
        self._batch.keep([])
        for job in waiting.values():
            if job.claim():
                job.future.set_exception(ModelFailed(f"the language model gave no answer ({words})."))
