"""Byte-level BPE for Lean text, and the tokens that mark where prompt and completion begin.

A tokenizer of ours has the tokens of `SPECIAL`, and a pair is written as

    <|prompt|> prompt <|completion|> completion <|end|>

Every text can be written and read back, since each byte is a token of its own; merges are learnt within words (Radford et al. 2019,
"Language Models are Unsupervised Multitask Learners", section 2.2, whose rule for words is used).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prover.errors import BadTraining
from prover.train.rows import Borders, Encode

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PADDING, PROMPT, COMPLETION, END = SPECIAL = ("<|pad|>", "<|prompt|>", "<|completion|>", "<|end|>")

SMALLEST = 256 + len(SPECIAL)
"""Tokens without any merge."""


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerBase:
    """Learns merges from texts. Equal texts in equal order give an equal tokenizer.

    Args:
        texts: any; `SPECIAL` in them are read as text would be that looks like them, so they should not occur.
        vocabulary: tokens, at most; fewer where the texts repeat too little.

    Raises:
        BadTraining: the vocabulary has no room for the bytes.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    if vocabulary < SMALLEST:
        raise BadTraining(f"A vocabulary of {vocabulary} tokens has no room for all bytes; give {SMALLEST} or more.")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast: Any = PreTrainedTokenizerFast
    made: PreTrainedTokenizerBase = fast(
        tokenizer_object=tokenizer,
        bos_token=PROMPT,
        eos_token=END,
        pad_token=PADDING,
        clean_up_tokenization_spaces=False,
    )
    return made


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer in the folder of a model.

    Raises:
        BadTraining: there is none.
    """
    from transformers import AutoTokenizer

    try:
        found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise BadTraining(
            f"{folder} has no tokenizer that transformers can load ({_first_line(error)}); name the folder of a model "
            "with its tokenizer beside it."
        ) from error
    return found


def borders(tokenizer: PreTrainedTokenizerBase, *, encoder: bool) -> Borders:
    """What marks prompt and completion for a tokenizer: `SPECIAL` if it has them, else what it begins and ends texts with.

    A decoder of another kind gets a line break between prompt and completion; an encoder gets the prompt with the end token.

    Raises:
        BadTraining: it has no token for the end.
    """
    if COMPLETION in tokenizer.get_vocab():
        numbers = tokenizer.get_vocab()
        return Borders((numbers[PROMPT],), (numbers[COMPLETION],), (numbers[END],))
    end_token, begin_token = _number(tokenizer.eos_token_id), _number(tokenizer.bos_token_id)
    if not end_token:
        raise BadTraining("The model's tokenizer has no token for the end of a text, so it cannot learn to stop.")
    if encoder:
        return Borders((), end_token, end_token)
    return Borders(begin_token, tuple(tokenizer.encode("\n", add_special_tokens=False)), end_token)


def encoder_of(tokenizer: PreTrainedTokenizerBase) -> Encode:
    """How texts become tokens, many in a call."""

    def encode(texts: list[str]) -> list[list[int]]:
        found: Any = tokenizer(texts, add_special_tokens=False, return_attention_mask=False)["input_ids"]
        return list(found)

    return encode


def padding_of(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token that fills lines up: it is masked everywhere, so any will do."""
    return (_number(tokenizer.pad_token_id) or _number(tokenizer.eos_token_id))[0]


def _number(token: object) -> tuple[int, ...]:
    return (token,) if isinstance(token, int) else ()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
