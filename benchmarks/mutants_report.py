"""What `mutants.py` found out, as tables in Markdown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from prover.bench.figures import Tally, compared, rate

KS = (1, 2, 4, 8, 16, 32)


def results_in(file: Path) -> list[dict[str, Any]]:
    """The lines of a file of results; none where there is no file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def report(file: Path, pairs: Sequence[tuple[str, str]]) -> str:
    """Tables in Markdown: pass@k of each arm with 95 % intervals, how roll-outs ended, and pairs of arms on the same problems.

    Args:
        file: the results.
        pairs: arms to be compared.
    """
    arms: dict[str, dict[str, dict[str, Any]]] = {}
    for line in results_in(file):
        arms.setdefault(line["arm"], {})[line["problem"]] = line
    parts = [part for kind in ("module", "premise", "both") for part in _rates(arms, kind)]
    ends: dict[str, Counter[str]] = {name: Counter() for name in arms}
    for name, lines in arms.items():
        for line in lines.values():
            ends[name].update(line.get("ends") or {})
    parts += [
        "",
        "How roll-outs ended, in %:",
        "",
        "| arm | " + " | ".join(_ENDS) + " | other |",
        "|---" * (len(_ENDS) + 2) + "|",
    ]
    for name, counted in ends.items():
        if total := counted.total():
            shares = [counted[end] / total for end in _ENDS]
            parts.append(
                f"| {name} | " + " | ".join(f"{100 * share:.1f}" for share in [*shares, 1 - sum(shares)]) + " |"
            )
    parts += [
        "",
        "| first | second | problems | gained | lost | p (McNemar) | pass@1, difference |",
        "|---|---|---|---|---|---|---|",
    ]
    parts += [_paired(arms, *pair) for pair in pairs]
    return "\n".join(parts) + "\n"


_ENDS = ("proved", "tactic", "parse", "no progress", "malformed", "length", "forbidden")


def _rates(arms: Mapping[str, Mapping[str, Mapping[str, Any]]], kind: str) -> Iterator[str]:
    yield from ("", f"Held out by {kind}:" if kind != "both" else "Both together:", "")
    yield "| arm | problems | " + " | ".join(f"pass@{k}" for k in KS) + " | seconds a problem |"
    yield "|---" * (len(KS) + 3) + "|"
    for name, lines in arms.items():
        counted = [line for line in lines.values() if kind in (line["kind"], "both") and line["attempts"]]
        tallies = [Tally(line["attempts"], line["proved"]) for line in counted]
        if not tallies:
            continue
        rates = [rate(tallies, k) for k in KS if k <= tallies[0].attempts]
        cells = [f"{100 * r.value:.1f} ({100 * r.low:.1f} to {100 * r.high:.1f})" for r in rates]
        cells += [""] * (len(KS) - len(cells))
        seconds = sum(line["seconds"] for line in counted) / len(counted)
        yield f"| {name} | {len(counted)} | " + " | ".join(cells) + f" | {seconds:.2f} |"


def _paired(arms: Mapping[str, Mapping[str, Mapping[str, Any]]], first: str, second: str) -> str:
    """Whether something was proved at all, by McNemar's exact test; and the mean difference of pass@1 with its interval, problems drawn again 2,000 times."""
    one, other = arms[first], arms[second]
    common = [name for name in one if name in other and one[name]["attempts"] and other[name]["attempts"]]
    found = compared([one[name]["proved"] > 0 for name in common], [other[name]["proved"] > 0 for name in common])
    gains = [
        other[name]["proved"] / other[name]["attempts"] - one[name]["proved"] / one[name]["attempts"] for name in common
    ]
    chance = Random(0)
    means = sorted(sum(chance.choices(gains, k=len(gains))) / len(gains) for _ in range(2_000))
    low, middle, high = means[50], sum(gains) / len(gains), means[1949]
    return (
        f"| {first} | {second} | {len(common)} | {found.gained} | {found.lost} | {found.p:.3g} | "
        f"{100 * middle:+.1f} ({100 * low:+.1f} to {100 * high:+.1f}) |"
    )
