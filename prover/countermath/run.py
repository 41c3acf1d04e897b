"""Asks a model about the items of CounterMATH, and a judge about the examples in its answers.

What is answered is in the file of predictions and not asked again. An item that got no reply is recorded as an error, which is
no wrong answer, and is asked again when the run is taken up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from prover.chat import ChatClient, Completion, Message
from prover.countermath.items import Benchmark, Item, Language, chosen
from prover.countermath.predictions import Header, PredictionFile
from prover.countermath.prompts import Prompt
from prover.errors import ChatFailed, ChatRefused

FAILURES_IN_A_ROW: Final = 10
"""So many items without a reply, and none with one between them, mean that the server is down."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom to ask, and how.

    Attributes:
        model: the client.
        prompt: with the places `{statement}` and, for a judge, `{rationale}` and `{answer}`.
        temperature: for drawing tokens.
        max_tokens: of a reply.
        seed: for servers that draw with one.
    """

    model: ChatClient
    prompt: Prompt
    temperature: float
    max_tokens: int
    seed: int

    def settings(self) -> dict[str, object]:
        """What is recorded, without secrets."""
        return {
            "model": self.model.model,
            "base_url": self.model.place,
            "prompt": self.prompt.name,
            "prompt_sha256": self.prompt.digest,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "seed": self.seed,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run. Equal settings are one run.

    Attributes:
        benchmark: where the items are from.
        language: in which they are asked.
        limit: only the first so many; None for no limit.
        sample: only so many, drawn with the seed of `answering`; None for all.
        answering: the model that is measured.
        judging: the judge of its examples; None to judge none.
        version: of this program.
    """

    benchmark: Benchmark
    language: Language
    limit: int | None
    sample: int | None
    answering: Asking
    judging: Asking | None
    version: str

    @property
    def items(self) -> tuple[Item, ...]:
        """Those to be answered, in the order of the file."""
        return chosen(self.benchmark.items, self.limit, self.sample, self.answering.seed)

    def header(self) -> Header:
        """That of the file of predictions."""
        judge = {} if self.judging is None else self.judging.settings()
        settings = {
            "version": self.version,
            "items_sha256": self.benchmark.digest,
            "language": self.language.value,
            "limit": self.limit,
            "sample": self.sample,
            **self.answering.settings(),
            **{f"judge_{name}": value for name, value in judge.items()},
        }
        part = replace(self.benchmark, items=self.items)
        return Header(part.name, len(part.items), part.duplicates, part.hidden, settings)


class Run:
    """Carries out a run.

    Args:
        file: of the run's predictions.
        plan: what is asked of whom. Items without a rationale are not judged.
        told: is called after each item, whether it got its replies or not.
    """

    def __init__(
        self,
        file: PredictionFile,
        plan: Plan,
        *,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        self._file = file
        self._plan = plan
        self._told = told
        self._failures = 0

    @property
    def left(self) -> list[Item]:
        """The items that lack a reply, in order."""
        return [item for item in self._plan.items if self._unanswered(item) or self._unjudged(item)]

    async def go(self, concurrency: int) -> None:
        """Asks about every item that is left, so many at a time.

        Raises:
            ChatRefused: a server refuses all requests.
            ChatFailed: `FAILURES_IN_A_ROW` items got no reply. What was answered is kept.
            BadPredictions: the file cannot be written.
        """
        left = iter(self.left)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(concurrency):
                    group.create_task(self._work(left))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _work(self, left: Iterator[Item]) -> None:
        for item in left:
            try:
                await self._ask(item)
                self._failures = 0
            except ChatRefused:
                raise
            except ChatFailed as fault:
                self._file.error(item, str(fault))
                self._failures += 1
                if self._failures == FAILURES_IN_A_ROW:
                    words = f"{self._failures} items in a row got no reply; the last time: {fault}"
                    raise ChatFailed(f"{words} The same command goes on.") from fault
            self._told()

    async def _ask(self, item: Item) -> None:
        answering, judging = self._plan.answering, self._plan.judging
        if self._unanswered(item):
            self._file.answer(item, await _asked(answering, statement=item.statement))
        if judging is not None and self._unjudged(item):
            answer = self._file.known.answers[item.number].text
            parts = {"statement": item.statement, "rationale": item.rationale, "answer": answer}
            self._file.verdict(item, await _asked(judging, **parts))

    def _unanswered(self, item: Item) -> bool:
        return item.number not in self._file.known.answers

    def _unjudged(self, item: Item) -> bool:
        spared = self._plan.judging is None or not item.rationale
        return not spared and item.number not in self._file.known.verdicts


async def _asked(asking: Asking, **parts: str) -> Completion:
    return await asking.model.complete(
        [Message("user", asking.prompt.filled(**parts))],
        max_tokens=asking.max_tokens,
        temperature=asking.temperature,
        seed=asking.seed,
    )
