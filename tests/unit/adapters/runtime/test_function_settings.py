"""A function with wrong settings fails at its cold start and says why."""

import importlib
import os
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from trading.adapters.runtime.settings import SettingsError, load

COMMON = {"STAGE", "LOG_LEVEL", "POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"}
SIMULATORS = {"VENUES_API_ID", "VENUES_API_STAGE"}
"""One of two ways to say where the venues are."""
VALUES = {"SIGNING_KEYS": '{"trading-api": ["key"]}'}
"""Of the variables that do not take any text."""
NAMES = sorted(
    path.parent.name
    for path in (Path(__file__).resolve().parents[4] / "functions").glob("*/handler.py")
)


def settings_of(name: str) -> type[BaseSettings]:
    settings: type[BaseSettings] = importlib.import_module(f"functions.{name}.settings").Settings
    return settings


def required(name: str) -> set[str]:
    return {
        field.upper()
        for field, info in settings_of(name).model_fields.items()
        if info.is_required()
    }


@pytest.fixture
def no_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for variable in {variable for name in NAMES for variable in required(name)} & os.environ.keys():
        monkeypatch.delenv(variable)
    return monkeypatch


@pytest.mark.parametrize("name", NAMES)
def test_one_message_names_every_missing_variable_of_a_function(
    name: str, no_environment: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError) as failure:
        load(settings_of(name))
    message = str(failure.value)
    assert message.startswith(f"functions.{name}.settings: bad environment: ")
    assert {part.partition(" ")[0] for part in message.split(": ", 2)[2].split("; ")} == required(
        name
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_single_missing_or_empty_variable_is_reported(
    name: str, no_environment: pytest.MonkeyPatch
) -> None:
    for variable in required(name) | SIMULATORS:
        no_environment.setenv(variable, VALUES.get(variable, "INFO"))
    load(settings_of(name))
    missing = sorted(required(name) - COMMON)[0]
    no_environment.setenv(missing, "")
    with pytest.raises(SettingsError, match=rf"bad environment: {missing} \([^;]*\)$"):
        load(settings_of(name))


def test_a_rate_limit_is_positive(no_environment: pytest.MonkeyPatch) -> None:
    for variable in required("orders"):
        no_environment.setenv(variable, "INFO")
    no_environment.setenv("RATE_LIMIT_REQUESTS", "0")
    no_environment.setenv("RATE_LIMIT_WINDOW_SECONDS", "ten")
    with pytest.raises(SettingsError, match=r"RATE_LIMIT_REQUESTS .*; RATE_LIMIT_WINDOW_SECONDS"):
        load(settings_of("orders"))
