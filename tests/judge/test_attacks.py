"""Every attack of the catalogue gets the verdict that its case file asks for."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from lean_bridge.pool import LeanPool
from prover.judge import Judge, Proof, Statement, Terms
from tests.judge.cases import FOLDER, Attack, CaseError, attacks, honest

CLASSES = {"A": 10, "B": 8, "C": 12, "D": 14, "E": 12}
"""How many classes the catalogue has under each letter."""

ATTACKS = attacks()

CASE = """
[[case]]
id = "A1-x"
about = "x"
statement = "theorem t : True := sorry"
proof = "trivial"
reason = "sorry"
"""


@pytest.fixture(scope="module")
def judge(case_pool: LeanPool) -> Judge:
    return Judge(case_pool, Terms(seconds=60.0))


@pytest.fixture(scope="module")
def brief_judge(case_pool: LeanPool) -> Judge:
    """For attacks that never end, each of which costs its whole time limit."""
    return Judge(case_pool, Terms(seconds=4.0))


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(attack, id=attack.id, marks=[pytest.mark.slow] if attack.error is not None else [])
        for attack in ATTACKS
    ],
)
async def test_an_attack_is_seen_for_what_it_is(judge: Judge, brief_judge: Judge, attack: Attack) -> None:
    chosen = brief_judge if attack.error == "timeout" else judge
    verdict = await chosen.check(attack.statement, attack.submission)
    expected = ("rejected", attack.reason) if attack.error is None else ("error", attack.error)
    assert (verdict.outcome, verdict.reason) == expected, verdict
    assert attack.says in verdict.message, verdict
    if attack.reason == "syntax":
        assert verdict.place is not None, "refused after it was elaborated"


@pytest.mark.parametrize(
    ("statement", "proof", "outcome"),
    [("theorem target : 1 + 1 = 2 := sorry", "by rfl", "accepted"), ("1 = 2", "by rfl", "rejected")],
)
async def test_attacks_leave_nothing_behind(judge: Judge, statement: str, proof: str, outcome: str) -> None:
    verdict = await judge.check(Statement(statement), Proof(proof))
    assert verdict.outcome == outcome, verdict


async def test_a_verdict_does_not_depend_on_the_day(judge: Judge) -> None:
    attack = next(attack for attack in ATTACKS if attack.attack_class == "E10")
    verdicts = [await judge.check(attack.statement, attack.submission) for _ in range(5)]
    assert {(verdict.outcome, verdict.reason) for verdict in verdicts} == {("rejected", attack.reason)}


def test_every_class_has_cases_or_a_reason_for_having_none() -> None:
    rows = _table((FOLDER / "attacks" / "README.md").read_text(encoding="utf-8"))
    counts = Counter(attack.attack_class for attack in ATTACKS)
    expected = [f"{letter}{number}" for letter, last in CLASSES.items() for number in range(1, last + 1)]
    assert list(rows) == expected
    assert {name: number for name, (number, _) in rows.items()} == {name: counts[name] for name in expected}
    assert all(words for _, words in rows.values())
    assert counts.keys() <= set(expected)


def _table(text: str) -> dict[str, tuple[int, str]]:
    rows = re.findall(r"^\| ([A-E]\d+) \| (\d+) \| (.*) \|$", text, flags=re.MULTILINE)
    return {name: (int(number), words.strip()) for name, number, words in rows}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("about", "abut"), "unknown keys: abut"),
        (('about = "x"', 'about = " "'), "empty: about"),
        (('id = "A1-x"\n', ""), "missing keys: id"),
        (('"trivial"', "7"), "`proof` is not a string"),
        (('reason = "sorry"', 'reason = "tired"'), "`tired` is no reason"),
        (('reason = "sorry"', 'error = "sorry"'), "`sorry` is no error"),
        (('reason = "sorry"', ""), "exactly one of `reason` and `error`"),
        (('reason = "sorry"', 'reason = "sorry"\nerror = "crash"'), "exactly one of `reason` and `error`"),
        (('reason = "sorry"', 'reason = "sorry"\nfile = "theorem"'), "exactly one of `proof` and `file`"),
        (('proof = "trivial"', ""), "exactly one of `proof` and `file`"),
        (("[[case]]", "[[attack]]"), "something other than"),
        (('reason = "sorry"', 'reason = "sorry"' + CASE), "more than once: A1-x"),
    ],
)
def test_a_malformed_case_is_no_case(tmp_path: Path, change: tuple[str, str], complaint: str) -> None:
    (tmp_path / "cases.toml").write_text(CASE.replace(*change), encoding="utf-8")
    with pytest.raises(CaseError, match=re.escape(complaint)):
        attacks(tmp_path)


def test_a_folder_without_cases_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="no case files"):
        honest(tmp_path)


def test_an_honest_case_has_no_reason(tmp_path: Path) -> None:
    (tmp_path / "cases.toml").write_text(CASE, encoding="utf-8")
    with pytest.raises(CaseError, match="unknown keys: reason"):
        honest(tmp_path)
