"""The environment of a function, derived from the settings that it reads."""

from collections.abc import Mapping
from importlib import import_module

from pydantic_settings import BaseSettings


def environment(function: str, variables: Mapping[str, str]) -> dict[str, str]:
    """The values of all variables that the function's settings require.

    A setting with a default keeps its default. Raises KeyError for a variable without a value.
    """
    settings: type[BaseSettings] = import_module(f"functions.{function}.settings").Settings
    required = (
        name.upper() for name, field in settings.model_fields.items() if field.is_required()
    )
    return {name: variables[name] for name in required}
