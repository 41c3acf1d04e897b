"""Proofs made shorter: steps that nothing needs are left out, and `simp` in the middle says what it used.

Only the proof's text is changed, and whoever calls says of each text whether it is still a proof, by asking the judge. So
nothing here needs to know what a tactic does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

from prover.search.whole import Block, blocks, script

Accepts = Callable[[str], Awaitable[bool]]
"""Whether a tactic script (first line at column 0) still proves the statement."""

Suggestions = Callable[[str], Awaitable[list[str]]]
"""What Lean suggests for a script with a `simp?` or `simp_all?` in it."""

_Tree = tuple[Block, ...]

MOST_TRIES = 80
"""Scripts that are tried at most; each costs Lean about as much as the proof."""


async def minimise(proof: str, accepts: Accepts, suggestions: Suggestions) -> str:
    """The shortest script that leaving out steps leads to, with `simp only` where a `simp` is followed by other tactics.

    Such a `simp` does something else as soon as the library's simp set changes, and what comes after it then breaks; a `simp` that
    closes its goal is left alone.
    """
    tree = await _shortened(blocks(proof), accepts)
    for explicit in range(sum(1 for _ in _simps(tree))):
        tree = await _explicit(tree, explicit, accepts, suggestions)
    return script(tree)


async def _shortened(tree: _Tree, accepts: Accepts) -> _Tree:
    tried: set[str] = {script(tree)}
    while True:
        for candidate in _shorter(tree):
            text = script(candidate)
            if text in tried:
                continue
            if len(tried) > MOST_TRIES:
                return tree
            tried.add(text)
            if await accepts(text):
                tree = candidate
                break
        else:
            return tree


def _shorter(tree: _Tree) -> Iterator[_Tree]:
    """Trees with something left out, the most first: everything from some step on but a tactic of what comes later, or one step."""
    for place in range(len(tree)):
        for tactic in dict.fromkeys(_tactics(tree[place + 1 :])):
            yield (*tree[:place], Block(tactic))
    for place, block in enumerate(tree):
        if len(tree) > 1:
            yield tree[:place] + tree[place + 1 :]
        for inner in _shorter(block.inner):
            yield (*tree[:place], replace(block, inner=inner), *tree[place + 1 :])


def _tactics(tree: _Tree) -> Iterator[str]:
    for block in reversed(tree):
        if block.inner:
            yield from _tactics(block.inner)
        else:
            yield block.text


async def _explicit(tree: _Tree, number: int, accepts: Accepts, suggestions: Suggestions) -> _Tree:
    """The tree with its `simp` of that number, counted as `_simps` does, made explicit if Lean knows how."""
    text = list(_simps(tree))[number]
    word, rest = text.split(maxsplit=1) if " " in text else (text, "")
    asked = _with_simp(tree, number, f"{word}? {rest}".rstrip())
    for suggestion in await suggestions(script(asked)):
        changed = _with_simp(tree, number, suggestion)
        if " only" in suggestion and await accepts(script(changed)):
            return changed
    return tree


def _simps(tree: _Tree) -> Iterator[str]:
    """The tactics by `simp` and `simp_all` that other tactics come after, in the order of the script."""
    for place, block in enumerate(tree):
        if block.inner:
            yield from _simps(block.inner)
        elif _is_open_simp(tree, place):
            yield block.text


def _with_simp(tree: _Tree, number: int, text: str) -> _Tree:
    """The tree with another text for its `simp` of that number."""
    result: list[Block] = []
    for place, block in enumerate(tree):
        if block.inner:
            result.append(replace(block, inner=_with_simp(block.inner, number, text)))
            number -= sum(1 for _ in _simps(block.inner))
        elif _is_open_simp(tree, place):
            result.append(Block(text) if number == 0 else block)
            number -= 1
        else:
            result.append(block)
    return tuple(result)


def _is_open_simp(tree: _Tree, place: int) -> bool:
    words = tree[place].text.split()
    simple = bool(words) and words[0] in {"simp", "simp_all"} and "<;>" not in words
    return simple and place < len(tree) - 1
