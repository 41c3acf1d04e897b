"""What the source text of a theorem is made of: its statement and, behind `:=`, its proof."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
    return any(kind == "word" and token in _KEYWORDS for kind, token, _ in _tokens(code))


def _tokens(code: str) -> Iterator[tuple[str, str, int]]:
    """Kind, text and end of each token; comments are left out."""
    position = 0
    while position < len(code):
        match = _TOKEN.match(code, position)
        assert match is not None  # `other` takes any character
        position = match.end()
        kind = match.lastgroup or "other"
        if kind == "block":
            position = _end_of_comment(code, position)
        elif kind != "comment":
            yield kind, match.group(), position


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
