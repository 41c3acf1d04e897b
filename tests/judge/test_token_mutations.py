"""Mutants of honest proofs: what the judge accepts of them, Lean accepts as a plain file."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest

from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import Toolchain
from prover.judge import Judge, Proof, Statement, Submission, Terms, WholeFile
from tests.judge.cases import Honest, honest
from tests.judge.mutate import Campaign, mutants_of, mutated, tokens
from tests.judge.oracle import Oracle

TRIES = 40
SEED = 20_250_301


@pytest.fixture(scope="module")
async def oracle(toolchain: Toolchain) -> AsyncIterator[Oracle]:
    async with Oracle(toolchain) as oracle:
        yield oracle


@pytest.mark.slow
async def test_what_is_accepted_of_mutants_is_right(pool: LeanPool, oracle: Oracle) -> None:
    campaign = Campaign(honest(), Judge(pool, Terms(seconds=5.0)), oracle, seed=SEED)
    tally = await campaign.run(TRIES, workers=2)
    assert not tally.wrong, "\n".join(map(str, tally.wrong))
    assert not tally.doubtful, "\n".join(map(str, tally.doubtful))
    assert tally.tries == TRIES
    assert tally.accepted
    assert tally.rejected["parse"]
    assert tally.rejected["elaboration"]


@pytest.mark.parametrize(
    ("statement", "submission", "objection"),
    [
        ("theorem target : 1 + 1 = 2 := sorry", Proof("rfl"), None),
        ("1 + 1 = 2", Proof("by rfl"), None),
        ("theorem target : ∀ n : Nat, n = n := sorry", Proof("| 0 => rfl\n| _ + 1 => rfl"), None),
        (
            "theorem target : twice 1 = 2 := sorry",
            WholeFile("def twice (k : Nat) := k + k\ntheorem target : twice 1 = 2 := rfl"),
            None,
        ),
        ("theorem target : 1 + 1 = 3 := sorry", Proof("rfl"), "has an error"),
        ("theorem target : 1 + 1 = 3 := sorry", Proof("by sorry"), "sorryAx"),
        ("theorem target : False := sorry", Proof("cheat"), "cheat"),
        ("theorem target : 1 = 1 := sorry", WholeFile("theorem other : 1 = 1 := rfl"), "missing"),
        ("theorem target : 1 = 1 := sorry", WholeFile("def target : 1 = 1 := rfl"), "other"),
        ("theorem target : 1 + 1 = 2 := sorry", WholeFile("theorem target : 2 = 1 + 1 := rfl"), "something else"),
        (
            "theorem target : twice 1 = 2 := sorry",
            WholeFile("def twice (_ : Nat) := 2\ntheorem target : twice 1 = 2 := rfl"),
            "something else",
        ),
    ],
)
async def test_the_oracle_knows_right_from_wrong(
    oracle: Oracle, statement: str, submission: Submission, objection: str | None
) -> None:
    header = "def twice (n : Nat) := n + n\naxiom cheat : False"
    found = await oracle.objection(Statement(statement, header), submission)
    assert (found is None) == (objection is None), found
    assert (objection or "") in (found or "")


@pytest.mark.parametrize("case", honest(), ids=lambda case: case.id)
def test_the_pieces_of_a_text_join_to_it(case: Honest) -> None:
    assert "".join(tokens(case.submission.text)) == case.submission.text


def test_the_pieces_of_a_text_are_words() -> None:
    text = "by simp [h.1, «a b».c] <;> exact ⟨fun x' => x'.le, \"a b\", 'c'⟩ -- done"
    words = [piece for piece in tokens(text) if not piece.isspace()]
    expected = "by,simp,[,h,.,1,COMMA,«a b».c,],<;>,exact,⟨,fun,x',=>,x'.le,COMMA,\"a b\",COMMA,'c',⟩, -- done"
    assert words == [word.replace("COMMA", ",") for word in expected.split(",")]


def test_mutants_depend_on_seed_and_number_and_differ_from_the_text() -> None:
    case = next(case for case in honest() if case.id == "calc-term")
    first = [mutant.submission.text for mutant in mutants_of(case, 7, range(40))]
    assert first[5:] == [mutant.submission.text for mutant in mutants_of(case, 7, range(5, 40))]
    assert first != [mutant.submission.text for mutant in mutants_of(case, 8, range(40))]
    assert case.submission.text not in first
    assert len(set(first)) > 20


def test_a_mutant_has_the_words_of_its_text() -> None:
    text = "by exact Nat.le_trans h k"
    for seed in range(50):
        assert set(mutated(text, random.Random(seed)).split()) <= set(text.split())
