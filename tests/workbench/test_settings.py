from __future__ import annotations

import pytest

from lean_bridge.errors import InputError
from workbench.settings import LeanKind, Settings


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
