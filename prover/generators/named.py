"""The generators by name, as the command line and reports know them.

A name is `rules`, `single`, a language model such as `small` (`prover.generators.specification`), or several of these with `+` between them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING

from lean_bridge.errors import InputError
from prover.core import Generator
from prover.generators.combined import CombinedGenerator
from prover.generators.rulebook import Rule
from prover.generators.rules import RulesGenerator

if TYPE_CHECKING:
    from prover.generators.language import LanguageModel
    from prover.generators.specification import ModelSpec

SINGLE_TACTICS = ("decide", "omega", "simp", "grind")
"""What the baseline tries, the cheapest first."""


def _single() -> RulesGenerator:
    """Each of `SINGLE_TACTICS` by itself, which closes the goal or has failed."""

    def rule(tactic: str, place: int) -> Rule:
        return Rule(tactic, 0.1 * place, lambda view: (tactic,), final=True)

    return RulesGenerator([rule(tactic, place) for place, tactic in enumerate(SINGLE_TACTICS)], (), ())


GENERATORS: Mapping[str, Callable[[], Generator]] = MappingProxyType({"rules": RulesGenerator, "single": _single})
"""Those that need no model. `single` is a baseline. The first is the default."""

_BETWEEN = re.compile(r"\+(?=hf:|openai:|small:|small\?|(?:rules|single|small)(?:\+|$))")
"""A `+` within a path or the name of a model is none that stands between generators."""

KeyOf = Callable[[str | None], str | None]
"""From the name of an environment variable, or None for the usual one, to the key in it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A generator that is ready, and the name that it is recorded under: all that its proposals depend on."""

    generator: Generator
    name: str


def parsed(text: str) -> list[str | ModelSpec]:
    """The generators that a name consists of: those of `GENERATORS` by their names, and models.

    Raises:
        InputError: there is no such generator, or an option of a model is wrong.
    """
    return [_part(part) for part in _BETWEEN.split(text)]


def _part(text: str) -> str | ModelSpec:
    if text in GENERATORS:
        return text
    if text.startswith(("small:", "small?", "hf:", "openai:")) or text == "small":
        from prover.generators.specification import parsed_model

        return parsed_model(text)
    known = f"{', '.join(GENERATORS)}, small, hf:PATH or openai:URL#MODEL, or several with + between them"
    raise InputError(f"--generator {text}: there is no such thing; choose one of {known}.")


@asynccontextmanager
async def opened(text: str, key_of: KeyOf) -> AsyncIterator[Opened]:
    """The generator of a name, with its models loaded and its servers' connections open.

    Args:
        text: the name.
        key_of: finds the keys of servers.

    Raises:
        InputError: of `parsed`, of `key_of`, or a model cannot be loaded.
        ChatRefused: a key cannot be used.
    """
    wanted = parsed(text)
    # What rules close at once is not worth a model's time.
    later = any(isinstance(part, str) for part in wanted)
    async with AsyncExitStack() as stack:
        parts: list[Opened] = []
        for part in wanted:
            if isinstance(part, str):
                parts.append(Opened(GENERATORS[part](), part))
            else:
                parts.append(await _opened_model(part, key_of, stack, later=later))
        if len(parts) == 1:
            yield parts[0]
        else:
            combined = CombinedGenerator([part.generator for part in parts])
            yield Opened(combined, "+".join(part.name for part in parts))


async def _opened_model(spec: ModelSpec, key_of: KeyOf, stack: AsyncExitStack, *, later: bool) -> Opened:
    from prover.generators.model import ModelGenerator

    if spec.kind == "openai":
        model, version = await _server(spec, key_of, stack)
    else:
        model, version = await (_small if spec.kind == "small" else _loaded)(spec, stack)
    generator = ModelGenerator(model, spec.form, spec.sampling, rule=spec.short, later=later)
    return Opened(generator, spec.recorded(version))


async def _server(spec: ModelSpec, key_of: KeyOf, stack: AsyncExitStack) -> tuple[LanguageModel, str]:
    from prover.chat import ChatClient, Patience
    from prover.generators.openai import OpenAIModel

    # A search has a minute or so: a server that is gone has to be known as that before the time is.
    patience = Patience(tries=4, first=0.5, longest=30.0, tries_when_down=1)
    key = key_of(spec.key)
    client = ChatClient(spec.place, spec.model, chance=Random(0), api_key=key, seconds=spec.timeout, patience=patience)
    return OpenAIModel(await stack.enter_async_context(client), concurrency=spec.concurrency), ""


async def _small(spec: ModelSpec, stack: AsyncExitStack) -> tuple[LanguageModel, str]:
    from prover.small.model import SmallModel
    from prover.small.weights import PACKAGED

    model = await asyncio.to_thread(SmallModel.load, Path(spec.place) if spec.place else PACKAGED)
    stack.callback(model.close)
    return model, model.version


async def _loaded(spec: ModelSpec, stack: AsyncExitStack) -> tuple[LanguageModel, str]:
    from prover.generators.hf import HuggingFaceModel

    model = await asyncio.to_thread(HuggingFaceModel.load, spec.place)
    stack.callback(model.close)
    if spec.form.chat and not model.chats:
        cure = "choose a format that is no chat, such as plain"
        raise InputError(f"hf:{spec.place} has no chat template, and the format {spec.form.name} is a chat; {cure}.")
    return model, model.version
