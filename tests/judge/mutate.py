"""Honest proofs with tokens dropped, doubled, swapped or replaced: most are wrong then, and the judge must know which.

Whatever the judge accepts is put to `oracle.py`, and so is a share of what it rejects. A long run from the command line:

    python -m tests.judge.mutate --tries 20000 --seed 1 --workers 2
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import Toolchain, find_toolchain
from prover.judge import Judge, Proof, Submission, Terms, Verdict, WholeFile
from tests.judge.cases import Honest, honest
from tests.judge.oracle import Oracle

BLOCK = 10
"""Mutants of one honest proof that are judged one after the other, so that its header is at hand."""

SLOW_SECONDS = 1.0
"""Honest proofs that take longer are left alone, unless the run says otherwise."""

EXPECTED = frozenset({"parse", "syntax", "elaboration", "heartbeats"})
"""Reasons that a broken proof usually has. Any other rejection is put to the oracle, of these only a share."""

_TOKEN = re.compile(
    r"""
    (?P<blank> (?: \s+ | --[^\n]* | /-.*?-/ )+ )
  | " (?: \\. | [^"\\] )* "
  | ' (?: \\. | [^'\\] )+ ' (?! \w)
  | (?: «[^»]*» | [\w₀-₉] [\w'₀-₉!?]* ) (?: \. (?: «[^»]*» | [^\W\d] [\w'₀-₉!?]* ) )*
  | <;> | := | => | ->  | <- | ← | \|>\. | <\| | \|> | \.\.\. | \.\. | :: | \+\+ | == | != | && | \|\| | /\\ | \\/
  | .
    """,
    re.VERBOSE | re.DOTALL,
)


def tokens(text: str) -> list[str]:
    """A text in pieces: words and blanks (white space, comments), which join to the text again."""
    return [found[0] for found in _TOKEN.finditer(text)]


def mutated(text: str, rng: random.Random) -> str:
    """The text after one edit, now and then two or three; never the text itself, unless it has no two different words."""
    result = text
    for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
        result = rng.choice(EDITS)(result, rng)
    return result if result != text or len({*tokens(text)}) < 3 else mutated(text, rng)


def _drop(pieces: list[str], words: list[int], rng: random.Random) -> None:
    pieces[rng.choice(words)] = ""


def _double(pieces: list[str], words: list[int], rng: random.Random) -> None:
    word = rng.choice(words)
    pieces[word] += f" {pieces[word]}"


def _swap(pieces: list[str], words: list[int], rng: random.Random) -> None:
    place = rng.randrange(len(words))
    one, other = words[place], words[(place + 1) % len(words)]
    pieces[one], pieces[other] = pieces[other], pieces[one]


def _replace(pieces: list[str], words: list[int], rng: random.Random) -> None:
    """One word for another of its sort: most such mutants parse."""
    word = rng.choice(words)
    alike = [pieces[i] for i in words if _sort(pieces[i]) == _sort(pieces[word])]
    pieces[word] = rng.choice(alike)


def _sort(word: str) -> str:
    if word[0].isdigit():
        return "number"
    return "name" if word[0].isalpha() or word[0] in "_«" else "sign"


def _on_words(edit: Callable[[list[str], list[int], random.Random], None]) -> Callable[[str, random.Random], str]:
    def edited(text: str, rng: random.Random) -> str:
        pieces = tokens(text)
        words = [i for i, piece in enumerate(pieces) if not piece[0].isspace() and not piece.startswith(("--", "/-"))]
        if words:
            edit(pieces, words, rng)
        return "".join(pieces)

    return edited


def _on_a_line(times: int) -> Callable[[str, random.Random], str]:
    def edited(text: str, rng: random.Random) -> str:
        lines = text.split("\n")
        place = rng.randrange(len(lines))
        lines[place : place + 1] = [lines[place]] * times
        return "\n".join(lines)

    return edited


EDITS = (_on_words(_drop), _on_words(_double), _on_words(_swap), _on_words(_replace), _on_a_line(0), _on_a_line(2))
"""Ways to change a text, equally likely."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A submission that may be wrong."""

    case: Honest
    number: int
    """Which try of the run it is."""
    submission: Submission


