"""Byte-level BPE as `prover.train.tokenizer` learns it, read from `tokenizer.json` and done without the package `tokenizers`.

A text is split into words by GPT-2's rule (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.2; the
pattern is in `src/encoder.py` of github.com/openai/gpt-2), and the bytes of a word are joined, the pair that was learnt first before others.
"""

from __future__ import annotations

import heapq
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lean_bridge.errors import InputError
from prover.small.weights import read_json
from prover.train.tokenizer import COMPLETION, END, PROMPT

WORDS = 50_000
"""That are remembered; states repeat theirs."""

_WORD = re.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+",
    re.ASCII,
)
"""GPT-2's pattern for texts in which `_Kinds` has put ASCII in the place of all else."""


class _Kinds(dict[int, str]):
    r"""For `str.translate`: a character of ASCII as it is, another one as an ASCII character of its kind.

    Python's `re` knows no `\p{L}` and no `\p{N}`, and its `\s` and `\d` are not theirs.
    """

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = unicodedata.category(character)
        if code < 128:
            shown = character
        elif kind[0] in "LN":
            shown = "a" if kind[0] == "L" else "0"
        else:
            # White_Space beyond ASCII: all separators, and NEXT LINE, which is a control character.
            shown = "\t" if kind[0] == "Z" or code == 0x85 else "."
        self[code] = shown
        return shown


class Tokenizer:
    """Texts to tokens and back. Marks such as `<|end|>` are read in no text: there they are letters as others are.

    Attributes:
        prompt, completion: the tokens that stand before each.
        end: the token behind a completion.
        size: tokens, one more than the largest.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        """Args: document: a `tokenizer.json`.

        Raises:
            KeyError, TypeError, ValueError: it is none, or has not what is needed.
        """
        split, model = document["pre_tokenizer"], document["model"]
        if (
            (model["type"], split["type"]) != ("BPE", "ByteLevel")
            or split["add_prefix_space"]
            or not split.get("use_regex", True)
            or document.get("normalizer")
        ):
            raise ValueError("it is no byte-level BPE of `lemma train`")
        numbers: dict[str, int] = model["vocab"]
        marks = {added["content"]: int(added["id"]) for added in document["added_tokens"]}
        self.prompt, self.completion, self.end = marks[PROMPT], marks[COMPLETION], marks[END]
        self.size = 1 + max([*numbers.values(), *marks.values()])
        letters = {letter: byte for byte, letter in enumerate(_letters())}
        self._bytes = {
            number: bytes(letters[letter] for letter in token)
            for token, number in numbers.items()
            if token not in marks
        }
        self._single = [numbers[letter] for letter in letters]
        self._joined: dict[tuple[int, int], tuple[int, int]] = {}
        for rank, merge in enumerate(model["merges"]):
            first, second = merge.split(" ") if isinstance(merge, str) else merge
            self._joined[numbers[first], numbers[second]] = (rank, numbers[first + second])
        self._kinds = _Kinds()
        self._words: dict[str, list[int]] = {}

    @classmethod
    def load(cls, folder: Path) -> Tokenizer:
        """The tokenizer in the folder of a model.

        Raises:
            InputError: there is none, or one of another kind.
        """
        path = folder / "tokenizer.json"
        try:
            return cls(read_json(path))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            cure = f"transformers may know it, as hf:{folder}"
            raise InputError(f"{path} is no tokenizer that `lemma train` makes ({error}); {cure}.") from error

    def encode(self, text: str) -> list[int]:
        """The tokens of a text. Half of a surrogate pair, which no text ought to have, is read as `?`."""
        found: list[int] = []
        for match in _WORD.finditer(text.translate(self._kinds)):
            word = text[match.start() : match.end()]
            tokens = self._words.get(word)
            if tokens is None:
                if len(self._words) >= WORDS:
                    self._words.clear()
                tokens = self._words[word] = self._of_word(word.encode(errors="replace"))
            found += tokens
        return found

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens, without marks. Bytes that are no UTF-8 become U+FFFD."""
        return b"".join(self._bytes.get(token, b"") for token in tokens).decode(errors="replace")

    def _of_word(self, word: bytes) -> list[int]:
        tokens = [self._single[byte] for byte in word]
        after = list(range(1, len(tokens) + 1))
        before = list(range(-1, len(tokens) - 1))

        def joined(place: int) -> tuple[int, int] | None:
            """Rank and outcome of joining the token of a place with the next."""
            follower = after[place]
            return self._joined.get((tokens[place], tokens[follower])) if follower < len(tokens) else None

        # A heap, since a numeral or a line of dashes may be a word of thousands of bytes.
        waiting = [(found[0], place) for place in range(len(tokens)) if (found := joined(place))]
        heapq.heapify(waiting)
        while waiting:
            rank, place = heapq.heappop(waiting)
            found = joined(place) if tokens[place] >= 0 else None
            if found is None or found[0] != rank:
                continue
            gone = after[place]
            tokens[place], tokens[gone] = found[1], -1
            after[place] = after[gone]
            if after[gone] < len(tokens):
                before[after[gone]] = place
            for changed in (before[place], place):
                if changed >= 0 and (more := joined(changed)):
                    heapq.heappush(waiting, (more[0], changed))
        return [token for token in tokens if token >= 0]


def _letters() -> Sequence[str]:
    """The letter that each byte is written as in `tokenizer.json`: itself where it can be seen, else one from U+0100 on."""
    seen = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    hidden = (byte for byte in range(256) if byte not in seen)
    substitutes = {byte: chr(256 + place) for place, byte in enumerate(hidden)}
    return [substitutes.get(byte, chr(byte)) for byte in range(256)]
