"""A completion told while it is made."""

from __future__ import annotations

from collections.abc import Sequence

from prover.serve.words import Words

UNFINISHED = "\N{REPLACEMENT CHARACTER}"
"""What a tokenizer makes of bytes that are no letter, or not yet."""


class Growing:
    """The text of a completion, told as soon as no further token can change it.

    Args:
        words: the model's tokenizer.
        stops: nothing from the first of these on is told.
    """

    def __init__(self, words: Words, stops: Sequence[str]) -> None:
        self._words = words
        self._stops = stops
        self._tokens: list[int] = []
        self._before = 0
        """From this token on the text is made anew: some tokenizers write a token otherwise at the beginning of a text."""
        self._read = 0
        """Tokens whose text is in `_text`."""
        self._text = ""
        self._told = 0

    def add(self, token: int) -> str:
        """Takes the next token; returns what can be told now, which may be nothing."""
        self._tokens.append(token)
        known = self._words.text(self._tokens[self._before : self._read])
        text = self._words.text(self._tokens[self._before :])
        if len(text) > len(known) and not text.endswith(UNFINISHED):
            self._text += text[len(known) :]
            self._before, self._read = self._read, len(self._tokens)
        told, self._told = self._told, max(self._told, self._certain())
        return self._text[told : self._told]

    def rest(self, whole: str) -> str:
        """What is left to tell, when the whole text is known."""
        return whole[self._told :]

    def _certain(self) -> int:
        """Letters before the first stop string, and before what may become one."""
        found = [self._text.find(stop) for stop in self._stops if stop in self._text]
        if found:
            return min(found)
        lengths = (n for stop in self._stops for n in range(1, len(stop)) if self._text.endswith(stop[:n]))
        return len(self._text) - max(lengths, default=0)
