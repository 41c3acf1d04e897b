from __future__ import annotations

import pytest

from prover.countermath.prompts import ANSWERING, JUDGING

DIGESTS = {
    "plain": "3f56819b4c99c253d80ff6788a5c63f08d03ee21c61757a83da3ad9cb621d0a0",
    "hint": "e2838fcfe4a4651ed4b47ad62f1a881a5a7c4df8945d801139a50c17e2ca51bd",
    "strict-format": "22a0dcd6f56810d2300c1999c6d9ecb0f793dacaf33995393e2e2a127e581206",
    "judge-1": "52f8e10c2345d6c999d822dbf1092ab9e5aebeb4495ff2b1da1648d2b5dfc5d3",
}


def test_a_version_never_changes_its_words() -> None:
    assert {name: prompt.digest for name, prompt in {**ANSWERING, **JUDGING}.items()} == DIGESTS


@pytest.mark.parametrize("name", ANSWERING)
def test_a_statement_is_put_into_the_prompt_as_it_is(name: str) -> None:
    statement = r"If $f \in \{g, \mathbb{R}\}$ then {rationale} holds."
    text = ANSWERING[name].filled(statement=statement)
    assert f"Statement: {statement}\n" in text
    assert "Judgement: True" in text
    assert "{statement}" not in text


def test_a_judge_sees_statement_reference_and_answer_and_their_braces_are_not_places() -> None:
    text = JUDGING["judge-1"].filled(statement="S {answer}", rationale="R {statement}", answer="A {rationale}")
    assert "S {answer}\n" in text
    assert "R {statement}\n" in text
    assert "A {rationale}\n" in text


def test_a_place_without_its_part_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError, match="statement"):
        ANSWERING["plain"].filled(answer="A")
