"""Splits theorems into train, val and test, in the two ways of LeanDojo Benchmark (LeanDojo, section 4 and appendix B).

Theorems are numbers from 0, premises are any numbers; both functions take their randomness from a seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from db.export.errors import ExportError


@dataclass(frozen=True, slots=True)
class Split:
    """Which theorems are in which part; disjoint, and all of them together."""

    train: tuple[int, ...]
    val: tuple[int, ...]
    test: tuple[int, ...]

    def parts(self) -> dict[str, tuple[int, ...]]:
        """The parts by their names."""
        return {"train": self.train, "val": self.val, "test": self.test}


@dataclass(frozen=True, slots=True)
class Share:
    """How large a part is to be: a number of theorems, or a percentage of all, rounded down."""

    amount: float
    percent: bool

    @classmethod
    def parse(cls, text: str) -> Share:
        """Reads `2000` or `10%`.

        Raises:
            ExportError: it is neither.
        """
        number = text.strip().removesuffix("%")
        percent = number != text.strip()
        try:
            amount = float(number) if percent else int(number)
        except ValueError:
            amount = -1
        if not 0 <= amount <= (100 if percent else math.inf):
            raise ExportError(
                f"{text!r} is no size of a split; give a number of theorems, or a percentage such as 10%."
            )
        return cls(amount, percent)

    def of(self, total: int) -> int:
        """The number of theorems, if there are `total`."""
        return int(total * self.amount / 100) if self.percent else int(self.amount)

    def __str__(self) -> str:
        return f"{self.amount:g}%" if self.percent else str(int(self.amount))


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many theorems go to val and to test."""

    val: Share
    test: Share

    def __str__(self) -> str:
        return f"val {self.val}, test {self.test}"


def random_split(total: int, val: int, test: int, seed: int) -> Split:
    """Shuffles, then takes the last `val + test` for these two.

    Raises:
        ExportError: nothing would be left for training.
    """
    _refuse_too_large(total, val, test)
    order = list(range(total))
    Random(seed).shuffle(order)
    train = total - val - test
    return Split(tuple(order[:train]), tuple(order[train : train + val]), tuple(order[train + val :]))


def novel_premises_split(premises: Sequence[Sequence[int]], val: int, test: int, seed: int) -> Split:
    """Every theorem of val and test uses a premise that no theorem of train uses.

    Premises are taken from the rarest on, in the order of their first use where equally rare; all theorems that use one go to
    val or test, until these have enough. So test can be larger than asked for, by those that shared the last premise, and
    smaller where too few theorems use any premise.

    Args:
        premises: what each theorem uses; repetitions count once.
        val: how many theorems go to val.
        test: how many go to test.
        seed: of the shuffle that divides val from test.

    Raises:
        ExportError: nothing would be left for training.
    """
    _refuse_too_large(len(premises), val, test)
    users: dict[int, list[int]] = {}
    for theorem, used in enumerate(premises):
        for premise in dict.fromkeys(used):
            users.setdefault(premise, []).append(theorem)
    held: dict[int, None] = {}
    for theorems in sorted(users.values(), key=len):
        if len(held) >= val + test:
            break
        held.update(dict.fromkeys(theorems))
    train = tuple(theorem for theorem in range(len(premises)) if theorem not in held)
    if not train and premises:
        raise ExportError(
            "No theorem would be left to train on: the premises are shared too widely for a val and a test of this size. "
            "Take smaller ones with --val and --test."
        )
    order = list(held)
    Random(seed).shuffle(order)
    return Split(train, tuple(order[:val]), tuple(order[val:]))


def _refuse_too_large(total: int, val: int, test: int) -> None:
    if val + test >= total:
        raise ExportError(
            f"{val} theorems for val and {test} for test leave none of {total} to train on; "
            "take fewer with --val and --test, or a percentage such as 10%."
        )
