"""How a language model is named on the command line and in records: `small?…`, `small:DIR?…`, `hf:PATH?…` and `openai:URL#MODEL?…`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from lean_bridge.errors import InputError
from prover.chat import public_address
from prover.errors import ChatRefused
from prover.generators.language import Sampling
from prover.generators.prompts import FORMATS, PromptFormat

DEFAULT_FORMATS: Final[Mapping[str, str]] = {"small": "plain", "hf": "plain", "openai": "sharegpt-proof"}

SMALL_TOKENS = 128
"""The small model writes at most so many: hardly a tactic has more, and who goes on is not going to end."""

Kind = Literal["small", "hf", "openai"]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model, and how it is asked."""

    kind: Kind
    place: str
    """A folder or a name on the hub; the base URL of a server; empty for the model that is part of the package."""
    model: str
    """Its name on the server; empty where the place says it all."""
    form: PromptFormat
    sampling: Sampling
    concurrency: int = 8
    """Requests of a server at a time."""
    timeout: float = 600.0
    """Seconds that a server may be silent."""
    key: str | None = None
    """The variable with the key of the server."""

    @property
    def short(self) -> str:
        """For statistics and pictures."""
        return f"model: {self.model or self.place.rstrip('/').rpartition('/')[2] or self.kind}"

    def recorded(self, version: str = "") -> str:
        """All that results depend on, and no secret. `version` is that of what is loaded."""
        place = f"{public_address(self.place)}#{self.model}" if self.kind == "openai" else self.place
        drawn = self.sampling
        options = (
            f"format={self.form.name}&samples={drawn.samples}&temperature={drawn.temperature:g}&top_p={drawn.top_p:g}"
            f"&max_tokens={drawn.max_tokens}"
        )
        return f"{_named(self.kind, place)}?{options}" + (f" ({version})" if version else "")


def parsed_model(text: str) -> ModelSpec:
    """Reads a specification that is `small`, or begins with `small:`, `hf:` or `openai:`.

    Raises:
        InputError: it cannot be read; the message says what is wrong and how it is done.
    """
    if text.partition("?")[0] == "small":
        return _with_options("small", "", "", text.partition("?")[2])
    kind, _, rest = text.partition(":")
    if kind == "openai":
        place, mark, rest = rest.partition("#")
        model, _, options = rest.partition("?")
        if not mark or not model:
            raise InputError(f"{text}: name the model behind the server, as in openai:http://localhost:8000/v1#MODEL.")
        try:
            public_address(place)
        except ChatRefused as error:
            raise InputError(f"{text}: {error}") from error
        return _with_options("openai", place, model, options)
    place, _, options = rest.partition("?")
    if kind == "small":
        if not place:
            raise InputError(f"{text}: name the folder of a model, as in small:DIR, or none, as in small.")
        return _with_options("small", place, "", options)
    if not place:
        raise InputError(
            f"{text}: name a model, by its folder or its name on the Hugging Face hub, as in hf:OWNER/NAME."
        )
    return _with_options("hf", place, "", options)


def _with_options(kind: Kind, place: str, model: str, options: str) -> ModelSpec:
    named = _named(kind, place)
    formats = tuple(FORMATS) if kind != "small" else (DEFAULT_FORMATS[kind],)
    given = dict(part.partition("=")[::2] for part in options.split("&") if part)
    readers = _OF_SAMPLING | (_OF_SERVER if kind == "openai" else {})
    for name in given:
        if name not in {"format", *readers}:
            raise InputError(f"{named}: there is no option {name}; there are {', '.join(['format', *readers])}.")
    asked = given.pop("format", DEFAULT_FORMATS[kind])
    if asked not in formats:
        raise InputError(f"{named}: there is no format {asked}; choose one of {', '.join(formats)}.")
    values = {name: readers[name](f"{named}: {name}", value) for name, value in given.items()}
    form = FORMATS[asked]
    usual = replace(form.sampling, max_tokens=SMALL_TOKENS) if kind == "small" else form.sampling
    sampling = replace(usual, **{name: value for name, value in values.items() if name in _OF_SAMPLING})
    server = {name: value for name, value in values.items() if name in _OF_SERVER}
    return replace(ModelSpec(kind, place, model, form, sampling), **server)


def _named(kind: Kind, place: str) -> str:
    return f"{kind}:{place}" if place else kind


def _count(words: str, value: str) -> int:
    if not (value.isascii() and value.isdecimal() and int(value)):
        raise InputError(f"{words} is {value!r}; give a number from 1.")
    return int(value)


def _number(least: float, most: float, cure: str) -> Callable[[str, str], float]:
    def read(words: str, value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not least <= number <= most:
            raise InputError(f"{words} is {value!r}; {cure}.")
        return number

    return read


def _variable(words: str, value: str) -> str:
    if not value.isidentifier():
        # What was given may be the key, and is not repeated.
        raise InputError(f"{words}: name the environment variable that has the key, not the key itself.")
    return value


_Reader = Callable[[str, str], Any]
"""From words for a message and the text of a value to the value."""

_OF_SAMPLING: Final[dict[str, _Reader]] = {
    "samples": _count,
    "temperature": _number(0.0, 10.0, "give a number from 0, where 0 takes the likeliest"),
    "top_p": _number(1e-6, 1.0, "give a number above 0 and up to 1"),
    "max_tokens": _count,
}
_OF_SERVER: Final[dict[str, _Reader]] = {
    "concurrency": _count,
    "timeout": _number(1.0, 86_400.0, "give seconds from 1 to 86400"),
    "key": _variable,
}
