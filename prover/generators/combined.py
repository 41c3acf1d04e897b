"""Several generators as one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from prover.core import Generator, Proposals, Query
from prover.errors import ModelFailed


class CombinedGenerator:
    """Proposes what each of its parts proposes, at the parts' own costs.

    A part whose language model fails is left out of the answer, which says so; a search that ends without a proof has then not failed.
    """

    def __init__(self, parts: Sequence[Generator]) -> None:
        """Args: parts: at least one. All are asked at every stage that any of them wants."""
        self._parts = tuple(parts)

    async def propose(self, queries: Sequence[Query]) -> list[Proposals]:
        """The proposals of all parts, cheapest first.

        Raises:
            ModelFailed: no part answered.
        """
        answers = await asyncio.gather(*(_answered(part, queries) for part in self._parts))
        faults = [answer for answer in answers if isinstance(answer, ModelFailed)]
        if len(faults) == len(answers):
            raise faults[0]
        given = [answer for answer in answers if not isinstance(answer, ModelFailed)]
        fault = "; ".join(str(fault) for fault in faults)
        return [_together([answer[place] for answer in given], fault) for place in range(len(queries))]


async def _answered(part: Generator, queries: Sequence[Query]) -> Sequence[Proposals] | ModelFailed:
    try:
        return await part.propose(queries)
    except ModelFailed as fault:
        return fault


def _together(answers: Sequence[Proposals], fault: str) -> Proposals:
    def faults() -> Iterator[str]:
        yield from filter(None, [*(answer.fault for answer in answers), fault])

    stages = [answer.next_stage for answer in answers if answer.next_stage is not None]
    return Proposals(
        # Of a tactic that two parts propose the cheaper one counts: a search takes the first of each text.
        tuple(sorted((item for answer in answers for item in answer.items), key=lambda item: item.cost)),
        min(stages, default=None),
        tokens=sum(answer.tokens for answer in answers),
        malformed=sum(answer.malformed for answer in answers),
        fault="; ".join(faults()),
    )
