"""Text for continual pre-training: whole declarations, of the library's theorems and of mutants (Alchemy, section 3.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring as quoted

from db.records import Mutant, Theorem


def theorem_texts(theorems: Iterable[Theorem]) -> Iterator[str]:
    """The source text of each theorem that has one; those that are known from a compiled library alone have none."""
    return (theorem.code.strip() for theorem in theorems if theorem.code)


def mutant_texts(mutants: Iterable[Mutant]) -> Iterator[str]:
    """The declaration of each mutant."""
    return (mutant.declaration for mutant in mutants)


def text_lines(texts: Iterable[str]) -> Iterator[str]:
    """For a file of plain text: each declaration with a blank line behind it."""
    return (f"{text}\n" for text in texts)


def json_lines(texts: Iterable[str]) -> Iterator[str]:
    """For JSON Lines: an object with the key `text` for each declaration."""
    return (f'{{"text":{quoted(text)}}}' for text in texts)
