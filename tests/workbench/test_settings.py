from __future__ import annotations

import pytest

from lean_bridge.errors import InputError
from workbench.settings import LeanKind, Settings, api_key


def test_without_variables_the_machine_decides() -> None:
    settings = Settings.from_environment({})
    assert settings.lean is LeanKind.auto
    assert settings.workers >= 1


def test_variables_are_taken_over() -> None:
    settings = Settings.from_environment({"LEMMAFORGE_LEAN": "native", "LEMMAFORGE_WORKERS": "7"})
    assert settings == Settings(LeanKind.native, 7)


@pytest.mark.parametrize("variable", ["LEMMAFORGE_LEAN", "LEMMAFORGE_WORKERS"])
@pytest.mark.parametrize("value", ["", "0", "-1", "many", "Native"])
def test_a_wrong_value_is_refused_with_its_variable_and_the_cure(variable: str, value: str) -> None:
    with pytest.raises(InputError, match=f"{variable} is '{value}'; set it to"):
        Settings.from_environment({variable: value})


def test_a_key_is_that_of_the_variable_that_was_named() -> None:
    variables = {"OPENAI_API_KEY": "sk-theirs", "MINE": " sk-mine\n"}
    assert api_key(None, variables) == "sk-theirs"
    assert api_key("MINE", variables) == "sk-mine"
    assert api_key(None, {}) is None


@pytest.mark.parametrize("variables", [{}, {"MINE": " "}])
def test_a_named_variable_without_a_key_is_refused(variables: dict[str, str]) -> None:
    with pytest.raises(InputError, match="MINE is not set; put the API key into it"):
        api_key("MINE", {"OPENAI_API_KEY": "sk-theirs", **variables})