def mutants_of(case: Honest, seed: int, numbers: Sequence[int]) -> Iterator[Mutant]:
    """Different mutants of one case; each depends on the seed and its number alone."""
    for number in numbers:
        text = mutated(case.submission.text, random.Random(f"{seed}:{number}"))
        changed = Proof(text) if isinstance(case.submission, Proof) else WholeFile(text)
        yield Mutant(case, number, changed)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The judge and the oracle are of different opinions."""

    mutant: Mutant
    seed: int
    verdict: Verdict
    objection: str | None

    def __str__(self) -> str:
        kind = "ACCEPTED WRONGLY" if self.verdict.accepted else "rejected wrongly"
        mutant, verdict = self.mutant, self.verdict
        return (
            f"{kind}: seed {self.seed}, try {mutant.number}, case {mutant.case.id}\n"
            f"judge: {verdict.outcome} {verdict.reason or ''} {verdict.message}\noracle: {self.objection or 'fine'}\n"
            f"----\n{mutant.case.statement.header}\n{mutant.case.statement.text}\n----\n{mutant.submission.text}\n----"
        )


@dataclass(slots=True)
class Tally:
    """What became of the mutants."""

    accepted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    """Put to the oracle."""
    left_out: list[str] = field(default_factory=list)
    """Honest cases that were too slow, or not accepted themselves."""
    wrong: list[Disagreement] = field(default_factory=list)
    """Accepted by the judge and not by the oracle."""
    doubtful: list[Disagreement] = field(default_factory=list)
    """Rejected by the judge and not by the oracle."""

    @property
    def tries(self) -> int:
        """How many were judged."""
        return self.accepted + self.rejected.total() + self.errors.total()

    def __str__(self) -> str:
        rejected = ", ".join(f"{reason} {n}" for reason, n in self.rejected.most_common())
        errors = ", ".join(f"{kind} {n}" for kind, n in self.errors.most_common()) or "none"
        return (
            f"{self.tries} tries: {self.accepted} accepted; {self.rejected.total()} rejected ({rejected}); errors: {errors}; "
            f"{self.asked} put to the oracle: {len(self.wrong)} accepted wrongly, {len(self.doubtful)} rejected wrongly"
        )


class Campaign:
    """One run over mutants of honest cases."""

    def __init__(
        self,
        cases: Sequence[Honest],
        judge: Judge,
        oracle: Oracle,
        *,
        seed: int,
        share: float = 0.02,
        slow: float = SLOW_SECONDS,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Prepares a run.

        Args:
            cases: what to mutate.
            judge: what is tested.
            oracle: what knows better.
            seed: the run depends on it and on which cases are quick.
            share: of the ordinary rejections, how many are put to the oracle.
            slow: seconds; honest proofs that take longer are left alone.
            told: is given each disagreement as it is found.
        """
        self._cases = {case.id: case for case in cases}
        self._judge = judge
        self._oracle = oracle
        self._seed = seed
        self._share = share
        self._slow = slow
        self._told = told
        self._usable: dict[str, asyncio.Future[bool]] = {}
        self._turn = asyncio.Lock()
        self.tally = Tally()

    async def run(self, tries: int, workers: int) -> Tally:
        """Judges that many mutants, `workers` at a time."""
        blocks = iter([range(start, min(start + BLOCK, tries)) for start in range(0, tries, BLOCK)])

        async def work() -> None:
            for numbers in blocks:
                case = await self._case(numbers.start)
                for mutant in mutants_of(case, self._seed, numbers):
                    await self._try(mutant)

        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(work())
        return self.tally

    async def _case(self, number: int) -> Honest:
        """The case of a block: one that is quick and accepted as it is."""
        names = sorted(self._cases)
        random.Random(f"{self._seed}:case:{number}").shuffle(names)
        for name in names:
            if await self._is_usable(name):
                return self._cases[name]
        raise AssertionError("no honest case is quick and accepted")

    async def _is_usable(self, name: str) -> bool:
        if name not in self._usable:
            self._usable[name] = asyncio.ensure_future(self._measure(self._cases[name]))
        return await self._usable[name]

    async def _measure(self, case: Honest) -> bool:
        verdict = await self._judge.check(case.statement, case.submission)
        if verdict.accepted and verdict.seconds <= self._slow:
            return True
        self.tally.left_out.append(f"{case.id} ({verdict.reason or f'{verdict.seconds:.1f} s'})")
        return False

    async def _try(self, mutant: Mutant) -> None:
        case = mutant.case
        verdict = await self._judge.check(case.statement, mutant.submission)
        self._count(verdict)
        if not self._is_of_interest(mutant, verdict):
            return
        async with self._turn:
            self.tally.asked += 1
            objection = await self._oracle.objection(case.statement, mutant.submission)
        if verdict.accepted == (objection is None):
            return
        found = Disagreement(mutant, self._seed, verdict, objection)
        (self.tally.wrong if verdict.accepted else self.tally.doubtful).append(found)
        self._told(str(found))

    def _count(self, verdict: Verdict) -> None:
        if verdict.outcome == "accepted":
            self.tally.accepted += 1
        elif verdict.outcome == "rejected":
            self.tally.rejected[verdict.reason or "?"] += 1
        else:
            self.tally.errors[verdict.reason or "?"] += 1

    def _is_of_interest(self, mutant: Mutant, verdict: Verdict) -> bool:
        if verdict.outcome == "error":
            return False
        unusual = verdict.accepted or verdict.reason not in EXPECTED
        return unusual or random.Random(f"{self._seed}:share:{mutant.number}").random() < self._share


