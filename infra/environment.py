"""The environment of a function, derived from the settings that it reads."""

from collections.abc import Mapping
from importlib import import_module

from pydantic_settings import BaseSettings


def environment(function: str, variables: Mapping[str, str]) -> dict[str, str]:
    """The values of the function's settings.

    A setting without a value keeps its default. Raises KeyError for one without either.
    """
    settings: type[BaseSettings] = import_module(f"functions.{function}.settings").Settings
    return {
        name.upper(): variables[name.upper()]
        for name, field in settings.model_fields.items()
        if field.is_required() or name.upper() in variables
    }
