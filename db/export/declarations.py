"""What the source text of a theorem is made of: its statement and, behind `:=`, its proof."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* )
    | (?P<block>   /-       )
    | (?P<text>    "(?:\\.|[^"\\])*" )
    | (?P<char>    '(?:\\.[^']*|[^'\\])' )
    | (?P<quoted>  «[^»]*» )
    | (?P<word>    [^\W\d][\w'!?₀-₉.]* )
    | (?P<open>    [(\[{⟨⦃] )
    | (?P<close>   [)\]}⟩⦄] )
    | (?P<define>  := )
    | (?P<other>   . )
    """,
    re.VERBOSE | re.DOTALL,
)

_KEYWORDS = frozenset({"theorem", "lemma"})

_BINDING = frozenset({"let", "have", "let_fun", "letI", "haveI"})
"""Words that have a `:=` of their own."""


def proof_of(code: str) -> str | None:
    """The proof in the source text of a theorem: what stands behind the `:=` of the declaration itself.

    A `:=` within brackets (a default value, a named argument) is none, nor is one that belongs to a `let` of the statement.
    None for a theorem without: one that is defined by cases (`| zero => …`) or by `where`.
    """
    place = place_of_proof(code)
    return None if place is None else code[place:].strip() or None


def place_of_proof(code: str) -> int | None:
    """Where the proof of `proof_of` begins: the index behind its `:=`. None for a theorem without."""
    depth = bindings = 0
    for kind, token, end in _tokens(code):
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth -= 1
        elif depth:
            continue
        elif kind == "word" and token in _BINDING:
            bindings += 1
        elif kind == "word" and token == "where":
            return None
        elif kind == "define":
            if not bindings:
                return end
            bindings -= 1
    return None


def is_declared(code: str) -> bool:
    """Whether a source text declares a theorem by that word: the fields of a structure that are theorems have texts too."""
    return place_of_keyword(code) is not None


def place_of_keyword(code: str) -> int | None:
    """Where the word `theorem` or `lemma` of a declaration stands, behind doc comment, attributes and modifiers; None where there is none."""
    found = (end - len(token) for kind, token, end in _tokens(code) if kind == "word" and token in _KEYWORDS)
    return next(found, None)


@dataclass(frozen=True, slots=True)
class Uncommented:
    """A source text without its comments."""

    text: str
    _gone: tuple[tuple[int, int], ...]

    def place(self, before: int) -> int:
        """Where in `text` a place of the source text is that lies in no comment."""
        return before - sum(stop - start for start, stop in self._gone if stop <= before)


def uncommented(code: str) -> Uncommented:
    """Takes the comments out of a source text. Of a line that is nothing but a `--` comment nothing is left, of a block comment what is around it."""
    gone = []
    for start, stop in _comments(code):
        if code.startswith("--", start):
            line = code.rfind("\n", 0, start) + 1
            alone = not code[line:start].strip()
            gone.append((line, min(stop + 1, len(code))) if alone else (len(code[:start].rstrip(" ")), stop))
        else:
            gone.append((start, stop))
    kept = [0, *(place for hole in gone for place in hole), len(code)]
    return Uncommented(
        "".join(code[start:stop] for start, stop in zip(kept[::2], kept[1::2], strict=True)), tuple(gone)
    )


def _tokens(code: str) -> Iterator[tuple[str, str, int]]:
    """Kind, text and end of each token; comments are left out."""
    for kind, start, stop in _pieces(code):
        if kind not in ("block", "comment"):
            yield kind, code[start:stop], stop


def _comments(code: str) -> Iterator[tuple[int, int]]:
    """Where each comment begins and ends."""
    for kind, start, stop in _pieces(code):
        if kind in ("block", "comment"):
            yield start, stop


def _pieces(code: str) -> Iterator[tuple[str, int, int]]:
    """Kind, beginning and end of each token and comment."""
    position = 0
    while position < len(code):
        match = _TOKEN.match(code, position)
        assert match is not None  # `other` takes any character
        kind, start, position = match.lastgroup or "other", position, match.end()
        if kind == "block":
            position = _end_of_comment(code, position)
        yield kind, start, position


def _end_of_comment(code: str, position: int) -> int:
    """Where a block comment ends whose inside begins at `position`; they nest."""
    level = 1
    while level:
        match = re.compile(r"/-|-/").search(code, position)
        if match is None:
            return len(code)
        level += 1 if match.group() == "/-" else -1
        position = match.end()
    return position
