"""Reading a tactic, or the tactics of a whole proof, out of what a model wrote.

Nothing is judged here: what is read is run by Lean, and a proof is one only by the judge. None says that there is nothing to be run.
Of a reply with lemmas before the theorem only the theorem's own proof is taken, as a submission to the judge is the body of one proof.
"""

from __future__ import annotations

import re
import textwrap

from db.export.declarations import place_of_proof

_FENCED = re.compile(r"```[ \t]*(?:lean4?|tactics)?[ \t]*\n(.*?)```", re.DOTALL)
_THEOREM = re.compile(
    r"^(?:[^\n]*-/[ \t]*)?(?:@\[[^\]]*\]\s*|(?:private|protected|nonrec)\s+)*(?:theorem|lemma|example)\b[ \t]*(?P<name>[^\s({\[:⦃]*)",
    re.MULTILINE,
)
_COMMAND = re.compile(
    r"^(?:theorem|lemma|example|def|abbrev|instance|structure|inductive|axiom|end|namespace|section|variable|import|private|"
    r"protected|noncomputable|@\[|/--|#)",
    re.MULTILINE,
)
_BY = re.compile(r"\s*by\b")
_MARKS = re.compile("</?a>")
"""ReProver's, around the names of premises (`remove_marks`)."""


def tactic(text: str) -> str | None:
    """The tactic that a completion consists of."""
    found = _MARKS.sub("", text).strip()
    return found if _says_something(found) and "```" not in found else None


def tactic_of_reply(text: str) -> str | None:
    """The tactic in a reply: its last block of code, or the whole where it has none."""
    said = _thought_out(text)
    blocks = _FENCED.findall(said)
    return tactic(textwrap.dedent(blocks[-1]) if blocks else said)


def proof_of_continuation(beginning: str, text: str) -> str | None:
    """The tactics of a proof from the text that continues its theorem.

    Args:
        beginning: the theorem up to where the model took over.
        text: what it wrote, perhaps with the end of a block of code and more behind it, or the theorem once more.
    """
    return _proof_in(beginning + text.partition("```")[0], _name(beginning))


def proof_of_reply(signature: str, text: str) -> str | None:
    """The tactics of a proof from a reply: from the last block of code that has the theorem, or else any theorem.

    A reply without a block of code is read as code. A block that was not closed is none.

    Args:
        signature: the theorem that was asked about.
        text: the reply.
    """
    said = _thought_out(text)
    blocks: list[str] = _FENCED.findall(said) or ([] if "```" in said else [said])
    name = _name(signature)
    with_theorem = [block for block in blocks if name and name in _names(block)]
    for block in reversed(with_theorem or blocks):
        if _names(block):
            return _proof_in(block, name)
    return None


def proof_of_bare_reply(signature: str, text: str) -> str | None:
    """As `proof_of_reply`, of a reply that may hold the proof alone: all of it, or its last block of code if that begins with `by`."""
    said = _thought_out(text)
    blocks: list[str] = _FENCED.findall(said)
    if any(_names(block) for block in blocks or [said]):
        return proof_of_reply(signature, text)
    if "```" not in said:
        return proof_of_continuation(f"{signature} := ", said)
    return proof_of_continuation(f"{signature} := ", blocks[-1]) if blocks and _BY.match(blocks[-1]) else None


def _thought_out(text: str) -> str:
    return text.rpartition("</think>")[2]


def _names(code: str) -> list[str]:
    return [found["name"] for found in _THEOREM.finditer(code)]


def _name(signature: str) -> str:
    return next(iter(_names(signature)), "")


def _proof_in(code: str, name: str) -> str | None:
    """The tactics of the proof of the last theorem of that name, or else of the last theorem."""
    theorems = list(_THEOREM.finditer(code))
    theorems = [found for found in theorems if found["name"] == name] or theorems
    if not theorems:
        return None
    start = theorems[-1].start()
    after = _COMMAND.search(code, theorems[-1].end())
    declaration = code[start : after.start() if after else len(code)]
    place = place_of_proof(declaration)
    return None if place is None else _tactics_of(declaration, place)


def _tactics_of(declaration: str, place: int) -> str | None:
    by = _BY.match(declaration, place)
    if by is None:
        term = declaration[place:].strip()
        found = "exact " + textwrap.indent(textwrap.dedent(term), "  ").lstrip() if term else ""
    else:
        found = _at_the_margin(declaration, by.end())
    return found if _says_something(found) else None


def _at_the_margin(code: str, place: int) -> str:
    """The tactics behind `by`, moved to column 0.

    The first one may stand on the line of the `by`; lines that begin left of it can only belong to it.
    """
    first = place + len(code[place:]) - len(code[place:].lstrip())
    column = first - code.rfind("\n", 0, first) - 1
    head, *more = code[first:].rstrip().split("\n")
    indents = [len(line) - len(line.lstrip()) for line in more if line.strip()]
    if min(indents, default=column) < column:
        return "\n".join([head, textwrap.indent(textwrap.dedent("\n".join(more)), "  ")])
    return textwrap.dedent("\n".join([" " * column + head, *more]))


def _says_something(script: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("--") for line in script.split("\n"))
