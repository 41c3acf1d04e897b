"""What a server counts, in the text format of Prometheus (version 0.0.4)."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, deque
from typing import Final

BOUNDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds to the first token: upper ends of the histogram's classes."""

STEPS: Final = 256
"""So many of the last steps make the rate of tokens."""


class Figures:
    """Counts of one server. May be used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: Counter[int] = Counter()
        self._prompt_tokens = 0
        self._completion_tokens = 0
        self._waits = [0] * (len(BOUNDS) + 1)
        self._waited = 0.0
        self._steps: deque[tuple[float, int]] = deque(maxlen=STEPS)

    def answered(self, status: int) -> None:
        """A request for completions was answered; 499: the client had gone."""
        with self._lock:
            self._answers[status] += 1

    def began(self, prompt_tokens: int, seconds: float) -> None:
        """A prompt got its first token so many seconds after it was asked for."""
        with self._lock:
            self._prompt_tokens += prompt_tokens
            self._waits[bisect_left(BOUNDS, seconds)] += 1
            self._waited += seconds

    def stepped(self, tokens: int, seconds: float) -> None:
        """So many tokens were made in one step of the engine."""
        with self._lock:
            self._completion_tokens += tokens
            self._steps.append((seconds, tokens))

    def text(self, waiting: int, rows: int) -> str:
        """All figures.

        Args:
            waiting: prompts in the queue.
            rows: completions at work.
        """
        with self._lock:
            seconds, tokens = (sum(column) for column in zip(*self._steps, strict=True)) if self._steps else (0, 0)
            rate = tokens / seconds if seconds else 0.0
            lines = [
                "# HELP lemma_requests_total Requests for completions, by the status of the answer.",
                "# TYPE lemma_requests_total counter",
                *(f'lemma_requests_total{{status="{status}"}} {n}' for status, n in sorted(self._answers.items())),
                *_one("lemma_queue_length", "gauge", "Prompts that wait for rows.", waiting),
                *_one("lemma_rows_running", "gauge", "Completions at work.", rows),
                *_one("lemma_prompt_tokens_total", "counter", "Tokens read.", self._prompt_tokens),
                *_one("lemma_completion_tokens_total", "counter", "Tokens made.", self._completion_tokens),
                *_one("lemma_tokens_per_second", "gauge", f"Tokens made, over the last {STEPS} steps.", f"{rate:.3f}"),
                *self._histogram(),
            ]
        return "\n".join(lines) + "\n"

    def _histogram(self) -> list[str]:
        name, reached = "lemma_first_token_seconds", 0
        lines = [f"# HELP {name} From the request to the first token of a prompt.", f"# TYPE {name} histogram"]
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self._waits, strict=True):
            reached += count
            lines.append(f'{name}_bucket{{le="{bound}"}} {reached}')
        return [*lines, f"{name}_sum {self._waited:.6f}", f"{name}_count {reached}"]


def _one(name: str, kind: str, meaning: str, value: int | str) -> list[str]:
    return [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}", f"{name} {value}"]
