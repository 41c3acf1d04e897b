"""What a reply says: true, false, or nothing that can be read; and what a judge counted.

Two rules read a reply. `paper` is that of the code of the paper, for figures that are to stand beside published ones; `ours` reads
what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from types import MappingProxyType

_WORD = r"true|false|correct|incorrect|不正确|不成立|正确|成立|错误|[真假](?=命题|的|[^\u4e00-\u9fff]|$)"

_POSITIVE = frozenset({"true", "correct", "正确", "成立", "真"})

_PLAIN_WORDS = frozenset({"true", "false"})
"""Those that count in a sentence that does not speak of the statement: "the correct bound" says nothing of it."""

_MENTION = re.compile(
    r"(?P<negated>\b(?:not|never|cannot\s+be|isn['’]t)\s+(?:(?:always|necessarily|generally|in\s+general|entirely|be)\s+)*"
    rf"|不(?:一定|完全|总|总是|是)?|未必|并非)?(?<![a-z])(?P<word>{_WORD})(?![a-z])",
    re.IGNORECASE,
)

_DRESSING = r"[\s*_`\"'“”$({\[:：=]*(?:\\(?:text|textbf|mathrm|mathbf|boxed|textit|bf|rm)[\s*{]*)*"
"""What may stand between `Judgement` and its word: emphasis, quotes, LaTeX."""

_LINE = re.compile(
    rf"(?:judge?ment|verdict|answer|conclusion|判断|结论|答案)\s*(?:is\b|为|是)?{_DRESSING}"
    rf"(?P<word>{_WORD})(?![a-z])(?P<other>[\s*_`\"'”]*(?:/|\||or\b|或)[\s*_`\"'“]*(?:{_WORD}))?",
    re.IGNORECASE,
)

_BOXED = re.compile(r"\\boxed\s*\{(?P<inside>(?:[^{}]|\{[^{}]*\})*)\}")

_STATEMENT = re.compile(r"(?:statement|claim|proposition|assertion|命题|陈述|说法)(?P<rest>.*)", re.IGNORECASE)

_SUPPOSED = re.compile(
    r"^\W*(?:(?:if|suppose|assume|when|were|to\s+(?:decide|determine|check))\b|假设|若|如果)|\bwhether\b|是否",
    re.IGNORECASE,
)
"""Begins or marks a sentence that asserts nothing."""

_COUNTS = re.compile(r"^\W*(examples|consistent)\W*?[:：]\W*?(\d+)\W*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ExampleCount:
    """What a judge found in an answer."""

    examples: int
    consistent: int
    """Of the examples."""


def paper(reply: str) -> bool | None:
    """The answer as the paper's code reads it (`extract_answer` of its `baseline-eval.py`); None for its `''`.

    The reply is split at every full stop, those in numbers and formulas included. A first piece that is exactly "the statement is
    true" or "... false" decides; otherwise the last piece that is not empty does, by whether `true`, else `false`, occurs
    anywhere in it: "not true" and "either true or false" are True.
    """
    pieces = reply.strip().lower().split(".")
    first = re.fullmatch(r"the statement is (true|false)", pieces[0])
    if first:
        return first[1] == "true"
    last = next((piece for piece in reversed(pieces) if piece), "")
    if "true" in last:
        return True
    return False if "false" in last else None


def ours(reply: str) -> bool | None:
    """The answer that a reply means; None where it names none, or both.

    What stands before the end of a `<think>` block is not looked at. The last explicit verdict decides: a line such as "Judgement:
    True", or a box with one of the words. Without one, the last sentence that has one of the words and is no supposition decides,
    by what it says of the statement if it speaks of it.
    """
    said = _without_thinking(reply)
    explicit = [(found.start(), _of_line(found)) for found in _LINE.finditer(said)]
    boxes = ((box.start(), _mentions(box["inside"])) for box in _BOXED.finditer(said))
    explicit += [(place, _agreed(words)) for place, words in boxes if words]
    if explicit:
        return max(explicit, key=lambda verdict: verdict[0])[1]
    for sentence in reversed(re.split(r"[.!?。！？\n]+", said)):
        if not _SUPPOSED.search(sentence):
            about = _STATEMENT.search(sentence)
            words = (_mentions(about["rest"]) if about else []) or _mentions(sentence, _PLAIN_WORDS)
            if words:
                return _agreed(words)
    return None


RULES: Mapping[str, Callable[[str], bool | None]] = MappingProxyType({"ours": ours, "paper": paper})
"""The rules by name; the first is the one that reports lead with."""


def example_count(verdict: str) -> ExampleCount | None:
    """What a judge's last two lines say; None where they are missing, or more examples are consistent than there are."""
    counts = {name.lower(): int(number) for name, number in _COUNTS.findall(_without_thinking(verdict))}
    if len(counts) < 2 or counts["consistent"] > counts["examples"]:
        return None
    return ExampleCount(counts["examples"], counts["consistent"])


def _without_thinking(reply: str) -> str:
    """What follows the thoughts; nothing if they never end."""
    _, ended, rest = reply.rpartition("</think>")
    return rest if ended or "<think>" not in reply else ""


def _of_line(found: re.Match[str]) -> bool | None:
    return None if found["other"] else found["word"].lower() in _POSITIVE


def _mentions(text: str, words: Container[str] | None = None) -> list[bool]:
    """What each of the words in a text says; of these words alone, or of all that are known."""
    found = [(mention["word"].lower(), bool(mention["negated"])) for mention in _MENTION.finditer(text)]
    return [(word in _POSITIVE) != negated for word, negated in found if words is None or word in words]


def _agreed(words: list[bool]) -> bool | None:
    return words[0] if len(set(words)) == 1 else None
