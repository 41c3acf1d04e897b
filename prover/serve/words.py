"""The model's tokenizer, for two threads."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any


class Words:
    """Text to tokens and back. The tokenizers of transformers change while they work, so one thread is let in at a time."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._lock = threading.Lock()

    @property
    def chats(self) -> bool:
        """Whether the model knows how a talk is laid out."""
        return bool(self._tokenizer.chat_template)

    def of_text(self, text: str) -> tuple[int, ...]:
        """The tokens of a prompt, with the marks that the model puts at a beginning."""
        with self._lock:
            return tuple(self._tokenizer(text)["input_ids"])

    def of_talk(self, messages: Sequence[Mapping[str, str]]) -> tuple[int, ...]:
        """The tokens of a talk whose next message is the model's.

        Raises:
            ValueError: the template does not take these messages.
        """
        from jinja2.exceptions import TemplateError

        with self._lock:
            try:
                text = self._tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
            except TemplateError as error:
                raise ValueError(str(error)) from error
            # The template has put its marks at the beginning already.
            return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def text(self, tokens: Sequence[int]) -> str:
        """The text of tokens, without the special ones."""
        with self._lock:
            return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True))

    def pieces(self, tokens: Sequence[int]) -> list[str]:
        """The text of each token by itself, special ones included."""
        with self._lock:
            return [str(self._tokenizer.decode([token])) for token in tokens]

    @property
    def end(self) -> int | None:
        """The token that ends a text, if there is one."""
        found: int | None = self._tokenizer.eos_token_id
        return found
