"""Generators by name: what is read, what is refused, what is recorded."""

from __future__ import annotations

import sys

import pytest

from lean_bridge.errors import InputError
from prover.generators.combined import CombinedGenerator
from prover.generators.language import Sampling
from prover.generators.model import ModelGenerator
from prover.generators.named import opened, parsed
from prover.generators.rules import RulesGenerator
from prover.generators.specification import ModelSpec

SERVER = "openai:http://localhost:8000/v1#Qwen/Qwen3+math"


def one(text: str) -> ModelSpec:
    (spec,) = parsed(text)
    assert isinstance(spec, ModelSpec)
    return spec


def no_key(variable: str | None) -> str | None:
    return None


def test_a_model_has_the_sampling_of_its_format_but_for_what_is_said() -> None:
    spec = one("hf:models/a?format=deepseek-prover-v1.5&samples=32&temperature=0.8")
    assert (spec.place, spec.form.name) == ("models/a", "deepseek-prover-v1.5")
    assert spec.sampling == Sampling(32, 0.8, 0.95, 2048, ("```",))
    assert one("hf:a").form.name == "plain"


def test_a_model_of_a_server_is_named_behind_its_address() -> None:
    spec = one(f"{SERVER}?format=kimina-prover&concurrency=2&timeout=30&key=MY_KEY")
    assert (spec.place, spec.model) == ("http://localhost:8000/v1", "Qwen/Qwen3+math")
    assert (spec.concurrency, spec.timeout, spec.key) == (2, 30.0, "MY_KEY")


def test_a_plus_stands_between_generators_and_may_be_in_a_name() -> None:
    assert parsed("rules+single") == ["rules", "single"]
    names = [
        part if isinstance(part, str) else part.short for part in parsed(f"rules+hf:a+b/c+d?samples=2+{SERVER}+single")
    ]
    assert names == ["rules", "model: c+d", "model: Qwen/Qwen3+math", "single"]


def test_the_small_model_is_that_of_the_package_or_of_a_folder() -> None:
    packaged, other = one("small?samples=8&temperature=0"), one("small:models/a/model")
    assert (packaged.place, packaged.short, packaged.sampling) == ("", "model: small", Sampling(8, 0.0, 1.0, 128))
    assert (other.place, other.form.name) == ("models/a/model", "plain")
    assert packaged.recorded("v") == "small?format=plain&samples=8&temperature=0&top_p=1&max_tokens=128 (v)"
    assert one(other.recorded()) == other
    names = [part if isinstance(part, str) else part.short for part in parsed("rules+small+small?samples=2+small:a+b")]
    assert names == ["rules", "model: small", "model: small", "model: a+b"]


@pytest.mark.parametrize(
    ("text", "complaint", "cure"),
    [
        ("", "there is no such thing", "choose one of rules, single, small, hf:PATH"),
        ("gpt", "there is no such thing", "openai:URL#MODEL"),
        ("rules+", "there is no such thing", "choose one of"),
        ("rules+gpt", "there is no such thing", "choose one of"),
        ("hf:", "name a model", "hf:OWNER/NAME"),
        ("hf:?samples=2", "name a model", "hf:OWNER/NAME"),
        ("openai:http://localhost/v1", "name the model", "openai:http://localhost:8000/v1#MODEL"),
        ("openai:http://localhost/v1#", "name the model", "#MODEL"),
        ("openai:localhost#m", "is no address of a server", "http://localhost:8000/v1"),
        ("small:", "name the folder of a model", "small:DIR"),
        ("small:?samples=2", "name the folder of a model", "small:DIR"),
        ("small?format=sharegpt", "small: there is no format sharegpt", "choose one of plain."),
        ("small?timeout=3", "small: there is no option timeout", "there are format, samples"),
        ("small:a?samples=0", "small:a: samples is '0'", "a number from 1"),
        ("smaller", "there is no such thing", "choose one of"),
        ("hf:a?format=chatml", "there is no format chatml", "choose one of plain, "),
        ("hf:a?sample=3", "there is no option sample", "there are format, samples"),
        ("hf:a?key=K", "there is no option key", "there are format, samples"),
        ("hf:a?samples=0", "samples is '0'", "a number from 1"),
        ("hf:a?samples", "samples is ''", "a number from 1"),
        ("hf:a?max_tokens=1e3", "max_tokens is '1e3'", "a number from 1"),
        ("hf:a?temperature=hot", "temperature is 'hot'", "a number from 0"),
        ("hf:a?temperature=nan", "temperature is 'nan'", "a number from 0"),
        ("hf:a?temperature=-1", "temperature is '-1'", "a number from 0"),
        ("hf:a?top_p=0", "top_p is '0'", "above 0"),
        (f"{SERVER}?timeout=0", "timeout is '0'", "seconds from 1"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_cure(text: str, complaint: str, cure: str) -> None:
    with pytest.raises(InputError) as failure:
        parsed(text)
    assert complaint in str(failure.value)
    assert cure in str(failure.value)


def test_a_key_in_the_place_of_its_variable_is_not_repeated() -> None:
    with pytest.raises(InputError, match="name the environment variable") as failure:
        parsed(f"{SERVER}?key=sk-secret")
    assert "secret" not in str(failure.value)


async def test_what_is_recorded_has_all_that_results_depend_on_and_no_secret() -> None:
    asked: list[str | None] = []

    def key_of(variable: str | None) -> str | None:
        asked.append(variable)
        return "sk-secret"

    text = "rules+openai:http://me:secret@localhost/v1/?token=secret#m?format=kimina-prover&samples=4&key=MY_KEY"
    async with opened(text, key_of) as found:
        assert isinstance(found.generator, CombinedGenerator)
        assert found.name == (
            "rules+openai:http://localhost/v1#m?format=kimina-prover&samples=4&temperature=0.6&top_p=0.95&max_tokens=8096"
        )
    assert asked == ["MY_KEY"]


async def test_a_local_model_without_its_packages_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"needs transformers and torch, and torch is missing; .*lemmaforge\[lm\]"):
        async with opened("hf:models/a", no_key):
            pass


async def test_one_generator_alone_is_itself_and_keeps_its_name() -> None:
    async with opened("rules", no_key) as found:
        assert isinstance(found.generator, RulesGenerator)
        assert found.name == "rules"
    async with opened(SERVER, no_key) as found:
        assert isinstance(found.generator, ModelGenerator)
