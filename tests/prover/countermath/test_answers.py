from __future__ import annotations

import pytest

from prover.countermath.answers import ExampleCount, example_count, ours, paper


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("Judgement: True", True),
        ("Judgment: false.", False),
        ("**Judgement:** False\n", False),
        ("**Judgement: True**", True),
        (r"Judgement: $\boxed{\text{False}}$", False),
        (r"The final answer is \boxed{True}.", True),
        (r"So it is $\boxed{\textbf{False}}$. It is true for finite sets.", False),
        ("Final answer: `True`", True),
        ("Judgement: True\nWait, the empty set.\nJudgement: False", False),
        ("The answer is false, as x = 0 shows. It would be true for x > 0.", False),
        ("Since the lemma is true, the statement is false.", False),
        ("Therefore the statement is not true.", False),
        ("Hence the claim is not necessarily true.", False),
        ("The proposition isn't true in general", False),
        ("So this is false. We used the correct bound.", False),
        ("Judgement: not true", False),
        ("The statement is incorrect", False),
        ("<think>Judgement: True</think>\nJudgement: False", False),
        ("判断：错误", False),
        ("结论：**假**", False),
        ("答案为真。", True),
        ("因此该命题不正确。", False),
        ("该说法不一定成立", False),
        ("所以命题成立。", True),
        ("A 是 B 的真子集，因此命题为假。", False),
    ],
)
def test_our_rule_reads_what_is_meant(reply: str, said: bool) -> None:
    assert ours(reply) is said


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I cannot decide this.",
        "Judgement: True/False",
        "Judgement: True or False",
        "Judgement: False\nJudgement: True or False",
        "It is either true or false.",
        r"\boxed{True or False}",
        "We decide whether the statement is true. Let x = 1",
        "Suppose the statement is true. Then x = 1",
        "Thus we get the correct bound",
        "<think>Judgement: True",
        "我们判断命题是否正确",
        "A 是 B 的真子集",
    ],
)
def test_our_rule_abstains_where_a_reply_names_neither_or_both(reply: str) -> None:
    assert ours(reply) is None


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("The statement is false. It would be true for x > 0", False),
        ("Clearly. The statement is false. It would be true for x > 0", True),
        ("It is not true", True),
        ("True or false", True),
        ("An untrue claim.", True),
        ("Judgement: False. For instance x = 0.5", None),
        ("Judgement: False. For instance x = 0. 5 is odd: FALSE.", False),
        ("判断：错误", None),
        ("", None),
    ],
)
def test_the_rule_of_the_paper_looks_at_the_last_piece_between_full_stops(reply: str, said: bool | None) -> None:
    assert paper(reply) is said


@pytest.mark.parametrize(
    ("verdict", "found"),
    [
        ("1. x = 0 is consistent.\n\nExamples: 2\nConsistent: 1", ExampleCount(2, 1)),
        ("**Examples:** 0\n**Consistent:** 0\n", ExampleCount(0, 0)),
        ("Examples: 3\nConsistent: 3\nOn second thought:\nExamples: 2\nConsistent: 0", ExampleCount(2, 0)),
        ("<think>Examples: 9\nConsistent: 9</think>- Examples: 1\n- Consistent: 1", ExampleCount(1, 1)),
        ("Examples: 1\nConsistent: 2", None),
        ("Examples: 1", None),
        ("Examples: N\nConsistent: M", None),
        ("All are consistent.", None),
    ],
)
def test_a_verdict_is_two_numbers_or_cannot_be_read(verdict: str, found: ExampleCount | None) -> None:
    assert example_count(verdict) == found