@asynccontextmanager
async def campaign(
    toolchain: Toolchain, *, seed: int, workers: int, share: float, slow: float, told: Callable[[str], None]
) -> AsyncIterator[Campaign]:
    """A run with processes of its own."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(LeanPool(toolchain, size=workers, spares=0))
        oracle = await stack.enter_async_context(Oracle(toolchain))
        yield Campaign(honest(), Judge(pool, Terms(seconds=5.0)), oracle, seed=seed, share=share, slow=slow, told=told)


async def long_run(tries: int, seed: int, workers: int, share: float, slow: float) -> int:
    """Runs, prints what comes of it, and returns the exit code."""
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"[{time.monotonic() - began:.0f} s] {text}\n")
        sys.stdout.flush()

    toolchain = find_toolchain("embedded")
    async with campaign(toolchain, seed=seed, workers=workers, share=share, slow=slow, told=say) as run:

        async def progress() -> None:
            while True:
                await asyncio.sleep(30)
                say(str(run.tally))

        reporter = asyncio.create_task(progress())
        tally = await run.run(tries, workers)
        reporter.cancel()
    say(f"left out: {', '.join(tally.left_out) or 'none'}")
    say(str(tally))
    return 1 if tally.wrong or tally.doubtful else 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.judge.mutate", description=__doc__)
    parser.add_argument("--tries", type=int, default=20_000, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2, help="Lean processes that judge; one more is the oracle's")
    parser.add_argument("--share", type=float, default=0.02, help="part of the ordinary rejections put to the oracle")
    parser.add_argument(
        "--slow", type=float, default=SLOW_SECONDS, help="leave out proofs that take longer, in seconds"
    )
    chosen = parser.parse_args()
    return asyncio.run(long_run(chosen.tries, chosen.seed, chosen.workers, chosen.share, chosen.slow))


if __name__ == "__main__":
    sys.exit(main())
