"""The tokenizer, with and without the package whose outcome it has to have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lean_bridge.errors import InputError
from prover.small.tokens import Tokenizer
from tests.prover.small.toy import BYTE, COMPLETION, END, MARKS, MERGES, PROMPT, tokenizer_document, written

LEAN = """\
theorem Nat.foo {α : Type u} (h₁ : ∀ ε > 0, ‖x - y‖ ≤ ε) : x = y ∧ ¬ False ↔ ⟨𝓞, ℝ≥0∞⟩ := by
  simp only [Nat.succ_eq_add_one, ← h₁]   -- it's n₁₂ x² ½ Ⅷ, we'll don't 'tis
\texact fun ⟨_, hb⟩ ↦ (hb ▸ rfl) -- größer\r
\x1c\x85\xa0\u2028\u3000  inst✝¹ : Group α\n\n\n⊢ 日本 🎉🏽 e\u0301 ⬝⬝⬝⬝  --------
"""

TEXTS = st.text(st.one_of(st.characters(exclude_categories=["Cs", "Cn"]), st.sampled_from("'strevmld₁² \n\t\x85αh.⊢")))


@pytest.fixture(scope="module")
def toy() -> Tokenizer:
    return Tokenizer(tokenizer_document())


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_can_be_read_back(toy: Tokenizer, text: str) -> None:
    assert toy.decode(toy.encode(text)) == text


def test_merges_are_done_in_the_order_in_which_they_were_learnt(toy: Tokenizer) -> None:
    def named(*tokens: str) -> list[int]:
        return [toy_vocabulary[token] for token in tokens]

    toy_vocabulary = tokenizer_document()["model"]["vocab"]
    assert toy.encode("trivial") == named("tri", "v", "i", "a", "l")
    assert toy.encode("⊢ n") == named("âĬ", "¢", "Ġn")
    # `Ġâ` was learnt before `âĬ`.
    assert toy.encode(" ⊢") == named("Ġâ", "Ĭ", "¢")
    assert toy.encode("tr iv") == named("tr", "Ġ", "iv")


def test_marks_are_read_in_no_text_and_written_in_none(toy: Tokenizer) -> None:
    assert (toy.prompt, toy.completion, toy.end) == (PROMPT, COMPLETION, END)
    assert not {*toy.encode("".join(MARKS))} & {0, 1, 2, 3}
    assert toy.decode([PROMPT, *toy.encode("x"), END]) == "x"
    assert toy.size == BYTE + 256 + len(MERGES)


def test_what_is_no_whole_character_is_not_lost_in_silence(toy: Tokenizer) -> None:
    assert toy.decode(toy.encode("α")[:1]) == "\N{REPLACEMENT CHARACTER}"
    assert toy.encode("\ud800") == toy.encode("?")


def test_a_line_of_thousands_of_signs_takes_no_time(toy: Tokenizer) -> None:
    assert len(toy.encode("⊢" * 20_000)) == 40_000


@pytest.mark.parametrize(
    "changed",
    [
        {"pre_tokenizer": {"type": "Metaspace"}},
        {"pre_tokenizer": None},
        {"normalizer": {"type": "NFC"}},
        {"added_tokens": []},
        {"model": {"type": "Unigram"}},
    ],
)
def test_a_tokenizer_of_another_kind_is_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    folder = written(tmp_path)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer_document() | changed))
    with pytest.raises(InputError, match="no tokenizer that `lemma train` makes"):
        Tokenizer.load(folder)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> tuple[Any, Tokenizer]:
    """A tokenizer that was learnt from Lean, as `tokenizers` has it and as it is read here."""
    pytest.importorskip("transformers", reason="NOT COMPARED WITH TOKENIZERS: install the extra `lm`")
    from prover.train.tokenizer import encoder_of, train_tokenizer

    texts = [path.read_text() for path in sorted((repository / "lean_project").rglob("*.lean"))]
    trained = train_tokenizer([LEAN, LEAN, *texts], 1500)
    folder = tmp_path_factory.mktemp("tokenizer")
    trained.save_pretrained(folder)
    return encoder_of(trained), Tokenizer.load(folder)


@pytest.mark.lm
def test_lean_has_the_tokens_that_tokenizers_gives_it(pair: tuple[Any, Tokenizer], repository: Path) -> None:
    theirs, ours = pair
    texts = [LEAN, *(path.read_text() for path in sorted((repository / "examples").rglob("*.lean")))]
    assert [ours.encode(text) for text in texts] == theirs(texts)


@pytest.mark.lm
@given(text=TEXTS)
def test_any_text_has_the_tokens_that_tokenizers_gives_it(pair: tuple[Any, Tokenizer], text: str) -> None:
    theirs, ours = pair
    assert [ours.encode(text)] == theirs([text])
